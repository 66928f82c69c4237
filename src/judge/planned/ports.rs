//! Which host ports the engine binds for what a container asks, and who carries each to the container.
//!
//! Sources: moby v26.1.5 `libnetwork/drivers/bridge/port_mapping.go`; v28.5.2 and main of 2026-08 `port_mapping_linux.go`
//! (`configurePortBindingIPv4` and 6), `libnetwork/sandbox.go` (`Endpoint.Less`), `default_gateway.go` (`getGatewayEndpoint`).

use super::habits::Habits;
use super::terms::{Mode, Terms};
use crate::model::packet::{Family, Protocol};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A container's place on a network.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// The bridge network; None: one without a bridge, through which nothing is published.
    pub(super) terms: Option<Terms>,
    /// True if the network has no way out.
    pub(super) is_internal: bool,
    /// The container's v4 address there.
    pub(super) v4: Option<IpAddr>,
    /// The container's v6 address there.
    pub(super) v6: Option<IpAddr>,
}

/// What is asked for one container port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// The host address; None: not named.
    pub(super) host: Option<IpAddr>,
    /// The host port.
    pub(super) port: u16,
    /// The container port.
    pub(super) target: u16,
    /// The protocol.
    pub(super) protocol: Protocol,
}

/// A port that the engine opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// Which of the container's seats carries it.
    pub(super) seat: usize,
    /// The host address; unspecified: every address of its family.
    pub(super) host: IpAddr,
    /// The host port; None where there is none, on a `routed` network.
    pub(super) port: Option<u16>,
    /// The container's address.
    pub(super) container: IpAddr,
    /// The container port.
    pub(super) target: u16,
    /// The protocol.
    pub(super) protocol: Protocol,
}

/// What the engine opens for one port that a container asks for. `seats`: the best gateway first.
pub(super) fn bind(habits: &Habits, seats: &[Seat], takes_v6: bool, asked: &Asked) -> Vec<Bound> {
    let (v4, v6) = gateways(habits, seats);
    let mut bound = Vec::new();
    if let Some(at) = v4 {
        bound.extend(bind_v4(&seats[at], asked).map(|bound| Bound { seat: at, ..bound }));
    }
    if let Some(at) = v6.or(v4).filter(|_| takes_v6 || asked.host.is_some_and(|host| host.is_ipv6())) {
        bound.extend(bind_v6(habits, &seats[at], asked).map(|bound| Bound { seat: at, ..bound }));
    }
    if habits.since(29, 0, 0) {
        open_routed(seats, asked, &mut bound);
    }
    bound
}

/// The seats that carry published ports: from 28.0 on one for each family.
fn gateways(habits: &Habits, seats: &[Seat]) -> (Option<usize>, Option<usize>) {
    let first = |wanted: &dyn Fn(&Seat) -> bool| seats.iter().position(|seat| !seat.is_internal && wanted(seat));
    let v4 = first(&|seat| seat.v4.is_some());
    if !habits.since(28, 0, 0) {
        return (v4, v4);
    }
    (v4, first(&|seat| seat.v6.is_some()))
}

/// From 29.0 on, published ports are open on every `routed` network, be it the gateway or not.
fn open_routed(seats: &[Seat], asked: &Asked, bound: &mut Vec<Bound>) {
    for (at, seat) in seats.iter().enumerate().filter(|(_, seat)| !seat.is_internal) {
        let Some(terms) = &seat.terms else { continue };
        for (family, container) in [(Family::V4, seat.v4), (Family::V6, seat.v6)] {
            let Some(container) = container.filter(|_| terms.mode(family) == Mode::Routed) else { continue };
            let is_asked = asked.host.is_none_or(|host| host.is_ipv4() == container.is_ipv4());
            if is_asked && !bound.iter().any(|other| other.container == container) {
                bound.push(open(at, container, asked));
            }
        }
    }
}

/// A container port that is open at the container's own address.
fn open(seat: usize, container: IpAddr, asked: &Asked) -> Bound {
    let host = if container.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    Bound { seat, host, port: None, container, target: asked.target, protocol: asked.protocol }
}

fn bind_v4(seat: &Seat, asked: &Asked) -> Option<Bound> {
    let (container, terms) = (seat.v4?, seat.terms.as_ref()?);
    let default = terms.host_binding.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let host = asked.host.unwrap_or(default);
    if host.is_ipv6() {
        return None;
    }
    if terms.mode(Family::V4) == Mode::Routed {
        return Some(open(0, container, asked));
    }
    Some(Bound { seat: 0, host, port: Some(asked.port), container, target: asked.target, protocol: asked.protocol })
}

/// Without a v6 address of its own, a container is reached from host v6 by docker-proxy, at its v4 address.
fn bind_v6(habits: &Habits, seat: &Seat, asked: &Asked) -> Option<Bound> {
    let (container, terms) = (seat.v6.or(seat.v4.filter(|_| habits.has_proxy))?, seat.terms.as_ref()?);
    let host = match (asked.host, terms.host_binding) {
        (Some(host), _) => host,
        (None, Some(default)) if !default.is_unspecified() || default.is_ipv6() => default,
        (None, _) => Ipv6Addr::UNSPECIFIED.into(),
    };
    if host.is_ipv4() {
        return None;
    }
    if terms.mode(Family::V6) == Mode::Routed && container.is_ipv6() {
        return Some(open(0, container, asked));
    }
    Some(Bound { seat: 0, host, port: Some(asked.port), container, target: asked.target, protocol: asked.protocol })
}
