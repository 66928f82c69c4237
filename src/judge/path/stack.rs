//! What the network stack does with a packet between the hooks: sanity checks, routing, delivery.

use super::{Journey, UNREAD_ADDRESSES};
use crate::judge::ground::{Way, kind};
use crate::judge::sources::crowd::Entry;
use crate::judge::walk::world::{World, join};
use crate::model::address::is_link_local;
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::Hook;
use crate::model::truth::Truth;
use crate::model::verdict::{Path, Verdict};
use std::borrow::Cow;

/// Where the routing decision sends a packet.
#[derive(PartialEq, Eq)]
enum Turn<'a> {
    Input,
    Forward(Vec<&'a str>),
    Refused(Cow<'static, str>),
    Unknown(Cow<'static, str>),
}

impl<'a> Journey<'a> {
    /// The packet got through, as far as rules have a say in it.
    pub(super) fn open(&mut self, path: Path, mut world: World<'a>) {
        let crossed = [Some(&*self.scene.crowd.interface), world.state.output];
        let program = crossed.into_iter().flatten().find_map(|device| self.scene.ground.program(device));
        if let Some((device, program)) = program {
            world.doubt(|| format!("{program} at {device} may refuse the packet; what it does is not read"));
            return self.note(Verdict::Unsure, path, world);
        }
        self.note(Verdict::Open, path, world);
    }

    fn refuse(&mut self, path: Path, mut world: World<'a>, why: impl Into<String>) {
        world.note("routing", || why.into());
        self.note(Verdict::Closed, path, world);
    }

    fn lose(&mut self, path: Path, mut world: World<'a>, why: &str) {
        world.note("routing", || why.to_owned());
        world.doubt(|| why.to_owned());
        self.note(Verdict::Unsure, path, world);
    }

    /// A packet that an interface takes in.
    pub(super) fn arrive(&mut self, mut world: World<'a>, input: &'a str) {
        let destination = world.state.destination;
        if let Some(network) = self.scene.ground.beside(destination).filter(|network| network.parent.as_deref() == Some(input)) {
            let effect = || format!("{} answers on {input} itself: the packet passes no hook of the host", network.driver);
            world.note("routing", effect);
            if network.mode.as_deref() == Some("l3s") {
                return self.note(Verdict::Unsure, Path::Beside, world);
            }
            return self.open(Path::Beside, world);
        }
        let worlds = self.without_loopback(world);
        let worlds = self.taken_by_bridge(input, worlds);
        let worlds = self.device(Hook::Ingress, input, Path::Nowhere, worlds);
        for world in self.hook(Hook::Prerouting, Path::Nowhere, worlds) {
            for (turn, world) in self.turns(world, input) {
                match turn {
                    Turn::Input => self.input(world),
                    Turn::Forward(devices) => devices.iter().for_each(|device| self.forward(world.clone(), device)),
                    Turn::Refused(why) => self.refuse(Path::Nowhere, world, why),
                    Turn::Unknown(why) => self.lose(Path::Nowhere, world, &why),
                }
            }
        }
    }

    /// net/ipv6/ip6_input.c, `ip6_rcv_core`: ::1 is never on a wire, in either place.
    fn without_loopback(&mut self, world: World<'a>) -> Vec<World<'a>> {
        if world.state.family == Family::V4 {
            return vec![world];
        }
        let everybody = world.state.destination.is_loopback();
        let (mut refused, mut rest) = (self.scene.crowd.nobody(), world.groups.clone());
        for (entry, groups) in self.scene.crowd.entries(self.scene.ground, world.state.destination, 0).iter() {
            if everybody || *entry == Entry::Loopback {
                refused = refused.or(groups);
                rest = rest.without(groups);
            }
        }
        let [refused, rest] = world.parted([refused, rest]);
        if let Some(world) = refused {
            self.refuse(Path::Nowhere, world, "::1 is refused on a wire");
        }
        rest.into_iter().collect()
    }

    /// A packet that a process of the host sends: out by OUTPUT, and back in over `lo` where it is for the host itself.
    pub(super) fn send(&mut self, mut world: World<'a>) {
        world.state.input = Some("");
        let mut sent = Vec::new();
        for (turn, mut world) in self.leaving(world) {
            match turn {
                Turn::Input => world.state.output = Some("lo"),
                Turn::Forward(devices) => world.state.output = Some(devices.first().copied().unwrap_or_default()),
                Turn::Refused(why) => {
                    self.refuse(Path::Nowhere, world, why);
                    continue;
                }
                Turn::Unknown(why) => {
                    self.lose(Path::Nowhere, world, &why);
                    continue;
                }
            }
            sent.push(world);
        }
        for world in self.hook(Hook::Output, Path::Nowhere, sent) {
            for (turn, world) in self.leaving(world) {
                match turn {
                    Turn::Input => self.over_loopback(world),
                    Turn::Forward(devices) => devices.iter().for_each(|device| self.leave(world.clone(), device)),
                    Turn::Refused(why) => self.refuse(Path::Nowhere, world, why),
                    Turn::Unknown(why) => self.lose(Path::Nowhere, world, &why),
                }
            }
        }
    }

    fn over_loopback(&mut self, mut world: World<'a>) {
        world.state.output = Some("lo");
        for mut world in self.hook(Hook::Postrouting, Path::Input, vec![world]) {
            (world.state.input, world.state.output) = (Some("lo"), Some(""));
            for world in self.hook(Hook::Prerouting, Path::Input, vec![world]) {
                self.input(world);
            }
        }
    }

    fn input(&mut self, world: World<'a>) {
        for world in self.hook(Hook::Input, Path::Input, vec![world]) {
            self.open(Path::Input, world);
        }
    }

    /// net/ipv6/ip6_output.c, `ip6_forward`: what a link-local address sends does not leave its link.
    fn without_link_local(&mut self, world: World<'a>, path: Path) -> Option<World<'a>> {
        if world.state.family == Family::V4 {
            return Some(world);
        }
        let link_local = self.scene.crowd.link_local();
        let [refused, rest] = world.parted([world.groups.and(&link_local), world.groups.without(&link_local)]);
        if let Some(world) = refused {
            self.refuse(path, world, "a link-local source is not forwarded");
        }
        rest
    }

    fn forward(&mut self, world: World<'a>, device: &'a str) {
        let path = path_of(&world);
        let Some(mut world) = self.without_link_local(world, path) else { return };
        world.state.output = Some(device);
        for world in self.hook(Hook::Forward, path, vec![world]) {
            self.leave(world, device);
        }
    }

    /// After the last routing decision: out by a device.
    fn leave(&mut self, mut world: World<'a>, device: &'a str) {
        let path = path_of(&world);
        world.state.output = Some(device);
        let worlds = self.hook(Hook::Postrouting, path, vec![world]);
        let worlds = self.device(Hook::Egress, device, path, worlds);
        for world in self.sent_by_bridge(device, path, worlds) {
            let beside = self.scene.ground.beside(world.state.destination);
            match beside.filter(|network| network.parent.as_deref() == Some(device)) {
                // Linux Documentation/networking/ipvlan.rst and macvlan(8): the parent and its children do not hear each other.
                Some(network) => {
                    self.refuse(path, world, format!("{device} does not reach the {} children that it carries", network.driver));
                }
                None => self.open(path, world),
            }
        }
    }

    /// The routing decision for a packet of the host itself.
    fn leaving(&self, world: World<'a>) -> Vec<(Turn<'a>, World<'a>)> {
        let state = world.state;
        match self.scene.ground.address_type(state.destination, None) {
            None => vec![(Turn::Unknown(UNREAD_ADDRESSES.into()), world)],
            Some(kind::LOCAL) => vec![(Turn::Input, world)],
            Some(_) => self.ways(world, "", state.mark).into_iter().map(|(way, world)| (turn(way), world)).collect(),
        }
    }

    /// The routing decision for a packet from outside (net/ipv4/route.c, `ip_route_input_slow`; net/ipv6/ip6_output.c, `ip6_forward`).
    fn turns(&self, world: World<'a>, input: &'a str) -> Vec<(Turn<'a>, World<'a>)> {
        if world.state.is_masked {
            return self.routed(world, input);
        }
        let crowd = self.scene.crowd;
        let mut turns = Vec::new();
        for (entry, groups) in crowd.entries(self.scene.ground, world.state.destination, world.state.mark).iter() {
            let [Some(world)] = world.parted([world.groups.and(groups)]) else { continue };
            if *entry == Entry::Passes {
                turns.extend(self.routed(world, input));
                continue;
            }
            let source = world.groups.iter().next().map(|group| crowd.representative(group));
            let why = source.filter(|_| self.is_told).map(|source| entry.why(source, input)).unwrap_or_default().into();
            turns.push((if entry.is_refused() { Turn::Refused(why) } else { Turn::Unknown(why) }, world));
        }
        turns
    }

    /// Where a packet goes that is taken in.
    fn routed(&self, world: World<'a>, input: &'a str) -> Vec<(Turn<'a>, World<'a>)> {
        let (ground, state) = (self.scene.ground, world.state);
        let one = match (ground.address_type(state.destination, None), ground.is_own(state.destination, input)) {
            (None, _) | (_, None) => Turn::Unknown(UNREAD_ADDRESSES.into()),
            (_, Some(true)) => Turn::Input,
            (Some(kind::BROADCAST | kind::MULTICAST), _) if state.protocol == Protocol::TCP => {
                Turn::Refused("TCP to a broadcast or multicast address is refused".into())
            }
            (Some(kind::BROADCAST | kind::MULTICAST), _) => Turn::Input,
            _ if is_link_local(state.destination) => {
                Turn::Refused("a link-local address of another link is not forwarded to".into())
            }
            _ => match self.scene.crowd.forwards(ground, state.family) {
                Truth::Yes => {
                    let ways = self.ways(world, input, state.mark);
                    return ways.into_iter().map(|(way, world)| (turn(way), world)).collect();
                }
                Truth::No => Turn::Refused(format!("the host does not forward what comes in by {input}").into()),
                Truth::Maybe => Turn::Unknown(
                    "whether the host forwards is unread; `sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding` shows it"
                        .into(),
                ),
            },
        };
        vec![(one, world)]
    }

    /// The ways to a packet's receiver: one for all senders, but where policy rules tell them apart.
    pub(super) fn ways(&self, world: World<'a>, input: &str, mark: u32) -> Vec<(Way<'a>, World<'a>)> {
        let (ground, destination) = (self.scene.ground, world.state.destination);
        let parts = self.scene.crowd.routed(ground, world.state.family);
        if world.state.is_masked || parts.is_empty() {
            return vec![(ground.route(destination, None, input, mark), world)];
        }
        let mut ways = Vec::new();
        for (_, groups) in parts {
            let [Some(world)] = world.parted([world.groups.and(groups)]) else { continue };
            let source = world.groups.iter().next().map(|group| self.scene.crowd.representative(group));
            join(&mut ways, ground.route(destination, source, input, mark), world);
        }
        ways
    }
}

fn turn(way: Way<'_>) -> Turn<'_> {
    match way {
        Way::Devices(devices) => Turn::Forward(devices),
        Way::Refused(why) => Turn::Refused(why.into()),
        Way::Unknown(why) => Turn::Unknown(why.into()),
    }
}

fn path_of(world: &World<'_>) -> Path {
    if world.state.nat.destination { Path::Translated } else { Path::Forward }
}
