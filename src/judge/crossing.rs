//! Packets between containers and the outside, as the chains at the hook forward see them.
//!
//! In: a host, a table of it, and a packet whose way through the host is given: where it comes in, where it goes out, what was translated.
//! Out: how it leaves a base chain. Not here: how it came to that hook ([`super::path`] follows the first packet of a connection all the
//! way; answers it does not follow).

use super::court::Sender;
use super::ground::Ground;
use super::hosts::{self, HostCase};
use super::plan::addresses::Addresses;
use super::plan::{Library, Plan};
use super::sources::crowd::Crowd;
use super::sources::groups::Groups;
use super::walk::scene::Scene;
use super::walk::world::{Tracking, World};
use super::walk::{End, walk};
use crate::model::host::Host;
use crate::model::packet::{Family, Protocol, Target};
use crate::model::ruleset::{Base, ChainKind, Hook, Policy, Ruleset, Table};
use crate::model::verdict::Hop;
use std::borrow::Cow;
use std::net::IpAddr;

/// A packet at the hook forward.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing<'a> {
    /// The interface that it came by.
    pub(super) input: &'a str,
    /// The interface that it will leave by.
    pub(super) output: &'a str,
    /// The sender.
    pub(super) source: IpAddr,
    /// The receiver, after translation.
    pub(super) destination: IpAddr,
    /// The port of the side that is called, after translation.
    pub(super) port: u16,
    /// A protocol with ports.
    pub(super) protocol: Protocol,
    /// Its place in its connection.
    pub(super) role: Role,
}

/// The place of a packet in its connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// It opens a connection to a container, and was sent to this address and port.
    Opening(IpAddr, u16),
    /// It opens a connection from a container.
    Leaving,
    /// It answers such a one.
    Answer,
}

/// How a packet leaves a base chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Every way ends in accept; the last thing that happened.
    Accepted(Hop),
    /// Every way ends in drop; the last thing that happened.
    Dropped(Hop),
    /// It cannot be told.
    Unsure,
}

/// A table, ready to be walked.
pub(super) struct Crossings<'a> {
    ground: Ground<'a>,
    plan: Plan,
    circles: Vec<Addresses>,
}

impl<'a> Crossings<'a> {
    /// Prepares a table of a host.
    pub(super) fn of(host: &'a Host, table: &Table) -> Self {
        let mut library = Library::default();
        let plan = Plan::of(&Ruleset { tables: vec![table.clone()] }, &mut library);
        Self { ground: Ground::of(Cow::Borrowed(host)), plan, circles: library.circles }
    }

    /// How a packet leaves a chain of the table, called at the hook forward with this policy.
    pub(super) fn leaves(&self, name: &str, policy: Policy, packet: &Crossing) -> Leaves {
        let base = Base { hook: Hook::Forward, kind: ChainKind::Filter, priority: 0, policy, devices: Vec::new() };
        let crowd = Crowd::of(packet.input, vec![packet.source], self.circles.len());
        let scene = Scene { ground: &self.ground, plan: &self.plan, circles: &self.circles, crowd: &crowd };
        let Some(table) = self.plan.tables.first() else { return Leaves::Unsure };
        let Some(chain) = table.chains.iter().find(|chain| &*chain.name == name) else { return Leaves::Unsure };
        let mut ends = walk(scene, table, chain, &base, vec![packet.world(crowd.everybody())]);
        let all = |wanted: &End| ends.iter().all(|(end, _)| end == wanted);
        let (accepted, dropped) = (all(&End::Accept), all(&End::Drop));
        let last = ends.pop().and_then(|(_, world)| world.story?.hops.into_iter().next_back());
        match (accepted, dropped, last) {
            (true, false, Some(hop)) => Leaves::Accepted(hop),
            (false, true, Some(hop)) => Leaves::Dropped(hop),
            _ => Leaves::Unsure,
        }
    }
}

impl<'a> Crossing<'a> {
    fn world(&self, groups: Groups) -> World<'a> {
        let to = Target { address: self.destination, port: self.port, protocol: self.protocol };
        let mut world = World::of(groups, self.input, to);
        world.story = Some(Box::default());
        let state = &mut world.state;
        state.output = Some(self.output);
        state.tracking = Tracking::New;
        match self.role {
            Role::Opening(address, port) => {
                state.original = (address, port);
                state.nat.destination = (address, port) != (self.destination, self.port);
            }
            Role::Leaving => {}
            Role::Answer => {
                state.tracking = Tracking::Answer;
                state.original = (self.source, self.port);
                state.port = None;
                state.nat.source = true;
            }
        }
        world
    }
}

/// Somebody whom containers reach by an interface, and whose packets come in by it: a stranger far away where there is one, otherwise one
/// of the largest group of neighbours. None where nobody's packets come in.
pub(super) fn somebody(case: &HostCase, interface: &str, family: Family) -> Option<IpAddr> {
    let senders = case.court.senders(interface, family);
    let size = |sender: &Sender| sender.spans.iter().map(hosts::size).fold(0, u128::saturating_add);
    let weight = |sender: &&Sender| {
        (case.court.ground().leads_back(sender.representative, None, Some(interface), 0), sender.is_stranger, size(sender))
    };
    senders.iter().max_by_key(weight).map(|sender| sender.representative)
}
