//! The owner's rules in `DOCKER-USER`: where the chain is, what is in it, and what each rule asks for.
//!
//! In: a host's tables. Out: the chains and their rules, with questions about them that several rules of ours share. Not here: what is
//! wrong about them.

use super::ours;
use crate::model::host::Host;
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Chain, Decision, Key, Rule, Selector, Set, Span, Step, Table, TableFamily, Test};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The chain's name.
pub(super) const NAME: &str = "DOCKER-USER";

/// The chain of one family, with the chains that it leads to.
pub(super) struct Place<'a> {
    /// The table `filter` that it is in.
    pub(super) table: &'a Table,
    /// The family of the packets.
    pub(super) family: Family,
    /// `DOCKER-USER` first, then what it jumps to.
    pub(super) chains: Vec<&'a Chain>,
}

/// What a rule does with the packets that fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// They are dropped or rejected.
    Stops,
    /// They leave the chain: accepted, or handed back.
    LetsThrough,
    /// They go through another chain.
    Leads,
    /// Something else, or nothing.
    Other,
}

/// The chains of both families.
pub(super) fn places(host: &Host) -> Vec<Place<'_>> {
    let tables = host.ruleset.tables.iter().filter(|table| table.name == "filter");
    tables
        .filter_map(|table| {
            let family = match table.family {
                TableFamily::Ip => Family::V4,
                TableFamily::Ip6 => Family::V6,
                _ => return None,
            };
            Some(Place { table, family, chains: led_to(table, table.chains.get(NAME)?) })
        })
        .collect()
}

/// A chain, and every chain that can be come to from it, but for those of a lock of ours.
fn led_to<'a>(table: &'a Table, first: &'a Chain) -> Vec<&'a Chain> {
    let mut chains = vec![first];
    let mut seen: BTreeSet<&str> = BTreeSet::from([&*first.name]);
    let mut next = 0;
    while let Some(chain) = chains.get(next).copied() {
        next += 1;
        for target in chain.rules.iter().filter_map(target) {
            // A lock of ours says nothing of what its owner wrote.
            let led = table.chains.get(target).filter(|chain| !ours::is_chain(chain));
            if let Some(chain) = led.filter(|_| seen.insert(target)) {
                chains.push(chain);
            }
        }
    }
    chains
}

impl Place<'_> {
    /// The rules that the owner wrote: all but the engine's own last `RETURN` (engine before 28.2.2) and the jump to a lock of ours.
    pub(super) fn owned(&self) -> usize {
        let is_ours = |rule: &Rule| target(rule).is_some_and(ours::is_chain_name);
        let is_owned = |rule: &&Rule| !is_plain_return(rule) && !is_ours(rule);
        self.chains.first().map_or(0, |chain| chain.rules.iter().filter(is_owned).count())
    }

    /// `chain DOCKER-USER of ip filter`
    pub(super) fn part(&self, chain: &str) -> String {
        format!("chain {chain} of {}", self.table.title())
    }

    /// `v4`
    pub(super) fn family_name(&self) -> &'static str {
        self.family.name()
    }
}

/// True for `-j RETURN` without a condition.
pub(super) fn is_plain_return(rule: &Rule) -> bool {
    matches!(&*rule.steps, [Step::Act(Action::Decide(Decision::Return))])
}

/// The chain that a rule jumps or goes to.
pub(super) fn target(rule: &Rule) -> Option<&str> {
    rule.steps.iter().find_map(|step| match step {
        Step::Act(Action::Decide(Decision::Jump(target) | Decision::Goto(target))) => Some(&**target),
        _ => None,
    })
}

/// The conditions of a rule.
pub(super) fn tests(rule: &Rule) -> impl Iterator<Item = &Test> {
    rule.steps.iter().filter_map(|step| if let Step::Test(test) = step { Some(test) } else { None })
}

/// What a rule does.
pub(super) fn effect(rule: &Rule) -> Effect {
    let action = rule.steps.iter().find_map(|step| if let Step::Act(action) = step { Some(action) } else { None });
    match action {
        Some(Action::Decide(Decision::Drop | Decision::Reject)) => Effect::Stops,
        Some(Action::Decide(Decision::Accept | Decision::Return)) => Effect::LetsThrough,
        Some(Action::Decide(Decision::Jump(_) | Decision::Goto(_))) => Effect::Leads,
        _ => Effect::Other,
    }
}

/// The values that a condition holds one whole field against, and whether it is negated; None for any other condition.
pub(super) fn about(test: &Test, wanted: Key) -> Option<(&Arc<Set>, bool)> {
    match test {
        Test::Fields { selectors, among, negated } => match selectors.as_slice() {
            [Selector { key, mask: None }] if *key == wanted => Some((among, *negated)),
            _ => None,
        },
        Test::Unknown(_) => None,
    }
}

/// The values that one field must have: of each condition about it that is not negated.
pub(super) fn wanted(rule: &Rule, key: Key) -> impl Iterator<Item = &Arc<Set>> {
    tests(rule).filter_map(move |test| about(test, key)).filter(|(_, negated)| !negated).map(|(among, _)| among)
}

/// The single values of a set; None where it holds something else.
pub(super) fn singles(set: &Set) -> Option<Vec<&Span>> {
    set.members.iter().map(|member| if let [span] = member.as_slice() { Some(span) } else { None }).collect()
}

/// True if an interface name fits a span.
pub(super) fn names(span: &Span, interface: &str) -> bool {
    match span {
        Span::Name(name) => &**name == interface,
        Span::NamePrefix(prefix) => interface.starts_with(&**prefix),
        Span::Any => true,
        _ => false,
    }
}
