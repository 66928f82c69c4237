//! Who knocks where: the exposure paths of published ports, as a list of probes.
//!
//! In: a host's compose file, its links and its containers' addresses. Out: probes. With the usual file the rows are: a port on all
//! addresses over IPv4 (NAT) and IPv6 (docker-proxy, and NAT on a network with IPv6); on loopback; on one address, asked by the other
//! link; link-local; container addresses directly, published and not; an internal network; the host's network; macvlan; routed and
//! nat-unprotected networks.
//!
//! It sends nothing.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;

use crate::network::{Link, Neighbour, host_link_local};
use crate::probe::{Origin, Probe};
use crate::project::{Port, Project};
use crate::site::{EGRESS, Site};

/// TCP ports of the host that are asked beside the published ones: ssh, one that a process in the host's network has, one that nobody
/// has, and one that a rule made by hand leads away.
const TCP: [u16; 4] = [22, 9091, 9090, 8099];
/// A UDP port of the host that nobody has.
const UDP: u16 = 53;
/// The first two ports of the range from which the engine takes one where none is named.
pub(crate) const EPHEMERAL: [u16; 2] = [32_768, 32_769];
/// Ports that are asked over loopback and link-local addresses, and from inside.
const NEAR: [u16; 5] = [8080, 8081, 8084, 8086, 9090];
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The host's ports that are asked.
fn ports(project: &Project) -> BTreeSet<Port> {
    let more = TCP.iter().chain(&EPHEMERAL).chain(&NEAR).map(|port| ("tcp".to_owned(), *port));
    project.published().into_iter().chain(more).chain([("udp".to_owned(), UDP)]).collect()
}

/// Every neighbour's sources against every address of the host, and what of loopback and link-local can be sent.
pub(crate) fn to_the_host(site: &Site) -> Result<Vec<Probe>> {
    let addresses: Vec<_> = site.neighbours.iter().flat_map(|at| at.link.host_addresses()).collect();
    let ports = ports(&site.project);
    let mut probes = Vec::new();
    for Neighbour { link, .. } in &site.neighbours {
        for src in link.sources() {
            for dst in addresses.iter().filter(|dst| dst.is_ipv4() == src.is_ipv4()) {
                probes.extend(ports.iter().map(|(proto, port)| outside(proto, src, *dst, *port, link)));
            }
        }
        let first = link.sources()[0];
        let loopback = NEAR[..2].iter().filter(|_| first.is_ipv4());
        probes.extend(loopback.map(|port| outside("tcp", first, LOOPBACK, *port, link)));
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
        let listens = site.project.listens(&container);
        for (dst, Neighbour { link, .. }) in addresses.iter().flat_map(|dst| site.neighbours.iter().map(move |at| (dst, at))) {
            for src in link.sources().into_iter().filter(|src| src.is_ipv4() == dst.is_ipv4()) {
                probes.extend(listens.iter().map(|(proto, port)| outside(proto, src, *dst, *port, link)));
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
    let published: Vec<_> = near.host_addresses().into_iter().flat_map(|own| NEAR.map(|port| (own, port))).collect();
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

fn outside(proto: &str, src: IpAddr, dst: IpAddr, port: u16, link: &Link) -> Probe {
    Probe::new(proto, src, dst, port, Origin::Link(link.name.to_owned()))
}
