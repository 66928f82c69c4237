//! duplicate-host-port: the second container does not start.

use super::{Case, Rule, inherited_publication};
use crate::judge::context::{Dormant, Listening, Stance};
use crate::judge::exposure;
use crate::judge::overriding::{self, Pair};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Related};
use crate::model::project::{Project, Service};
use crate::model::publication::{PortRange, Publication, Published};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Entries that a later one was meant to replace, by service: override-does-not-narrow speaks of those.
type Overriding<'a> = HashMap<&'a str, HashSet<Pair>>;

/// A claim is held against this many others of the same port at most. More addresses than this on one port, each certain and none
/// taken twice nearby, are no compose file that somebody wrote; without a bound the cost would grow with their square.
const MOST_RIVALS: usize = 512;

/// One claim to host ports.
struct Claim<'a> {
    service: &'a Service,
    index: usize,
    ports: PortRange,
    listening: Listening<'a>,
}

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "duplicate-host-port",
    summary: "two entries want the same host port",
    level: Level::Error,
    allowable: false,
    page: include_str!("../../../docs/rules/duplicate-host-port.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pairs = |service: &'_ Service| overriding::pairs(service).collect::<HashSet<_>>();
    let overriding: Overriding = case.project.services.iter().map(|service| (service.name.as_ref(), pairs(service))).collect();
    for claims in claims(case.project).into_values() {
        findings.extend(among(claims, &overriding));
    }
    if !case.project.looks_like_stack {
        findings.extend(case.project.services.iter().filter_map(|service| with_itself(case.project, service)));
    }
    findings.sort_by(|a, b| a.subject.as_ref().map(order).cmp(&b.subject.as_ref().map(order)));
    findings
}

fn order(subject: &crate::model::finding::Subject) -> (&str, usize) {
    (&subject.service, subject.publication)
}

/// The claims by protocol. A range to choose from claims no port for certain.
fn claims(project: &Project) -> HashMap<String, Vec<Claim<'_>>> {
    let mut claims: HashMap<String, Vec<Claim>> = HashMap::new();
    for service in &project.services {
        let stance = Stance::of(project, service);
        for (index, publication) in service.publications.iter().enumerate() {
            let (Published::Ports(ports), Some(listening)) = (&publication.published, stance.listening(publication)) else {
                continue;
            };
            let claim = Claim { service, index, ports: *ports, listening };
            claims.entry(publication.protocol.to_lowercase()).or_default().push(claim);
        }
    }
    claims
}

/// Each claim that collides with one before it, once. The sweep goes up the ports and keeps the claims that still reach that far.
fn among(mut claims: Vec<Claim>, overriding: &Overriding) -> Vec<Finding> {
    let is_heir = |claim: &Claim| exposure::is_inherited(&claim.service.publications[claim.index]);
    // Of two, the heir is the one to speak of: its entry is the one that nobody wrote.
    claims.sort_by_cached_key(|claim| (claim.ports.first, is_heir(claim), Arc::clone(&claim.service.name), claim.index));
    let mut findings = Vec::new();
    let mut open: Vec<&Claim> = Vec::new();
    for claim in &claims {
        open.retain(|other| other.ports.last >= claim.ports.first);
        let mut rivals = open.iter().filter(|other| collide(other, claim, overriding));
        findings.extend(rivals.next().map(|other| finding(claim, other)));
        if open.len() == MOST_RIVALS {
            open.remove(0);
        }
        open.push(claim);
    }
    findings
}

fn collide(a: &Claim, b: &Claim, overriding: &Overriding) -> bool {
    let is_override = |earlier: &Claim, later: &Claim| {
        let pair = Pair { earlier: earlier.index, later: later.index };
        let pairs = overriding.get(earlier.service.name.as_ref());
        earlier.service.name == later.service.name && pairs.is_some_and(|pairs| pairs.contains(&pair))
    };
    a.listening.collides_with(&b.listening) && meet(a.service, b.service) && !is_override(a, b) && !is_override(b, a)
}

/// True if two services can be expected to run at the same time: profiles that have nothing in common are alternatives.
fn meet(a: &Service, b: &Service) -> bool {
    let share = a.profiles.iter().any(|profile| b.profiles.contains(profile));
    a.name == b.name || a.enabled && b.enabled || a.profiles.is_empty() || b.profiles.is_empty() || share
}

fn finding(claim: &Claim, other: &Claim) -> Finding {
    let publication = &claim.service.publications[claim.index];
    let rival = &other.service.publications[other.index];
    let (name, rival_name) = (&claim.service.name, &other.service.name);
    let taken = PortRange { first: claim.ports.first.max(other.ports.first), last: claim.ports.last.min(other.ports.last) };
    let port = words::port(&Publication { published: Published::Ports(taken), ..publication.clone() });
    let whose = if name == rival_name { "another entry of the same service".to_owned() } else { format!("service {rival_name}") };
    let message = format!("{port} of service {name} cannot be bound: {whose} takes it");
    let is_dormant = [claim.service, other.service].into_iter().any(|service| Dormant::of(service).is_some());
    let level = if is_dormant { Level::Note } else { RULE.level };
    let mut finding = RULE.about(claim.service, claim.index, level, message, "the second of the two will not start");
    let place = words::scalar(rival).clone();
    finding.related.insert(0, Related { place, message: format!("{whose} asks for {rival}") });
    match inherited_publication::hop(publication) {
        Some((hop, _)) => words::moved_to(hop, finding),
        None => finding,
    }
}

/// A service of several containers with a fixed host port.
fn with_itself(project: &Project, service: &Service) -> Option<Finding> {
    let scale = service.scale.as_ref().filter(|scale| scale.value > 1)?;
    let stance = Stance::of(project, service);
    let is_fixed = |publication: &Publication| {
        matches!(&publication.published, Published::Ports(_)) && stance.listening(publication).is_some()
    };
    let index = service.publications.iter().position(is_fixed)?;
    let port = words::port(&service.publications[index]);
    let count = scale.value;
    let message = format!("{port} of service {} can be bound once only: it is to run {count} times", service.name);
    let level = if Dormant::of(service).is_some() { Level::Note } else { Level::Warn };
    let mut finding = RULE.about(service, index, level, message, "the second container will not start");
    finding.related.push(Related { place: scale.origin.place.clone(), message: format!("{count} containers") });
    finding
        .help
        .push("give a range of host ports, or put a proxy before the containers; under Swarm this is no problem".to_owned());
    Some(finding)
}
