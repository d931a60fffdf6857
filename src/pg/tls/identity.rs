//! Our own certificate, for servers that want to see one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::ClientConfig;
use rustls::ConfigBuilder;
use rustls::client::WantsClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::certificate::Certificate;
use super::{pem, trust};
use crate::error::{Error, Result};
use crate::pg::endpoint::{CertificateMode, Tls};
use crate::reading;

/// A certificate and the key that goes with it.
pub(super) struct Identity {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    chain: Vec<CertificateDer<'static>>,
    secret: PrivateKeyDer<'static>,
}

impl Identity {
    /// The one the address names, else the person's own, if both its files are there.
    pub(super) fn find(wishes: &Tls, home: Option<&Path>) -> Result<Option<Self>> {
        if wishes.certificate_mode == CertificateMode::Disable {
            return Ok(None);
        }
        let own = |name| trust::at_home(home, name);
        let key = wishes.key.clone().or_else(|| own("postgresql.key"));
        let certificate = wishes.certificate.clone().or_else(|| own("postgresql.crt"));
        match (certificate, key) {
            (Some(certificate), Some(key)) => Self::read(certificate, key).map(Some),
            (Some(certificate), None) if wishes.certificate.is_some() => Err(Error::configuration(
                format!("no key goes with the certificate {}", certificate.display()),
            )
            .hint("name its file with `sslkey=`")
            .into()),
            _ if wishes.certificate_mode == CertificateMode::Require => Err(Error::configuration(
                "sslcertmode=require wants a certificate of our own, and there is none",
            )
            .hint("name one with `sslcert=` and `sslkey=`")
            .into()),
            _ => Ok(None),
        }
    }

    fn read(certificate: PathBuf, key: PathBuf) -> Result<Self> {
        Ok(Self {
            chain: pem::read(&certificate, "sslcert", "certificate")?,
            secret: secret(&key)?,
            certificate,
            key,
        })
    }

    /// Whom the certificate is for.
    pub(super) fn subject(&self) -> Option<String> {
        Some(Certificate::read(self.chain.first()?)?.subject)
    }

    /// Has it shown to the server when that asks.
    pub(super) fn show(
        &self,
        builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    ) -> Result<ClientConfig> {
        builder
            .with_client_auth_cert(self.chain.clone(), self.secret.clone_key())
            .map_err(|error| {
                let (key, certificate) = (self.key.display(), self.certificate.display());
                let error = match error {
                    rustls::Error::InconsistentKeys(_) => Error::configuration(format!(
                        "the key {key} does not go with the certificate {certificate}"
                    )),
                    _ => Error::configuration(format!("the key {key} cannot be used"))
                        .note("RSA, ECDSA on P-256 and P-384, and Ed25519 are understood"),
                };
                error
                    .hint("name the certificate with `sslcert=` and its key with `sslkey=`")
                    .into()
            })
    }
}

fn secret(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let shown = path.display();
    let unreadable = |error: &std::io::Error| pem::unreadable(path, "sslkey", error);
    let file = reading::open(path).map_err(|error| unreadable(&error))?;
    let facts = file.metadata().map_err(|error| unreadable(&error))?;
    if !is_private(&facts) {
        return Err(
            Error::configuration(format!("others may read the key {shown}"))
                .hint(format!("keep it to yourself: `chmod 600 {shown}`"))
                .into(),
        );
    }
    let bytes = reading::rest(&file, pem::LARGEST).map_err(|error| unreadable(&error))?;
    let says = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    if says(b"BEGIN ENCRYPTED PRIVATE KEY") || says(b"Proc-Type: 4,ENCRYPTED") {
        return Err(
            Error::configuration(format!("the key {shown} is encrypted, which is not understood"))
                .hint(format!(
                    "store it decrypted, for yourself only: `(umask 077; openssl pkey -in {shown} -out {shown}.plain)`"
                ))
                .into(),
        );
    }
    let mut keys = pem::parse::<PrivateKeyDer<'static>>(&bytes, path, "private key")?;
    Ok(keys.swap_remove(0))
}

/// As libpq has it: readable for its owner only; for a group as well if it is root's.
fn is_private(facts: &fs::Metadata) -> bool {
    let forbidden = if facts.uid() == 0 { 0o037 } else { 0o077 };
    facts.mode() & forbidden == 0
}
