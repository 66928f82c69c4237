//! The cables: which links a host has, who sits at the other end, and how the neighbours route.
//!
//! In: an [`Island`]. Out: its [`Neighbour`]s, able to send from their addresses. Two links on every host (`eth0`, `eth1`), on
//! some a bridge `br-lan` of the admin's own with a machine behind it, which the engine knows nothing of. Each neighbour
//! routes everything through the host, container networks and `127.0.0.1` included: the nosy neighbour of CVE-2025-54388's kind.
//!
//! It sets no firewall and starts no process of the host.

use std::net::IpAddr;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::island::{Island, Wire, output};

/// A link of the host and the addresses at both ends.
pub(crate) struct Link {
    /// The host's interface; a name that begins with `br-` is a bridge with the neighbour's cable in it.
    pub(crate) name: &'static str,
    pub(crate) host: &'static [&'static str],
    pub(crate) neighbour: &'static [&'static str],
}

pub(crate) const ETH0: Link = Link {
    name: "eth0",
    host: &["198.51.100.1/24", "2001:db8:14::1/64"],
    neighbour: &["198.51.100.2/24", "198.51.100.3/24", "2001:db8:14::2/64"],
};
pub(crate) const ETH1: Link = Link { name: "eth1", host: &["10.20.0.1/24"], neighbour: &["10.20.0.2/24"] };
pub(crate) const BR_LAN: Link = Link { name: "br-lan", host: &["192.168.77.1/24"], neighbour: &["192.168.77.2/24"] };

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
    links.iter().map(|link| join(island, link)).collect()
}

/// Lays one link.
fn join(island: &Island, link: &'static Link) -> Result<Neighbour> {
    let wire = Wire::new()?;
    let host = island.pid().to_string();
    let there = wire.pid().to_string();
    let port = if link.name.starts_with("br-") { "port0" } else { link.name };
    let cable = ["link", "add", port, "netns", &host, "type", "veth", "peer", "name", "eth0", "netns", &there];
    output(Command::new("ip").args(cable))?;
    if port != link.name {
        ip(island, &["link", "add", link.name, "type", "bridge"])?;
        ip(island, &["link", "set", port, "master", link.name, "up"])?;
    }
    for address in link.host {
        ip(island, &["address", "add", address, "dev", link.name, "nodad"])?;
    }
    no_detection(&mut island.outside("sysctl"), link.name)?;
    ip(island, &["link", "set", link.name, "up"])?;
    let neighbour = Neighbour { link, wire };
    neighbour.configure()?;
    Ok(neighbour)
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
        for gateway in self.link.host_addresses() {
            let family = if gateway.is_ipv6() { "-6" } else { "-4" };
            let via = [family, "route", "add", "default", "via", &gateway.to_string(), "dev", "eth0"];
            self.ip(&via)?;
            if gateway.is_ipv4() {
                self.ip(&["route", "add", "127.0.0.1/32", "via", &gateway.to_string(), "dev", "eth0"])?;
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
