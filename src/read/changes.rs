//! Sets that rules change while packets pass: what a listing says of one may no longer hold when a packet asks for it.
//!
//! What enters: which rule changes which set. What leaves: whether a rule that asks for a set can be judged by its listing. A verdict of
//! open is one on the set as it was listed; one of closed must hold whatever packets were sent before, as port knocking does. Not here: how
//! a rule names a set.

use crate::model::ruleset::{Action, Decision, Hook, Step};
use std::collections::BTreeMap;

/// Where a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The name of its chain, with whatever tells that apart from others.
    pub(super) chain: String,
    /// The hook that calls the chain; None where only other chains do.
    pub(super) hook: Option<Hook>,
    /// Its number in the chain.
    pub(super) rule: usize,
}

/// A change of a set.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// Where the rule stands that makes it.
    pub(super) place: Place,
    /// True if it takes something out; false if it puts something in.
    pub(super) removes: bool,
}

/// The changes that rules make, by the names of the sets.
#[derive(Debug, Default)]
pub(super) struct Changes {
    by_set: BTreeMap<String, Vec<Change>>,
    /// Changes of sets that are not known.
    of_any: Vec<Change>,
}

impl Changes {
    /// Notes a change of a set; None: of one that is not known.
    pub(super) fn add(&mut self, set: Option<&str>, change: Change) {
        match set {
            Some(set) => self.by_set.entry(set.to_owned()).or_default().push(change),
            None => self.of_any.push(change),
        }
    }

    /// True if no rule changes a set.
    pub(super) fn is_empty(&self) -> bool {
        self.by_set.is_empty() && self.of_any.is_empty()
    }

    /// True if what a rule finds in a set may be something else than what is listed. `only_stops`: all that the rule does is to stop
    /// packets for being in the set.
    ///
    /// What is put in later makes such a rule stop more, but not the first packet of a sender, unless that put itself there before.
    pub(super) fn leave_doubt(&self, set: &str, asks: &Place, only_stops: bool) -> bool {
        let mut all = self.by_set.get(set).into_iter().flatten().chain(&self.of_any);
        all.any(|change| change.removes || !only_stops || !change.place.comes_after(asks))
    }
}

impl Place {
    /// True if a packet surely comes here after it was there: a hook calls a base chain once for each packet.
    fn comes_after(&self, other: &Self) -> bool {
        match (other.hook, self.hook) {
            (Some(_), Some(_)) if self.chain == other.chain => self.rule > other.rule,
            (Some(Hook::Ingress | Hook::Prerouting), Some(Hook::Input | Hook::Forward)) => true,
            _ => false,
        }
    }
}

/// True if steps do nothing but stop packets.
pub(super) fn only_stop<'s>(mut steps: impl Iterator<Item = &'s Step>) -> bool {
    steps.all(|step| matches!(step, Step::Test(_) | Step::Act(Action::Decide(Decision::Drop | Decision::Reject))))
}
