//! `daemon.json` to what it says of networks (dockerd(8); moby `daemon/config/config_linux.go`).

use super::texts;
use crate::model::engine::DaemonOptions;
use crate::read::values;
use ipnet::IpNet;
use serde_json::Value;

/// The options that decide how networks are made and which rules are written for them.
pub(super) fn options(daemon: &Value) -> DaemonOptions {
    let pools = daemon["default-address-pools"].as_array().map_or(&[][..], Vec::as_slice);
    DaemonOptions {
        writes_v6_rules: daemon["ip6tables"].as_bool(),
        switches_forwarding: daemon["ip-forward"].as_bool(),
        keeps_forward_policy: daemon["ip-forward-no-drop"].as_bool(),
        allows_direct_routing: daemon["allow-direct-routing"].as_bool(),
        accepted_mark: daemon["bridge-accept-fwmark"].as_str().map(str::to_owned),
        network_options: texts(&daemon["default-network-opts"]["bridge"]),
        address_pools: pools.iter().filter_map(pool).collect(),
    }
}

/// `{"base": "10.100.0.0/16", "size": 24}`
fn pool(pool: &Value) -> Option<(IpNet, u8)> {
    let base = values::net(pool["base"].as_str()?)?;
    let length = u8::try_from(pool["size"].as_u64()?).ok()?;
    (base.prefix_len()..=base.max_prefix_len()).contains(&length).then_some((base, length))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_a_configuration_file_says_of_networks_is_read() {
        let text = r#"{"ip6tables": false, "allow-direct-routing": true, "bridge-accept-fwmark": "0x1/0x3",
            "default-network-opts": {"bridge": {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}},
            "default-address-pools": [{"base": "10.100.0.0/16", "size": 24}, {"base": "10.0.0.0/24", "size": 16}, {"base": "x"}]}"#;
        let options = options(&serde_json::from_str(text).unwrap());
        assert_eq!((options.writes_v6_rules, options.switches_forwarding), (Some(false), None));
        assert_eq!(options.allows_direct_routing, Some(true));
        assert_eq!(options.accepted_mark.as_deref(), Some("0x1/0x3"));
        assert_eq!(options.network_options["com.docker.network.bridge.host_binding_ipv4"], "127.0.0.1");
        assert_eq!(options.address_pools, [("10.100.0.0/16".parse().unwrap(), 24)]);
    }

    #[test]
    fn an_empty_configuration_says_nothing() {
        assert_eq!(options(&Value::Null), DaemonOptions::default());
    }
}
