//! host-network: no bypass, and no publishing either.

use super::{Case, Rule};
use crate::judge::context::{Dormant, Stance};
use crate::model::finding::{Finding, Level};
use crate::model::origin::Origin;
use crate::model::project::Service;
use std::sync::Arc;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "host-network",
    summary: "a service uses the host's network: the host firewall applies to it, `ports` do not",
    level: Level::Note,
    allowable: false,
    page: include_str!("../../../docs/rules/host-network.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let running = case.project.services.iter().filter(|service| Dormant::of(service).is_none());
    running
        .filter_map(|service| match Stance::of(case.project, service) {
            Stance::HostNetwork(origin) => Some(finding(service, origin)),
            _ => None,
        })
        .collect()
}

fn finding(service: &Service, origin: &Origin) -> Finding {
    let name = &service.name;
    let what = if service.publications.is_empty() { "" } else { ", and its `ports` are ignored" };
    let message = format!("service {name} listens on the host itself: the host firewall applies to it{what}");
    let mut finding = RULE.at(&origin.place, RULE.level, message, "as if it ran without a container");
    finding.service = Some(Arc::clone(name));
    finding.help.push("what it listens on is not known from this file; open or close it in the host firewall".to_owned());
    finding
}
