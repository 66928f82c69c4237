//! A packet through the whole host: hook by hook, with translation and routing between them.
//!
//! What enters: a host and a packet that opens a new connection, from one sender or from many. What leaves: whether it reaches the host
//! or a container, and, for one sender, by which rules. Whether anything listens there is not asked. Not here: what programs at tc
//! or XDP do; a packet that meets one is not judged open.

mod frames;
mod hooks;
mod stack;
mod verdicts;

use super::ground::Ground;
use super::plan::addresses::Addresses;
use super::plan::{Library, Plan};
use super::sources::crowd::Crowd;
use super::sources::groups::Groups;
use super::walk::scene::Scene;
use super::walk::world::{Story, World};
use crate::model::host::{Host, Part};
use crate::model::packet::{Family, Packet, Target};
use crate::model::verdict::{Path, Trace, Verdict};
use std::borrow::Cow;

/// Why an address's type is not known.
pub(crate) const UNREAD_ADDRESSES: &str = "the host's addresses are unread; `ip -j addr` shows them";

/// One possible end of a packet's way.
#[derive(Debug)]
struct Outcome<'a> {
    verdict: Verdict,
    path: Path,
    world: World<'a>,
}

/// A packet under way: the ends of its ways so far.
struct Journey<'a> {
    scene: Scene<'a>,
    outcomes: Vec<Outcome<'a>>,
    /// Whose packets came to an end that cannot be told.
    unsure: Groups,
    /// True if somebody asks which rules were met: then nothing is left out.
    is_told: bool,
    /// True for a packet that a process of the host sends.
    is_own: bool,
}

/// Follows a packet through a host.
///
/// A verdict is Open or Closed only where every possible way of the packet ends so.
pub fn trace(host: &Host, packet: &Packet) -> Trace {
    let mut library = Library::default();
    let plan = Plan::of(&host.ruleset, &mut library);
    follow(&Ground::of(Cow::Borrowed(host)), &plan, &library.circles, packet)
}

/// Follows a packet through a host that is prepared.
pub(crate) fn follow(ground: &Ground<'_>, plan: &Plan, circles: &[Addresses], packet: &Packet) -> Trace {
    let crowd = Crowd::of(&packet.interface, vec![packet.source], circles.len());
    let to = Target { address: packet.destination, port: packet.port, protocol: packet.protocol };
    verdicts::conclude(outcomes(Scene { ground, plan, circles, crowd: &crowd }, to, true))
}

/// Judges a packet from each group of a crowd at once: each stands in one verdict, with the way that its packets take.
pub(crate) fn rule(scene: Scene<'_>, to: Target) -> Vec<(Verdict, Path, Groups)> {
    verdicts::by_group(scene.crowd, &outcomes(scene, to, false))
}

/// All ends that a packet can come to.
fn outcomes(scene: Scene<'_>, to: Target, is_told: bool) -> Vec<Outcome<'_>> {
    let interface = &*scene.crowd.interface;
    let mut world = World::of(scene.crowd.everybody(), interface, to);
    world.story = is_told.then(Box::<Story>::default);
    let family = Family::of(to.address);
    let is_about = |part| matches!(part, Part::Rules(own) if own.is_none_or(|own| own == family));
    if let Some(unread) = scene.ground.host.unread(is_about) {
        world.doubt(|| format!("rules are unread: {}; `{}` shows them", unread.why, unread.command));
        return vec![Outcome { verdict: Verdict::Unsure, path: Path::Nowhere, world }];
    }
    let unsure = scene.crowd.nobody();
    let mut journey = Journey { scene, outcomes: Vec::new(), unsure, is_told, is_own: interface == "lo" };
    if journey.is_own {
        journey.send(world);
    } else {
        journey.arrive(world, interface);
    }
    journey.outcomes
}

#[cfg(test)]
mod tests;
