//! What `ip -j`, `ss` and `sysctl` print, to links, addresses, routes, listeners and settings.

mod routes;

pub(super) use routes::{policy, routes};

use crate::model::host::{Address, Link, Listener};
use crate::model::packet::Protocol;
use ipnet::IpNet;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A list of JSON objects; an empty text is an empty list.
fn objects(text: &str) -> Result<Vec<Value>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| format!("it is no JSON list: {error}"))
}

/// The links of `ip -j addr`, with what `ip -j -d link` and `tc -j qdisc show` add: their kinds, and the programs at them.
///
/// # Errors
/// One of the texts is no JSON list.
pub(super) fn links(addresses: &str, details: &str, qdiscs: &str) -> Result<Vec<Link>, String> {
    let (details, qdiscs) = (objects(details)?, objects(qdiscs)?);
    let details: BTreeMap<&str, &Value> = details.iter().filter_map(|link| Some((link["ifname"].as_str()?, link))).collect();
    let kind_of = |name: &str| details.get(name)?["linkinfo"]["info_kind"].as_str().map(str::to_owned);
    let mut links = Vec::new();
    for link in objects(addresses)? {
        let Some(name) = link["ifname"].as_str() else { continue };
        let flags = link["flags"].as_array().map_or(&[][..], Vec::as_slice);
        let listed = link["addr_info"].as_array().map_or(&[][..], Vec::as_slice);
        links.push(Link {
            name: name.into(),
            kind: kind_of(name),
            master: link["master"].as_str().map(str::to_owned),
            is_loopback: flags.iter().any(|flag| flag == "LOOPBACK"),
            addresses: listed.iter().filter_map(address).collect(),
            programs: programs(name, details.get(name).unwrap_or(&&link), &qdiscs),
        });
    }
    Ok(links)
}

/// What sits at a link beside the filters. That there are tc filters is known by the qdisc that they hang on; programs that are attached
/// as BPF links (tcx, netkit) show in neither listing.
fn programs(name: &str, link: &Value, qdiscs: &[Value]) -> Vec<String> {
    let xdp = &link["xdp"];
    let attached = xdp["attached"].as_array().map_or(std::slice::from_ref(xdp), Vec::as_slice);
    let xdp = attached.iter().filter_map(|one| one["prog"]["id"].as_u64()).map(|id| format!("XDP program {id}"));
    let here = qdiscs.iter().filter(|qdisc| qdisc["dev"].as_str() == Some(name));
    let tc = here.filter_map(|qdisc| qdisc["kind"].as_str()).filter(|kind| matches!(*kind, "clsact" | "ingress"));
    xdp.chain(tc.map(|kind| format!("tc filters ({kind})"))).collect()
}

fn address(info: &Value) -> Option<Address> {
    let address: IpAddr = info["local"].as_str()?.parse().ok()?;
    let length = u8::try_from(info["prefixlen"].as_u64()?).ok()?;
    let broadcast = info["broadcast"].as_str().and_then(|text| text.parse().ok());
    Some(Address { net: IpNet::new(address, length).ok()?, broadcast })
}

/// The settings of `sysctl -a`, under names with slashes. In names with dots, sysctl writes the dots of an interface as slashes.
pub(super) fn settings(text: &str) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        let dots_first = name.find('.').is_some_and(|dot| name.find('/').is_none_or(|slash| dot < slash));
        let name = if dots_first {
            name.chars()
                .map(|character| match character {
                    '.' => '/',
                    '/' => '.',
                    other => other,
                })
                .collect()
        } else {
            name.to_owned()
        };
        settings.insert(name, value.trim().to_owned());
    }
    settings
}

/// The listening sockets of `ss -tulpnH`. `*` is a v6 socket that takes v4, too; `[::]` one that does not.
pub(super) fn listeners(text: &str) -> Vec<Listener> {
    text.lines().filter_map(listener).collect()
}

fn listener(line: &str) -> Option<Listener> {
    let mut words = line.split_whitespace();
    let protocol = Protocol::named(words.next()?)?;
    let local = words.nth(3)?;
    let program = line.split_once("users:((\"").and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned);
    let (host, port) = local.rsplit_once(':')?;
    let (host, interface) = match host.split_once('%') {
        Some((host, interface)) => (host, Some(interface.trim_end_matches(']').to_owned())),
        None => (host, None),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().ok()?;
    if host == "*" {
        return Some(Listener { protocol, address: None, v4: true, v6: true, interface, port, program });
    }
    let address = host.parse::<IpAddr>().ok()?.to_canonical();
    let (v4, v6) = (address.is_ipv4(), address.is_ipv6());
    Some(Listener { protocol, address: (!address.is_unspecified()).then_some(address), v4, v6, interface, port, program })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn links_have_addresses_and_kinds() {
        let addresses = r#"[{"ifname":"lo","flags":["LOOPBACK","UP"],"addr_info":[{"local":"127.0.0.1","prefixlen":8}]},
            {"ifname":"br0","flags":["UP"],"addr_info":[{"local":"10.0.0.1","prefixlen":24,"broadcast":"10.0.0.255"}]}]"#;
        let links = links(addresses, r#"[{"ifname":"br0","linkinfo":{"info_kind":"bridge"}}]"#, "").unwrap();
        assert!(links[0].is_loopback);
        assert_eq!(links[1].kind.as_deref(), Some("bridge"));
        assert_eq!(links[1].addresses[0].broadcast, "10.0.0.255".parse().ok());
    }

    #[test]
    fn links_name_the_programs_at_them() {
        let addresses = r#"[{"ifname":"eth0"},{"ifname":"eth1"}]"#;
        let details = r#"[{"ifname":"eth0","xdp":{"mode":1,"prog":{"id":12,"tag":"3b185187f1855c4c","jited":1}}},
            {"ifname":"eth1","xdp":{"mode":4,"attached":[{"mode":1,"prog":{"id":3}},{"mode":2,"prog":{"id":4}}]}}]"#;
        let qdiscs = r#"[{"kind":"noqueue","dev":"eth0","root":true},{"kind":"clsact","handle":"ffff:","dev":"eth0","parent":"ffff:fff1"}]"#;
        let links = links(addresses, details, qdiscs).unwrap();
        assert_eq!(links[0].programs, ["XDP program 12", "tc filters (clsact)"]);
        assert_eq!(links[1].programs, ["XDP program 3", "XDP program 4"]);
    }

    #[test]
    fn settings_have_one_name_in_either_spelling() {
        let settings = settings("net.ipv4.conf.eth0/7.rp_filter = 1\nnet/ipv4/conf/eth0.8/rp_filter = 2\n");
        assert_eq!(settings["net/ipv4/conf/eth0.7/rp_filter"], "1");
        assert_eq!(settings["net/ipv4/conf/eth0.8/rp_filter"], "2");
    }

    #[test]
    fn sockets_tell_their_families_addresses_and_programs() {
        let sockets = listeners(
            "tcp LISTEN 0 4096 [::]:8080 [::]:* users:((\"docker-proxy\",pid=1,fd=7))\ntcp LISTEN 0 9 *:9090 *:*\n\
             udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*\ntcp LISTEN 0 5 [fe80::1]%eth0:22 [::]:*\n",
        );
        assert_eq!(sockets.len(), 4);
        assert_eq!((sockets[0].v4, sockets[0].v6, sockets[0].program.as_deref()), (false, true, Some("docker-proxy")));
        assert_eq!((sockets[1].v4, sockets[1].v6, sockets[1].address), (true, true, None));
        assert_eq!(sockets[2].interface.as_deref(), Some("lo"));
        assert_eq!((sockets[3].port, sockets[3].interface.as_deref()), (22, Some("eth0")));
    }
}
