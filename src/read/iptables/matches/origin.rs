//! Matches on where a packet comes from and goes to, beyond its plain addresses.

use super::super::Context;
use super::super::words::{Group, Opt};
use super::{known, one, single, test, unknown};
use crate::model::packet::Family;
use crate::model::ruleset::{Key, Set, Span, Step, Test};
use crate::read::values;
use std::sync::Arc;

/// `--src-range 10.0.0.1-10.0.0.9`
pub(super) fn range(option: &Opt) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let key = match name {
        "--src-range" => Key::Source,
        "--dst-range" => Key::Destination,
        _ => return None,
    };
    Some(vec![one(key, values::addresses(single(&arguments)?)?, option.negated)])
}

/// `--dst-type LOCAL --limit-iface-in`
pub(super) fn address_type(options: &[Opt], context: &Context<'_>) -> Option<Vec<Step>> {
    let is_limited = options.iter().any(|option| option.name == "--limit-iface-in");
    let mut steps = Vec::new();
    for option in options {
        let (name, arguments) = option.parts();
        let (key, address) = match name {
            "--limit-iface-in" if !option.negated && arguments.is_empty() => continue,
            "--dst-type" if is_limited => (Key::DestinationTypeHere, Key::Destination),
            "--dst-type" => (Key::DestinationType, Key::Destination),
            "--src-type" if !is_limited => (Key::SourceType, Key::Source),
            _ => return None,
        };
        steps.push(address_types(single(&arguments)?, key, address, option.negated, context)?);
    }
    (!steps.is_empty()).then_some(steps)
}

/// v6 asks the address itself, not the routing table, for most types, and of several all must fit
/// (net/netfilter/xt_addrtype.c, `match_type6`).
fn address_types(list: &str, key: Key, address: Key, negated: bool, context: &Context<'_>) -> Option<Step> {
    if context.family == Family::V6 {
        return Some(match list {
            "LOCAL" => one(key, Span::number(2), negated),
            "MULTICAST" => one(address, values::net_span("ff00::/8")?, negated),
            "UNICAST" => {
                // net/ipv6/addrconf_core.c, `__ipv6_addr_type`
                let others: Option<Vec<Span>> = ["ff00::/8", "::", "::ffff:0:0/96"].into_iter().map(values::net_span).collect();
                test(address, Set::of(others?), !negated)
            }
            _ => return None,
        });
    }
    let types: Option<Vec<Span>> = list
        .split(',')
        .map(|kind| {
            let number = match kind {
                "UNICAST" => 1,
                "LOCAL" => 2,
                "BROADCAST" => 3,
                "ANYCAST" => 4,
                "MULTICAST" => 5,
                _ => return None,
            };
            Some(Span::number(number))
        })
        .collect();
    Some(test(key, Set::of(types?), negated))
}

/// `--pkt-type broadcast`
pub(super) fn packet_type(option: &Opt) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let number = match single(&arguments)? {
        "unicast" | "host" => 0,
        "broadcast" => 1,
        "multicast" => 2,
        _ => return None,
    };
    (name == "--pkt-type").then(|| vec![one(Key::PacketType, Span::number(number), option.negated)])
}

/// A packet that is not bridged fits no option of physdev, and every negated one (net/netfilter/xt_physdev.c, `physdev_mt`). Which port
/// a bridged one came by is not followed.
pub(super) fn physical(option: &Opt) -> Vec<Step> {
    match option.name.as_str() {
        "--physdev-is-in" => return vec![one(Key::ByPort, Span::number(1), option.negated)],
        "--physdev-is-bridged" | "--physdev-is-out" => return vec![one(Key::Bridged, Span::number(1), option.negated)],
        _ => {}
    }
    let bridged = vec![Span::number(1), Span::number(0)];
    let plain = vec![Span::number(0), Span::Any];
    let members = if option.negated { vec![plain, bridged] } else { vec![bridged] };
    let selectors = vec![Key::Bridged.into(), Key::Opaque.into()];
    vec![Step::Test(Test::Fields { selectors, among: Arc::new(Set { members, exceptions: Vec::new() }), negated: false })]
}

/// `--match-set NAME src,dst`. Whether the set counts its matches changes nothing.
pub(super) fn set(options: &[Opt], context: &Context<'_>) -> Option<Vec<Step>> {
    let mut step = None;
    for option in options {
        match option.parts() {
            ("--match-set", arguments) if step.is_none() => match arguments.as_slice() {
                [name, directions] => {
                    let (selectors, among) = context.sets?.get(*name)?.as_ref()?.lookup(directions)?;
                    step = Some(Step::Test(Test::Fields { selectors, among, negated: option.negated }));
                }
                _ => return None,
            },
            ("--update-counters" | "--update-subcounters", none) if option.negated && none.is_empty() => {}
            _ => return None,
        }
    }
    step.map(|step| vec![step])
}

/// Who sent it. A packet from outside has no socket here: `-m owner` fails, and fits where all its options are negated
/// (net/netfilter/xt_owner.c, `owner_mt`); `-m cgroup` fails either way (xt_cgroup.c).
pub(super) fn owner(group: &Group) -> Option<Vec<Step>> {
    let from_here = Span::Number(1, u32::MAX);
    let negated = group.options.iter().filter(|option| option.negated).count();
    match (group.name.as_str(), negated) {
        (_, 0) | ("cgroup", _) => Some(vec![one(Key::Owner, from_here, false), unknown(group)]),
        (_, count) if count == group.options.len() => Some(vec![one(Key::Owner, Span::number(0), false)]),
        _ => None,
    }
}

/// `-m recent --set` notes the sender and fits (net/netfilter/xt_recent.c, `recent_mt`); what asks the notes may fit or not.
pub(super) fn recent(options: &[Opt]) -> Option<Vec<Step>> {
    const HOW: [&str; 5] = ["--set", "--name", "--mask", "--rsource", "--rdest"];
    let set = options.iter().find(|option| option.name == "--set")?;
    options.iter().all(|option| HOW.contains(&option.name.as_str())).then(|| known(!set.negated))
}

/// The packets judged here come in the clear.
pub(super) fn ipsec(group: &Group) -> Option<Vec<Step>> {
    let [direction, policy, more @ ..] = group.options.as_slice() else { return None };
    let (("--dir", direction), ("--pol", policy)) = (direction.plain()?, policy.plain()?) else { return None };
    if direction != ["in"] {
        return None;
    }
    let wanted = match single(&policy)? {
        "none" if more.is_empty() => 0,
        "ipsec" => 1,
        _ => return None,
    };
    let step = one(Key::Ipsec, Span::number(wanted), false);
    // More options only narrow down which tunnel.
    Some(if more.is_empty() { vec![step] } else { vec![step, unknown(group)] })
}

/// `-m rpfilter --loose --invert`. The mark counts only with `--validmark` (net/ipv4/netfilter/ipt_rpfilter.c, `rpfilter_mt`).
pub(super) fn reverse_path(options: &[Opt]) -> Option<Vec<Step>> {
    let (mut here, mut by_mark, mut negated) = (true, false, false);
    for option in options {
        match option.plain()? {
            ("--loose", _) => here = false,
            ("--validmark", _) => by_mark = true,
            ("--invert", _) => negated = true,
            ("--accept-local", _) => {}
            _ => return None,
        }
    }
    Some(vec![one(Key::ReversePath { here, by_mark }, Span::number(1), negated)])
}
