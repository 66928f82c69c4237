//! unmanaged-dnat: a translation of the destination that no record of the engine explains.

use super::Rule;
use crate::judge::court;
use crate::judge::docker_user::{singles, wanted};
use crate::judge::engine_rules::{self, Footing};
use crate::judge::hosts::{HostCase, deciding};
use crate::judge::words;
use crate::model::finding::{Finding, Level, OnHost, View};
use crate::model::host::{Host, Link, Part};
use crate::model::packet::{Family, Protocol, Target};
use crate::model::ruleset::{Action, Chain, Key, Rule as Entry, Selector, Span, Step, Table, Translation};
use crate::model::verdict::{Trace, Verdict};
use std::net::IpAddr;
use std::sync::Arc;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "unmanaged-dnat",
    summary: "a rule that the engine knows nothing of sends a port on, past the host firewall",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/unmanaged-dnat.md"),
    project: None,
    host: Some(check),
};

/// Programs that write many translations of their own, by the beginning of their chains' names.
const PROGRAMS: [(&str, &str); 6] = [
    ("KUBE-", "Kubernetes"),
    ("CNI-", "a container network plugin"),
    ("NETAVARK", "Podman"),
    ("LIBVIRT", "libvirt"),
    ("cali-", "Calico"),
    ("CILIUM", "Cilium"),
];

/// The port that is asked for where a rule takes every one.
const ANY_PORT: u16 = 80;

/// So many ports of one rule are tried.
const MOST_PORTS: usize = 4;

fn check(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    let mut findings: Vec<Finding> = Vec::new();
    for table in &host.ruleset.tables {
        for chain in table.chains.values() {
            if is_engines(table, chain) {
                findings.extend(left_over(host, table, chain));
                continue;
            }
            let entries: Vec<&Entry> = chain.rules.iter().filter(|entry| !leads(entry).is_empty()).collect();
            match PROGRAMS.iter().find(|(prefix, _)| chain.name.starts_with(prefix)) {
                Some((_, program)) if !entries.is_empty() => note_program(program, table, &mut findings),
                _ => findings.extend(entries.into_iter().filter_map(|entry| judged(case, table, chain, entry))),
            }
        }
    }
    findings
}

/// Where a rule sends packets to.
struct Lead {
    /// The address; None: the host itself, or the one that the packet has.
    address: Option<IpAddr>,
    /// The first of the new ports; None: the port stays.
    port: Option<u16>,
    /// The ports that a map sends there.
    asked: Vec<u16>,
}

fn leads(entry: &Entry) -> Vec<Lead> {
    let first = |ports: Option<(u16, u16)>| ports.map(|ports| ports.0);
    let asked = |(selector, span): &(Selector, Span)| {
        let is_port = selector.key == Key::DestinationPort;
        is_port.then(|| first_port(span)).flatten()
    };
    let mut leads = Vec::new();
    for step in entry.steps.iter() {
        match step {
            Step::Act(Action::Translate(Translation::Redirect(ports))) => {
                leads.push(Lead { address: None, port: first(*ports), asked: Vec::new() });
            }
            Step::Act(Action::Translate(Translation::Destination(targets))) => leads.extend(targets.iter().map(|target| Lead {
                address: target.address,
                port: first(target.ports),
                asked: target.when.iter().filter_map(asked).collect(),
            })),
            _ => {}
        }
    }
    leads
}

fn first_port(span: &Span) -> Option<u16> {
    if let Span::Number(first, _) = span { u16::try_from(*first).ok() } else { None }
}

/// True for the chains in which the engine translates.
fn is_engines(table: &Table, chain: &Chain) -> bool {
    table.name == "docker-bridges" || table.name == "nat" && ["DOCKER", "DOCKER-INGRESS"].contains(&&*chain.name)
}

/// One note for all that a program writes.
fn note_program(program: &str, table: &Table, findings: &mut Vec<Finding>) {
    let message = format!("{program} sends ports on by rules of its own in {}", table.title());
    if findings.iter().any(|finding| finding.message == message) {
        return;
    }
    let mut finding =
        RULE.on_host(Level::Note, message, OnHost { part: Some(format!("table {}", table.title())), ..OnHost::default() });
    finding.help.push("`docker firewall trace ADDRESS:PORT` says what becomes of a packet to one of them".to_owned());
    findings.push(finding);
}

/// A translation in the engine's own chain that leads to no container of now.
fn left_over(host: &Host, table: &Table, chain: &Chain) -> Vec<Finding> {
    let is_sure = engine_rules::is_on_host(host)
        && engine_rules::footing(host) == Footing::Writes
        && &*chain.name == "DOCKER"
        && host.unread(|part| part == Part::Containers).is_none();
    let is_taken = |address: IpAddr| host.endpoints.iter().any(|endpoint| endpoint.addresses.contains(&address));
    let dead = chain.rules.iter().filter(|entry| {
        let mut targets = engine_rules::destinations(entry).filter_map(|target| target.address).peekable();
        targets.peek().is_some() && targets.all(|address| !is_taken(address))
    });
    let finding = |entry: &Entry| {
        let message = format!("rule `{}` of the engine's leads to an address that no container has", entry.text);
        let mut finding = RULE.on_host(RULE.level, message, on_host(table, chain, Vec::new()));
        finding.help = vec![
            "the next container that gets the address is open at this port".to_owned(),
            "`systemctl restart docker` writes the chain anew; saved rules that are loaded at boot bring such rules back"
                .to_owned(),
        ];
        finding
    };
    if is_sure { dead.map(finding).collect() } else { Vec::new() }
}

fn on_host(table: &Table, chain: &Chain, views: Vec<View>) -> OnHost {
    OnHost { part: Some(format!("chain {} of {}", chain.name, table.title())), views, ..OnHost::default() }
}

/// A rule with what somebody outside gets by it.
fn judged(case: &HostCase, table: &Table, chain: &Chain, entry: &Entry) -> Option<Finding> {
    let host = case.host();
    let leads = leads(entry);
    if leads.is_empty() {
        return None;
    }
    let views = views(case, table, entry, &leads);
    let is_container = |address: IpAddr| container_at(host, address).is_some();
    let leads_to_container = leads.iter().filter_map(|lead| lead.address).any(is_container);
    let by_firewall = table.name == "firewalld" || chain.name.starts_with("PRE_");
    let is_open = views.iter().any(|view| view.actual != Verdict::Closed);
    let mut whereto: Vec<String> = leads.iter().map(|lead| whereto(host, lead.address)).collect();
    whereto.dedup();
    let whereto: Vec<&str> = whereto.iter().map(String::as_str).collect();
    let whose = if by_firewall { "firewalld" } else { "a rule that the engine knows nothing of" };
    let message = format!("{whose} sends {} on to {}: {}", ports(&views), words::list(&whereto), outcome(&views));
    let level = if leads_to_container && is_open && !by_firewall { RULE.level } else { Level::Note };
    let mut finding = RULE.on_host(level, message, on_host(table, chain, views));
    finding.help.push(format!("the rule: {} {}: {}", table.title(), chain.name, entry.text));
    if by_firewall {
        finding.help.push("it is what the host firewall means: `firewall-cmd --list-forward-ports` lists it".to_owned());
    } else {
        finding.help.push("`docker ps` does not show it, and it outlives the container whose address it names".to_owned());
    }
    Some(finding)
}

fn whereto(host: &Host, address: Option<IpAddr>) -> String {
    match address {
        Some(address) => container_at(host, address).unwrap_or_else(|| address.to_string()),
        None => "another port of this host".to_owned(),
    }
}

/// The container that has an address, or the network that it could be on.
fn container_at(host: &Host, address: IpAddr) -> Option<String> {
    let endpoint = host.endpoints.iter().find(|endpoint| endpoint.addresses.contains(&address));
    let on_bridge = || {
        let network = host
            .networks
            .iter()
            .find(|network| network.bridge.is_some() && network.subnets.iter().any(|net| net.contains(&address)));
        network.map(|network| format!("address {address} of network {}", network.name))
    };
    endpoint.map(|endpoint| format!("container {}", endpoint.container)).or_else(on_bridge)
}

/// What somebody outside gets at each address and port that the rule takes: only packets that it does take.
fn views(case: &HostCase, table: &Table, entry: &Entry, leads: &[Lead]) -> Vec<View> {
    let mut views = Vec::new();
    for link in &case.outside {
        for (port, protocol) in asked_ports(entry, leads) {
            for address in asked_addresses(table, entry, link) {
                views.extend(view(case, &link.name, entry, Target { address, port, protocol }));
            }
        }
    }
    views
}

fn named(entry: &Entry, key: Key) -> impl Iterator<Item = &Span> {
    wanted(entry, key).filter_map(|among| singles(among)).flatten()
}

/// Some ports that the rule takes, with their protocols.
fn asked_ports(entry: &Entry, leads: &[Lead]) -> Vec<(u16, Protocol)> {
    let of_maps = leads.iter().flat_map(|lead| lead.asked.iter().copied());
    let mut ports: Vec<u16> = named(entry, Key::DestinationPort).filter_map(first_port).chain(of_maps).take(MOST_PORTS).collect();
    if ports.is_empty() {
        // It takes every port: one stands for all.
        ports = leads.iter().take(1).map(|lead| lead.port.unwrap_or(ANY_PORT)).collect();
    }
    let protocols = named(entry, Key::Protocol).filter_map(first_port).filter_map(|number| u8::try_from(number).ok());
    let mut protocols: Vec<Protocol> = protocols.map(Protocol).filter(|protocol| protocol.has_ports()).collect();
    if protocols.is_empty() {
        protocols = vec![Protocol::TCP, Protocol::UDP];
    }
    ports.iter().flat_map(|port| protocols.iter().map(move |protocol| (*port, *protocol))).collect()
}

/// The addresses that the rule asks for; without such, those of a link, one of each family.
fn asked_addresses(table: &Table, entry: &Entry, link: &Link) -> Vec<IpAddr> {
    let first = |span: &Span| if let Span::Address(first, _) = span { Some(*first) } else { None };
    let asked: Vec<IpAddr> = named(entry, Key::Destination).filter_map(first).collect();
    if !asked.is_empty() {
        return asked;
    }
    let families = [Family::V4, Family::V6].into_iter().filter(|family| table.family.sees(*family));
    let own = |family| link.addresses.iter().map(|own| own.net.addr()).find(|own| Family::of(*own) == family);
    families.filter_map(own).collect()
}

/// What somebody who comes in by an interface gets, the most that anybody does; None where no packet passes by the rule.
fn view(case: &HostCase, interface: &Arc<str>, entry: &Entry, to: Target) -> Option<View> {
    let senders = case.court.senders(interface, Family::of(to.address));
    let takes = |trace: &Trace| trace.hops.iter().any(|hop| hop.rule == *entry.text && hop.effect.starts_with("dnat to"));
    let mut rulings = case.court.rule_on(interface, to);
    rulings.sort_by_key(|ruling| [Verdict::Open, Verdict::Unsure, Verdict::Closed].iter().position(|it| *it == ruling.actual));
    rulings.iter().find_map(|ruling| {
        let of_ruling = ruling.senders.iter().filter_map(|at| senders.get(*at));
        let sender = of_ruling.max_by_key(|sender| sender.is_stranger)?;
        let assessment = case.court.assess(&court::packet(interface, sender.representative, to));
        takes(&assessment.actual).then(|| View {
            interface: interface.to_string(),
            address: to.address,
            port: to.port,
            protocol: to.protocol,
            from: if sender.is_stranger || rulings.len() == 1 {
                Arc::default()
            } else {
                Arc::new([sender.representative.into()])
            },
            except: Arc::default(),
            actual: assessment.actual.verdict,
            intended: assessment.intended.verdict,
            path: assessment.actual.path,
            decided_by: deciding(&assessment.actual),
            meant_by: None,
            meant_in: None,
        })
    })
}

/// `port 8099/tcp`
fn ports(views: &[View]) -> String {
    let mut ports: Vec<(u16, Protocol)> = views.iter().map(|view| (view.port, view.protocol)).collect();
    ports.sort_unstable();
    ports.dedup();
    let texts: Vec<String> = ports.iter().map(|(port, protocol)| format!("{port}/{protocol}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    match texts.as_slice() {
        [] => "packets".to_owned(),
        [one] => format!("port {one}"),
        many => format!("ports {}", words::list(many)),
    }
}

fn outcome(views: &[View]) -> String {
    let through = |verdict: Verdict| -> Vec<&str> {
        let mut names: Vec<&str> =
            views.iter().filter(|view| view.actual == verdict).map(|view| view.interface.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let (open, unsure) = (through(Verdict::Open), through(Verdict::Unsure));
    let is_to_all = views.iter().any(|view| view.actual == Verdict::Open && view.from.is_empty());
    let who = if is_to_all { "whoever comes" } else { "some who come" };
    match (views.is_empty(), open.is_empty(), unsure.is_empty()) {
        (true, ..) => "no packet from outside is known to come to it".to_owned(),
        (_, false, _) => format!("open to {who} in by {}", words::list(&open)),
        (_, true, false) => format!("it cannot be told who gets in by {}", words::list(&unsure)),
        _ => "the filters refuse it".to_owned(),
    }
}
