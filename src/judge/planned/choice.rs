//! A host port where the engine has the choice: of a range, or any free one.
//!
//! In: a host and what is asked. Out: a port that stands for all of the possible ones, and whether it may: it does where no rule of
//! others tells them apart.

use super::HostPort;
use crate::model::host::Host;
use crate::model::packet::Protocol;
use crate::model::ruleset::{Action, Key, Ruleset, Selector, Span, Step, Test};
use std::collections::HashSet;

/// What the kernel hands out where nothing else is set (`net.ipv4.ip_local_port_range`).
const EPHEMERAL: (u16, u16) = (32768, 60999);

/// A port for what is asked. Where it does not stand for all that the engine may choose: why. `others`: the rules that are not the
/// engine's.
pub(super) fn choose(host: &Host, others: &Ruleset, asked: HostPort, protocol: Protocol) -> (u16, Option<String>) {
    let (first, last) = match asked {
        HostPort::Exactly(port) => return (port, None),
        HostPort::OneOf(first, last) => (first, last),
        HostPort::Any => ephemeral(host),
    };
    let used: HashSet<u16> = host.listeners.iter().filter(|it| it.protocol == protocol).map(|it| it.port).collect();
    let port = (first..=last).find(|port| !used.contains(port)).unwrap_or(first);
    let why = tells_apart(others, first, last)
        .then(|| format!("the engine chooses one of the host ports {first}-{last}, and rules of the host tell them apart"));
    (port, why)
}

fn ephemeral(host: &Host) -> (u16, u16) {
    let read = |text: &str| {
        let mut words = text.split_whitespace().map(str::parse);
        Some((words.next()?.ok()?, words.next()?.ok()?))
    };
    host.settings.get("net/ipv4/ip_local_port_range").and_then(|text| read(text)).unwrap_or(EPHEMERAL)
}

/// True if some rule asks for ports of which some are in the range and some of the range are not.
fn tells_apart(ruleset: &Ruleset, first: u16, last: u16) -> bool {
    let splits = |span: &Span| match *span {
        Span::Number(low, high) => {
            let (first, last) = (u32::from(first), u32::from(last));
            let meets = low <= last && high >= first;
            meets && !(low <= first && high >= last)
        }
        _ => false,
    };
    let rules = ruleset.tables.iter().flat_map(|table| table.chains.values()).flat_map(|chain| &chain.rules);
    rules.flat_map(|rule| rule.steps.iter()).any(|step| ports(step).any(splits))
}

/// The spans that a step holds the port of the packet against, before its translation or after.
fn ports(step: &Step) -> impl Iterator<Item = &Span> {
    let (selectors, members): (&[Selector], Vec<&Vec<Span>>) = match step {
        Step::Test(Test::Fields { selectors, among, .. }) => (selectors, among.members.iter().collect()),
        Step::Act(Action::Lookup { selectors, map }) => (selectors, map.iter().map(|(key, _)| key).collect()),
        _ => (&[], Vec::new()),
    };
    let is_port = |selector: &Selector| matches!(selector.key, Key::DestinationPort | Key::CtDestinationPort);
    let places: Vec<usize> = selectors.iter().enumerate().filter(|(_, it)| is_port(it)).map(|(at, _)| at).collect();
    members.into_iter().flat_map(move |member| places.clone().into_iter().filter_map(|place| member.get(place)))
}
