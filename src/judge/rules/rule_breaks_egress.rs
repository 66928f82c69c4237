//! rule-breaks-egress: a rule of the owner stops what containers send out, or the answers to it.

use super::Rule;
use crate::judge::crossing::{self, Crossing, Crossings, Leaves, Role};
use crate::judge::docker_user::{self, Effect, NAME, Place, names, singles};
use crate::judge::doors;
use crate::judge::engine_rules;
use crate::judge::hosts::HostCase;
use crate::judge::words;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Key, Policy, Rule as Entry, Span, Test};
use crate::model::verdict::Hop;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "rule-breaks-egress",
    summary: "a rule in DOCKER-USER also stops what containers ask for outside, or the answers",
    level: Level::Error,
    allowable: false,
    page: include_str!("../../../docs/rules/rule-breaks-egress.md"),
    project: None,
    host: Some(check),
};

/// What containers ask for outside, wherever they run.
const ASKED: [(Protocol, u16); 3] = [(Protocol::TCP, 443), (Protocol::TCP, 80), (Protocol::UDP, 53)];

/// What a rule stops.
#[derive(Default)]
struct Broken<'a> {
    /// The chain that the rule is in, and those that called it.
    chain: String,
    /// True if it is the answers that it stops, false for what the containers send.
    answers: bool,
    networks: BTreeSet<&'a str>,
    interfaces: BTreeSet<&'a str>,
    ports: BTreeSet<(u16, Protocol)>,
}

fn check(case: &HostCase) -> Vec<Finding> {
    if !engine_rules::is_on_host(case.host()) {
        return Vec::new();
    }
    docker_user::places(case.host()).iter().flat_map(|place| of_place(case, place)).collect()
}

fn of_place(case: &HostCase, place: &Place) -> Vec<Finding> {
    let stops = |entry: &Entry| docker_user::effect(entry) == Effect::Stops;
    if !place.chains.iter().any(|chain| chain.rules.iter().any(stops)) {
        return Vec::new();
    }
    let (asked, crossings) = (asked(place), Crossings::of(case.host(), place.table));
    let mut broken: BTreeMap<String, Broken> = BTreeMap::new();
    for homes in alike(place, homes(case, place.family)) {
        let Some(home) = homes.first() else { continue };
        for link in &case.outside {
            let Some(remote) = crossing::somebody(case, &link.name, place.family) else { continue };
            for (protocol, port) in asked.iter().copied() {
                let out = Crossing {
                    input: home.bridge,
                    output: &link.name,
                    source: home.container,
                    destination: remote,
                    port,
                    protocol,
                    role: Role::Leaving,
                };
                if let Some((hop, is_answer)) = stopped(case, place, &crossings, out) {
                    let chain = hop.chain();
                    let entry = broken.entry(hop.rule).or_default();
                    entry.chain = chain;
                    entry.answers |= is_answer;
                    entry.networks.extend(homes.iter().map(|home| home.network));
                    entry.interfaces.insert(&link.name);
                    entry.ports.insert((port, protocol));
                }
            }
        }
    }
    broken.into_iter().map(|(rule, broken)| finding(place, &rule, &broken)).collect()
}

/// The rule that stops what a container sends, though it is about what comes in, or the answer to it (true).
fn stopped(case: &HostCase, place: &Place, crossings: &Crossings, out: Crossing) -> Option<(Hop, bool)> {
    let leaves = |crossing: &Crossing| crossings.leaves(NAME, Policy::Accept, crossing);
    let back = Crossing {
        input: out.output,
        output: out.input,
        source: out.destination,
        destination: out.source,
        role: Role::Answer,
        ..out
    };
    match leaves(&out) {
        Leaves::Dropped(hop) => is_meant_for_arrivals(case, place, &hop, out.input).then_some((hop, false)),
        Leaves::Accepted(_) => match leaves(&back) {
            Leaves::Dropped(hop) => owner(place, &hop).is_some().then_some((hop, true)),
            _ => None,
        },
        Leaves::Unsure => None,
    }
}

/// A bridge network of the engine, and a container there.
struct Home<'a> {
    bridge: &'a str,
    network: &'a str,
    container: IpAddr,
}

fn homes<'a>(case: &'a HostCase, family: Family) -> Vec<Home<'a>> {
    let host = case.host();
    let networks = host.networks.iter().filter(|network| network.driver == "bridge" && !network.is_internal);
    networks
        .filter_map(|network| {
            let of_family = |address: &&IpAddr| Family::of(**address) == family;
            let taken = host.endpoints.iter().filter(|endpoint| endpoint.network == network.id);
            let container = taken.flat_map(|endpoint| &endpoint.addresses).find(of_family).copied()?;
            Some(Home { bridge: network.bridge.as_deref()?, network: &network.name, container })
        })
        .collect()
}

/// The homes that no interface and no address in the owner's rules tells apart, together.
fn alike<'a>(place: &Place, homes: Vec<Home<'a>>) -> Vec<Vec<Home<'a>>> {
    let mut groups: BTreeMap<Vec<bool>, Vec<Home>> = BTreeMap::new();
    let fits = |span: &Span, home: &Home| match span {
        Span::Address(first, last) => (first..=last).contains(&&home.container),
        span => names(span, home.bridge),
    };
    let tests = || place.chains.iter().flat_map(|chain| &chain.rules).flat_map(docker_user::tests);
    let spans = tests().flat_map(|test| match test {
        Test::Fields { among, .. } => among.members.iter().flatten().collect::<Vec<_>>(),
        Test::Unknown(_) => Vec::new(),
    });
    let telling: Vec<&Span> = spans.filter(|span| homes.iter().any(|home| fits(span, home))).collect();
    for home in homes {
        groups.entry(telling.iter().map(|span| fits(span, &home)).collect()).or_default().push(home);
    }
    groups.into_values().collect()
}

/// What is asked for: the usual, and the ports that the owner's rules name as original ones, which may be a remote side's as well.
fn asked(place: &Place) -> BTreeSet<(Protocol, u16)> {
    let mut asked = BTreeSet::from(ASKED);
    for entry in place.chains.iter().flat_map(|chain| &chain.rules) {
        let protocol = docker_user::wanted(entry, Key::Protocol).find_map(|among| match singles(among)?.as_slice() {
            [Span::Number(first, last)] if first == last => u8::try_from(*first).ok().map(Protocol),
            _ => None,
        });
        let ports = docker_user::wanted(entry, Key::CtDestinationPort).filter_map(|among| singles(among)).flatten();
        asked.extend(ports.filter_map(|span| match span {
            Span::Number(first, _) => Some((protocol.unwrap_or(Protocol::TCP), u16::try_from(*first).ok()?)),
            _ => None,
        }));
    }
    asked
}

/// The rule of the owner's that a hop shows.
fn owner<'a>(place: &Place<'a>, hop: &Hop) -> Option<&'a Entry> {
    let name = hop.chains.last()?;
    let chain = place.chains.iter().find(|chain| chain.name == *name)?;
    chain.rules.iter().find(|entry| *entry.text == hop.rule)
}

/// True if the rule that stops a container's own packet is about packets that come in from outside: it asks for a published port and not
/// whereto, or it says so by what it leaves out, `! -i docker0`, and forgets that there are other bridges.
fn is_meant_for_arrivals(case: &HostCase, place: &Place, hop: &Hop, bridge: &str) -> bool {
    let Some(entry) = owner(place, hop) else { return false };
    let bridges = doors::engine_bridges(case.host());
    let is_published = |span: &&Span| {
        let mut bindings = case.host().publishers.iter().flat_map(|publisher| &publisher.bindings);
        bindings.any(|binding| binding.port.is_some_and(|port| **span == Span::number(port.into())))
    };
    let asks_for_published = docker_user::wanted(entry, Key::CtDestinationPort)
        .filter_map(|among| singles(among))
        .flatten()
        .any(|span| is_published(&span));
    asks_for_published
        || docker_user::tests(entry).filter_map(|test| docker_user::about(test, Key::InInterface)).any(|(among, negated)| {
            let spans = singles(among).unwrap_or_default();
            let spares = |name: &str| spans.iter().any(|span| names(span, name));
            negated && !spares(bridge) && bridges.iter().any(|other| spares(other))
        })
}

fn finding(place: &Place, rule: &str, broken: &Broken) -> Finding {
    let list = |names: &BTreeSet<&str>| words::list(&names.iter().copied().collect::<Vec<_>>());
    let networks = if broken.networks.len() == 1 { "network" } else { "the networks" };
    let is_usual = ASKED.iter().any(|(protocol, port)| broken.ports.contains(&(*port, *protocol)));
    let ports: Vec<String> = broken.ports.iter().map(|(port, protocol)| format!("{port}/{protocol}")).collect();
    let ports: Vec<&str> = ports.iter().map(String::as_str).collect();
    let what = if broken.answers { "the answers to what containers of" } else { "what containers of" };
    let where_to = if is_usual { String::new() } else { format!(" to port {} elsewhere", words::list(&ports)) };
    let family = place.family_name();
    let message = format!(
        "rule `{rule}` stops {what} {networks} {} send out{where_to} by {}, {family}",
        list(&broken.networks),
        list(&broken.interfaces)
    );
    let level = if is_usual { RULE.level } else { Level::Warn };
    let part = format!("chain {} of {}", broken.chain, place.table.title());
    let mut finding = RULE.on_host(level, message, OnHost { part: Some(part), ..OnHost::default() });
    finding.help = if broken.answers {
        vec![
            "begin the chain with the answers: `iptables -I DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN`"
                .to_owned(),
            "or add `--ctdir ORIGINAL` to a rule that asks for an original port".to_owned(),
        ]
    } else {
        vec![
            "name where the packets come from that are not to reach containers (`-i eth0`), or where they go (`-o BRIDGE`)"
                .to_owned(),
            "or let each bridge of the engine pass before it: `-i BRIDGE -j RETURN`".to_owned(),
        ]
    };
    if place.family == Family::V6 {
        finding.help.iter_mut().for_each(|line| *line = line.replace("iptables -I", "ip6tables -I"));
    }
    finding
}
