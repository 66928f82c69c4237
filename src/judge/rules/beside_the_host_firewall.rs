//! beside-the-host-firewall: macvlan and ipvlan.

use super::{Case, Rule};
use crate::judge::context::{self, Dormant};
use crate::judge::hosts::HostCase;
use crate::model::finding::{Finding, Level, OnHost, Related};
use crate::model::host;
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
    host: Some(on_host),
};

const WAY_OUT: &str = "filter inside the container's network namespace, or on the switch; or use a bridge network";

fn check(case: &Case) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in &case.project.services {
        for attachment in &service.networks {
            findings.extend(network(case.project, attachment).map(|network| finding(service, attachment, network)));
        }
    }
    findings
}

/// Running containers that have an address of their own on a link of the host.
fn on_host(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    let is_beside = |network: &&host::Network| {
        // In mode l3s some hooks of the host see the packets: that is cannot-tell's.
        let is_seen = network.driver == "ipvlan" && network.mode.as_deref() == Some("l3s");
        network.is_beside() && !network.is_internal && !is_seen
    };
    let mut findings = Vec::new();
    for network in host.networks.iter().filter(is_beside) {
        for endpoint in host.endpoints.iter().filter(|it| it.network == network.id && !it.addresses.is_empty()) {
            findings.push(running(network, endpoint));
        }
    }
    findings
}

fn running(network: &host::Network, endpoint: &host::Endpoint) -> Finding {
    let (name, driver) = (&endpoint.container, &network.driver);
    let addresses: Vec<String> = endpoint.addresses.iter().map(ToString::to_string).collect();
    let by = network.parent.as_ref().map(|parent| format!(" on {parent}")).unwrap_or_default();
    let message = format!(
        "all ports of container {name} are open to the local network{by} at {}: {driver} traffic passes the host firewall by",
        crate::judge::words::list(&addresses)
    );
    let on_host = OnHost { container: Some(name.clone()), ..OnHost::default() };
    let mut finding = RULE.on_host(RULE.level, message, on_host);
    finding.help.push(WAY_OUT.to_owned());
    finding
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
    finding.help.push(WAY_OUT.to_owned());
    finding
}
