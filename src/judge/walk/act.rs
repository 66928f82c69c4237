//! What rules do to a packet other than deciding about it.

use super::fit::Fit;
use super::scene::Scene;
use super::test;
use super::world::{State, Tracking, World};
use crate::judge::plan::{Target, Translation};
use crate::model::ruleset::{Hook, Mark, SetMark};
use crate::model::truth::Truth;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What became of a packet that a rule translates.
pub(super) enum Done {
    /// It has another source.
    Masked,
    /// It has another destination.
    Sent,
    /// It is lost; the text says why.
    Lost(&'static str),
}

impl Done {
    /// What was done, in words.
    pub(super) fn effect(&self, state: &State<'_>) -> String {
        let port = || state.port.map_or("one of several ports".to_owned(), |port| port.to_string());
        match (self, state.destination) {
            (Self::Masked, _) => "source translated".to_owned(),
            (Self::Sent, IpAddr::V4(address)) => format!("dnat to {address}:{}", port()),
            (Self::Sent, IpAddr::V6(address)) => format!("dnat to [{address}]:{}", port()),
            (Self::Lost(why), _) => (*why).to_owned(),
        }
    }
}

/// The worlds that a translation leads to.
pub(super) fn translate<'a>(
    scene: Scene<'a>,
    hook: Hook,
    translation: &Translation,
    mut world: World<'a>,
) -> Vec<(World<'a>, Done)> {
    match translation {
        Translation::Redirect(ports) => {
            let address = match hook {
                Hook::Output => Some(loopback(&world.state)),
                _ => world.state.input.and_then(|input| scene.ground.own_address(input, world.state.family)),
            };
            vec![match address {
                Some(address) => redirect(world, Some(address), *ports),
                None => (world, Done::Lost("the interface has no address to redirect to")),
            }]
        }
        Translation::Destination(targets) => destination(scene, targets, world),
        Translation::Prefix(net) if matches!(hook, Hook::Prerouting | Hook::Output) => {
            vec![match moved(world.state.destination, *net) {
                Some(address) => redirect(world, Some(address), None),
                None => (world, Done::Lost("the new prefix is of the other family")),
            }]
        }
        Translation::Source | Translation::Prefix(_) => {
            world.state.nat.source = true;
            world.state.is_mapped = true;
            world.state.is_masked = true;
            vec![(world, Done::Masked)]
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

fn loopback(state: &State<'_>) -> IpAddr {
    match state.destination {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

/// The first target that fits, and those before it that may.
fn destination<'a>(scene: Scene<'a>, targets: &[Target], mut world: World<'a>) -> Vec<(World<'a>, Done)> {
    let mut worlds = Vec::new();
    for target in targets {
        let all = target
            .when
            .iter()
            .fold(Fit::All(Truth::Yes), |fit, (selector, part)| fit.and(test::fits_one(scene, *selector, part, &world)));
        let (yes, possible) = all.sets(&world.groups);
        if !possible.is_empty() {
            worlds.push(redirect(world.with(possible), target.address, target.ports));
        }
        world.groups = world.groups.without(&yes);
        if world.groups.is_empty() {
            return worlds;
        }
    }
    // A map without a fitting key leaves the packet as it is, and the rule does not fit: rare, and not followed further.
    worlds.push((world, Done::Lost("the map of destinations has no entry that surely fits")));
    worlds
}

/// Sends the packet elsewhere. Of several ports the kernel keeps the packet's own, if it is one of them (net/netfilter/nf_nat_core.c,
/// `get_unique_tuple`).
fn redirect(mut world: World<'_>, address: Option<IpAddr>, ports: Option<(u16, u16)>) -> (World<'_>, Done) {
    let state = &mut world.state;
    let address = address.unwrap_or(state.destination);
    if address.is_ipv4() != state.destination.is_ipv4() {
        return (world, Done::Lost("the new destination is of the other family"));
    }
    state.is_mapped = true;
    state.destination = address;
    state.port = match (ports, state.port) {
        (None, port) => port,
        (Some((first, last)), _) if first == last => Some(first),
        (Some((first, last)), Some(port)) if (first..=last).contains(&port) => Some(port),
        (Some(_), _) => None,
    };
    state.nat.destination = (state.destination, state.port) != (state.original.0, Some(state.original.1));
    (world, Done::Sent)
}

/// Changes a mark. Without a tracked connection there is no connection mark to read or to change (net/netfilter/xt_connmark.c).
pub(super) fn set_mark(state: &mut State<'_>, change: SetMark) {
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
