//! The connection table's messages (`linux/netfilter/nfnetlink_conntrack.h`).

use super::{attribute, find};
use crate::model::flow::{Direction, Flow};
use crate::model::packet::{Family, Protocol};
use std::net::IpAddr;

/// Types of messages: the subsystem's number, and what is asked.
pub const GET: u16 = 1 << 8 | 1;
/// See [`GET`].
pub const DELETE: u16 = 1 << 8 | 2;

/// Attributes of a connection.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const STATUS: u16 = 3;
const ID: u16 = 12;
const ZONE: u16 = 18;
/// Attributes of a direction.
const ADDRESSES: u16 = 1;
const TRANSPORT: u16 = 2;
/// Attributes of its addresses.
const SOURCE_V4: u16 = 1;
const DESTINATION_V4: u16 = 2;
const SOURCE_V6: u16 = 3;
const DESTINATION_V6: u16 = 4;
/// Attributes of its transport.
const NUMBER: u16 = 1;
const SOURCE_PORT: u16 = 2;
const DESTINATION_PORT: u16 = 3;
/// An attribute that holds others says so, `linux/netlink.h`.
const NESTED: u16 = 1 << 15;

/// Packets went both ways: `IPS_SEEN_REPLY`, `linux/netfilter/nf_conntrack_common.h`.
const ANSWERED: u32 = 1 << 1;

/// What asks for all connections of a family.
pub fn all(family: Family) -> Vec<u8> {
    head(family)
}

/// `struct nfgenmsg`: the family by its socket number, a version, nothing.
fn head(family: Family) -> Vec<u8> {
    vec![number(family), 0, 0, 0]
}

/// The family's number for sockets on Linux, `linux/socket.h`.
pub(super) fn number(family: Family) -> u8 {
    match family {
        Family::V4 => 2,
        Family::V6 => 10,
    }
}

/// What names one connection, and no other that may have come into its place.
pub fn one(flow: &Flow) -> Vec<u8> {
    let mut bytes = head(flow.family());
    bytes.extend(direction(&flow.original, flow.protocol));
    // A kernel without zones refuses to hear of them.
    if flow.zone != 0 {
        bytes.extend(attribute(ZONE, &flow.zone.to_be_bytes()));
    }
    if let Some(id) = flow.id {
        bytes.extend(attribute(ID, &id.to_be_bytes()));
    }
    bytes
}

fn direction(direction: &Direction, protocol: Protocol) -> Vec<u8> {
    let address = |v4, v6, address| match address {
        IpAddr::V4(address) => attribute(v4, &address.octets()),
        IpAddr::V6(address) => attribute(v6, &address.octets()),
    };
    let mut addresses = address(SOURCE_V4, SOURCE_V6, direction.source);
    addresses.extend(address(DESTINATION_V4, DESTINATION_V6, direction.destination));
    let mut transport = attribute(NUMBER, &[protocol.0]);
    transport.extend(attribute(SOURCE_PORT, &direction.source_port.to_be_bytes()));
    transport.extend(attribute(DESTINATION_PORT, &direction.destination_port.to_be_bytes()));
    let mut both = attribute(ADDRESSES | NESTED, &addresses);
    both.extend(attribute(TRANSPORT | NESTED, &transport));
    attribute(ORIGINAL | NESTED, &both)
}

/// What the kernel says of one connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Entry {
    /// A connection of a protocol with ports.
    Flow(Flow),
    /// One of a protocol without.
    Portless,
    /// One that is not told as we know it.
    Unknown,
}

/// Reads one connection.
pub fn entry(body: &[u8]) -> Entry {
    let Some(inner) = body.get(4..) else { return Entry::Unknown };
    match find(inner, ORIGINAL).and_then(protocol) {
        Some(protocol) if !protocol.has_ports() => Entry::Portless,
        Some(protocol) => flow(inner, protocol).map_or(Entry::Unknown, Entry::Flow),
        None => Entry::Unknown,
    }
}

fn flow(inner: &[u8], protocol: Protocol) -> Option<Flow> {
    let status = u32::from_be_bytes(find(inner, STATUS)?.try_into().ok()?);
    let zone = match find(inner, ZONE) {
        Some(zone) => u16::from_be_bytes(zone.try_into().ok()?),
        None => 0,
    };
    Some(Flow {
        protocol,
        original: ends(find(inner, ORIGINAL)?)?,
        reply: ends(find(inner, REPLY)?)?,
        is_answered: status & ANSWERED != 0,
        zone,
        id: find(inner, ID).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes),
    })
}

fn protocol(direction: &[u8]) -> Option<Protocol> {
    find(find(direction, TRANSPORT)?, NUMBER)?.first().map(|number| Protocol(*number))
}

fn ends(direction: &[u8]) -> Option<Direction> {
    let addresses = find(direction, ADDRESSES)?;
    let address = |v4, v6| match find(addresses, v4) {
        Some(octets) => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        None => find(addresses, v6).and_then(|octets| <[u8; 16]>::try_from(octets).ok()).map(IpAddr::from),
    };
    let transport = find(direction, TRANSPORT)?;
    let port = |kind| find(transport, kind).and_then(|port| port.try_into().ok()).map(u16::from_be_bytes);
    Some(Direction {
        source: address(SOURCE_V4, SOURCE_V6)?,
        destination: address(DESTINATION_V4, DESTINATION_V6)?,
        source_port: port(SOURCE_PORT)?,
        destination_port: port(DESTINATION_PORT)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn flow_of(source: &str, destination: &str) -> Flow {
        let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
        let original = Direction { source, destination, source_port: 50000, destination_port: 443 };
        let reply = Direction { source: destination, destination: source, source_port: 443, destination_port: 50000 };
        Flow { protocol: Protocol::TCP, original, reply, is_answered: true, zone: 7, id: Some(0x0102_0304) }
    }

    /// What the kernel says of it.
    fn said(flow: &Flow) -> Vec<u8> {
        let mut bytes = one(flow);
        let reply = direction(&flow.reply, flow.protocol);
        bytes.extend(attribute(REPLY | NESTED, &reply[4..]));
        bytes.extend(attribute(STATUS, &0x0e_u32.to_be_bytes()));
        bytes
    }

    #[test]
    fn a_flow_is_read_as_it_is_named() {
        for flow in [flow_of("192.0.2.7", "198.51.100.1"), flow_of("2001:db8::7", "2001:db8::1")] {
            assert_eq!(entry(&said(&flow)), Entry::Flow(flow));
        }
    }

    #[test]
    fn what_has_no_ports_and_what_is_cut_short_are_no_flows() {
        let mut ping = flow_of("192.0.2.7", "198.51.100.1");
        let whole = said(&ping);
        for length in 0..whole.len() {
            assert_eq!(entry(&whole[..length]), Entry::Unknown, "{length} bytes of {}", whole.len());
        }
        ping.protocol = Protocol::ICMP;
        assert_eq!(entry(&said(&ping)), Entry::Portless);
    }
}
