//! The cables: which links a host has, who sits at the other end, and how the neighbours route.
//!
//! In: an [`Island`] and [`Link`]s. Out: its [`Neighbour`]s, able to send from their addresses. A link is a plain cable, or a device
//! that stands on one: a bridge of the admin's own, a macvlan, a vxlan. Each neighbour routes everything through the host, container
//! networks and `127.0.0.1` included: the nosy neighbour of CVE-2025-54388's kind. Neighbours know each other.
//!
//! It sets no firewall and starts no process of the host.

use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::island::{Island, Wire, output};

/// What an interface of the host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The cable itself.
    Cable,
    /// A bridge with the cable, called `NAME-port`, in it.
    Bridge,
    /// A macvlan on the cable `NAME-port`, which has no address.
    Macvlan,
    /// A vxlan through the cable `NAME-port`, which carries [`UNDERLAY`].
    Vxlan,
}

/// The addresses at the two ends of a cable that carries a vxlan: the host's, the neighbour's.
const UNDERLAY: [&str; 2] = ["192.168.144.1", "192.168.144.2"];

/// A link of the host and the addresses at both ends.
pub(crate) struct Link {
    /// The host's interface.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) host: &'static [&'static str],
    /// With their prefix lengths; whole ones (`/32`) stand for machines beyond the neighbour.
    pub(crate) neighbour: &'static [&'static str],
}

pub(crate) const ETH0: Link = Link {
    name: "eth0",
    kind: Kind::Cable,
    host: &["198.51.100.1/24", "2001:db8:14::1/64"],
    neighbour: &["198.51.100.2/24", "198.51.100.3/24", "2001:db8:14::2/64"],
};
pub(crate) const ETH1: Link = Link { name: "eth1", kind: Kind::Cable, host: &["10.20.0.1/24"], neighbour: &["10.20.0.2/24"] };
pub(crate) const BR_LAN: Link =
    Link { name: "br-lan", kind: Kind::Bridge, host: &["192.168.77.1/24"], neighbour: &["192.168.77.2/24"] };

impl Link {
    /// The host's addresses on this link, without their prefix lengths.
    pub(crate) fn host_addresses(&self) -> Vec<IpAddr> {
        bare(self.host)
    }

    /// The neighbour's addresses, without their prefix lengths.
    pub(crate) fn sources(&self) -> Vec<IpAddr> {
        bare(self.neighbour)
    }
}

/// Addresses without their prefix lengths.
fn bare(addresses: &[&str]) -> Vec<IpAddr> {
    addresses.iter().filter_map(|address| address.split('/').next()?.parse().ok()).collect()
}

/// What sits at the other end of a link.
pub(crate) struct Neighbour {
    pub(crate) link: &'static Link,
    pub(crate) wire: Wire,
}

/// Lays the links of a host and sets its neighbours up.
pub(crate) fn lay(island: &Island, links: &[&'static Link]) -> Result<Vec<Neighbour>> {
    let neighbours: Vec<_> = links.iter().map(|link| join(island, link)).collect::<Result<_>>()?;
    for (at, one) in neighbours.iter().enumerate() {
        for (number, other) in neighbours.iter().enumerate().skip(at + 1) {
            one.meet(other, at * 16 + number)?;
        }
    }
    Ok(neighbours)
}

/// Lays one link.
pub(crate) fn join(island: &Island, link: &'static Link) -> Result<Neighbour> {
    let wire = Wire::new()?;
    let (host, there) = (island.pid().to_string(), wire.pid().to_string());
    let port = if link.kind == Kind::Cable { link.name.to_owned() } else { format!("{}-port", link.name) };
    let end = if link.kind == Kind::Vxlan { &port } else { "eth0" };
    let cable = ["link", "add", &port, "netns", &host, "type", "veth", "peer", "name", end, "netns", &there];
    output(Command::new("ip").args(cable))?;
    let neighbour = Neighbour { link, wire };
    neighbour.stand(island, &port)?;
    for address in link.host {
        ip(island, &["address", "add", address, "dev", link.name, "nodad"])?;
    }
    no_detection(&mut island.outside("sysctl"), link.name)?;
    ip(island, &["link", "set", link.name, "up"])?;
    neighbour.configure()?;
    await_carrier(island, link.name)?;
    Ok(neighbour)
}

/// Waits until an interface carries: what stands on a cable takes a moment to hear of it, and what is sent meanwhile is lost.
fn await_carrier(island: &Island, interface: &str) -> Result<()> {
    for _ in 0..50 {
        let links: Value = serde_json::from_str(&ip(island, &["-j", "link", "show", "dev", interface])?)?;
        if ["UP", "UNKNOWN"].contains(&links[0]["operstate"].as_str().unwrap_or_default()) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("{interface} gets no carrier")
}

/// Lets an interface use its link-local address at once, without asking whether another has it.
fn no_detection(sysctl: &mut Command, interface: &str) -> Result<()> {
    output(sysctl.args(["-q", &format!("net/ipv6/conf/{interface}/accept_dad=0")])).map(drop)
}

/// Runs the machine's `ip` on the host.
fn ip(island: &Island, words: &[&str]) -> Result<String> {
    output(island.outside("ip").args(words))
}

impl Neighbour {
    /// Makes what stands on the cable, where the link is not the cable itself.
    fn stand(&self, island: &Island, port: &str) -> Result<()> {
        let name = self.link.name;
        match self.link.kind {
            Kind::Cable => return Ok(()),
            Kind::Bridge => {
                ip(island, &["link", "add", name, "type", "bridge"])?;
                ip(island, &["link", "set", port, "master", name])?;
            }
            Kind::Macvlan => {
                ip(island, &["link", "add", "link", port, "name", name, "type", "macvlan"])?;
                // The cable below hears the same questions, and would answer for the other's address.
                output(island.outside("sysctl").args(["-q", &format!("net/ipv4/conf/{port}/arp_ignore=1")]))?;
            }
            Kind::Vxlan => {
                let [own, other] = UNDERLAY;
                let vxlan = ["type", "vxlan", "id", "7", "dstport", "4789", "dev", port];
                ip(island, &["address", "add", &format!("{own}/24"), "dev", port])?;
                ip(island, &[&["link", "add", name][..], &vxlan, &["remote", other]].concat())?;
                self.ip(&["address", "add", &format!("{other}/24"), "dev", port])?;
                self.ip(&[&["link", "add", "eth0"][..], &vxlan, &["remote", own]].concat())?;
                self.ip(&["link", "set", port, "up"])?;
            }
        }
        ip(island, &["link", "set", port, "up"]).map(drop)
    }

    /// Addresses and routes. Loopback stays down, so that `127.0.0.1` can be routed out to the host.
    fn configure(&self) -> Result<()> {
        for address in self.link.neighbour {
            self.ip(&["address", "add", address, "dev", "eth0", "nodad"])?;
        }
        no_detection(&mut self.wire.command("sysctl"), "eth0")?;
        self.ip(&["link", "set", "eth0", "up"])?;
        for key in ["all/rp_filter=0", "eth0/rp_filter=0", "eth0/route_localnet=1"] {
            output(self.wire.command("sysctl").args(["-q", &format!("net/ipv4/conf/{key}")]))?;
        }
        let gateways = self.link.host_addresses();
        let first = |v6| gateways.iter().find(|address| address.is_ipv6() == v6);
        for gateway in [first(false), first(true)].into_iter().flatten() {
            let family = if gateway.is_ipv6() { "-6" } else { "-4" };
            let via = [family, "route", "add", "default", "via", &gateway.to_string(), "dev", "eth0"];
            self.ip(&via)?;
            if gateway.is_ipv4() {
                self.ip(&["route", "add", "127.0.0.1/32", "via", &gateway.to_string(), "dev", "eth0"])?;
            }
        }
        Ok(())
    }

    /// A cable to another neighbour, as the world beyond them has: what the host answers by another link than it was asked by arrives
    /// all the same.
    fn meet(&self, other: &Self, number: usize) -> Result<()> {
        let trunk = format!("trunk{number}");
        let (here, there) = (self.wire.pid().to_string(), other.wire.pid().to_string());
        let cable = ["link", "add", &trunk, "netns", &here, "type", "veth", "peer", "name", &trunk, "netns", &there];
        output(Command::new("ip").args(cable))?;
        for (end, own, far, beyond) in [(self, 1, 2, other), (other, 2, 1, self)] {
            for address in [format!("192.168.{number}.{own}/24"), format!("fd00:{number}::{own}/64")] {
                end.ip(&["address", "add", &address, "dev", &trunk, "nodad"])?;
            }
            end.ip(&["link", "set", &trunk, "up"])?;
            output(end.wire.command("sysctl").args(["-q", "net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1"]))?;
            output(end.wire.command("sysctl").args(["-q", &format!("net/ipv4/conf/{trunk}/rp_filter=0")]))?;
            for source in beyond.link.sources() {
                let via = if source.is_ipv4() { format!("192.168.{number}.{far}") } else { format!("fd00:{number}::{far}") };
                end.ip(&["route", "add", &source.to_string(), "via", &via])?;
            }
        }
        Ok(())
    }

    /// Runs the machine's `ip` in the neighbour's network.
    fn ip(&self, words: &[&str]) -> Result<String> {
        output(self.wire.command("ip").args(words))
    }

    /// The neighbour's own link-local address.
    pub(crate) fn link_local(&self) -> Result<IpAddr> {
        link_local(&self.ip(&["-j", "-6", "address", "show", "dev", "eth0"])?)
    }
}

/// The host's link-local address on an interface.
pub(crate) fn host_link_local(island: &Island, interface: &str) -> Result<IpAddr> {
    link_local(&ip(island, &["-j", "-6", "address", "show", "dev", interface])?)
}

/// The link-local address in what `ip -j address` prints.
fn link_local(text: &str) -> Result<IpAddr> {
    let links: Value = serde_json::from_str(text)?;
    let mut addresses = links.as_array().into_iter().flatten();
    let mut addresses = addresses.by_ref().flat_map(|link| link["addr_info"].as_array().into_iter().flatten());
    let found = addresses.find(|address| address["scope"] == "link").and_then(|address| address["local"].as_str());
    found.context("the link has no link-local address")?.parse().context("a link-local address that is none")
}
