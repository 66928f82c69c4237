//! docker-user-unreached: packets to containers are let in before the owner's rules are asked.

use super::Rule;
use crate::judge::crossing::{self, Crossing, Crossings, Leaves, Role};
use crate::judge::docker_user::{self, NAME, Place};
use crate::judge::doors;
use crate::judge::engine_rules;
use crate::judge::hosts::HostCase;
use crate::judge::words;
use crate::model::engine::Binding;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Decision, Policy, Rule as Entry, Step, Table};
use crate::model::verdict::Hop;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "docker-user-unreached",
    summary: "packets to containers are let in before DOCKER-USER is asked",
    level: Level::Error,
    allowable: false,
    page: include_str!("../../../docs/rules/docker-user-unreached.md"),
    project: None,
    host: Some(check),
};

/// So many bindings of a network are tried before it is left alone.
const TRIES: usize = 16;

fn check(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    if !engine_rules::is_on_host(host) {
        return Vec::new();
    }
    docker_user::places(host).iter().filter(|place| !is_first(place.table)).filter_map(|place| finding(case, place)).collect()
}

/// True if the first thing that FORWARD does is to ask the owner.
fn is_first(table: &Table) -> bool {
    let first = table.chains.get("FORWARD").and_then(|chain| chain.rules.first());
    let jumps = |step: &Step| matches!(step, Step::Act(Action::Decide(Decision::Jump(target))) if &**target == NAME);
    first.is_some_and(|rule| matches!(&*rule.steps, [step] if jumps(step)))
}

fn finding(case: &HostCase, place: &Place) -> Option<Finding> {
    let (family, count) = (place.family_name(), place.owned());
    let (rules, do_nothing) = match count {
        0 => ("a rule put there".to_owned(), "would do nothing"),
        1 => ("its rule".to_owned(), "does nothing"),
        _ => (format!("its {count} rules"), "do nothing"),
    };
    let jumps = |entry: &Entry| docker_user::target(entry) == Some(NAME);
    let (message, mut help) = if place.table.chains.values().any(|chain| chain.rules.iter().any(jumps)) {
        let passed = passed_by(case, place);
        let names: Vec<&str> = passed.keys().copied().collect();
        if names.is_empty() {
            return None;
        }
        let networks = if names.len() == 1 { "network" } else { "the networks" };
        let whereto = format!("{networks} {}", words::list(&names));
        let message =
            format!("{family} packets to {whereto} are let in before DOCKER-USER is asked: {rules} {do_nothing} about them");
        (message, passed.values().map(let_in).collect())
    } else if count > 0 {
        (format!("nothing jumps to DOCKER-USER for {family} packets: {rules} {do_nothing}"), Vec::new())
    } else {
        // Without rules there, what else is missing says it all: docker-chains-missing.
        return None;
    };
    help.extend(repair(case));
    let level = if count == 0 { Level::Note } else { RULE.level };
    let on_host = OnHost { part: Some(place.part(NAME)), ..OnHost::default() };
    Some(Finding { help, ..RULE.on_host(level, message, on_host) })
}

fn let_in(hop: &Hop) -> String {
    let rule = if hop.rule == "policy" { "its policy" } else { &hop.rule };
    format!("let in by {} {}: {rule}", hop.table, hop.chain())
}

/// What puts the jump back on top, and for how long.
fn repair(case: &HostCase) -> Vec<String> {
    if engine_rules::is_at_least(case.host(), (28, 0, 0)) == Some(true) {
        return vec!["`systemctl restart docker` puts the jump back on top".to_owned()];
    }
    vec![
        "`docker network create` of any network puts the jump back on top, and so does `systemctl restart docker`".to_owned(),
        "before 28.0.0 it comes back with each reload that flushes iptables (firewalld before 2.0, direct rules), for each network made \
         since the engine started"
            .to_owned(),
    ]
}

/// The networks to which a packet from outside is let in without passing the chain, each with what lets it in: with the chain dropping
/// all, it is accepted all the same.
fn passed_by<'a>(case: &'a HostCase, place: &Place) -> BTreeMap<&'a str, Hop> {
    let host = case.host();
    let mut shut = place.table.clone();
    if let Some(chain) = shut.chains.get_mut(NAME) {
        chain.rules = vec![Entry { text: "-j DROP".into(), steps: [Step::Act(Action::Decide(Decision::Drop))].into() }];
    }
    let Some(policy) = shut.chains.get("FORWARD").and_then(|chain| Some(chain.base.as_ref()?.policy)) else {
        return BTreeMap::new();
    };
    let crossings = Crossings::of(host, &shut);
    let mut passed = BTreeMap::new();
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    let bindings = host.publishers.iter().flat_map(|it| it.bindings.iter().map(move |binding| (it, *binding)));
    for (publisher, binding) in bindings.filter(|(_, binding)| Family::of(binding.address) == place.family) {
        for (network, address) in doors::at(host, publisher).filter(|(_, address)| Family::of(*address) == place.family) {
            let Some(bridge) = network.bridge.as_deref() else { continue };
            let tried = done.entry(bridge).or_default();
            if *tried < TRIES && !passed.contains_key(&*network.name) {
                *tried += 1;
                passed
                    .extend(lets_in(case, (&crossings, policy), bridge, address, binding).map(|by| (network.name.as_str(), by)));
            }
        }
    }
    passed
}

/// What accepts a packet from outside to a container's address; None where it is not surely accepted.
fn lets_in(
    case: &HostCase,
    (crossings, policy): (&Crossings, Policy),
    bridge: &str,
    address: IpAddr,
    binding: Binding,
) -> Option<Hop> {
    let family = Family::of(address);
    case.outside.iter().find_map(|link| {
        let own = link.addresses.iter().map(|own| own.net.addr()).find(|own| Family::of(*own) == family)?;
        let crossing = Crossing {
            input: &link.name,
            output: bridge,
            source: crossing::somebody(case, &link.name, family)?,
            destination: address,
            port: binding.target,
            protocol: binding.protocol,
            role: Role::Opening(own, binding.port.unwrap_or(binding.target)),
        };
        match crossings.leaves("FORWARD", policy, &crossing) {
            Leaves::Accepted(by) => Some(by),
            _ => None,
        }
    })
}
