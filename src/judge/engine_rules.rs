//! What the engine writes into the host's tables, as far as several rules of ours look for it.
//!
//! In: a host. Out: whether it writes there at all, its chains, its networks and what they need. Not here: the verdict on a packet; that
//! never hangs on who wrote a rule.

use super::doors;
use crate::model::engine::{Backend, Binding, EngineKind, Publisher, PublisherKind};
use crate::model::host::{Host, Network};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Chain, Policy, Rule, Step, Table, TableFamily, Translation};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The names that the engine's own chains begin with (moby `daemon/libnetwork`, all versions).
pub(super) const CHAIN_PREFIX: &str = "DOCKER";

/// True for an engine whose networks are on this host and whose rules are those that we read: Docker's own, not rootless, no machine of
/// its own.
pub(super) fn is_on_host(host: &Host) -> bool {
    host.engine.as_ref().is_some_and(|engine| engine.kind == EngineKind::Docker && !engine.seat.is_apart())
}

/// True if the engine writes iptables, or would if it were not told to leave it.
pub(super) fn is_iptables(host: &Host) -> bool {
    is_on_host(host) && host.engine.as_ref().is_some_and(|engine| engine.backend == Backend::Iptables)
}

/// True if the engine's version is at least this one; None where it is not known.
pub(super) fn is_at_least(host: &Host, release: (u32, u32, u32)) -> Option<bool> {
    Some(host.engine.as_ref()?.release? >= release)
}

/// The tables of one family that iptables knows by this name.
pub(super) fn tables<'a>(host: &'a Host, name: &'a str, family: Family) -> impl Iterator<Item = &'a Table> {
    let wanted = if family == Family::V4 { TableFamily::Ip } else { TableFamily::Ip6 };
    host.ruleset.tables.iter().filter(move |table| table.family == wanted && table.name == name)
}

/// The chain of the engine in the tables of one family, with its table.
pub(super) fn chain<'a>(host: &'a Host, table: &'a str, family: Family, name: &'a str) -> Option<(&'a Table, &'a Chain)> {
    tables(host, table, family).find_map(|table| Some((table, table.chains.get(name)?)))
}

/// True if a chain of the engine's is in any table of one family, filled or empty; `DOCKER-USER` is the engine's chain, too.
pub(super) fn has_chains(host: &Host, family: Family) -> bool {
    ["nat", "filter", "raw"]
        .into_iter()
        .any(|name| tables(host, name, family).any(|table| table.chains.keys().any(|chain| chain.starts_with(CHAIN_PREFIX))))
}

/// What the engine does about its rules, judged by what is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Footing {
    /// It writes rules, or did: there are traces of it, or it is said to.
    Writes,
    /// `iptables: false` stands in daemon.json.
    SwitchedOff,
    /// Nothing of it is there, and nothing says that it was ever there, as with `--iptables=false` on dockerd's command line.
    LooksSwitchedOff,
}

/// What the engine does about its rules.
pub(super) fn footing(host: &Host) -> Footing {
    match host.engine.as_ref().and_then(|engine| engine.writes_rules) {
        Some(false) => return Footing::SwitchedOff,
        Some(true) => return Footing::Writes,
        None => {}
    }
    let bridges = doors::engine_bridges(host);
    let zones = host.firewalld.iter().flat_map(|firewalld| firewalld.zones.values());
    // The engine puts its bridges into a zone of firewalld by the same switch (moby `daemon/libnetwork/iptables/firewalld.go`).
    let is_zoned = zones.flat_map(|zone| &zone.interfaces).any(|interface| bridges.contains(interface.as_str()));
    let has_chains = has_chains(host, Family::V4) || has_chains(host, Family::V6);
    let has_traces = has_chains || has_policy(host) || is_zoned;
    // After `nft flush ruleset` nobody's tables are left.
    let others_are_left = host.ruleset.tables.iter().any(|table| table.chains.values().any(|chain| !chain.rules.is_empty()));
    if !has_traces && others_are_left { Footing::LooksSwitchedOff } else { Footing::Writes }
}

/// True if FORWARD drops everything and nobody has a rule there: the engine leaves its policy behind when its rules are flushed.
fn has_policy(host: &Host) -> bool {
    let forward = |family| tables(host, "filter", family).filter_map(|table| table.chains.get("FORWARD"));
    let is_left = |chain: &Chain| chain.rules.is_empty() && chain.base.as_ref().is_some_and(|base| base.policy == Policy::Drop);
    forward(Family::V4).chain(forward(Family::V6)).any(is_left)
}

/// A binding that the engine serves by translation: whose, and where it leads.
pub(super) struct Translated<'a> {
    /// The container.
    pub(super) publisher: &'a Publisher,
    /// The binding.
    pub(super) binding: Binding,
    /// The container's addresses in the binding's family, on networks that translate.
    pub(super) addresses: Vec<IpAddr>,
}

/// The bindings for which the engine writes a translation of one family.
///
/// A wildcard of v6 is translated only where the container has a v6 address; else docker-proxy serves it.
pub(super) fn translated(host: &Host, family: Family) -> impl Iterator<Item = Translated<'_>> {
    let publishes = |publisher: &&Publisher| publisher.kind == PublisherKind::Container && !publisher.bindings.is_empty();
    let containers = host.publishers.iter().filter(publishes);
    containers.flat_map(move |publisher| {
        let on_bridge = doors::at(host, publisher).filter(move |(network, address)| {
            Family::of(*address) == family && network.driver == "bridge" && !network.is_internal && translates(network, family)
        });
        let addresses: Vec<IpAddr> = on_bridge.map(|(_, address)| address).collect();
        let here = move |binding: &&Binding| Family::of(binding.address) == family && binding.port.is_some();
        let bindings = publisher.bindings.iter().filter(here);
        let with = move |binding: &Binding| Translated { publisher, binding: *binding, addresses: addresses.clone() };
        bindings.map(with).filter(|it| !it.addresses.is_empty())
    })
}

/// False for the gateway modes that leave addresses alone.
fn translates(network: &Network, family: Family) -> bool {
    !matches!(network.gateway_mode(family), Some("routed" | "isolated"))
}

/// The translations of a rule's destination.
pub(super) fn destinations(rule: &Rule) -> impl Iterator<Item = &crate::model::ruleset::Target> {
    rule.steps.iter().flat_map(|step| match step {
        Step::Act(Action::Translate(Translation::Destination(targets))) => targets.as_slice(),
        _ => &[],
    })
}

/// Where the tables of one family translate to: addresses, each with the ports (None: the port stays).
pub(super) struct Destinations(BTreeMap<IpAddr, Vec<Option<(u16, u16)>>>);

impl Destinations {
    /// Of all tables of one family.
    pub(super) fn of(host: &Host, family: Family) -> Self {
        let mut all: BTreeMap<IpAddr, Vec<Option<(u16, u16)>>> = BTreeMap::new();
        let tables = host.ruleset.tables.iter().filter(|table| table.family.sees(family));
        for to in tables.flat_map(|table| table.chains.values()).flat_map(|chain| &chain.rules).flat_map(destinations) {
            if let Some(address) = to.address {
                all.entry(address).or_default().push(to.ports);
            }
        }
        Self(all)
    }

    /// True if something translates to the container port of a binding.
    pub(super) fn lead_to(&self, it: &Translated) -> bool {
        let takes = |ports: &Option<(u16, u16)>| ports.is_none_or(|(first, last)| (first..=last).contains(&it.binding.target));
        it.addresses.iter().filter_map(|address| self.0.get(address)).flatten().any(takes)
    }
}
