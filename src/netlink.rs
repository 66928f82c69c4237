//! Speaks netlink to the kernel, netlink(7): for what the tools of a host cannot do exactly, or are often not there for.
//!
//! In: a message's type, flags and body. Out: the bodies of the answers, or the kernel's error. Not here: what they mean.

pub mod conntrack;
pub mod nftables;
pub mod sockets;

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
use elsewhere::Socket;
#[cfg(target_os = "linux")]
use linux::Socket;
use std::io;
use std::path::Path;

/// A request, linux/netlink.h.
const REQUEST: u16 = 0x1;
/// The kernel is to say that it was done.
const ACK: u16 = 0x4;
/// All there are.
const DUMP: u16 = 0x300;
/// While the answers came, what they tell changed; some may be missing.
const DUMP_INTERRUPTED: u16 = 0x10;
/// Types of messages about messages.
const ERROR: u16 = 0x2;
const DONE: u16 = 0x3;
/// What stands around changes of nftables that are made together, linux/netfilter/nfnetlink.h, and whose they are: a `struct nfgenmsg`
/// with the subsystem's number in network byte order.
const BEGIN: u16 = 0x10;
const END: u16 = 0x11;
const OF_NFTABLES: [u8; 4] = [0, 0, 0, 10];
/// How often one begins again because what is listed changed meanwhile.
const TRIES: usize = 3;
/// The length of a message's head.
const HEAD: usize = 16;

/// Whom one speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subsystem {
    /// The connection table and the tables of nftables.
    Netfilter,
    /// Sockets.
    Sockets,
}

/// A channel to one subsystem, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Channel {
    socket: Socket,
    sequence: u32,
}

impl Channel {
    /// Opens it.
    ///
    /// # Errors
    /// The kernel's. Unsupported: it does not know the subsystem; other kernels than Linux have no netlink.
    pub fn open(subsystem: Subsystem) -> io::Result<Self> {
        Ok(Self { socket: Socket::open(subsystem)?, sequence: 0 })
    }

    /// Opens it in another network namespace, which a file stands for.
    ///
    /// # Errors
    /// As [`Self::open`]; the file is none or not there.
    pub fn open_in(subsystem: Subsystem, namespace: &Path) -> io::Result<Self> {
        Ok(Self { socket: Socket::open_in(subsystem, namespace)?, sequence: 0 })
    }

    /// Asks for something to be done, or for one thing to be shown.
    ///
    /// # Errors
    /// The kernel's.
    pub fn ask(&mut self, kind: u16, body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        self.exchange(kind, REQUEST | ACK, body).map(|(answers, _)| answers)
    }

    /// Asks for all there are; false: what they tell changed meanwhile, and some may be missing.
    ///
    /// # Errors
    /// The kernel's.
    pub fn list(&mut self, kind: u16, body: &[u8]) -> io::Result<(Vec<Vec<u8>>, bool)> {
        self.exchange(kind, REQUEST | DUMP, body)
    }

    /// Asks for all there are at one moment.
    ///
    /// # Errors
    /// The kernel's; they change each time that they are asked for.
    pub fn list_whole(&mut self, kind: u16, body: &[u8]) -> io::Result<Vec<Vec<u8>>> {
        for _ in 0..TRIES {
            if let (bodies, true) = self.list(kind, body)? {
                return Ok(bodies);
            }
        }
        Err(io::Error::new(io::ErrorKind::Interrupted, "they change all the time"))
    }

    /// Asks nftables for one change. `flags`: conditions of it.
    ///
    /// # Errors
    /// The kernel's; then nothing has changed.
    pub fn change(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        self.sequence += 1;
        let part = |kind, flags, body| message(kind, flags, self.sequence, body);
        let parts =
            [part(BEGIN, REQUEST, &OF_NFTABLES), part(kind, REQUEST | ACK | flags, body), part(END, REQUEST, &OF_NFTABLES)];
        self.socket.send(&parts.concat())?;
        self.answers().map(drop)
    }

    fn exchange(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<(Vec<Vec<u8>>, bool)> {
        self.sequence += 1;
        self.socket.send(&message(kind, flags, self.sequence, body))?;
        self.answers()
    }

    /// What the kernel says to the last request.
    fn answers(&mut self) -> io::Result<(Vec<Vec<u8>>, bool)> {
        let mut answers = Vec::new();
        let mut is_whole = true;
        loop {
            let bytes = self.socket.receive()?;
            for message in Messages(&bytes) {
                let message = message.ok_or(io::ErrorKind::InvalidData)?;
                if message.sequence != self.sequence {
                    continue;
                }
                is_whole &= message.flags & DUMP_INTERRUPTED == 0;
                match message.kind {
                    DONE => return Ok((answers, is_whole)),
                    ERROR => return error(message.body).map(|()| (answers, is_whole)),
                    _ => answers.push(message.body.to_vec()),
                }
            }
        }
    }
}

/// The kernel's word: a negative number of an error, or 0.
fn error(body: &[u8]) -> io::Result<()> {
    match body.first_chunk().map(|bytes| i32::from_ne_bytes(*bytes)) {
        Some(0) => Ok(()),
        Some(number) => Err(io::Error::from_raw_os_error(number.wrapping_neg())),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn message(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEAD + body.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    // The sender's port: the kernel knows it.
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes
}

struct Message<'a> {
    kind: u16,
    flags: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The messages in what was received; None for one that is no message, and then the end.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Option<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.0);
        let two = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u16::from_ne_bytes(*bytes));
        let four = |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_ne_bytes(*bytes));
        let length = four(0).and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let (Some(kind), Some(flags), Some(sequence), Some(body)) = (two(4), two(6), four(8), bytes.get(HEAD..length)) else {
            return Some(None);
        };
        self.0 = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Some(Message { kind, flags, sequence, body }))
    }
}

/// One attribute (`struct nlattr`): its length, its type, its value, padded to a multiple of four bytes.
pub fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The attributes in some bytes, up to the first that is none. Two bits of a type say how to read the value, and are not given.
fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (length, kind) = (rest.first_chunk()?, rest.get(2..)?.first_chunk()?);
        let length = usize::from(u16::from_ne_bytes(*length));
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes(*kind) & 0x3fff, value))
    })
}

/// The value of the first attribute of a type.
fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(found, _)| *found == kind).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn messages_are_taken_apart_as_they_were_put_together() {
        let mut bytes = message(7, 1, 42, b"abcde");
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(message(DONE, 0, 43, b""));
        let messages: Vec<_> = Messages(&bytes).map(Option::unwrap).collect();
        assert_eq!((messages[0].kind, messages[0].flags, messages[0].sequence, messages[0].body), (7, 1, 42, &b"abcde"[..]));
        assert_eq!((messages[1].kind, messages[1].sequence, messages.len()), (DONE, 43, 2));
    }

    #[test]
    fn what_is_no_message_ends_the_reading() {
        for bytes in [&[1][..], &[0; 16], &[15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[200; 20]] {
            assert_eq!(Messages(bytes).map(|message| message.is_some()).collect::<Vec<_>>(), [false]);
        }
    }

    #[test]
    fn an_error_of_the_kernel_is_one_of_the_system() {
        assert!(error(&0_i32.to_ne_bytes()).is_ok());
        assert_eq!(error(&(-2_i32).to_ne_bytes()).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(error(&[1]).is_err());
    }

    #[test]
    fn an_attribute_is_padded_and_its_length_is_not() {
        assert_eq!(attribute(3, &[9, 9, 9])[2..], [3_u16.to_ne_bytes()[0], 3_u16.to_ne_bytes()[1], 9, 9, 9, 0]);
        assert_eq!(attribute(3, &[9, 9, 9])[..2], 7_u16.to_ne_bytes());
    }

    #[test]
    fn attributes_end_with_the_first_that_is_none() {
        assert_eq!(attributes(&[0; 4]).count(), 0);
        assert_eq!(attributes(&[9, 0, 1, 0, 0]).count(), 0);
        let two = [attribute(5, b"x"), attribute(6 | 0x8000, b"")].concat();
        assert_eq!(attributes(&two).collect::<Vec<_>>(), [(5, &b"x"[..]), (6, b"")]);
        assert_eq!(find(&two, 6), Some(&b""[..]));
    }
}
