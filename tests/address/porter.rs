//! A server that lets nobody in, but remembers who came to which door and what they said: what libpq makes of an
//! address, seen from outside.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use crate::support::Folder;
use crate::support::server::bin;

/// Somebody came.
#[derive(Debug)]
pub struct Visit {
    /// The number of the door.
    pub door: usize,
    /// The startup packet: user, database, options and so on.
    pub said: BTreeMap<String, String>,
    /// The password, if the porter asked and was told.
    pub password: Option<String>,
}

/// Where one can come to.
#[derive(Debug, Clone)]
pub enum Door {
    /// An IP address and a port.
    Tcp(&'static str, u16),
    /// The folder of a socket and the number in its name.
    Socket(PathBuf, u16),
}

pub struct Porter {
    pub folder: Folder,
    pub doors: Vec<Door>,
    visits: Arc<Mutex<Vec<Visit>>>,
}

impl Porter {
    /// With a door on 127.0.0.1, one on a socket, and one on ::1 if the machine has that. Asks for a password or
    /// not.
    pub fn new(asks: bool) -> Self {
        let folder = Folder::new();
        let visits = Arc::default();
        let mut doors = Vec::new();
        let sockets = folder.path().join("a:b\\c");
        std::fs::create_dir(&sockets).unwrap();
        let listener = UnixListener::bind(sockets.join(".s.PGSQL.6000")).unwrap();
        attend(move || Some(listener.accept().ok()?.0), 0, asks, &visits);
        doors.push(Door::Socket(sockets, 6000));
        for address in ["127.0.0.1", "::1"] {
            let Ok(listener) = TcpListener::bind((address, 0)) else {
                continue;
            };
            let port = listener.local_addr().unwrap().port();
            let number = doors.len();
            attend(
                move || Some(listener.accept().ok()?.0),
                number,
                asks,
                &visits,
            );
            doors.push(Door::Tcp(address, port));
        }
        Self {
            folder,
            doors,
            visits,
        }
    }

    /// psql with an environment of nothing but what is said here, on its way to this address.
    pub fn psql(&self, address: &str, environ: &[(&str, &str)]) -> Output {
        Command::new(bin().join("psql"))
            .args(["-X", "-w", "-c", "", "-d", address])
            .current_dir("/")
            .env_clear()
            .env("HOME", self.folder.path())
            .env("LC_ALL", "C.UTF-8")
            .env("PGSYSCONFDIR", "/nonexistent")
            .envs(environ.iter().copied())
            .output()
            .unwrap()
    }

    /// Who came since the last call.
    pub fn visits(&self) -> Vec<Visit> {
        std::mem::take(&mut self.visits.lock().unwrap())
    }
}

/// Opens whenever somebody knocks. Who turns round at once is nobody.
fn attend<S: Read + Write>(
    open: impl Fn() -> Option<S> + Send + 'static,
    door: usize,
    asks: bool,
    visits: &Arc<Mutex<Vec<Visit>>>,
) {
    let visits = Arc::clone(visits);
    std::thread::spawn(move || {
        while let Some(mut guest) = open() {
            if let Some(said) = greet(&mut guest) {
                // Before an answer: who has it may go and look.
                let visit = Visit {
                    door,
                    said,
                    password: None,
                };
                visits.lock().unwrap().push(visit);
                if let Some(password) = asks.then(|| ask(&mut guest)).flatten()
                    && let Some(visit) = visits.lock().unwrap().last_mut()
                {
                    visit.password = Some(password);
                }
                let _ = guest.write_all(b"E\0\0\0\x15SFATAL\0C28000\0Mno\0\0");
            }
        }
    });
}

fn packet(guest: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    guest.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    guest.read_exact(&mut body).ok()?;
    Some(body)
}

/// No TLS, no GSSAPI; what the startup packet says.
fn greet(guest: &mut (impl Read + Write)) -> Option<BTreeMap<String, String>> {
    loop {
        let body = packet(guest)?;
        if body[..2] != [0, 3] {
            guest.write_all(b"N").ok()?;
            continue;
        }
        let mut words = body[4..]
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8(word.to_vec()).unwrap());
        let mut said = BTreeMap::new();
        while let Some(name) = words.next().filter(|name| !name.is_empty()) {
            said.insert(name, words.next()?);
        }
        return Some(said);
    }
}

/// The password in plain text.
fn ask(guest: &mut (impl Read + Write)) -> Option<String> {
    guest.write_all(b"R\0\0\0\x08\0\0\0\x03").ok()?;
    guest.read_exact(&mut [0]).ok()?;
    let mut body = packet(guest)?;
    body.pop();
    String::from_utf8(body).ok()
}
