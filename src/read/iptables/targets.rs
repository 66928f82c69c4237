//! The target of a rule to what it does (iptables-extensions(8)).

use super::Context;
use super::words::{Group, Line, Opt};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Decision, Key, Mark, SetMark, Span, Step, Target, Translation};
use crate::read::values;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Targets that neither end the packet's way nor change what later rules look at.
const WITHOUT_EFFECT: [&str; 21] = [
    "LOG",
    "NFLOG",
    "ULOG",
    "AUDIT",
    "TRACE",
    "LED",
    "IDLETIMER",
    "RATEEST",
    "TCPMSS",
    "TCPOPTSTRIP",
    "DSCP",
    "TOS",
    "TTL",
    "HL",
    "ECN",
    "CLASSIFY",
    "CHECKSUM",
    "SECMARK",
    "CONNSECMARK",
    "TEE",
    "ACCOUNT",
];

/// True for a target that neither ends the packet's way nor changes what later rules look at.
pub(in crate::read) fn is_without_effect(name: &str) -> bool {
    WITHOUT_EFFECT.contains(&name)
}

/// What the target does; nothing for a rule that only counts.
pub(super) fn steps(line: &Line, chains: &BTreeSet<Arc<str>>, context: &Context<'_>) -> Vec<Step> {
    let Some(target) = &line.target else { return Vec::new() };
    if let Some(chain) = chains.get(target.name.as_str()) {
        let decision = if line.is_goto { Decision::Goto(chain.clone()) } else { Decision::Jump(chain.clone()) };
        return vec![Step::Act(Action::Decide(decision))];
    }
    if is_without_effect(&target.name) {
        return Vec::new();
    }
    // Of connection tracking's target, only --notrack matters here; of SET only --map-mark, which takes the mark from a set
    // (net/netfilter/xt_set.c, `set_target_v3`).
    let has = |name: &str| target.options.iter().any(|option| option.name == name);
    if target.name == "CT" && !has("--notrack") || target.name == "SET" && !has("--map-mark") {
        return Vec::new();
    }
    vec![Step::Act(known(target, context).unwrap_or_else(|| Action::Unknown(describe(target).into())))]
}

fn describe(target: &Group) -> String {
    super::matches::describe(target).replacen("-m", "-j", 1)
}

/// The action of a target; None for one that is not understood.
fn known(target: &Group, context: &Context<'_>) -> Option<Action> {
    let action = match target.name.as_str() {
        "ACCEPT" if target.options.is_empty() => Action::Decide(Decision::Accept),
        "DROP" if target.options.is_empty() => Action::Decide(Decision::Drop),
        "RETURN" if target.options.is_empty() => Action::Decide(Decision::Return),
        "REJECT" => Action::Decide(Decision::Reject),
        "MASQUERADE" | "SNAT" => Action::Translate(Translation::Source),
        "DNAT" => Action::Translate(Translation::Destination(destination(&target.options, context)?)),
        "NETMAP" => Action::Translate(Translation::Prefix(prefix(&target.options)?)),
        "REDIRECT" => Action::Translate(redirect(&target.options)?),
        "MARK" => Action::SetMark(set_mark(&target.options, Mark::Packet)?),
        "CONNMARK" => Action::SetMark(connmark(&target.options)?),
        "NOTRACK" | "CT" => Action::Untrack,
        _ => return None,
    };
    Some(action)
}

/// `--to-destination ADDR[-ADDR][:PORT[-PORT]]`; v6 addresses with a port stand in brackets.
fn destination(options: &[Opt], context: &Context<'_>) -> Option<Vec<Target>> {
    let mut text = None;
    for option in options {
        match option.plain()? {
            ("--to-destination", values) => {
                text = Some((*values.first()?).to_owned()).filter(|_| values.len() == 1 && text.is_none());
            }
            ("--random" | "--persistent", _) => {}
            _ => return None,
        }
    }
    let text = text?;
    let (addresses, ports) = match text.strip_prefix('[') {
        Some(rest) => {
            let (addresses, rest) = rest.split_once(']')?;
            (addresses, rest.strip_prefix(':'))
        }
        None if context.family == Family::V6 => (text.as_str(), None),
        None => text.split_once(':').map_or((text.as_str(), None), |(addresses, ports)| (addresses, Some(ports))),
    };
    if let Some((ports, base)) = ports.and_then(|ports| ports.split_once('/')) {
        return shifted(addresses, values::ports(ports, '-')?, base.parse().ok()?);
    }
    let ports = match ports {
        Some(ports) => Some(values::ports(ports, '-')?),
        None => None,
    };
    if addresses.is_empty() {
        return Some(vec![Target { when: Vec::new(), address: None, ports }]);
    }
    let (first, last) = addresses.split_once('-').unwrap_or((addresses, addresses));
    let choice = values::spelled_out(first.parse().ok()?, last.parse().ok()?)?;
    Some(Target::any_of(choice, ports))
}

/// `--to-destination ADDR:PORT-PORT/BASE`: the port as far behind the first as the packet's own is behind BASE (net/netfilter/nf_nat_core.c,
/// NF_NAT_RANGE_PROTO_OFFSET).
fn shifted(address: &str, (first, last): (u16, u16), base: u16) -> Option<Vec<Target>> {
    const MOST: u16 = 1024;
    let address = if address.is_empty() { None } else { Some(address.parse().ok()?) };
    let count = (last - first).checked_add(1).filter(|count| *count <= MOST)?;
    let target = |at: u16| {
        let (own, port) = (base.checked_add(at)?, first + at);
        Some(Target { when: vec![(Key::DestinationPort.into(), Span::number(own.into()))], address, ports: Some((port, port)) })
    };
    (0..count).map(target).collect()
}

/// `--to PREFIX`
fn prefix(options: &[Opt]) -> Option<IpNet> {
    let [option] = options else { return None };
    match option.plain()? {
        ("--to", values) => values::net(values.first()?),
        _ => None,
    }
}

/// `--to-ports PORT[-PORT]`
fn redirect(options: &[Opt]) -> Option<Translation> {
    let mut ports = None;
    for option in options {
        match option.plain()? {
            ("--to-ports", values) => ports = Some(values::ports(values.first()?, '-')?),
            ("--random", _) => {}
            _ => return None,
        }
    }
    Some(Translation::Redirect(ports))
}

/// The options that MARK and CONNMARK share. A set mark clears `mask` and flips `value`
/// (net/netfilter/xt_mark.c: `mark = (mark & ~mask) ^ value`).
fn set_mark(options: &[Opt], target: Mark) -> Option<SetMark> {
    let [option] = options else { return None };
    let (name, arguments) = option.plain()?;
    let [text] = arguments.as_slice() else { return None };
    let (value, mask) = values::masked(text)?;
    let (keep, flip) = match name {
        "--set-xmark" => (!mask, value),
        // --set-mark also clears the bits of the value.
        "--set-mark" => (!(mask | value), value),
        "--and-mark" => (value, 0),
        "--or-mark" => (!value, value),
        "--xor-mark" => (u32::MAX, value),
        _ => return None,
    };
    Some(SetMark { target, keep, source: target, pick: 0, flip })
}

/// `--save-mark` and `--restore-mark` copy the bits of one mark into the other (net/netfilter/xt_connmark.c).
fn connmark(options: &[Opt]) -> Option<SetMark> {
    let (mut target, mut packet_mask, mut connection_mask) = (None, u32::MAX, u32::MAX);
    for option in options {
        match option.plain()? {
            ("--save-mark", _) => target = Some(Mark::Connection),
            ("--restore-mark", _) => target = Some(Mark::Packet),
            ("--nfmask", mask) => packet_mask = values::number(mask.first()?)?,
            ("--ctmask", mask) => connection_mask = values::number(mask.first()?)?,
            ("--mask", mask) => {
                packet_mask = values::number(mask.first()?)?;
                connection_mask = packet_mask;
            }
            _ => return set_mark(options, Mark::Connection),
        }
    }
    Some(match target? {
        Mark::Connection => {
            SetMark { target: Mark::Connection, keep: !connection_mask, source: Mark::Packet, pick: packet_mask, flip: 0 }
        }
        Mark::Packet => {
            SetMark { target: Mark::Packet, keep: !packet_mask, source: Mark::Connection, pick: connection_mask, flip: 0 }
        }
    })
}
