//! Files of certificates, keys and lists, as PEM text.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use crate::error::{Error, Result, io_reason};
use crate::reading::{self, MIB};

/// More than all the certificates that anybody trusts.
pub(super) const LARGEST: u64 = 16 * MIB;

/// All that is of this kind in the file, at least one; `noun` is what it is called.
pub(super) fn read<T: PemObject>(path: &Path, parameter: &str, noun: &str) -> Result<Vec<T>> {
    let bytes =
        reading::bytes(path, LARGEST).map_err(|error| unreadable(path, parameter, &error))?;
    parse(&bytes, path, noun)
}

/// All that is of this kind in the text of a file.
pub(super) fn parse<T: PemObject>(bytes: &[u8], path: &Path, noun: &str) -> Result<Vec<T>> {
    let shown = path.display();
    let found: Result<Vec<T>, _> = T::pem_slice_iter(bytes).collect();
    let found = found.map_err(|error| {
        Error::configuration(format!("{shown} is damaged"))
            .because(Error::configuration(damage(&error)))
            .hint(format!("fetch or make the {noun} again"))
    })?;
    if !found.is_empty() {
        return Ok(found);
    }
    let error = if bytes.trim_ascii().is_empty() {
        Error::configuration(format!("{shown} is empty"))
            .hint(format!("put the {noun} into it, as PEM text"))
    } else if bytes.starts_with(&[0x30]) {
        // The first byte of every DER file; in PEM it would be a digit before any section.
        let error = Error::configuration(format!("{shown} is DER, not PEM"));
        let program = match noun {
            "certificate" => "x509",
            "list of revoked certificates" => "crl",
            _ => "pkey",
        };
        error.hint(format!(
            "turn it into PEM: `openssl {program} -inform der -in {shown} -out {shown}.pem`"
        ))
    } else {
        Error::configuration(format!("there is no {noun} in {shown}"))
            .hint(format!("put the {noun} into it, as PEM text"))
    };
    Err(error.into())
}

fn damage(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "its last section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section does not begin as it should",
        _ => "a section is not Base64",
    }
}

/// The file, which this parameter of an address names, cannot be read.
pub(super) fn unreadable(path: &Path, parameter: &str, error: &std::io::Error) -> Error {
    Error::configuration(format!("cannot read {}", path.display()))
        .because(Error::configuration(io_reason(error)))
        .hint(format!(
            "see to it that you may read it, or name another with `{parameter}=`"
        ))
}

/// Certificates as text.
pub(super) fn write(certificates: &[CertificateDer<'_>]) -> String {
    let mut text = String::new();
    for certificate in certificates {
        let body = STANDARD.encode(certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}
