//! Which configured environments' database a bare URL has led to, however it spelled the host.
//!
//! The name of the database has to be the same, and the server: by its fingerprint where an environment is pinned,
//! else by where it was reached. Addresses are compared as they were resolved, and those of this machine are all one:
//! `localhost`, `127.1`, `::1`, a name in /etc/hosts and the socket lead to the same server on the same port. In
//! doubt an environment's guards hold. No connection is opened; names are looked up for guarded environments only,
//! and not for long.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join_all;

use super::Identity;
use crate::error::Result;
use crate::pg::endpoint::{Host, Place};
use crate::pg::{Db, Query};
use crate::settings::Settings;
use crate::settings::file::{Address, EnvTable};

/// How long the name of a configured host is looked up.
const LOOKUP: Duration = Duration::from_secs(2);

crate::row! {
    /// Where a server is, as it sees it itself.
    pub struct Reached {
        /// The database that is open.
        pub database: String,
        /// The address we were taken to; nothing on a Unix socket.
        pub address: Option<String>,
        /// The port we were taken to; nothing on a Unix socket.
        pub port: Option<i32>,
        /// The port it listens on, also the number in the names of its sockets.
        pub own_port: i32,
        /// Whether it listens on any address.
        pub listens: bool,
        /// The folders of its sockets, with commas in between; nothing if the role may not know.
        pub folders: Option<String>,
    }
}

static REACHED: Query<Reached> = crate::query!("guard/reached");

/// What was found out.
#[derive(Debug, Default)]
pub struct Kin {
    /// Environments whose database it is.
    pub same: Vec<String>,
    /// Environments whose database it may be, and why that is not known.
    pub unknown: Vec<(String, String)>,
}

/// Where a server can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    /// On this machine, on a port.
    Here(u16),
    /// On another one.
    There(IpAddr, u16),
    /// At the end of a socket, by its device and inode.
    Socket(u64, u64),
}

/// The server that was reached.
#[derive(Debug, Default)]
struct Server {
    spots: Vec<Spot>,
    /// The port it listens on, if it is on this machine for certain.
    port_here: Option<u16>,
    /// The folders of its sockets, if they are known.
    folders: Option<Vec<PathBuf>>,
}

/// A place of a configured environment.
#[derive(Debug)]
enum Configured {
    Tcp(Vec<Spot>),
    Socket {
        file: Option<Spot>,
        folder: PathBuf,
        number: u16,
    },
}

/// Whether an environment forbids anything.
fn is_guarded(table: &EnvTable) -> bool {
    table.protected || !table.deny.is_empty()
}

/// Whether the fingerprint of a server that no name led to decides anything.
pub fn wants_fingerprint(settings: &Settings) -> bool {
    settings
        .addresses()
        .any(|Address { table, .. }| is_guarded(table) && table.fingerprint.is_some())
}

/// Compares the server that answers with those of the guarded environments. `database` is the one the URL names; without
/// it every database of a server counts.
pub async fn find(
    db: &Db,
    settings: &Settings,
    identity: &Identity,
    database: Option<&str>,
) -> Result<Kin> {
    let guarded: Vec<_> = settings
        .addresses()
        .filter(|Address { table, .. }| is_guarded(table))
        .collect();
    let mut kin = Kin::default();
    if guarded.is_empty() {
        return Ok(kin);
    }
    let reached = db.one(&REACHED, &[]).await?;
    let server = Server::new(db, &reached);
    // A pooler may know a database by another name. One that was opened beside it is not meant.
    let is_beside = database.is_some_and(|database| db.endpoint().database() != database);
    let opened = Some(reached.database.as_str()).filter(|_| !is_beside);
    let names = [database, opened];
    for Address {
        name,
        table,
        endpoint,
        ..
    } in guarded
    {
        let Ok(endpoint) = endpoint else {
            let why = "its address in toysoldiers.toml cannot be read".to_owned();
            kin.unknown.push((name.clone(), why));
            continue;
        };
        if database.is_some() && !names.contains(&Some(endpoint.database())) {
            continue;
        }
        if let (Some(pinned), Some(Ok(found))) = (&table.fingerprint, &identity.fingerprint) {
            if pinned == found {
                kin.same.push(name.clone());
            }
            continue;
        }
        let places = join_all(endpoint.places().iter().map(resolve)).await;
        let is_same = |place: &Result<Configured, String>| {
            place.as_ref().is_ok_and(|place| server.is_at(place))
        };
        if places.iter().any(is_same) {
            kin.same.push(name.clone());
        } else if let Some(host) = places.into_iter().find_map(Result::err) {
            let why = format!("its host {host} could not be looked up");
            kin.unknown.push((name.clone(), why));
        }
    }
    Ok(kin)
}

impl Server {
    fn new(db: &Db, reached: &Reached) -> Self {
        let own_port = u16::try_from(reached.own_port).unwrap_or_default();
        let mut server = Self {
            folders: reached.folders.as_ref().map(|folders| {
                let folders = folders.split(',').map(|folder| Path::new(folder.trim()));
                folders
                    .filter_map(|folder| folder.canonicalize().ok())
                    .collect()
            }),
            ..Self::default()
        };
        if let Some(peer) = db.peer() {
            let spot = spot(peer);
            server.spots.push(spot);
            if spot == Spot::Here(own_port) {
                server.port_here = Some(own_port);
            }
            // Behind a tunnel, a pooler or a proxy the server knows better. But its own loopback is not ours.
            let address = reached.address.as_ref().and_then(|text| text.parse().ok());
            let port = reached.port.and_then(|port| u16::try_from(port).ok());
            if let (Some(address), Some(port)) = (address, port) {
                let seen: IpAddr = address;
                if !seen.to_canonical().is_loopback() {
                    server.spots.push(self::spot(SocketAddr::new(seen, port)));
                }
            }
        } else if let Some(Configured::Socket { file, number, .. }) =
            db.endpoint().places().first().map(socket)
        {
            server.spots.extend(file);
            if number == own_port {
                server.port_here = Some(own_port);
                server
                    .spots
                    .extend(reached.listens.then_some(Spot::Here(own_port)));
            }
        }
        server
    }

    /// Whether it can be reached there.
    fn is_at(&self, place: &Configured) -> bool {
        match place {
            Configured::Tcp(spots) => spots.iter().any(|spot| self.spots.contains(spot)),
            Configured::Socket {
                file,
                folder,
                number,
            } => {
                if file.is_some_and(|file| self.spots.contains(&file)) {
                    return true;
                }
                let came_by_socket = self
                    .spots
                    .iter()
                    .any(|spot| matches!(spot, Spot::Socket(..)));
                self.port_here == Some(*number)
                    && match &self.folders {
                        Some(folders) => folders.contains(folder),
                        // Another socket is another server; what else came from this machine may be this one.
                        None => !came_by_socket,
                    }
            }
        }
    }
}

/// Where an address is.
fn spot(address: SocketAddr) -> Spot {
    let ip = address.ip().to_canonical();
    if is_here(ip) {
        Spot::Here(address.port())
    } else {
        Spot::There(ip, address.port())
    }
}

/// Whether it is an address of this machine: nobody can listen on another's.
fn is_here(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

/// Where a configured place is; the error is the host that could not be looked up.
async fn resolve(place: &Place) -> Result<Configured, String> {
    let Host::Name(name) = &place.host else {
        return Ok(socket(place));
    };
    if let Some(address) = place.address {
        let address = SocketAddr::new(address, place.port);
        return Ok(Configured::Tcp(vec![spot(address)]));
    }
    let lookup = tokio::net::lookup_host((name.as_str(), place.port));
    match tokio::time::timeout(LOOKUP, lookup).await {
        Ok(Ok(addresses)) => Ok(Configured::Tcp(addresses.map(spot).collect())),
        _ => Err(name.clone()),
    }
}

/// A socket as it is on the disk: links in its path and its name lead to the same one.
fn socket(place: &Place) -> Configured {
    let folder = match &place.host {
        Host::Socket(folder) => folder.clone(),
        Host::Name(name) => PathBuf::from(name),
    };
    let path = folder.join(format!(".s.PGSQL.{}", place.port));
    let path = path.canonicalize().unwrap_or(path);
    let number = path
        .extension()
        .and_then(|number| number.to_str()?.parse().ok());
    Configured::Socket {
        file: path
            .metadata()
            .ok()
            .map(|file| Spot::Socket(file.dev(), file.ino())),
        folder: path.parent().map_or(folder, Path::to_owned),
        number: number.unwrap_or(place.port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(address: &str) -> Configured {
        Configured::Tcp(vec![spot(address.parse().expect("is an address"))])
    }

    fn socket_at(folder: &str, inode: u64, number: u16) -> Configured {
        Configured::Socket {
            file: Some(Spot::Socket(1, inode)),
            folder: PathBuf::from(folder),
            number,
        }
    }

    #[test]
    fn all_addresses_of_this_machine_are_one() {
        let server = Server {
            spots: vec![Spot::Here(5432)],
            port_here: Some(5432),
            folders: None,
        };
        for same in [
            "127.0.0.1:5432",
            "127.9.9.9:5432",
            "[::1]:5432",
            "[::ffff:127.0.0.1]:5432",
            "0.0.0.0:5432",
        ] {
            assert!(server.is_at(&tcp(same)), "{same}");
        }
        for other in ["127.0.0.1:5433", "192.0.2.1:5432", "[2001:db8::1]:5432"] {
            assert!(!server.is_at(&tcp(other)), "{other}");
        }
        // A role that may not know where the sockets are is guarded.
        assert!(server.is_at(&socket_at("/run/postgresql", 7, 5432)));
        assert!(!server.is_at(&socket_at("/run/postgresql", 7, 5433)));
        let knowing = Server {
            folders: Some(vec![PathBuf::from("/tmp")]),
            ..server
        };
        assert!(!knowing.is_at(&socket_at("/run/postgresql", 7, 5432)));
        assert!(knowing.is_at(&socket_at("/tmp", 8, 5432)));
    }

    #[test]
    fn two_sockets_are_one_server_if_it_says_so() {
        let server = |folders: Option<&str>| Server {
            spots: vec![Spot::Socket(1, 7), Spot::Here(5432)],
            port_here: Some(5432),
            folders: folders.map(|folder| vec![PathBuf::from(folder)]),
        };
        assert!(server(None).is_at(&socket_at("/anywhere", 7, 5432)));
        assert!(!server(None).is_at(&socket_at("/tmp", 8, 5432)));
        assert!(server(Some("/tmp")).is_at(&socket_at("/tmp", 8, 5432)));
        assert!(!server(Some("/tmp")).is_at(&socket_at("/srv", 8, 5432)));
        assert!(server(None).is_at(&tcp("127.0.0.1:5432")));
    }

    #[test]
    fn behind_a_tunnel_the_server_knows_where_it_is() {
        let server = Server {
            spots: vec![
                Spot::Here(9999),
                Spot::There("192.0.2.7".parse().expect("is one"), 5432),
            ],
            ..Server::default()
        };
        assert!(server.is_at(&tcp("192.0.2.7:5432")));
        assert!(!server.is_at(&tcp("127.0.0.1:5432")));
    }
}
