//! One container started on a host: its networks joined, its ports bound, and noted where the engine would tell of them.

use super::habits::Habits;
use super::ports::{self, Asked, Bound, Seat};
use super::terms::Terms;
use super::{
    About, Doubt, HostPort, Joined, Opened, Place, Planned, Port, Programmed, address, choice, iptables, network, nftables,
};
use crate::judge::whatif;
use crate::model::engine::{Backend, Binding, Publisher, Seat as EngineSeat};
use crate::model::host::{Endpoint, Host, Listener};
use crate::model::packet::Family;
use crate::model::ruleset::Ruleset;
use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The name of the bridge by which containers of a swarm's networks get out.
const GATEWAY_BRIDGE: &str = "docker_gwbridge";

/// A host that containers are started on.
pub(super) struct Work {
    pub(super) programmed: Programmed,
    habits: Habits,
    /// The rules that are not the engine's.
    others: Ruleset,
}

impl Work {
    /// Begins with a host as it is.
    pub(super) fn on(host: &Host) -> Self {
        let habits = Habits::of(host);
        let programmed = Programmed { host: host.clone(), opened: Vec::new(), doubts: Vec::new() };
        let mut work = Self { programmed, habits, others: whatif::without_engine(host).ruleset };
        let all = |reason: &Option<String>, about| {
            reason.clone().map(|reason| Doubt { service: None, publication: None, about, reason })
        };
        work.programmed.doubts.extend(all(&work.habits.unknown, About::Everything));
        work.programmed.doubts.extend(all(&work.habits.unknown_guards, About::Guards));
        work
    }

    fn host(&mut self) -> &mut Host {
        &mut self.programmed.host
    }

    fn doubt(&mut self, planned: &Planned, publication: Option<usize>, reason: String) {
        let service = Some(planned.service.clone());
        self.programmed.doubts.push(Doubt { service, publication, about: About::Everything, reason });
    }

    /// Starts a container.
    pub(super) fn start(&mut self, planned: &Planned) {
        let mut bindings = Vec::new();
        let mut mode = "host".to_owned();
        match &planned.place {
            Place::Host => self.listen_itself(planned),
            Place::Networks(_) if self.habits.seat.is_apart() => bindings = self.open_apart(planned),
            Place::Networks(joined) => {
                mode = joined.first().map_or_else(|| "none".to_owned(), |joined| joined.network.name.clone());
                let seats = self.join(planned, joined);
                bindings = self.publish(planned, &seats);
            }
        }
        let ports = || planned.ports.iter().map(|port| (port.target, port.protocol));
        let is_open = |(target, protocol): &(u16, _)| bindings.iter().any(|it| (it.target, it.protocol) == (*target, *protocol));
        let publisher = Publisher {
            id: format!("planned-{}", planned.name),
            name: planned.name.clone(),
            image: planned.image.clone(),
            network_mode: mode,
            unopened: ports().filter(|port| !is_open(port)).collect(),
            exposed: ports().collect(),
            compose: planned.compose.clone(),
            bindings,
            ..Publisher::default()
        };
        self.host().publishers.push(publisher);
    }

    /// On the host's own network, its `ports` are ignored; the process listens at what they call container ports.
    fn listen_itself(&mut self, planned: &Planned) {
        let network =
            self.programmed.host.networks.iter().find(|network| network.driver == "host").map(|network| network.id.clone());
        let seat = network.map(|network| Endpoint { container: planned.name.clone(), network, addresses: Vec::new() });
        self.host().endpoints.extend(seat);
        for port in &planned.ports {
            let listener = Listener {
                protocol: port.protocol,
                address: None,
                v4: true,
                v6: true,
                interface: None,
                port: port.target,
                program: None,
            };
            self.host().listeners.push(listener);
        }
    }

    /// An engine in a network or a machine of its own: a process of the host listens at the host ports.
    fn open_apart(&mut self, planned: &Planned) -> Vec<Binding> {
        let program = if self.habits.seat == EngineSeat::Rootless { "rootlesskit" } else { "com.docker.backend" };
        let mut bindings = Vec::new();
        for port in &planned.ports {
            let number = self.choose(planned, port);
            let both = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
            let hosts = port.host.map_or_else(|| both.to_vec(), |host| vec![host]);
            for address in hosts {
                let binding = Binding { address, port: Some(number), target: port.target, protocol: port.protocol };
                self.open(planned, port, binding, program);
                bindings.push(binding);
            }
        }
        bindings
    }

    /// Puts the container on its networks. Out: its places there, the best gateway first.
    fn join(&mut self, planned: &Planned, joined: &[Joined]) -> Vec<Seat> {
        let mut seats = Vec::new();
        for joined in joined {
            let (id, unknown) = match network::join(&mut self.programmed.host, &self.habits, &joined.network) {
                Ok(found) => found,
                Err(reason) => {
                    self.doubt(planned, None, reason);
                    continue;
                }
            };
            if let Some(reason) = unknown {
                self.doubt(planned, None, reason);
            }
            let rank = |host: &Host| {
                let network = host.network(&id)?;
                let families = network.subnets.len().min(2);
                Some((Reverse(joined.priority), network.is_internal, Reverse(families), network.name.clone()))
            };
            let Some(rank) = rank(&self.programmed.host) else { continue };
            if let Some(seat) = self.sit(planned, &id, &joined.addresses) {
                seats.push((rank, seat));
            }
        }
        seats.sort_by(|(first, _), (second, _)| first.cmp(second));
        let mut seats: Vec<Seat> = seats.into_iter().map(|(_, seat)| seat).collect();
        seats.extend(self.gateway_bridge(planned, joined, &seats));
        seats
    }

    /// A container on a swarm's networks alone gets out, and is published, by a bridge of the engine's own.
    fn gateway_bridge(&mut self, planned: &Planned, joined: &[Joined], seats: &[Seat]) -> Option<Seat> {
        let host = &self.programmed.host;
        let is_overlay = |joined: &Joined| {
            let network = host.networks.iter().find(|network| network.name == joined.network.name);
            network.is_some_and(|network| network.driver == "overlay" && !network.is_internal)
        };
        let needs = seats.iter().all(|seat| seat.is_internal) && joined.iter().any(is_overlay);
        let id = host.networks.iter().find(|network| network.name == GATEWAY_BRIDGE).filter(|_| needs)?.id.clone();
        self.sit(planned, &id, &[])
    }

    /// The container's place on one network: its addresses, and the guards in front of them.
    fn sit(&mut self, planned: &Planned, id: &str, fixed: &[IpAddr]) -> Option<Seat> {
        let network = self.programmed.host.network(id)?.clone();
        if network.driver != "bridge" && !network.is_beside() {
            return None;
        }
        let terms = Terms::of(&network, &self.habits);
        let find = |family: Family| {
            let given = fixed.iter().copied().find(|address| Family::of(*address) == family);
            given.or_else(|| address::container(&self.programmed.host, &network, family))
        };
        let (v4, v6) = (find(Family::V4), find(Family::V6).filter(|_| network.has_v6));
        if terms.is_none() && v4.or(v6).is_none() {
            let reason = format!("the container's address on the network {} is not known before it is started", network.name);
            self.doubt(planned, None, reason);
        }
        let addresses: Vec<IpAddr> = v4.into_iter().chain(v6).collect();
        if let Some(terms) = &terms {
            for address in &addresses {
                let (ruleset, habits) = (&mut self.programmed.host.ruleset, &self.habits);
                match habits.backend {
                    Backend::Iptables => iptables::endpoint(ruleset, habits, terms, *address),
                    Backend::Nftables => nftables::endpoint(ruleset, habits, terms, *address),
                }
            }
        }
        self.host().endpoints.push(Endpoint { container: planned.name.clone(), network: id.to_owned(), addresses });
        Some(Seat { terms, is_internal: network.is_internal, v4, v6 })
    }

    /// Publishes the container's ports.
    fn publish(&mut self, planned: &Planned, seats: &[Seat]) -> Vec<Binding> {
        let mut bindings = Vec::new();
        for port in &planned.ports {
            let number = self.choose(planned, port);
            let asked = Asked { host: port.host, port: number, target: port.target, protocol: port.protocol };
            let all = ports::bind(&self.habits, seats, self.takes_v6(), &asked);
            // moby v27.5.1 `validatePortBindings`; 28.0 opens the container port and lets the host port be.
            let is_routed = !all.is_empty() && all.iter().all(|bound| bound.port.is_none());
            if is_routed && port.port != HostPort::Any && !self.habits.since(28, 0, 0) {
                let reason = format!("the engine refuses a host port on a routed network: {number}/{}", port.protocol);
                self.doubt(planned, Some(port.publication), reason);
            }
            for bound in all {
                let Some(terms) = seats[bound.seat].terms.as_ref() else { continue };
                let (ruleset, habits) = (&mut self.programmed.host.ruleset, &self.habits);
                match habits.backend {
                    Backend::Iptables => iptables::port(ruleset, habits, terms, &bound),
                    Backend::Nftables => nftables::port(ruleset, habits, terms, &bound),
                }
                let binding = binding(&bound);
                let program = if self.habits.has_proxy { "docker-proxy" } else { "dockerd" };
                self.open(planned, port, binding, program);
                bindings.push(binding);
            }
        }
        bindings
    }

    /// Notes a port that is open, and the socket that holds it.
    fn open(&mut self, planned: &Planned, port: &Port, binding: Binding, program: &str) {
        if let Some(number) = binding.port {
            let listener = Listener {
                protocol: binding.protocol,
                address: (!binding.address.is_unspecified()).then_some(binding.address),
                v4: binding.address.is_ipv4(),
                v6: binding.address.is_ipv6(),
                interface: None,
                port: number,
                program: Some(program.to_owned()),
            };
            if let Some(other) = self.programmed.host.listeners.iter().find(|other| collide(other, &listener)) {
                let holder = other.program.as_deref().unwrap_or("another process");
                let reason = format!("host port {number}/{} is held by {holder}: the engine may refuse it", binding.protocol);
                self.doubt(planned, Some(port.publication), reason);
            }
            self.host().listeners.push(listener);
        }
        let (container, service) = (planned.name.clone(), planned.service.clone());
        self.programmed.opened.push(Opened { container, service, publication: port.publication, binding });
    }

    fn choose(&mut self, planned: &Planned, port: &Port) -> u16 {
        let (number, unknown) = choice::choose(&self.programmed.host, &self.others, port.port, port.protocol);
        if let Some(reason) = unknown {
            self.doubt(planned, Some(port.publication), reason);
        }
        number
    }

    /// Without v6 in the kernel, a port that names no address is bound in v4 alone (moby `netutils.IsV6Listenable`).
    fn takes_v6(&self) -> bool {
        let settings = &self.programmed.host.settings;
        settings.is_empty() || settings.keys().any(|key| key.starts_with("net/ipv6/"))
    }
}

fn binding(bound: &Bound) -> Binding {
    Binding { address: bound.host, port: bound.port, target: bound.target, protocol: bound.protocol }
}

/// True if two sockets cannot be there at once.
fn collide(one: &Listener, other: &Listener) -> bool {
    let same_family = one.v4 && other.v4 || one.v6 && other.v6;
    let same_address = one.address.is_none() || other.address.is_none() || one.address == other.address;
    let same_device = one.interface == other.interface || one.interface.is_none() || other.interface.is_none();
    (one.port, one.protocol) == (other.port, other.protocol) && same_family && same_address && same_device
}
