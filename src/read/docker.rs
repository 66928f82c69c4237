//! The Engine API's answers to networks, publishers and what the engine says of itself. A field that is missing or odd leaves its part out,
//! it does not stop the reading.
//!
//! Out: values of [`crate::model::engine`] and [`crate::model::host`]. Not here: whether the engine is on the host that is judged.

mod daemon;
mod engine;
mod publishers;

pub(super) use engine::engine;
pub(super) use publishers::{containers, services};

use super::values;
use crate::model::host::{Endpoint, Network};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The networks of `GET /networks`.
///
/// # Errors
/// The text is no JSON list.
pub(super) fn networks(text: &str) -> Result<Vec<Network>, String> {
    Ok(list(text)?.iter().map(network).collect())
}

fn network(network: &Value) -> Network {
    let text = |key: &str| network[key].as_str().unwrap_or_default().to_owned();
    let options: BTreeMap<String, String> = texts(&network["Options"]);
    let option = |key: &str| options.get(key).cloned();
    let (id, driver) = (text("Id"), text("Driver"));
    // moby daemon/libnetwork/drivers/bridge: the name is `br-` and twelve digits of the identifier, unless an option gives it.
    let bridge = option("com.docker.network.bridge.name")
        .or_else(|| (driver == "bridge").then(|| format!("br-{}", id.get(..12).unwrap_or(&id))));
    let configured = network["IPAM"]["Config"].as_array().map_or(&[][..], Vec::as_slice);
    Network {
        name: text("Name"),
        bridge,
        parent: option("parent"),
        mode: option("macvlan_mode").or_else(|| option("ipvlan_mode")),
        subnets: configured.iter().filter_map(|config| values::net(config["Subnet"].as_str()?)).collect(),
        gateways: configured.iter().filter_map(|config| address(config["Gateway"].as_str()?)).collect(),
        options,
        is_internal: network["Internal"].as_bool() == Some(true),
        has_v6: network["EnableIPv6"].as_bool() == Some(true),
        id,
        driver,
    }
}

/// An address; older engines write a gateway with the length of its prefix.
fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.parse().ok()
}

/// The addresses of the containers of `GET /containers/ID/json`, gathered in a list.
///
/// # Errors
/// The text is no JSON list.
pub(super) fn endpoints(text: &str) -> Result<Vec<Endpoint>, String> {
    let mut endpoints = Vec::new();
    for container in list(text)? {
        let name = name(&container);
        let Some(networks) = container["NetworkSettings"]["Networks"].as_object() else { continue };
        for network in networks.values() {
            let addresses = ["IPAddress", "GlobalIPv6Address"].iter().filter_map(|key| network[*key].as_str()?.parse().ok());
            endpoints.push(Endpoint {
                container: name.clone(),
                network: network["NetworkID"].as_str().unwrap_or_default().to_owned(),
                addresses: addresses.collect(),
            });
        }
    }
    Ok(endpoints)
}

/// A container's name, without the slash that the API puts before it.
fn name(container: &Value) -> String {
    container["Name"].as_str().unwrap_or_default().trim_start_matches('/').to_owned()
}

/// The entries of an object whose values are texts.
fn texts(object: &Value) -> BTreeMap<String, String> {
    let entries = object.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn list(text: &str) -> Result<Vec<Value>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| format!("it is no JSON list: {error}"))
}

#[cfg(test)]
mod tests;
