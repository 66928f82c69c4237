//! The expressions of a rule to its steps.

use super::fields::{self, Fields};
use super::value::{self, Kind};
use super::{Scope, text};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Action, Decision, Key, Mark, Selector, SetMark, Span, Step, Target, Test, Translation};
use serde_json::Value;
use std::sync::Arc;

/// The steps of a rule, in order.
pub(super) fn steps(expressions: &[Value], scope: &Scope<'_>) -> Vec<Step> {
    expressions.iter().flat_map(|expression| statement(expression, scope)).collect()
}

fn statement(expression: &Value, scope: &Scope<'_>) -> Vec<Step> {
    let entry = expression.as_object().and_then(|object| object.iter().next());
    let Some((name, content)) = entry else { return vec![unknown_action(expression)] };
    match name.as_str() {
        "match" if content["left"].get("exthdr").is_some() => extension(content),
        "match" => comparison(content, scope).unwrap_or_else(|| unknown_match(content)),
        "vmap" => lookup(content, scope).unwrap_or_else(|| vec![unknown_action(expression)]),
        "dnat" => translate(content, scope).unwrap_or_else(|| vec![unknown_action(expression)]),
        "redirect" => match content.get("port").map_or(Some(None), |port| ports(port).map(Some)) {
            Some(ports) => vec![Step::Act(Action::Translate(Translation::Redirect(ports)))],
            None => vec![unknown_action(expression)],
        },
        "snat" | "masquerade" => source(content),
        "mangle" => mangle(content).unwrap_or_else(|| vec![unknown_action(expression)]),
        "notrack" => vec![Step::Act(Action::Untrack)],
        "reject" => reject(content),
        "counter" | "log" | "last" | "dup" | "flow" | "ct helper" | "ct timeout" | "ct expectation" | "secmark" | "reset"
        | "optstrip" | "comment" => Vec::new(),
        "set" | "map" if content.get("stmt").is_none() => Vec::new(),
        "limit" | "quota" | "ct count" | "meter" | "set" | "map" => {
            vec![Step::Test(Test::Unknown(text::expression(expression).into()))]
        }
        // One of iptables' own: a match or a target, its contents are not shown.
        "xt" => vec![Step::Test(Test::Unknown(text::expression(expression).into())), unknown_action(expression)],
        _ => match decision(expression) {
            Some(decision) => vec![Step::Act(Action::Decide(decision))],
            None => vec![unknown_action(expression)],
        },
    }
}

fn unknown_action(expression: &Value) -> Step {
    Step::Act(Action::Unknown(text::expression(expression).into()))
}

/// `reject`. Its answer implies what it is for, and nft leaves the test of that out of its listing (nft src/netlink_delinearize.c,
/// `stmt_reject_postprocess`).
fn reject(content: &Value) -> Vec<Step> {
    let guard = match content.get("type").and_then(Value::as_str) {
        Some("icmp") => Some(fields::is(Key::Family, Family::V4.number())),
        Some("icmpv6") => Some(fields::is(Key::Family, Family::V6.number())),
        Some("tcp reset") => Some(fields::is(Key::Protocol, Protocol::TCP.0.into())),
        _ => None,
    };
    guard.into_iter().chain([Step::Act(Action::Decide(Decision::Reject))]).collect()
}

/// A match on an extension header of v6: a plain first packet has none, so only a test that it is missing fits.
fn extension(content: &Value) -> Vec<Step> {
    let is_missing = content["left"]["exthdr"].get("field").is_none()
        && matches!((content["op"].as_str(), content["right"].as_bool()), (Some("=="), Some(false)) | (Some("!="), Some(true)));
    let wanted = if is_missing { Family::V6.number() } else { 0 };
    vec![fields::is(Key::Family, wanted)]
}

/// Even where the field or the values are not understood, the header that the field belongs to is.
fn unknown_match(content: &Value) -> Vec<Step> {
    let mut steps: Vec<Step> = fields::header_guard(&content["left"]).into_iter().collect();
    if let Some(fields) = fields::read(&content["left"]) {
        steps = fields.guards;
    }
    steps.push(Step::Test(Test::Unknown(text::comparison(content).into())));
    steps
}

/// A verdict statement.
pub(super) fn decision(expression: &Value) -> Option<Decision> {
    let (name, content) = expression.as_object()?.iter().next()?;
    let target = || content["target"].as_str().map(Arc::from);
    Some(match name.as_str() {
        "accept" => Decision::Accept,
        "drop" => Decision::Drop,
        "return" => Decision::Return,
        "continue" => Decision::Continue,
        "jump" => Decision::Jump(target()?),
        "goto" => Decision::Goto(target()?),
        _ => return None,
    })
}

/// `match`: a comparison of fields with values. None if a part of it is not understood.
fn comparison(content: &Value, scope: &Scope<'_>) -> Option<Vec<Step>> {
    let fields = fields::read(&content["left"])?;
    let kinds = fields.kinds();
    let right = &content["right"];
    let operator = content["op"].as_str()?;
    let is_set = right.get("set").is_some() || right.as_str().is_some_and(|text| text.starts_with('@'));
    let (among, negated) = if is_set {
        (
            value::set(&kinds, right, scope)?,
            match operator {
                "==" | "in" => false,
                "!=" => true,
                _ => return None,
            },
        )
    } else {
        let (members, negated) = single(&fields, &kinds, operator, right)?;
        (Arc::new(crate::model::ruleset::Set { members, exceptions: Vec::new() }), negated)
    };
    let selectors = fields.selectors();
    let mut steps = fields.guards;
    steps.push(Step::Test(Test::Fields { selectors, among, negated }));
    Some(steps)
}

/// The members that one value, range or combination of bits stands for, and whether they are excluded.
fn single(fields: &Fields, kinds: &[Kind], operator: &str, right: &Value) -> Option<(Vec<Vec<Span>>, bool)> {
    if let Some(parts) = right.get("concat").and_then(Value::as_array) {
        let spans: Option<Vec<Span>> = kinds.iter().zip(parts).map(|(kind, part)| value::span(*kind, part)).collect();
        return match operator {
            "==" | "in" if parts.len() == kinds.len() => Some((vec![spans?], false)),
            "!=" if parts.len() == kinds.len() => Some((vec![spans?], true)),
            _ => None,
        };
    }
    let [kind] = kinds else { return None };
    let is_masked = fields.parts[0].0.mask.is_some();
    let number = |value| value::bits(*kind, value);
    let span = match operator {
        "in" if kind.is_bits() => Span::AnyBit(number(right)?),
        "!" if kind.is_bits() => return Some((vec![vec![Span::AnyBit(number(right)?)]], true)),
        "<" => Span::Number(0, number(right)?.checked_sub(1)?),
        "<=" => Span::Number(0, number(right)?),
        ">" => Span::Number(number(right)?.checked_add(1)?, u32::MAX),
        ">=" => Span::Number(number(right)?, u32::MAX),
        // A list of bits is compared as a whole only under a mask; elsewhere nft means any of them.
        "==" | "!=" if right.is_array() && !is_masked => return None,
        "==" | "!=" if right.is_array() || right.get("|").is_some() => Span::number(number(right)?),
        "==" | "in" | "!=" => value::span(*kind, right)?,
        _ => return None,
    };
    let is_order = matches!(operator, "<" | "<=" | ">" | ">=");
    if is_order && !matches!(kind, Kind::Number | Kind::Protocol) {
        return None;
    }
    Some((vec![vec![span]], operator == "!="))
}

/// The fields of a key; one that is not understood may have any value.
fn key(expression: &Value) -> Fields {
    fields::read(expression).unwrap_or_else(|| Fields { guards: Vec::new(), parts: vec![(Key::Opaque.into(), Kind::Opaque)] })
}

/// `vmap`: decisions by fields.
fn lookup(content: &Value, scope: &Scope<'_>) -> Option<Vec<Step>> {
    let fields = key(&content["key"]);
    let mut map = Vec::new();
    for (spans, value) in value::map(&fields.kinds(), &content["data"], scope)? {
        map.push((spans, decision(value)?));
    }
    let selectors = fields.selectors();
    let mut steps = fields.guards;
    steps.push(Step::Act(Action::Lookup { selectors, map: Arc::new(map) }));
    Some(steps)
}

/// A port or a range of ports.
fn ports(value: &Value) -> Option<(u16, u16)> {
    match value::span(Kind::Number, value)? {
        Span::Number(first, last) => Some((u16::try_from(first).ok()?, u16::try_from(last).ok()?)),
        _ => None,
    }
}

/// `dnat`. In an `inet` table it names the family that it is for (net/netfilter/nft_nat.c, `nft_nat_inet_eval`).
fn translate(content: &Value, scope: &Scope<'_>) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    match content.get("family").and_then(Value::as_str) {
        Some("ip") => steps.push(fields::is(Key::Family, Family::V4.number())),
        Some("ip6") => steps.push(fields::is(Key::Family, Family::V6.number())),
        Some(_) => return None,
        None => {}
    }
    let port = match content.get("port") {
        Some(port) if port.get("map").is_none() => Some(ports(port)?),
        Some(port) => {
            let (guards, targets) = mapped(&port["map"], scope, |value| Some((None, Some(ports(value)?))))?;
            let address = content.get("addr").and_then(Value::as_str).and_then(|text| text.parse().ok());
            if content.get("addr").is_some() != address.is_some() {
                return None;
            }
            steps.extend(guards);
            let targets = targets.into_iter().map(|target| Target { address, ..target }).collect();
            steps.push(Step::Act(Action::Translate(Translation::Destination(targets))));
            return Some(steps);
        }
        None => None,
    };
    let targets = match content.get("addr") {
        None => vec![Target { when: Vec::new(), address: None, ports: port }],
        Some(Value::String(text)) => vec![Target { when: Vec::new(), address: Some(text.parse().ok()?), ports: port }],
        Some(address) => {
            let (guards, targets) =
                mapped(address.get("map")?, scope, |value| match value.get("concat").and_then(Value::as_array) {
                    Some(parts) => match parts.as_slice() {
                        [address, port] => Some((Some(address.as_str()?.parse().ok()?), Some(ports(port)?))),
                        _ => None,
                    },
                    None => Some((Some(value.as_str()?.parse().ok()?), port)),
                })?;
            steps.extend(guards);
            targets
        }
    };
    steps.push(Step::Act(Action::Translate(Translation::Destination(targets))));
    Some(steps)
}

type Place = (Option<std::net::IpAddr>, Option<(u16, u16)>);

/// The destinations of a map.
fn mapped(map: &Value, scope: &Scope<'_>, read: impl Fn(&Value) -> Option<Place>) -> Option<(Vec<Step>, Vec<Target>)> {
    let fields = key(&map["key"]);
    let selectors: Vec<Selector> = fields.selectors();
    let mut targets = Vec::new();
    for (spans, value) in value::map(&fields.kinds(), &map["data"], scope)? {
        let (address, ports) = read(value)?;
        targets.push(Target { when: selectors.iter().copied().zip(spans).collect(), address, ports });
    }
    Some((fields.guards, targets))
}

fn source(content: &Value) -> Vec<Step> {
    let family = match content.get("family").and_then(Value::as_str) {
        Some("ip") => Some(Family::V4),
        Some("ip6") => Some(Family::V6),
        _ => None,
    };
    let guard = family.map(|family| fields::is(Key::Family, family.number()));
    guard.into_iter().chain([Step::Act(Action::Translate(Translation::Source))]).collect()
}

/// `mangle`: what changes no field that rules look at here has no effect.
fn mangle(content: &Value) -> Option<Vec<Step>> {
    let key = &content["key"];
    let Some(target) = mark(key) else { return is_harmless(key).then(Vec::new) };
    let (source, pick, flip) = arithmetic(&content["value"])?;
    Some(vec![Step::Act(Action::SetMark(SetMark { target, keep: 0, source: source.unwrap_or(target), pick, flip }))])
}

fn mark(expression: &Value) -> Option<Mark> {
    match (expression["meta"]["key"].as_str(), expression["ct"]["key"].as_str()) {
        (Some("mark"), _) => Some(Mark::Packet),
        (_, Some("mark")) => Some(Mark::Connection),
        _ => None,
    }
}

fn is_harmless(key: &Value) -> bool {
    let meta = key["meta"]["key"].as_str().is_some_and(|key| ["priority", "nftrace", "secmark", "broute"].contains(&key));
    let connection = key["ct"]["key"].as_str().is_some_and(|key| ["label", "event", "helper", "secmark"].contains(&key));
    let field =
        key["payload"]["field"].as_str().is_some_and(|field| ["dscp", "ecn", "ttl", "hoplimit", "flowlabel"].contains(&field));
    meta || connection || field || key.get("tcp option").is_some()
}

/// A mark's new value as `(source & pick) ^ flip`; None for anything of another form.
fn arithmetic(value: &Value) -> Option<(Option<Mark>, u32, u32)> {
    if let Some(mark) = mark(value) {
        return Some((Some(mark), u32::MAX, 0));
    }
    if let Some(number) = value.as_u64() {
        return Some((None, 0, u32::try_from(number).ok()?));
    }
    let (operator, operands) = value.as_object()?.iter().next()?;
    let [left, right] = operands.as_array()?.as_slice() else { return None };
    let (source, pick, flip) = arithmetic(left)?;
    let (None, 0, number) = arithmetic(right)? else { return None };
    Some(match operator.as_str() {
        "&" => (source, pick & number, flip & number),
        "|" => (source, pick & !number, (flip & !number) | number),
        "^" => (source, pick, flip ^ number),
        _ => return None,
    })
}
