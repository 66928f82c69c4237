//! The host's own addresses, those that nothing tells apart taken together: one of them is asked for all.
//!
//! In: a host. Out: for a binding of every address, the addresses to ask at an interface. Not here: bindings of one address.

use crate::model::address::is_link_local;
use crate::model::field::{Key, Selector, Span};
use crate::model::host::{Host, Link};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Rule, Step, Test, Translation};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The addresses of a host, with what the rules say of them.
pub(super) struct Own {
    addresses: Vec<Address>,
    /// Translations that hold for some of the addresses only, each with the ports that it is about.
    translations: Vec<(Ports, Vec<bool>)>,
    /// True if some rule asks whether an address is one of the incoming interface.
    asks_where: bool,
    known: RefCell<Known>,
}

/// What was answered, by the interface, the family and the places of the translations that are about the port.
type Known = HashMap<(Arc<str>, Family, Vec<usize>), Arc<[IpAddr]>>;

struct Address {
    /// The address itself.
    at: IpAddr,
    link: Arc<str>,
    /// Equal for addresses that no rule but a translation tells apart.
    class: usize,
}

/// The ports of a rule: None: any.
type Ports = Option<Vec<(u32, u32)>>;

/// A range of addresses in a rule.
type Range = (IpAddr, IpAddr);

impl Own {
    pub(super) fn of(host: &Host) -> Self {
        let of_link = |link: &Link| -> Vec<(IpAddr, Arc<str>)> {
            link.addresses.iter().map(|own| (own.net.addr(), Arc::clone(&link.name))).collect()
        };
        let mut all: Vec<(IpAddr, Arc<str>)> = host.links.iter().flat_map(of_link).collect();
        all.retain(|(address, _)| !address.is_loopback());
        let spans = Spans::of(host);
        let mut signs: Vec<Vec<bool>> = Vec::new();
        let mut class = |address: IpAddr| {
            let sign: Vec<bool> = spans.of_all.iter().map(|range| holds(*range, address)).collect();
            signs.iter().position(|known| *known == sign).unwrap_or_else(|| {
                signs.push(sign);
                signs.len() - 1
            })
        };
        let addresses: Vec<Address> =
            all.into_iter().map(|(address, link)| Address { class: class(address), at: address, link }).collect();
        let among = |ranges: &[Range]| -> Vec<bool> {
            addresses.iter().map(|own| ranges.iter().any(|range| holds(*range, own.at))).collect()
        };
        let translations = spans.of_translations.into_iter().map(|(ports, ranges)| (ports, among(&ranges)));
        let translations = translations.filter(|(_, among)| among.contains(&true)).collect();
        Self { translations, addresses, asks_where: spans.asks_where, known: RefCell::default() }
    }

    /// The addresses to ask for a port at an interface: its own first. Addresses of other interfaces are asked where a rule tells them
    /// from these: a host answers to all its addresses on every interface (weak host model, RFC 1122, 3.3.4.2).
    pub(super) fn at(&self, link: &Link, family: Family, port: u16) -> Arc<[IpAddr]> {
        let of_port = self.translations.iter().enumerate().filter(|(_, (ports, _))| speaks_of(ports.as_ref(), port));
        let key = (Arc::clone(&link.name), family, of_port.map(|(at, _)| at).collect());
        let mut known = self.known.borrow_mut();
        Arc::clone(known.entry(key).or_insert_with_key(|(_, _, translations)| self.told_apart(link, family, translations)))
    }

    /// One address of each class by itself, by these translations and, where that is asked, by its place.
    fn told_apart(&self, link: &Link, family: Family, translations: &[usize]) -> Arc<[IpAddr]> {
        let is_here = |own: &Address| own.link == link.name;
        let is_asked = |own: &Address| Family::of(own.at) == family && (is_here(own) || !is_link_local(own.at));
        let mut asked: Vec<usize> = (0..self.addresses.len()).filter(|at| is_asked(&self.addresses[*at])).collect();
        asked.sort_by_key(|at| (!is_here(&self.addresses[*at]), is_link_local(self.addresses[*at].at)));
        let mut seen = HashSet::new();
        let is_new = |at: &usize| {
            let own = &self.addresses[*at];
            let translated: Vec<bool> = translations.iter().map(|translation| self.translations[*translation].1[*at]).collect();
            seen.insert((own.class, translated, self.asks_where && is_here(own)))
        };
        asked.into_iter().filter(is_new).map(|at| self.addresses[at].at).collect()
    }
}

fn speaks_of(ports: Option<&Vec<(u32, u32)>>, port: u16) -> bool {
    ports.is_none_or(|ports| ports.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(port))))
}

fn holds((first, last): Range, address: IpAddr) -> bool {
    (first..=last).contains(&address) && first.is_ipv4() == address.is_ipv4()
}

/// Every range that a rule holds the receiver of a packet against.
#[derive(Default)]
struct Spans {
    of_all: Vec<Range>,
    of_translations: Vec<(Ports, Vec<Range>)>,
    asks_where: bool,
}

impl Spans {
    fn of(host: &Host) -> Self {
        let mut spans = Self::default();
        let chains = host.ruleset.tables.iter().flat_map(|table| table.chains.values());
        chains.flat_map(|chain| &chain.rules).for_each(|rule| spans.note(rule));
        // A policy rule by source chooses the way back: the answer's source is the address that was asked.
        let policies = host.policy.iter().flat_map(|rule| [rule.to, rule.from]).flatten();
        spans.of_all.extend(policies.map(|net| (net.network(), net.broadcast())));
        let mut seen = HashSet::new();
        spans.of_all.retain(|range| seen.insert(*range));
        spans
    }

    fn note(&mut self, rule: &Rule) {
        let mut ranges = Vec::new();
        for step in rule.steps.iter() {
            let (selectors, values): (&[Selector], Vec<&Vec<Span>>) = match step {
                Step::Test(Test::Fields { selectors, among, .. }) => {
                    (selectors, among.members.iter().chain(&among.exceptions).collect())
                }
                Step::Act(Action::Lookup { selectors, map }) => (selectors, map.iter().map(|(key, _)| key).collect()),
                Step::Act(Action::Translate(Translation::Destination(targets))) => {
                    let pairs = targets.iter().flat_map(|target| &target.when);
                    ranges.extend(pairs.filter(|(selector, _)| is_receiver(*selector)).filter_map(|(_, span)| range(span)));
                    continue;
                }
                _ => continue,
            };
            self.asks_where |= selectors.iter().any(|selector| selector.key == Key::DestinationTypeHere);
            let places = selectors.iter().enumerate().filter(|(_, selector)| is_receiver(**selector)).map(|(at, _)| at);
            let places: Vec<usize> = places.collect();
            ranges.extend(values.iter().flat_map(|value| places.iter().filter_map(|at| range(value.get(*at)?))));
        }
        if ranges.is_empty() {
            return;
        }
        // The first translation of a connection sees the port that the packet was sent to.
        match rule.steps.last() {
            Some(Step::Act(Action::Translate(_))) => self.of_translations.push((ports(rule), ranges)),
            _ => self.of_all.extend(ranges),
        }
    }
}

fn is_receiver(selector: Selector) -> bool {
    matches!(selector.key, Key::Destination | Key::CtDestination)
}

fn range(span: &Span) -> Option<Range> {
    match span {
        Span::Address(first, last) => Some((*first, *last)),
        _ => None,
    }
}

/// The ports that a rule is about; None where it does not say.
fn ports(rule: &Rule) -> Ports {
    rule.steps.iter().find_map(|step| match step {
        Step::Test(Test::Fields { selectors, among, negated: false })
            if matches!(selectors.as_slice(), [Selector { key: Key::DestinationPort, mask: None }]) =>
        {
            let numbers = among.members.iter().map(|member| match member.as_slice() {
                [Span::Number(first, last)] => Some((*first, *last)),
                _ => None,
            });
            numbers.collect::<Option<Vec<_>>>()
        }
        _ => None,
    })
}
