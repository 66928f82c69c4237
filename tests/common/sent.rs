//! What was sent to a saved host.
//!
//! In: a probe of `probes.json`. Out: its packet.

use docker_firewall::judge::bypass;
use docker_firewall::model::host::Host;
use docker_firewall::model::packet::{Packet, Protocol, Target};
use serde_json::Value;
use std::net::IpAddr;

/// The packet of a probe. Probes from inside name no interface: it is the one that leads to their container, or `lo`.
pub(crate) fn packet(host: &Host, probe: &Value) -> Packet {
    let address: IpAddr = probe["dst"].as_str().unwrap().parse().unwrap();
    let port = u16::try_from(probe["port"].as_u64().unwrap()).unwrap();
    let protocol = Protocol::named(probe["proto"].as_str().unwrap()).unwrap();
    let from_host = probe["from_host"].as_bool() == Some(true);
    let source: IpAddr = if from_host { address } else { probe["src"].as_str().unwrap().parse().unwrap() };
    bypass::packet(host, Target { address, port, protocol }, Some(source), probe["iif"].as_str()).unwrap()
}
