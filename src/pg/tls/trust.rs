//! Whose word counts: the roots that vouch for servers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls_native_certs::CertificateResult;

use super::pem;
use crate::error::{Error, Result};
use crate::pg::endpoint::{Mode, Tls, Trust};

/// Supabase's own roots, which no system trusts; published at
/// <https://supabase.com/docs/guides/platform/ssl-enforcement>.
const SUPABASE: &str = include_str!("supabase.pem");

/// Those who may vouch for a server.
pub(super) struct Anchors {
    pub(super) trust: Trust,
    /// As they came, for other programs and for servers that vouch for themselves.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// The same, for the verifier.
    pub(super) store: Arc<RootCertStore>,
    /// The file of lists of revoked certificates, if there is one.
    pub(super) list: Option<PathBuf>,
    pub(super) revoked: Vec<CertificateRevocationListDer<'static>>,
}

/// The mode in force: as libpq has it, `require` is `verify-ca` for whoever has a file of roots.
pub(super) fn mode(wishes: &Tls, mode: Mode, home: Option<&Path>) -> Mode {
    let has_roots = || wishes.trust.is_none() && at_home(home, "root.crt").is_some();
    if mode == Mode::Require && has_roots() {
        Mode::VerifyCa
    } else {
        mode
    }
}

/// Whether the root certificate lies where Supabase's documentation puts it, which is not where it is read.
pub(super) fn is_misplaced(home: Option<&Path>) -> bool {
    home.is_some_and(|home| home.join(".postgres/root.crt").is_file())
        && at_home(home, "root.crt").is_none()
}

/// Whether the host is one of Supabase's.
pub(super) fn is_supabase(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.ends_with(".supabase.co") || host.ends_with(".supabase.com")
}

/// A file of this name among the person's own, if there is one.
pub(super) fn at_home(home: Option<&Path>, name: &str) -> Option<PathBuf> {
    let path = home?.join(".postgresql").join(name);
    path.is_file().then_some(path)
}

impl Anchors {
    /// Those the address names, else the person's own, else those fit for the host.
    pub(super) fn load(wishes: &Tls, mode: Mode, host: &str, home: Option<&Path>) -> Result<Self> {
        let trust = trusted(wishes, host, home);
        if trust == Trust::System && mode < Mode::VerifyFull {
            return Err(Error::configuration(format!(
                "sslmode={mode} with the system's certificates would trust any server that has one"
            ))
            .hint(
                "write `sslmode=verify-full`, or name the issuer's certificate with `sslrootcert=`",
            )
            .into());
        }
        let (certificates, store) = match &trust {
            Trust::System => system(rustls_native_certs::load_native_certs())?,
            Trust::Supabase => supabase()?,
            Trust::File(path) => file(path)?,
        };
        let list = wishes.revoked.clone().or_else(|| at_home(home, "root.crl"));
        let revoked = match &list {
            Some(path) => pem::read(path, "sslcrl", "list of revoked certificates")?,
            None => Vec::new(),
        };
        Ok(Self {
            trust,
            certificates,
            store: Arc::new(store),
            list,
            revoked,
        })
    }

    /// Who they are, for people.
    pub(super) fn describe(&self) -> String {
        describe(&self.trust)
    }
}

/// Whom to trust: those the address names, else the person's own, else those fit for the host.
pub(super) fn trusted(wishes: &Tls, host: &str, home: Option<&Path>) -> Trust {
    match (&wishes.trust, at_home(home, "root.crt")) {
        (Some(trust), _) => trust.clone(),
        (None, Some(file)) => Trust::File(file),
        (None, None) if is_supabase(host) => Trust::Supabase,
        (None, None) => Trust::System,
    }
}

/// Who they are, for people.
pub(super) fn describe(trust: &Trust) -> String {
    match trust {
        Trust::System => "the system's certificates".to_owned(),
        Trust::Supabase => "Supabase's certificates".to_owned(),
        Trust::File(path) => path.display().to_string(),
    }
}

type Loaded = (Vec<CertificateDer<'static>>, RootCertStore);

fn file(path: &Path) -> Result<Loaded> {
    let certificates: Vec<CertificateDer<'static>> = pem::read(path, "sslrootcert", "certificate")?;
    let mut store = RootCertStore::empty();
    for (number, certificate) in (1..).zip(&certificates) {
        store.add(certificate.clone()).map_err(|_| {
            Error::configuration(format!(
                "certificate {number} in {} cannot be read",
                path.display()
            ))
            .hint("fetch or make the certificate again")
        })?;
    }
    Ok((certificates, store))
}

fn supabase() -> Result<Loaded> {
    let certificates: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_slice_iter(SUPABASE.as_bytes()).collect();
    let certificates = certificates?;
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone())?;
    }
    Ok((certificates, store))
}

/// Some systems have certificates in their store that are of no use; the others count.
fn system(found: CertificateResult) -> Result<Loaded> {
    let mut store = RootCertStore::empty();
    let mut certificates = found.certs;
    certificates.retain(|certificate| store.add(certificate.clone()).is_ok());
    if certificates.is_empty() {
        let error = Error::configuration("this system has no certificates to trust").hint(
            "install the package `ca-certificates`, or name the issuer's certificate with `sslrootcert=`",
        );
        return Err(match found.errors.into_iter().next() {
            Some(reason) => error.because(reason).into(),
            None => error.into(),
        });
    }
    Ok((certificates, store))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use jiff::Timestamp;
    use sha2::{Digest, Sha256};

    use super::super::certificate::Certificate;
    use super::*;

    #[test]
    fn supabases_roots_are_the_published_ones_and_in_date() {
        let (certificates, store) = supabase().expect("can be read");
        let mut fingerprints = Vec::new();
        for certificate in &certificates {
            let mut fingerprint = String::new();
            for byte in Sha256::digest(certificate) {
                let _ = write!(fingerprint, "{byte:02X}");
            }
            fingerprints.push(fingerprint);
            let read = Certificate::read(certificate).expect("is a certificate");
            let now = Timestamp::now();
            assert!(read.since < now && now < read.until, "{read:?}");
            assert!(read.is_self_issued, "{read:?}");
        }
        assert_eq!(
            fingerprints,
            [
                "807025AD50D4ED219D2C9C7D299C004F824EB00CF7F65AFEF607D07B72E6CAFA",
                "5F9B77951A7AA1303F9B58EEA9BFA89E358CFDC15F9786FF10D4930A722C9AE2"
            ]
        );
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn supabases_hosts_are_known_by_their_names() {
        for (host, is_it) in [
            ("db.abcdefgh.supabase.co", true),
            ("aws-0-eu-central-1.pooler.SUPABASE.com.", true),
            ("supabase.co.example.com", false),
            ("notsupabase.co", false),
        ] {
            assert_eq!(is_supabase(host), is_it, "{host}");
        }
    }

    #[test]
    fn a_system_without_certificates_is_said_to_be_one() {
        let error = system(CertificateResult::default()).expect_err("is refused");
        assert_eq!(
            error.to_string(),
            "this system has no certificates to trust"
        );
    }
}
