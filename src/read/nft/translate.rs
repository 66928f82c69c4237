//! Statements that translate addresses.

use super::Scope;
use super::fields::{self, Fields, has_only};
use super::value::{self, Kind};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Selector, Span, Step, Target, Translation};
use crate::read::values;
use serde_json::Value;
use std::net::IpAddr;

/// `dnat`. In an `inet` table it names the family that it is for (net/netfilter/nft_nat.c, `nft_nat_inet_eval`). None if a part of it
/// is not understood.
pub(super) fn destination(content: &Value, scope: &Scope<'_>) -> Option<Vec<Step>> {
    if content.get("type_flags").is_some_and(is_prefix) || !has_only(content, &["family", "addr", "port", "flags", "type_flags"])
    {
        return None;
    }
    let mut steps = family(content)?;
    let (guards, targets) = match (content.get("addr"), content.get("port")) {
        (address, Some(port)) if port.get("map").is_some() => {
            let address = match address {
                Some(address) => Some(address.as_str()?.parse().ok()?),
                None => None,
            };
            mapped(&port["map"], scope, |value| Some((address, Some(ports(value)?))))?
        }
        (address, port) => {
            let port = match port {
                Some(port) => Some(ports(port)?),
                None => None,
            };
            match address {
                None => (Vec::new(), vec![Target { when: Vec::new(), address: None, ports: port }]),
                Some(address) if address.get("map").is_some() => mapped(&address["map"], scope, |value| place(value, port))?,
                Some(address) => (Vec::new(), Target::any_of(addresses(address)?, port)),
            }
        }
    };
    steps.extend(guards);
    steps.push(Step::Act(Action::Translate(Translation::Destination(targets))));
    Some(steps)
}

/// A translation of a prefix into another one.
fn is_prefix(flags: &Value) -> bool {
    super::words(flags).is_none_or(|flags| flags.contains(&"prefix"))
}

/// The test of the family that a statement of an `inet` table names; none where it names none. None if it is not known.
fn family(content: &Value) -> Option<Vec<Step>> {
    match content.get("family").and_then(Value::as_str) {
        None => Some(Vec::new()),
        Some("ip") => Some(vec![fields::is_family(Family::V4)]),
        Some("ip6") => Some(vec![fields::is_family(Family::V6)]),
        Some(_) => None,
    }
}

/// One address, or each of a short range.
fn addresses(value: &Value) -> Option<Vec<IpAddr>> {
    match value::span(Kind::Address, value)? {
        Span::Address(first, last) => values::spelled_out(first, last),
        _ => None,
    }
}

/// A port or a range of ports.
fn ports(value: &Value) -> Option<(u16, u16)> {
    match value::span(Kind::Number, value)? {
        Span::Number(first, last) => Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?)),
        _ => None,
    }
}

type Place = (Option<IpAddr>, Option<(u16, u16)>);

/// The value of a map's entry: an address, or an address and a port.
fn place(value: &Value, port: Option<(u16, u16)>) -> Option<Place> {
    match value.get("concat").and_then(Value::as_array).map(Vec::as_slice) {
        Some([address, port]) => Some((Some(address.as_str()?.parse().ok()?), Some(ports(port)?))),
        Some(_) => None,
        None => Some((Some(value.as_str()?.parse().ok()?), port)),
    }
}

/// The destinations of a map.
fn mapped(map: &Value, scope: &Scope<'_>, read: impl Fn(&Value) -> Option<Place>) -> Option<(Vec<Step>, Vec<Target>)> {
    let key = &map["key"];
    let fields = fields::read(key).unwrap_or_else(|| Fields::opaque(key));
    let selectors: Vec<Selector> = fields.selectors();
    let mut targets = Vec::new();
    for (spans, value) in value::map(&fields, key, &map["data"], scope)? {
        let (address, ports) = read(value)?;
        targets.push(Target { when: selectors.iter().copied().zip(spans).collect(), address, ports });
    }
    Some((fields.guards, targets))
}

/// `redirect`. None if its ports are not understood.
pub(super) fn redirect(content: &Value) -> Option<Vec<Step>> {
    let port = match content.get("port") {
        Some(port) => Some(ports(port)?),
        None => None,
    };
    (content.is_null() || has_only(content, &["port", "flags"]))
        .then(|| vec![Step::Act(Action::Translate(Translation::Redirect(port)))])
}

/// `snat`, `masquerade`. None if the family that it names is not known.
pub(super) fn source(content: &Value) -> Option<Vec<Step>> {
    let mut steps = family(content)?;
    steps.push(Step::Act(Action::Translate(Translation::Source)));
    Some(steps)
}
