//! What an address says about TLS, and what it makes of the way to a server.

use std::path::PathBuf;

use super::{Endpoint, Host, Place};

/// What an address says about TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a parameter of its own"
)]
pub struct Tls {
    /// `sslmode=`; nothing when it is left to us.
    pub mode: Option<Mode>,
    /// `sslrootcert=`; nothing when it is left to us.
    pub trust: Option<Trust>,
    /// `sslcert=`
    pub certificate: Option<PathBuf>,
    /// `sslkey=`
    pub key: Option<PathBuf>,
    /// `sslcertmode=`
    pub certificate_mode: CertificateMode,
    /// `sslcrl=`
    pub revoked: Option<PathBuf>,
    /// `sslsni=`
    pub sni: bool,
    /// `ssl_min_protocol_version=` is TLS 1.3.
    pub only_1_3: bool,
    /// `ssl_max_protocol_version=` is TLS 1.2.
    pub only_1_2: bool,
    /// `sslnegotiation=direct`: no question in plain text before.
    pub direct: bool,
    /// `channel_binding=`
    pub channel_binding: ChannelBinding,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            mode: None,
            trust: None,
            certificate: None,
            key: None,
            certificate_mode: CertificateMode::Allow,
            revoked: None,
            sni: true,
            only_1_3: false,
            only_1_2: false,
            direct: false,
            channel_binding: ChannelBinding::Prefer,
        }
    }
}

/// `sslmode=`, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Plain text.
    Disable,
    /// TLS if the server offers it, else plain text; `allow` too, which would rather have plain text.
    Prefer,
    /// TLS with whoever answers.
    Require,
    /// TLS with someone the root certificate vouches for.
    VerifyCa,
    /// TLS with the server of this name.
    VerifyFull,
}

/// `sslrootcert=`: who may vouch for the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those the system trusts.
    System,
    /// Supabase, whose root certificate is built in.
    Supabase,
    /// Those in this file.
    File(PathBuf),
}

/// `sslcertmode=`: whether we show a certificate of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateMode {
    /// Never.
    Disable,
    /// If there is one.
    Allow,
    /// Always.
    Require,
}

/// `channel_binding=`: whether the password's proof is tied to the TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// If the server can.
    Prefer,
    /// Always.
    Require,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        })
    }
}

impl Endpoint {
    /// What protects the way to this place: what the address says, else all there is.
    pub fn mode(&self, place: &Place) -> Mode {
        match (&place.host, self.tls.mode) {
            (Host::Socket(_), _) => Mode::Disable,
            // As libpq has it: who names a root certificate wants it to count.
            (Host::Name(_), Some(Mode::Require)) if self.has_roots() => Mode::VerifyCa,
            (Host::Name(_), Some(mode)) => mode,
            // At the near end of a tunnel, a root certificate is meant for the far end.
            (Host::Name(_), None) if place.is_here() && self.tls.trust.is_none() => Mode::Prefer,
            (Host::Name(_), None) => Mode::VerifyFull,
        }
    }

    /// Whether somebody named those who may vouch for servers, in the address or by a file in the home folder.
    fn has_roots(&self) -> bool {
        let home = self.home.as_ref();
        self.tls.trust.is_some()
            || home.is_some_and(|home| home.join(".postgresql/root.crt").is_file())
    }

    /// What is weaker on the way to another machine than it should be; nothing where all is well.
    pub fn weakness(&self) -> Option<&'static str> {
        let remote = self.places.iter().filter(|place| !place.is_here());
        match remote.map(|place| self.mode(place)).min()? {
            Mode::Disable => Some("PLAIN TEXT"),
            Mode::Prefer => Some("PLAIN TEXT IF THE SERVER SAYS SO"),
            Mode::Require => Some("SERVER NOT VERIFIED"),
            Mode::VerifyCa => Some("SERVER'S NAME NOT VERIFIED"),
            Mode::VerifyFull => None,
        }
    }
}
