//! Matches on the headers of transport protocols, and on the headers between them and the v6 header.

use super::super::words::{Group, Opt};
use super::{is_protocol, known, one, single};
use crate::model::packet::Protocol;
use crate::model::ruleset::{Key, Selector, Set, Span, Step, Test};
use crate::read::values;
use std::sync::Arc;

/// Matches that know one protocol only: without its header they fail, negated or not (`--tcp-option`, `--chunk-types`).
pub(super) fn header(group: &Group) -> Option<Step> {
    match group.name.as_str() {
        "tcp" | "udp" | "sctp" | "dccp" | "udplite" => is_protocol(&group.name),
        "tcpmss" | "osf" => is_protocol("tcp"),
        "icmp" => is_protocol("icmp"),
        "icmp6" => is_protocol("ipv6-icmp"),
        _ => None,
    }
}

/// An option of `-m tcp`, `-m udp` and their like.
pub(super) fn header_field(protocol: &str, option: &Opt) -> Option<Vec<Step>> {
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

/// `--dports 80,443,8000:8010`; `--ports` fits where either end has one of them (net/netfilter/xt_multiport.c).
pub(super) fn multiport(option: &Opt) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let spans: Option<Vec<Span>> = single(&arguments)?.split(',').map(|ports| values::port_span(ports, ':')).collect();
    let spans = spans?;
    let (selectors, among) = match name {
        "--sports" | "--source-ports" => (vec![Key::SourcePort.into()], Set::of(spans)),
        "--dports" | "--destination-ports" => (vec![Key::DestinationPort.into()], Set::of(spans)),
        "--ports" => {
            let at_receiver = spans.iter().map(|span| vec![Span::Any, span.clone()]);
            let at_sender = spans.iter().map(|span| vec![span.clone(), Span::Any]);
            let set = Set { members: at_receiver.chain(at_sender).collect(), exceptions: Vec::new() };
            (vec![Key::SourcePort.into(), Key::DestinationPort.into()], Arc::new(set))
        }
        _ => return None,
    };
    Some(vec![Step::Test(Test::Fields { selectors, among, negated: option.negated })])
}

/// `--icmp-type 8`, `--icmpv6-type 1/4`, `--icmp-type any`. Of v4 the type 255 stands for any (net/netfilter/xt_tcpudp.c,
/// `type_code_in_range`).
pub(super) fn icmp(name: &str, option: &Opt) -> Option<Vec<Step>> {
    let (protocol, wanted) = if name == "icmp" { ("icmp", "--icmp-type") } else { ("ipv6-icmp", "--icmpv6-type") };
    let (given, arguments) = option.parts();
    let value = single(&arguments).filter(|_| given == wanted)?;
    let mut steps = vec![is_protocol(protocol)?];
    if value == "any" || value == "255" && name == "icmp" {
        return (!option.negated).then_some(steps);
    }
    let (kind, code) = value.split_once('/').unwrap_or((value, ""));
    let mut selectors = vec![Key::IcmpType.into()];
    let mut member = vec![Span::number(kind.parse::<u8>().ok()?.into())];
    if !code.is_empty() {
        selectors.push(Key::IcmpCode.into());
        member.push(Span::number(code.parse::<u8>().ok()?.into()));
    }
    let among = Arc::new(Set { members: vec![member], exceptions: Vec::new() });
    steps.push(Step::Test(Test::Fields { selectors, among, negated: option.negated }));
    Some(steps)
}

/// `-m ipv6header`: which headers a packet has. A plain one has none but its protocol's; without `--soft` it must have those of the
/// list and no others (net/ipv6/netfilter/ip6t_ipv6header.c).
pub(super) fn extension_headers(options: &[Opt]) -> Option<Vec<Step>> {
    const OTHERS: [&str; 9] = ["hop", "hop-by-hop", "dst", "route", "frag", "auth", "esp", "none", "ipv6-route"];
    let is_soft = options.iter().any(|option| option.name == "--soft");
    let list = options.iter().find(|option| option.name == "--header")?;
    if options.len() != 1 + usize::from(is_soft) {
        return None;
    }
    let (_, arguments) = list.parts();
    let (mut names_protocol, mut names_others) = (false, false);
    for name in single(&arguments)?.split(',') {
        match name {
            "proto" | "prot" | "protocol" => names_protocol = true,
            name if OTHERS.contains(&name) || Protocol::named(name).is_some_and(|protocol| !protocol.has_ports()) => {
                names_others = true;
            }
            _ => return None,
        }
    }
    Some(known(match (is_soft, list.negated) {
        (true, false) => !names_others,
        (true, true) => !names_protocol,
        (false, negated) => (names_protocol && !names_others) != negated,
    }))
}
