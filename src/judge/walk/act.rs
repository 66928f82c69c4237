//! What rules do to a packet other than deciding about it.

use super::super::ground::Ground;
use super::test;
use super::world::{State, Tracking, World};
use crate::model::ruleset::{Hook, Mark, SetMark, Target, Translation};
use crate::model::truth::Truth;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The worlds that a translation leads to, each with what it did in words.
pub(super) fn translate(ground: &Ground<'_>, hook: Hook, translation: &Translation, mut world: World) -> Vec<(World, String)> {
    match translation {
        Translation::Source => {
            world.state.nat.source = true;
            world.state.is_mapped = true;
            world.state.source = None;
            vec![(world, "source translated".to_owned())]
        }
        Translation::Redirect(ports) => {
            let address = match hook {
                Hook::Output => Some(loopback(&world.state)),
                _ => ground.own_address(&world.state.input, world.state.family),
            };
            match address {
                Some(address) => redirect(world, Some(address), *ports),
                None => lose(world, "the interface has no address to redirect to"),
            }
        }
        Translation::Destination(targets) => destination(ground, targets, world),
        Translation::Prefix(net) if matches!(hook, Hook::Prerouting | Hook::Output) => match moved(world.state.destination, *net)
        {
            Some(address) => redirect(world, Some(address), None),
            None => lose(world, "the new prefix is of the other family"),
        },
        Translation::Prefix(net) => {
            world.state.nat.source = true;
            world.state.is_mapped = true;
            world.state.source = world.state.source.and_then(|source| moved(source, *net));
            vec![(world, format!("source moved to {net}"))]
        }
    }
}

/// The same place in another prefix (net/netfilter/xt_NETMAP.c).
fn moved(address: IpAddr, net: IpNet) -> Option<IpAddr> {
    match (address, net) {
        (IpAddr::V4(address), IpNet::V4(net)) => Some((address & net.hostmask() | net.network()).into()),
        (IpAddr::V6(address), IpNet::V6(net)) => Some((address & net.hostmask() | net.network()).into()),
        _ => None,
    }
}

fn loopback(state: &State) -> IpAddr {
    match state.destination {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

fn lose(mut world: World, why: &str) -> Vec<(World, String)> {
    world.state.lost = Some(why.into());
    vec![(world, why.to_owned())]
}

/// The first target that fits, and those before it that may.
fn destination(ground: &Ground<'_>, targets: &[Target], world: World) -> Vec<(World, String)> {
    let mut worlds = Vec::new();
    for target in targets {
        let fit =
            target.when.iter().fold(Truth::Yes, |fit, (selector, span)| fit.and(test::fits_one(ground, *selector, span, &world)));
        match fit {
            Truth::No => {}
            Truth::Maybe => worlds.extend(redirect(world.clone(), target.address, target.ports)),
            Truth::Yes => {
                worlds.extend(redirect(world, target.address, target.ports));
                return worlds;
            }
        }
    }
    // A map without a fitting key leaves the packet as it is, and the rule does not fit: rare, and not followed further.
    worlds.extend(lose(world, "the map of destinations has no entry that surely fits"));
    worlds
}

/// Sends the packet elsewhere. Of several ports the kernel keeps the packet's own, if it is one of them (net/netfilter/nf_nat_core.c,
/// `get_unique_tuple`).
fn redirect(mut world: World, address: Option<IpAddr>, ports: Option<(u16, u16)>) -> Vec<(World, String)> {
    let state = &mut world.state;
    let address = address.unwrap_or(state.destination);
    if address.is_ipv4() != state.destination.is_ipv4() {
        return lose(world, "the new destination is of the other family");
    }
    state.is_mapped = true;
    state.destination = address;
    state.port = match (ports, state.port) {
        (None, port) => port,
        (Some((first, last)), _) if first == last => Some(first),
        (Some((first, last)), Some(port)) if (first..=last).contains(&port) => Some(port),
        (Some(_), _) => None,
    };
    state.nat.destination = (state.destination, state.port) != (state.original.1, Some(state.original.2));
    let port = state.port.map_or("one of several ports".to_owned(), |port| port.to_string());
    let effect = match address {
        IpAddr::V4(address) => format!("dnat to {address}:{port}"),
        IpAddr::V6(address) => format!("dnat to [{address}]:{port}"),
    };
    vec![(world, effect)]
}

/// Changes a mark. Without a tracked connection there is no connection mark to read or to change (net/netfilter/xt_connmark.c).
pub(super) fn set_mark(state: &mut State, change: SetMark) {
    let reads_connection = change.source == Mark::Connection && change.pick != 0;
    if state.tracking != Tracking::New && (reads_connection || change.target == Mark::Connection) {
        return;
    }
    let of = |mark| if mark == Mark::Packet { state.mark } else { state.ct_mark };
    let value = (of(change.target) & change.keep) ^ (of(change.source) & change.pick) ^ change.flip;
    match change.target {
        Mark::Packet => state.mark = value,
        Mark::Connection => state.ct_mark = value,
    }
}
