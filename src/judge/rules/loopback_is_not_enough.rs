//! loopback-is-not-enough: routed networks, trusted interfaces and Swarm do not heed the host address.

use super::{Case, Rule};
use crate::judge::context::{Dormant, Listening, Stance};
use crate::judge::exposure;
use crate::judge::words;
use crate::model::finding::{Finding, Level, Related};
use crate::model::project::{Project, Service};
use crate::model::publication::Reach;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "loopback-is-not-enough",
    summary: "a port bound to loopback can be reached from outside all the same",
    level: Level::Warn,
    allowable: true,
    page: include_str!("../../../docs/rules/loopback-is-not-enough.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let services = case.project.services.iter();
    services.flat_map(|service| of_service(case.project, service)).collect()
}

fn of_service(project: &Project, service: &Service) -> Vec<Finding> {
    let stance = Stance::of(project, service);
    let mut findings = Vec::new();
    for (index, publication) in service.publications.iter().enumerate() {
        let is_loopback = publication.reach() == Reach::Loopback;
        let Some(listening) = stance.listening(publication).filter(|_| is_loopback) else { continue };
        findings.extend(by_routing(service, index, &listening));
        if project.looks_like_stack && !publication.is_long() {
            findings.push(by_swarm(service, index));
        }
    }
    findings
}

/// The container's own address is open to others: the host address of the entry means nothing there.
fn by_routing(service: &Service, index: usize, listening: &Listening) -> Option<Finding> {
    let publication = &service.publications[index];
    let (cause, who, help) = match (listening.routed, listening.trusted) {
        (Some(mode), _) => (
            mode,
            "whoever has a route to the container".to_owned(),
            "publish it on a network with gateway mode `nat`, or not at all",
        ),
        (None, Some(trusted)) => (
            trusted,
            format!("whoever comes in by {}", trusted.value),
            "keep the service out of this network, or do not publish the port",
        ),
        (None, None) => return None,
    };
    let target = format!("{}/{}", publication.target, publication.protocol.to_lowercase());
    let message =
        format!("container port {target} of service {} is open to {who}: the loopback address does not apply", service.name);
    let mut finding = RULE.about(service, index, level(service, index), message, format!("open to {who}"));
    finding.related.push(Related { place: cause.origin.place.clone(), message: "because of this".to_owned() });
    finding.help.push(help.to_owned());
    Some(finding)
}

/// `docker stack deploy` drops the host address of a short entry, with a warning (docker/cli `opts/swarmopts/port.go`).
fn by_swarm(service: &Service, index: usize) -> Finding {
    let publication = &service.publications[index];
    let (port, is, name) = (words::port(publication), words::is(publication), &service.name);
    let message = format!(
        "{port} of service {name} {is} open on every node if this is deployed as a stack: Swarm drops the loopback address"
    );
    let label = "under Swarm: open to whoever reaches any node";
    let mut finding = RULE.about(service, index, level(service, index), message, label);
    finding
        .help
        .push("a stack has no loopback binding: leave the port out, and reach the service over its overlay network".to_owned());
    finding.help.push("if this is never deployed as a stack, this does not concern it".to_owned());
    finding
}

fn level(service: &Service, index: usize) -> Level {
    match exposure::sensitive(service, &service.publications[index]) {
        _ if Dormant::of(service).is_some() => Level::Note,
        Some(sensitive) => sensitive.level(),
        None => RULE.level,
    }
}
