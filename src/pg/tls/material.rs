//! The same protection for programs that use libpq: pg_dump, pg_restore, psql.

use std::ffi::OsString;

use super::{Tls, pem};
use crate::pg::endpoint::{CertificateMode, ChannelBinding, Mode};

/// All variables by which libpq is told about TLS. Whoever sets some of them unsets the rest: what a person has
/// in the environment must not weaken what an address says.
pub const VARIABLES: [&str; 14] = [
    "PGCHANNELBINDING",
    "PGREQUIRESSL",
    "PGSSLCERT",
    "PGSSLCERTMODE",
    "PGSSLCOMPRESSION",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLKEY",
    "PGSSLMAXPROTOCOLVERSION",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMODE",
    "PGSSLNEGOTIATION",
    "PGSSLROOTCERT",
    "PGSSLSNI",
];

/// What libpq has to be told to do as we do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// Variables of its environment, without `PGSSLROOTCERT`.
    pub variables: Vec<(&'static str, OsString)>,
    /// Those who may vouch for the server, as PEM text for the file `PGSSLROOTCERT` is to name. Nothing where
    /// nobody has to.
    pub roots: Option<String>,
}

impl Material {
    /// For a place that is reached without TLS.
    pub fn plain() -> Self {
        Self {
            variables: vec![("PGSSLMODE", Mode::Disable.to_string().into())],
            roots: None,
        }
    }
}

impl Tls {
    /// What a program that uses libpq has to be told. Where the system vouches, its certificates are handed over
    /// one by one: libpq learnt to ask for them only with PostgreSQL 16, and OpenSSL may know others.
    pub fn material(&self) -> Material {
        let wishes = &self.wishes;
        let mut variables: Vec<(&'static str, OsString)> =
            vec![("PGSSLMODE", self.mode.to_string().into())];
        let mut set = |name, value: OsString| variables.push((name, value));
        if let Some(identity) = &self.identity {
            set("PGSSLCERT", identity.certificate.clone().into());
            set("PGSSLKEY", identity.key.clone().into());
        }
        match wishes.certificate_mode {
            CertificateMode::Disable => set("PGSSLCERTMODE", "disable".into()),
            CertificateMode::Allow => {}
            CertificateMode::Require => set("PGSSLCERTMODE", "require".into()),
        }
        if let Some(list) = self
            .anchors
            .as_ref()
            .and_then(|anchors| anchors.list.clone())
        {
            set("PGSSLCRL", list.into());
        }
        if !wishes.sni {
            set("PGSSLSNI", "0".into());
        }
        if wishes.only_1_2 {
            set("PGSSLMAXPROTOCOLVERSION", "TLSv1.2".into());
        }
        if wishes.only_1_3 {
            set("PGSSLMINPROTOCOLVERSION", "TLSv1.3".into());
        }
        if wishes.direct {
            set("PGSSLNEGOTIATION", "direct".into());
        }
        match wishes.channel_binding {
            ChannelBinding::Disable => set("PGCHANNELBINDING", "disable".into()),
            ChannelBinding::Prefer => {}
            ChannelBinding::Require => set("PGCHANNELBINDING", "require".into()),
        }
        let roots = self.anchors.as_ref();
        Material {
            variables,
            roots: roots.map(|anchors| pem::write(&anchors.certificates)),
        }
    }
}
