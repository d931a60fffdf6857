//! TLS: who has to vouch for a server, and what it means when nobody does.
//!
//! What an address leaves open is decided as libpq decides it, from the files in `~/.postgresql`. Three things
//! are stricter. A server's certificate is verified unless the address says otherwise. A server that offers TLS
//! and then fails at it is never spoken to in plain text. And whoever the system trusts may vouch only for a
//! name: anybody can have such a certificate for a name of their own.
//!
//! Nothing is read before a server is about to be asked, and the system's certificates only if they count.

mod certificate;
mod failure;
mod identity;
mod material;
mod pem;
mod trust;
mod verifier;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ProtocolVersion, SupportedProtocolVersion, version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::endpoint::{self, Endpoint, Host, Mode, Place, Trust};
use crate::error::{Error, Result};
use certificate::Certificate;
use identity::Identity;
pub use material::{Material, VARIABLES};
use trust::Anchors;
use verifier::{Record, Verifier};

/// All it takes to speak TLS with one place.
pub struct Tls {
    mode: Mode,
    name: String,
    wishes: endpoint::Tls,
    /// The person's home folder holds the certificate under the name that is not looked for.
    is_misplaced: bool,
    anchors: Option<Anchors>,
    identity: Option<Identity>,
    record: Arc<Record>,
    maker: MakeRustlsConnect,
}

/// What a handshake showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `TLSv1.3`
    pub version: &'static str,
    /// How far the server was verified.
    pub mode: Mode,
    /// Who vouches for it: `the system's certificates`, or a file; nobody if it was not verified.
    pub trusted: Option<String>,
    /// Whom its certificate is for; nothing if that cannot be read.
    pub subject: Option<String>,
    /// Who issued it.
    pub issuer: Option<String>,
    /// Until when it is valid.
    pub until: Option<Timestamp>,
}

impl Tls {
    /// Reads what it takes to reach this place of the address; nothing if TLS is not to be spoken there.
    pub fn prepare(endpoint: &Endpoint, place: &Place) -> Result<Option<Self>> {
        let home = endpoint.home.as_deref();
        Self::new(&endpoint.tls, endpoint.mode(place), place, home)
    }

    /// The same from what an address comes down to.
    pub fn new(
        wishes: &endpoint::Tls,
        mode: Mode,
        place: &Place,
        home: Option<&Path>,
    ) -> Result<Option<Self>> {
        let Host::Name(name) = &place.host else {
            return Ok(None);
        };
        if mode == Mode::Disable {
            return Ok(None);
        }
        if ServerName::try_from(name.as_str()).is_err() {
            return Err(Error::configuration(format!(
                "{name} is no name a certificate could bear"
            ))
            .hint("write the server's name with letters, digits, hyphens and dots")
            .into());
        }
        if wishes.direct && mode == Mode::Prefer {
            return Err(Error::configuration(
                "sslnegotiation=direct leaves no way to do without TLS, and sslmode=prefer wants one",
            )
            .hint("write `sslmode=verify-full` beside it")
            .into());
        }
        let mode = trust::mode(wishes, mode, home);
        let anchors = if mode >= Mode::VerifyCa {
            Some(Anchors::load(wishes, mode, name, home)?)
        } else {
            None
        };
        let identity = match Identity::find(wishes, home) {
            // A file that merely lies there must not stand in the way of what may well do without TLS.
            Err(_) if mode == Mode::Prefer && wishes.certificate.is_none() => None,
            identity => identity?,
        };
        let record = Arc::new(Record::default());
        let config = config(
            wishes,
            mode,
            anchors.as_ref(),
            identity.as_ref(),
            Arc::clone(&record),
        )?;
        Ok(Some(Self {
            mode,
            name: name.clone(),
            wishes: wishes.clone(),
            is_misplaced: trust::is_misplaced(home),
            anchors,
            identity,
            record,
            maker: MakeRustlsConnect::new(config),
        }))
    }

    /// Whether plain text will do when the server has no TLS.
    pub fn ssl_mode(&self) -> SslMode {
        match self.mode {
            Mode::Disable | Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        }
    }

    /// Whether the server is asked before.
    pub fn negotiation(&self) -> SslNegotiation {
        if self.wishes.direct {
            SslNegotiation::Direct
        } else {
            SslNegotiation::Postgres
        }
    }

    /// How far the server is verified. That is more than the address says where libpq would do more, too.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What does the handshake, once.
    pub fn connector<S>(&self) -> impl TlsConnect<S, Stream: Send, Future: Send> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(connector) =
            MakeTlsConnect::<S>::make_tls_connect(&mut self.maker.clone(), &self.name);
        connector
    }

    /// What the last handshake showed; nothing if there was none, since the server has no TLS.
    pub fn seen(&self) -> Option<Seen> {
        let (der, version) = self.record.complete()?;
        let certificate = Certificate::read(&der);
        let certificate = certificate.as_ref();
        Some(Seen {
            version,
            mode: self.mode,
            trusted: self.anchors.as_ref().map(Anchors::describe),
            subject: certificate.map(|certificate| certificate.subject.clone()),
            issuer: certificate.map(|certificate| certificate.issuer.clone()),
            until: certificate.map(|certificate| certificate.until),
        })
    }
}

/// How far the server at this place will be verified, and by whose word; nobody's if it will not be. Opens no
/// connection and no certificate.
pub fn foresee(endpoint: &Endpoint, place: &Place) -> (Mode, Option<String>) {
    let home = endpoint.home.as_deref();
    let mode = trust::mode(&endpoint.tls, endpoint.mode(place), home);
    let trusted = match &place.host {
        Host::Name(name) if mode >= Mode::VerifyCa => {
            let trusted = trust::trusted(&endpoint.tls, name, home);
            Some(trust::describe(&trusted))
        }
        _ => None,
    };
    (mode, trusted)
}

fn config(
    wishes: &endpoint::Tls,
    mode: Mode,
    anchors: Option<&Anchors>,
    identity: Option<&Identity>,
    record: Arc<Record>,
) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(mode, anchors, &provider, record)?;
    let builder = ClientConfig::builder_with_provider(Arc::<CryptoProvider>::clone(&provider))
        .with_protocol_versions(&versions(wishes)?)
        .map_err(|error| Error::configuration("this kind of TLS is not spoken").because(error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some(identity) => identity.show(builder)?,
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = wishes.sni;
    // PostgreSQL resumes no session.
    config.resumption = Resumption::disabled();
    if wishes.direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

/// Those that nothing in the address rules out.
fn versions(wishes: &endpoint::Tls) -> Result<Vec<&'static SupportedProtocolVersion>> {
    let mut versions = vec![&version::TLS13, &version::TLS12];
    if wishes.only_1_2 {
        versions.retain(|version| version.version == ProtocolVersion::TLSv1_2);
    }
    if wishes.only_1_3 {
        versions.retain(|version| version.version == ProtocolVersion::TLSv1_3);
    }
    if versions.is_empty() {
        return Err(
            Error::configuration("no version of TLS is at least 1.3 and at most 1.2")
                .hint("remove `ssl_min_protocol_version` or `ssl_max_protocol_version`")
                .into(),
        );
    }
    Ok(versions)
}
