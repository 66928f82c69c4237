//! A connection that the kernel keeps track of.

use super::packet::{Family, Protocol};
use std::fmt;
use std::net::IpAddr;

/// The packets of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Direction {
    /// Who sends them.
    pub source: IpAddr,
    /// Whom they are sent to.
    pub destination: IpAddr,
    /// The sender's port.
    pub source_port: u16,
    /// The port that they are sent to.
    pub destination_port: u16,
}

impl Direction {
    /// The packets the other way, where nothing is translated.
    pub fn turned(&self) -> Self {
        let Self { source, destination, source_port, destination_port } = *self;
        Self { source: destination, destination: source, source_port: destination_port, destination_port: source_port }
    }
}

/// A connection of a protocol with ports, as the first packet of it came in and as the answers do. The answers tell what the packets were
/// translated to: they come from there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The protocol.
    pub protocol: Protocol,
    /// As it was asked for.
    pub original: Direction,
    /// As it is answered.
    pub reply: Direction,
    /// True if packets went both ways; then its packets are `established`, even after a pause.
    pub is_answered: bool,
    /// The zone of the connection table that it is kept in; 0 almost everywhere.
    pub zone: u16,
    /// The kernel's own number for it: another connection with the same ends has another one.
    pub id: Option<u32>,
}

impl Flow {
    /// Its address family.
    pub fn family(&self) -> Family {
        Family::of(self.original.source)
    }
}

impl fmt::Display for Flow {
    /// `198.51.100.7:50000 to 192.0.2.1:8080/tcp`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |address, port| std::net::SocketAddr::new(address, port);
        let Direction { source, destination, source_port, destination_port } = self.original;
        write!(f, "{} to {}/{}", end(source, source_port), end(destination, destination_port), self.protocol)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_flow_is_shown_as_it_was_asked_for() {
        let original = Direction {
            source: "2001:db8::7".parse().unwrap(),
            destination: "2001:db8::1".parse().unwrap(),
            source_port: 50000,
            destination_port: 443,
        };
        let flow = Flow { protocol: Protocol::TCP, original, reply: original, is_answered: true, zone: 0, id: None };
        assert_eq!(flow.to_string(), "[2001:db8::7]:50000 to [2001:db8::1]:443/tcp");
        assert_eq!(flow.family(), Family::V6);
    }
}
