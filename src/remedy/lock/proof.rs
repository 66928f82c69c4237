//! Whether a lock does what it is for, and nothing else, on the model of its host.
//!
//! In: the host without a lock and with it, both made ready to judge. Out: what the lock closes, or the packet that stands against it. Not
//! here: what the lock is to let in.

use super::Sights;
use super::bystanders::{self, Bystander};
use crate::judge::court::{self, Court, Ruling};
use crate::judge::doors::{self, Door, Way};
use crate::judge::hosts::{self, HostCase, Sight};
use crate::judge::permits::{self, Unguarded};
use crate::model::finding::View;
use crate::model::guard::{Guard, Wish};
use crate::model::host::{Host, Network};
use crate::model::lock::{Account, Line, Refusal};
use crate::model::packet::{Family, Packet, Protocol};
use crate::model::policy::PortSelector;
use crate::model::verdict::{Path, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// Holds the locked host against the host as it was: every way in, and what must not break.
pub(super) fn prove(before: &Court, after: &Court, guard: &Guard, wish: &Wish, sights: Sights) -> Result<Account, Refusal> {
    let doors = doors::of(before.host());
    let (was, is) = (HostCase::new(before, sights(before, &doors)), HostCase::new(after, sights(after, &doors)));
    let (mut closed, mut open) = (Views::new(), Views::new());
    let unguarded: Vec<Unguarded> =
        [Family::V4, Family::V6].into_iter().flat_map(|family| permits::unguarded(before.host(), family)).collect();
    let mut known: HashMap<(&str, Family), Vec<Common>> = HashMap::new();
    for (was_seen, is_seen) in was.sights.iter().zip(&is.sights) {
        let door = &was_seen.door;
        let side = (&*door.interface, Family::of(door.to.address));
        let common = known.entry(side).or_insert_with(|| commons(before, after, side.0, side.1));
        let key = (door.publisher, door.way, door.to.port, door.to.protocol);
        if proves(&unguarded, common, wish, was_seen, is_seen).map_err(|counter| counter.told(after))? {
            closed.entry(key).or_default().extend(opened(&was, was_seen));
        }
        open.entry(key).or_default().extend(opened(&is, is_seen));
    }
    keeps(before, after, guard)?;
    let lines = |views: &Views| lines(before.host(), views);
    Ok(Account { closed: lines(&closed), open: lines(&open), beside: beside(before.host()) })
}

/// What is said of each port, by who publishes it and how it is asked for.
type Views = BTreeMap<(usize, Way, u16, Protocol), Vec<View>>;

/// Containers that have an address of their own on a link of the host: their packets pass none of its filters.
fn beside(host: &Host) -> Vec<String> {
    let on = |publisher| doors::at(host, publisher).filter(|(network, _)| network.is_beside());
    let words = |name: &str, network: &Network, address| {
        format!("{name} at {address}, on the {} network {}", network.driver, network.name)
    };
    let publishers = host.publishers.iter();
    publishers
        .flat_map(|publisher| on(publisher).map(move |(network, address)| words(&publisher.name, network, address)))
        .collect()
}

/// To whom a way in that the host has a say in is open, or may be.
fn opened<'a>(case: &'a HostCase, sight: &'a Sight) -> impl Iterator<Item = View> + 'a {
    let open = sight.rulings.iter().filter(|ruling| ruling.actual != Verdict::Closed && ruling.path != Path::Beside);
    open.map(|ruling| case.gist(sight, ruling))
}

fn lines(host: &Host, views: &Views) -> Vec<Line> {
    let line = |((publisher, way, port, protocol), views): (&(usize, Way, u16, Protocol), &Vec<View>)| Line {
        publisher: host.publishers[*publisher].name.clone(),
        port: *port,
        protocol: *protocol,
        place: match way {
            Way::Host => None,
            Way::Loopback => Some("on loopback, asked from the wire".to_owned()),
            Way::Direct => Some("at its own address".to_owned()),
        },
        whom: hosts::audience(views),
    };
    let mut lines: Vec<Line> = views.iter().filter(|(_, views)| !views.is_empty()).map(line).collect();
    lines.sort_by(|one, other| (one.port, &one.publisher, &one.place).cmp(&(other.port, &other.publisher, &other.place)));
    lines
}

/// A packet that stands against a lock.
struct Counter {
    packet: Packet,
    was: Verdict,
    is: Verdict,
}

impl Counter {
    fn told(&self, after: &Court) -> Refusal {
        let Self { packet, was, is } = self;
        let doubt = after.assess(packet).actual.doubts.into_iter().next().filter(|_| *is == Verdict::Unsure);
        let doubt = doubt.map(|doubt| format!(": {doubt}")).unwrap_or_default();
        Refusal::Unproven(format!("{packet} is {} and would be {}{doubt}", was.name(), is.name()))
    }
}

/// Holds one way in against what is wanted of it; true if somebody loses it.
fn proves(unguarded: &[Unguarded], common: &[Common], wish: &Wish, was: &Sight, is: &Sight) -> Result<bool, Counter> {
    let (door, was, is) = (&was.door, by_sender(&was.rulings), by_sender(&is.rulings));
    // The prefix that a container's own address is in, where its network's gateway mode lets others ask for it.
    let unguarded = unguarded.iter().find(|network| door.way == Way::Direct && network.subnet.contains(&door.to.address));
    let mut is_lost = false;
    for Common { before, after, sender } in common {
        let (Some(Some(was)), Some(Some(is))) = (was.get(*before), is.get(*after)) else { continue };
        if was.path == Path::Beside {
            continue;
        }
        let obeys = !wish.refuses_all && was.intended == Verdict::Open;
        let is_allowed = || is_allowed(wish, door, *sender);
        let is_wanted = match door.way {
            Way::Host => is.actual == if obeys || is_allowed() { was.actual } else { Verdict::Closed },
            Way::Loopback => is.actual == Verdict::Closed,
            // What the host firewall permits for one container alone, a lock does not: it knows prefixes.
            Way::Direct => {
                let may_stay = unguarded.is_some_and(|network| obeys || network.is_routed && is_allowed());
                is.actual == Verdict::Closed || may_stay && is.actual == was.actual
            }
        };
        if !is_wanted {
            let packet = court::packet(&door.interface, *sender, door.to);
            return Err(Counter { packet, was: was.actual, is: is.actual });
        }
        is_lost |= was.actual != is.actual;
    }
    Ok(is_lost)
}

/// Rulings by the places of the senders that they are about.
fn by_sender(rulings: &[Ruling]) -> Vec<Option<&Ruling>> {
    let last = rulings.iter().filter_map(|ruling| ruling.senders.last()).max().map_or(0, |last| last + 1);
    let mut by_sender = vec![None; last];
    for ruling in rulings {
        ruling.senders.iter().for_each(|sender| by_sender[*sender] = Some(ruling));
    }
    by_sender
}

/// Senders that are in one group before and in one group after: the lock's own rules tell apart whom nothing told apart.
struct Common {
    before: usize,
    after: usize,
    /// One of them.
    sender: IpAddr,
}

/// The common parts of all groups of senders by one interface, in one family.
fn commons(before: &Court, after: &Court, interface: &str, family: Family) -> Vec<Common> {
    let spans = |court: &Court| -> Vec<(IpAddr, IpAddr, usize)> {
        let senders = court.senders(interface, family);
        let spans = senders.iter().enumerate().flat_map(|(at, sender)| sender.spans.iter().map(move |span| (span.0, span.1, at)));
        let mut spans: Vec<_> = spans.collect();
        spans.sort_unstable();
        spans
    };
    let (ours, theirs) = (spans(before), spans(after));
    let (mut commons, mut seen) = (Vec::new(), BTreeSet::new());
    let (mut one, mut other) = (ours.iter().peekable(), theirs.iter().peekable());
    while let (Some((first, last, before)), Some((start, end, after))) = (one.peek(), other.peek()) {
        let sender = *first.max(start);
        if sender <= *last.min(end) && seen.insert((*before, *after)) {
            commons.push(Common { before: *before, after: *after, sender });
        }
        if last < end {
            one.next()
        } else {
            other.next()
        };
    }
    commons
}

/// True if the owner allows this way in to this sender.
fn is_allowed(wish: &Wish, door: &Door, sender: IpAddr) -> bool {
    wish.allowed.iter().any(|allowance| {
        let is_from = allowance.from.is_empty() || allowance.from.iter().any(|net| net.contains(&sender));
        let is_by = allowance.interface.as_deref().is_none_or(|name| name == &*door.interface);
        let is_port = match &allowance.ports {
            PortSelector::Any => true,
            PortSelector::Ports { ports, protocol } => {
                Protocol::named(protocol) == Some(door.to.protocol) && ports.contains(door.to.port.into())
            }
        };
        is_from && is_by && is_port
    })
}

/// What a lock must not touch: what containers and the host send out and to each other, and the host's own services.
fn keeps(before: &Court, after: &Court, guard: &Guard) -> Result<(), Refusal> {
    for Bystander { interface, source, targets } in bystanders::of(before.host(), guard) {
        let judged = [before, after].map(|court| court.verdicts(&interface, source, &targets));
        let [Some(was), Some(is)] = judged else { continue };
        if let Some((to, (was, is))) = targets.iter().zip(was.into_iter().zip(is)).find(|(_, (was, is))| was != is) {
            return Err(Counter { packet: court::packet(&interface, source, *to), was, is }.told(after));
        }
    }
    Ok(())
}
