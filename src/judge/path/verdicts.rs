//! One verdict from all ends that a packet can come to.

use super::Outcome;
use crate::judge::sources::crowd::Crowd;
use crate::judge::sources::groups::Groups;
use crate::model::verdict::{Path, Trace, Verdict};

/// The order in which ends are shown: where it cannot be told, the one on which the packet got lost, or else the one on which it got
/// through.
const SHOWN: [Verdict; 3] = [Verdict::Unsure, Verdict::Open, Verdict::Closed];

/// One verdict on a packet from one sender, and how it came about.
pub(super) fn conclude(mut outcomes: Vec<Outcome<'_>>) -> Trace {
    let first = outcomes.first().map_or(Verdict::Unsure, |outcome| outcome.verdict);
    let verdict = if outcomes.iter().all(|outcome| outcome.verdict == first) { first } else { Verdict::Unsure };
    let mut doubts: Vec<String> = Vec::new();
    if verdict == Verdict::Unsure {
        let stories = outcomes.iter().filter_map(|outcome| outcome.world.story.as_ref());
        for doubt in stories.flat_map(|story| &story.doubts) {
            if !doubts.contains(doubt) {
                doubts.push(doubt.clone());
            }
        }
    }
    let shown = SHOWN.iter().find_map(|wanted| outcomes.iter().position(|outcome| outcome.verdict == *wanted));
    let Some(shown) = shown else {
        return Trace { verdict, path: Path::Nowhere, hops: Vec::new(), doubts, delivered: None };
    };
    let Outcome { verdict: end, path, world } = outcomes.swap_remove(shown);
    let delivered = (end == Verdict::Open).then_some((world.state.destination, world.state.port));
    Trace { verdict, path, hops: world.story.map(|story| story.hops).unwrap_or_default(), doubts, delivered }
}

/// The verdicts on a packet from many senders.
pub(crate) struct Verdicts {
    /// Ends that some or all packets of these groups come to, in the order of [`SHOWN`].
    ends: [Groups; 3],
    /// By which way the groups come to their ends, in the order in which the ways were found.
    paths: Vec<(Verdict, Path, Groups)>,
}

impl Verdicts {
    pub(super) fn of(crowd: &Crowd, outcomes: &[Outcome<'_>]) -> Self {
        let mut verdicts = Self { ends: SHOWN.map(|_| crowd.nobody()), paths: Vec::new() };
        for Outcome { verdict, path, world } in outcomes {
            for (end, _) in verdicts.ends.iter_mut().zip(SHOWN).filter(|(_, shown)| shown == verdict) {
                *end = end.or(&world.groups);
            }
            match verdicts.paths.iter_mut().find(|(own, way, _)| own == verdict && way == path) {
                Some((_, _, groups)) => *groups = groups.or(&world.groups),
                None => verdicts.paths.push((*verdict, *path, world.groups.clone())),
            }
        }
        verdicts
    }

    /// The verdict on packets of a group, and the way that they took.
    pub(crate) fn on(&self, group: usize) -> (Verdict, Path) {
        let [unsure, open, closed] = [0, 1, 2].map(|end| self.ends[end].contains(group));
        let verdict = match (unsure, open, closed) {
            (false, true, false) => Verdict::Open,
            (false, false, true) => Verdict::Closed,
            _ => Verdict::Unsure,
        };
        let way = |wanted: &Verdict| self.paths.iter().find(|(own, _, groups)| own == wanted && groups.contains(group));
        (verdict, SHOWN.iter().find_map(way).map_or(Path::Nowhere, |(_, path, _)| *path))
    }
}
