//! A packet as the filters see it: the first one of a new connection.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// The address family of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address. A v4-mapped v6 address is a v6 address: on the wire it is one.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The word used on the screen and in our JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V6 => "v6",
        }
    }

    /// The netfilter number: NFPROTO_IPV4, NFPROTO_IPV6 (`linux/netfilter.h`).
    pub fn number(self) -> u32 {
        match self {
            Self::V4 => 2,
            Self::V6 => 10,
        }
    }
}

/// A transport protocol, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// DCCP.
    pub const DCCP: Self = Self(33);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
    /// SCTP.
    pub const SCTP: Self = Self(132);
    /// UDP-Lite.
    pub const UDPLITE: Self = Self(136);

    /// Those that an engine publishes ports of.
    pub const PUBLISHED: [Self; 3] = [Self::TCP, Self::UDP, Self::SCTP];

    /// Names as iptables (libxtables `xtables_chain_protos`), nft and `/etc/protocols` of netbase write them.
    const NAMES: [(&'static str, u8); 58] = [
        ("icmp", 1),
        ("igmp", 2),
        ("ggp", 3),
        ("ipencap", 4),
        ("st", 5),
        ("tcp", 6),
        ("egp", 8),
        ("igp", 9),
        ("pup", 12),
        ("udp", 17),
        ("hmp", 20),
        ("xns-idp", 22),
        ("rdp", 27),
        ("iso-tp4", 29),
        ("dccp", 33),
        ("xtp", 36),
        ("ddp", 37),
        ("idpr-cmtp", 38),
        ("ipv6", 41),
        ("ipv6-route", 43),
        ("ipv6-frag", 44),
        ("idrp", 45),
        ("rsvp", 46),
        ("gre", 47),
        ("esp", 50),
        ("ah", 51),
        ("skip", 57),
        ("ipv6-icmp", 58),
        ("icmpv6", 58),
        ("ipv6-nonxt", 59),
        ("ipv6-opts", 60),
        ("rspf", 73),
        ("vmtp", 81),
        ("eigrp", 88),
        ("ospf", 89),
        ("ospfigp", 89),
        ("ax.25", 93),
        ("ipip", 94),
        ("etherip", 97),
        ("encap", 98),
        ("pim", 103),
        ("ipcomp", 108),
        ("comp", 108),
        ("vrrp", 112),
        ("l2tp", 115),
        ("isis", 124),
        ("sctp", 132),
        ("fc", 133),
        ("mobility-header", 135),
        ("ipv6-mh", 135),
        ("mh", 135),
        ("udplite", 136),
        ("mpls-in-ip", 137),
        ("manet", 138),
        ("hip", 139),
        ("shim6", 140),
        ("wesp", 141),
        ("rohc", 142),
    ];

    /// The protocol of a name or a number; None for a name that is not known.
    pub fn named(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse() {
            return Some(Self(number));
        }
        Self::NAMES.iter().find(|(name, _)| *name == text).map(|&(_, number)| Self(number))
    }

    /// True if its header begins with a source and a destination port.
    pub fn has_ports(self) -> bool {
        [Self::TCP, Self::UDP, Self::DCCP, Self::SCTP, Self::UDPLITE].contains(&self)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// The first packet of a connection that somebody tries to open.
///
/// A client takes any unprivileged source port; so the packet has none of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The interface that it enters by. `lo`: a process on the host itself sends it.
    pub interface: Arc<str>,
    /// The sender; of the same family as the destination.
    pub source: IpAddr,
    /// Whom it is sent to.
    pub destination: IpAddr,
    /// The port that it is sent to.
    pub port: u16,
    /// A protocol with ports.
    pub protocol: Protocol,
}

impl Packet {
    /// Its address family.
    pub fn family(&self) -> Family {
        Family::of(self.destination)
    }
}

impl fmt::Display for Packet {
    /// `198.51.100.7 via eth0 to 192.0.2.1:8080/tcp`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} via {} to ", self.source, self.interface)?;
        match self.destination {
            IpAddr::V4(address) => write!(f, "{address}:{}", self.port)?,
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.port)?,
        }
        write!(f, "/{}", self.protocol)
    }
}

/// Whom a packet is sent to.
///
/// Written `192.0.2.1:8080`, `192.0.2.1:53/udp`, `[2001:db8::1]:443/tcp`; without a protocol, TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: IpAddr,
    /// The port, 1 to 65535.
    pub port: u16,
    /// A protocol with ports.
    pub protocol: Protocol,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}` is not ADDRESS:PORT[/PROTOCOL], with a v6 address in brackets");
        let (place, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let socket: SocketAddr = place.parse().map_err(|_| form())?;
        let protocol = Protocol::named(protocol).filter(|protocol| protocol.has_ports());
        let protocol =
            protocol.ok_or_else(|| format!("`{text}`: the protocol must be one with ports: tcp, udp, sctp, dccp or udplite"))?;
        match socket.port() {
            0 => Err(format!("`{text}`: ports begin at 1")),
            port => Ok(Self { address: socket.ip(), port, protocol }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_target_is_an_address_a_port_and_perhaps_a_protocol() {
        let target: Target = "[2001:db8::1]:53/udp".parse().unwrap();
        assert_eq!((target.address.to_string().as_str(), target.port, target.protocol), ("2001:db8::1", 53, Protocol::UDP));
        assert_eq!("192.0.2.1:80".parse::<Target>().unwrap().protocol, Protocol::TCP);
    }

    #[test]
    fn what_is_no_target_is_refused_in_words() {
        for text in ["192.0.2.1", "2001:db8::1:80", "192.0.2.1:80/icmp", "192.0.2.1:0", "web:80", ""] {
            assert!(text.parse::<Target>().unwrap_err().starts_with('`'), "{text}");
        }
    }
}
