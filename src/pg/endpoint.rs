//! Addresses of databases: which servers, as whom, and how the way there is protected.
//!
//! An address that names another machine is protected by `verify-full` unless it says otherwise: a password is
//! never sent to whoever happens to answer.

mod draft;
mod protection;
mod url;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

pub use draft::Draft;
pub use protection::{CertificateMode, ChannelBinding, Mode, Tls, Trust};

use super::options::Options;
use super::service::Section;
use super::{conninfo, parameter};
use crate::error::Result;

/// The port of PostgreSQL when nobody names one.
pub const PORT: u16 = 5432;

/// An address of a database. Holds the password if the text did; never shows it.
#[derive(Clone, Default)]
pub struct Endpoint {
    /// Where to try, in this order; at least one.
    pub(super) places: Vec<Place>,
    pub(super) user: Option<String>,
    /// Whether the address itself names the user.
    pub(super) names_user: bool,
    pub(super) database: Option<String>,
    pub(super) password: Option<SecretString>,
    /// Passwords of single places, which count before the one of all; as many as places, or none.
    pub(super) passwords: Vec<Option<SecretString>>,
    /// `passfile=`
    pub(super) passfile: Option<PathBuf>,
    /// `options=`: settings of the session.
    pub(super) options: Options,
    pub(super) application_name: Option<String>,
    /// `connect_timeout=`; [`Duration::MAX`] when there is to be none.
    pub(super) connect_timeout: Option<Duration>,
    pub(super) wanted: Wanted,
    /// `load_balance_hosts=random`: the places are tried in any order.
    pub(super) shuffled: bool,
    pub(super) keepalive: Keepalive,
    pub(super) tls: Tls,
    /// The person's home folder, where certificates may lie.
    pub(super) home: Option<PathBuf>,
    /// Whose process has to be at the other end of a socket, if it matters.
    pub(super) owner: Option<Owner>,
    /// Variables that hold passwords, and are not for the programs we start.
    pub(super) withheld: Vec<String>,
    /// For whom its sessions work, for the record.
    pub(super) actor: Option<String>,
}

/// What an address does not say itself, but may refer to.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The person's home folder.
    pub home: Option<PathBuf>,
    /// Where relative paths in the address start.
    pub base: Option<PathBuf>,
    /// `PGUSER`: the role when the address names none.
    pub user: Option<String>,
    /// `PGSERVICEFILE`: the file of services instead of `~/.pg_service.conf`.
    pub service_file: Option<PathBuf>,
    /// `PGSYSCONFDIR`: the folder of the system's `pg_service.conf`.
    pub system_folder: Option<PathBuf>,
}

/// One server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its name, which its certificate has to bear.
    pub host: Host,
    /// `hostaddr=`: where it is, when its name is not to be looked up.
    pub address: Option<IpAddr>,
    /// TCP port, or the number in the socket's name.
    pub port: u16,
}

/// What a server is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name or an IP address.
    Name(String),
    /// A folder with a Unix socket in it.
    Socket(PathBuf),
}

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The number.
    pub uid: u32,
    /// The name, where the system knows one.
    pub name: Option<String>,
}

/// `target_session_attrs=`: which of the places will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wanted {
    /// Whichever answers.
    #[default]
    Any,
    /// One whose sessions may write.
    ReadWrite,
    /// One whose sessions may not.
    ReadOnly,
    /// One that is not in recovery.
    Primary,
    /// One that is.
    Standby,
    /// One that is, else any.
    PreferStandby,
}

/// How a connection over TCP is kept alive. Nothing is the system's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepalive {
    /// `keepalives=`
    pub on: bool,
    /// `keepalives_idle=`
    pub idle: Option<Duration>,
    /// `keepalives_interval=`
    pub interval: Option<Duration>,
    /// `keepalives_count=`
    pub count: Option<u32>,
    /// `tcp_user_timeout=`
    pub user_timeout: Option<Duration>,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            on: true,
            idle: None,
            interval: None,
            count: None,
            user_timeout: None,
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Socket(folder) => write!(f, "{}", folder.display()),
        }
    }
}

impl Place {
    /// Whether it is on this machine: a socket, or a loopback address.
    pub fn is_here(&self) -> bool {
        let loopback = |address: &IpAddr| address.is_loopback();
        match (&self.host, &self.address) {
            (Host::Socket(_), _) => true,
            (Host::Name(_), Some(address)) => loopback(address),
            (Host::Name(name), None) => {
                name == "localhost" || name.parse().is_ok_and(|address| loopback(&address))
            }
        }
    }

    /// `host` or `host:port`, for banners and errors.
    pub fn describe(&self) -> String {
        match (self.port, &self.host) {
            (PORT, host) => host.to_string(),
            (port, Host::Name(name)) if name.contains(':') => format!("[{name}]:{port}"),
            (port, host) => format!("{host}:{port}"),
        }
    }
}

impl Endpoint {
    /// Reads a `postgresql://` URL or a `key=value` string.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_in(text, &Surroundings::default())
    }

    /// The same, with what the address may refer to.
    pub fn parse_in(text: &str, around: &Surroundings) -> Result<Self> {
        let pairs = conninfo::pairs(text)?;
        let mut draft = Draft {
            endpoint: Self {
                home: around.home.clone(),
                ..Self::default()
            },
            base: around.base.clone(),
            ..Draft::default()
        };
        let said = |name: &str| pairs.iter().rev().find(|(said, _)| said == name);
        let value = |name: &str| Some(said(name)?.1.as_str()).filter(|value| !value.is_empty());
        if let Some(service) = value("service") {
            let file = value("servicefile").and_then(|file| draft.path(file));
            Section::find(service, file, around)?.apply(&mut draft, |name| said(name).is_none())?;
        }
        for (index, (name, value)) in pairs.iter().enumerate() {
            if pairs[index + 1..].iter().all(|(later, _)| later != name) {
                parameter::apply(&mut draft, name, value)?;
            }
        }
        let mut endpoint = draft.finish()?;
        endpoint.names_user = endpoint.user.is_some();
        endpoint.user = endpoint.user.or_else(|| around.user.clone());
        Ok(endpoint)
    }

    /// A database of a server on this machine, reached through a socket in `folder`.
    pub fn socket(folder: &Path, user: &str, database: &str) -> Self {
        Self {
            places: vec![Place {
                host: Host::Socket(folder.to_owned()),
                address: None,
                port: PORT,
            }],
            user: Some(user.to_owned()),
            database: Some(database.to_owned()),
            ..Self::default()
        }
    }

    /// The same; the server at the other end of the socket has to be a process of this user's.
    #[must_use]
    pub fn of_user(self, owner: Owner) -> Self {
        Self {
            owner: Some(owner),
            ..self
        }
    }

    /// `host/database as user`, for banners and errors.
    pub fn describe(&self) -> String {
        let places: Vec<String> = self.places.iter().map(Place::describe).collect();
        let user = self
            .user()
            .map(|user| format!(" as {user}"))
            .unwrap_or_default();
        format!("{}/{}{user}", places.join(","), self.database())
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        self.database
            .as_deref()
            .or(self.user.as_deref())
            .unwrap_or("postgres")
    }

    /// The role to connect as, if the address names one.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether the address itself names that role.
    pub fn names_user(&self) -> bool {
        self.names_user
    }

    /// Where to try, in this order.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Settings of the session.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The name the address gives the session; an empty one is none.
    pub fn application_name(&self) -> Option<&str> {
        self.application_name.as_deref()
    }

    /// The first host, or the folder of the socket.
    pub fn host(&self) -> String {
        self.places[0].host.to_string()
    }

    /// The port of the first host.
    pub fn port(&self) -> u16 {
        self.places[0].port
    }

    /// What the address says about TLS.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Whether both addresses may lead to the same database, as far as addresses tell.
    pub fn is_same_database(&self, other: &Self) -> bool {
        self.database() == other.database()
            && self.places.iter().any(|place| {
                other
                    .places
                    .iter()
                    .any(|there| (&place.host, place.port) == (&there.host, there.port))
            })
    }

    /// Whether the address itself holds a password.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// The password the address holds.
    pub fn password(&self) -> Option<&SecretString> {
        self.password.as_ref()
    }

    /// The file of passwords the address names.
    pub fn passfile(&self) -> Option<&Path> {
        self.passfile.as_deref()
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self {
            database: Some(database.to_owned()),
            ..self.clone()
        }
    }

    /// The same, with this password instead of the address's own.
    #[must_use]
    pub fn with_password(&self, password: &SecretString) -> Self {
        Self {
            password: Some(password.clone()),
            ..self.clone()
        }
    }

    /// The same hosts, another port.
    #[must_use]
    pub fn with_port(&self, port: u16) -> Self {
        let mut other = self.clone();
        for place in &mut other.places {
            place.port = port;
        }
        other
    }

    /// The same, with more in the first message of a connection; not every pooler takes it along.
    #[must_use]
    pub fn with_startup(&self, words: &str) -> Self {
        let mut other = self.clone();
        let startup = &mut other.options.startup;
        if !startup.is_empty() {
            startup.push(' ');
        }
        startup.push_str(words);
        other
    }

    /// The same, with the settings of another address, which count before its own; but for the role, which is another
    /// server's.
    #[must_use]
    pub fn with_settings_of(&self, other: &Self) -> Self {
        let mut same = self.clone();
        for setting in &other.options.settings {
            if !setting.name.eq_ignore_ascii_case("role") {
                same.options.set(&setting.name, &setting.value);
            }
        }
        same
    }

    /// The same, with a password for each of its places, which count before the one of all.
    #[must_use]
    pub fn with_passwords(&self, passwords: Vec<Option<SecretString>>) -> Self {
        Self {
            passwords,
            ..self.clone()
        }
    }

    /// The same; no program that is let in there gets these variables of ours.
    #[must_use]
    pub fn withholding(&self, variables: Vec<String>) -> Self {
        Self {
            withheld: variables,
            ..self.clone()
        }
    }

    /// The same, on this one of its places only.
    #[must_use]
    pub fn at(&self, place: &Place) -> Self {
        let index = self.places.iter().position(|other| other == place);
        let own = index.and_then(|index| self.passwords.get(index).cloned().flatten());
        Self {
            places: vec![place.clone()],
            password: own.or_else(|| self.password.clone()),
            passwords: Vec::new(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_everything_but_the_password() {
        let endpoint = Endpoint::parse("postgresql://me:s3cret@db.example.com:6000/shop")
            .expect("is an address");
        assert_eq!(endpoint.describe(), "db.example.com:6000/shop as me");
        assert!(!format!("{endpoint:?}").contains("s3cret"));
        assert!(endpoint.has_password());
    }

    #[test]
    fn the_way_to_another_machine_is_protected_unless_the_address_says_otherwise() {
        for (address, mode, weakness) in [
            ("postgresql://db.example.com/x", Mode::VerifyFull, None),
            (
                "postgresql://db.example.com/x?sslmode=disable",
                Mode::Disable,
                Some("PLAIN TEXT"),
            ),
            (
                "postgresql://db.example.com/x?sslmode=require",
                Mode::Require,
                Some("SERVER NOT VERIFIED"),
            ),
            ("postgresql://127.0.0.1/x", Mode::Prefer, None),
            ("postgresql://[::1]/x?sslmode=disable", Mode::Disable, None),
            ("host=/run/postgresql dbname=x", Mode::Disable, None),
        ] {
            let endpoint = Endpoint::parse(address).expect("is an address");
            assert_eq!(endpoint.mode(&endpoint.places[0]), mode, "{address}");
            assert_eq!(endpoint.weakness(), weakness, "{address}");
        }
    }
}
