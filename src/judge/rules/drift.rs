//! drift: a container runs with other ports than its compose files say now.
//!
//! It takes a host and a project together, so whoever has both calls [`of`].

use super::Rule;
use crate::judge::context::Stance;
use crate::judge::hosts;
use crate::judge::written::{Asked, Started};
use crate::model::engine::{Binding, Publisher};
use crate::model::finding::{Finding, Level};
use crate::model::origin::Certainty;
use crate::model::project::Service;
use crate::model::publication::{Publication, Reach};
use std::collections::{BTreeMap, BTreeSet};

/// The rule.
pub static RULE: Rule = Rule {
    name: "drift",
    summary: "a container runs with other ports than its compose file says now",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/drift.md"),
    project: None,
    host: None,
};

/// The label of containers that `docker compose run` made: their ports are not those of the service.
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// Where the running containers and the files of a project differ.
pub fn of(started: &Started) -> Vec<Finding> {
    let is_regular = |publisher: &Publisher| publisher.labels.get(ONE_OFF).is_none_or(|value| value != "True");
    let containers: Vec<_> = started.containers().filter(|(publisher, _)| is_regular(publisher)).collect();
    let mut findings = Vec::new();
    let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
    for (publisher, service) in containers {
        let Some(service) = service else {
            findings.extend(orphan(started, publisher));
            continue;
        };
        let seen = seen.entry(&service.name).or_insert_with(|| Seen { service, asked: BTreeSet::new() });
        for bindings in by_port(publisher) {
            findings.extend(differing(started, publisher, service, &bindings, &mut seen.asked));
        }
        let left =
            |publication: &Publication| publisher.unopened.iter().any(|(port, _)| publication.target.contains((*port).into()));
        seen.asked.extend((0..service.publications.len()).filter(|index| left(&service.publications[*index])));
    }
    findings.extend(seen.values().flat_map(|seen| missing(started, seen)));
    findings
}

/// A service with running containers.
struct Seen<'a> {
    service: &'a Service,
    /// Its publications that a container has something for, as positions.
    asked: BTreeSet<usize>,
}

/// A container's bindings, those of one host port and one container port together.
fn by_port(publisher: &Publisher) -> Vec<Vec<Binding>> {
    let mut groups: BTreeMap<_, Vec<Binding>> = BTreeMap::new();
    for binding in &publisher.bindings {
        groups.entry((binding.target, binding.protocol, binding.port)).or_default().push(*binding);
    }
    groups.into_values().collect()
}

/// What of the bindings of one port no entry asks for.
fn differing(
    started: &Started,
    publisher: &Publisher,
    service: &Service,
    bindings: &[Binding],
    asked: &mut BTreeSet<usize>,
) -> Option<Finding> {
    let mut others: Vec<Binding> = Vec::new();
    let mut entry = None;
    for binding in bindings {
        match started.asked(service, *binding) {
            Asked::So(index) => drop(asked.insert(index)),
            Asked::Otherwise(index) => {
                asked.insert(index);
                entry = Some(index);
                others.push(*binding);
            }
            Asked::Not => others.push(*binding),
        }
    }
    if others.is_empty() {
        return None;
    }
    let (name, running) = (&publisher.name, hosts::publication(&others));
    let mut finding = if let Some(index) = entry {
        let publication = &service.publications[index];
        let message = format!("container {name} publishes {running}, its file says {publication}");
        let mut finding = RULE.about(service, index, level(publication), message, "the file says so");
        finding.help.extend(narrower(publication, &others));
        finding.help.extend(uncertain(publication));
        finding
    } else {
        let message = format!("container {name} publishes {running}, its file publishes no such container port");
        let mut finding = RULE.at(&service.origin.place, RULE.level, message, "the service");
        finding.service = Some(service.name.clone());
        finding
    };
    finding.help.push(up(&service.name));
    finding.on_host = Some(hosts::on_host(publisher, Some(running), Vec::new()));
    Some(finding)
}

/// Where the file has been narrowed, and the container has not.
fn narrower(publication: &Publication, running: &[Binding]) -> Option<String> {
    let is_wide = running.iter().any(|binding| !binding.address.is_loopback());
    let is_narrow = publication.reach() == Reach::Loopback;
    (is_wide && is_narrow)
        .then(|| "the file means it for this host alone; what runs is open to others until it is made again".to_owned())
}

fn level(publication: &Publication) -> Level {
    if publication.certainty() == Certainty::Literal { RULE.level } else { Level::Note }
}

/// Said of entries with variables: they may have had other values.
fn uncertain(publication: &Publication) -> Option<String> {
    let has_variables = publication.certainty() != Certainty::Literal;
    has_variables.then(|| "the entry has variables: they may have had other values when the container was made".to_owned())
}

/// A container of a service that the files no longer have.
fn orphan(started: &Started, publisher: &Publisher) -> Option<Finding> {
    let compose = publisher.compose.as_ref()?;
    if publisher.bindings.is_empty() {
        return None;
    }
    let message = format!(
        "container {} publishes {}, and its files have no service {}",
        publisher.name,
        hosts::publication(&publisher.bindings[..1]),
        compose.service
    );
    let mut finding = RULE.on_host(RULE.level, message, hosts::on_host(publisher, None, Vec::new()));
    started.project.sources.first()?.path().clone_into(&mut finding.path);
    finding.help.push("`docker compose up -d --remove-orphans` in its project directory takes it away".to_owned());
    Some(finding)
}

/// Entries of a running service that no container has anything for.
fn missing(started: &Started, seen: &Seen) -> Vec<Finding> {
    let service = seen.service;
    if !matches!(Stance::of(started.project, service), Stance::Published(_)) {
        return Vec::new();
    }
    let left = service.publications.iter().enumerate().filter(|(index, _)| !seen.asked.contains(index));
    let finding = |(index, publication): (usize, &Publication)| {
        let message = format!("service {} is to publish {publication}, and its running container does not", service.name);
        let mut finding = RULE.about(service, index, Level::Note, message, "not there yet");
        finding.help.extend(uncertain(publication));
        finding.help.push(up(&service.name));
        finding
    };
    left.map(finding).collect()
}

/// The command that makes a service as its file says; a name that a shell would take apart is left out.
fn up(service: &str) -> String {
    let is_plain =
        service.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) && !service.starts_with('-');
    let name = if is_plain { format!(" {service}") } else { String::new() };
    format!("`docker compose up -d{name}` in its project directory makes it as the file says")
}
