//! The socket below a session: TCP or Unix.
//!
//! It is opened here and not by the driver, because two things are known here only: the port of our own end, and
//! the process that a server at the end of a Unix socket says it gave us. Both tell a server from a pooler.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use super::endpoint::{Endpoint, Host, Keepalive};

/// An open socket.
pub enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// On this machine.
    Unix(UnixStream, Eavesdropper),
}

/// What tells, once the session is up, whether a server or a pooler is at the other end.
#[derive(Debug, Clone)]
pub enum Clue {
    /// TCP.
    Port {
        /// The port of our own end, which a server sees too.
        own: u16,
        /// The address of the other end.
        peer: SocketAddr,
    },
    /// The process the other end says it is; 0 until it said so.
    Process(Arc<AtomicI32>),
}

impl Socket {
    /// Opens it, to the first of the places. Every address of the host is tried.
    pub async fn open(endpoint: &Endpoint) -> io::Result<(Self, Clue)> {
        let place = &endpoint.places[0];
        let stream = match (&place.host, place.address) {
            (Host::Socket(folder), _) => {
                let path = folder.join(format!(".s.PGSQL.{}", place.port));
                let stream = UnixStream::connect(path).await?;
                if let Some(owner) = &endpoint.owner {
                    let uid = stream.peer_cred()?.uid();
                    if uid != owner.uid {
                        return Err(io::Error::other(format!(
                            "the socket there is a process's of user {uid}, and not of user {}",
                            owner.uid
                        )));
                    }
                }
                let process = Arc::new(AtomicI32::new(0));
                let ear = Eavesdropper {
                    process: Some(Arc::clone(&process)),
                    heard: Vec::new(),
                };
                return Ok((Self::Unix(stream, ear), Clue::Process(process)));
            }
            (Host::Name(_), Some(address)) => {
                TcpStream::connect(SocketAddr::new(address, place.port)).await?
            }
            (Host::Name(name), None) => TcpStream::connect((name.as_str(), place.port)).await?,
        };
        stream.set_nodelay(true)?;
        keep_alive(&stream, &endpoint.keepalive)?;
        let clue = Clue::Port {
            own: stream.local_addr()?.port(),
            peer: stream.peer_addr()?,
        };
        Ok((Self::Tcp(stream), clue))
    }
}

fn keep_alive(stream: &TcpStream, wanted: &Keepalive) -> io::Result<()> {
    let socket = SockRef::from(stream);
    #[cfg(target_os = "linux")]
    if wanted.user_timeout.is_some() {
        socket.set_tcp_user_timeout(wanted.user_timeout)?;
    }
    if !wanted.on {
        return Ok(());
    }
    let mut keepalive = TcpKeepalive::new();
    if let Some(idle) = wanted.idle {
        keepalive = keepalive.with_time(idle);
    }
    if let Some(interval) = wanted.interval {
        keepalive = keepalive.with_interval(interval);
    }
    if let Some(count) = wanted.count {
        keepalive = keepalive.with_retries(count);
    }
    socket.set_tcp_keepalive(&keepalive)
}

/// Listens for the process id in the server's greeting, which the driver keeps to itself.
#[derive(Debug)]
pub struct Eavesdropper {
    /// Where to note it; nothing once it was heard.
    process: Option<Arc<AtomicI32>>,
    heard: Vec<u8>,
}

impl Eavesdropper {
    /// A message is a letter, its length without the letter, and its body. `K` has the process id, `Z` ends the
    /// greeting.
    fn hear(&mut self, bytes: &[u8]) {
        let Some(process) = &self.process else { return };
        self.heard.extend_from_slice(bytes);
        while let [letter, a, b, c, d, rest @ ..] = self.heard.as_slice() {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let Some(body) = length.checked_sub(4).and_then(|length| rest.get(..length)) else {
                break;
            };
            if let (b'K', Some(id)) = (letter, body.first_chunk()) {
                process.store(i32::from_be_bytes(*id), Ordering::Relaxed);
            }
            if matches!(letter, b'K' | b'Z') {
                self.process = None;
                self.heard = Vec::new();
                return;
            }
            self.heard.drain(..=length);
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream, ear) => {
                let before = buffer.filled().len();
                let read = Pin::new(stream).poll_read(context, buffer);
                ear.hear(&buffer.filled()[before..]);
                read
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream, _) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream, _) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream, _) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_heard_however_the_bytes_arrive() {
        let greeting = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x0cK\0abcd\0\0K\0\0\0\x0c\0\0\x12\x34\0\0\0\x07Z\0\0\0\x05I";
        for size in 1..greeting.len() {
            let process = Arc::new(AtomicI32::new(0));
            let mut ear = Eavesdropper {
                process: Some(Arc::clone(&process)),
                heard: Vec::new(),
            };
            for bytes in greeting.chunks(size) {
                ear.hear(bytes);
            }
            assert_eq!(process.load(Ordering::Relaxed), 0x1234, "{size}");
            assert!(ear.process.is_none());
        }
    }
}
