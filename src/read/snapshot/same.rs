//! Whether two readings of a rule say the same, though different tools' words were read: nft's listing, and `iptables-save`.
//!
//! In: steps of a rule of a table of `ip` or `ip6`. Tests may stand in any order and more than once. Not here: which reading counts.

use crate::model::packet::Family;
use crate::model::ruleset::{Action, Key, Selector, Span, Step, Test};

/// A rule as iptables' are: first tests, then what it does.
pub(super) struct Form<'a> {
    /// The tests, without those that every packet of the family passes.
    pub(super) tests: Vec<&'a Test>,
    /// What is done where all of them hold.
    pub(super) actions: Vec<&'a Action>,
}

impl<'a> Form<'a> {
    /// None for a rule that tests again behind something that it did.
    pub(super) fn of(steps: &'a [Step], family: Family) -> Option<Self> {
        let mut form = Self { tests: Vec::new(), actions: Vec::new() };
        for step in steps {
            match step {
                Step::Act(action) => form.actions.push(action),
                Step::Test(_) if !form.actions.is_empty() => return None,
                Step::Test(test) if is_of(test, family) => {}
                Step::Test(test) => form.tests.push(test),
            }
        }
        Some(form)
    }

    /// True if both fit the same packets and do the same to them.
    pub(super) fn is_same(&self, other: &Form<'_>) -> bool {
        self.actions == other.actions && self.asks_all(&other.tests) && other.asks_all(&self.tests)
    }

    /// True if each of these tests is among its own.
    pub(super) fn asks_all(&self, tests: &[&Test]) -> bool {
        tests.iter().all(|wanted| self.tests.iter().any(|own| is_same(own, wanted)))
    }
}

/// True for what nft's reading and that of the save may both leave unknown: a rate. Any other unknown test says nothing of the rule.
pub(super) fn is_rate(test: &Test) -> bool {
    let Test::Unknown(words) = test else { return false };
    let listed = words.strip_prefix("limit rate ");
    // What iptables' own match does not know has more words: `over`, `mbytes`.
    listed.is_some_and(|rate| !rate.contains(' ')) || words.starts_with("-m limit ")
}

fn is_same(one: &Test, other: &Test) -> bool {
    match (one, other) {
        (
            Test::Fields { selectors, among, negated },
            Test::Fields { selectors: others, among: other_values, negated: other_negated },
        ) => {
            let is_equal = negated == other_negated && selectors == others && among == other_values;
            is_equal || Number::of(one).is_some_and(|number| Number::of(other) == Some(number))
        }
        (Test::Unknown(_), Test::Unknown(_)) => is_rate(one) && is_rate(other),
        _ => false,
    }
}

/// A test of one number, in one of the several forms that say the same.
#[derive(PartialEq, Eq)]
struct Number {
    key: Key,
    mask: Option<u32>,
    span: (u32, u32),
    negated: bool,
}

impl Number {
    fn of(test: &Test) -> Option<Self> {
        let Test::Fields { selectors, among, negated } = test else { return None };
        let ([selector], [member]) = (&**selectors, &*among.members) else { return None };
        let [span] = &**member else { return None };
        let &Selector { key, mask } = selector;
        // A mark that is compared as a whole is under a mask of all bits, or under none.
        let mask = mask.filter(|mask| *mask != u32::MAX);
        let none_of = |bits, negated| Self { key, mask: Some(bits), span: (0, 0), negated };
        among.exceptions.is_empty().then_some(())?;
        Some(match (span, mask) {
            (Span::AnyBit(bits), None) => none_of(*bits, !negated),
            // The only bit that is looked at is set.
            (&Span::Number(first, last), Some(bits)) if first == last && first == bits && bits.is_power_of_two() => {
                none_of(bits, !negated)
            }
            // `> 1023` and `1024:65535`.
            (&Span::Number(first, last), None) if matches!(key, Key::SourcePort | Key::DestinationPort) => {
                Self { key, mask, span: (first, last.min(u16::MAX.into())), negated: *negated }
            }
            (&Span::Number(first, last), _) => Self { key, mask, span: (first, last), negated: *negated },
            _ => return None,
        })
    }
}

/// True for a test that a packet is of this family.
fn is_of(test: &Test, family: Family) -> bool {
    let Test::Fields { selectors, among, negated: false } = test else { return false };
    let own = [vec![Span::number(family.number())]];
    *selectors == [Selector::from(Key::Family)] && among.members == own && among.exceptions.is_empty()
}
