//! beside-the-host-firewall: macvlan and ipvlan.

use super::{Case, Rule};
use crate::judge::context::{self, Dormant};
use crate::model::finding::{Finding, Level, Related};
use crate::model::project::{Attachment, Network, Project, Service};
use std::sync::Arc;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "beside-the-host-firewall",
    summary: "a container is on the local network by itself: the host firewall never sees its packets",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/beside-the-host-firewall.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in &case.project.services {
        for attachment in &service.networks {
            findings.extend(network(case.project, attachment).map(|network| finding(service, attachment, network)));
        }
    }
    findings
}

fn network<'a>(project: &'a Project, attachment: &Attachment) -> Option<&'a Network> {
    project.networks.get(&attachment.network).filter(|network| context::is_beside_the_firewall(network))
}

fn finding(service: &Service, attachment: &Attachment, network: &Network) -> Finding {
    let (name, driver) = (&service.name, context::driver(network));
    let message =
        format!("all ports of service {name} are open to the local network: {driver} traffic passes the host firewall by");
    let level = if Dormant::of(service).is_some() { Level::Note } else { RULE.level };
    let label = format!("joins network {} of driver {driver}", network.key);
    let mut finding = RULE.at(&attachment.origin.place, level, message, label);
    finding.service = Some(Arc::clone(name));
    if let Some(driver) = &network.driver {
        finding.related.push(Related { place: driver.origin.place.clone(), message: "the driver".to_owned() });
    }
    if !service.publications.is_empty() {
        finding.help.push("where this network is the gateway, the engine ignores `ports`".to_owned());
    }
    finding.help.push("filter inside the container's network namespace, or on the switch; or use a bridge network".to_owned());
    finding
}
