//! The matches of a rule to tests (iptables(8), iptables-extensions(8)).
//!
//! A match is claimed only where each of its options is understood; otherwise it is one unknown test.

mod connection;
mod moment;
mod origin;
mod transport;

use super::Context;
use super::words::{Group, Line, Opt};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Key, Selector, Set, Span, Step, Test};
use crate::read::values;
use std::sync::Arc;

/// The tests of a line, in order. Those that are in doubt are unknown.
pub(super) fn steps(line: &Line, is_doubted: &dyn Fn(&Group) -> bool, context: &Context<'_>) -> Vec<Step> {
    line.matches.iter().flat_map(|group| of_group(group, is_doubted(group), context)).collect()
}

/// The tests of one match. One that is in doubt is unknown.
pub(super) fn of_group(group: &Group, is_doubted: bool, context: &Context<'_>) -> Vec<Step> {
    let understood = group_steps(group, context).filter(|_| !is_doubted);
    understood.unwrap_or_else(|| transport::header(group).into_iter().chain([unknown(group)]).collect())
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

fn unknown(group: &Group) -> Step {
    Step::Test(Test::Unknown(describe(group).into()))
}

/// A test of one field.
fn test(key: impl Into<Selector>, among: Arc<Set>, negated: bool) -> Step {
    Step::Test(Test::field(key, among, negated))
}

/// A test whose outcome is known: none where it holds.
fn known(holds: bool) -> Vec<Step> {
    if holds { Vec::new() } else { vec![Step::Test(Test::never())] }
}

fn one(key: impl Into<Selector>, span: Span, negated: bool) -> Step {
    test(key, Set::of([span]), negated)
}

fn group_steps(group: &Group, context: &Context<'_>) -> Option<Vec<Step>> {
    let options = group.options.as_slice();
    match group.name.as_str() {
        "comment" => return Some(Vec::new()),
        "policy" => return origin::ipsec(group),
        "rpfilter" => return origin::reverse_path(options),
        "set" => return origin::set(options, context),
        "addrtype" => return origin::address_type(options, context),
        "owner" | "cgroup" => return origin::owner(group),
        "recent" => return origin::recent(options),
        "ipv6header" => return transport::extension_headers(options),
        "helper" => return connection::helper(options),
        "time" => return moment::dates(options, context.moment?),
        // Headers that a plain first packet has not. A match on a header that is not there fails, negated or not
        // (net/ipv6/netfilter/ip6t_rt.c, ip6t_frag.c, ip6t_hbh.c, ip6t_srh.c; net/netfilter/xt_esp.c, xt_ipcomp.c).
        "rt" | "frag" | "hbh" | "dst" | "mh" | "srh" | "ah" | "esp" | "ipcomp" => return Some(vec![Step::Test(Test::never())]),
        _ => {}
    }
    let mut steps = Vec::new();
    for option in options {
        let understood = match group.name.as_str() {
            "" => packet(option, context)?,
            "tcp" | "udp" | "sctp" | "dccp" | "udplite" => transport::header_field(&group.name, option)?,
            "multiport" => transport::multiport(option)?,
            "iprange" => origin::range(option)?,
            "conntrack" => connection::conntrack(option)?,
            "state" => connection::state(option, "--state")?,
            "mark" => connection::mark(option, Key::Mark)?,
            "connmark" => connection::mark(option, Key::CtMark)?,
            "pkttype" => origin::packet_type(option)?,
            "physdev" => origin::physical(option),
            "icmp" | "icmp6" => transport::icmp(&group.name, option)?,
            _ => return None,
        };
        steps.extend(understood);
    }
    // The protocol's own match without options asks for nothing that `-p` has not asked; any other must have some.
    let may_be_empty = ["", "tcp", "udp", "sctp", "dccp", "udplite", "icmp", "icmp6"];
    (!options.is_empty() || may_be_empty.contains(&group.name.as_str())).then_some(steps)
}

/// The options that belong to no match.
fn packet(option: &Opt, context: &Context<'_>) -> Option<Vec<Step>> {
    let step = match option.parts() {
        ("-s" | "--source" | "--src", nets) => test(Key::Source, nets_of(&nets)?, option.negated),
        ("-d" | "--destination" | "--dst", nets) => test(Key::Destination, nets_of(&nets)?, option.negated),
        ("-i" | "--in-interface", names) => one(Key::InInterface, values::interface(single(&names)?, '+'), option.negated),
        ("-o" | "--out-interface", names) => one(Key::OutInterface, values::interface(single(&names)?, '+'), option.negated),
        ("-p" | "--protocol", names) => match single(&names)? {
            "all" | "0" => return (!option.negated).then(Vec::new),
            name => one(Key::Protocol, Span::number(Protocol::named(name)?.0.into()), option.negated),
        },
        // The first packet of a connection is no later fragment; v6 has no such option.
        ("-f" | "--fragment", none) if none.is_empty() && context.family == Family::V4 => {
            let key = Selector { key: Key::Fragment, mask: Some(0x1fff) };
            one(key, Span::number(0), !option.negated)
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
    let spans: Option<Vec<Span>> = single(texts)?.split(',').map(values::net_span).collect();
    Some(Set::of(spans?))
}

fn is_protocol(name: &str) -> Option<Step> {
    Some(one(Key::Protocol, Span::number(Protocol::named(name)?.0.into()), false))
}
