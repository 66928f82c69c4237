//! What comes to be after the lock: two networks with two containers each, one bridge named by its owner, and an outside interface.
//!
//! In: a running host. Out: the containers, and the probes that ask about them. The same are made once before the lock, so that what
//! works from inside is known.
//!
//! It compares nothing.

use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::engine::{self, IMAGE};
use crate::network::{self, Kind, Link};
use crate::probe::{Origin, Outcome, Probe};
use crate::site::{EGRESS, Site};

/// How long the last container is given, and how long between two looks.
const WHILE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// The interface.
const ETH7: Link = Link {
    name: "eth7",
    kind: Kind::Cable,
    host: &["10.77.0.1/24", "2001:db8:77::1/64"],
    neighbour: &["10.77.0.2/24", "2001:db8:77::2/64"],
};

/// A network with a container that publishes a port and one that does not.
struct Network {
    name: &'static str,
    options: &'static [&'static str],
    /// The container that publishes, its addresses, the host's port.
    serves: &'static str,
    addresses: [&'static str; 2],
    port: u16,
    /// The container that asks.
    asks: &'static str,
    asks_from: [&'static str; 2],
}

const NETWORKS: [Network; 2] = [
    Network {
        name: "later",
        options: &["--subnet", "172.29.1.0/24", "--ipv6", "--subnet", "fd00:29:1::/64"],
        serves: "late",
        addresses: ["172.29.1.2", "fd00:29:1::2"],
        port: 8120,
        asks: "lateral",
        asks_from: ["172.29.1.3", "fd00:29:1::3"],
    },
    Network {
        name: "named-later",
        options: &[
            "--opt",
            "com.docker.network.bridge.name=own0",
            "--subnet",
            "172.29.2.0/24",
            "--ipv6",
            "--subnet",
            "fd00:29:2::/64",
        ],
        serves: "named-late",
        addresses: ["172.29.2.2", "fd00:29:2::2"],
        port: 8121,
        asks: "named-lateral",
        asks_from: ["172.29.2.3", "fd00:29:2::3"],
    },
];

/// Starts all of it.
///
/// # Errors
///
/// The engine refuses; with what it said.
pub(crate) fn begin(site: &mut Site) -> Result<()> {
    for network in &NETWORKS {
        let Network { name, options, serves, addresses, port, asks, asks_from } = network;
        site.island.run(&[&["docker", "network", "create"], *options, &[name]].concat())?;
        let publish = format!("{port}:80");
        let place = |at: &[&'static str; 2]| ["--network", name, "--ip", at[0], "--ip6", at[1]];
        let run = ["docker", "run", "--detach", "--name"];
        let served = [IMAGE, serves, "tcp/80", "tcp/81"];
        site.island.run(&[&run[..], &[serves], &place(addresses), &["--publish", &publish], &served].concat())?;
        site.island.run(&[&run[..], &[asks], &place(asks_from), &[IMAGE, asks, "tcp/80"]].concat())?;
    }
    site.inspected = engine::inspect_all(&site.island)?;
    await_listeners(site)
}

/// Waits until all of them listen: a container, and a proxy, is there before the process that it leads to.
fn await_listeners(site: &Site) -> Result<()> {
    let addresses = NETWORKS.iter().flat_map(|network| [network.addresses[0], network.asks_from[0]]);
    let mut own = site.neighbours.iter().flat_map(|at| at.link.host_addresses());
    let src = own.find(IpAddr::is_ipv4).context("the host has no address of v4")?;
    let probes: Vec<_> = addresses.filter_map(|at| Some(Probe::new("tcp", src, at.parse().ok()?, 80, Origin::Host))).collect();
    let end = Instant::now() + WHILE;
    while !site.ask(&probes)?.iter().all(Outcome::answered) {
        ensure!(Instant::now() < end, "containers that were started later do not listen");
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Takes all of it away.
///
/// # Errors
///
/// The engine refuses; with what it said.
pub(crate) fn end(site: &mut Site) -> Result<()> {
    let containers: Vec<_> = NETWORKS.iter().flat_map(|network| [network.serves, network.asks]).collect();
    site.island.run(&[&["docker", "rm", "-f"], &containers[..]].concat())?;
    let networks: Vec<_> = NETWORKS.iter().map(|network| network.name).collect();
    site.island.run(&[&["docker", "network", "rm"], &networks[..]].concat())?;
    site.inspected = engine::inspect_all(&site.island)?;
    Ok(())
}

/// Every neighbour's sources against the ports that are published later, at the host's addresses.
pub(crate) fn to_the_host(site: &Site) -> Vec<Probe> {
    let addresses: Vec<_> = site.neighbours.iter().flat_map(|at| at.link.host_addresses()).collect();
    from_outside(site, &addresses, &NETWORKS.map(|network| network.port))
}

/// Every neighbour's sources against the containers themselves.
pub(crate) fn to_containers(site: &Site) -> Vec<Probe> {
    let addresses: Vec<_> = NETWORKS.iter().flat_map(|network| network.addresses).filter_map(|at| at.parse().ok()).collect();
    from_outside(site, &addresses, &[80, 81])
}

fn from_outside(site: &Site, addresses: &[IpAddr], ports: &[u16]) -> Vec<Probe> {
    let sources = site.neighbours.iter().flat_map(|at| at.link.sources().into_iter().map(|src| (src, at.link.name)));
    let pairs = sources.flat_map(|(src, link)| addresses.iter().map(move |dst| (src, *dst, link)));
    let fit = pairs.filter(|(src, dst, _)| src.is_ipv4() == dst.is_ipv4());
    let each = |(src, dst, link): (IpAddr, IpAddr, &'static str)| {
        ports.iter().map(move |port| Probe::new("tcp", src, dst, *port, Origin::Link(link.to_owned())))
    };
    fit.flat_map(each).collect()
}

/// What works from inside: out, to the neighbour container, to a port of the own network and of another through the host's address.
pub(crate) fn from_inside(site: &Site) -> Vec<Probe> {
    let near = site.neighbours[0].link;
    let mut places: Vec<_> = near.sources().into_iter().map(|address| (address, EGRESS)).collect();
    let ports = [8080, 8084, NETWORKS[0].port, NETWORKS[1].port];
    places.extend(near.host_addresses().into_iter().flat_map(|own| ports.map(|port| (own, port))));
    places.extend(NETWORKS.iter().flat_map(|network| network.addresses).filter_map(|at| Some((at.parse().ok()?, 80))));
    let mut probes = Vec::new();
    for network in &NETWORKS {
        let sources: Vec<IpAddr> = network.asks_from.iter().filter_map(|at| at.parse().ok()).collect();
        for (src, (dst, port)) in sources.iter().flat_map(|src| places.iter().map(move |place| (src, place))) {
            let fit = src.is_ipv4() == dst.is_ipv4();
            probes.extend(fit.then(|| Probe::new("tcp", *src, *dst, *port, Origin::Container(network.asks.to_owned()))));
        }
    }
    let own = near.host_addresses().into_iter().flat_map(|own| NETWORKS.map(|network| (own, network.port)));
    probes.extend(own.map(|(dst, port)| Probe::new("tcp", dst, dst, port, Origin::Host)));
    probes
}

/// True if the rules of iptables can tell what comes by a port of a bridge: br_netfilter is on, for both families.
pub(crate) fn shows_ports(site: &Site) -> bool {
    let settings = ["iptables", "ip6tables"].map(|name| format!("/proc/sys/net/bridge/bridge-nf-call-{name}"));
    let printed = site.island.run(&[&["cat"], &settings.each_ref().map(String::as_str)[..]].concat());
    printed.is_ok_and(|values| values == "1\n1\n")
}

/// True where a packet comes from the network whose bridge its owner named, other than within it and out: rules of iptables that were made
/// before know it for neither inside nor outside, where they cannot tell that it comes by a bridge.
pub(crate) fn is_unknown(probe: &Probe) -> bool {
    let [_, named] = &NETWORKS;
    let own: Vec<IpAddr> = named.addresses.iter().filter_map(|at| at.parse().ok()).collect();
    let is_from = probe.origin == Origin::Container(named.asks.to_owned());
    is_from && probe.port != EGRESS && !own.contains(&probe.dst)
}

/// Doors to knock at while all of it comes to be: each port over IPv4, the first over IPv6 too, and a container itself.
pub(crate) fn doors(site: &Site) -> Vec<Probe> {
    let near = site.neighbours[0].link;
    let first: Vec<_> =
        [false, true].into_iter().filter_map(|six| near.sources().into_iter().find(|src| src.is_ipv6() == six)).collect();
    let own = near.host_addresses();
    let is_door = |probe: &Probe| {
        let by_port = own.contains(&probe.dst) && (probe.dst.is_ipv4() || probe.port == NETWORKS[0].port);
        let by_address = probe.port == 80 && probe.dst.is_ipv4();
        first.contains(&probe.src) && (by_port || by_address)
    };
    to_the_host(site).into_iter().chain(to_containers(site)).filter(is_door).collect()
}

/// Plugs the interface in; its neighbour is the site's last.
///
/// # Errors
///
/// It cannot be made, or gets no carrier.
pub(crate) fn plug(site: &mut Site) -> Result<()> {
    site.neighbours.push(network::join(&site.island, &ETH7)?);
    Ok(())
}

/// Takes the interface away.
///
/// # Errors
///
/// It is not there.
pub(crate) fn unplug(site: &mut Site) -> Result<()> {
    // With its neighbour it would go too, but later.
    site.island.run(&["ip", "link", "delete", ETH7.name])?;
    site.neighbours.pop();
    Ok(())
}

/// Every source behind the interface against what the host serves there, at its own address and at the first link's, and a container.
pub(crate) fn by_plugged(site: &Site) -> Vec<Probe> {
    let near = site.neighbours[0].link;
    let addresses: Vec<_> = ETH7.host_addresses().into_iter().chain(near.host_addresses()).collect();
    let mut probes = from_outside(site, &addresses, &[22, 80, 8080, 8084, 8086, 9090]);
    probes.retain(|probe| probe.interface() == Some(ETH7.name));
    probes
}
