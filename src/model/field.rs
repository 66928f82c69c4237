//! What rules look at: the fields of a packet, and the values that they are held against.

use std::net::IpAddr;
use std::sync::Arc;

/// A field of the packet, perhaps under a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The field.
    pub key: Key,
    /// The bits of a number that are looked at; None: all.
    pub mask: Option<u32>,
}

impl From<Key> for Selector {
    fn from(key: Key) -> Self {
        Self { key, mask: None }
    }
}

/// The fields that rules look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The name of the interface that the packet came by; empty for one from the host itself.
    InInterface,
    /// The name of the interface that it will leave by; empty where no route is chosen yet.
    OutInterface,
    /// The kind of the interface that the packet came in by: `bridge`, `veth` …; empty for a real one.
    InKind,
    /// The kind of the interface that the packet will leave by: `bridge`, `veth` …; empty for a real one.
    OutKind,
    /// The address family, as NFPROTO number.
    Family,
    /// The transport protocol's number.
    Protocol,
    /// The sender.
    Source,
    /// The receiver.
    Destination,
    /// The sender's port.
    SourcePort,
    /// The receiver's port.
    DestinationPort,
    /// The flags of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
    TcpFlags,
    /// The type of an ICMP message, of either family. A packet with ports has none.
    IcmpType,
    /// The code of an ICMP message.
    IcmpCode,
    /// The v4 fragment field: flags and offset.
    Fragment,
    /// The packet's mark.
    Mark,
    /// The connection's mark.
    CtMark,
    /// The connection's state, one of [`ct_state`].
    CtState,
    /// The same with the two virtual states that iptables adds: DNAT and SNAT.
    CtStateOrNat,
    /// The connection's status bits, as IPS_* of `nf_conntrack_common.h`.
    CtStatus,
    /// The packet's direction in its connection: 0 original, 1 reply.
    CtDirection,
    /// The protocol of the connection; what is not tracked has none.
    CtProtocol,
    /// The address family of the connection, as NFPROTO number.
    CtFamily,
    /// The sender before translation.
    CtSource,
    /// The receiver before translation.
    CtDestination,
    /// The sender's port before translation.
    CtSourcePort,
    /// The receiver's port before translation.
    CtDestinationPort,
    /// Who sends the answers: the receiver after translation.
    CtReplySource,
    /// Whom the answers are sent to: the sender after translation.
    CtReplyDestination,
    /// The port that the answers come from.
    CtReplySourcePort,
    /// The port that the answers go to.
    CtReplyDestinationPort,
    /// The process of this host that sent the packet: 0 none, it came from outside; which one otherwise cannot be told.
    Owner,
    /// The bridge of the port that a frame came by; a packet that came by no port has none.
    InBridge,
    /// The bridge of the port that a frame will leave by.
    OutBridge,
    /// Whom the frame was sent to, PACKET_HOST 0, PACKET_BROADCAST 1, PACKET_MULTICAST 2 (`linux/if_packet.h`).
    PacketType,
    /// The type of the source address, as RTN_* of `linux/rtnetlink.h`: unicast 1, local 2, broadcast 3, anycast 4, multicast 5.
    SourceType,
    /// The type of the destination address.
    DestinationType,
    /// The type of the destination address as far as the incoming interface has it.
    DestinationTypeHere,
    /// 1 if there is a way back to the source.
    ReversePath {
        /// True: it has to lead through the incoming interface.
        here: bool,
        /// True: it is looked for with the packet's mark; false: without any.
        by_mark: bool,
    },
    /// 1 if the packet is bridged, and br_netfilter shows it to the IP hooks.
    Bridged,
    /// 1 if the packet came in by a port of a bridge, and br_netfilter shows that to the IP hooks.
    ByPort,
    /// 1 if the packet came through an IPsec tunnel.
    Ipsec,
    /// Something that cannot be read; it may have any value.
    Opaque,
}

/// The states of a connection, as bits (`linux/netfilter/nf_conntrack_common.h`; the last two are iptables' own).
pub mod ct_state {
    /// The packet belongs to no connection.
    pub const INVALID: u32 = 1;
    /// Of a connection that was answered.
    pub const ESTABLISHED: u32 = 2;
    /// Of a connection that another one announced.
    pub const RELATED: u32 = 4;
    /// Of a connection that begins.
    pub const NEW: u32 = 8;
    /// Not tracked.
    pub const UNTRACKED: u32 = 64;
    /// The source is translated.
    pub const SNAT: u32 = 1 << 16;
    /// The destination is translated.
    pub const DNAT: u32 = 1 << 17;
}

/// A set of values, or of concatenated values. Two are equal that have the same members, in whatever order.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// Its members; each has one span for each selector.
    pub members: Vec<Vec<Span>>,
    /// Members of an ipset with `nomatch`: what is in one of them may or may not be in the set.
    pub exceptions: Vec<Vec<Span>>,
}

impl Set {
    /// A set of single values.
    pub fn of(spans: impl IntoIterator<Item = Span>) -> Arc<Self> {
        Arc::new(Self { members: spans.into_iter().map(|span| vec![span]).collect(), exceptions: Vec::new() })
    }
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        let in_order = |members: &[Vec<Span>]| {
            let mut members = members.to_vec();
            members.sort_unstable();
            members
        };
        let are_equal =
            |one: &[Vec<Span>], other: &[Vec<Span>]| one == other || one.len() == other.len() && in_order(one) == in_order(other);
        are_equal(&self.members, &other.members) && are_equal(&self.exceptions, &other.exceptions)
    }
}

impl Eq for Set {}

/// A range of values of one field; both ends inclusive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// Numbers.
    Number(u32, u32),
    /// Addresses; both ends are of one family.
    Address(IpAddr, IpAddr),
    /// Addresses with these bits under a mask that is no prefix: the bits, the mask; both of one family.
    AddressBits(IpAddr, IpAddr),
    /// At least one of these bits is set.
    AnyBit(u32),
    /// The very name.
    Name(Arc<str>),
    /// Every name that begins so.
    NamePrefix(Arc<str>),
    /// Anything.
    Any,
}

impl Span {
    /// A single number.
    pub fn number(number: u32) -> Self {
        Self::Number(number, number)
    }
}

impl From<ipnet::IpNet> for Span {
    fn from(net: ipnet::IpNet) -> Self {
        Self::Address(net.network(), net.broadcast())
    }
}
