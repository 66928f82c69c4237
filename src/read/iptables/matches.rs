//! The matches of a rule to tests (iptables(8), iptables-extensions(8)).
//!
//! A match is claimed only where each of its options is understood; otherwise it is one unknown test.

use super::Context;
use super::words::{Group, Line, Opt};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Key, Selector, Set, Span, Step, Test, ct_state};
use crate::read::values;
use std::sync::Arc;

/// The tests of a line, in order.
pub(super) fn steps(line: &Line, context: &Context<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for group in &line.matches {
        match group_steps(group, context) {
            Some(understood) => steps.extend(understood),
            None => steps.push(Step::Test(Test::Unknown(describe(group).into()))),
        }
    }
    steps
}

/// `-m limit --limit 3/min`
pub(super) fn describe(group: &Group) -> String {
    let mut text = if group.name.is_empty() { String::new() } else { format!("-m {}", group.name) };
    for option in &group.options {
        let negation = if option.negated { "! " } else { "" };
        text = format!("{text} {negation}{} {}", option.name, option.values.join(" "));
    }
    text.trim().to_owned()
}

/// A test of one field.
fn test(key: impl Into<Selector>, among: Arc<Set>, negated: bool) -> Step {
    Step::Test(Test::Fields { selectors: vec![key.into()], among, negated })
}

/// A test that fails.
fn never() -> Step {
    test(Key::Protocol, Set::of([]), false)
}

fn one(key: impl Into<Selector>, span: Span, negated: bool) -> Step {
    test(key, Set::of([span]), negated)
}

fn group_steps(group: &Group, context: &Context<'_>) -> Option<Vec<Step>> {
    match group.name.as_str() {
        "policy" => return ipsec(&group.options),
        "rpfilter" => return reverse_path(&group.options),
        // Headers that a plain first packet has not. A match on a header that is not there fails, negated or not
        // (net/ipv6/netfilter/ip6t_rt.c, ip6t_frag.c, ip6t_hbh.c; net/netfilter/xt_esp.c).
        "rt" | "frag" | "hbh" | "dst" | "mh" | "ah" | "esp" => return Some(vec![never()]),
        _ => {}
    }
    let mut steps = Vec::new();
    for option in &group.options {
        let understood = match group.name.as_str() {
            "" => packet(option, context)?,
            "tcp" | "udp" | "sctp" | "dccp" | "udplite" => transport(&group.name, option)?,
            "multiport" => multiport(option)?,
            "iprange" => range(option)?,
            "conntrack" => conntrack(option)?,
            "state" => connection_state(option, "--state")?,
            "addrtype" => address_type(option, context)?,
            "mark" => mark(option, Key::Mark)?,
            "connmark" => mark(option, Key::CtMark)?,
            "pkttype" => packet_type(option)?,
            "physdev" => physical(option),
            "set" => set(option, context)?,
            "comment" => Vec::new(),
            "icmp" | "icmp6" => icmp(&group.name, option)?,
            _ => return None,
        };
        steps.extend(understood);
    }
    // The protocol's own match without options asks for nothing that `-p` has not asked; any other must have some.
    let may_be_empty = ["", "tcp", "udp", "sctp", "dccp", "udplite", "comment", "icmp", "icmp6"];
    (!group.options.is_empty() || may_be_empty.contains(&group.name.as_str())).then_some(steps)
}

/// The options that belong to no match.
fn packet(option: &Opt, context: &Context<'_>) -> Option<Vec<Step>> {
    let step = match option.parts() {
        ("-s", nets) => test(Key::Source, nets_of(&nets)?, option.negated),
        ("-d", nets) => test(Key::Destination, nets_of(&nets)?, option.negated),
        ("-i", names) => one(Key::InInterface, values::interface(single(&names)?, '+'), option.negated),
        ("-o", names) => one(Key::OutInterface, values::interface(single(&names)?, '+'), option.negated),
        ("-p", names) => match single(&names)? {
            "all" | "0" => return (!option.negated).then(Vec::new),
            name => one(Key::Protocol, Span::number(Protocol::named(name)?.0.into()), option.negated),
        },
        // The first packet of a connection is no later fragment; v6 has no such option.
        ("-f", none) if none.is_empty() && context.family == Family::V4 => {
            let key = Selector { key: Key::Fragment, mask: Some(0x1fff) };
            one(key, Span::Number(1, 0x1fff), option.negated)
        }
        _ => return None,
    };
    Some(vec![step])
}

fn single<'a>(values: &[&'a str]) -> Option<&'a str> {
    match values {
        [value] => Some(value),
        _ => None,
    }
}

fn nets_of(texts: &[&str]) -> Option<Arc<Set>> {
    let spans: Option<Vec<Span>> = single(texts)?.split(',').map(|text| values::net(text).map(Span::from)).collect();
    Some(Set::of(spans?))
}

fn is_protocol(name: &str) -> Option<Step> {
    Some(one(Key::Protocol, Span::number(Protocol::named(name)?.0.into()), false))
}

fn transport(protocol: &str, option: &Opt) -> Option<Vec<Step>> {
    let step = match option.parts() {
        ("--sport" | "--source-port", ports) => one(Key::SourcePort, values::port_span(single(&ports)?, ':')?, option.negated),
        ("--dport" | "--destination-port", ports) => {
            one(Key::DestinationPort, values::port_span(single(&ports)?, ':')?, option.negated)
        }
        ("--tcp-flags", flags) if protocol == "tcp" => match flags.as_slice() {
            [mask, set] => {
                let key = Selector { key: Key::TcpFlags, mask: Some(tcp_flags(mask)?) };
                one(key, Span::number(tcp_flags(set)?), option.negated)
            }
            _ => return None,
        },
        ("--syn", none) if protocol == "tcp" && none.is_empty() => {
            one(Selector { key: Key::TcpFlags, mask: Some(0x17) }, Span::number(2), option.negated)
        }
        _ => return None,
    };
    Some(vec![is_protocol(protocol)?, step])
}

fn tcp_flags(names: &str) -> Option<u32> {
    names.split(',').try_fold(0, |flags, name| {
        Some(
            flags
                | match name {
                    "FIN" => 1,
                    "SYN" => 2,
                    "RST" => 4,
                    "PSH" => 8,
                    "ACK" => 16,
                    "URG" => 32,
                    "ALL" => 63,
                    "NONE" => 0,
                    _ => return None,
                },
        )
    })
}

fn multiport(option: &Opt) -> Option<Vec<Step>> {
    let key = match option.name.as_str() {
        "--sports" | "--source-ports" => Key::SourcePort,
        "--dports" | "--destination-ports" => Key::DestinationPort,
        _ => return None,
    };
    let values: Vec<&str> = option.values.iter().map(String::as_str).collect();
    let spans: Option<Vec<Span>> = single(&values)?.split(',').map(|ports| values::port_span(ports, ':')).collect();
    Some(vec![test(key, Set::of(spans?), option.negated)])
}

fn range(option: &Opt) -> Option<Vec<Step>> {
    let key = match option.name.as_str() {
        "--src-range" => Key::Source,
        "--dst-range" => Key::Destination,
        _ => return None,
    };
    let values: Vec<&str> = option.values.iter().map(String::as_str).collect();
    Some(vec![one(key, values::addresses(single(&values)?)?, option.negated)])
}

fn conntrack(option: &Opt) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let value = single(&arguments)?;
    let (key, span) = match name {
        "--ctstate" => return connection_state(option, "--ctstate"),
        "--ctstatus" => return connection_status(value, option.negated),
        "--ctproto" => (Key::Protocol, Span::number(Protocol::named(value)?.0.into())),
        "--ctorigsrc" => (Key::CtSource, values::net(value)?.into()),
        "--ctorigdst" => (Key::CtDestination, values::net(value)?.into()),
        "--ctorigsrcport" => (Key::CtSourcePort, values::port_span(value, ':')?),
        "--ctorigdstport" => (Key::CtDestinationPort, values::port_span(value, ':')?),
        "--ctdir" if value == "ORIGINAL" => (Key::CtDirection, Span::number(0)),
        "--ctdir" if value == "REPLY" => (Key::CtDirection, Span::number(1)),
        _ => return None,
    };
    Some(vec![one(key, span, option.negated)])
}

fn connection_state(option: &Opt, name: &str) -> Option<Vec<Step>> {
    let (given, arguments) = option.parts();
    if given != name {
        return None;
    }
    let bits = single(&arguments)?.split(',').try_fold(0, |bits, state| {
        Some(
            bits | match state {
                "INVALID" => ct_state::INVALID,
                "ESTABLISHED" => ct_state::ESTABLISHED,
                "RELATED" => ct_state::RELATED,
                "NEW" => ct_state::NEW,
                "UNTRACKED" => ct_state::UNTRACKED,
                "SNAT" => ct_state::SNAT,
                "DNAT" => ct_state::DNAT,
                _ => return None,
            },
        )
    })?;
    Some(vec![one(Key::CtStateOrNat, Span::AnyBit(bits), option.negated)])
}

/// IPS_* of `linux/netfilter/nf_conntrack_common.h`; NONE stands for no bit and is left to the unknown.
fn connection_status(value: &str, negated: bool) -> Option<Vec<Step>> {
    let bits = value.split(',').try_fold(0, |bits, status| {
        Some(
            bits | match status {
                "EXPECTED" => 1,
                "SEEN_REPLY" => 2,
                "ASSURED" => 4,
                "CONFIRMED" => 8,
                _ => return None,
            },
        )
    })?;
    Some(vec![one(Key::CtStatus, Span::AnyBit(bits), negated)])
}

/// v6 asks the address itself, not the routing table, for most types (net/netfilter/xt_addrtype.c, `match_type6`): only LOCAL and
/// MULTICAST mean the same in both families.
fn address_type(option: &Opt, context: &Context<'_>) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let key = match name {
        "--src-type" => Key::SourceType,
        "--dst-type" => Key::DestinationType,
        _ => return None,
    };
    let types: Option<Vec<Span>> = single(&arguments)?
        .split(',')
        .map(|kind| {
            let number = match kind {
                "LOCAL" => 2,
                "MULTICAST" => 5,
                _ if context.family == Family::V6 => return None,
                "UNICAST" => 1,
                "BROADCAST" => 3,
                "ANYCAST" => 4,
                _ => return None,
            };
            Some(Span::number(number))
        })
        .collect();
    let types = types?;
    // In v6 several types must all fit.
    (context.family == Family::V4 || types.len() == 1).then(|| vec![test(key, Set::of(types), option.negated)])
}

fn mark(option: &Opt, key: Key) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let (value, mask) = values::masked(single(&arguments)?)?;
    (name == "--mark").then(|| vec![one(Selector { key, mask: Some(mask) }, Span::number(value), option.negated)])
}

fn packet_type(option: &Opt) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let number = match single(&arguments)? {
        "unicast" | "host" => 0,
        "broadcast" => 1,
        "multicast" => 2,
        _ => return None,
    };
    (name == "--pkt-type").then(|| vec![one(Key::PacketType, Span::number(number), option.negated)])
}

/// A packet that is not bridged fits no option of physdev, and every negated one (net/netfilter/xt_physdev.c, `physdev_mt`).
fn physical(option: &Opt) -> Vec<Step> {
    vec![one(Key::Bridged, Span::number(1), option.negated)]
}

fn set(option: &Opt, context: &Context<'_>) -> Option<Vec<Step>> {
    match option.parts() {
        ("--match-set", arguments) => match arguments.as_slice() {
            [name, directions] => {
                let (selectors, among) = context.sets?.get(*name)?.as_ref()?.lookup(directions)?;
                Some(vec![Step::Test(Test::Fields { selectors, among, negated: option.negated })])
            }
            _ => None,
        },
        _ => None,
    }
}

/// Packets with ports are never ICMP, so the type is only noted.
fn icmp(name: &str, option: &Opt) -> Option<Vec<Step>> {
    let protocol = if name == "icmp" { "icmp" } else { "ipv6-icmp" };
    Some(vec![is_protocol(protocol)?, Step::Test(Test::Unknown(option.values.join(" ").into()))])
}

/// The packets judged here come in the clear.
fn ipsec(options: &[Opt]) -> Option<Vec<Step>> {
    match options {
        [direction, policy] => match (direction.plain()?, policy.plain()?) {
            (("--dir", direction), ("--pol", policy)) if direction == ["in"] => match single(&policy)? {
                "none" => Some(vec![one(Key::Ipsec, Span::number(0), false)]),
                "ipsec" => Some(vec![one(Key::Ipsec, Span::number(1), false)]),
                _ => None,
            },
            _ => None,
        },
        // More options only narrow down which tunnel.
        [direction, policy, ..] => match (direction.plain()?, policy.plain()?) {
            (("--dir", direction), ("--pol", policy)) if direction == ["in"] && policy == ["ipsec"] => {
                Some(vec![one(Key::Ipsec, Span::number(1), false), Step::Test(Test::Unknown("-m policy".into()))])
            }
            _ => None,
        },
        _ => None,
    }
}

fn reverse_path(options: &[Opt]) -> Option<Vec<Step>> {
    let (mut key, mut negated) = (Key::ReversePath, false);
    for option in options {
        match option.plain()? {
            ("--loose", _) => key = Key::AnyReversePath,
            ("--invert", _) => negated = true,
            ("--validmark" | "--accept-local", _) => {}
            _ => return None,
        }
    }
    Some(vec![one(key, Span::number(1), negated)])
}
