//! Addresses of databases.
//!
//! TLS is not spoken yet, so an address that would need it is refused instead of being downgraded: a remote
//! host is reached only when the URL says `sslmode=disable` in so many words.

use std::error::Error as _;
use std::fmt::Write as _;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::error::{Error, Result};

/// An address of a database. Holds the password if the URL did; never shows it.
#[derive(Clone)]
pub struct Endpoint {
    config: Config,
    tls: SslMode,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Endpoint {
    /// Reads a `postgresql://` URL or a `key=value` string.
    pub fn parse(text: &str) -> Result<Self> {
        let config = Config::from_str(text).map_err(|error| {
            // The driver's text names the parameter; its own prefix says nothing.
            let reason = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            Error::configuration("the connection string cannot be read")
                .because(Error::configuration(reason))
                .hint("write it as `postgresql://user@host:5432/database`")
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(Error::configuration("the connection string names no host")
                .hint("write it as `postgresql://user@host:5432/database`")
                .into());
        }
        let tls = if text.contains("sslmode=") {
            config.get_ssl_mode()
        } else {
            SslMode::Prefer
        };
        Ok(Self { config, tls })
    }

    /// A database of a server on this machine, reached through a socket in `folder`.
    pub fn socket(folder: &std::path::Path, user: &str, database: &str) -> Self {
        let mut config = Config::new();
        config.host_path(folder).user(user).dbname(database);
        Self {
            config,
            tls: SslMode::Disable,
        }
    }

    /// `host/database as user`, for banners and errors.
    pub fn describe(&self) -> String {
        let host = self.host();
        let port = match self.config.get_ports().first() {
            Some(port) if *port != 5432 => format!(":{port}"),
            _ => String::new(),
        };
        let user = self
            .user()
            .map(|user| format!(" as {user}"))
            .unwrap_or_default();
        format!("{host}{port}/{}{user}", self.database())
    }

    /// The address as a URL, without the password: what to give to `--database-url` and to psql.
    pub fn url(&self) -> String {
        let user = self
            .user()
            .map(|user| format!("{}@", escaped(user)))
            .unwrap_or_default();
        let database = escaped(self.database());
        let (host, port) = (self.host(), self.port());
        if host.starts_with('/') {
            let port = if port == 5432 {
                String::new()
            } else {
                format!("&port={port}")
            };
            // Slashes may stand in a query, and the path stays readable.
            let host = escaped(&host).replace("%2F", "/");
            return format!("postgresql://{user}/{database}?host={host}{port}");
        }
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            escaped(&host)
        };
        let tls = if self.is_here() {
            ""
        } else {
            "?sslmode=disable"
        };
        format!("postgresql://{user}{host}:{port}/{database}{tls}")
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        self.config
            .get_dbname()
            .or(self.config.get_user())
            .unwrap_or("postgres")
    }

    /// The role to connect as, if the address names one.
    pub fn user(&self) -> Option<&str> {
        self.config.get_user()
    }

    /// The first host, or the folder of the socket.
    pub fn host(&self) -> String {
        match (
            self.config.get_hosts().first(),
            self.config.get_hostaddrs().first(),
        ) {
            (Some(Host::Tcp(host)), _) => host.clone(),
            (Some(Host::Unix(path)), _) => path.display().to_string(),
            (None, Some(address)) => address.to_string(),
            (None, None) => String::new(),
        }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(5432)
    }

    /// Whether both addresses name the same database, as far as addresses tell.
    pub fn is_same_database(&self, other: &Self) -> bool {
        (self.host(), self.port(), self.database())
            == (other.host(), other.port(), other.database())
    }

    /// Whether the address itself holds a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The password the address holds.
    pub fn password(&self) -> Option<SecretString> {
        let password = self.config.get_password()?;
        Some(SecretString::from(
            String::from_utf8_lossy(password).into_owned(),
        ))
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        let mut other = self.clone();
        other.config.dbname(database);
        other
    }

    /// The same, with this password instead of the address's own.
    #[must_use]
    pub fn with_password(&self, password: &SecretString) -> Self {
        let mut other = self.clone();
        other.config.password(password.expose_secret());
        other
    }

    /// What the driver needs to know.
    pub(super) fn config(&self) -> Config {
        self.config.clone()
    }

    fn is_here(&self) -> bool {
        self.config
            .get_hostaddrs()
            .iter()
            .all(std::net::IpAddr::is_loopback)
            && self.config.get_hosts().iter().all(|host| match host {
                Host::Unix(_) => true,
                Host::Tcp(name) => {
                    name == "localhost"
                        || name
                            .parse::<std::net::IpAddr>()
                            .is_ok_and(|address| address.is_loopback())
                }
            })
    }

    pub(super) fn refuse_without_tls(&self) -> Result<()> {
        if self.tls == SslMode::Require || (self.tls != SslMode::Disable && !self.is_here()) {
            return Err(Error::configuration(format!(
                "{} needs TLS, which this version does not speak yet",
                self.describe()
            ))
            .note("nothing was sent: an address that is not on this machine is never reached in plain text unasked")
            .hint("connect through a tunnel that ends on this machine, or accept plain text with `sslmode=disable`")
            .into());
        }
        Ok(())
    }
}

/// The text as part of a URL: every byte that could mean something there is escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_the_same_place_without_the_password() {
        for (address, url) in [
            (
                "postgresql://me:s3cret@db.example.com:6000/shop?sslmode=disable",
                "postgresql://me@db.example.com:6000/shop?sslmode=disable",
            ),
            (
                "host=/run/postgresql user=me dbname=shop",
                "postgresql://me@/shop?host=/run/postgresql",
            ),
            (
                "host='/tmp/a b' port=6000 dbname='it''s?'",
                "postgresql:///it%27s%3F?host=/tmp/a%20b&port=6000",
            ),
            (
                "postgresql://me@[::1]/shop",
                "postgresql://me@[::1]:5432/shop",
            ),
        ] {
            let address = address.replace("''", "\\'");
            let endpoint = Endpoint::parse(&address).expect("is an address");
            assert_eq!(endpoint.url(), url);
            let again = Endpoint::parse(url).expect("is an address");
            assert_eq!(again.describe(), endpoint.describe());
        }
    }

    #[test]
    fn an_address_shows_everything_but_the_password() {
        let endpoint = Endpoint::parse("postgresql://me:s3cret@db.example.com:6000/shop")
            .expect("is an address");
        assert_eq!(endpoint.describe(), "db.example.com:6000/shop as me");
        assert!(!format!("{endpoint:?}").contains("s3cret"));
        assert!(endpoint.has_password());
    }

    #[test]
    fn a_remote_host_is_not_reached_in_plain_text_unasked() {
        for url in [
            "postgresql://db.example.com/x",
            "postgresql://127.0.0.1/x?sslmode=require",
        ] {
            assert!(
                Endpoint::parse(url)
                    .expect("is an address")
                    .refuse_without_tls()
                    .is_err(),
                "{url}"
            );
        }
        for url in [
            "postgresql://db.example.com/x?sslmode=disable",
            "postgresql://localhost/x",
            "postgresql://[::1]/x",
            "host=/run/postgresql dbname=x",
        ] {
            assert!(
                Endpoint::parse(url)
                    .expect("is an address")
                    .refuse_without_tls()
                    .is_ok(),
                "{url}"
            );
        }
    }
}
