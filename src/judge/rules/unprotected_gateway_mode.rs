//! unprotected-gateway-mode: `nat-unprotected` opens what was never published.

use super::{Case, Rule};
use crate::judge::context::{self, Dormant};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Related};
use crate::model::project::{Network, Project, Service};
use std::sync::Arc;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "unprotected-gateway-mode",
    summary: "every port of every container of a network can be reached from outside, published or not",
    level: Level::Error,
    allowable: false,
    page: include_str!("../../../docs/rules/unprotected-gateway-mode.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    case.project
        .networks
        .values()
        .filter(|network| !context::is_internal(network))
        .filter_map(|network| of_network(case.project, network))
        .collect()
}

fn of_network(project: &Project, network: &Network) -> Option<Finding> {
    let families = [(context::GATEWAY_MODE_V4, context::has_v4(network)), (context::GATEWAY_MODE_V6, context::has_v6(network))];
    let modes = families.into_iter().filter(|(_, is_there)| *is_there).filter_map(|(key, _)| context::option(network, key));
    let mode = modes.into_iter().find(|mode| mode.value == "nat-unprotected")?;
    let members: Vec<&Service> =
        project.services.iter().filter(|service| service.networks.iter().any(|it| it.network == network.key)).collect();
    let running: Vec<&str> = members.iter().filter(|it| Dormant::of(it).is_none()).map(|it| it.name.as_ref()).collect();
    let names: Vec<&str> = members.iter().map(|it| it.name.as_ref()).collect();
    if names.is_empty() {
        return None;
    }
    let who = if names.len() == 1 { "service" } else { "services" };
    let list = words::list(&names);
    let message =
        format!("every port of {who} {list} is open to whoever has a route to network {}, published or not", network.key);
    let level = if running.is_empty() { Level::Note } else { RULE.level };
    let mut finding = RULE.at(&mode.origin.place, level, message, "no port of this network is protected");
    finding.service = if let [only] = members.as_slice() { Some(Arc::clone(&only.name)) } else { None };
    let joins = members.iter().flat_map(|it| it.networks.iter().filter(|it| it.network == network.key));
    finding.related =
        joins.map(|it| Related { place: it.origin.place.clone(), message: "joins the network".to_owned() }).collect();
    finding
        .help
        .push("write `nat`, which lets in published ports only; or `routed`, which does so without translation".to_owned());
    Some(finding)
}
