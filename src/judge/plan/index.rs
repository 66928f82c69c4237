//! Finds, among the rules of a long chain, those that may fit a packet.

use super::finder::{Exact, Shelf};
use super::members::{Inside, Part};
use super::{Rule, Step, Test};
use crate::model::ruleset::{Key, Span};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

/// Chains of at most so many rules are gone through rule by rule.
const FEW: usize = 8;

/// A rule is found under at most so many values of a field.
const MOST_VALUES: usize = 32;

/// The fields that rules are found by: those that have many values first.
const KEYS: [Key; 5] = [Key::Destination, Key::DestinationPort, Key::CtDestinationPort, Key::InInterface, Key::OutInterface];

/// How many of [`KEYS`] have many values. Every packet comes by one of a few interfaces: they tell less.
const TELLING: usize = 3;

/// What is known of a packet; None where it is not known for certain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct About<'a> {
    pub(crate) destination: IpAddr,
    pub(crate) port: Option<u16>,
    pub(crate) original_port: u16,
    pub(crate) input: Option<&'a str>,
    pub(crate) output: Option<&'a str>,
}

/// Rules of a chain, each under the values of one field that it asks for before it does anything.
pub(crate) struct Index {
    count: usize,
    /// One for each of [`KEYS`]; none in a short chain.
    shelves: Option<Box<[Shelf; KEYS.len()]>>,
    /// Rules that ask for no single value.
    others: Vec<u32>,
}

/// The numbers of the rules that may fit, in order.
pub(crate) struct Possible<'a> {
    all: Range<usize>,
    lists: Vec<&'a [u32]>,
}

impl Index {
    /// Sorts the rules of a chain. Each is put where fewest others are.
    pub(super) fn of(rules: &[Rule]) -> Self {
        let mut index = Self { count: rules.len(), shelves: None, others: Vec::new() };
        if rules.len() <= FEW {
            return index;
        }
        let all: Vec<Vec<(usize, Vec<Span>)>> = rules.iter().map(wanted).collect();
        let mut everywhere: Box<[Shelf; KEYS.len()]> = Box::default();
        for (number, (key, spans)) in (0..).zip(&all).flat_map(|(number, ways)| ways.iter().map(move |way| (number, way))) {
            put(&mut everywhere[*key], spans, number);
        }
        let neighbours = |(key, spans): &&(usize, Vec<Span>)| {
            let most = spans.iter().filter_map(exact).map(|value| everywhere[*key].under(value).len()).max();
            (*key >= TELLING, most.unwrap_or(0))
        };
        let mut shelves: Box<[Shelf; KEYS.len()]> = Box::default();
        for (number, ways) in (0..).zip(&all) {
            match ways.iter().min_by_key(neighbours) {
                Some((key, spans)) => put(&mut shelves[*key], spans, number),
                None => index.others.push(number),
            }
        }
        index.shelves = Some(shelves);
        index
    }

    /// The rules that may fit one of several packets. All others surely fit none, and would do nothing.
    // Law: what-an-index-leaves-out-does-not-fit
    pub(crate) fn possible<'a>(&'a self, packets: &[About<'_>]) -> Possible<'a> {
        let mut lists = vec![self.others.as_slice()];
        let is_first = |(at, about): &(usize, &About<'_>)| !packets[..*at].contains(about);
        for (_, about) in packets.iter().enumerate().filter(is_first) {
            let (Some(shelves), Some(port), Some(input), Some(output)) = (&self.shelves, about.port, about.input, about.output)
            else {
                return Possible { all: 0..self.count, lists: Vec::new() };
            };
            let values = [
                Exact::Address(about.destination),
                Exact::Number(port.into()),
                Exact::Number(about.original_port.into()),
                Exact::Name(input),
                Exact::Name(output),
            ];
            let asked = shelves.iter().zip(values).filter(|(shelf, _)| shelf.len() > 0);
            lists.extend(asked.map(|(shelf, value)| shelf.under(value)).filter(|list| !list.is_empty()));
        }
        Possible { all: 0..0, lists }
    }
}

impl Iterator for Possible<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.lists.is_empty() {
            return self.all.next();
        }
        let next = *self.lists.iter().filter_map(|list| list.first()).min()?;
        for list in &mut self.lists {
            if list.first() == Some(&next) {
                *list = &list[1..];
            }
        }
        Some(next as usize)
    }
}

fn put(shelf: &mut Shelf, spans: &[Span], rule: u32) {
    for span in spans {
        shelf.put(span, rule);
    }
}

fn exact(span: &Span) -> Option<Exact<'_>> {
    match span {
        Span::Number(number, _) => Some(Exact::Number(*number)),
        Span::Address(address, _) => Some(Exact::Address(*address)),
        Span::Name(name) => Some(Exact::Name(name)),
        _ => None,
    }
}

/// The ways to find a rule: fields, by their number in [`KEYS`], and the values of which they must have one.
fn wanted(rule: &Rule) -> Vec<(usize, Vec<Span>)> {
    let tests = rule.steps.iter().map_while(|step| if let Step::Test(test) = step { Some(test) } else { None });
    let way = |test: &Test| {
        let Test::Fields { selectors, among, negated: false } = test else { return None };
        let [selector] = &**selectors else { return None };
        let key = KEYS.iter().position(|key| *key == selector.key).filter(|_| selector.mask.is_none())?;
        Some((key, values(&among.inside)?))
    };
    tests.filter_map(way).collect()
}

/// The values of a set, each by itself; None if they are too many.
fn values(inside: &Inside) -> Option<Vec<Span>> {
    let mut values = Vec::new();
    match inside {
        Inside::One(part) => add(part, &mut values)?,
        Inside::Listed(members, _) if members.len() <= MOST_VALUES => {
            for member in members {
                let [part] = &**member else { return None };
                add(part, &mut values)?;
            }
        }
        Inside::Names(names) if names.whole.len() <= MOST_VALUES && names.beginnings.is_empty() => {
            values.extend(names.whole.iter().map(|name| Span::Name(Arc::clone(name))));
        }
        Inside::Numbers(ranges) if ranges.len() <= MOST_VALUES => {
            for (low, high) in ranges {
                values.extend(numbers(*low, *high)?);
            }
        }
        _ => return None,
    }
    (values.len() <= MOST_VALUES).then_some(values)
}

fn add(part: &Part, values: &mut Vec<Span>) -> Option<()> {
    match part {
        Part::Span(Span::Number(low, high)) => values.extend(numbers(*low, *high)?),
        Part::Span(span @ Span::Address(first, last)) if first == last => values.push(span.clone()),
        Part::Span(span @ Span::Name(_)) => values.push(span.clone()),
        _ => return None,
    }
    Some(())
}

fn numbers(low: u32, high: u32) -> Option<impl Iterator<Item = Span>> {
    let is_short = high.checked_sub(low).is_none_or(|more| (more as usize) < MOST_VALUES);
    is_short.then(|| (low..=high).map(Span::number))
}
