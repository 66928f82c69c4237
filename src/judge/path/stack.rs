//! What the network stack does with a packet between the hooks: sanity checks, routing, delivery.

use super::hooks::filters_frames;
use super::{Journey, Outcome};
use crate::judge::ground::{Way, kind};
use crate::judge::walk::world::World;
use crate::model::host::Network;
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::Hook;
use crate::model::truth::Truth;
use crate::model::verdict::{Path, Verdict};
use std::net::IpAddr;
use std::sync::Arc;

const UNREAD_ADDRESSES: &str = "the host's addresses are unread; `ip -j addr` shows them";

/// Where the routing decision sends a packet.
enum Turn {
    Input,
    Forward(Vec<Arc<str>>),
    Refused(String),
    Unknown(String),
}

impl Journey<'_> {
    /// Notes an end. A bridge may have rules of its own behind the last hook that is followed, or before the first.
    fn end(&mut self, mut verdict: Verdict, path: Path, mut world: World) {
        let host = self.ground.host;
        let is_bridge = |name: &str| host.link(name).is_some_and(|link| link.kind.as_deref() == Some("bridge"));
        let crosses = is_bridge(&world.state.input) || is_bridge(&world.state.output);
        if verdict == Verdict::Open && path != Path::Beside && crosses && filters_frames(&host.ruleset.tables) {
            verdict = Verdict::Unsure;
            world.doubt("rules of the family bridge are not followed; `nft list ruleset bridge` shows them".to_owned());
        }
        self.outcomes.push(Outcome { verdict, path, world });
    }

    fn refuse(&mut self, path: Path, mut world: World, why: &str) {
        world.note("routing", why);
        self.end(Verdict::Closed, path, world);
    }

    fn lose(&mut self, path: Path, mut world: World, why: &str) {
        world.note("routing", why);
        world.doubt(why.to_owned());
        self.end(Verdict::Unsure, path, world);
    }

    /// A packet that an interface takes in.
    pub(super) fn arrive(&mut self, mut world: World) {
        let (source, destination) = (world.state.original.0, world.state.original.1);
        let input = world.state.input.clone();
        if let Some(network) = self.beside(destination).filter(|network| network.parent.as_deref() == Some(&*input)) {
            world.note("routing", format!("{} answers on {input} itself: the packet passes no hook of the host", network.driver));
            let is_visible = network.mode.as_deref() == Some("l3s");
            return self.end(if is_visible { Verdict::Unsure } else { Verdict::Open }, Path::Beside, world);
        }
        // net/ipv6/ip6_input.c, `ip6_rcv_core`: ::1 is never on a wire, in either place.
        if [source, destination].iter().any(|address| address.is_ipv6() && address.is_loopback()) {
            return self.refuse(Path::Nowhere, world, "::1 is refused on a wire");
        }
        let worlds = self.device(Hook::Ingress, &input, Path::Nowhere, vec![world]);
        if self.between_ports(&worlds, &input) {
            return;
        }
        let worlds = self.hook(Hook::Prerouting, Path::Nowhere, worlds);
        for world in worlds {
            match self.turn(&world) {
                Turn::Input => self.input(world),
                Turn::Forward(devices) => {
                    for device in devices {
                        self.forward(world.clone(), &device);
                    }
                }
                Turn::Refused(why) => self.refuse(Path::Nowhere, world, &why),
                Turn::Unknown(why) => self.lose(Path::Nowhere, world, &why),
            }
        }
    }

    /// A packet that a process of the host sends: out by OUTPUT, and back in over `lo` where it is for the host itself.
    pub(super) fn send(&mut self, mut world: World) {
        world.state.input = "".into();
        match self.leaving(&world) {
            Turn::Input => world.state.output = "lo".into(),
            Turn::Forward(devices) => world.state.output = devices.first().cloned().unwrap_or_default(),
            Turn::Refused(why) => return self.refuse(Path::Nowhere, world, &why),
            Turn::Unknown(why) => return self.lose(Path::Nowhere, world, &why),
        }
        for mut world in self.hook(Hook::Output, Path::Nowhere, vec![world]) {
            match self.leaving(&world) {
                Turn::Input => {
                    world.state.output = "lo".into();
                    for mut world in self.hook(Hook::Postrouting, Path::Input, vec![world]) {
                        (world.state.input, world.state.output) = ("lo".into(), "".into());
                        for world in self.hook(Hook::Prerouting, Path::Input, vec![world]) {
                            self.input(world);
                        }
                    }
                }
                Turn::Forward(devices) => {
                    for device in devices {
                        self.leave(world.clone(), &device);
                    }
                }
                Turn::Refused(why) => self.refuse(Path::Nowhere, world, &why),
                Turn::Unknown(why) => self.lose(Path::Nowhere, world, &why),
            }
        }
    }

    fn input(&mut self, world: World) {
        for world in self.hook(Hook::Input, Path::Input, vec![world]) {
            self.end(Verdict::Open, Path::Input, world);
        }
    }

    fn forward(&mut self, mut world: World, device: &Arc<str>) {
        let path = path_of(&world);
        world.state.output = device.clone();
        for world in self.hook(Hook::Forward, path, vec![world]) {
            self.leave(world, device);
        }
    }

    /// After the last routing decision: out by a device.
    fn leave(&mut self, mut world: World, device: &Arc<str>) {
        let path = path_of(&world);
        world.state.output = device.clone();
        let worlds = self.hook(Hook::Postrouting, path, vec![world]);
        for world in self.device(Hook::Egress, device, path, worlds) {
            match self.beside(world.state.destination).filter(|network| network.parent.as_deref() == Some(&**device)) {
                // Linux Documentation/networking/ipvlan.rst and macvlan(8): the parent and its children do not hear each other.
                Some(network) => {
                    self.refuse(path, world, &format!("{device} does not reach the {} children that it carries", network.driver));
                }
                None => self.end(Verdict::Open, path, world),
            }
        }
    }

    /// The network of a container that has an address of its own on a link of the host.
    fn beside(&self, destination: IpAddr) -> Option<&Network> {
        let host = self.ground.host;
        let endpoint = host.endpoints.iter().find(|endpoint| endpoint.addresses.contains(&destination))?;
        let network = host.networks.iter().find(|network| network.id == endpoint.network)?;
        ["macvlan", "ipvlan"].contains(&network.driver.as_str()).then_some(network)
    }

    /// Frames that stay on their bridge: without br_netfilter no IP hook sees them. True if this was one.
    fn between_ports(&mut self, worlds: &[World], input: &str) -> bool {
        let host = self.ground.host;
        let Some(world) = worlds.first() else { return false };
        let state = &world.state;
        let is_bridge = host.link(input).is_some_and(|link| link.kind.as_deref() == Some("bridge"));
        if !is_bridge || self.ground.is_own(state.destination, input) != Some(false) || self.ground.filters_bridges(state.family)
        {
            return false;
        }
        if self.ground.route(state.destination, state.source, input, 0) != Way::Devices(vec![input.into()]) {
            return false;
        }
        for mut world in worlds.iter().cloned() {
            world.note("routing", format!("the frame stays on {input}: no IP hook sees it"));
            self.end(Verdict::Open, Path::Bridge, world);
        }
        true
    }

    /// The routing decision for a packet of the host itself.
    fn leaving(&self, world: &World) -> Turn {
        let state = &world.state;
        match self.ground.address_type(state.destination, None) {
            None => Turn::Unknown(UNREAD_ADDRESSES.to_owned()),
            Some(kind::LOCAL) => Turn::Input,
            Some(_) => turn(self.ground.route(state.destination, state.source, "", state.mark)),
        }
    }

    /// The routing decision for a packet from outside (net/ipv4/route.c, `ip_route_input_slow`; net/ipv6/ip6_output.c, `ip6_forward`).
    fn turn(&self, world: &World) -> Turn {
        let state = &world.state;
        if let Some(refusal) = self.martian(world) {
            return refusal;
        }
        match (self.ground.address_type(state.destination, None), self.ground.is_own(state.destination, &state.input)) {
            (None, _) | (_, None) => return Turn::Unknown(UNREAD_ADDRESSES.to_owned()),
            (_, Some(true)) => return Turn::Input,
            (Some(kind::BROADCAST | kind::MULTICAST), _) if state.protocol == Protocol::TCP => {
                return Turn::Refused("TCP to a broadcast or multicast address is refused".to_owned());
            }
            (Some(kind::BROADCAST | kind::MULTICAST), _) => return Turn::Input,
            _ => {}
        }
        if matches!(state.destination, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
            return Turn::Refused("a link-local address of another link is not forwarded to".to_owned());
        }
        match self.forwards(state.family, &state.input) {
            Truth::Yes => turn(self.ground.route(state.destination, state.source, &state.input, state.mark)),
            Truth::No => Turn::Refused(format!("the host does not forward what comes in by {}", state.input)),
            Truth::Maybe => Turn::Unknown(
                "whether the host forwards is unread; `sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding` shows it"
                    .to_owned(),
            ),
        }
    }

    /// In v6 only `all` counts (net/ipv6/ip6_output.c, `ip6_forward`).
    fn forwards(&self, family: Family, input: &str) -> Truth {
        let setting = match family {
            Family::V4 => self
                .ground
                .interface_setting(family, input, "forwarding")
                .or_else(|| self.ground.host.setting("net/ipv4/ip_forward")),
            Family::V6 => self.ground.interface_setting(family, "all", "forwarding"),
        };
        setting.map_or(Truth::Maybe, |value| Truth::from(value != 0))
    }

    /// Addresses that cannot come from outside (net/ipv4/fib_frontend.c, `fib_validate_source`; RFC 1812, 5.3.7 and 5.3.8).
    fn martian(&self, world: &World) -> Option<Turn> {
        let state = &world.state;
        let source = state.source?;
        let refused = |text: &str| Some(Turn::Refused(text.to_owned()));
        if source.is_multicast() {
            return refused("a multicast address sends nothing");
        }
        if state.family == Family::V6 {
            return None;
        }
        let local = |name| {
            [
                self.ground.interface_setting(Family::V4, "all", name),
                self.ground.interface_setting(Family::V4, &state.input, name),
            ]
        };
        if source.is_loopback() || state.destination.is_loopback() {
            match local("route_localnet") {
                [Some(1..), _] | [_, Some(1..)] => {}
                [None, _] | [_, None] => {
                    return Some(Turn::Unknown(format!(
                        "whether {} routes 127.0.0.0/8 is unread; `sysctl net.ipv4.conf` shows it",
                        state.input
                    )));
                }
                _ => return refused("127.0.0.0/8 is refused on a wire (route_localnet is off)"),
            }
        } else if self.ground.address_type(source, None) != Some(kind::UNICAST)
            && !matches!(local("accept_local"), [Some(1..), _] | [_, Some(1..)])
        {
            return match self.ground.address_type(source, None) {
                None => Some(Turn::Unknown(UNREAD_ADDRESSES.to_owned())),
                Some(_) => refused("its source is an address of the host itself, or a broadcast address"),
            };
        }
        self.reverse_path(source, world)
    }

    /// rp_filter: 1 wants the way back through the same interface, 2 any way back; the higher of `all` and the interface counts
    /// (Documentation/networking/ip-sysctl.rst).
    fn reverse_path(&self, source: IpAddr, world: &World) -> Option<Turn> {
        let input = &world.state.input;
        let strict = self.ground.leads_back(source, Some(input), 0);
        if strict == Truth::Yes {
            return None;
        }
        let settings = ["all", input].map(|device| self.ground.interface_setting(Family::V4, device, "rp_filter"));
        let [Some(all), Some(own)] = settings else {
            return Some(Turn::Unknown(format!(
                "the rp_filter of {input} is unread, and the way back to {source} does not lead there"
            )));
        };
        let fit = match all.max(own) {
            0 => return None,
            1 => strict,
            _ => self.ground.leads_back(source, None, 0),
        };
        match fit {
            Truth::Yes => None,
            Truth::No => Some(Turn::Refused(format!("the way back to {source} does not lead through {input} (rp_filter)"))),
            Truth::Maybe => {
                Some(Turn::Unknown(format!("whether the way back to {source} leads through {input} cannot be told (rp_filter)")))
            }
        }
    }
}

fn turn(way: Way) -> Turn {
    match way {
        Way::Devices(devices) => Turn::Forward(devices),
        Way::Refused(why) => Turn::Refused(why),
        Way::Unknown(why) => Turn::Unknown(why),
    }
}

fn path_of(world: &World) -> Path {
    if world.state.nat.destination { Path::Translated } else { Path::Forward }
}
