//! Messages about sockets (`linux/inet_diag.h`, `linux/sock_diag.h`), sock_diag(7).

use super::conntrack::number;
use crate::model::flow::Direction;
use crate::model::packet::{Family, Protocol};
use std::net::{IpAddr, Ipv6Addr};

/// Shows a socket: `SOCK_DIAG_BY_FAMILY`.
pub const SHOW: u16 = 20;
/// Ends one, as if an error had come in: `SOCK_DESTROY`. The other side is told.
pub const DESTROY: u16 = 21;

/// The state of a socket that waits for connections, `TCP_LISTEN` of `net/tcp_states.h`.
const LISTENING: u8 = 10;
/// The states of sockets that wait for connections or have one, as bits: all but `TCP_TIME_WAIT` 6 and `TCP_CLOSE` 7.
const IN_USE: u32 = !(1 << 6 | 1 << 7);
/// Any socket: `INET_DIAG_NOCOOKIE`.
const ANY: [u8; 8] = [0xff; 8];
/// Where in a socket's name (`struct inet_diag_sockid`, 48 bytes) its cookie is.
const COOKIE: std::ops::Range<usize> = 40..48;

/// What asks for the TCP socket that sends these packets.
pub fn sender_of(packets: &Direction) -> Vec<u8> {
    let mut name = packets.source_port.to_be_bytes().to_vec();
    name.extend(packets.destination_port.to_be_bytes());
    for address in [packets.source, packets.destination] {
        let mut octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        octets.resize(16, 0);
        name.extend(octets);
    }
    // Any interface.
    name.extend([0; 4]);
    name.extend(ANY);
    request(Family::of(packets.source), u32::MAX, &name)
}

/// What asks for all TCP sockets of a family that wait for connections or have one.
pub fn all(family: Family) -> Vec<u8> {
    request(family, IN_USE, &[0; 48])
}

/// `struct inet_diag_req_v2`, for sockets in these states.
fn request(family: Family, states: u32, name: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number(family), Protocol::TCP.0, 0, 0];
    bytes.extend(states.to_ne_bytes());
    bytes.extend(name);
    bytes
}

/// A TCP socket that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// True if it waits for connections.
    pub is_listening: bool,
    /// The packets that it sends.
    pub packets: Direction,
}

/// Reads a socket (`struct inet_diag_msg`); None: it is not told as we know it.
pub fn socket(shown: &[u8]) -> Option<Shown> {
    let (family, state, name) = (*shown.first()?, *shown.get(1)?, shown.get(4..52)?);
    let address = |at: usize| -> Option<IpAddr> {
        let octets = name.get(at..at + 16)?;
        if family == number(Family::V4) {
            return octets.first_chunk::<4>().map(|octets| IpAddr::from(*octets));
        }
        // A socket of both families has the addresses of v4 in those of v6.
        octets.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).to_canonical())
    };
    let port = |at: usize| name.get(at..)?.first_chunk().map(|port| u16::from_be_bytes(*port));
    let packets = Direction { source: address(4)?, destination: address(20)?, source_port: port(0)?, destination_port: port(2)? };
    Some(Shown { is_listening: state == LISTENING, packets })
}

/// What names the shown socket and no other; None: it is not the one that sends these packets. Where there is no such connection the kernel
/// shows the socket that waits for new ones (`inet_diag_find_one_icsk`), and that one is to live.
pub fn exactly(shown: &[u8], packets: &Direction) -> Option<Vec<u8>> {
    if socket(shown)? != (Shown { is_listening: false, packets: *packets }) {
        return None;
    }
    let mut request = sender_of(packets);
    request.get_mut(8..)?.get_mut(COOKIE)?.copy_from_slice(shown.get(4..)?.get(COOKIE)?);
    Some(request)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn packets(source: &str, destination: &str) -> Direction {
        Direction {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            source_port: 80,
            destination_port: 50000,
        }
    }

    /// What the kernel shows of the socket that sends these.
    fn shown(packets: &Direction, state: u8) -> Vec<u8> {
        let mut bytes = vec![number(Family::of(packets.source)), state, 0, 0];
        bytes.extend(&sender_of(packets)[8..]);
        bytes[44..52].copy_from_slice(b"mycookie");
        bytes
    }

    #[test]
    fn the_socket_of_a_connection_is_named_with_its_cookie() {
        let packets = packets("192.0.2.1", "192.0.2.7");
        let request = exactly(&shown(&packets, 1), &packets).unwrap();
        assert_eq!(request[..48], sender_of(&packets)[..48]);
        assert_eq!(&request[48..], b"mycookie");
        let mapped = self::packets("::ffff:192.0.2.1", "::ffff:192.0.2.7");
        assert_eq!(exactly(&shown(&mapped, 1), &packets), Some(request));
    }

    #[test]
    fn a_socket_that_listens_and_one_of_another_connection_are_not_it() {
        let packets = packets("2001:db8::1", "2001:db8::7");
        assert_eq!(exactly(&shown(&packets, LISTENING), &packets), None);
        assert_eq!(exactly(&shown(&self::packets("2001:db8::1", "::"), 1), &packets), None);
        let whole = shown(&packets, 1);
        for length in 0..whole.len() {
            assert_eq!(exactly(&whole[..length], &packets), None);
        }
    }
}
