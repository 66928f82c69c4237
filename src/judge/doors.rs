//! Which packets a publication is judged by: every way in from outside.
//!
//! In: a host. Out: for each binding and each outside interface, the addresses that somebody there can send to. Not here: what becomes
//! of the packets.

use crate::model::engine::{Binding, Publisher};
use crate::model::host::{Host, Link, Network};
use crate::model::packet::{Family, Protocol, Target};
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

/// The interfaces that packets from outside come in by: not loopback, not the engine's own bridges, no port of a bridge or bond (the
/// rules see the bridge itself).
pub fn outside(host: &Host) -> Vec<&Link> {
    let engines = engine_bridges(host);
    let is_port = |link: &Link| {
        let master = link.master.as_deref().and_then(|name| host.link(name));
        // A device of a VRF keeps its name at the first hooks (Documentation/networking/vrf.rst).
        master.is_some_and(|master| master.kind.as_deref() != Some("vrf"))
    };
    let is_outside = |link: &&Link| !link.is_loopback && !engines.contains(&*link.name) && !is_port(link);
    let has_address = |link: &&Link| !link.addresses.is_empty();
    host.links.iter().filter(is_outside).filter(has_address).collect()
}

/// The bridges of the engine's networks.
pub fn engine_bridges(host: &Host) -> BTreeSet<&str> {
    // The default bridge and Swarm's gateway bridge stay when the engine is gone.
    let bridges = host.networks.iter().filter_map(|network| network.bridge.as_deref());
    bridges.chain(["docker0", "docker_gwbridge"]).collect()
}

/// Every way in to everything that is published.
pub fn of(host: &Host) -> Vec<Door> {
    let outside = outside(host);
    let own = own_addresses(&outside);
    let mut doors = Vec::new();
    for (publisher, it) in host.publishers.iter().enumerate() {
        for binding in &it.bindings {
            let push = |way, link: &Link, address, port| Door {
                publisher,
                binding: Some(*binding),
                way,
                interface: Arc::clone(&link.name),
                to: Target { address, port, protocol: binding.protocol },
            };
            for link in &outside {
                for (way, address) in addresses(*binding, link, &own) {
                    doors.extend(binding.port.map(|port| push(way, link, address, port)));
                }
            }
        }
        doors.extend(direct(host, publisher, it, &outside));
    }
    doors
}

/// The addresses by which a neighbour on a link can ask for a binding.
fn addresses(binding: Binding, link: &Link, own: &[IpAddr]) -> Vec<(Way, IpAddr)> {
    let family = Family::of(binding.address);
    if binding.address.is_loopback() {
        // ::1 is never on a wire.
        return if family == Family::V4 { vec![(Way::Loopback, binding.address)] } else { Vec::new() };
    }
    if !binding.address.is_unspecified() {
        return vec![(Way::Host, binding.address)];
    }
    let of_family = |address: &IpAddr| Family::of(*address) == family;
    let mut here: Vec<IpAddr> = link.addresses.iter().map(|address| address.net.addr()).filter(of_family).collect();
    if here.is_empty() {
        // Packets to the other addresses of the host may still come in here.
        here = own.iter().copied().filter(of_family).filter(|address| !is_link_local(*address)).collect();
    }
    here.into_iter().map(|address| (Way::Host, address)).collect()
}

fn own_addresses(outside: &[&Link]) -> Vec<IpAddr> {
    outside.iter().flat_map(|link| &link.addresses).map(|address| address.net.addr()).collect()
}

/// True for addresses that count on their own link only.
pub fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

/// The ways to a container's own addresses on bridges of this host: its published and its exposed ports.
fn direct(host: &Host, publisher: usize, it: &Publisher, outside: &[&Link]) -> Vec<Door> {
    let is_apart = host.engine.as_ref().is_some_and(|engine| engine.seat.is_apart());
    let mut ports: BTreeSet<(u16, Protocol)> = it.bindings.iter().map(|binding| (binding.target, binding.protocol)).collect();
    ports.extend(it.exposed.iter().chain(&it.unopened));
    let mut doors = Vec::new();
    for (network, address) in at(host, it).filter(|(network, _)| network.bridge.is_some() && !is_apart) {
        for link in outside.iter().filter(|link| network.bridge.as_deref() != Some(&*link.name)) {
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
