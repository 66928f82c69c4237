//! What a lock is to let in, from what the host firewall permits and what was asked for besides.
//!
//! In: a host made ready to judge, and what the owner allows. Out: a [`Guard`], and what is left out of it. Not here: in which rules it is
//! written ([`super::nftables`], [`super::docker_user`]), and whether it proves ([`super::proof`]).

use crate::judge::court::Court;
use crate::judge::doors;
use crate::judge::permits::{self, Permitted};
use crate::model::engine::Binding;
use crate::model::guard::{From, Guard, Permit, Place, Port, Ports, Wish};
use crate::model::host::{Host, Listener};
use crate::model::lock::Refusal;
use crate::model::packet::{Family, Protocol};
use crate::model::policy::{Allowance, PortSelector};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A guard, and what was left out of it.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// The guard.
    pub guard: Guard,
    /// What the host firewall may or may not permit: it is refused.
    pub unsure: Vec<Permit>,
}

/// A guard for a host.
///
/// # Errors
/// [`Refusal::Name`].
pub fn of(court: &Court, wish: &Wish) -> Result<Made, Refusal> {
    let host = court.host();
    let Permitted { mut permits, unsure } = if wish.refuses_all { Permitted::default() } else { permits::of(court) };
    permits.extend(wish.allowed.iter().flat_map(|allowance| allowed(allowance, host)));
    permits.sort();
    permits.dedup();
    let inside = doors::engine_bridges(host);
    let is_bridge = |name: &str| host.link(name).is_some_and(|link| link.kind.as_deref() == Some("bridge"));
    let foreign = host.links.iter().map(|link| &*link.name).filter(|name| is_bridge(name) && !inside.contains(name));
    let guard = Guard {
        foreign: foreign.map(str::to_owned).collect(),
        inside: inside.into_iter().map(str::to_owned).collect(),
        pools: pools(host),
        permits,
        served: if wish.is_curtain { Ports::AllBut(held(host)) } else { Ports::Only(published(host)) },
        lasts: wish.lasts,
    };
    let interfaces = guard.permits.iter().filter_map(|permit| permit.interface.as_ref());
    match guard.inside.iter().chain(&guard.foreign).chain(interfaces).find(|name| !is_plain(name)) {
        Some(name) => Err(Refusal::Name(name.clone())),
        None => Ok(Made { guard, unsure }),
    }
}

/// Where the engine takes the prefixes of new networks from: what its configuration says, else its own choice (moby
/// `daemon/libnetwork/ipamutils/utils.go`), of which 192.168.0.0/16 comes last and is many a LAN's. v6: unique local addresses.
fn pools(host: &Host) -> Vec<IpNet> {
    let own = host.engine.iter().flat_map(|engine| &engine.options.address_pools).map(|(pool, _)| *pool);
    let default = [
        Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12).into(),
        Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0), 8).into(),
    ];
    IpNet::aggregate(&own.chain(default).collect())
}

/// True for a name that means nothing but itself in a rule. The kernel takes nearly every character (net/core/dev.c,
/// `dev_valid_name`), and names of bridges come from whoever may create networks.
pub(super) fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    !name.is_empty() && name.len() < 16 && name.bytes().all(is_plain)
}

/// What the owner lets in: published ports, at whatever address of the host; on routed networks, where none are published there, ports of
/// the containers themselves.
fn allowed(allowance: &Allowance, host: &Host) -> Vec<Permit> {
    let (protocols, ports) = match &allowance.ports {
        PortSelector::Any => (Protocol::PUBLISHED.to_vec(), (1, u16::MAX)),
        PortSelector::Ports { ports, protocol } => {
            let number = |port: u32| u16::try_from(port).unwrap_or(u16::MAX);
            (Protocol::named(protocol).into_iter().collect(), (number(ports.first), number(ports.last)))
        }
    };
    let routed = [Family::V4, Family::V6].into_iter().flat_map(|family| permits::unguarded(host, family));
    let routed = routed.filter(|network| network.is_routed).map(|network| Place::Containers(network.subnet));
    let places: Vec<Place> = std::iter::once(Place::Host(None)).chain(routed).collect();
    let from = if allowance.is_from_everywhere() { From::Everyone } else { From::Only(allowance.from.clone()) };
    let permit = |(place, protocol): (&Place, Protocol)| Permit {
        interface: allowance.interface.clone(),
        family: match place {
            Place::Host(_) => None,
            Place::Containers(net) => Some(Family::of(net.addr())),
        },
        from: from.clone(),
        to: place.clone(),
        protocol,
        ports: vec![ports],
    };
    places.iter().flat_map(|place| protocols.iter().map(move |protocol| (place, *protocol))).map(permit).collect()
}

/// What docker-proxy may serve: every published port. Which of them it serves changes with the engine's rules and the family.
fn published(host: &Host) -> BTreeSet<Port> {
    let bindings = host.publishers.iter().flat_map(|publisher| &publisher.bindings);
    let port = |binding: &Binding| {
        let at = if binding.address.is_unspecified() { whole(binding.address.is_ipv4()) } else { binding.address.into() };
        Some(Port { at, protocol: binding.protocol, port: binding.port? })
    };
    bindings.filter_map(port).collect()
}

/// The ports that programs of the host listen on, docker-proxy aside.
fn held(host: &Host) -> BTreeSet<Port> {
    let published = published(host);
    let families =
        |it: &Listener| [(it.v4, true), (it.v6, false)].into_iter().filter(|(takes, _)| *takes).map(|(_, is_v4)| is_v4);
    let ports = host.listeners.iter().flat_map(|it| {
        let at = match it.address {
            Some(address) => vec![address.into()],
            None => families(it).map(whole).collect(),
        };
        at.into_iter().map(|at| Port { at, protocol: it.protocol, port: it.port })
    });
    let is_published = |port: &Port| {
        let mut here = published.iter().filter(|own| (own.port, own.protocol) == (port.port, port.protocol));
        here.any(|own| own.at.contains(&port.at) || port.at.contains(&own.at))
    };
    ports.filter(|port| !is_published(port)).collect()
}

/// All addresses of a family.
fn whole(is_v4: bool) -> IpNet {
    if is_v4 { Ipv4Net::default().into() } else { Ipv6Net::default().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_end_a_string_is_not_plain() {
        for name in ["eth0", "br-0a1b2c3d4e5f", "eth0.7", "wg_0", "a@b"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["", "a\"b", "a*", "a;b", "a\nb", "a{b", "0123456789abcdef"] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
