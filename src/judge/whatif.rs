//! A host as it would be without some of its rules. Pure: one host in, another out.
//!
//! What the engine puts there is known by its structure (moby at v20.10.24, v26.1.5, v28.5.2 and main of 2026-08):
//! - iptables: `daemon/libnetwork/drivers/bridge/internal/iptabler`, before v28.2 `drivers/bridge/setup_ip_tables_linux.go`: chains of
//!   its own with jumps to them, and rules in the built-in chains that name its bridges or its prefixes;
//! - nftables: `drivers/bridge/internal/nftabler`: the tables `ip docker-bridges` and `ip6 docker-bridges`;
//! - firewalld: `daemon/libnetwork/iptables/firewalld.go`: the zone `docker` and the policy `docker-forwarding`, which firewalld turns
//!   into chains named after them (firewalld `src/firewall/core/fw_policy.py`, `nftables.py`).
//!
//! `DOCKER-USER` stays: the chain is the engine's, the rules in it are the owner's. The policy DROP of FORWARD is taken for the engine's
//! where nothing but the engine and the owner's rules in `DOCKER-USER` has rules there (`setupIPForwarding` sets it); ufw and others,
//! who set it too, have.

use super::ours;
use crate::model::host::Host;
use crate::model::ruleset::{
    Action, Chain, Decision, Key, Policy, Rule, Selector, Span, Step, Table, Test, Translation, ct_state,
};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// The engine's chains in the tables of iptables, DOCKER-USER aside.
const ENGINE_CHAINS: [&str; 8] = [
    "DOCKER",
    "DOCKER-BRIDGE",
    "DOCKER-CT",
    "DOCKER-FORWARD",
    "DOCKER-INGRESS",
    "DOCKER-INTERNAL",
    "DOCKER-ISOLATION-STAGE-1",
    "DOCKER-ISOLATION-STAGE-2",
];

/// What tells the engine's rules from others'.
struct Engine {
    bridges: BTreeSet<String>,
    subnets: Vec<IpNet>,
}

/// firewalld's table of a moment, which drops what is new while it starts and reloads, and in panic mode
/// (`src/firewall/core/nftables.py`, `build_set_policy_rules`). It is no word on ports: what its owner wants of them is in the other table.
const PASSING: &str = "firewalld_policy_drop";

/// The host without what the engine put into its rules, without a lock of ours, and without what is there for a moment alone.
pub fn without_engine(host: &Host) -> Host {
    let engine = Engine::of(host);
    let mut host = host.clone();
    ours::strip(&mut host);
    host.ruleset.tables.retain(|table| table.name != "docker-bridges" && table.name != PASSING);
    for table in &mut host.ruleset.tables {
        let gone: BTreeSet<Arc<str>> = table.chains.keys().filter(|name| is_engine_chain(table, name)).cloned().collect();
        table.chains.retain(|name, _| !gone.contains(name));
        let (name, chains) = (table.name.clone(), &mut table.chains);
        for chain in chains.values_mut() {
            let built_in = chain.base.is_some();
            let title = chain.name.clone();
            remove_jumps(chain, &gone);
            if built_in {
                chain.rules.retain(|rule| !engine.wrote(&name, &title, rule));
            }
            if name == "filter" && &*title == "FORWARD" && !gone.is_empty() && chain.rules.iter().all(leads_to_owner) {
                chain.base.iter_mut().for_each(|base| base.policy = Policy::Accept);
            }
        }
    }
    host
}

fn is_engine_chain(table: &Table, name: &str) -> bool {
    let is_iptables = ["filter", "nat", "raw", "mangle"].contains(&table.name.as_str());
    is_iptables && ENGINE_CHAINS.contains(&name) || is_firewalld_chain(name)
}

/// A chain that firewalld made for the zone `docker` or the policy `docker-forwarding`: `filter_IN_docker_allow`,
/// `filter_FWD_public_to_docker`, `nat_PRE_policy_docker-forwarding_pre`; with its iptables backend, `FWD_docker_allow`.
fn is_firewalld_chain(name: &str) -> bool {
    let rest = ["filter_", "nat_", "mangle_", "raw_"].iter().find_map(|table| name.strip_prefix(table)).unwrap_or(name);
    let hooks = ["IN_", "OUT_", "FWD_", "FWDI_", "FWDO_", "PRE_", "POST_"];
    let Some(subject) = hooks.iter().find_map(|hook| rest.strip_prefix(hook)) else { return false };
    let of = |subject: &str, owner: &str| {
        let ends = ["_pre", "_log", "_deny", "_allow", "_post", "_to_", "_dispatch"];
        subject.strip_prefix(owner).is_some_and(|rest| rest.is_empty() || ends.iter().any(|end| rest.starts_with(end)))
    };
    of(subject, "docker") || of(subject, "policy_docker-forwarding") || subject.ends_with("_to_docker")
}

/// True for the jump to the owner's chain.
fn leads_to_owner(rule: &Rule) -> bool {
    matches!(&*rule.steps, [Step::Act(Action::Decide(Decision::Jump(target)))] if &**target == "DOCKER-USER")
}

/// Takes away the rules that lead to chains that are gone.
fn remove_jumps(chain: &mut Chain, gone: &BTreeSet<Arc<str>>) {
    let leads_there =
        |decision: &Decision| matches!(decision, Decision::Jump(target) | Decision::Goto(target) if gone.contains(target));
    chain.rules.retain(|rule| {
        !rule.steps.iter().any(|step| matches!(step, Step::Act(Action::Decide(decision)) if leads_there(decision)))
    });
    let maps_there =
        |step: &Step| matches!(step, Step::Act(Action::Lookup { map, .. }) if map.iter().any(|(_, it)| leads_there(it)));
    for rule in chain.rules.iter_mut().filter(|rule| rule.steps.iter().any(maps_there)) {
        for step in Arc::make_mut(&mut rule.steps) {
            if let Step::Act(Action::Lookup { map, .. }) = step {
                *map = Arc::new(map.iter().filter(|(_, decision)| !leads_there(decision)).cloned().collect());
            }
        }
    }
}

impl Engine {
    fn of(host: &Host) -> Self {
        let mut bridges: BTreeSet<String> = host.networks.iter().filter_map(|network| network.bridge.clone()).collect();
        bridges.extend(["docker0".to_owned(), "docker_gwbridge".to_owned()]);
        let named = |name: &str| {
            name.strip_prefix("br-").is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        bridges.extend(host.links.iter().filter(|link| named(&link.name)).map(|link| link.name.to_string()));
        let engines = host.networks.iter().filter(|network| network.bridge.is_some());
        Self { bridges, subnets: engines.flat_map(|network| network.subnets.iter().copied()).collect() }
    }

    /// True for a rule of a built-in chain that the engine writes itself.
    fn wrote(&self, table: &str, chain: &str, rule: &Rule) -> bool {
        let tests: Vec<&Test> =
            rule.steps.iter().filter_map(|step| if let Step::Test(test) = step { Some(test) } else { None }).collect();
        let action = rule.steps.iter().find_map(|step| if let Step::Act(action) = step { Some(action) } else { None });
        let names_bridge = tests.iter().any(|test| self.is_about_bridge(test));
        match (table, chain, action) {
            // `-o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`, `-i docker0 ! -o docker0 -j ACCEPT`, with icc=false a DROP
            ("filter", "FORWARD", Some(Action::Decide(Decision::Accept | Decision::Drop))) => {
                names_bridge && tests.iter().all(|test| self.is_about_bridge(test) || is_about_replies(test))
            }
            // `-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE`, `-s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp --dport 80 -j MASQUERADE`
            ("nat", "POSTROUTING", Some(Action::Translate(Translation::Source))) => {
                tests.iter().any(|test| self.is_about_containers(test, Key::Source)) && tests.len() > 1
            }
            // `-d 172.17.0.2/32 ! -i docker0 -j DROP`, `-d 127.0.0.1/32 ! -i lo -p tcp --dport 8081 -j DROP`
            ("raw", "PREROUTING", Some(Action::Decide(Decision::Drop))) => {
                names_bridge && tests.iter().any(|test| self.is_about_containers(test, Key::Destination))
                    || is_loopback_guard(&tests)
            }
            _ => false,
        }
    }

    fn is_about_bridge(&self, test: &Test) -> bool {
        let is_bridge = |span: &Span| matches!(span, Span::Name(name) if self.bridges.contains(&**name));
        looks_at(test, &[Key::InInterface, Key::OutInterface], is_bridge)
    }

    fn is_about_containers(&self, test: &Test, key: Key) -> bool {
        let inside = |address: &IpAddr| self.subnets.iter().any(|subnet| subnet.contains(address));
        looks_at(test, &[key], |span| matches!(span, Span::Address(first, last) if inside(first) && inside(last)))
    }
}

/// True if a test looks at one of these fields only, and all its values are such.
fn looks_at(test: &Test, keys: &[Key], such: impl Fn(&Span) -> bool) -> bool {
    let Test::Fields { selectors, among, .. } = test else { return false };
    matches!(selectors.as_slice(), [Selector { key, mask: None }] if keys.contains(key))
        && among.members.iter().flatten().all(such)
}

fn is_about_replies(test: &Test) -> bool {
    let replies = ct_state::RELATED | ct_state::ESTABLISHED;
    looks_at(test, &[Key::CtState, Key::CtStateOrNat], |span| *span == Span::AnyBit(replies))
}

/// What the engine writes from 28.0 on against packets to ports that are published on loopback.
fn is_loopback_guard(tests: &[&Test]) -> bool {
    let loopback = |span: &Span| matches!(span, Span::Address(first, last) if first == last && first.is_loopback());
    let lo = |span: &Span| *span == Span::Name("lo".into());
    let has = |key: Key, such: &dyn Fn(&Span) -> bool| tests.iter().any(|test| looks_at(test, &[key], such));
    has(Key::Destination, &loopback) && has(Key::InInterface, &lo) && has(Key::DestinationPort, &|_| true)
}

#[cfg(test)]
mod tests;
