//! What this engine does, from its version, its configuration and what it has already written.
//!
//! In: a host. Out: [`Habits`]. What its rules show counts more than what its version says: an engine whose v6 chains are not there
//! writes no v6 rules, whatever its default is.

use crate::judge::context::GATEWAY_MODE_V4;
use crate::model::engine::{Backend, DaemonOptions, EngineKind, Seat};
use crate::model::host::{Host, Network, Part};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Chain, Decision, Key, Rule, Ruleset, Span, Step, Table, TableFamily, Test};
use std::net::IpAddr;

/// The tables of the nftables backend.
pub(super) const NFT_TABLE: &str = "docker-bridges";

/// What an engine does with networks and ports.
#[derive(Clone, Debug)]
pub(super) struct Habits {
    /// The three numbers of its version. A build without a number is taken for the newest.
    pub(super) release: (u32, u32, u32),
    /// Which rules it writes.
    pub(super) backend: Backend,
    /// The families that it writes rules of.
    pub(super) families: Vec<Family>,
    /// True if docker-proxy serves published ports. Otherwise packets of the host itself are translated, too.
    pub(super) has_proxy: bool,
    /// True if it drops, ahead of all else, what comes from outside to the containers' own addresses and to ports on 127.0.0.0/8.
    pub(super) writes_guards: bool,
    /// Where its networks are.
    pub(super) seat: Seat,
    /// What its configuration says.
    pub(super) options: DaemonOptions,
    /// What cannot be known of it, for every port.
    pub(super) unknown: Option<String>,
    /// What cannot be known of its guards.
    pub(super) unknown_guards: Option<String>,
}

impl Habits {
    /// The habits of the engine of a host.
    pub(super) fn of(host: &Host) -> Self {
        let engine = host.engine.clone().unwrap_or_default();
        let seen = seen_release(&host.ruleset);
        let backend = if has_nft(&host.ruleset) { Backend::Nftables } else { engine.backend };
        let may_write = engine.writes_rules != Some(false) && !engine.seat.is_apart();
        let options = engine.options;
        let writes = |family: &Family| {
            let is_on = *family == Family::V4 || options.writes_v6_rules != Some(false);
            may_write && is_on && has_chains(&host.ruleset, backend, *family)
        };
        let families: Vec<Family> = [Family::V4, Family::V6].into_iter().filter(writes).collect();
        let mut habits = Self {
            release: engine.release.or(seen).unwrap_or((u32::MAX, 0, 0)),
            backend,
            unknown: unknown(host, may_write && !families.contains(&Family::V4)),
            families,
            has_proxy: engine.has_proxy.or(seen_proxy(&host.ruleset)).unwrap_or(true),
            writes_guards: false,
            seat: engine.seat,
            options,
            unknown_guards: None,
        };
        habits.guard(host);
        habits
    }

    /// Whether it writes guards: from 28.0 on, unless it is told not to, or those that should be there are not.
    fn guard(&mut self, host: &Host) {
        if !self.since(28, 0, 0) || !self.writes(Family::V4) {
            return;
        }
        self.writes_guards = match seen_guards(host, self) {
            Some(seen) => seen,
            None => self.options.allows_direct_routing != Some(true),
        };
        if !self.writes_guards && self.options.allows_direct_routing != Some(true) {
            self.unknown_guards = Some(
                "the engine's other containers have no guards in raw PREROUTING: it is told to write none, or they were flushed"
                    .to_owned(),
            );
        }
    }

    /// True from a version on.
    pub(super) fn since(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.release >= (major, minor, patch)
    }

    /// True if it writes rules of a family.
    pub(super) fn writes(&self, family: Family) -> bool {
        self.families.contains(&family)
    }

    /// True if packets to containers' own addresses are dropped for each container: before 28.2 for each published port.
    pub(super) fn guards_containers(&self) -> bool {
        self.writes_guards && self.since(28, 2, 0) && self.options.allows_direct_routing != Some(true)
    }

    /// True if packets to published ports at containers' own addresses are dropped for each port.
    pub(super) fn guards_ports(&self) -> bool {
        self.writes_guards && !self.since(28, 2, 0)
    }

    /// True if remote packets to ports on 127.0.0.0/8 are dropped.
    pub(super) fn guards_loopback(&self) -> bool {
        self.since(28, 0, 0)
            && self.writes(Family::V4)
            && (self.writes_guards || self.options.allows_direct_routing == Some(true))
    }
}

/// What cannot be known of an engine, for every port. `lacks_chains`: it may write rules, and its chains are not there.
fn unknown(host: &Host, lacks_chains: bool) -> Option<String> {
    if let Some(unread) = host.unread(|part| part == Part::Containers) {
        return Some(format!("the engine's containers and networks are unread: {}; `{}` shows them", unread.why, unread.command));
    }
    match &host.engine {
        None => Some("the engine is not seen; `docker version` shows it".to_owned()),
        Some(engine) if engine.kind == EngineKind::Podman => Some("podman makes networks and rules of its own kind".to_owned()),
        Some(_) if lacks_chains => Some(
            "the engine's chains are not there: either it writes no rules (`iptables: false`), or they were flushed and it starts \
             nothing until `systemctl restart docker` brings them back"
                .to_owned(),
        ),
        Some(_) => None,
    }
}

/// True if the backend's own tables are there.
fn has_nft(ruleset: &Ruleset) -> bool {
    ruleset.tables.iter().any(|table| table.name == NFT_TABLE)
}

/// The table of a family that has a chain of the engine.
pub(super) fn with_chain<'r>(ruleset: &'r Ruleset, family: Family, table: &str, chain: &str) -> Option<&'r Table> {
    let family = table_family(family);
    ruleset.tables.iter().find(|it| it.family == family && it.name == table && it.chains.contains_key(chain))
}

/// The family of the tables in which the engine writes rules of a family.
pub(super) fn table_family(family: Family) -> TableFamily {
    match family {
        Family::V4 => TableFamily::Ip,
        Family::V6 => TableFamily::Ip6,
    }
}

fn has_chains(ruleset: &Ruleset, backend: Backend, family: Family) -> bool {
    match backend {
        Backend::Nftables => with_chain(ruleset, family, NFT_TABLE, "filter-FORWARD").is_some(),
        Backend::Iptables => ["nat", "filter"].iter().all(|table| with_chain(ruleset, family, table, "DOCKER").is_some()),
    }
}

/// The least version that writes the chains that are there.
fn seen_release(ruleset: &Ruleset) -> Option<(u32, u32, u32)> {
    let has = |chain: &str| with_chain(ruleset, Family::V4, "filter", chain).is_some();
    if has_nft(ruleset) || has("DOCKER-INTERNAL") {
        return None;
    }
    if has("DOCKER-FORWARD") {
        return Some((28, 2, 0));
    }
    has("DOCKER-ISOLATION-STAGE-1").then_some((27, 0, 0))
}

/// Whether packets from the host to its loopback addresses are left to docker-proxy: the rule of OUTPUT that leads to the
/// translations excepts them then.
fn seen_proxy(ruleset: &Ruleset) -> Option<bool> {
    let output = |table: &str, chain: &str, target: &str| {
        let chain = with_chain(ruleset, Family::V4, table, chain)?.chains.get(chain)?;
        let rule = chain.rules.iter().find(|rule| leads_to(rule, target))?;
        Some(rule.steps.iter().any(|step| matches!(step, Step::Test(test) if looks_at(test, Key::Destination))))
    };
    output("nat", "OUTPUT", "DOCKER").or_else(|| output(NFT_TABLE, "nat-OUTPUT", "nat-prerouting-and-output"))
}

fn leads_to(rule: &Rule, target: &str) -> bool {
    rule.steps.iter().any(|step| matches!(step, Step::Act(Action::Decide(Decision::Jump(to))) if &**to == target))
}

fn looks_at(test: &Test, key: Key) -> bool {
    matches!(test, Test::Fields { selectors, .. } if selectors.iter().any(|selector| selector.key == key))
}

/// Whether containers that should have guards do; None where there are no such containers.
fn seen_guards(host: &Host, habits: &Habits) -> Option<bool> {
    let guarded = guarded_addresses(&host.ruleset, habits.backend);
    let publishes = |name: &str| host.publishers.iter().any(|it| it.name == name && !it.bindings.is_empty());
    let mut seen = None;
    for endpoint in &host.endpoints {
        let Some(network) = host.network(&endpoint.network).filter(|network| is_guarded(network)) else { continue };
        if network.driver != "bridge" || !habits.since(28, 2, 0) && !publishes(&endpoint.container) {
            continue;
        }
        for address in endpoint.addresses.iter().filter(|address| address.is_ipv4()) {
            seen = Some(seen.unwrap_or(false) || guarded.contains(address));
        }
    }
    seen
}

/// True for networks whose containers get guards: those that translate.
fn is_guarded(network: &Network) -> bool {
    let mode = network.options.get(GATEWAY_MODE_V4).map_or("nat", String::as_str);
    !network.is_internal && mode == "nat"
}

/// The addresses that a raw chain drops packets to.
fn guarded_addresses(ruleset: &Ruleset, backend: Backend) -> Vec<IpAddr> {
    let (table, chain) = match backend {
        Backend::Iptables => ("raw", "PREROUTING"),
        Backend::Nftables => (NFT_TABLE, "raw-PREROUTING"),
    };
    let Some(chain) = with_chain(ruleset, Family::V4, table, chain).and_then(|table| table.chains.get(chain)) else {
        return Vec::new();
    };
    destinations(chain)
}

fn destinations(chain: &Chain) -> Vec<IpAddr> {
    let drops = |rule: &&Rule| rule.steps.iter().any(|step| matches!(step, Step::Act(Action::Decide(Decision::Drop))));
    let steps = chain.rules.iter().filter(drops).flat_map(|rule| rule.steps.iter());
    let tests = steps.filter_map(|step| if let Step::Test(test) = step { Some(test) } else { None });
    tests.filter(|test| looks_at(test, Key::Destination)).flat_map(single_addresses).collect()
}

/// The single addresses that a test asks for.
pub(super) fn single_addresses(test: &Test) -> Vec<IpAddr> {
    let Test::Fields { among, .. } = test else { return Vec::new() };
    let single = |span: &Span| if let Span::Address(first, last) = span { (first == last).then_some(*first) } else { None };
    among.members.iter().flatten().filter_map(single).collect()
}
