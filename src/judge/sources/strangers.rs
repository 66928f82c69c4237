//! Which senders are the rest of the world, and which address stands for a group.

use crate::judge::court::Sender;
use crate::judge::plan::addresses::joined;
use crate::model::address::{address, number};
use crate::model::packet::Family;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Prefixes that nobody on the internet has (the IANA special-purpose address registries, RFC 6890).
const RESERVED_V4: [&str; 14] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// All v6 addresses that are given out to the internet are in 2000::/3; of these, nobody has the following.
const RESERVED_V6: [&str; 6] = ["::/3", "2001::/23", "2001:db8::/32", "3fff::/20", "4000::/2", "8000::/1"];

/// An address that nobody owns, as far from the host as can be (RFC 5737, RFC 3849).
pub(crate) fn far_away(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(203, 0, 113, 77).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0x7777, 0, 0, 0, 0, 0x77).into(),
    }
}

/// Groups with the address that stands for each. The rest of the world is the group that has most of the internet's addresses: lists of
/// addresses nobody has are often refused by rules of their own, so a single address tells nothing.
pub(super) fn describe(groups: Vec<Vec<(u128, u128)>>, family: Family) -> Vec<Sender> {
    let reserved = reserved(family);
    let public: Vec<u128> = groups.iter().map(|spans| public(spans, &reserved)).collect();
    let most = (0..groups.len()).rev().max_by_key(|at| public[*at]).filter(|at| public[*at] > 0);
    let sender = |(at, spans): (usize, Vec<(u128, u128)>)| Sender {
        representative: address(representative(&spans, number(far_away(family))), family),
        is_stranger: Some(at) == most,
        spans: spans.into_iter().map(|(first, last)| (address(first, family), address(last, family))).collect(),
    };
    groups.into_iter().enumerate().map(sender).collect()
}

/// One address for all: the far one, or else one of the longest span, and not its first, which often stands for a network.
fn representative(spans: &[(u128, u128)], far: u128) -> u128 {
    if spans.iter().any(|(first, last)| (*first..=*last).contains(&far)) {
        return far;
    }
    let longest = spans.iter().rev().max_by_key(|(first, last)| last - first);
    longest.map_or(far, |(first, last)| if last - first > 1 { first + 1 } else { *first })
}

/// How many addresses of these spans somebody on the internet may have.
fn public(spans: &[(u128, u128)], reserved: &[(u128, u128)]) -> u128 {
    let inside = |(first, last): &(u128, u128)| {
        let from = reserved.partition_point(|(_, end)| end < first);
        let shared = reserved[from..].iter().take_while(|(start, _)| start <= last);
        let taken = shared.map(|(start, end)| end.min(last) - start.max(first) + 1).sum::<u128>();
        (last - first).saturating_add(1).saturating_sub(taken)
    };
    spans.iter().map(inside).sum()
}

/// The reserved addresses of a family, in order.
fn reserved(family: Family) -> Vec<(u128, u128)> {
    let texts: &[&str] = if family == Family::V6 { &RESERVED_V6 } else { &RESERVED_V4 };
    let nets = texts.iter().filter_map(|text| text.parse::<IpNet>().ok());
    joined(nets.map(|net| (number(net.network()), number(net.broadcast()))).collect())
}
