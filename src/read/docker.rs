//! The Engine API's answers about networks and containers. A field that is missing or odd leaves its part out, it does not stop the reading.

use super::values;
use crate::model::host::{Endpoint, Network};
use serde_json::Value;

/// The networks of `GET /networks`.
///
/// # Errors
/// The text is no JSON list.
pub(super) fn networks(text: &str) -> Result<Vec<Network>, String> {
    Ok(list(text)?.iter().map(network).collect())
}

fn network(network: &Value) -> Network {
    let text = |key: &str| network[key].as_str().unwrap_or_default().to_owned();
    let option = |key: &str| network["Options"][key].as_str().map(str::to_owned);
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
        id,
        driver,
    }
}

/// The addresses of the containers of `GET /containers/ID/json`, gathered in a list.
///
/// # Errors
/// The text is no JSON list.
pub(super) fn endpoints(text: &str) -> Result<Vec<Endpoint>, String> {
    let mut endpoints = Vec::new();
    for container in list(text)? {
        let name = container["Name"].as_str().unwrap_or_default().trim_start_matches('/').to_owned();
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

fn list(text: &str) -> Result<Vec<Value>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| format!("it is no JSON list: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_bridge_is_named_by_its_option_or_by_its_identifier() {
        let text = r#"[{"Id":"0123456789abcdef","Name":"net","Driver":"bridge","Options":{},"IPAM":{"Config":[{"Subnet":"172.30.0.0/16"}]}},
            {"Id":"f","Name":"bridge","Driver":"bridge","Options":{"com.docker.network.bridge.name":"docker0"},"IPAM":{"Config":null}},
            {"Id":"e","Name":"lan","Driver":"macvlan","Options":{"parent":"eth0"}}]"#;
        let networks = networks(text).unwrap();
        assert_eq!(networks[0].bridge.as_deref(), Some("br-0123456789ab"));
        assert_eq!(networks[0].subnets.len(), 1);
        assert_eq!(networks[1].bridge.as_deref(), Some("docker0"));
        assert_eq!((networks[2].bridge.as_deref(), networks[2].parent.as_deref()), (None, Some("eth0")));
    }

    #[test]
    fn a_container_without_an_address_has_none() {
        let text = r#"[{"Name":"/web","NetworkSettings":{"Networks":{"a":{"NetworkID":"1","IPAddress":"172.17.0.2","GlobalIPv6Address":""}}}}]"#;
        let endpoints = endpoints(text).unwrap();
        assert_eq!((endpoints[0].container.as_str(), endpoints[0].addresses.len()), ("web", 1));
    }
}
