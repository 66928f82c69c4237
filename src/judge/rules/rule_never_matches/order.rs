//! Rules that an earlier one of their chain leaves nothing to.

use super::Fault;
use crate::judge::docker_user::{self, Effect};
use crate::model::finding::Level;
use crate::model::ruleset::{Action, Chain, Decision, Rule, Set, Span, Step, Test};
use std::net::IpAddr;

/// The position of the first rule that takes every packet out of the chain; the number of rules where there is none.
pub(super) fn end(chain: &Chain) -> usize {
    chain.rules.iter().position(takes_all).map_or(chain.rules.len(), |at| at + 1)
}

/// The rules below the one that takes every packet, and that one. A plain RETURN there does no harm.
pub(super) fn below_the_end(chain: &Chain) -> Option<(&[Rule], &Rule)> {
    let (above, below) = chain.rules.split_at(end(chain));
    let matters = below.iter().any(|rule| !docker_user::is_plain_return(rule));
    above.last().filter(|_| matters).map(|last| (below, last))
}

fn takes_all(rule: &Rule) -> bool {
    matches!(&*rule.steps, [Step::Act(Action::Decide(decision))] if is_final(decision))
}

fn is_final(decision: &Decision) -> bool {
    matches!(decision, Decision::Accept | Decision::Drop | Decision::Reject | Decision::Return | Decision::Goto(_))
}

/// So many rules of each kind are kept as possibly wider ones: the wide ones of a chain are few.
const MOST: usize = 256;

/// The rules of a chain so far, as far as they can leave nothing to later ones.
#[derive(Default)]
pub(super) struct Above<'a> {
    stopping: Vec<&'a Rule>,
    passing: Vec<&'a Rule>,
}

impl<'a> Above<'a> {
    /// One more rule.
    pub(super) fn add(&mut self, rule: &'a Rule) {
        let kept = match docker_user::effect(rule) {
            Effect::Stops => &mut self.stopping,
            Effect::LetsThrough => &mut self.passing,
            Effect::Leads | Effect::Other => return,
        };
        if kept.len() < MOST && is_plain(rule) {
            kept.push(rule);
        }
    }

    /// What is wrong where an earlier rule takes every packet that a rule could fit, and does the opposite with it.
    pub(super) fn shadow(&self, rule: &Rule) -> Option<Fault> {
        let (opposing, outcome) = match docker_user::effect(rule) {
            Effect::Stops | Effect::Leads => (&self.passing, "lets through"),
            Effect::LetsThrough => (&self.stopping, "stops"),
            Effect::Other => return None,
        };
        let by = opposing.iter().find(|wide| docker_user::tests(wide).all(|test| is_implied(test, rule)))?;
        Some(Fault {
            level: Level::Warn,
            why: format!("never fits: all that it could fit, `{}` {outcome} before it", by.text),
            help: vec!["put the narrower rule above the wider one".to_owned()],
        })
    }
}

/// True for a rule that only tests and then decides.
fn is_plain(rule: &Rule) -> bool {
    let decides = |step: &Step| matches!(step, Step::Act(Action::Decide(decision)) if is_final(decision));
    rule.steps.split_last().is_some_and(|(last, tests)| decides(last) && tests.iter().all(|step| matches!(step, Step::Test(_))))
}

/// True if every packet that fits the rule surely passes this test.
fn is_implied(test: &Test, rule: &Rule) -> bool {
    docker_user::tests(rule).any(|own| implies(own, test))
}

/// True if what passes `narrow` surely passes `wide`: both look at the same fields, and the values of one are among the other's.
fn implies(narrow: &Test, wide: &Test) -> bool {
    let (Test::Fields { selectors: a, among: own, negated: own_negated }, Test::Fields { selectors: b, among: other, negated }) =
        (narrow, wide)
    else {
        return false;
    };
    if a != b || !own.exceptions.is_empty() || !other.exceptions.is_empty() {
        return false;
    }
    match (own_negated, negated) {
        (false, false) => is_subset(own, other),
        (true, true) => is_subset(other, own),
        (false, true) => own.members.iter().all(|one| other.members.iter().all(|two| are_apart(one, two))),
        (true, false) => false,
    }
}

fn is_subset(inner: &Set, outer: &Set) -> bool {
    let within = |one: &Vec<Span>, two: &Vec<Span>| one.iter().zip(two).all(|(one, two)| is_within(one, two));
    inner.members.iter().all(|one| outer.members.iter().any(|two| within(one, two)))
}

fn is_within(inner: &Span, outer: &Span) -> bool {
    match (inner, outer) {
        (_, Span::Any) => true,
        (Span::Number(first, last), Span::Number(low, high)) => low <= first && last <= high,
        (Span::Address(first, last), Span::Address(low, high)) => are_ordered(low, first) && are_ordered(last, high),
        (Span::AnyBit(bits), Span::AnyBit(wide)) => bits & !wide == 0,
        (Span::Name(name) | Span::NamePrefix(name), Span::NamePrefix(prefix)) => name.starts_with(&**prefix),
        (one, two) => one == two,
    }
}

fn are_ordered(low: &IpAddr, high: &IpAddr) -> bool {
    low.is_ipv4() == high.is_ipv4() && low <= high
}

/// True if no value fits both.
fn are_apart(one: &[Span], two: &[Span]) -> bool {
    one.iter().zip(two).any(|(one, two)| match (one, two) {
        (Span::Number(first, last), Span::Number(low, high)) => last < low || high < first,
        (Span::Address(first, last), Span::Address(low, high)) => last < low || high < first,
        (Span::Name(one), Span::Name(two)) => one != two,
        (Span::Name(name), Span::NamePrefix(prefix)) | (Span::NamePrefix(prefix), Span::Name(name)) => {
            !name.starts_with(&**prefix)
        }
        _ => false,
    })
}
