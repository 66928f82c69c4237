//! One packet through the whole host: hook by hook, with translation and routing between them.
//!
//! What enters: a host and a packet that opens a new connection. What leaves: whether it reaches the host or a container, and by which
//! rules. Whether anything listens there is not asked. Not here: bridges' own rules (family `bridge`) and programs at tc or XDP.

mod hooks;
mod stack;

use super::ground::Ground;
use super::walk::world::World;
use crate::model::host::{Host, Part};
use crate::model::packet::Packet;
use crate::model::verdict::{Path, Trace, Verdict};

/// One possible end of a packet's way.
#[derive(Debug)]
struct Outcome {
    verdict: Verdict,
    path: Path,
    world: World,
}

/// A packet under way: the worlds that are still going, and the ends of the others.
struct Journey<'a> {
    ground: &'a Ground<'a>,
    outcomes: Vec<Outcome>,
}

/// Follows a packet through a host.
///
/// A verdict is Open or Closed only where every possible way of the packet ends so.
pub fn trace(host: &Host, packet: &Packet) -> Trace {
    let ground = Ground { host };
    let mut world = World::of(packet);
    let rules = host.unread(|part| matches!(part, Part::Rules(family) if family.is_none_or(|family| family == packet.family())));
    if let Some(unread) = rules {
        world.doubt(format!("rules are unread: {}; `{}` shows them", unread.why, unread.command));
        return conclude(vec![Outcome { verdict: Verdict::Unsure, path: Path::Nowhere, world }]);
    }
    let mut journey = Journey { ground: &ground, outcomes: Vec::new() };
    if packet.interface.as_ref() == "lo" {
        journey.send(world);
    } else {
        journey.arrive(world);
    }
    conclude(journey.outcomes)
}

/// One verdict from all possible ends.
fn conclude(mut outcomes: Vec<Outcome>) -> Trace {
    let first = outcomes.first().map_or(Verdict::Unsure, |outcome| outcome.verdict);
    let verdict = if outcomes.iter().all(|outcome| outcome.verdict == first) { first } else { Verdict::Unsure };
    let mut doubts: Vec<String> = Vec::new();
    if verdict == Verdict::Unsure {
        let all = outcomes.iter().flat_map(|outcome| outcome.world.doubts.iter().cloned());
        for doubt in all {
            if !doubts.contains(&doubt) {
                doubts.push(doubt);
            }
        }
    }
    // The way that is shown: where it cannot be told, the one on which the packet got lost, or else the one on which it got through.
    let shown =
        [Verdict::Unsure, Verdict::Open].iter().find_map(|wanted| outcomes.iter().position(|outcome| outcome.verdict == *wanted));
    if outcomes.is_empty() {
        return Trace { verdict, path: Path::Nowhere, hops: Vec::new(), doubts, delivered: None };
    }
    let Outcome { verdict: end, path, world } = outcomes.swap_remove(shown.unwrap_or(0));
    let delivered = (end == Verdict::Open).then_some((world.state.destination, world.state.port));
    Trace { verdict, path, hops: world.trace, doubts, delivered }
}

#[cfg(test)]
mod tests;
