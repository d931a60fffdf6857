//! The verifier: rustls's own, with the two exceptions libpq makes, and a record of what was seen.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error as TlsError, SignatureScheme};

use super::certificate::Certificate;
use super::trust::Anchors;
use crate::error::{Error, Result};
use crate::pg::endpoint::Mode;

/// What a handshake showed so far.
#[derive(Debug, Default)]
pub(super) struct Record(Mutex<Shown>);

#[derive(Debug, Default)]
struct Shown {
    certificate: Option<CertificateDer<'static>>,
    version: Option<&'static str>,
}

impl Record {
    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's certificate, even if it was refused.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        Certificate::read(self.shown().certificate.as_ref()?)
    }

    /// The server's certificate and the version of TLS, if the server proved to own the certificate.
    pub(super) fn complete(&self) -> Option<(CertificateDer<'static>, &'static str)> {
        let shown = self.shown();
        Some((shown.certificate.clone()?, shown.version?))
    }
}

/// Verifies as far as the mode says.
#[derive(Debug)]
pub(super) struct Verifier {
    mode: Mode,
    /// Nobody where TLS only hides what is said.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// The trusted certificates: a server that shows one of them vouches for itself.
    pinned: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
    record: Arc<Record>,
}

impl Verifier {
    pub(super) fn new(
        mode: Mode,
        anchors: Option<&Anchors>,
        provider: &Arc<CryptoProvider>,
        record: Arc<Record>,
    ) -> Result<Self> {
        let chain = anchors.map(|anchors| -> Result<_> {
            let builder = WebPkiServerVerifier::builder_with_provider(
                Arc::clone(&anchors.store),
                Arc::clone(provider),
            );
            // As OpenSSL has it, which libpq uses: a list that is out of date says nothing.
            let builder = builder
                .with_crls(anchors.revoked.iter().cloned())
                .enforce_revocation_expiration();
            builder.build().map_err(|_| {
                let path = anchors.list.as_deref().unwrap_or_else(|| "sslcrl".as_ref());
                Error::configuration(format!(
                    "the list of revoked certificates in {} cannot be read",
                    path.display()
                ))
                .hint("fetch the list again, or remove `sslcrl=`")
                .into()
            })
        });
        Ok(Self {
            mode,
            chain: chain.transpose()?,
            pinned: anchors.map_or_else(Vec::new, |anchors| anchors.certificates.clone()),
            algorithms: provider.signature_verification_algorithms,
            record,
        })
    }

    /// Whether the name is the one wanted, as far as anyone wants one.
    fn settle_name(
        &self,
        verdict: std::result::Result<(), TlsError>,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> std::result::Result<(), TlsError> {
        match verdict {
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.mode < Mode::VerifyFull
                || Certificate::read(certificate)
                    .is_some_and(|certificate| certificate.is_commonly(&name.to_str())) =>
            {
                Ok(())
            }
            verdict => verdict,
        }
    }
}

/// Whether the certificate is in date. Asked only of those that are trusted as they are; rustls asks it of the
/// others.
fn in_date(certificate: &CertificateDer<'_>, now: UnixTime) -> std::result::Result<(), TlsError> {
    let Some(read) = Certificate::read(certificate) else {
        return Err(CertificateError::BadEncoding.into());
    };
    let unix = |time: jiff::Timestamp| {
        UnixTime::since_unix_epoch(Duration::from_secs(
            u64::try_from(time.as_second()).unwrap_or_default(),
        ))
    };
    let (since, until) = (unix(read.since), unix(read.until));
    if now.as_secs() < since.as_secs() {
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before: since,
        }
        .into());
    }
    if now.as_secs() > until.as_secs() {
        return Err(CertificateError::ExpiredContext {
            time: now,
            not_after: until,
        }
        .into());
    }
    Ok(())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, TlsError> {
        *self.record.shown() = Shown {
            certificate: Some(certificate.clone().into_owned()),
            version: None,
        };
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        // rustls refuses certificates that sign others and themselves, as `openssl req -x509` makes them; OpenSSL
        // takes them where they are trusted as they are, and so do many servers' owners.
        let verdict = if self.pinned.iter().any(|pinned| pinned == certificate) {
            in_date(certificate, now)?;
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)
        } else {
            chain
                .verify_server_cert(certificate, intermediates, name, ocsp, now)
                .map(|_| ())
        };
        self.settle_name(verdict, certificate, name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        let valid = verify_tls12_signature(message, certificate, signature, &self.algorithms)?;
        self.record.shown().version = Some("TLSv1.2");
        Ok(valid)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, TlsError> {
        let valid = verify_tls13_signature(message, certificate, signature, &self.algorithms)?;
        self.record.shown().version = Some("TLSv1.3");
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
