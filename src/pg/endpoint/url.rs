//! The address as a URL.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::{CertificateMode, ChannelBinding, Endpoint, Host, PORT, Place, Tls, Trust, Wanted};

impl Endpoint {
    /// The address as a URL, without the password and its file: what to give to `--database-url` and to psql. It
    /// leads to the same place, the same way.
    pub fn url(&self) -> String {
        let user = self
            .user()
            .map(|user| format!("{}@", escaped(user)))
            .unwrap_or_default();
        let mut query = Query::default();
        let is_socket = |place: &Place| matches!(place.host, Host::Socket(_));
        let authority = if self.places.iter().any(is_socket) {
            query.say("host", &path(&self.joined(|place| place.host.to_string())));
            if self.places.iter().any(|place| place.port != PORT) {
                query.say("port", &self.joined(|place| place.port.to_string()));
            }
            String::new()
        } else {
            self.joined(|place| match place.host.to_string() {
                name if name.contains(':') => {
                    format!("[{}]:{}", escaped(&name).replace("%3A", ":"), place.port)
                }
                name => format!("{}:{}", escaped(&name), place.port),
            })
        };
        if self.places.iter().any(|place| place.address.is_some()) {
            let address = |place: &Place| place.address.map(|address| address.to_string());
            query.say(
                "hostaddr",
                &self.joined(|place| address(place).unwrap_or_default()),
            );
        }
        self.protection(&mut query);
        self.session(&mut query);
        let mark = if query.0.is_empty() { "" } else { "?" };
        format!(
            "postgresql://{user}{authority}/{}{mark}{}",
            escaped(self.database()),
            query.0.join("&")
        )
    }

    /// Something about each place, with commas between.
    fn joined(&self, about: impl Fn(&Place) -> String) -> String {
        let about: Vec<String> = self.places.iter().map(about).collect();
        about.join(",")
    }

    fn protection(&self, query: &mut Query) {
        let tls = &self.tls;
        let plain = Tls::default();
        if self
            .places
            .iter()
            .any(|place| matches!(place.host, Host::Name(_)))
        {
            // To psql, silence would mean plain text if the server says so.
            let strangers = self.places.iter().filter(|place| !place.is_here());
            let silent = strangers.map(|place| self.mode(place)).min();
            if let Some(mode) = tls.mode.or(silent) {
                query.say("sslmode", &mode.to_string());
            }
        }
        match &tls.trust {
            Some(Trust::System) => query.say("sslrootcert", "system"),
            Some(Trust::Supabase) => query.say("sslrootcert", "supabase"),
            Some(Trust::File(file)) => query.path("sslrootcert", file),
            None => {}
        }
        for (name, file) in [
            ("sslcert", &tls.certificate),
            ("sslkey", &tls.key),
            ("sslcrl", &tls.revoked),
        ] {
            if let Some(file) = file {
                query.path(name, file);
            }
        }
        let mode = match tls.certificate_mode {
            CertificateMode::Disable => "disable",
            CertificateMode::Allow => "allow",
            CertificateMode::Require => "require",
        };
        query.unless(
            tls.certificate_mode == plain.certificate_mode,
            "sslcertmode",
            mode,
        );
        query.unless(tls.sni, "sslsni", "0");
        query.unless(!tls.only_1_3, "ssl_min_protocol_version", "TLSv1.3");
        query.unless(!tls.only_1_2, "ssl_max_protocol_version", "TLSv1.2");
        query.unless(!tls.direct, "sslnegotiation", "direct");
        let binding = match tls.channel_binding {
            ChannelBinding::Disable => "disable",
            ChannelBinding::Prefer => "prefer",
            ChannelBinding::Require => "require",
        };
        query.unless(
            tls.channel_binding == plain.channel_binding,
            "channel_binding",
            binding,
        );
    }

    fn session(&self, query: &mut Query) {
        let wanted = match self.wanted {
            Wanted::Any => "any",
            Wanted::ReadWrite => "read-write",
            Wanted::ReadOnly => "read-only",
            Wanted::Primary => "primary",
            Wanted::Standby => "standby",
            Wanted::PreferStandby => "prefer-standby",
        };
        query.unless(self.wanted == Wanted::Any, "target_session_attrs", wanted);
        query.unless(!self.shuffled, "load_balance_hosts", "random");
        let options = &self.options.text;
        query.unless(options.is_empty(), "options", &escaped(options));
        if let Some(name) = &self.application_name {
            query.say("application_name", &escaped(name));
        }
        let alive = &self.keepalive;
        query.unless(alive.on, "keepalives", "0");
        for (name, limit) in [
            ("connect_timeout", self.connect_timeout),
            ("keepalives_idle", alive.idle),
            ("keepalives_interval", alive.interval),
        ] {
            match limit {
                Some(Duration::MAX) => query.say(name, "0"),
                Some(limit) => query.say(name, &limit.as_secs().to_string()),
                None => {}
            }
        }
        if let Some(count) = alive.count {
            query.say("keepalives_count", &count.to_string());
        }
        if let Some(limit) = alive.user_timeout {
            query.say("tcp_user_timeout", &limit.as_millis().to_string());
        }
    }
}

/// The parameters of a URL.
#[derive(Default)]
struct Query(Vec<String>);

impl Query {
    fn say(&mut self, name: &str, escaped: &str) {
        self.0.push(format!("{name}={escaped}"));
    }

    fn path(&mut self, name: &str, file: &Path) {
        self.say(name, &path(&file.display().to_string()));
    }

    /// What is the default needs no words.
    fn unless(&mut self, is_default: bool, name: &str, value: &str) {
        if !is_default {
            self.say(name, value);
        }
    }
}

/// Slashes and commas may stand in a query, and the path stays readable.
fn path(text: &str) -> String {
    escaped(text).replace("%2F", "/").replace("%2C", ",")
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

    /// All an address says but the password.
    fn said(endpoint: &Endpoint) -> String {
        format!(
            "{:?}",
            (
                &endpoint.places,
                endpoint.user(),
                endpoint.database(),
                &endpoint.options,
                &endpoint.application_name,
                endpoint.connect_timeout,
                endpoint.wanted,
                endpoint.shuffled,
                &endpoint.keepalive,
                &endpoint.tls,
            )
        )
    }

    #[test]
    fn a_url_leads_to_the_same_place_without_the_password() {
        for (address, url) in [
            (
                "postgresql://me:s3cret@db.example.com:6000/shop?sslmode=disable",
                "postgresql://me@db.example.com:6000/shop?sslmode=disable",
            ),
            (
                "host=/run/postgresql user=me dbname=shop passfile=/secret",
                "postgresql://me@/shop?host=/run/postgresql",
            ),
            (
                r"host='/tmp/a b' port=6000 dbname='it\'s?'",
                "postgresql:///it%27s%3F?host=/tmp/a%20b&port=6000",
            ),
            (
                "postgresql://me@[::1]/shop",
                "postgresql://me@[::1]:5432/shop",
            ),
            (
                "host=localhost,::1 port=6000,6001 dbname=x load_balance_hosts=random connect_timeout=0",
                "postgresql://localhost:6000,[::1]:6001/x?load_balance_hosts=random&connect_timeout=0",
            ),
            (
                "host=/tmp,localhost port=1 dbname=x user=é sslcert='a b/c' sslmode=allow",
                "postgresql://%C3%A9@/x?host=/tmp,localhost&port=1,1&sslmode=prefer&sslcert=a%20b/c",
            ),
            (
                "host=a,b hostaddr=,::1 dbname=x sslmode=require channel_binding=require sslsni=0 sslcertmode=disable",
                "postgresql://a:5432,b:5432/x?hostaddr=,::1&sslmode=require&sslcertmode=disable&sslsni=0&channel_binding=require",
            ),
            (
                "host=localhost dbname=x options='-c a=b' application_name='' target_session_attrs=standby \
                 keepalives=0 keepalives_idle=1 keepalives_count=2 tcp_user_timeout=3",
                "postgresql://localhost:5432/x?target_session_attrs=standby&options=-c%20a%3Db&application_name=&keepalives=0&keepalives_idle=1&keepalives_count=2&tcp_user_timeout=3",
            ),
        ] {
            let endpoint = Endpoint::parse(address).expect("is an address");
            assert_eq!(endpoint.url(), url);
            let again = Endpoint::parse(url).expect("is an address");
            assert_eq!(said(&again), said(&endpoint));
        }
    }

    #[test]
    fn what_is_verified_without_a_word_is_said_in_the_url() {
        let endpoint = Endpoint::parse("postgresql://db.example.com/x").expect("is an address");
        assert_eq!(
            endpoint.url(),
            "postgresql://db.example.com:5432/x?sslmode=verify-full"
        );
    }
}
