//! The left side of a match: which field of the packet an expression is about.

use super::value::{self, Kind};
use super::words;
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Key, Selector, Span, Step, Test};
use serde_json::Value;

/// The fields of an expression.
#[derive(Debug)]
pub(super) struct Fields {
    /// What must hold for the packet to have them: nft tests it silently (nft(8), "implicit dependencies").
    pub(super) guards: Vec<Step>,
    /// One for each part of a concatenation.
    pub(super) parts: Vec<(Selector, Kind)>,
}

impl Fields {
    /// The selectors alone.
    pub(super) fn selectors(&self) -> Vec<Selector> {
        self.parts.iter().map(|(selector, _)| *selector).collect()
    }

    /// What their values are.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.parts.iter().map(|(_, kind)| *kind).collect()
    }

    /// A field that is not understood: it may have any value, but the packet must have its header.
    pub(super) fn opaque(expression: &Value) -> Self {
        Self { guards: super::guards::of(expression), parts: vec![(Key::Opaque.into(), Kind::Opaque)] }
    }

    fn one(key: Key, kind: Kind) -> Self {
        Self { guards: Vec::new(), parts: vec![(key.into(), kind)] }
    }

    fn guarded(mut self, guard: Step) -> Self {
        self.guards.insert(0, guard);
        self
    }
}

/// A test that a field has one value.
pub(super) fn is(key: Key, number: u32) -> Step {
    Step::Test(Test::within(key, Span::number(number)))
}

/// A test that the packet is of a family.
pub(super) fn is_family(family: Family) -> Step {
    is(Key::Family, family.number())
}

/// A test that the packet is of a protocol.
pub(super) fn is_protocol(protocol: Protocol) -> Step {
    is(Key::Protocol, protocol.0.into())
}

/// True if an object has no other keys than these: what is not consumed is not understood.
pub(super) fn has_only(object: &Value, keys: &[&str]) -> bool {
    object.as_object().is_some_and(|object| object.keys().all(|key| keys.contains(&key.as_str())))
}

/// The fields of an expression; None if it is not understood.
pub(super) fn read(expression: &Value) -> Option<Fields> {
    let (name, content) = expression.as_object()?.iter().next()?;
    match name.as_str() {
        "meta" => meta(content.get("key").unwrap_or(content).as_str()?),
        "payload" => payload(content),
        "ct" => connection(content),
        "fib" => fib(content),
        "concat" => {
            let mut all = Fields { guards: Vec::new(), parts: Vec::new() };
            for part in content.as_array()? {
                let fields = read(part).unwrap_or_else(|| Fields::opaque(part));
                all.guards.extend(fields.guards);
                all.parts.extend(fields.parts);
            }
            Some(all)
        }
        "&" => {
            let [left, mask] = content.as_array()?.as_slice() else { return None };
            let mut fields = read(left)?;
            let [(selector, kind)] = fields.parts.as_mut_slice() else { return None };
            match kind {
                Kind::Address => *kind = Kind::AddressUnder(mask.as_str()?.parse().ok()?),
                _ if selector.mask.is_some() || !kind.is_numeric() => return None,
                _ => selector.mask = Some(value::bits(*kind, mask)?),
            }
            Some(fields)
        }
        _ => None,
    }
}

fn meta(key: &str) -> Option<Fields> {
    Some(match key {
        "iif" | "iifname" => Fields::one(Key::InInterface, Kind::Interface),
        "oif" | "oifname" => Fields::one(Key::OutInterface, Kind::Interface),
        "iifkind" => Fields::one(Key::InKind, Kind::Interface),
        "oifkind" => Fields::one(Key::OutKind, Kind::Interface),
        "ibrname" | "ibridgename" => Fields::one(Key::InBridge, Kind::Interface),
        "obrname" | "obridgename" => Fields::one(Key::OutBridge, Kind::Interface),
        "nfproto" => Fields::one(Key::Family, Kind::Family),
        "protocol" => Fields::one(Key::Family, Kind::EtherType),
        "l4proto" => Fields::one(Key::Protocol, Kind::Protocol),
        "mark" => Fields::one(Key::Mark, Kind::Number),
        "pkttype" => Fields::one(Key::PacketType, Kind::PacketType),
        "ipsec" | "secpath" => Fields::one(Key::Ipsec, Kind::Truth),
        _ => return None,
    })
}

/// A field of a header, or, where nft knows no name for it, its place: `@th,16,16` is the receiver's port.
fn payload(content: &Value) -> Option<Fields> {
    if let Some(base) = content.get("base") {
        let place = (base.as_str()?, content["offset"].as_u64()?, content["len"].as_u64()?);
        return match place {
            ("th", 0, 16) => Some(Fields::one(Key::SourcePort, Kind::Number)),
            ("th", 16, 16) => Some(Fields::one(Key::DestinationPort, Kind::Number)),
            _ => None,
        };
    }
    if !has_only(content, &["protocol", "name", "field"]) {
        return None;
    }
    // nft 0.9.0 called the protocol `name`.
    let protocol = content.get("protocol").or_else(|| content.get("name"))?.as_str()?;
    header_field(protocol, content["field"].as_str()?)
}

fn header_field(protocol: &str, field: &str) -> Option<Fields> {
    let v4 = |key, kind| Fields::one(key, kind).guarded(is_family(Family::V4));
    let v6 = |key, kind| Fields::one(key, kind).guarded(is_family(Family::V6));
    Some(match (protocol, field) {
        ("ether", "type") => Fields::one(Key::Family, Kind::EtherType),
        ("ip", "saddr") => v4(Key::Source, Kind::Address),
        ("ip", "daddr") => v4(Key::Destination, Kind::Address),
        ("ip", "protocol") => v4(Key::Protocol, Kind::Protocol),
        ("ip", "version") => v4(Key::Family, Kind::Version),
        ("ip", "frag-off") => v4(Key::Fragment, Kind::Number),
        ("ip6", "saddr") => v6(Key::Source, Kind::Address),
        ("ip6", "daddr") => v6(Key::Destination, Kind::Address),
        ("ip6", "nexthdr") => v6(Key::Protocol, Kind::Protocol),
        ("ip6", "version") => v6(Key::Family, Kind::Version),
        ("th", "sport") => Fields::one(Key::SourcePort, Kind::Number),
        ("th", "dport") => Fields::one(Key::DestinationPort, Kind::Number),
        ("icmp", "type") => Fields::one(Key::IcmpType, Kind::IcmpType).guarded(is_protocol(Protocol::ICMP)),
        ("icmpv6", "type") => Fields::one(Key::IcmpType, Kind::Icmpv6Type).guarded(is_protocol(Protocol::ICMPV6)),
        ("icmp", "code") => Fields::one(Key::IcmpCode, Kind::IcmpCode).guarded(is_protocol(Protocol::ICMP)),
        ("icmpv6", "code") => Fields::one(Key::IcmpCode, Kind::Icmpv6Code).guarded(is_protocol(Protocol::ICMPV6)),
        ("tcp", "flags") => Fields::one(Key::TcpFlags, Kind::TcpFlags).guarded(is_protocol(Protocol::TCP)),
        ("tcp" | "udp" | "sctp" | "dccp" | "udplite", "sport" | "dport") => {
            let key = if field == "sport" { Key::SourcePort } else { Key::DestinationPort };
            Fields::one(key, Kind::Number).guarded(is_protocol(Protocol::named(protocol)?))
        }
        _ => return None,
    })
}

fn connection(content: &Value) -> Option<Fields> {
    if !has_only(content, &["key", "dir", "family"]) {
        return None;
    }
    let key = content["key"].as_str()?;
    let direction = content.get("dir").and_then(Value::as_str);
    // Before nft 0.9.3 the family stood beside the key.
    let (family, key) = match (key.split_once(' '), content.get("family").and_then(Value::as_str)) {
        (Some((family, key)), None) => (Some(family), key),
        (None, family) => (family, key),
        (Some(_), Some(_)) => return None,
    };
    let field = match (direction, key) {
        (None, "state") => Fields::one(Key::CtState, Kind::CtState),
        (None, "status") => Fields::one(Key::CtStatus, Kind::CtStatus),
        (None, "direction") => Fields::one(Key::CtDirection, Kind::CtDirection),
        (None, "mark") => Fields::one(Key::CtMark, Kind::Number),
        (_, "l3proto") => Fields::one(Key::CtFamily, Kind::Family),
        (_, "protocol") => Fields::one(Key::CtProtocol, Kind::Protocol),
        (Some("original"), "saddr") => Fields::one(Key::CtSource, Kind::Address),
        (Some("original"), "daddr") => Fields::one(Key::CtDestination, Kind::Address),
        (Some("original"), "proto-src") => Fields::one(Key::CtSourcePort, Kind::Number),
        (Some("original"), "proto-dst") => Fields::one(Key::CtDestinationPort, Kind::Number),
        (Some("reply"), "saddr") => Fields::one(Key::CtReplySource, Kind::Address),
        (Some("reply"), "daddr") => Fields::one(Key::CtReplyDestination, Kind::Address),
        (Some("reply"), "proto-src") => Fields::one(Key::CtReplySourcePort, Kind::Number),
        (Some("reply"), "proto-dst") => Fields::one(Key::CtReplyDestinationPort, Kind::Number),
        _ => return None,
    };
    Some(match family {
        None => field,
        Some("ip") => field.guarded(is_family(Family::V4)),
        Some("ip6") => field.guarded(is_family(Family::V6)),
        Some(_) => return None,
    })
}

/// `fib daddr type`, and `fib saddr . iif oif` as a test of the way back. The mark chooses a route only where it is named
/// (net/ipv4/netfilter/nft_fib_ipv4.c, `nft_fib4_eval`: `NFTA_FIB_F_MARK`); a type does not hang on it.
fn fib(content: &Value) -> Option<Fields> {
    let (marks, flags): (Vec<&str>, Vec<&str>) = words(&content["flags"])?.into_iter().partition(|flag| *flag == "mark");
    let by_mark = !marks.is_empty();
    let has = |wanted: &[&str]| flags.len() == wanted.len() && wanted.iter().all(|flag| flags.contains(flag));
    let result = content["result"].as_str()?;
    let is_route = matches!(result, "oif" | "oifname" | "check");
    Some(match result {
        "type" if has(&["daddr"]) => Fields::one(Key::DestinationType, Kind::AddressType),
        "type" if has(&["saddr"]) => Fields::one(Key::SourceType, Kind::AddressType),
        "type" if has(&["daddr", "iif"]) => Fields::one(Key::DestinationTypeHere, Kind::AddressType),
        _ if is_route && has(&["saddr", "iif"]) => Fields::one(Key::ReversePath { here: true, by_mark }, Kind::Truth),
        _ if is_route && has(&["saddr"]) => Fields::one(Key::ReversePath { here: false, by_mark }, Kind::Truth),
        _ => return None,
    })
}
