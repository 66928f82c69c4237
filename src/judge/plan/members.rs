//! Sets, sorted by what is asked of them.

use super::addresses::{Addresses, address, number};
use super::finder::Finder;
use crate::model::ruleset::{Key, Selector, Set, Span};
use std::collections::HashMap;
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
    /// One after the other, or those that a finder finds.
    Listed(Vec<Member>, Option<Finder>),
    /// Of one field: addresses.
    Addresses(Addresses),
    /// Of one field: ranges of numbers, in order and apart from each other.
    Numbers(Vec<(u32, u32)>),
    /// Of one field: a circle of senders, by its number.
    Senders(usize),
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
                _ => {}
            }
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
        match (selector.key, span) {
            (key, Span::Address(first, last)) if is_sender(key) => Part::Senders(self.circle(Addresses::of([(*first, *last)]))),
            (key, Span::AddressBits(bits, mask)) if is_sender(key) => match ranges_of(*bits, *mask) {
                Some(ranges) => Part::Senders(self.circle(Addresses::of(ranges))),
                None => Part::Span(span.clone()),
            },
            _ => Part::Span(span.clone()),
        }
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
fn is_sender(key: Key) -> bool {
    matches!(key, Key::Source | Key::CtSource | Key::CtReplyDestination)
}

/// Holes in a mask that is no prefix, at most: each doubles the ranges.
const MOST_HOLES: u32 = 12;

/// The addresses with these bits under a mask, as ranges; None: they are too many.
fn ranges_of(bits: IpAddr, mask: IpAddr) -> Option<Vec<(IpAddr, IpAddr)>> {
    let (width, is_v6) = if mask.is_ipv6() { (128, true) } else { (32, false) };
    let (bits, mask) = (number(bits) & number(mask), number(mask));
    let free = mask.trailing_zeros().min(width);
    let holes: Vec<u32> = (free..width).filter(|bit| mask >> bit & 1 == 0).collect();
    if u32::try_from(holes.len()).ok()? > MOST_HOLES {
        return None;
    }
    let below = if free == 128 { u128::MAX } else { (1 << free) - 1 };
    let first = |choice: u32| {
        let chosen = holes.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
        chosen.fold(bits, |address, (_, bit)| address | 1 << bit)
    };
    Some((0..1 << holes.len()).map(first).map(|first| (address(first, is_v6), address(first | below, is_v6))).collect())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_mask_with_holes_is_as_many_ranges() {
        let ranges = |bits: &str, mask: &str| ranges_of(bits.parse().unwrap(), mask.parse().unwrap());
        let pair = |first: &str, last: &str| (first.parse::<IpAddr>().unwrap(), last.parse::<IpAddr>().unwrap());
        assert_eq!(ranges("10.1.0.0", "255.255.0.0").unwrap(), [pair("10.1.0.0", "10.1.255.255")]);
        assert_eq!(ranges("10.0.0.7", "255.255.254.255").unwrap(), [pair("10.0.0.7", "10.0.0.7"), pair("10.0.1.7", "10.0.1.7")]);
        assert_eq!(ranges("::1", "::ffff"), None);
        assert_eq!(ranges("0.0.0.0", "0.0.0.0").unwrap(), [pair("0.0.0.0", "255.255.255.255")]);
    }
}
