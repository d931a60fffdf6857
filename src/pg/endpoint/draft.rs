//! An endpoint on its way from its parameters: what has to fit together is put together here.

use std::net::IpAddr;
use std::path::PathBuf;

use super::{CertificateMode, ChannelBinding, Endpoint, Host, Mode, PORT, Place, Trust};
use crate::error::{Error, Hint, Result};
use crate::pg::conninfo::EXAMPLE;
use crate::plan::counted;

/// An endpoint that is not whole yet.
#[derive(Default)]
pub struct Draft {
    /// What needs no second thought.
    pub(in crate::pg) endpoint: Endpoint,
    /// `host=`, taken apart at its commas.
    pub(in crate::pg) hosts: Vec<Option<Host>>,
    /// `hostaddr=`, the same.
    pub(in crate::pg) addresses: Vec<Option<IpAddr>>,
    /// `port=`, the same.
    pub(in crate::pg) ports: Vec<Option<u16>>,
    /// `fallback_application_name=`
    pub(in crate::pg) fallback_name: Option<String>,
    /// Where relative paths start.
    pub(in crate::pg) base: Option<PathBuf>,
}

impl Draft {
    /// The path a text names, if it names one.
    pub(in crate::pg) fn path(&self, text: &str) -> Option<PathBuf> {
        if text.is_empty() {
            return None;
        }
        Some(match &self.base {
            Some(base) => base.join(text),
            None => PathBuf::from(text),
        })
    }

    /// The endpoint, if all that was said fits together.
    pub(in crate::pg) fn finish(mut self) -> Result<Endpoint> {
        self.endpoint.places = self.places()?;
        let mut endpoint = self.endpoint;
        endpoint.application_name = endpoint.application_name.or(self.fallback_name);
        let tls = &mut endpoint.tls;
        if tls.trust == Some(Trust::System) {
            // Whom the system trusts vouches for anybody: only the name tells the server from others.
            if *tls.mode.get_or_insert(Mode::VerifyFull) != Mode::VerifyFull {
                return Err(contradiction(
                    "sslrootcert=system trusts every public server, and sslmode does not look at its name",
                    "write `sslmode=verify-full`",
                ));
            }
        }
        if tls.only_1_3 && tls.only_1_2 {
            return Err(contradiction(
                "ssl_min_protocol_version is above ssl_max_protocol_version",
                "leave one of them out",
            ));
        }
        let is_remote = |place: &Place| matches!(place.host, Host::Name(_));
        let may_be = |mode: Mode, place: &Place| endpoint.mode(place) <= mode;
        let mut places = endpoint.places.iter();
        if endpoint.tls.direct
            && places.any(|place| is_remote(place) && may_be(Mode::Prefer, place))
        {
            return Err(contradiction(
                "sslnegotiation=direct asks for TLS, and sslmode allows plain text",
                "write `sslmode=verify-full`, or `require` if the server cannot be verified",
            ));
        }
        let needs_tls = if endpoint.tls.channel_binding == ChannelBinding::Require {
            Some("channel_binding=require")
        } else if endpoint.tls.certificate_mode == CertificateMode::Require {
            Some("sslcertmode=require")
        } else {
            None
        };
        let mut places = endpoint.places.iter();
        match needs_tls {
            Some(wish) if places.any(|place| may_be(Mode::Disable, place)) => Err(contradiction(
                format!("{wish} asks for TLS, and there is none with a socket or sslmode=disable"),
                "leave one of them out",
            )),
            _ => Ok(endpoint),
        }
    }

    /// Hosts, addresses and ports belong together by their order; one port is that of all hosts.
    fn places(&self) -> Result<Vec<Place>> {
        let (hosts, addresses, ports) = (&self.hosts, &self.addresses, &self.ports);
        let count = hosts.len().max(addresses.len());
        if count == 0 {
            return Err(contradiction(
                "the connection string names no host",
                EXAMPLE,
            ));
        }
        if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
            let (hosts, addresses) = (
                counted(hosts.len(), "host"),
                counted(addresses.len(), "hostaddr"),
            );
            return Err(contradiction(
                format!("{hosts} and {addresses} do not fit"),
                "name as many of one as of the other; an element may be empty",
            ));
        }
        if ports.len() > 1 && ports.len() != count {
            let (ports, hosts) = (counted(ports.len(), "port"), counted(count, "host"));
            return Err(contradiction(
                format!("{ports} and {hosts} do not fit"),
                "give one port for all hosts, or one for each",
            ));
        }
        let place = |index: usize| {
            let port = if ports.len() == 1 { 0 } else { index };
            let address = addresses.get(index).copied().flatten();
            let host = match (hosts.get(index).cloned().flatten(), address) {
                (Some(Host::Socket(_)), Some(_)) => {
                    return Err(contradiction(
                        "hostaddr is given for a socket, which has none",
                        "leave one of them out",
                    ));
                }
                (Some(host), _) => host,
                (None, Some(address)) => Host::Name(address.to_string()),
                (None, None) => {
                    return Err(contradiction(
                        "one of the hosts of the connection string is empty",
                        "name it, or take away the comma",
                    ));
                }
            };
            Ok(Place {
                host,
                address,
                port: ports.get(port).copied().flatten().unwrap_or(PORT),
            })
        };
        (0..count).map(place).collect()
    }
}

fn contradiction(what: impl Into<String>, hint: impl Into<Hint>) -> anyhow::Error {
    Error::configuration(what).hint(hint).into()
}
