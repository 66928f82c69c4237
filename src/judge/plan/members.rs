//! Sets, sorted by what is asked of them.

use super::addresses::Addresses;
use super::finder::Finder;
use crate::model::ruleset::{Key, Selector, Set, Span};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Sets of at most so many members are gone through one by one.
const FEW: usize = 4;

/// What fields are held against.
pub(crate) struct Members {
    /// The members.
    pub(crate) inside: Inside,
    /// What is in one of these may or may not be in the set.
    pub(crate) exceptions: Option<Inside>,
}

/// Members, in a form in which one is soon found.
pub(crate) enum Inside {
    /// One value of one field.
    One(Part),
    /// One after the other, or those that a finder finds.
    Listed(Vec<Member>, Option<Finder>),
    /// Of one field: addresses.
    Addresses(Addresses),
    /// Of one field: ranges of numbers, in order and apart from each other.
    Numbers(Vec<(u32, u32)>),
    /// Of one field: names, and beginnings of names.
    Names(Names),
    /// Of one field: a circle of senders, by its number.
    Senders(usize),
}

/// Names, whole and by their beginnings.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) whole: HashSet<Arc<str>>,
    pub(crate) beginnings: HashSet<Arc<str>>,
}

/// A member: a part for each selector.
pub(crate) type Member = Box<[Part]>;

/// What one field of a member is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Any field but the sender.
    Span(Span),
    /// The sender: a circle of senders, by its number.
    Senders(usize),
}

/// A set as it is asked by some selectors.
type Asked = (Vec<Selector>, Arc<Members>);

/// What several plans share: sets, and the circles of senders that rules tell apart.
#[derive(Default)]
pub(crate) struct Library {
    /// The circles, by their number.
    pub(crate) circles: Vec<Addresses>,
    numbers: HashMap<Addresses, usize>,
    /// Sets of many members, by the place of the model's and what is asked of them.
    sets: HashMap<usize, Vec<Asked>>,
}

impl Library {
    /// A set as it is asked by these selectors.
    ///
    /// A set of the model is known by its place in memory: the rule sets that are prepared with one library must all be alive.
    pub(super) fn members(&mut self, set: &Arc<Set>, selectors: &[Selector]) -> Arc<Members> {
        if set.members.len() <= FEW {
            return Arc::new(self.sorted(set, selectors));
        }
        let place = Arc::as_ptr(set).addr();
        let known = self.sets.get(&place).into_iter().flatten().find(|(asked, _)| asked == selectors);
        if let Some((_, members)) = known {
            return Arc::clone(members);
        }
        let members = Arc::new(self.sorted(set, selectors));
        self.sets.entry(place).or_default().push((selectors.to_vec(), Arc::clone(&members)));
        members
    }

    fn sorted(&mut self, set: &Set, selectors: &[Selector]) -> Members {
        let exceptions = (!set.exceptions.is_empty()).then(|| self.inside(&set.exceptions, selectors));
        Members { inside: self.inside(&set.members, selectors), exceptions }
    }

    fn inside(&mut self, members: &[Vec<Span>], selectors: &[Selector]) -> Inside {
        if let [selector] = selectors {
            let addresses = || -> Option<Addresses> {
                Some(Addresses::of(members.iter().map(|spans| range(spans)).collect::<Option<Vec<_>>>()?))
            };
            let is_many = members.len() > FEW;
            match selector.key {
                key if is_sender(key) => {
                    if let Some(circle) = addresses() {
                        return Inside::Senders(self.circle(circle));
                    }
                }
                Key::Destination | Key::CtDestination if is_many => {
                    if let Some(addresses) = addresses() {
                        return Inside::Addresses(addresses);
                    }
                }
                Key::DestinationPort | Key::SourcePort | Key::CtDestinationPort | Key::CtSourcePort | Key::Mark
                    if is_many && selector.mask.is_none() =>
                {
                    if let Some(numbers) = numbers(members) {
                        return Inside::Numbers(numbers);
                    }
                }
                Key::InInterface | Key::OutInterface if is_many => {
                    if let Some(names) = Names::of(members) {
                        return Inside::Names(names);
                    }
                }
                _ => {}
            }
        }
        if let ([selector], [spans]) = (selectors, members)
            && let [span] = spans.as_slice()
        {
            return Inside::One(self.part(*selector, span));
        }
        let members: Vec<Member> = members.iter().map(|spans| self.member(spans, selectors)).collect();
        let finder = Finder::of(selectors, &members.iter().collect::<Vec<_>>());
        Inside::Listed(members, finder)
    }

    /// A member as it is asked by these selectors.
    pub(super) fn member(&mut self, spans: &[Span], selectors: &[Selector]) -> Member {
        selectors.iter().zip(spans).map(|(selector, span)| self.part(*selector, span)).collect()
    }

    /// What one field is held against.
    pub(super) fn part(&mut self, selector: Selector, span: &Span) -> Part {
        let ranges = match (selector.key, span) {
            (key, Span::Address(first, last)) if is_sender(key) => Some(vec![(*first, *last)]),
            (key, Span::AddressBits(bits, mask)) if is_sender(key) => super::addresses::under_mask(*bits, *mask),
            _ => None,
        };
        ranges.map_or_else(|| Part::Span(span.clone()), |ranges| Part::Senders(self.circle(Addresses::of(ranges))))
    }

    fn circle(&mut self, addresses: Addresses) -> usize {
        if let Some(number) = self.numbers.get(&addresses) {
            return *number;
        }
        let number = self.circles.len();
        self.circles.push(addresses.clone());
        self.numbers.insert(addresses, number);
        number
    }
}

/// Fields that hold the sender's address.
pub(super) fn is_sender(key: Key) -> bool {
    matches!(key, Key::Source | Key::CtSource | Key::CtReplyDestination)
}

fn range(spans: &[Span]) -> Option<(IpAddr, IpAddr)> {
    match spans {
        [Span::Address(first, last)] => Some((*first, *last)),
        _ => None,
    }
}

fn numbers(members: &[Vec<Span>]) -> Option<Vec<(u32, u32)>> {
    let mut ranges = Vec::with_capacity(members.len());
    for spans in members {
        let [Span::Number(low, high)] = spans.as_slice() else { return None };
        ranges.push((u128::from(*low), u128::from(*high)));
    }
    let joined = super::addresses::joined(ranges);
    joined.into_iter().map(|(low, high)| Some((u32::try_from(low).ok()?, u32::try_from(high).ok()?))).collect()
}

impl Names {
    /// None where something else is among them.
    fn of(members: &[Vec<Span>]) -> Option<Self> {
        let mut names = Self::default();
        for spans in members {
            match spans.as_slice() {
                [Span::Name(name)] => names.whole.insert(Arc::clone(name)),
                [Span::NamePrefix(beginning)] => names.beginnings.insert(Arc::clone(beginning)),
                _ => return None,
            };
        }
        Some(names)
    }

    /// True if a name is among them, or begins as one does.
    pub(crate) fn contain(&self, name: &str) -> bool {
        let mut beginnings = (0..=name.len()).filter_map(|end| name.get(..end));
        self.whole.contains(name) || beginnings.any(|beginning| self.beginnings.contains(beginning))
    }
}
