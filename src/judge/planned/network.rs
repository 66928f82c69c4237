//! A network that a container joins: the one that the engine has under its name, or a new one, made as the engine makes it.
//!
//! In: a host and what is wanted. Out: the host with the network, its bridge, its route, its settings and its rules.
//!
//! Source: moby `drivers/bridge/bridge_linux.go` (`createNetwork`), `setup_ip_forwarding.go`, `setup_device_linux.go`.

use super::chains::Sheet;
use super::habits::Habits;
use super::terms::{BRIDGE_NAME, Terms};
use super::{Wanted, address, firewalld, iptables, nftables};
use crate::judge::context::{GATEWAY_MODE_V4, GATEWAY_MODE_V6};
use crate::model::engine::Backend;
use crate::model::host::{Address, Host, Link, Network, Route};
use crate::model::packet::Family;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Puts a network on the host where there is none of the wanted name. Out: its identifier, and what is not known of it.
///
/// # Errors
/// There is none, and none will be made; the text says why.
pub(super) fn join(host: &mut Host, habits: &Habits, wanted: &Wanted) -> Result<(String, Option<String>), String> {
    if let Some(network) = host.networks.iter().find(|network| network.name == wanted.name) {
        return Ok((network.id.clone(), difference(network, wanted)));
    }
    if wanted.is_external {
        return Err(format!("the network {} does not exist: the container cannot be started", wanted.name));
    }
    let network = made(host, habits, wanted);
    refusal(host, habits, &network)?;
    let id = network.id.clone();
    let member = firewalld_member(host);
    set_up(host, habits, &network);
    if let Some(terms) = Terms::of(&network, habits) {
        write_rules(host, habits, &terms, member.as_deref());
    }
    host.networks.push(network);
    Ok((id, None))
}

/// What is not known where the network that is there differs from the wanted one.
fn difference(network: &Network, wanted: &Wanted) -> Option<String> {
    let is_other = |(key, value): (&String, &String)| network.options.get(key).is_none_or(|own| own != value);
    let differs = wanted.is_internal != network.is_internal
        || wanted.families.contains(&Family::V6) && !network.has_v6
        || wanted.driver.as_ref().is_some_and(|driver| *driver != network.driver)
        || wanted.options.iter().any(is_other);
    (differs && !wanted.is_external).then(|| {
        format!("the network {} is there with other settings than the file's: compose may keep it or make it anew", wanted.name)
    })
}

/// Why the engine will not make a network; nothing where it will.
fn refusal(host: &Host, habits: &Habits, network: &Network) -> Result<(), String> {
    let known: &[&str] = match habits.release {
        (28.., ..) => &["nat", "routed", "nat-unprotected", "isolated"],
        (27, ..) => &["nat", "routed"],
        _ => return Ok(()),
    };
    for key in [GATEWAY_MODE_V4, GATEWAY_MODE_V6] {
        let Some(mode) = network.options.get(key) else { continue };
        if !known.contains(&mode.as_str()) || mode == "isolated" && !network.is_internal {
            return Err(format!("the engine refuses the gateway mode {mode} for the network {}", network.name));
        }
    }
    let is_off = |name: &str| host.setting(name) == Some(0);
    let needs = habits.backend == Backend::Nftables && habits.options.switches_forwarding != Some(false);
    if needs && (is_off("net/ipv4/ip_forward") || network.has_v6 && is_off("net/ipv6/conf/all/forwarding")) {
        return Err(
            "the engine makes no network while forwarding is off; `sysctl net.ipv4.ip_forward=1` switches it on".to_owned()
        );
    }
    Ok(())
}

/// The network as the engine would describe it. Its identifier and the name of its bridge are made up: nobody knows them before.
fn made(host: &Host, habits: &Habits, wanted: &Wanted) -> Network {
    let driver = wanted.driver.clone().unwrap_or_else(|| "bridge".to_owned());
    let is_bridge = driver == "bridge";
    let mut options = wanted.options.clone();
    if is_bridge && habits.since(24, 0, 0) {
        for (key, value) in &habits.options.network_options {
            options.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    let option = |key: &str| options.get(key).cloned();
    let number = host.networks.len();
    let bridge = option(BRIDGE_NAME).or_else(|| is_bridge.then(|| format!("br-planned{number}")));
    let chosen = |family| {
        let has = wanted.families.contains(&family);
        let is_given = wanted.subnets.iter().any(|subnet| Family::of(subnet.addr()) == family);
        (is_bridge && has && !is_given).then(|| address::prefix(host, &habits.options.address_pools, family)).flatten()
    };
    Network {
        id: format!("planned-{number}"),
        name: wanted.name.clone(),
        bridge,
        parent: option("parent"),
        mode: option("macvlan_mode").or_else(|| option("ipvlan_mode")),
        subnets: wanted.subnets.iter().copied().chain(FAMILIES.into_iter().filter_map(chosen)).collect(),
        gateways: Vec::new(),
        is_internal: wanted.is_internal,
        has_v6: wanted.families.contains(&Family::V6),
        options,
        driver,
    }
}

/// The bridge, its addresses, its routes and its settings.
fn set_up(host: &mut Host, habits: &Habits, network: &Network) {
    let Some(bridge) = network.bridge.as_deref().filter(|_| network.driver == "bridge") else { return };
    let name: Arc<str> = bridge.into();
    let addresses = FAMILIES.into_iter().filter_map(|family| own_address(network, family)).collect();
    host.links.push(Link {
        name: Arc::clone(&name),
        kind: Some("bridge".to_owned()),
        master: None,
        is_loopback: false,
        addresses,
        programs: Vec::new(),
    });
    for subnet in &network.subnets {
        let metric = if subnet.addr().is_ipv4() { 0 } else { 256 };
        let (table, kind) = ("main".to_owned(), "unicast".to_owned());
        host.routes.push(Route { table, destination: subnet.trunc(), devices: vec![Arc::clone(&name)], metric, kind });
    }
    let defaults: BTreeMap<String, String> = host
        .settings
        .iter()
        .filter(|(key, _)| key.contains("/conf/default/"))
        .map(|(key, value)| (key.replace("/conf/default/", &format!("/conf/{bridge}/")), value.clone()))
        .collect();
    host.settings.extend(defaults);
    if !habits.has_proxy {
        host.settings.insert(format!("net/ipv4/conf/{bridge}/route_localnet"), "1".to_owned());
    }
    filter_bridges(host, habits, network);
    let has = |family| network.subnets.iter().any(|subnet| Family::of(subnet.addr()) == family);
    for family in FAMILIES.into_iter().filter(|family| has(*family)) {
        switch_forwarding_on(host, habits, family);
    }
}

/// Where containers of one network may not talk to each other, or are translated to each other, their frames must pass the rules
/// (`setup_bridgenetfiltering.go`).
fn filter_bridges(host: &mut Host, habits: &Habits, network: &Network) {
    let needs = !habits.has_proxy || Terms::of(network, habits).is_some_and(|terms| !terms.links_containers);
    for (family, setting) in
        FAMILIES.into_iter().zip(["net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"])
    {
        if needs && habits.writes(family) {
            host.settings.insert(setting.to_owned(), "1".to_owned());
        }
    }
}

/// The host's address on the network; with the gateway mode `isolated` it has none.
fn own_address(network: &Network, family: Family) -> Option<Address> {
    let key = if family == Family::V4 { GATEWAY_MODE_V4 } else { GATEWAY_MODE_V6 };
    let is_isolated = network.options.get(key).is_some_and(|mode| mode == "isolated");
    let address: IpAddr = address::gateway(network, family).filter(|_| !is_isolated)?;
    let subnet = network.subnets.iter().find(|subnet| subnet.contains(&address))?;
    let net = IpNet::new(address, subnet.prefix_len()).ok()?;
    Some(Address { net, broadcast: address.is_ipv4().then(|| net.broadcast()) })
}

/// With the first network of a family the engine switches forwarding on, and closes FORWARD as it does so (28.0 and later; before,
/// v4 at its start, and v6 without closing anything).
fn switch_forwarding_on(host: &mut Host, habits: &Habits, family: Family) {
    let (setting, all) = match family {
        Family::V4 => ("net/ipv4/ip_forward", "net/ipv4/conf/"),
        Family::V6 => ("net/ipv6/conf/all/forwarding", "net/ipv6/conf/"),
    };
    let may = habits.backend == Backend::Iptables
        && habits.options.switches_forwarding != Some(false)
        && (family == Family::V6 || habits.since(28, 0, 0));
    if !may || host.setting(setting) != Some(0) {
        return;
    }
    let is_it = |key: &str| key == setting || key.starts_with(all) && key.ends_with("/forwarding");
    for (_, value) in host.settings.iter_mut().filter(|(key, _)| is_it(key)) {
        "1".clone_into(value);
    }
    if habits.since(28, 0, 0) && habits.writes(family) && habits.options.keeps_forward_policy != Some(true) {
        Sheet::of(&mut host.ruleset, family).drop_forwarding();
    }
}

/// A bridge of the engine that is in firewalld's zone; None where new ones are not put there.
fn firewalld_member(host: &Host) -> Option<String> {
    let is_integrated = host.engine.as_ref().is_none_or(|engine| engine.uses_firewalld != Some(false));
    let bridges = host.networks.iter().filter_map(|network| network.bridge.as_deref());
    firewalld::member(&host.ruleset, bridges.filter(|_| is_integrated)).map(str::to_owned)
}

fn write_rules(host: &mut Host, habits: &Habits, terms: &Terms, member: Option<&str>) {
    for family in FAMILIES.into_iter().filter(|family| habits.writes(*family)) {
        match habits.backend {
            Backend::Iptables => iptables::network(&mut host.ruleset, habits, terms, family),
            Backend::Nftables => nftables::network(&mut host.ruleset, habits, terms, family),
        }
    }
    if habits.backend == Backend::Iptables {
        iptables::put_users_first(&mut host.ruleset, habits);
    }
    // Internal networks from 25.0.3 on (moby pull 47293).
    let is_put_there = habits.writes(Family::V4) && (!terms.is_internal || habits.since(25, 0, 3));
    if let Some(member) = member.filter(|_| is_put_there) {
        firewalld::join(&mut host.ruleset, member, &terms.bridge);
        if let Some(firewalld) = &mut host.firewalld {
            firewalld::list(firewalld, &terms.bridge);
        }
    }
}
