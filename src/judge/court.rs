//! A host made ready to judge many packets.
//!
//! In: a host. Out: for a target and an interface, what each group of senders gets, as the host is and as it is meant. Not here: which
//! packets matter ([`super::doors`]), and what is wrong about the answers.

use super::bypass;
use super::ground::Ground;
use super::path;
use super::whatif;
use crate::model::host::Host;
use crate::model::packet::{Family, Packet, Target};
use crate::model::ruleset::{Action, Key, Selector, Span, Step, Test, Translation};
use crate::model::truth::Truth;
use crate::model::verdict::{Assessment, Path, Verdict};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A host, and the same without what the engine put there.
#[derive(Debug)]
pub struct Court {
    host: Host,
    intended: Host,
}

/// Senders that nothing on the host tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// One of them.
    pub representative: IpAddr,
    /// All of them: ranges of addresses, both ends inclusive.
    pub spans: Vec<(IpAddr, IpAddr)>,
    /// True if somebody far away, whom no rule names, is among them.
    pub is_stranger: bool,
}

/// What some groups of senders get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Which groups, as positions in what [`Court::senders`] gives.
    pub senders: Vec<usize>,
    /// As the host is.
    pub actual: Verdict,
    /// As it is meant.
    pub intended: Verdict,
    /// The way that the packet takes as the host is.
    pub path: Path,
}

impl Court {
    /// Makes a host ready.
    pub fn of(host: &Host) -> Self {
        Self { host: host.clone(), intended: whatif::without_engine(host) }
    }

    /// The host as it is.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The host as it is meant.
    pub fn intended(&self) -> &Host {
        &self.intended
    }

    /// The groups of senders whose packets can come in by an interface.
    pub fn senders(&self, interface: &str, family: Family) -> Arc<[Sender]> {
        let ground = Ground { host: &self.host };
        let mut starts: BTreeSet<IpAddr> = BTreeSet::from([first(family)]);
        for (low, high) in spans(&self.host) {
            starts.extend([Some(low), next(high)].into_iter().flatten().filter(|address| Family::of(*address) == family));
        }
        let starts: Vec<IpAddr> = starts.into_iter().collect();
        let ends = starts.iter().skip(1).filter_map(|start| previous(*start)).chain([last(family)]);
        let far = far_away(family);
        let senders = starts.iter().zip(ends).map(|(start, end)| {
            let is_stranger = (*start..=end).contains(&far);
            Sender { representative: if is_stranger { far } else { *start }, spans: vec![(*start, end)], is_stranger }
        });
        let comes_in = |sender: &Sender| {
            let source = sender.representative;
            !source.is_multicast()
                && !source.is_loopback()
                && !source.is_unspecified()
                && ground.leads_back(source, Some(interface), 0) != Truth::No
        };
        senders.filter(comes_in).collect()
    }

    /// What each group of senders gets for a packet to a target.
    pub fn rule_on(&self, interface: &Arc<str>, to: Target) -> Vec<Ruling> {
        let mut rulings: Vec<Ruling> = Vec::new();
        for (index, sender) in self.senders(interface, Family::of(to.address)).iter().enumerate() {
            let packet = packet(interface, sender.representative, to);
            let (actual, intended) = (path::trace(&self.host, &packet), path::trace(&self.intended, &packet));
            let same = |ruling: &&mut Ruling| {
                (ruling.actual, ruling.intended, ruling.path) == (actual.verdict, intended.verdict, actual.path)
            };
            match rulings.iter_mut().find(same) {
                Some(ruling) => ruling.senders.push(index),
                None => rulings.push(Ruling {
                    senders: vec![index],
                    actual: actual.verdict,
                    intended: intended.verdict,
                    path: actual.path,
                }),
            }
        }
        rulings
    }

    /// One packet, with all that happened to it.
    pub fn assess(&self, packet: &Packet) -> Assessment {
        bypass::judge(&self.host, &self.intended, packet)
    }
}

/// The packet of a sender to a target.
pub fn packet(interface: &Arc<str>, source: IpAddr, to: Target) -> Packet {
    Packet { interface: Arc::clone(interface), source, destination: to.address, port: to.port, protocol: to.protocol }
}

fn spans(host: &Host) -> Vec<(IpAddr, IpAddr)> {
    let mut spans = Vec::new();
    let mut note = |selectors: &[Selector], members: &mut dyn Iterator<Item = &Vec<Span>>| {
        let places: Vec<usize> = selectors
            .iter()
            .enumerate()
            .filter(|(_, it)| matches!(it.key, Key::Source | Key::CtSource))
            .map(|(at, _)| at)
            .collect();
        for member in members {
            for at in &places {
                if let Some(Span::Address(low, high)) = member.get(*at) {
                    spans.push((*low, *high));
                }
            }
        }
    };
    let rules = host.ruleset.tables.iter().flat_map(|table| table.chains.values()).flat_map(|chain| &chain.rules);
    for step in rules.flat_map(|rule| &rule.steps) {
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
    let nets = host.routes.iter().map(|route| route.destination).chain(host.policy.iter().filter_map(|rule| rule.from));
    spans.extend(nets.map(|net| (net.network(), net.broadcast())));
    let own = host.links.iter().flat_map(|link| &link.addresses).map(|own| own.net.addr());
    spans.extend(own.map(|address| (address, address)));
    spans
}

fn far_away(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(203, 0, 113, 77).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0x7777, 0, 0, 0, 0, 0x77).into(),
    }
}

fn first(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn last(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::BROADCAST.into(),
        Family::V6 => Ipv6Addr::from_bits(u128::MAX).into(),
    }
}

fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_add(1).map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(v6) => v6.to_bits().checked_add(1).map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}

fn previous(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => v4.to_bits().checked_sub(1).map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(v6) => v6.to_bits().checked_sub(1).map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}
