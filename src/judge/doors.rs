//! Which packets a publication is judged by: every way in from outside.
//!
//! In: a host. Out: for each binding and each outside interface, the addresses that somebody there can send to. Not here: what becomes
//! of the packets.

mod own;

pub use crate::model::address::is_link_local;
use crate::model::engine::{Binding, Publisher};
use crate::model::host::{Host, Link, Network};
use crate::model::packet::{Family, Protocol, Target};
use crate::model::ruleset::Table;
use own::Own;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// One way in: a target, as it is sent to from one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// Who is meant to be behind it, by position in [`Host::publishers`].
    pub publisher: usize,
    /// The binding; None: no binding asks for this way in.
    pub binding: Option<Binding>,
    /// What kind of way it is.
    pub way: Way,
    /// The interface that the packet enters by.
    pub interface: Arc<str>,
    /// Whom the packet is sent to.
    pub to: Target,
}

/// Kinds of ways in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// A published port at an address of the host.
    Host,
    /// A port that is published on 127.0.0.0/8, asked from the wire.
    Loopback,
    /// A port at the container's own address: a host may have a route to it, and a neighbour can make one.
    Direct,
}

/// The interfaces that packets from outside come in by.
///
/// Not loopback, not the engine's own bridges unless a wire is plugged into one, no port of a bridge or bond (the rules see the bridge
/// itself), no VRF (packets come in by its members). An interface without addresses counts where routes lead through it.
pub fn outside(host: &Host) -> Vec<&Link> {
    let engines = engine_bridges(host);
    let master = |link: &Link| link.master.as_deref().and_then(|name| host.link(name));
    // A device of a VRF keeps its name at the first hooks (Documentation/networking/vrf.rst).
    let is_port = |link: &Link| master(link).is_some_and(|master| !is_vrf(master));
    let is_wire =
        |port: &Link, bridge: &Link| port.master.as_deref() == Some(&*bridge.name) && port.kind.as_deref() != Some("veth");
    let is_inside = |link: &Link| engines.contains(&*link.name) && !host.links.iter().any(|port| is_wire(port, link));
    let leads_on = |link: &Link| host.routes.iter().any(|route| route.kind == "unicast" && route.devices.contains(&link.name));
    let is_outside = |link: &&Link| {
        !link.is_loopback && !is_vrf(link) && !is_port(link) && !is_inside(link) && (!link.addresses.is_empty() || leads_on(link))
    };
    host.links.iter().filter(is_outside).collect()
}

fn is_vrf(link: &Link) -> bool {
    link.kind.as_deref() == Some("vrf")
}

/// The bridges of the engine's networks.
pub fn engine_bridges(host: &Host) -> BTreeSet<&str> {
    // The default bridge and Swarm's gateway bridge stay when the engine is gone.
    let bridges = host.networks.iter().filter_map(|network| network.bridge.as_deref());
    bridges.chain(["docker0", "docker_gwbridge"]).collect()
}

/// True if an engine has left something in the host's network: its bridges or its chains, whether it runs or not.
pub fn has_engine_left(host: &Host) -> bool {
    let bridges = engine_bridges(host);
    let has_chains = |table: &Table| table.name == "docker-bridges" || table.chains.contains_key("DOCKER");
    host.links.iter().any(|link| bridges.contains(&*link.name)) || host.ruleset.tables.iter().any(has_chains)
}

/// Every way in to everything that is published.
pub fn of(host: &Host) -> Vec<Door> {
    let outside = outside(host);
    let own = Own::of(host);
    let mut doors = Vec::new();
    for (publisher, it) in host.publishers.iter().enumerate() {
        for binding in &it.bindings {
            let Some(port) = binding.port else { continue };
            let to = |address| Target { address, port, protocol: binding.protocol };
            for link in &outside {
                let door = |(way, address)| Door {
                    publisher,
                    binding: Some(*binding),
                    way,
                    interface: Arc::clone(&link.name),
                    to: to(address),
                };
                doors.extend(addresses(*binding, port, link, &own).into_iter().map(door));
            }
        }
        doors.extend(direct(host, publisher, it, &outside));
    }
    doors
}

/// The addresses by which a neighbour on a link can ask for a binding.
///
/// An address that is bound is asked for at every link, whether the host still has it or not; `::ffff:a.b.c.d` is the v4 address.
fn addresses(binding: Binding, port: u16, link: &Link, own: &Own) -> Vec<(Way, IpAddr)> {
    let bound = binding.address.to_canonical();
    match bound {
        // ::1 is never on a wire.
        IpAddr::V6(v6) if v6.is_loopback() => Vec::new(),
        _ if bound.is_loopback() => vec![(Way::Loopback, bound)],
        _ if bound.is_unspecified() => {
            own.at(link, Family::of(bound), port).iter().map(|address| (Way::Host, *address)).collect()
        }
        _ if is_link_local(bound) && !link.addresses.iter().any(|own| own.net.addr() == bound) => Vec::new(),
        _ => vec![(Way::Host, bound)],
    }
}

/// The ways to a container's own addresses on bridges of this host: its published and its exposed ports.
fn direct(host: &Host, publisher: usize, it: &Publisher, outside: &[&Link]) -> Vec<Door> {
    let is_apart = host.engine.as_ref().is_some_and(|engine| engine.seat.is_apart());
    let mut ports: BTreeSet<(u16, Protocol)> = it.bindings.iter().map(|binding| (binding.target, binding.protocol)).collect();
    ports.extend(it.exposed.iter().chain(&it.unopened));
    let mut doors = Vec::new();
    for (_, address) in at(host, it).filter(|(network, _)| network.bridge.is_some() && !is_apart) {
        for link in outside {
            doors.extend(ports.iter().map(|(port, protocol)| Door {
                publisher,
                binding: it.bindings.iter().copied().find(|binding| {
                    (binding.target, binding.protocol) == (*port, *protocol) && binding.address.is_ipv4() == address.is_ipv4()
                }),
                way: Way::Direct,
                interface: Arc::clone(&link.name),
                to: Target { address, port: *port, protocol: *protocol },
            }));
        }
    }
    doors
}

/// A publisher's addresses, each with its network.
pub fn at<'a>(host: &'a Host, publisher: &'a Publisher) -> impl Iterator<Item = (&'a Network, IpAddr)> {
    let endpoints = host.endpoints.iter().filter(|endpoint| endpoint.container == publisher.name);
    endpoints.flat_map(|endpoint| {
        let network = host.network(&endpoint.network);
        network.into_iter().flat_map(|network| endpoint.addresses.iter().map(move |address| (network, *address)))
    })
}

#[cfg(test)]
mod tests;
