//! What runs on every host, and who knocks where: the exposure paths of published ports, as data.
//!
//! In: the engine's version and the containers' addresses. Out: networks, containers, and the list of probes. The rows:
//! a port on all addresses over IPv4 (NAT) and IPv6 (docker-proxy, and NAT on a network with IPv6); on loopback; on one
//! address, asked by the other link; link-local; container addresses directly, published and not; an internal network; the
//! host's network; macvlan; routed and nat-unprotected networks.
//!
//! It sends nothing.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;

use crate::engine;
use crate::island::Island;
use crate::network::{Link, Neighbour, host_link_local};
use crate::probe::{Origin, Probe};
use crate::site::{EGRESS, Site};

/// A network of the engine, by the words of `docker network create` before its name.
struct Network {
    name: &'static str,
    /// The first engine that knows these options.
    since: u32,
    words: &'static [&'static str],
}

const NETWORKS: &[Network] = &[
    Network { name: "appnet", since: 20, words: &["--ipv6", "--subnet", "172.30.1.0/24", "--subnet", "fd00:30:1::/64"] },
    Network { name: "inner", since: 20, words: &["--internal", "--subnet", "172.30.2.0/24"] },
    Network {
        name: "routed",
        since: 28,
        words: &[
            "--ipv6",
            "--subnet",
            "172.30.3.0/24",
            "--subnet",
            "fd00:30:3::/64",
            "-o",
            "com.docker.network.bridge.gateway_mode_ipv4=routed",
            "-o",
            "com.docker.network.bridge.gateway_mode_ipv6=routed",
        ],
    },
    Network {
        name: "unprot",
        since: 28,
        words: &["--subnet", "172.30.4.0/24", "-o", "com.docker.network.bridge.gateway_mode_ipv4=nat-unprotected"],
    },
    Network { name: "lan", since: 20, words: &["--driver", "macvlan", "--subnet", "198.51.100.0/24", "-o", "parent=eth0"] },
];

/// A container, by the words of `docker run` before the image.
struct Container {
    name: &'static str,
    since: u32,
    words: &'static [&'static str],
    listens: &'static [&'static str],
}

/// A container of every engine, on port 80.
const WEB: Container = Container { name: "web", since: 20, words: &["-p", "8080:80"], listens: &["tcp/80", "tcp/81"] };

const CONTAINERS: &[Container] = &[
    WEB,
    Container { name: "loopback", words: &["-p", "127.0.0.1:8081:80"], ..WEB },
    Container { name: "hostip", words: &["-p", "198.51.100.1:8082:80"], ..WEB },
    Container { name: "v6only", words: &["-p", "[::]:8083:80"], ..WEB },
    Container { name: "opened", words: &["-p", "8084:80"], ..WEB },
    Container { name: "rich", words: &["-p", "8085:80"], ..WEB },
    Container { name: "remap", words: &["-p", "80:8000"], listens: &["tcp/8000"], ..WEB },
    Container { name: "range", words: &["-p", "9000-9002:7000-7002"], listens: &["tcp/7000", "tcp/7001", "tcp/7002"], ..WEB },
    Container { name: "ephemeral", words: &["-p", "80"], ..WEB },
    Container { name: "dns", words: &["-p", "5353:53/udp"], listens: &["udp/53"], ..WEB },
    Container { name: "hostnet", words: &["--network", "host"], listens: &["tcp/9091"], ..WEB },
    Container {
        name: "app",
        words: &["--network", "appnet", "--ip", "172.30.1.2", "--ip6", "fd00:30:1::2", "-p", "8086:80"],
        ..WEB
    },
    Container { name: "unpublished", words: &[], ..WEB },
    Container { name: "inner", words: &["--network", "inner", "-p", "8087:80"], ..WEB },
    Container { name: "lanip", words: &["-p", "10.20.0.1:8089:80"], ..WEB },
    Container { name: "lanhost", words: &["--network", "lan", "--ip", "198.51.100.50"], ..WEB },
    Container { name: "routed", since: 28, words: &["--network", "routed", "-p", "80"], ..WEB },
    Container { name: "unprot", since: 28, words: &["--network", "unprot", "-p", "8088:80"], ..WEB },
];

/// TCP ports of the host that are asked: all that are published, ssh, and 9090, which no container has.
const TCP: &[u16] = &[22, 80, 8080, 8081, 8082, 8083, 8084, 8085, 8086, 8087, 8088, 8089, 8099, 9000, 9001, 9002, 9090, 9091];
/// The first port of the range from which the engine takes one where none is named.
const EPHEMERAL: u16 = 32_768;
const UDP: &[u16] = &[53, 5353];
/// Ports of the host that are asked from inside.
const INSIDE: [u16; 5] = [8080, 8081, 8084, 8086, 9090];
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Makes the networks and starts the containers that this engine can have.
pub(crate) fn populate(island: &Island) -> Result<()> {
    let engine = engine::major(island)?;
    for network in NETWORKS.iter().filter(|network| network.since <= engine) {
        let mut argv = vec!["docker", "network", "create"];
        argv.extend(network.words);
        argv.push(network.name);
        island.run(&argv)?;
    }
    for container in CONTAINERS.iter().filter(|container| container.since <= engine) {
        engine::run(island, container.name, container.words, container.listens)?;
    }
    Ok(())
}

/// Every neighbour's sources against every address of the host, and what of loopback and link-local can be sent.
pub(crate) fn to_the_host(site: &Site) -> Result<Vec<Probe>> {
    let addresses: Vec<_> = site.neighbours.iter().flat_map(|at| at.link.host_addresses()).collect();
    let mut probes = Vec::new();
    for Neighbour { link, .. } in &site.neighbours {
        for src in link.sources() {
            for dst in addresses.iter().filter(|dst| dst.is_ipv4() == src.is_ipv4()) {
                probes.extend(TCP.iter().chain([&EPHEMERAL]).map(|port| outside("tcp", src, *dst, *port, link)));
                probes.extend(UDP.iter().map(|port| outside("udp", src, *dst, *port, link)));
            }
        }
        let first = link.sources()[0];
        probes.extend([8080, 8081].map(|port| outside("tcp", first, LOOPBACK, port, link)));
    }
    let near = &site.neighbours[0];
    let (src, dst) = (near.link_local()?, host_link_local(&site.island, near.link.name)?);
    probes.extend([80, 8080, 8086].map(|port| outside("tcp", src, dst, port, near.link)));
    Ok(probes)
}

/// Every neighbour's sources against every address of every container, on its published and unpublished ports.
pub(crate) fn to_containers(site: &Site) -> Vec<Probe> {
    let mut probes = Vec::new();
    for (container, addresses) in site.addresses() {
        for (dst, Neighbour { link, .. }) in addresses.iter().flat_map(|dst| site.neighbours.iter().map(move |at| (dst, at))) {
            for src in link.sources().into_iter().filter(|src| src.is_ipv4() == dst.is_ipv4()) {
                probes.extend(listened(&container).map(|(proto, port)| outside(proto, src, *dst, port, link)));
            }
        }
    }
    probes
}

/// What works from inside, and has to go on working: containers to the host's ports, to each other and out; the host to its own.
pub(crate) fn from_inside(site: &Site) -> Vec<Probe> {
    let near = site.neighbours[0].link;
    let mut probes = Vec::new();
    let containers = site.addresses();
    let web = containers.get("web").into_iter().flatten().map(|address| (*address, 80));
    let published: Vec<_> = near.host_addresses().into_iter().flat_map(|own| INSIDE.map(|port| (own, port))).collect();
    let away: Vec<_> = near.sources().into_iter().map(|address| (address, EGRESS)).chain(web.clone()).collect();
    for name in ["app", "unpublished"] {
        for src in containers.get(name).into_iter().flatten() {
            let fit = published.iter().chain(&away).filter(|(dst, _)| dst.is_ipv4() == src.is_ipv4());
            probes.extend(fit.map(|(dst, port)| Probe::new("tcp", *src, *dst, *port, Origin::Container(name.to_owned()))));
        }
    }
    let own = published.into_iter().chain([8080, 8081].map(|port| (LOOPBACK, port)));
    probes.extend(own.map(|(dst, port)| Probe::new("tcp", dst, dst, port, Origin::Host)));
    probes
}

/// What a container of this name answers on.
fn listened(name: &str) -> impl Iterator<Item = (&'static str, u16)> {
    let found = CONTAINERS.iter().find(|container| container.name == name);
    let words = found.map_or(&[][..], |container| container.listens).iter();
    words.filter_map(|word| word.split_once('/')).filter_map(|(proto, port)| Some((proto, port.parse().ok()?)))
}

fn outside(proto: &str, src: IpAddr, dst: IpAddr, port: u16, link: &Link) -> Probe {
    Probe::new(proto, src, dst, port, Origin::Link(link.name.to_owned()))
}
