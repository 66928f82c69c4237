//! Finds, among many members of a set or entries of a map, those that one field leaves possible.

use super::members::{Member, Part};
use crate::model::ruleset::{Key, Selector, Span};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Fewer than so many are gone through one by one.
const WORTH_IT: usize = 5;

/// The value of a field that is known for certain.
#[derive(Clone, Copy)]
pub(crate) enum Exact<'a> {
    Number(u32),
    Address(IpAddr),
    Name(&'a str),
}

/// Members under the exact value that one of their fields has.
pub(crate) struct Finder {
    /// Which field.
    pub(crate) at: usize,
    shelf: Shelf,
    /// The members whose field is a range, or anything.
    others: Vec<u32>,
}

/// Numbers of things, under exact values.
#[derive(Default)]
pub(super) struct Shelf {
    numbers: HashMap<u32, Vec<u32>>,
    addresses: HashMap<IpAddr, Vec<u32>>,
    names: HashMap<Arc<str>, Vec<u32>>,
}

impl Shelf {
    /// Puts a thing under a value, once, after all with lower numbers; false if the value is not a single one.
    pub(super) fn put(&mut self, span: &Span, thing: u32) -> bool {
        let things = match span {
            Span::Number(low, high) if low == high => self.numbers.entry(*low).or_default(),
            Span::Address(first, last) if first == last => self.addresses.entry(*first).or_default(),
            Span::Name(name) => self.names.entry(name.clone()).or_default(),
            _ => return false,
        };
        if things.last() != Some(&thing) {
            things.push(thing);
        }
        true
    }

    /// The things under a value, in the order in which they were put there.
    pub(super) fn under(&self, value: Exact<'_>) -> &[u32] {
        let found = match value {
            Exact::Number(number) => self.numbers.get(&number),
            Exact::Address(address) => self.addresses.get(&address),
            Exact::Name(name) => self.names.get(name),
        };
        found.map_or(&[], Vec::as_slice)
    }

    /// How many different values there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len() + self.addresses.len() + self.names.len()
    }
}

impl Finder {
    /// A finder by the field that tells the members apart best; None where it would be of no use.
    pub(super) fn of(selectors: &[Selector], members: &[&Member]) -> Option<Self> {
        let by = |at: usize| {
            let mut finder = Self { at, shelf: Shelf::default(), others: Vec::new() };
            for (number, member) in (0..).zip(members) {
                let is_put = matches!(member.get(at), Some(Part::Span(span)) if finder.shelf.put(span, number));
                if !is_put {
                    finder.others.push(number);
                }
            }
            finder
        };
        let is_known = |at: &usize| selectors[*at].mask.is_none() && is_exact(selectors[*at].key);
        let best = (0..selectors.len()).filter(is_known).map(by).max_by_key(|finder| finder.shelf.len())?;
        (best.shelf.len() >= WORTH_IT).then_some(best)
    }

    /// The numbers of the members that fit where the field has a value, or may, in order.
    // Law: what-an-index-leaves-out-does-not-fit
    pub(crate) fn possible(&self, value: Exact<'_>) -> impl Iterator<Item = usize> {
        let (mut here, mut others) = (self.shelf.under(value), self.others.as_slice());
        std::iter::from_fn(move || {
            let list = if here.first().is_some_and(|own| others.first().is_none_or(|other| own < other)) {
                &mut here
            } else {
                &mut others
            };
            let (next, rest) = list.split_first()?;
            *list = rest;
            Some(*next as usize)
        })
    }
}

/// Fields of which a packet mostly has one value that is known.
fn is_exact(key: Key) -> bool {
    matches!(
        key,
        Key::Destination
            | Key::CtDestination
            | Key::DestinationPort
            | Key::CtDestinationPort
            | Key::Protocol
            | Key::InInterface
            | Key::OutInterface
            | Key::Mark
            | Key::CtMark
    )
}
