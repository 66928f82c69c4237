//! What a project says, one fact a line, without the places: two projects that say the same have the same facts.
//!
//! In: a project, and what a change is meant to do to it. Out: its facts in order. Not here: whether they are good.

use crate::model::origin::Sourced;
use crate::model::project::{Attachment, Ineffective, Network, Problem, Project, Service, Trap};
use crate::model::publication::Publication;
use crate::model::setting::Setting;
use std::collections::HashMap;
use std::sync::Arc;

/// A publication of a project: the service's name and the index in its publications.
pub(super) type Which = (Arc<str>, usize);

/// What becomes of the publications that a change is about; all others stay as they are.
pub(super) type Outcomes = HashMap<Which, Outcome>;

/// What becomes of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It gets this host address.
    HostIp(&'static str),
    /// It goes.
    Dropped,
}

/// The facts of a project in which `outcomes` have come true. Lines that only a place would tell apart are told apart by their count.
pub(super) fn of(project: &Project, outcomes: &Outcomes) -> Vec<String> {
    let mut facts = vec![
        format!("project {:?} stack {}", project.name, project.looks_like_stack),
        format!("project extension {}", setting(project.extension.as_ref())),
    ];
    facts.extend(project.services.iter().flat_map(|service| of_service(service, outcomes)));
    facts.extend(project.networks.values().map(network));
    facts.extend(project.pragmas.iter().map(|pragma| format!("comment {:?}", pragma.text)));
    facts.extend(project.problems.iter().map(problem));
    let is_mended = |writing: &&Ineffective| {
        let drops = |((service, _), outcome): (&Which, &Outcome)| *service == writing.service && *outcome == Outcome::Dropped;
        matches!(writing.trap, Trap::EmptyOverride) && outcomes.iter().any(drops)
    };
    facts.extend(project.ineffective.iter().filter(|writing| !is_mended(writing)).map(ineffective));
    facts.sort_unstable();
    facts
}

/// A publication as it is once `outcome` has come true, in the docker client's words; None: it is gone.
pub(super) fn shown(publication: &Publication, outcome: Option<Outcome>) -> Option<String> {
    match outcome {
        None => Some(publication.to_string()),
        Some(Outcome::HostIp(address)) => {
            let bound = Publication { host_ip: Some(address.to_owned()), ..publication.clone() };
            Some(bound.to_string())
        }
        Some(Outcome::Dropped) => None,
    }
}

fn of_service(service: &Service, outcomes: &Outcomes) -> Vec<String> {
    let name = &service.name;
    let networks: Vec<String> = service.networks.iter().map(attachment).collect();
    let mut facts = vec![
        format!(
            "service {name}: image {:?} builds {} provided {}",
            value(service.image.as_ref()),
            service.builds,
            service.is_provided
        ),
        format!("service {name}: network mode {:?} networks {networks:?}", value(service.network_mode.as_ref())),
        format!(
            "service {name}: profiles {:?} enabled {} scale {:?}",
            service.profiles,
            service.enabled,
            value(service.scale.as_ref())
        ),
        format!(
            "service {name}: label {:?} extension {}",
            value(service.allow_label.as_ref()),
            setting(service.extension.as_ref())
        ),
    ];
    facts.extend(bindings(service, outcomes));
    facts
}

/// The bindings of a service, in the docker client's words.
fn bindings(service: &Service, outcomes: &Outcomes) -> Vec<String> {
    let name = &service.name;
    let lines = service.bindings.iter().filter_map(|binding| {
        let publication = service.publications.get(binding.publication)?;
        let host_ip = match outcomes.get(&(Arc::clone(name), binding.publication)) {
            Some(Outcome::Dropped) => return None,
            Some(Outcome::HostIp(address)) => Some(*address),
            None => publication.host_ip.as_deref(),
        };
        let published = binding.published.as_deref().unwrap_or("?");
        let (host_ip, target, protocol) = (host_ip.unwrap_or("*"), binding.target, &publication.protocol);
        let mode = if publication.mode == "ingress" { String::new() } else { format!(" mode {}", publication.mode) };
        let extension = publication.entry.extension.as_ref().map(|written| format!(" extension {}", setting(Some(written))));
        Some(format!("service {name}: {host_ip}:{published}->{target}/{protocol}{mode}{}", extension.unwrap_or_default()))
    });
    lines.collect()
}

fn value<T>(sourced: Option<&Sourced<T>>) -> Option<&T> {
    sourced.map(|sourced| &sourced.value)
}

fn attachment(joined: &Attachment) -> String {
    format!("{} {}", joined.network, joined.gateway_priority)
}

fn setting(written: Option<&Setting>) -> String {
    match written {
        None => "none".to_owned(),
        Some(Setting::Scalar(text)) => format!("{:?}", text.value),
        Some(Setting::List(items, _)) => format!("{:?}", items.iter().map(|item| setting(Some(item))).collect::<Vec<_>>()),
        Some(Setting::Mapping(entries, _)) => {
            let pairs = entries.iter().map(|(key, item)| format!("{:?}: {}", key.value, setting(Some(item))));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

fn network(network: &Network) -> String {
    let options = network.options.iter().map(|(key, option)| format!("{key}={:?}", option.value));
    let Network { key, name, external, internal, undeclared, ipv4, ipv6, driver, .. } = network;
    format!(
        "network {key}: {name:?} external {external} internal {internal} undeclared {undeclared} v4 {ipv4:?} v6 {ipv6:?} driver {:?} {:?}",
        value(driver.as_ref()),
        options.collect::<Vec<_>>()
    )
}

/// A problem without the numbers in its message: some of them are lines, and a change may move lines.
fn problem(problem: &Problem) -> String {
    let message: String = problem.message.chars().filter(|sign| !sign.is_ascii_digit()).collect();
    format!("problem {:?} {} {:?}: {message}", problem.kind, problem.path.display(), problem.service)
}

fn ineffective(writing: &Ineffective) -> String {
    let trap = match &writing.trap {
        Trap::EmptyOverride => "an empty list",
        Trap::ResetValues => "values under !reset",
        Trap::ResetItem => "!reset on an item",
        Trap::ExtendedEarlier { child } => return format!("service {}: a change that {child} does not see", writing.service),
    };
    format!("service {}: {trap} without effect", writing.service)
}
