//! The chains of a lock of one family: what is asked of a packet, in which order.
//!
//! In: a guard. Out: chains with their rules, each with a word of what it is for. Not here: which ports are let in ([`super::permits`]),
//! and where the chains are called from.

use super::Place;
use super::seat::INPUT;
use crate::judge::ours;
use crate::model::guard::Guard;
use crate::model::packet::Family;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// What goes from outside to somebody: a container, or not.
const TO: &str = "DFW-TO";
/// What goes from outside to a container.
const OUTSIDE: &str = "DFW-OUTSIDE";
/// What goes from outside to a published port.
const PUBLISHED: &str = "DFW-PUBLISHED";
/// What goes from outside to the host itself, where docker-proxy may listen.
const PROXY: &str = "DFW-PROXY";

/// Names that links and tunnels of a later time may have, and that nobody gives to a bridge: systemd.net-naming-scheme(7), wg-quick(8),
/// pppd(8), and what the kernel and others number: `veth`, `cali`, `lxc`.
const LINKS: [&str; 19] = [
    "bond+",
    "cali+",
    "eno+",
    "enp+",
    "ens+",
    "enx+",
    "eth+",
    "ipsec+",
    "lxc+",
    "ppp+",
    "tailscale+",
    "tap+",
    "tun+",
    "veth+",
    "wg+",
    "wlan+",
    "wlp+",
    "wwan+",
    "zt+",
];

/// What becomes of a packet at a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// The rules of others judge it.
    Return,
    /// It is refused.
    Drop,
    /// Another chain of ours decides.
    Goto(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Return => f.write_str("-j RETURN"),
            Self::Drop => f.write_str("-j DROP"),
            Self::Goto(chain) => write!(f, "-g {chain}"),
        }
    }
}

/// A rule: what it is for, what it asks of a packet (empty: nothing), and what becomes of one that fits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    pub(super) why: &'static str,
    pub(super) tests: String,
    pub(super) target: Target,
}

/// The rules of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    /// Adds a rule.
    pub(super) fn add(&mut self, why: &'static str, tests: impl Into<String>, target: Target) {
        self.0.push(Rule { why, tests: tests.into(), target });
    }

    /// Writes them as iptables-restore reads them; the first one says whose they are.
    pub(super) fn write(&self, chain: &str, mark: &str, text: &mut String) {
        let mut last = "";
        for (at, Rule { why, tests, target }) in self.0.iter().enumerate() {
            if *why != last {
                let _ = writeln!(text, "# {why}");
                last = why;
            }
            let space = if tests.is_empty() { "" } else { " " };
            let mark = if at == 0 { format!(" -m comment --comment \"{mark}\"") } else { String::new() };
            let _ = writeln!(text, "-A {chain}{space}{tests}{mark} {target}");
        }
    }
}

/// All chains of one family.
pub(super) struct Chains {
    /// By their names, those first that others go to.
    chains: Vec<(String, Rules)>,
    /// The names of those that are known by their rules alone.
    alike: BTreeMap<Rules, String>,
}

impl Chains {
    /// The chains of a guard.
    pub(super) fn of(guard: &Guard, place: &Place<'_>, family: Family) -> Self {
        let mut chains = Self { chains: Vec::new(), alike: BTreeMap::new() };
        chains.published(guard, family);
        chains.outside(guard, family);
        chains.to(guard, place, family);
        chains.proxy(guard, family);
        for (name, next) in [(INPUT, PROXY), (ours::CHAIN, TO)] {
            chains.entrance(guard, place, family, name, next);
        }
        chains
    }

    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.chains.iter().rev().map(|(name, _)| name.as_str())
    }

    /// The chains, in the order that packets meet them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Rules)> {
        self.chains.iter().rev().map(|(name, rules)| (name.as_str(), rules))
    }

    fn put(&mut self, name: &str, rules: Rules) {
        self.chains.push((name.to_owned(), rules));
    }

    /// Somewhere to send packets that these rules decide about: a chain, which others with the same rules share, or what the first rule
    /// does with all of them.
    pub(super) fn decide(&mut self, rules: Rules) -> Target {
        if let Some(first) = rules.0.first().filter(|first| first.tests.is_empty()) {
            return first.target.clone();
        }
        let next = self.alike.len() + 1;
        if let Some(name) = self.alike.get(&rules) {
            return Target::Goto(name.clone());
        }
        let name = format!("{}-{next}", ours::CHAIN);
        self.alike.insert(rules.clone(), name.clone());
        self.put(&name, rules);
        Target::Goto(name)
    }

    /// Where packets come in: what is not from outside, and what was let in before, goes back.
    fn entrance(&mut self, guard: &Guard, place: &Place<'_>, family: Family, name: &str, next: &str) {
        let mut rules = Rules::default();
        rules.add("Connections that were let in.", "-m conntrack --ctstate RELATED,ESTABLISHED", Target::Return);
        if let Some(end) = &place.end {
            rules.add("The lock has ended.", format!("-m time --datestart {end}"), Target::Return);
        }
        if name == INPUT {
            rules.add("The host itself.", "-i lo", Target::Return);
        }
        for bridge in &guard.foreign {
            let why = "A bridge of somebody else is outside, whatever its name looks like.";
            rules.add(why, format!("-i {bridge}"), Target::Goto(next.to_owned()));
        }
        for bridge in bridges(guard) {
            rules.add("Containers are not outside, nor are those of later networks.", format!("-i {bridge}"), Target::Return);
        }
        for pool in pools(guard, family).filter(|_| place.bridged.contains(&family)) {
            let why = "Nor are those behind a later bridge of any name.";
            rules.add(why, format!("-s {pool} -m physdev --physdev-is-in"), Target::Return);
        }
        rules.add("Everybody else is.", "", Target::Goto(next.to_owned()));
        self.put(name, rules);
    }

    /// What is forwarded from outside: only what goes to a container is looked at.
    fn to(&mut self, guard: &Guard, place: &Place<'_>, family: Family) {
        let mut rules = Rules::default();
        for bridge in &guard.foreign {
            rules.add("What goes to a bridge of somebody else is not ours to judge.", format!("-o {bridge}"), Target::Return);
        }
        for bridge in bridges(guard) {
            rules.add("To a container, or to one on a later network.", format!("-o {bridge}"), Target::Goto(OUTSIDE.to_owned()));
        }
        for name in place.others.iter().copied().chain(LINKS) {
            rules.add(
                "What others send on by links that are no bridge is not ours to judge.",
                format!("-o {name}"),
                Target::Return,
            );
        }
        let why = "A published port behind an interface that nobody had when this was made.";
        rules.add(why, "-m conntrack --ctstate DNAT", Target::Goto(OUTSIDE.to_owned()));
        for pool in pools(guard, family) {
            let why = "Containers behind such an interface: it has a prefix as the engine picks them.";
            rules.add(why, format!("-d {pool}"), Target::Goto(OUTSIDE.to_owned()));
        }
        rules.add("What goes elsewhere is not ours to judge.", "", Target::Return);
        self.put(TO, rules);
    }

    /// What goes to a container: by a published port, or at its own address.
    fn outside(&mut self, guard: &Guard, family: Family) {
        let mut rules = Rules::default();
        let why = "A published port: judged by the port that was asked for.";
        rules.add(why, "-m conntrack --ctstate DNAT", Target::Goto(PUBLISHED.to_owned()));
        self.containers(&mut rules, guard, family);
        rules.add("All else is refused.", "", Target::Drop);
        self.put(OUTSIDE, rules);
    }

    fn published(&mut self, guard: &Guard, family: Family) {
        let mut rules = Rules::default();
        // Neither tool takes the other family's text: it would fill the chains of the wrong one.
        let loopback = if family == Family::V4 { "127.0.0.0/8" } else { "::1" };
        let why = "Ports published on loopback are the host's own business, and neighbours can ask for them (engines before 28).";
        rules.add(why, format!("-m conntrack --ctorigdst {loopback}"), Target::Drop);
        self.host_ports(&mut rules, guard, family);
        rules.add("All else is refused.", "", Target::Drop);
        self.put(PUBLISHED, rules);
    }

    /// What comes to the host itself: only what docker-proxy may serve is looked at.
    fn proxy(&mut self, guard: &Guard, family: Family) {
        let mut rules = Rules::default();
        self.served(&mut rules, guard, family, &Target::Goto(PUBLISHED.to_owned()));
        rules.add("All else is for programs of the host.", "", Target::Return);
        self.put(PROXY, rules);
    }
}

/// Prefixes of one family that the engine takes for the networks that it makes.
fn pools(guard: &Guard, family: Family) -> impl Iterator<Item = &IpNet> {
    guard.pools.iter().filter(move |pool| Family::of(pool.addr()) == family)
}

/// True for a name that is known as a link's by its beginning.
pub(super) fn is_links(name: &str) -> bool {
    LINKS.iter().any(|pattern| name.starts_with(pattern.trim_end_matches('+')))
}

/// The engine's bridges, in the words of iptables: those of today by name where the beginning of the name does not tell, and those of
/// later networks (moby `daemon/libnetwork/drivers/bridge/bridge_linux.go`: `br-` and the first twelve digits of the network's identifier).
fn bridges(guard: &Guard) -> impl Iterator<Item = String> {
    let later: Vec<String> = (0..16).map(|digit| format!("br-{digit:x}")).collect();
    let is_later = |name: &String| later.iter().any(|beginning| name.starts_with(beginning.as_str()));
    let by_name: Vec<String> = guard.inside.iter().filter(|name| !is_later(name)).cloned().collect();
    by_name.into_iter().chain(later.into_iter().map(|beginning| format!("{beginning}+")))
}
