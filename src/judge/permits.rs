//! What the host firewall permits: which ports of the host somebody outside may reach, whether anything listens there or not.
//!
//! In: a host made ready to judge. Out: permits that hold for every port, today's and tomorrow's, because ports that no rule tells apart
//! are judged by one of them. Not here: what is published, and how permits are enforced.

use super::court::{Court, Sender};
use super::{doors, hosts};
use crate::model::engine::Publisher;
use crate::model::guard::{From, Permit, Place};
use crate::model::host::{Host, Link, Network};
use crate::model::packet::{Family, Protocol, Target};
use crate::model::ruleset::{Action, Key, Selector, Span, Step, Test, Translation};
use crate::model::verdict::Verdict;
use ipnet::IpNet;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// What is permitted, and what cannot be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permitted {
    /// What the host firewall lets in.
    pub permits: Vec<Permit>,
    /// What it may or may not let in, in the same form: nothing of this is to be let in on our word.
    pub unsure: Vec<Permit>,
}

/// What the host firewall permits to somebody outside.
pub fn of(court: &Court) -> Permitted {
    let classes = port_classes(court.meant());
    let bare = Court::of(&court.host().without_rules());
    let outside = doors::outside(court.host());
    let mut permitted = Permitted::default();
    for family in [Family::V4, Family::V6] {
        let unguarded = unguarded(court.host(), family);
        for link in &outside {
            let own = own_addresses(link, &outside, family);
            for protocol in Protocol::PUBLISHED {
                let side = Side { court, bare: &bare, link, family, protocol, classes: &classes, known: RefCell::default() };
                for (verdict, permits) in [(Verdict::Open, &mut permitted.permits), (Verdict::Unsure, &mut permitted.unsure)] {
                    permits.extend(side.at_host(&own, verdict));
                    permits.extend(unguarded.iter().flat_map(|network| side.at_containers(network, verdict)));
                }
            }
        }
    }
    permitted
}

/// A prefix of containers that are reached at their own addresses by the engine's own word.
pub struct Unguarded {
    /// The prefix.
    pub subnet: IpNet,
    /// True if this is the only way to them: their ports are not published at addresses of the host.
    pub is_routed: bool,
    /// Addresses in it, at least one: of containers, or of one that might be.
    addresses: Vec<IpAddr>,
    /// The ports of its containers that they publish.
    published: BTreeSet<(u16, Protocol)>,
}

/// The prefixes of one family whose gateway mode is `routed` or `nat-unprotected` (moby `daemon/libnetwork/drivers/bridge`, from 27.0 and
/// 28.0 on). Where the engine's version is not known, there are none.
pub fn unguarded(host: &Host, family: Family) -> Vec<Unguarded> {
    let mut found = Vec::new();
    // Earlier engines keep the option and do not know it.
    let heeds = |since| host.engine.as_ref().and_then(|engine| engine.release).is_some_and(|release| release >= since);
    for network in host.networks.iter().filter(|network| network.bridge.is_some()) {
        let mode = network.gateway_mode(family);
        let is_heeded = match mode {
            Some("routed") => heeds((27, 0, 0)),
            Some("nat-unprotected") => heeds((28, 0, 0)),
            _ => false,
        };
        if !is_heeded {
            continue;
        }
        let own = || host.endpoints.iter().filter(|endpoint| endpoint.network == network.id).flat_map(|it| &it.addresses);
        for subnet in network.subnets.iter().filter(|subnet| Family::of(subnet.addr()) == family) {
            let mut addresses: Vec<IpAddr> = own().copied().filter(|address| subnet.contains(address)).collect();
            addresses.extend(subnet.hosts().take(3).find(|address| !network.gateways.contains(address)));
            let published = published_on(host, network);
            found.push(Unguarded { subnet: *subnet, is_routed: mode == Some("routed"), addresses, published });
        }
    }
    found
}

/// The ports of a network's containers that they publish.
fn published_on(host: &Host, network: &Network) -> BTreeSet<(u16, Protocol)> {
    let is_on = |publisher: &&Publisher| {
        host.endpoints.iter().any(|endpoint| endpoint.network == network.id && endpoint.container == publisher.name)
    };
    let bindings = host.publishers.iter().filter(is_on).flat_map(|publisher| &publisher.bindings);
    bindings.map(|binding| (binding.target, binding.protocol)).collect()
}

/// The host's addresses of a family that packets can be sent to by a link.
fn own_addresses(link: &Link, outside: &[&Link], family: Family) -> Vec<IpAddr> {
    let own = |link: &Link| -> Vec<IpAddr> {
        let addresses = link.addresses.iter().map(|address| address.net.addr());
        addresses.filter(|address| Family::of(*address) == family).collect()
    };
    let elsewhere = outside.iter().filter(|other| other.name != link.name).flat_map(|other| own(other));
    own(link).into_iter().chain(elsewhere.filter(|address| !doors::is_link_local(*address))).collect()
}

/// One interface, family and protocol.
struct Side<'a> {
    court: &'a Court,
    /// The host without any rule.
    bare: &'a Court,
    link: &'a Link,
    family: Family,
    protocol: Protocol,
    classes: &'a [(u16, u16)],
    /// What was judged already: it is asked for by each verdict.
    known: RefCell<Known>,
}

/// What the senders are meant to get, by address and port.
type Known = HashMap<(IpAddr, u16), Vec<(Verdict, Vec<usize>)>>;

/// Ports by the senders that get a verdict there.
type Ports = BTreeMap<BTreeSet<usize>, Vec<(u16, u16)>>;

impl Side<'_> {
    /// The permits to the host's own addresses; those that get the same are not told apart.
    fn at_host(&self, addresses: &[IpAddr], verdict: Verdict) -> Vec<Permit> {
        let of: Vec<(IpAddr, Ports)> = addresses.iter().map(|address| (*address, self.ports(&[*address], verdict))).collect();
        let Some((_, first)) = of.first() else { return Vec::new() };
        if of.iter().all(|(_, ports)| ports == first) {
            return self.written(first, &Place::Host(None));
        }
        of.iter().flat_map(|(address, ports)| self.written(ports, &Place::Host(Some(*address)))).collect()
    }

    /// The permits to containers at their own addresses, of ports that some of them publish: what holds for every address. A host
    /// firewall that forwards all ports alike says nothing of containers.
    fn at_containers(&self, network: &Unguarded, verdict: Verdict) -> Vec<Permit> {
        let mut ports = self.ports(&network.addresses, verdict);
        ports.retain(|_, ranges| *ranges != [(1, u16::MAX)]);
        for ranges in ports.values_mut() {
            let published = network.published.iter().filter(|(_, protocol)| *protocol == self.protocol).map(|(port, _)| *port);
            *ranges = published
                .filter(|port| ranges.iter().any(|(first, last)| first <= port && port <= last))
                .map(|port| (port, port))
                .collect();
        }
        ports.retain(|_, ranges| !ranges.is_empty());
        self.written(&ports, &Place::Containers(network.subnet))
    }

    /// The senders that get a verdict at all of these addresses, by port. Those whom the kernel itself refuses, for their addresses' or
    /// its routes' sake, are among them wherever anybody is: rules need not tell them apart, and routes change.
    fn ports(&self, addresses: &[IpAddr], verdict: Verdict) -> Ports {
        let impossible = if verdict == Verdict::Open { self.impossible(addresses) } else { BTreeSet::new() };
        let mut ports = Ports::new();
        for (first, last) in self.classes {
            let of = addresses.iter().map(|address| self.senders(*address, *first, verdict));
            let senders = of.reduce(|one, other| &one & &other).unwrap_or_default();
            if senders.is_empty() {
                continue;
            }
            let ranges = ports.entry(&senders | &impossible).or_default();
            match ranges.last_mut() {
                Some(before) if before.1.checked_add(1) == Some(*first) => before.1 = *last,
                _ => ranges.push((*first, *last)),
            }
        }
        ports
    }

    fn senders(&self, address: IpAddr, port: u16, verdict: Verdict) -> BTreeSet<usize> {
        let mut known = self.known.borrow_mut();
        let judge = || self.court.meant_on(&self.link.name, Target { address, port, protocol: self.protocol });
        let meant = known.entry((address, port)).or_insert_with(judge);
        meant.iter().filter(|(own, _)| *own == verdict).flat_map(|(_, senders)| senders.iter().copied()).collect()
    }

    /// The senders that get nowhere though nothing is filtered.
    fn impossible(&self, addresses: &[IpAddr]) -> BTreeSet<usize> {
        let to = |address: &IpAddr| Target { address: *address, port: 1, protocol: self.protocol };
        let targets: Vec<Target> = addresses.iter().map(to).collect();
        let is_refused = |sender: &Sender| {
            let verdicts = self.bare.verdicts(&self.link.name, sender.representative, &targets);
            verdicts.is_none_or(|verdicts| verdicts.iter().all(|verdict| *verdict == Verdict::Closed))
        };
        let senders = self.court.senders(&self.link.name, self.family);
        senders.iter().enumerate().filter(|(_, sender)| is_refused(sender)).map(|(at, _)| at).collect()
    }

    fn written(&self, ports: &Ports, to: &Place) -> Vec<Permit> {
        let senders = self.court.senders(&self.link.name, self.family);
        let permit = |(chosen, ranges): (&BTreeSet<usize>, &Vec<(u16, u16)>)| Permit {
            interface: Some(self.link.name.to_string()),
            family: Some(self.family),
            from: from(self.court.host(), &senders, chosen),
            to: to.clone(),
            protocol: self.protocol,
            ports: ranges.clone(),
        };
        ports.iter().map(permit).collect()
    }
}

/// Some of the senders, in the shortest words: strangers are named by who is left out.
fn from(host: &Host, senders: &[Sender], chosen: &BTreeSet<usize>) -> From {
    let of = |is_wanted: &dyn Fn(usize) -> bool| -> Vec<IpNet> {
        let spans = senders.iter().enumerate().filter(|(at, _)| is_wanted(*at)).flat_map(|(_, sender)| &sender.spans);
        IpNet::aggregate(&hosts::nets(&spans.copied().collect::<Vec<_>>()).collect())
    };
    if chosen.len() == senders.len() {
        From::Everyone
    } else if chosen.iter().any(|at| senders.get(*at).is_some_and(|sender| sender.is_stranger)) {
        From::AllBut(of(&|at| !chosen.contains(&at)))
    } else {
        From::Only(hosts::whole(host, &of(&|at| chosen.contains(&at))))
    }
}

/// Ranges of ports that no rule of a host tells apart; together all ports from 1 on.
fn port_classes(host: &Host) -> Vec<(u16, u16)> {
    let mut starts: BTreeSet<u16> = BTreeSet::from([1]);
    for (low, high) in port_spans(host) {
        let low = u16::try_from(low).ok().filter(|port| *port > 0);
        let after = high.checked_add(1).and_then(|port| u16::try_from(port).ok());
        starts.extend(low.into_iter().chain(after));
    }
    let starts: Vec<u16> = starts.into_iter().collect();
    let ends = starts.iter().skip(1).map(|start| start - 1).chain([u16::MAX]);
    starts.iter().copied().zip(ends).collect()
}

/// The numbers that rules hold a destination port against.
fn port_spans(host: &Host) -> Vec<(u32, u32)> {
    let mut spans = Vec::new();
    let mut note = |selectors: &[Selector], members: &mut dyn Iterator<Item = &Vec<Span>>| {
        let is_port = |selector: &Selector| matches!(selector.key, Key::DestinationPort | Key::CtDestinationPort);
        let places: Vec<usize> = selectors.iter().enumerate().filter(|(_, it)| is_port(it)).map(|(at, _)| at).collect();
        for member in members {
            for at in &places {
                if let Some(Span::Number(low, high)) = member.get(*at) {
                    spans.push((*low, *high));
                }
            }
        }
    };
    let rules = host.ruleset.tables.iter().flat_map(|table| table.chains.values()).flat_map(|chain| &chain.rules);
    for step in rules.flat_map(|rule| rule.steps.iter()) {
        match step {
            Step::Test(Test::Fields { selectors, among, .. }) => {
                note(selectors, &mut among.members.iter().chain(&among.exceptions));
            }
            Step::Act(Action::Lookup { selectors, map }) => note(selectors, &mut map.iter().map(|(key, _)| key)),
            Step::Act(Action::Translate(Translation::Destination(targets))) => {
                for (selector, span) in targets.iter().flat_map(|target| &target.when) {
                    note(std::slice::from_ref(selector), &mut std::iter::once(&vec![span.clone()]));
                }
            }
            _ => {}
        }
    }
    spans
}
