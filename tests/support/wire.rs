//! PostgreSQL's protocol, as far as somebody in between has to know it: where messages end, whatever pieces the
//! network makes of them, and when the client has had to wait for the server.

use std::io::Read;
use std::net::TcpStream;

/// How the bytes of one direction fall into messages.
#[derive(Clone, Copy, PartialEq)]
enum Framing {
    /// Of the client, before it has said who it is: a length, and a number that says what for.
    Opening,
    /// Of the server, when it was asked for encryption: one byte.
    YesOrNo,
    /// A letter and a length.
    Letters,
    /// Records of TLS.
    Records,
}

/// The last TLS 1.3 says are a goodbye and an alert, and nobody waits for an answer to them. This is the length of
/// the longer one.
const GOODBYE: usize = 5 + 22;

/// What has been said on one connection.
///
/// A round trip is counted when the server answers a client that has asked something since the last answer. It
/// does not matter how many messages the client sent in one go, nor in how many pieces they came. What nobody
/// waits for is no round trip: the end, the data of a copy, and statements that are closed. What is encrypted is
/// told from a goodbye by its length alone, which is right for TLS 1.3.
pub struct Conversation {
    client: Framing,
    server: Framing,
    waiting: bool,
    ready: bool,
}

impl Conversation {
    pub fn new() -> Self {
        Self {
            client: Framing::Opening,
            server: Framing::Letters,
            waiting: false,
            ready: false,
        }
    }

    /// The next message of the client, once all of it is there.
    pub fn asked(&mut self, bytes: &mut Pending) -> Option<Vec<u8>> {
        if self.client == Framing::Opening && bytes.0.first() == Some(&0x16) {
            self.encrypt();
        }
        let message = bytes.take(self.client)?;
        self.waiting |= match self.client {
            Framing::Opening => self.opened(&message),
            Framing::Records => message.len() > GOODBYE,
            // Closing, syncing and flushing make the server say something only together with a question.
            _ => !b"XdCSH".contains(&message[0]),
        };
        Some(message)
    }

    /// Whether an answer is waited for.
    fn opened(&mut self, message: &[u8]) -> bool {
        match number(&message[4..]) {
            80_877_103 | 80_877_104 => self.server = Framing::YesOrNo,
            // To cancel has no answer.
            80_877_102 => return false,
            _ => {
                self.client = Framing::Letters;
                self.server = Framing::Letters;
            }
        }
        true
    }

    /// The next message of the server, and whether a round trip ends with it.
    pub fn answered(&mut self, bytes: &mut Pending) -> Option<(Vec<u8>, bool)> {
        let message = bytes.take(self.server)?;
        let kind = message[0];
        let turn = match self.server {
            Framing::YesOrNo => {
                // It answers `no` by a letter, and may complain by a message that begins with one.
                self.server = Framing::Letters;
                if kind == b'S' {
                    self.encrypt();
                }
                true
            }
            Framing::Records => true,
            // Who are you; what next; send your copy; and before all that, go away.
            _ => b"RZGW".contains(&kind) || (kind == b'E' && !self.ready),
        };
        self.ready |= kind == b'Z';
        let counts = turn && self.waiting;
        self.waiting &= !turn;
        Some((message, counts))
    }

    fn encrypt(&mut self) {
        self.client = Framing::Records;
        self.server = Framing::Records;
    }
}

/// Bytes that are not yet a message.
#[derive(Default)]
pub struct Pending(Vec<u8>);

impl Pending {
    /// Reads more; false if there is no more.
    pub fn read(&mut self, mut stream: &TcpStream) -> bool {
        let mut bytes = [0; 16384];
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.0.extend_from_slice(&bytes[..count]);
                true
            }
        }
    }

    fn take(&mut self, framing: Framing) -> Option<Vec<u8>> {
        let bytes = &self.0;
        let length = match framing {
            Framing::YesOrNo => 1,
            Framing::Opening => number(bytes.get(..4)?),
            Framing::Letters => 1 + number(bytes.get(1..5)?),
            Framing::Records => {
                5 + usize::from(u16::from_be_bytes(bytes.get(3..5)?.try_into().ok()?))
            }
        };
        (0 < length && length <= bytes.len()).then(|| self.0.drain(..length).collect())
    }
}

fn number(bytes: &[u8]) -> usize {
    u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize
}
