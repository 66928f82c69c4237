//! Who can send a packet in by an interface: groups of addresses that nothing on the host tells apart.
//!
//! What enters: the circles of addresses that rules ask for, and what the host's addresses, routes and settings say of a sender. What
//! leaves: groups of which each member is answered alike, so that one address stands for all. Not here: the answers to a packet.

pub(crate) mod crowd;
pub(crate) mod groups;
pub(crate) mod strangers;

use super::court::Sender;
use super::ground::{Ground, Way};
use super::plan::addresses::Addresses;
use crate::model::address::{address, after, ends, is_link_local, number};
use crate::model::host::PolicyRule;
use crate::model::packet::Family;
use crate::model::truth::Truth;
use crowd::{Asked, Entry};
use ipnet::IpNet;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses of a family, cut into cells of one kind each.
pub(crate) struct Cells {
    /// The first address of each cell, in order; the first one is 0. A cell ends where the next one begins.
    starts: Vec<u128>,
    /// The kind of each.
    kinds: Vec<usize>,
}

impl Cells {
    /// Cells in which all addresses are in the same circles.
    pub(crate) fn of(circles: &[&Addresses], family: Family) -> Self {
        let is_v6 = family == Family::V6;
        // Where a circle is entered and where it is left.
        let mut edges: Vec<(u128, usize, bool)> = Vec::new();
        for (circle, addresses) in circles.iter().enumerate() {
            for (first, last) in addresses.ranges(is_v6) {
                edges.push((*first, circle, true));
                edges.extend(after(address(*last, family)).map(|next| (number(next), circle, false)));
            }
        }
        edges.sort_unstable();
        let mut cells = Self { starts: vec![0], kinds: vec![0] };
        let mut kinds: HashMap<Vec<usize>, usize> = HashMap::from([(Vec::new(), 0)]);
        let mut inside: Vec<usize> = Vec::new();
        for here in edges.chunk_by(|one, other| one.0 == other.0) {
            for (_, circle, enters) in here {
                match (inside.binary_search(circle), enters) {
                    (Err(at), true) => inside.insert(at, *circle),
                    (Ok(at), false) => drop(inside.remove(at)),
                    _ => {}
                }
            }
            let next = kinds.len();
            let kind = *kinds.entry(inside.clone()).or_insert(next);
            cells.push(here[0].0, kind);
        }
        cells
    }

    fn push(&mut self, start: u128, kind: usize) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.kinds.pop();
        }
        if self.kinds.last() != Some(&kind) {
            self.starts.push(start);
            self.kinds.push(kind);
        }
    }
}

/// The groups of senders by an interface, in the order of their first addresses. `cells` are of the same family.
///
/// Who cannot come in by the interface at all, whatever the packet is, is left out: the host's own addresses, loopback and multicast
/// ones, and those that rp_filter refuses. By `lo` come the host's own addresses, and nobody else.
// Law: the-verdict-of-a-group-is-that-of-each-of-its-members
pub(crate) fn senders(ground: &Ground<'_>, cells: &Cells, interface: &str, family: Family) -> Vec<Sender> {
    let own = bounds(ground, family);
    let all: BTreeSet<u128> = own.iter().chain(&cells.starts).copied().collect();
    let mut known: HashMap<Facts, usize> = HashMap::new();
    let mut numbers: HashMap<(usize, usize), usize> = HashMap::new();
    let mut groups: Vec<Vec<(u128, u128)>> = Vec::new();
    let (mut facts, mut kinds) = (None, cells.starts.iter().zip(&cells.kinds).peekable());
    let mut kind = 0;
    let mut lasts = all.iter().skip(1).map(|next| next - 1).chain([number(ends(family).1)]);
    for (start, end) in all.iter().zip(&mut lasts) {
        if own.contains(start) {
            let next = known.len();
            let here = Facts::of(ground, address(*start, family), interface);
            facts = here.map(|facts| *known.entry(facts).or_insert(next));
        }
        if let Some((_, here)) = kinds.next_if(|(own, _)| *own == start) {
            kind = *here;
        }
        let Some(facts) = facts else { continue };
        let group = *numbers.entry((kind, facts)).or_insert(groups.len());
        match groups.get_mut(group) {
            None => groups.push(vec![(*start, end)]),
            Some(spans) => match spans.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(*start) => *last = end,
                _ => spans.push((*start, end)),
            },
        }
    }
    strangers::describe(groups, family)
}

/// True if packets from an address can come in by an interface: then it is in one of the groups.
pub(crate) fn may_send(ground: &Ground<'_>, source: IpAddr, interface: &str) -> bool {
    Facts::of(ground, source, interface).is_some()
}

/// What the host's addresses, routes and settings say of a sender by one interface.
#[derive(PartialEq, Eq, Hash)]
struct Facts {
    entry: Entry,
    kind: Option<u32>,
    /// Whether the way back to it leads through the interface, and whether it leads anywhere.
    back: [Truth; 2],
    is_loopback: bool,
    /// Packets from there are not forwarded.
    is_link_local: bool,
    /// For each policy rule, whether it speaks of packets from there.
    policy: Vec<bool>,
    /// Where marks or addresses choose the way back: for each policy rule, whether it speaks of packets to there, and the way that it chooses.
    ways: Vec<(bool, String)>,
}

impl Facts {
    /// None for a sender whose packets are refused in any case.
    fn of(ground: &Ground<'_>, source: IpAddr, interface: &str) -> Option<Self> {
        let kind = ground.address_type(source, None);
        if interface == "lo" && kind != Some(super::ground::kind::LOCAL) {
            return None;
        }
        let entry = Entry::of(ground, source, Asked::default(), interface);
        // A mark may lead another way back; frames that stay on a bridge are not routed.
        let may_pass = ground.is_bridge(interface) || entry == Entry::WayBack && ground.minds_marks(interface);
        if interface != "lo" && entry.is_refused() && !may_pass {
            return None;
        }
        let rules = || ground.policy(Family::of(source));
        let holds = |net: Option<IpNet>| net.is_some_and(|net| net.contains(&source));
        let has_choice = rules().any(|rule| rule.mark.is_some() || rule.from.is_some());
        let is_certain = rules().all(|rule| rule.from.is_none() && !rule.unknown);
        let way = |rule: &PolicyRule| match ground.way_by(rule, source) {
            Some(Way::Devices(devices)) if is_certain => (holds(rule.to), devices.contains(&interface).to_string()),
            way => (holds(rule.to), format!("{way:?}")),
        };
        Some(Self {
            entry,
            kind,
            back: [Some(interface), None].map(|device| ground.leads_back(source, None, device, 0)),
            is_loopback: source.is_loopback(),
            is_link_local: is_link_local(source),
            policy: rules().map(|rule| holds(rule.from)).collect(),
            ways: if has_choice { rules().map(way).collect() } else { Vec::new() },
        })
    }
}

/// The addresses at which what the host says may change.
fn bounds(ground: &Ground<'_>, family: Family) -> BTreeSet<u128> {
    let mut bounds = BTreeSet::from([0]);
    let mut cut = |net: IpNet| {
        if Family::of(net.addr()) == family {
            bounds.insert(number(net.network()));
            bounds.extend(after(net.broadcast()).map(number));
        }
    };
    for own in ground.host.links.iter().flat_map(|link| &link.addresses) {
        cut(own.net);
        cut(own.net.addr().into());
        own.broadcast.map(IpNet::from).into_iter().for_each(&mut cut);
    }
    ground.host.routes.iter().for_each(|route| cut(route.destination));
    for rule in &ground.host.policy {
        [rule.from, rule.to].into_iter().flatten().for_each(&mut cut);
    }
    let v4 = [(Ipv4Addr::UNSPECIFIED, 8), (Ipv4Addr::LOCALHOST, 8), (Ipv4Addr::new(224, 0, 0, 0), 4), (Ipv4Addr::BROADCAST, 32)];
    let v6 = [
        (Ipv6Addr::LOCALHOST, 128),
        (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
        (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
    ];
    let special = v4.map(|(address, length)| (IpAddr::V4(address), length)).into_iter();
    let special = special.chain(v6.map(|(address, length)| (IpAddr::V6(address), length)));
    special.filter_map(|(address, length)| IpNet::new(address, length).ok()).for_each(cut);
    bounds
}
