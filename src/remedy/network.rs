//! Where a loopback address would not close a port.
//!
//! In: a project and one of its services. Out: the reason why loopback is not enough there, if there is one. Not here: who may reach
//! the port instead.

use super::refuse;
use crate::model::finding::Refusal;
use crate::model::project::{Network, Project, Service};

/// Refuses where the engine would not heed a loopback address (moby libnetwork `port_mapping_linux.go`, docker/cli
/// `opts/swarmopts/port.go`).
///
/// # Errors
/// One sentence that says why.
pub(super) fn heeds_addresses(project: &Project, service: &Service) -> Result<(), Refusal> {
    if project.looks_like_stack {
        return refuse("docker stack deploy drops host addresses: the port stays open on every node");
    }
    if service.network_mode.as_ref().is_some_and(|mode| mode.value == "host") {
        return refuse("the service shares the host's network: its ports list has no effect");
    }
    let networks = || service.networks.iter().filter_map(|joined| project.networks.get(&joined.network));
    for network in networks() {
        if is_host(network) {
            return refuse(format!("the service shares the host's network ({}): its ports list has no effect", network.key));
        }
        if let Some(mode) = open_gateway(network) {
            return refuse(format!(
                "the network {} has gateway mode {mode}: container ports are reached past any host address",
                network.key
            ));
        }
    }
    let beside = networks().find_map(|network| driver(network).filter(|driver| is_beside_the_host(driver)));
    match beside {
        Some(driver) if networks().all(driver_is_beside_the_host) => {
            refuse(format!("the service is on the LAN itself ({driver}): host addresses have no effect"))
        }
        _ => Ok(()),
    }
}

fn driver(network: &Network) -> Option<&str> {
    network.driver.as_ref().map(|driver| driver.value.as_str())
}

fn is_beside_the_host(driver: &str) -> bool {
    matches!(driver, "macvlan" | "ipvlan")
}

fn driver_is_beside_the_host(network: &Network) -> bool {
    driver(network).is_some_and(is_beside_the_host)
}

fn is_host(network: &Network) -> bool {
    network.external && network.name == "host" || driver(network) == Some("host")
}

/// The gateway mode that lets packets past the port mappings, if the network has one.
fn open_gateway(network: &Network) -> Option<&str> {
    let modes = network.options.iter().filter(|(key, _)| key.starts_with("com.docker.network.bridge.gateway_mode_ipv"));
    modes.map(|(_, mode)| mode.value.as_str()).find(|mode| matches!(*mode, "routed" | "nat-unprotected"))
}
