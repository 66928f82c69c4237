//! Who of the senders at an interface can hold a connection there.
//!
//! In: a host made ready to judge. Out: for each group of senders at each outside interface, the addresses whose answers leave by that
//! interface. Others can send a packet in by it, where the kernel's reverse path filter lets them, but their answers go elsewhere. Not here:
//! what becomes of the packets; the rules look at all senders.

use super::size;
use crate::judge::court::{Court, Sender};
use crate::judge::ground::Ground;
use crate::model::address::{after, before, is_link_local};
use crate::model::host::{Host, Link};
use crate::model::packet::Family;
use crate::model::truth::Truth;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// A range of addresses; both ends inclusive.
pub type Range = (IpAddr, IpAddr);

/// What is known of a group of senders at an interface.
#[derive(Debug)]
pub(super) struct Standing {
    /// The addresses whose answers leave by the interface.
    pub(super) home: Vec<Range>,
    /// How much the group stands for everybody there.
    pub(super) weight: Weight,
}

/// How much some senders stand for everybody who comes in by an interface; the greatest does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Weight {
    /// True if they are the strangers, and answers to them leave by the interface.
    is_world: bool,
    /// How many addresses there are whose answers leave by it.
    home: u128,
    /// How many link-local addresses there are: they stand for few, however many there might be.
    of_link: u128,
    is_stranger: bool,
    others: u128,
}

impl Weight {
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            is_world: self.is_world || other.is_world,
            home: self.home.saturating_add(other.home),
            is_stranger: self.is_stranger || other.is_stranger,
            others: self.others.saturating_add(other.others),
            of_link: self.of_link.saturating_add(other.of_link),
        }
    }
}

/// The standing of all groups of senders, by interface and family, in the order of [`Court::senders`].
pub(super) type Standings = HashMap<(Arc<str>, Family), Vec<Standing>>;

pub(super) fn of(court: &Court, outside: &[&Link]) -> Standings {
    let mut standings = Standings::new();
    for family in [Family::V4, Family::V6] {
        let starts = starts(court.host(), family);
        for link in outside {
            let all = court
                .senders(&link.name, family)
                .iter()
                .map(|sender| standing(sender, &link.name, court.ground(), &starts))
                .collect();
            standings.insert((Arc::clone(&link.name), family), all);
        }
    }
    standings
}

fn standing(sender: &Sender, interface: &str, ground: &Ground<'_>, starts: &BTreeSet<IpAddr>) -> Standing {
    let leads_home = |range: &Range| ground.leads_back(range.0, None, Some(interface), 0) != Truth::No;
    let home: Vec<Range> = sender.spans.iter().flat_map(|span| parts(*span, starts)).filter(leads_home).collect();
    let sum = |ranges: &mut dyn Iterator<Item = &Range>| ranges.map(size).fold(0, u128::saturating_add);
    let is_of_link = |range: &&Range| is_link_local(range.0);
    let weight = Weight {
        is_world: sender.is_stranger && home.iter().any(|range| (range.0..=range.1).contains(&sender.representative)),
        home: sum(&mut home.iter().filter(|range| !is_of_link(range))),
        is_stranger: sender.is_stranger,
        others: sum(&mut sender.spans.iter().filter(|range| !is_of_link(range))),
        of_link: sum(&mut sender.spans.iter().filter(is_of_link)),
    };
    Standing { home, weight }
}

/// The addresses at which the way back may change.
fn starts(host: &Host, family: Family) -> BTreeSet<IpAddr> {
    let own = host.links.iter().flat_map(|link| &link.addresses).map(|own| own.net.addr().into());
    let nets = host.routes.iter().map(|route| route.destination).chain(host.policy.iter().filter_map(|rule| rule.to)).chain(own);
    let ends = nets.flat_map(|net| [Some(net.network()), after(net.broadcast())]).flatten();
    ends.filter(|address| Family::of(*address) == family).collect()
}

/// A range, cut at these addresses.
fn parts(span: Range, starts: &BTreeSet<IpAddr>) -> Vec<Range> {
    let mut parts = Vec::new();
    let mut first = span.0;
    for start in starts.range(span.0..=span.1).filter(|start| **start != span.0) {
        parts.extend(before(*start).map(|last| (first, last)));
        first = *start;
    }
    parts.push((first, span.1));
    parts
}

/// What stays of a range of addresses when another is cut out of it.
pub fn without(span: Range, cut: Range) -> impl Iterator<Item = Range> {
    let is_apart = cut.1 < span.0 || span.1 < cut.0;
    let below = before(cut.0).filter(|end| span.0 <= *end && !is_apart).map(|end| (span.0, end));
    let above = after(cut.1).filter(|start| *start <= span.1 && !is_apart).map(|start| (start, span.1));
    is_apart.then_some(span).into_iter().chain(below).chain(above)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn range(first: &str, last: &str) -> Range {
        (first.parse().unwrap(), last.parse().unwrap())
    }

    #[test]
    fn what_is_cut_out_of_a_range_leaves_what_is_below_and_above() {
        let whole = range("10.0.0.0", "10.0.0.255");
        let left = |first: &str, last: &str| without(whole, range(first, last)).collect::<Vec<_>>();
        assert_eq!(left("10.0.0.16", "10.0.0.31"), [range("10.0.0.0", "10.0.0.15"), range("10.0.0.32", "10.0.0.255")]);
        assert_eq!(left("0.0.0.0", "255.255.255.255"), []);
        assert_eq!(left("10.0.1.0", "10.0.1.255"), [whole]);
    }

    #[test]
    fn a_range_is_cut_where_the_way_back_may_change() {
        let starts = BTreeSet::from(["10.0.0.0", "10.0.1.0"].map(|text| text.parse().unwrap()));
        assert_eq!(
            parts(range("10.0.0.0", "10.0.1.9"), &starts),
            [range("10.0.0.0", "10.0.0.255"), range("10.0.1.0", "10.0.1.9")]
        );
    }
}
