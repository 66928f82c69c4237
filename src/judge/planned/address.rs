//! Prefixes for new networks and addresses for new containers, as the engine hands them out: the first that are free.
//!
//! Sources: moby `daemon/libnetwork/ipamutils/utils.go` (the default pools) and `ipams/defaultipam`. For v6 the engine makes up a
//! prefix from its own identity (27.0 and later), which is not known here: one of RFC 4193 that is free stands for it.

use crate::model::host::{Host, Network};
use crate::model::packet::Family;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A free prefix of a family for a new network; None where the pools are used up.
pub(super) fn prefix(host: &Host, pools: &[(IpNet, u8)], family: Family) -> Option<IpNet> {
    let configured: Vec<(IpNet, u8)> = pools.iter().copied().filter(|(base, _)| Family::of(base.addr()) == family).collect();
    let pools = if configured.is_empty() { stock(family) } else { configured };
    let subnets = pools.into_iter().filter_map(|(base, length)| base.subnets(length).ok()).flatten();
    subnets.take(4096).find(|subnet| is_free(host, subnet))
}

fn stock(family: Family) -> Vec<(IpNet, u8)> {
    let v4 = |second: u8, base: u8, length: u8| (Ipv4Net::new_assert(Ipv4Addr::new(172, second, 0, 0), base).into(), length);
    match family {
        Family::V4 => vec![
            v4(17, 16, 16),
            v4(18, 16, 16),
            v4(19, 16, 16),
            v4(20, 14, 16),
            v4(24, 14, 16),
            v4(28, 14, 16),
            (Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16).into(), 20),
        ],
        Family::V6 => vec![(Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0), 48).into(), 64)],
    }
}

fn is_free(host: &Host, subnet: &IpNet) -> bool {
    let overlaps = |other: &IpNet| other.contains(subnet) || subnet.contains(other);
    let used = host.networks.iter().flat_map(|network| &network.subnets);
    let routed = host.routes.iter().map(|route| &route.destination).filter(|destination| destination.prefix_len() > 0);
    !used.chain(routed).any(overlaps)
}

/// The host's address on a network in a family: what is configured, or the first of the prefix.
pub(super) fn gateway(network: &Network, family: Family) -> Option<IpAddr> {
    let configured = network.gateways.iter().copied().find(|gateway| Family::of(*gateway) == family);
    configured.or_else(|| hosts(subnet(network, family)?).next())
}

/// A free address of a family for a container; None where the network has none of it.
pub(super) fn container(host: &Host, network: &Network, family: Family) -> Option<IpAddr> {
    let gateway = gateway(network, family);
    let used = |address: &IpAddr| {
        let of_container = host.endpoints.iter().any(|it| it.network == network.id && it.addresses.contains(address));
        let of_host = host.links.iter().flat_map(|link| &link.addresses).any(|own| own.net.addr() == *address);
        of_container || of_host || gateway == Some(*address)
    };
    hosts(subnet(network, family)?).find(|address| !used(address))
}

fn subnet(network: &Network, family: Family) -> Option<IpNet> {
    network.subnets.iter().copied().find(|subnet| Family::of(subnet.addr()) == family)
}

/// The addresses of a prefix without the prefix itself.
fn hosts(subnet: IpNet) -> impl Iterator<Item = IpAddr> {
    let network = subnet.network();
    subnet.hosts().filter(move |address| *address != network)
}
