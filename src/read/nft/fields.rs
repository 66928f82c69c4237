//! The left side of a match: which field of the packet an expression is about.

use super::value::{self, Kind};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Key, Selector, Set, Span, Step, Test};
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
    Step::Test(Test::Fields { selectors: vec![key.into()], among: Set::of([Span::number(number)]), negated: false })
}

/// The fields of an expression; None if it is not understood.
pub(super) fn read(expression: &Value) -> Option<Fields> {
    let (name, content) = expression.as_object()?.iter().next()?;
    match name.as_str() {
        "meta" => meta(content.get("key").unwrap_or(content).as_str()?),
        "payload" => payload(content["protocol"].as_str()?, content["field"].as_str()?),
        "ct" => connection(content),
        "fib" => fib(content),
        "concat" => {
            let mut all = Fields { guards: Vec::new(), parts: Vec::new() };
            for part in content.as_array()? {
                let fields = read(part)?;
                all.guards.extend(fields.guards);
                all.parts.extend(fields.parts);
            }
            Some(all)
        }
        "&" => {
            let [left, mask] = content.as_array()?.as_slice() else { return None };
            let mut fields = read(left)?;
            let [(selector, kind)] = fields.parts.as_mut_slice() else { return None };
            if *kind == Kind::Address || selector.mask.is_some() {
                return None;
            }
            selector.mask = Some(value::bits(*kind, mask)?);
            Some(fields)
        }
        _ => None,
    }
}

fn meta(key: &str) -> Option<Fields> {
    Some(match key {
        "iif" | "iifname" => Fields::one(Key::InInterface, Kind::Interface),
        "oif" | "oifname" => Fields::one(Key::OutInterface, Kind::Interface),
        "nfproto" => Fields::one(Key::Family, Kind::Family),
        "protocol" => Fields::one(Key::Family, Kind::EtherType),
        "l4proto" => Fields::one(Key::Protocol, Kind::Protocol),
        "mark" => Fields::one(Key::Mark, Kind::Number),
        "pkttype" => Fields::one(Key::PacketType, Kind::PacketType),
        "ipsec" | "secpath" => Fields::one(Key::Ipsec, Kind::Truth),
        _ => return None,
    })
}

fn payload(protocol: &str, field: &str) -> Option<Fields> {
    let family = |family: Family| is(Key::Family, family.number());
    let transport = |protocol: Protocol| is(Key::Protocol, protocol.0.into());
    let fields = match (protocol, field) {
        ("ip", "saddr") => Fields::one(Key::Source, Kind::Address).guarded(family(Family::V4)),
        ("ip", "daddr") => Fields::one(Key::Destination, Kind::Address).guarded(family(Family::V4)),
        ("ip", "protocol") => Fields::one(Key::Protocol, Kind::Protocol).guarded(family(Family::V4)),
        ("ip", "version") => Fields::one(Key::Family, Kind::Version),
        ("ip", "frag-off") => Fields::one(Key::Fragment, Kind::Number).guarded(family(Family::V4)),
        ("ip6", "saddr") => Fields::one(Key::Source, Kind::Address).guarded(family(Family::V6)),
        ("ip6", "daddr") => Fields::one(Key::Destination, Kind::Address).guarded(family(Family::V6)),
        ("ip6", "nexthdr") => Fields::one(Key::Protocol, Kind::Protocol).guarded(family(Family::V6)),
        ("th", "sport") => Fields::one(Key::SourcePort, Kind::Number),
        ("th", "dport") => Fields::one(Key::DestinationPort, Kind::Number),
        ("tcp", "flags") => Fields::one(Key::TcpFlags, Kind::TcpFlags).guarded(transport(Protocol::TCP)),
        ("tcp" | "udp" | "sctp" | "dccp" | "udplite", "sport" | "dport") => {
            let key = if field == "sport" { Key::SourcePort } else { Key::DestinationPort };
            Fields::one(key, Kind::Number).guarded(transport(Protocol::named(protocol)?))
        }
        _ => return None,
    };
    Some(fields)
}

/// The protocol that a header belongs to, where the packet must have it for a match on the header to fit at all.
pub(super) fn header_guard(expression: &Value) -> Option<Step> {
    let expression = expression.get("&").and_then(|operands| operands.get(0)).unwrap_or(expression);
    let protocol = Protocol::named(expression.get("payload")?["protocol"].as_str()?)?;
    Some(is(Key::Protocol, protocol.0.into()))
}

fn connection(content: &Value) -> Option<Fields> {
    let family = |family: Family| is(Key::Family, family.number());
    let key = content["key"].as_str()?;
    let direction = content.get("dir").and_then(Value::as_str);
    Some(match (direction, key) {
        (None, "state") => Fields::one(Key::CtState, Kind::CtState),
        (None, "status") => Fields::one(Key::CtStatus, Kind::CtStatus),
        (None, "direction") => Fields::one(Key::CtDirection, Kind::CtDirection),
        (None, "mark") => Fields::one(Key::CtMark, Kind::Number),
        (_, "l3proto") => Fields::one(Key::Family, Kind::Family),
        (_, "protocol") => Fields::one(Key::Protocol, Kind::Protocol),
        (Some("original"), "saddr") => Fields::one(Key::CtSource, Kind::Address),
        (Some("original"), "daddr") => Fields::one(Key::CtDestination, Kind::Address),
        (Some("original"), "ip saddr") => Fields::one(Key::CtSource, Kind::Address).guarded(family(Family::V4)),
        (Some("original"), "ip daddr") => Fields::one(Key::CtDestination, Kind::Address).guarded(family(Family::V4)),
        (Some("original"), "ip6 saddr") => Fields::one(Key::CtSource, Kind::Address).guarded(family(Family::V6)),
        (Some("original"), "ip6 daddr") => Fields::one(Key::CtDestination, Kind::Address).guarded(family(Family::V6)),
        (Some("original"), "proto-src") => Fields::one(Key::CtSourcePort, Kind::Number),
        (Some("original"), "proto-dst") => Fields::one(Key::CtDestinationPort, Kind::Number),
        _ => return None,
    })
}

/// `fib daddr type`, and `fib saddr . iif oif` as a test of the way back. The mark takes no part in choosing a route here.
fn fib(content: &Value) -> Option<Fields> {
    let flags: Vec<&str> = content["flags"].as_array()?.iter().filter_map(Value::as_str).filter(|flag| *flag != "mark").collect();
    Some(match (content["result"].as_str()?, flags.as_slice()) {
        ("type", ["daddr"]) => Fields::one(Key::DestinationType, Kind::AddressType),
        ("type", ["saddr"]) => Fields::one(Key::SourceType, Kind::AddressType),
        ("type", ["daddr", "iif"]) => Fields::one(Key::DestinationTypeHere, Kind::AddressType),
        ("oif" | "oifname" | "check", ["saddr", "iif"]) => Fields::one(Key::ReversePath, Kind::Truth),
        ("oif" | "oifname" | "check", ["saddr"]) => Fields::one(Key::AnyReversePath, Kind::Truth),
        _ => return None,
    })
}
