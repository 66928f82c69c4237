//! Packets that a lock is to leave alone, whatever it does: those that the proof asks about.
//!
//! In: a host, and what is to hold there. Out: packets of containers and of the host itself, and of neighbours to the host's own services.

use crate::judge::doors;
use crate::model::guard::{Guard, Ports};
use crate::model::host::{Host, Link};
use crate::model::packet::{Protocol, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Ports that are asked on the host and in the world outside: a name server, ssh, one that nobody has.
const BYSTANDERS: [(u16, Protocol); 4] =
    [(22, Protocol::TCP), (53, Protocol::UDP), (443, Protocol::TCP), (47_808, Protocol::TCP)];

/// Somebody who sends packets that have nothing to do with what a lock is for.
pub(super) struct Bystander {
    /// The interface that they come in by.
    pub(super) interface: Arc<str>,
    /// Who sends them.
    pub(super) source: IpAddr,
    /// What they are sent to, all of one family.
    pub(super) targets: Vec<Target>,
}

/// All bystanders. Of networks, ports and addresses of the host each is asked about, but not each with each.
pub(super) fn of(host: &Host, guard: &Guard) -> Vec<Bystander> {
    let outside = doors::outside(host);
    let own: Vec<IpAddr> = outside.iter().flat_map(|link| &link.addresses).map(|own| own.net.addr()).collect();
    let bindings = || host.publishers.iter().flat_map(|it| &it.bindings);
    let published: BTreeSet<Port> = bindings().filter_map(|it| Some((it.port?, it.protocol))).collect();
    let is_free = |(port, protocol): &Port| match &guard.served {
        Ports::Only(served) => !served.iter().any(|it| (it.port, it.protocol) == (*port, *protocol)),
        Ports::AllBut(held) => held.iter().any(|it| (it.port, it.protocol, it.at.prefix_len()) == (*port, *protocol, 0)),
    };
    let free: Vec<Port> = BYSTANDERS.into_iter().filter(is_free).collect();
    let neighbours = neighbours(&outside);
    let homes = homes(host);
    let mut packets = Packets::default();
    for (at, (bridge, source)) in homes.iter().enumerate() {
        packets.add(bridge, *source, neighbours.iter().map(|(_, address)| *address), &BYSTANDERS);
        packets.add(bridge, *source, own.iter().copied(), &BYSTANDERS);
        let next = homes.iter().cycle().skip(at + 1).take(homes.len()).map(|(_, other)| *other);
        packets.add(bridge, *source, next.filter(|other| other.is_ipv4() == source.is_ipv4()).take(1), &BYSTANDERS);
    }
    // Each published port is asked for from one network after the other, at one address after the other.
    let ways: Vec<_> = homes.iter().flat_map(|home| own.iter().map(move |address| (home, *address))).collect();
    let ways = ways.into_iter().filter(|((_, source), address)| source.is_ipv4() == address.is_ipv4()).collect::<Vec<_>>();
    for (port, ((bridge, source), address)) in published.iter().zip(ways.iter().cycle()) {
        packets.add(bridge, *source, [*address], &[*port]);
    }
    for (port, address) in published.iter().zip(own.iter().cycle()) {
        packets.add("lo", *address, [*address], &[*port]);
    }
    for address in &own {
        for (link, neighbour) in &neighbours {
            packets.add(link, *neighbour, [*address], &free);
        }
    }
    let bystander = |((interface, source), targets)| Bystander { interface, source, targets };
    packets.0.into_iter().map(bystander).collect()
}

type Port = (u16, Protocol);

/// Packets by their senders, to targets of their family.
#[derive(Default)]
struct Packets(BTreeMap<(Arc<str>, IpAddr), Vec<Target>>);

impl Packets {
    fn add(&mut self, interface: &str, source: IpAddr, to: impl IntoIterator<Item = IpAddr>, ports: &[Port]) {
        let targets = self.0.entry((interface.into(), source)).or_default();
        for address in to.into_iter().filter(|address| address.is_ipv4() == source.is_ipv4()) {
            targets.extend(ports.iter().map(|(port, protocol)| Target { address, port: *port, protocol: *protocol }));
        }
    }
}

/// Somebody on each link.
fn neighbours<'a>(outside: &[&'a Link]) -> Vec<(&'a str, IpAddr)> {
    let on = |link: &'a Link| {
        let nets = link.addresses.iter().map(|own| own.net);
        nets.filter_map(|net| Some((&*link.name, net.hosts().take(2).find(|address| *address != net.addr())?)))
    };
    outside.iter().flat_map(|link| on(link)).collect()
}

/// A container of each network, with its bridge.
fn homes(host: &Host) -> Vec<(&str, IpAddr)> {
    let mut homes = Vec::new();
    for network in &host.networks {
        let Some(bridge) = network.bridge.as_deref() else { continue };
        let at =
            || host.endpoints.iter().filter(|endpoint| endpoint.network == network.id).flat_map(|endpoint| &endpoint.addresses);
        homes.extend(at().find(|address| address.is_ipv4()).map(|address| (bridge, *address)));
        homes.extend(at().find(|address| address.is_ipv6()).map(|address| (bridge, *address)));
    }
    homes
}
