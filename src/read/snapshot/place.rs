//! Whether the engine is on the machine whose rules were read.
//!
//! In: what the engine says of itself, its networks, the machine's interfaces and its name. Out: why it is elsewhere, if the evidence says
//! so. An address proves nothing: `tcp://127.0.0.1` or a socket may lead to another machine (ssh forwards both), and a remote address home.
//! An engine in a virtual machine or without root is no other machine: it has processes on this one that open its ports.

use crate::model::address::is_link_local;
use crate::model::engine::{Engine, EngineKind, Seat};
use crate::model::host::{Link, Network};
use crate::model::snapshot::{HOST, Snapshot};
use crate::read::{docker, net};
use serde_json::Value;

/// The machine whose rules were read, as far as it was asked.
#[derive(Default)]
struct Machine {
    name: Option<String>,
    kernel: Option<String>,
}

impl Snapshot {
    /// Why the engine is on another machine than the rules, in words; None: it is on this one, or nothing says otherwise.
    pub fn elsewhere(&self) -> Option<String> {
        let text = |file: &str| self.text(file).unwrap_or_default();
        let engine = docker::engine(self.text("version.json")?, text("info.json"), "").ok()?;
        let networks = docker::networks(text("networks.json")).unwrap_or_default();
        let links = net::links(text("ip-addr.json"), "", "").unwrap_or_default();
        let host: Value = serde_json::from_str(text(HOST)).unwrap_or_default();
        let of = |key: &str| host[key].as_str().map(str::to_owned);
        elsewhere(&engine, &networks, &links, &Machine { name: of("hostname"), kernel: of("kernel") })
    }
}

fn elsewhere(engine: &Engine, networks: &[Network], links: &[Link], machine: &Machine) -> Option<String> {
    if engine.seat == Seat::VirtualMachine {
        return None;
    }
    let differ = |theirs: &str, ours: Option<&String>| !theirs.is_empty() && ours.is_some_and(|ours| ours != theirs);
    if differ(&engine.kernel, machine.kernel.as_ref()) {
        return Some(format!("its kernel is {}, this one's {}", engine.kernel, machine.kernel.as_deref().unwrap_or_default()));
    }
    // Rootless engines keep their bridges in a network of their own, and Podman makes a bridge only with the first container on it.
    let keeps_bridges = engine.kind == EngineKind::Docker && engine.seat == Seat::Host;
    let bridges: Vec<_> =
        networks.iter().filter(|network| network.driver == "bridge" && keeps_bridges && !links.is_empty()).collect();
    let here = |network: &&Network| links.iter().any(|link| is_bridge_of(link, network));
    // A name made of a random identifier is on no two machines; `docker0` is on all of them.
    let telling: Vec<&Network> = bridges.iter().copied().filter(|network| is_generated(network)).collect();
    if telling.iter().any(here) {
        return None;
    }
    if let Some(missing) = telling.first().or_else(|| bridges.first().filter(|_| !bridges.iter().any(here))) {
        let bridge = missing.bridge.as_deref().unwrap_or_default();
        return Some(format!(
            "the bridge {bridge} of its network {} is not among the interfaces here (another machine, or another network namespace)",
            missing.name
        ));
    }
    differ(&engine.machine, machine.name.as_ref()).then(|| {
        format!("it runs on a machine named {}, and this one is {}", engine.machine, machine.name.as_deref().unwrap_or_default())
    })
}

/// True if the network's bridge has the name that the engine makes from the network's identifier.
fn is_generated(network: &Network) -> bool {
    let digits = network.bridge.as_deref().and_then(|bridge| bridge.strip_prefix("br-"));
    digits.is_some_and(|digits| digits.len() == 12 && network.id.starts_with(digits))
}

/// True if a link is the bridge of a network: by its name and, unless the one or the other has no addresses, by these.
fn is_bridge_of(link: &Link, network: &Network) -> bool {
    let is_own = |net: &ipnet::IpNet| {
        network.gateways.contains(&net.addr()) || network.subnets.iter().any(|subnet| subnet.contains(&net.addr()))
    };
    let has_place = !network.gateways.is_empty() || !network.subnets.is_empty();
    // Link-local addresses say nothing: every bridge that is up has one.
    let mut told = link.addresses.iter().map(|address| &address.net).filter(|net| !is_link_local(net.addr())).peekable();
    network.bridge.as_deref() == Some(&*link.name) && (!has_place || told.peek().is_none() || told.any(is_own))
}

#[cfg(test)]
mod tests;
