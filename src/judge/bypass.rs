//! One packet judged twice: as the host is, and as it is meant.

use super::court::Court;
use super::ground::{Ground, Way};
use super::sources::strangers::far_away;
use crate::model::host::{self, Address, Host, Link, Part};
use crate::model::packet::{Family, Packet, Target};
use crate::model::truth::Truth;
use crate::model::verdict::{Assessment, Heard, Path, Trace};
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

/// Judges one packet on a host. For many packets, a [`Court`] is asked.
pub fn of(host: &Host, packet: &Packet) -> Assessment {
    Court::of(host).assess(packet)
}

/// Whether anything listens where a packet is delivered.
pub(super) fn listener(host: &Host, packet: &Packet, actual: &Trace) -> Heard {
    if host.unread(|part| part == Part::Listeners).is_some() {
        return Heard::Unknown;
    }
    let (address, port) = match (actual.path, actual.delivered) {
        (Path::Input, Some((address, Some(port)))) => (address, port),
        (Path::Input | Path::Nowhere, None) => (packet.destination, packet.port),
        _ => return Heard::Unknown,
    };
    let is_own = host.links.iter().flat_map(|link| &link.addresses).any(|own| own.net.addr() == address) || address.is_loopback();
    if !is_own {
        return Heard::Unknown;
    }
    let hears = |listener: &&host::Listener| {
        let family = if Family::of(address) == Family::V4 { listener.v4 } else { listener.v6 };
        let bound = listener.address.is_none_or(|own| own == address);
        let here = listener.interface.as_deref().is_none_or(|interface| interface == &*packet.interface);
        family && bound && here && listener.port == port && listener.protocol == packet.protocol
    };
    match host.listeners.iter().find(hears) {
        Some(listener) => Heard::Yes(listener.program.clone()),
        None => Heard::No,
    }
}

/// Completes what is asked about a packet.
///
/// Without an interface: the one that leads back to the source (`lo` for the host's own addresses), and without a source either, the one
/// that leads to the rest of the world, or else the one that has the destination. Without a source: somebody beyond that interface.
///
/// # Errors
/// No such interface can be told; the text says what to add.
pub fn packet(host: &Host, to: Target, from: Option<IpAddr>, interface: Option<&str>) -> Result<Packet, String> {
    let family = Family::of(to.address);
    if from.is_some_and(|from| Family::of(from) != family) {
        return Err("the source and the destination are not of one family".to_owned());
    }
    let ground = Ground::of(Cow::Borrowed(host));
    let interface: Arc<str> = match (interface, from) {
        (Some(name), _) if host.link(name).is_some() || host.links.is_empty() => name.into(),
        (Some(name), _) => return Err(format!("the host has no interface {name}")),
        (None, Some(from)) => {
            towards(&ground, from, to.address).ok_or("no route leads to the source: name the interface with --in")?
        }
        (None, None) => outside(&ground, to.address).ok_or("no interface leads to the outside: name one with --in")?,
    };
    let source = match from {
        Some(from) => from,
        None if &*interface == "lo" => to.address,
        None => stranger(&ground, &interface, to.address),
    };
    Ok(Packet { interface, source, destination: to.address, port: to.port, protocol: to.protocol })
}

/// The interface by which packets from `source` to `destination` come in.
fn towards(ground: &Ground<'_>, source: IpAddr, destination: IpAddr) -> Option<Arc<str>> {
    if ground.is_own(source, "lo") == Some(true) {
        return Some("lo".into());
    }
    match ground.route(source, Some(destination), "", 0) {
        Way::Devices(devices) => devices.first().map(|device| Arc::from(*device)),
        _ => None,
    }
}

fn outside(ground: &Ground<'_>, destination: IpAddr) -> Option<Arc<str>> {
    if let Way::Devices(devices) = ground.route(far_away(Family::of(destination)), None, "", 0) {
        return devices.first().map(|device| Arc::from(*device));
    }
    let has = |link: &&Link| link.addresses.iter().any(|own| own.net.contains(&destination));
    ground.host.links.iter().filter(|link| !link.is_loopback).find(has).map(|link| link.name.clone())
}

/// An address that packets by this interface come from: a far one if the rest of the world is there, otherwise a neighbour's.
fn stranger(ground: &Ground<'_>, interface: &str, destination: IpAddr) -> IpAddr {
    let family = Family::of(destination);
    let far = far_away(family);
    if ground.leads_back(far, Some(destination), Some(interface), 0) == Truth::Yes {
        return far;
    }
    let nets =
        ground.link(interface).into_iter().flat_map(|link| &link.addresses).filter(|own| Family::of(own.net.addr()) == family);
    let is_free = |own: &Address, address: &IpAddr| *address != own.net.addr() && *address != own.net.network();
    let neighbour = |own: &Address| own.net.hosts().take(4).find(|address| is_free(own, address));
    nets.filter(|own| own.net.prefix_len() < own.net.max_prefix_len()).find_map(neighbour).unwrap_or(far)
}
