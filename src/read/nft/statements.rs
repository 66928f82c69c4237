//! The expressions of a rule to its steps.

use super::fields::{self, Fields};
use super::value::{self, Kind};
use super::{Scope, asked, guards, mangle, text, translate};
use crate::model::address;
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Action, Decision, Key, Set, Span, Step, Test, Translation};
use crate::read::changes::{self, Place};
use crate::read::iptables;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

/// The steps of a rule, in order.
pub(super) fn steps(expressions: &[Value], place: &Place, scope: &Scope<'_>) -> Vec<Step> {
    let listed = |expression| statement(expression, scope);
    let only_stops = || changes::only_stop(expressions.iter().flat_map(listed).collect::<Vec<_>>().iter());
    let step = |expression| asked::in_doubt(expression, place, scope, only_stops).unwrap_or_else(|| listed(expression));
    expressions.iter().flat_map(step).collect()
}

fn statement(expression: &Value, scope: &Scope<'_>) -> Vec<Step> {
    let entry = expression.as_object().and_then(|object| object.iter().next());
    let Some((name, content)) = entry else { return vec![unknown_action(expression)] };
    let unknown = || guards::of(content).into_iter().chain([unknown_action(expression)]).collect();
    match name.as_str() {
        "match" if content["left"].get("exthdr").is_some() => extension(content),
        "match" => comparison(content, scope).unwrap_or_else(|| unknown_match(content)),
        "vmap" => lookup(content, scope).unwrap_or_else(unknown),
        "dnat" => translate::destination(content, scope).unwrap_or_else(unknown),
        "redirect" => translate::redirect(content).unwrap_or_else(unknown),
        "snat" | "masquerade" => translate::source(content).unwrap_or_else(unknown),
        "mangle" => mangle::steps(content).unwrap_or_else(unknown),
        "notrack" => vec![Step::Act(Action::Untrack)],
        "reject" => reject(content),
        "log" | "last" | "dup" | "ct timeout" | "secmark" | "comment" => Vec::new(),
        // An object by its name; one that a map picks is there or not, and where it is not the rule ends.
        "counter" | "ct helper" | "ct expectation" if content.get("map").is_none() => Vec::new(),
        "reset" | "optstrip" => guards::of(content),
        // Only what is confirmed, and, of TCP, established is taken up; for the rest the rule ends
        // (net/netfilter/nft_flow_offload.c, `nft_flow_offload_eval`).
        "flow" => vec![Step::Test(Test::never())],
        "set" | "map" => remember(content, expression, scope),
        "counter" | "ct helper" | "ct expectation" | "limit" | "quota" | "ct count" | "meter" => {
            guards::of(content).into_iter().chain([unknown_test(expression)]).collect()
        }
        "xt" => foreign(content, expression),
        "synproxy" => vec![fields::is_protocol(Protocol::TCP), unknown_action(expression)],
        _ => match decision(expression) {
            Some(decision) => vec![Step::Act(Action::Decide(decision))],
            None => unknown(),
        },
    }
}

fn unknown_test(expression: &Value) -> Step {
    Step::Test(Test::Unknown(text::expression(expression).into()))
}

/// One of iptables' own expressions: a match or a target, whose contents are not shown. Of some the name says enough.
fn foreign(content: &Value, expression: &Value) -> Vec<Step> {
    match (content["type"].as_str(), content["name"].as_str()) {
        (Some("match"), Some("comment")) | (Some("watcher"), Some(_)) => Vec::new(),
        // Frames of other protocols (net/bridge/netfilter/ebt_arp.c, ebt_stp.c, ebt_802_3.c).
        (Some("match"), Some("arp" | "stp" | "802_3")) => vec![Step::Test(Test::never())],
        (Some("match"), Some("ip")) => vec![fields::is_family(Family::V4), unknown_test(expression)],
        (Some("match"), Some("ip6")) => vec![fields::is_family(Family::V6), unknown_test(expression)],
        (Some("match"), Some(_)) => vec![unknown_test(expression)],
        (Some("target"), Some(name)) if iptables::is_without_effect(name) => Vec::new(),
        (Some("target"), Some("REJECT")) => vec![Step::Act(Action::Decide(Decision::Reject))],
        (Some("target"), Some("MASQUERADE" | "SNAT")) => vec![Step::Act(Action::Translate(Translation::Source))],
        (Some("target"), Some(_)) => vec![unknown_action(expression)],
        _ => vec![unknown_test(expression), unknown_action(expression)],
    }
}

/// A statement that notes something about the packet in a set. It ends the rule where the packet has no such field, and where the set is
/// full (net/netfilter/nft_dynset.c, `nft_dynset_eval`); a limit that hangs on the member lets the rule fit only sometimes.
fn remember(content: &Value, expression: &Value, scope: &Scope<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = guards::of(&content["elem"]);
    let only_counts = |statement: &Value| statement.get("counter").is_some() || statement.get("last").is_some();
    let is_plain = content.get("stmt").and_then(Value::as_array).is_none_or(|statements| statements.iter().all(only_counts));
    let name = content.get("set").or_else(|| content.get("map")).and_then(Value::as_str).and_then(|name| name.strip_prefix('@'));
    if !is_plain || name.is_none_or(|name| scope.is_full(name)) {
        steps.push(unknown_test(expression));
    }
    steps
}

pub(super) fn unknown_action(expression: &Value) -> Step {
    Step::Act(Action::Unknown(text::expression(expression).into()))
}

/// `reject`. Its answer implies what it is for, and nft leaves the test of that out of its listing (nft src/netlink_delinearize.c,
/// `stmt_reject_postprocess`).
fn reject(content: &Value) -> Vec<Step> {
    let guard = match content.get("type").and_then(Value::as_str) {
        Some("icmp") => Some(fields::is_family(Family::V4)),
        Some("icmpv6") => Some(fields::is_family(Family::V6)),
        Some("tcp reset") => Some(fields::is_protocol(Protocol::TCP)),
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
pub(super) fn unknown_match(content: &Value) -> Vec<Step> {
    let mut steps = fields::read(&content["left"]).map_or_else(|| guards::of(&content["left"]), |fields| fields.guards);
    steps.push(Step::Test(Test::Unknown(text::comparison(content).into())));
    steps
}

/// A verdict statement.
pub(super) fn decision(expression: &Value) -> Option<Decision> {
    let (name, content) = expression.as_object()?.iter().next()?;
    let target = || content.get("target").unwrap_or(content).as_str().map(Arc::from);
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
    let implied = if kinds.len() == 1 && kinds[0].is_bits() { "in" } else { "==" };
    let operator = content.get("op").map_or(Some(implied), Value::as_str)?;
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
        (Arc::new(Set { members, exceptions: Vec::new() }), negated)
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
    if let Some(span) = address_order(*kind, operator, right) {
        return Some((vec![vec![span]], false));
    }
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

/// `ip saddr < 10.0.0.9`
fn address_order(kind: Kind, operator: &str, right: &Value) -> Option<Span> {
    let bound: IpAddr = right.as_str().filter(|_| kind == Kind::Address)?.parse().ok()?;
    let (lowest, highest) = address::ends(Family::of(bound));
    Some(match operator {
        "<" => Span::Address(lowest, address::before(bound)?),
        "<=" => Span::Address(lowest, bound),
        ">" => Span::Address(address::after(bound)?, highest),
        ">=" => Span::Address(bound, highest),
        _ => return None,
    })
}

/// `vmap`: decisions by fields.
fn lookup(content: &Value, scope: &Scope<'_>) -> Option<Vec<Step>> {
    let key = &content["key"];
    let fields = fields::read(key).unwrap_or_else(|| Fields::opaque(key));
    let read = || {
        let entries = value::map(&fields, key, &content["data"], scope)?.into_iter();
        entries.map(|(spans, value)| Some((spans, decision(value)?))).collect::<Option<Vec<_>>>().map(Arc::new)
    };
    let map = match content["data"].as_str().and_then(|text| text.strip_prefix('@')) {
        Some(name) => scope.decisions(name, &fields.kinds(), read)?,
        None => read()?,
    };
    let selectors = fields.selectors();
    let mut steps = fields.guards;
    steps.push(Step::Act(Action::Lookup { selectors, map }));
    Some(steps)
}
