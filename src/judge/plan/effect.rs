//! What a chain can do to a packet at all, whatever the packet: a chain that can do nothing need not be walked where nobody asks which
//! rules were met.

use super::{Action, Chain, Decision, Step, Translation};
use crate::model::ruleset::Policy;

/// All that a chain can do to a packet, with the chains that it calls; more where it cannot be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// It passes on, unchanged.
    None,
    /// It passes on, perhaps with another source, as a nat chain gives it.
    Source,
    /// It may end, change or get lost.
    #[default]
    Any,
}

/// How a chain's effect is found out.
#[derive(Clone, Copy)]
enum Known {
    Not,
    /// It is being looked at: a chain that leads back here may never end.
    Asked,
    /// The effect, and how deep chains call each other from here.
    Effect(Effect, usize),
}

/// Chains that call each other deeper are not looked into: the walk has a bound, too.
const DEPTH: usize = 100;

/// Notes the effect of each chain of a table.
pub(super) fn fill(chains: &mut [Chain]) {
    let mut known = vec![Known::Not; chains.len()];
    for at in 0..chains.len() {
        chain(chains, at, 0, &mut known);
    }
    for (chain, known) in chains.iter_mut().zip(known) {
        let may_end = chain.base.as_ref().is_some_and(|base| base.policy == Policy::Drop);
        chain.effect = match known {
            Known::Effect(effect, _) if !may_end => effect,
            _ => Effect::Any,
        };
    }
}

fn chain(chains: &[Chain], at: usize, depth: usize, known: &mut [Known]) -> (Effect, usize) {
    match known[at] {
        Known::Effect(effect, height) => return (effect, height),
        Known::Asked => return (Effect::Any, 0),
        Known::Not if depth > DEPTH => return (Effect::Any, 0),
        Known::Not => {}
    }
    known[at] = Known::Asked;
    let (mut effect, mut height) = (if chains[at].unread.is_some() { Effect::Any } else { Effect::None }, 0);
    for step in chains[at].rules.iter().flat_map(|rule| &rule.steps) {
        let Step::Act(action) = step else { continue };
        let mut called = |word: Decision| {
            let (more, below) = decision(chains, word, depth, known);
            (effect, height) = (effect.max(more), height.max(below + 1));
        };
        match action {
            Action::Decide(word) => called(*word),
            Action::Lookup { map, .. } => map.entries.iter().for_each(|(_, word)| called(*word)),
            Action::Translate(Translation::Source) => effect = effect.max(Effect::Source),
            Action::Translate(_) | Action::SetMark(_) | Action::Untrack | Action::Unknown(_) => effect = Effect::Any,
        }
    }
    if height > DEPTH {
        effect = Effect::Any;
    }
    known[at] = Known::Effect(effect, height);
    (effect, height)
}

fn decision(chains: &[Chain], word: Decision, depth: usize, known: &mut [Known]) -> (Effect, usize) {
    match word {
        Decision::Accept | Decision::Return | Decision::Continue => (Effect::None, 0),
        Decision::Drop | Decision::Reject | Decision::Jump(None) | Decision::Goto(None) => (Effect::Any, 0),
        Decision::Jump(Some(target)) | Decision::Goto(Some(target)) => chain(chains, target, depth + 1, known),
    }
}
