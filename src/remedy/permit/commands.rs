//! The commands of the common firewalls that let a port in, each with what it does to the rules.
//!
//! In: a host and what is to be let in. Out: commands. Names that come from the host stand in them only where they are plain words. Not
//! here: whether a command does what it is for.

use super::{is_published, zone_of};
use crate::judge::doors::{Door, Way};
use crate::judge::hosts::Sight;
use crate::model::field::{Key, Span};
use crate::model::finding::{Finding, View};
use crate::model::firewall::Firewalld;
use crate::model::host::Host;
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{
    Action, Base, Chain, ChainKind, Decision, Hook, Origin, Policy, Rule, Set, Step, Table, TableFamily, Test,
};
use crate::model::verdict::Verdict;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// A command, and what it does.
pub(super) struct Command {
    /// The command as it is typed.
    pub(super) text: String,
    goal: Goal,
    /// What keeps it for the next boot.
    keep: Option<&'static str>,
    patches: Vec<Patch>,
}

/// What a command is for.
enum Goal {
    /// The host's own rules let some ports in that come in so.
    Permit { scope: Reach, ports: (u16, u16), protocol: Protocol },
    /// Nothing comes in to 127.0.0.0/8.
    GuardLoopback,
    /// A published port is let through that firewalld keeps out.
    Forward { port: u16, protocol: Protocol },
}

/// Where a permission holds.
enum Reach {
    Zone(String),
    Interface(String, Option<Family>),
}

/// A rule that is added.
struct Patch {
    table: (TableFamily, &'static str, Origin),
    /// The table by its name where that is the host's.
    name: Option<String>,
    chain: String,
    is_first: bool,
    rule: Rule,
}

/// What makes what is meant of the real: for each zone, or each interface, the command of the firewall that refuses.
pub(super) fn permit(host: &Host, views: &[View]) -> Vec<Command> {
    let mut commands: BTreeMap<String, Command> = BTreeMap::new();
    for (at, view) in views.iter().enumerate() {
        let ports = views.iter().filter(|it| it.interface == view.interface && it.protocol == view.protocol).map(|it| it.port);
        let ports = ports.fold((u16::MAX, 0), |(low, high), port| (low.min(port), high.max(port)));
        if at > 0 && views[..at].iter().any(|other| is_same_place(other, view)) {
            continue;
        }
        if let Some(command) = permission(host, view, ports) {
            commands.entry(command.text.clone()).or_insert(command);
        }
    }
    commands.into_values().collect()
}

fn is_same_place(one: &View, other: &View) -> bool {
    one.interface == other.interface && one.address.is_ipv4() == other.address.is_ipv4() && one.protocol == other.protocol
}

fn permission(host: &Host, view: &View, ports: (u16, u16)) -> Option<Command> {
    let (protocol, family) = (view.protocol, Family::of(view.address));
    let interface = plain(&view.interface)?;
    let range = |dash: char| if ports.0 == ports.1 { ports.0.to_string() } else { format!("{}{dash}{}", ports.0, ports.1) };
    let words = range('-');
    let goal = |scope| Goal::Permit { scope, ports, protocol };
    if let Some(zone) = zone_of(host.firewalld.as_ref(), interface) {
        let zone = plain(zone)?;
        let patches = zone_patches(host, zone, protocol, ports);
        let text = format!("firewall-cmd --zone={zone} --add-port={words}/{protocol}");
        let keep = Some("`firewall-cmd --runtime-to-permanent` keeps it");
        return Some(Command { text, goal: goal(Reach::Zone(zone.to_owned())), keep, patches });
    }
    let rule = || accept(&[(Key::InInterface, Span::Name(interface.into()))], protocol, ports);
    if host.ufw.as_ref().is_some_and(|ufw| ufw.is_active) {
        let text = format!("ufw allow in on {interface} to any port {} proto {protocol}", range(':'));
        let patch = |family, chain: &str| Patch {
            table: (family, "filter", Origin::Iptables),
            name: None,
            chain: chain.to_owned(),
            is_first: false,
            rule: rule(),
        };
        let patches = vec![patch(TableFamily::Ip, "ufw-user-input"), patch(TableFamily::Ip6, "ufw6-user-input")];
        let scope = Reach::Interface(interface.to_owned(), None);
        return Some(Command { text, goal: goal(scope), keep: None, patches });
    }
    let (table, chain) = refusing(host, view)?;
    let scope = Reach::Interface(interface.to_owned(), Some(family).filter(|_| table.family != TableFamily::Inet));
    let patch = Patch {
        table: (table.family, "", table.origin),
        name: Some(table.name.clone()),
        chain: chain.name.to_string(),
        is_first: true,
        rule: rule(),
    };
    let text = match table.origin {
        Origin::Nft => {
            let (table, chain) = (format!("{} {}", table.family.name(), plain(&table.name)?), plain(&chain.name)?);
            format!("nft insert rule {table} {chain} iifname \"{interface}\" {protocol} dport {words} accept")
        }
        origin => {
            let program = if family == Family::V4 { "iptables" } else { "ip6tables" };
            let legacy = if origin == Origin::Legacy { "-legacy" } else { "" };
            let port = range(':');
            format!("{program}{legacy} -I {} -i {interface} -p {protocol} --dport {port} -j ACCEPT", plain(&chain.name)?)
        }
    };
    let keep = Some("keep it where the host's own rules are kept");
    Some(Command { text, goal: goal(scope), keep, patches: vec![patch] })
}

/// The base chain of INPUT that a packet was refused in, or in a chain that it calls.
fn refusing<'a>(host: &'a Host, view: &View) -> Option<(&'a Table, &'a Chain)> {
    let place = view.meant_in.as_ref()?;
    let table = host.ruleset.tables.iter().find(|table| table.title() == place.table)?;
    let chain = table.chains.get(&place.name)?;
    chain.base.as_ref().is_some_and(|base| base.hook == Hook::Input).then_some((table, chain))
}

/// Where firewalld writes the ports that a zone lets in (firewalld `src/firewall/core/nftables.py` and `ipXtables.py`,
/// `build_policy_ports_rules`).
fn zone_patches(host: &Host, zone: &str, protocol: Protocol, ports: (u16, u16)) -> Vec<Patch> {
    let has =
        |name: &str, chain: &str| host.ruleset.tables.iter().any(|table| table.name == name && table.chains.contains_key(chain));
    let patch = |family, table, name: &str, chain: String| Patch {
        table: (family, table, Origin::Nft),
        name: Some(name.to_owned()),
        chain,
        is_first: false,
        rule: accept(&[], protocol, ports),
    };
    let chain = format!("filter_IN_{zone}_allow");
    if has("firewalld", &chain) {
        return vec![patch(TableFamily::Inet, "", "firewalld", chain)];
    }
    let chain = format!("IN_{zone}_allow");
    [TableFamily::Ip, TableFamily::Ip6].map(|family| patch(family, "", "filter", chain.clone())).into()
}

/// A rule that drops what a neighbour sends to 127.0.0.0/8.
pub(super) fn guard_loopback(host: &Host) -> Option<Command> {
    // The engine's own since 28.0 (moby#49325); where there is nftables alone, there is no such table.
    let uses_iptables = host.ruleset.tables.iter().any(|table| table.origin != Origin::Nft && table.family == TableFamily::Ip);
    let loopback = Span::Address(Ipv4Addr::new(127, 0, 0, 0).into(), Ipv4Addr::new(127, 255, 255, 255).into());
    let not_lo = Test::field(Key::InInterface, Set::of([Span::Name("lo".into())]), true);
    let rule = with_tests([Test::within(Key::Destination, loopback), not_lo], Decision::Drop);
    let patch = Patch {
        table: (TableFamily::Ip, "raw", Origin::Iptables),
        name: None,
        chain: "PREROUTING".to_owned(),
        is_first: true,
        rule,
    };
    uses_iptables.then(|| Command {
        text: "iptables -t raw -I PREROUTING -d 127.0.0.0/8 ! -i lo -j DROP".to_owned(),
        goal: Goal::GuardLoopback,
        keep: Some("keep it where the host's own rules are kept"),
        patches: vec![patch],
    })
}

/// The forward-port that `StrictForwardPorts` wants for a published port that the zone permits.
pub(super) fn forward(host: &Host, finding: &Finding) -> Option<Command> {
    let on_host = finding.on_host.as_ref()?;
    let view = on_host.views.first().filter(|view| view.actual == Verdict::Closed && view.address.is_ipv4())?;
    let zone = plain(zone_of(host.firewalld.as_ref(), &view.interface)?)?;
    let publisher = host.publishers.iter().find(|it| Some(&it.name) == on_host.container.as_ref())?;
    let is_it = |port: Option<u16>, protocol| port == Some(view.port) && protocol == view.protocol;
    let binding = publisher.bindings.iter().find(|binding| is_it(binding.port, binding.protocol))?;
    let addresses = crate::judge::doors::at(host, publisher).map(|(_, address)| address);
    let address = addresses.into_iter().find(IpAddr::is_ipv4)?;
    let (port, protocol) = (view.port, view.protocol);
    let text = format!(
        "firewall-cmd --zone={zone} --add-forward-port=port={port}:proto={protocol}:toport={}:toaddr={address}",
        binding.target
    );
    let table = host.ruleset.tables.iter().find(|table| table.name == "firewalld")?;
    let patch = Patch {
        table: (table.family, "", table.origin),
        name: Some(table.name.clone()),
        chain: table.chains.keys().find(|name| name.ends_with("FORWARD_dnat"))?.to_string(),
        is_first: true,
        // No protocol: https://github.com/firewalld/firewalld/issues/1536
        rule: with_tests([Test::within(Key::CtDestinationPort, Span::number(port.into()))], Decision::Accept),
    };
    let keep = Some("`firewall-cmd --runtime-to-permanent` keeps it; the container's address changes when it is made again");
    Some(Command { text, goal: Goal::Forward { port, protocol }, keep, patches: vec![patch] })
}

/// A name that a shell takes as one plain word.
fn plain(name: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!name.is_empty() && !name.starts_with('-') && name.bytes().all(is_plain)).then_some(name)
}

fn accept(tests: &[(Key, Span)], protocol: Protocol, ports: (u16, u16)) -> Rule {
    let mut tests = tests.to_vec();
    tests.push((Key::Protocol, Span::number(protocol.0.into())));
    tests.push((Key::DestinationPort, Span::Number(ports.0.into(), ports.1.into())));
    with_tests(tests.into_iter().map(|(key, span)| Test::within(key, span)), Decision::Accept)
}

fn with_tests(tests: impl IntoIterator<Item = Test>, decision: Decision) -> Rule {
    let steps = tests.into_iter().map(Step::Test).chain([Step::Act(Action::Decide(decision))]).collect();
    Rule { text: "proposed".into(), steps }
}

impl Command {
    /// Adds its rules to a host. Where there is no such chain, nothing comes of it, and the trial shows that.
    pub(super) fn carry_out(&self, host: &mut Host) {
        for patch in &self.patches {
            patch.apply(host);
        }
    }

    /// True if it is meant to change what somebody gets at a way in.
    pub(super) fn is_about(&self, door: &Door, firewalld: Option<&Firewalld>) -> bool {
        let family = Family::of(door.to.address);
        match &self.goal {
            Goal::GuardLoopback => door.way == Way::Loopback,
            Goal::Permit { .. } if !is_published(door) => false,
            Goal::Forward { port, protocol } => (door.to.port, door.to.protocol) == (*port, *protocol),
            Goal::Permit { .. } => self.holds(&door.interface, family, door.to.port, door.to.protocol, firewalld),
        }
    }

    /// True if it is meant to change what a view shows.
    pub(super) fn is_about_view(&self, view: &View, firewalld: Option<&Firewalld>) -> bool {
        match &self.goal {
            Goal::GuardLoopback => true,
            Goal::Forward { port, protocol } => (view.port, view.protocol) == (*port, *protocol),
            Goal::Permit { .. } => self.holds(&view.interface, Family::of(view.address), view.port, view.protocol, firewalld),
        }
    }

    fn holds(&self, interface: &str, family: Family, port: u16, protocol: Protocol, firewalld: Option<&Firewalld>) -> bool {
        let Goal::Permit { scope, ports, protocol: own } = &self.goal else { return false };
        let is_there = match scope {
            Reach::Zone(zone) => zone_of(firewalld, interface) == Some(zone),
            Reach::Interface(name, own) => name == interface && own.is_none_or(|own| own == family),
        };
        is_there && (ports.0..=ports.1).contains(&port) && *own == protocol
    }

    /// True if a change is of the kind that it is for: more is meant to be open, or less is open on loopback.
    pub(super) fn may_make(&self, before: &Sight, after: &Sight) -> bool {
        let is_real_bypass = |sight: &Sight| {
            sight.rulings.iter().any(|ruling| ruling.actual == Verdict::Open && ruling.intended == Verdict::Closed)
        };
        match &self.goal {
            Goal::GuardLoopback | Goal::Permit { .. } => self.has_done(after),
            Goal::Forward { .. } => is_real_bypass(before) || !is_real_bypass(after),
        }
    }

    /// True if what it is for is so.
    pub(super) fn has_done(&self, after: &Sight) -> bool {
        let mut rulings = after.rulings.iter();
        match &self.goal {
            Goal::GuardLoopback => rulings.all(|ruling| ruling.actual == Verdict::Closed),
            Goal::Permit { .. } => rulings.all(|ruling| ruling.intended == Verdict::Open || ruling.actual == Verdict::Closed),
            Goal::Forward { .. } => rulings.any(|ruling| ruling.actual == Verdict::Open),
        }
    }
}

/// The line of help for the commands that are a way out together; None without one.
pub(super) fn help(proven: &[&Command], opens_v6: bool) -> Option<String> {
    let first = proven.first()?;
    let purpose = match &first.goal {
        Goal::Permit { .. } => "if it is meant to be open, say so to the host firewall",
        Goal::GuardLoopback => "refuse what neighbours send to loopback",
        Goal::Forward { .. } => "if it is meant to be open, let it through",
    };
    let commands: Vec<String> = proven.iter().map(|command| format!("`{}`", command.text)).collect();
    let as_well = if opens_v6 { " (opens it over v6 as well)" } else { "" };
    let keep = first.keep.map(|keep| format!("; {keep}")).unwrap_or_default();
    Some(format!("{purpose}: {}{as_well}{keep}", commands.join(" and ")))
}

impl Patch {
    fn apply(&self, host: &mut Host) {
        let (family, name, origin) = self.table;
        let name = self.name.as_deref().unwrap_or(name);
        let is_it = |table: &&mut Table| {
            let is_its = table.family == family && table.name == name;
            // A table is iptables' whichever way it was read.
            is_its && (self.name.is_none() || name == "filter" || table.origin == origin)
        };
        let chain = host.ruleset.tables.iter_mut().filter(is_it).find_map(|table| table.chains.get_mut(self.chain.as_str()));
        match chain {
            Some(chain) if self.is_first => chain.rules.insert(0, self.rule.clone()),
            Some(chain) => chain.rules.push(self.rule.clone()),
            None if name == "raw" => host.ruleset.tables.push(self.raw()),
            None => {}
        }
    }

    /// The table raw, which iptables makes where there is none.
    fn raw(&self) -> Table {
        let chain: Arc<str> = self.chain.as_str().into();
        // NF_IP_PRI_RAW, `linux/netfilter_ipv4.h`
        let (hook, kind, policy) = (Hook::Prerouting, ChainKind::Filter, Policy::Accept);
        let base = Base { hook, kind, priority: -300, policy, devices: Vec::new() };
        let rules = vec![self.rule.clone()];
        let chains = BTreeMap::from([(Arc::clone(&chain), Chain { name: chain, base: Some(base), rules, unread: None })]);
        Table { family: TableFamily::Ip, name: "raw".to_owned(), origin: Origin::Iptables, chains }
    }
}
