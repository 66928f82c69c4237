//! What a host publishes, as a list: each opening with what the senders of each side get, and why.
//!
//! In: a host's ways in, judged ([`HostCase`]). Out: the [`Opening`]s, in the order of their ports. Not here: what is wrong about them
//! (the rules), and how the list looks.

mod reason;

use super::doors::{self, Way};
use super::hosts::{HostCase, Sight};
use crate::model::address::is_link_local;
use crate::model::engine::{Binding, Publisher, PublisherKind};
use crate::model::finding::{Finding, HostSummary, View};
use crate::model::opening::{Answer, Opening, OpeningKind, Owner, Reason, Side, Weight};
use crate::model::packet::Family;
use crate::model::verdict::Verdict;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Everything that a host publishes.
pub fn of(case: &HostCase) -> Vec<Opening> {
    let mut openings = Vec::new();
    for (at, publisher) in case.host().publishers.iter().enumerate() {
        openings.extend(publisher.bindings.iter().flat_map(|binding| bound(case, at, publisher, *binding)));
        openings.extend(unbound(case, publisher));
    }
    openings.sort_by(|a, b| order(a).cmp(&order(b)));
    openings
}

fn order(opening: &Opening) -> impl Ord {
    let is_v6 = opening.bind.is_some_and(|bind| bind.is_ipv6());
    (opening.kind, opening.port, opening.protocol, opening.owner.name.clone(), is_v6, opening.bind, opening.target)
}

/// The rule that finds translations which no record of the engine explains.
const UNMANAGED: &str = "unmanaged-dnat";

/// What is open by rules of which no record of the engine knows, as the findings of a host tell.
pub fn unmanaged(case: &HostCase, findings: &[Finding]) -> Vec<Opening> {
    let mut openings = Vec::new();
    for finding in findings.iter().filter(|finding| finding.rule == UNMANAGED) {
        let mut ports: BTreeMap<_, Vec<View>> = BTreeMap::new();
        for view in finding.on_host.iter().flat_map(|host| &host.views) {
            ports.entry((view.port, view.protocol, Family::of(view.address))).or_default().push(view.clone());
        }
        openings.extend(ports.into_iter().map(|((port, protocol, family), views)| {
            let is_as_meant = views.iter().all(|view| view.actual == view.intended);
            let weight = if is_as_meant { Weight::AsMeant } else { Weight::Otherwise };
            Opening {
                owner: Owner { name: finding.whereabouts(), ..Owner::default() },
                kind: OpeningKind::Unmanaged,
                bind: Some(asked_at(&views, family)),
                port: Some(port),
                target: None,
                protocol: Some(protocol),
                sides: sides(case, views),
                reasons: vec![Reason { weight, phrase: finding.message.clone(), subject: String::new() }],
            }
        }));
    }
    openings
}

/// The one address that is asked, or, where there are several, every address of the family.
fn asked_at(views: &[View], family: Family) -> IpAddr {
    let addresses: BTreeSet<IpAddr> = views.iter().map(|view| view.address).collect();
    let every = || if family == Family::V4 { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    if addresses.len() == 1 { addresses.first().copied().unwrap_or_else(every) } else { every() }
}

/// What a host publishes, in numbers.
pub fn summary(case: &HostCase) -> HostSummary {
    let mut ports: BTreeMap<_, (bool, bool)> = BTreeMap::new();
    for (at, publisher) in case.host().publishers.iter().enumerate() {
        for binding in &publisher.bindings {
            ports.entry((at, port_of(*binding))).or_default();
        }
    }
    for sight in &case.sights {
        let Some(binding) = sight.door.binding.filter(|binding| is_way_of(sight, *binding)) else { continue };
        let (is_bypass, is_unsure) = ports.entry((sight.door.publisher, port_of(binding))).or_default();
        *is_bypass |= sight.rulings.iter().any(|it| (it.actual, it.intended) == (Verdict::Open, Verdict::Closed));
        *is_unsure |= sight.rulings.iter().any(|it| it.actual == Verdict::Unsure || it.intended == Verdict::Unsure);
    }
    HostSummary {
        containers: ports.keys().map(|(publisher, _)| publisher).collect::<BTreeSet<_>>().len(),
        ports: ports.len(),
        bypasses: ports.values().filter(|(is_bypass, _)| *is_bypass).count(),
        unsure: ports.values().filter(|(is_bypass, is_unsure)| *is_unsure && !is_bypass).count(),
    }
}

fn port_of(binding: Binding) -> impl Ord {
    (binding.port, binding.target, binding.protocol)
}

/// True if a binding asks for this way in: at the host, or, where it has no host port, at the container's own address.
fn is_way_of(sight: &Sight, binding: Binding) -> bool {
    sight.door.binding == Some(binding) && (sight.door.way == Way::Direct) == binding.port.is_none()
}

/// The openings of a binding: one, or, where it has no host port, one for each address of the container.
fn bound(case: &HostCase, at: usize, publisher: &Publisher, binding: Binding) -> Vec<Opening> {
    let sights: Vec<&Sight> =
        case.sights.iter().filter(|sight| sight.door.publisher == at && is_way_of(sight, binding)).collect();
    let new = |kind, bind, port| Opening {
        owner: owner(publisher),
        kind,
        bind: Some(bind),
        port: Some(port),
        target: Some(binding.target),
        protocol: Some(binding.protocol),
        sides: Vec::new(),
        reasons: Vec::new(),
    };
    if let Some(port) = binding.port {
        return vec![judged(case, &sights, new(OpeningKind::Published, binding.address, port))];
    }
    let addresses: BTreeSet<IpAddr> = sights.iter().map(|sight| sight.door.to.address).collect();
    let at = |address: IpAddr| sights.iter().copied().filter(move |sight| sight.door.to.address == address).collect::<Vec<_>>();
    addresses.into_iter().map(|address| judged(case, &at(address), new(OpeningKind::Routed, address, binding.target))).collect()
}

fn owner(publisher: &Publisher) -> Owner {
    Owner {
        name: publisher.name.clone(),
        is_swarm_service: publisher.kind == PublisherKind::SwarmService,
        compose: publisher.compose.as_ref().map(|origin| (origin.project.clone(), origin.service.clone())),
    }
}

/// Fills an opening with what is judged of its ways in.
fn judged(case: &HostCase, sights: &[&Sight], mut opening: Opening) -> Opening {
    let mut views = Vec::new();
    let mut reasons = BTreeSet::new();
    for sight in sights {
        for ruling in &sight.rulings {
            let (view, assessment) = case.seen(sight, ruling);
            reasons.extend(assessment.map(|it| reason::of(case.host(), &it, opening.bind)));
            views.push(view);
        }
    }
    opening.sides = sides(case, views);
    let most = reasons.iter().map(|reason: &Reason| reason.weight).max();
    opening.reasons = reasons.into_iter().filter(|reason| Some(reason.weight) == most).collect();
    if opening.sides.is_empty() {
        opening.reasons.push(reason::of_nobody(case.host(), opening.bind));
    }
    opening
}

/// One side for each interface, in the order of their names.
fn sides(case: &HostCase, views: Vec<View>) -> Vec<Side> {
    let mut sides: BTreeMap<String, Vec<View>> = BTreeMap::new();
    for view in views {
        sides.entry(view.interface.clone()).or_default().push(view);
    }
    sides.into_iter().map(|(interface, views)| side(case, interface, views)).collect()
}

fn side(case: &HostCase, interface: String, mut views: Vec<View>) -> Side {
    views.sort_by(|a, b| (a.address, &a.from).cmp(&(b.address, &b.from)));
    let link: Vec<IpNet> = case.host().link(&interface).into_iter().flat_map(|link| &link.addresses).map(|own| own.net).collect();
    let by_address = || views.chunk_by(|a, b| a.address == b.address);
    let all = |of: fn(&View) -> Verdict| by_address().map(|group| answer(group, of, &link)).max().unwrap_or(Answer::Unsure);
    Side {
        family: views.first().map_or(Family::V4, |view| Family::of(view.address)),
        actual: all(|view| view.actual),
        intended: all(|view| view.intended),
        interface,
        views,
    }
}

/// What all groups of senders get at one address: what most of them get decides, unless they are refused and others are not.
fn answer(views: &[View], of: fn(&View) -> Verdict, link: &[IpNet]) -> Answer {
    let is_most = |view: &&View| view.from.is_empty();
    match views.iter().find(is_most).map(of) {
        Some(Verdict::Open) => return Answer::Open,
        Some(Verdict::Unsure) | None => return Answer::Unsure,
        Some(Verdict::Closed) => {}
    }
    let open: Vec<&IpNet> = views.iter().filter(|view| of(view) == Verdict::Open).flat_map(|view| view.from.iter()).collect();
    let is_on_link = |net: &&IpNet| {
        is_link_local(net.addr()) || link.iter().any(|own| own.contains(&net.network()) && own.contains(&net.broadcast()))
    };
    match open.as_slice() {
        [] if views.iter().any(|view| of(view) == Verdict::Unsure) => Answer::Unsure,
        [] => Answer::Closed,
        nets if nets.iter().all(is_on_link) => Answer::LanOnly,
        _ => Answer::SomeSources,
    }
}

/// The openings of a container that no binding explains: it listens on the host itself, or is in the network outside.
fn unbound(case: &HostCase, publisher: &Publisher) -> Vec<Opening> {
    let new = |kind, bind| Opening {
        owner: owner(publisher),
        kind,
        bind,
        port: None,
        target: None,
        protocol: None,
        sides: Vec::new(),
        reasons: vec![reason::of_kind(kind)],
    };
    if publisher.network_mode == "host" {
        return vec![new(OpeningKind::HostNetwork, None)];
    }
    let beside = doors::at(case.host(), publisher).filter(|(network, _)| network.is_beside());
    beside.map(|(_, address)| new(OpeningKind::BesideTheHost, Some(address))).collect()
}

#[cfg(test)]
mod tests;
