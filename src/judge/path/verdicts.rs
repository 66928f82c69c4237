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

/// The verdicts on a packet from many senders: each group stands in one of them, with the way that its packets take.
pub(super) fn by_group(crowd: &Crowd, outcomes: &[Outcome<'_>]) -> Vec<(Verdict, Path, Groups)> {
    let mut ends: [Groups; 3] = SHOWN.map(|_| crowd.nobody());
    let mut ways: Vec<(Verdict, Path, Groups)> = Vec::new();
    for Outcome { verdict, path, world } in outcomes {
        for (end, _) in ends.iter_mut().zip(SHOWN).filter(|(_, shown)| shown == verdict) {
            *end = end.or(&world.groups);
        }
        match ways.iter_mut().find(|(own, way, _)| own == verdict && way == path) {
            Some((_, _, groups)) => *groups = groups.or(&world.groups),
            None => ways.push((*verdict, *path, world.groups.clone())),
        }
    }
    let [unsure, open, closed] = ends;
    let (open, closed) = (open.without(&unsure).without(&closed), closed.without(&unsure).without(&open));
    let unsure = crowd.everybody().without(&open).without(&closed);
    let mut verdicts = Vec::new();
    for (verdict, mut groups) in SHOWN.into_iter().zip([unsure, open, closed]) {
        for (_, path, own) in SHOWN.iter().flat_map(|end| ways.iter().filter(move |(own, _, _)| own == end)) {
            let here = groups.and(own);
            if !here.is_empty() {
                groups = groups.without(&here);
                verdicts.push((verdict, *path, here));
            }
        }
        if !groups.is_empty() {
            verdicts.push((verdict, Path::Nowhere, groups));
        }
    }
    verdicts
}
