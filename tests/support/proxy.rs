//! Somebody between the program and a server: counts how often the program waits for an answer, cuts connections,
//! and hides where they come from, as networks do.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use socket2::{Domain, Socket, Type};

use super::Database;
use super::wire::{Conversation, Pending};

/// Where connections go on to.
#[derive(Clone)]
pub enum Target {
    /// A port on 127.0.0.1.
    Port(u16),
    /// The same, which sees the client's own port, as if nobody were in between; it comes from 127.0.0.2.
    Transparent(u16),
    /// A socket: the file, not its folder.
    Socket(PathBuf),
}

impl From<u16> for Target {
    fn from(port: u16) -> Self {
        Self::Port(port)
    }
}

impl From<&Path> for Target {
    fn from(socket: &Path) -> Self {
        Self::Socket(socket.to_owned())
    }
}

impl Target {
    fn connect(&self, client: &TcpStream) -> io::Result<TcpStream> {
        match self {
            Self::Transparent(port) => {
                let own = SocketAddr::from(([127, 0, 0, 2], client.peer_addr()?.port()));
                let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
                socket.bind(&own.into())?;
                socket.connect(&SocketAddr::from(([127, 0, 0, 1], *port)).into())?;
                Ok(socket.into())
            }
            Self::Port(port) => TcpStream::connect(("127.0.0.1", *port)),
            // To read, to write and to shut down are the same calls for both.
            Self::Socket(path) => Ok(OwnedFd::from(UnixStream::connect(path)?).into()),
        }
    }
}

/// A proxy on a port of 127.0.0.1. Dropping it cuts its connections, and nobody listens any more.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    links: Mutex<Vec<Arc<Link>>>,
    last: Mutex<Last>,
    closed: AtomicBool,
}

/// The message after which connections are cut.
#[derive(Default)]
enum Last {
    #[default]
    None,
    After(usize),
    With(String),
}

/// A connection, both halves of it.
struct Link {
    client: TcpStream,
    server: TcpStream,
    conversation: Mutex<Conversation>,
    round_trips: AtomicUsize,
}

impl Proxy {
    pub fn start(target: impl Into<Target>) -> Self {
        let target = target.into();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.listen(&listener, &target)
        });
        Self {
            port,
            shared,
            listener: Some(thread),
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a database of the server behind it.
    pub fn url(&self, database: &Database, user: &str) -> String {
        format!(
            "postgresql://{user}@127.0.0.1:{}/{}",
            self.port(),
            database.name
        )
    }

    /// How often a client has waited for an answer, and had it, on each connection in the order they were made. What a
    /// client has heard is counted.
    pub fn round_trips(&self) -> Vec<usize> {
        let links = self.shared.links.lock().unwrap();
        links
            .iter()
            .map(|link| link.round_trips.load(Ordering::SeqCst))
            .collect()
    }

    /// Cuts all connections. New ones are let through.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Cuts a connection once this many more messages of clients have come: the last one, which came by it, still
    /// reaches the server, and its answer nobody.
    pub fn cut_after(&self, messages: usize) {
        *self.shared.last.lock().unwrap() = Last::After(messages);
    }

    /// The same after the next message with this text in it.
    pub fn cut_at(&self, text: &str) {
        *self.shared.last.lock().unwrap() = Last::With(text.to_owned());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // It only looks up when somebody comes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.listener.take().map(JoinHandle::join);
        self.shared.cut();
    }
}

impl Shared {
    fn listen(self: &Arc<Self>, listener: &TcpListener, target: &Target) {
        for client in listener.incoming().map(Result::unwrap) {
            if self.closed.load(Ordering::SeqCst) {
                return;
            }
            let Ok(server) = target.connect(&client) else {
                continue;
            };
            for stream in [&client, &server] {
                // A socket has no such thing.
                let _ = stream.set_nodelay(true);
            }
            let link = Arc::new(Link {
                client,
                server,
                conversation: Mutex::new(Conversation::new()),
                round_trips: AtomicUsize::new(0),
            });
            self.links.lock().unwrap().push(Arc::clone(&link));
            let up = (Arc::clone(self), Arc::clone(&link));
            std::thread::spawn(move || up.0.up(&up.1));
            std::thread::spawn(move || link.down());
        }
    }

    /// From the client to the server.
    fn up(&self, link: &Link) {
        let mut pending = Pending::default();
        let mut last = false;
        while !last && pending.read(&link.client) {
            let mut messages = Vec::new();
            while !last && let Some(message) = link.conversation.lock().unwrap().asked(&mut pending)
            {
                last = self.is_last(&message);
                messages.extend(message);
            }
            if last {
                // Before the server can answer.
                let _ = link.client.shutdown(Shutdown::Both);
            }
            if (&link.server).write_all(&messages).is_err() {
                break;
            }
        }
        let _ = link.server.shutdown(Shutdown::Write);
    }

    fn is_last(&self, message: &[u8]) -> bool {
        let mut last = self.last.lock().unwrap();
        let is_it = match &mut *last {
            Last::None => false,
            Last::After(count) => {
                *count = count.saturating_sub(1);
                *count == 0
            }
            Last::With(text) => message
                .windows(text.len())
                .any(|part| part == text.as_bytes()),
        };
        if is_it {
            *last = Last::None;
        }
        is_it
    }

    /// Clients hear nothing from now on; the servers learn of it by the end of what they read.
    fn cut(&self) {
        for link in self.links.lock().unwrap().iter() {
            let _ = link.client.shutdown(Shutdown::Both);
        }
    }
}

impl Link {
    /// From the server to the client. The server is heard to its end even if nobody listens: were the connection
    /// closed with something unheard, the server could lose what it has not read yet.
    fn down(&self) {
        let mut pending = Pending::default();
        while pending.read(&self.server) {
            let mut messages = Vec::new();
            while let Some((message, counts)) =
                self.conversation.lock().unwrap().answered(&mut pending)
            {
                self.round_trips.fetch_add(counts.into(), Ordering::SeqCst);
                messages.extend(message);
            }
            let _ = (&self.client).write_all(&messages);
        }
        let _ = self.client.shutdown(Shutdown::Both);
    }
}
