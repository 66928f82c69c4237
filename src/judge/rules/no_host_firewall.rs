//! no-host-firewall: the host's own rules refuse nothing of what comes in by an interface.

use super::Rule;
use crate::judge::doors::Way;
use crate::judge::hosts::{self, HostCase};
use crate::judge::words;
use crate::model::address::is_link_local;
use crate::model::field::{Key, Span};
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::host::{Host, Link};
use crate::model::packet::{Family, Protocol, Target};
use crate::model::ruleset::{Action, Step, Test};
use crate::model::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "no-host-firewall",
    summary: "the host's own rules refuse nothing of what comes in by an outside interface",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/no-host-firewall.md"),
    project: None,
    host: Some(check),
};

/// A test of more ports than this names none of them.
const WIDE: u32 = 30_000;

fn check(case: &HostCase) -> Vec<Finding> {
    let ports = unnamed(case.host());
    let mut open: BTreeMap<Vec<Family>, Vec<&Link>> = BTreeMap::new();
    for link in &case.outside {
        let families: Vec<Family> =
            [Family::V4, Family::V6].into_iter().filter(|family| refuses_nothing(case, link, *family, &ports)).collect();
        if !families.is_empty() {
            open.entry(families).or_default().push(link);
        }
    }
    open.iter().map(|(families, links)| finding(case, families, links)).collect()
}

/// One low port and one high one that no rule, no listener and no publication names.
fn unnamed(host: &Host) -> Vec<u16> {
    let mut named: BTreeSet<u16> = host.listeners.iter().map(|listener| listener.port).collect();
    named.extend(host.publishers.iter().flat_map(|it| &it.bindings).flat_map(|it| [Some(it.target), it.port]).flatten());
    let is_port = |key: Key| matches!(key, Key::DestinationPort | Key::CtDestinationPort);
    let rules = host.ruleset.tables.iter().flat_map(|table| table.chains.values()).flat_map(|chain| &chain.rules);
    for step in rules.flat_map(|rule| rule.steps.iter()) {
        let (selectors, members): (_, Vec<&Vec<Span>>) = match step {
            Step::Test(Test::Fields { selectors, among, .. }) => (selectors, among.members.iter().collect()),
            Step::Act(Action::Lookup { selectors, map }) => (selectors, map.iter().map(|(key, _)| key).collect()),
            _ => continue,
        };
        let places = selectors.iter().enumerate().filter(|(_, selector)| is_port(selector.key)).map(|(at, _)| at);
        let spans = places.flat_map(|at| members.iter().filter_map(move |member| member.get(at)));
        for span in spans {
            if let Span::Number(first, last) = span
                && last - first < WIDE
            {
                named.extend((*first..=*last).filter_map(|port| u16::try_from(port).ok()));
            }
        }
    }
    let is_free = |port: &u16| !named.contains(port);
    let low = (1..1024).rev().find(is_free);
    let high = (32_768..=u16::MAX).rev().find(is_free);
    low.into_iter().chain(high).collect()
}

/// True if everybody's packets to these ports are let in: the host as it is meant has no word against them.
fn refuses_nothing(case: &HostCase, link: &Link, family: Family, ports: &[u16]) -> bool {
    let of = |link: &Link| -> Vec<IpAddr> {
        link.addresses.iter().map(|own| own.net.addr()).filter(|address| Family::of(*address) == family).collect()
    };
    let elsewhere = || case.outside.iter().flat_map(|link| of(link)).find(|address| !is_link_local(*address));
    let own = of(link);
    let global = own.iter().copied().find(|address| !is_link_local(*address));
    let Some(address) = global.or_else(|| own.first().copied()).or_else(elsewhere) else { return false };
    let mut rulings = ports
        .iter()
        .flat_map(|port| [Protocol::TCP, Protocol::UDP].map(|protocol| (*port, protocol)))
        .flat_map(|(port, protocol)| case.court.rule_on(&link.name, Target { address, port, protocol }));
    let first = rulings.next();
    !ports.is_empty()
        && first.into_iter().chain(rulings).map(|ruling| ruling.intended).collect::<BTreeSet<_>>().into_iter().eq([Verdict::Open])
}

fn finding(case: &HostCase, families: &[Family], links: &[&Link]) -> Finding {
    let names: Vec<&str> = links.iter().map(|link| &*link.name).collect();
    let (word, list) = (if names.len() == 1 { "interface" } else { "interfaces" }, words::list(&names));
    let over = match families {
        [Family::V4] => "v4",
        [Family::V6] => "v6",
        _ => "v4 and v6",
    };
    let message = format!("nothing refuses packets that come in by {list}, {over}: the host has no firewall there");
    let is_worlds = links
        .iter()
        .any(|link| families.iter().any(|family| case.court.senders(&link.name, *family).iter().any(|it| it.is_stranger)));
    let level = if is_worlds { RULE.level } else { Level::Note };
    let on_host = OnHost { part: Some(format!("{word} {list}")), ..OnHost::default() };
    let mut finding = RULE.on_host(level, message, on_host);
    let open = published(case, families, &names);
    if open.is_empty() {
        finding.help.push("no published port is open there today; every one that comes is".to_owned());
    } else {
        finding.help.push(format!("published and open there: {}", hosts::some_of(&open)));
    }
    finding.help.push("a firewall that lets in what is meant (firewalld, ufw, nftables) comes first; it does not see published ports: bind or allow those".to_owned());
    finding
}

/// The published ports that are open at some interfaces: `8080/tcp (web)`.
fn published(case: &HostCase, families: &[Family], names: &[&str]) -> Vec<String> {
    let is_here = |sight: &&hosts::Sight| {
        let door = &sight.door;
        door.way == Way::Host && names.contains(&&*door.interface) && families.contains(&Family::of(door.to.address))
    };
    let is_open = |sight: &&hosts::Sight| {
        sight.rulings.iter().any(|ruling| ruling.actual == Verdict::Open && case.leads_there(sight, ruling))
    };
    let open: BTreeSet<(u16, String)> = case
        .sights
        .iter()
        .filter(is_here)
        .filter(is_open)
        .map(|sight| {
            let to = sight.door.to;
            (to.port, format!("{}/{} ({})", to.port, to.protocol, case.publisher(&sight.door).name))
        })
        .collect();
    open.into_iter().map(|(_, text)| text).collect()
}
