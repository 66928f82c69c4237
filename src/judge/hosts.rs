//! What the rules look at on a host: every way in, with what the senders there get.
//!
//! In: a host made ready to judge. Out: a [`HostCase`], and the phrases that several rules share. Not here: what is wrong about it (the
//! rules), and anything about compose files.

use super::court::{self, Court, Ruling};
use super::doors::{self, Door};
use crate::model::engine::{Binding, Publisher};
use crate::model::finding::{OnHost, View};
use crate::model::host::{Host, Link};
use crate::model::packet::Family;
use crate::model::verdict::{Assessment, Trace};
use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};
use std::net::IpAddr;

/// A host before the rules.
pub struct HostCase<'a> {
    /// The host, made ready.
    pub court: &'a Court,
    /// The interfaces that packets from outside come in by.
    pub outside: Vec<&'a Link>,
    /// Every way in to everything that is published, with what is judged of it.
    pub sights: Vec<Sight>,
}

/// A way in, judged.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The way in.
    pub door: Door,
    /// What the senders get.
    pub rulings: Vec<Ruling>,
}

impl<'a> HostCase<'a> {
    /// A case of these ways in, judged by whoever has the time: see [`doors::of`] and [`Court::rule_on`].
    pub fn new(court: &'a Court, sights: Vec<Sight>) -> Self {
        Self { court, outside: doors::outside(court.host()), sights }
    }

    /// The host as it is.
    pub fn host(&self) -> &'a Host {
        self.court.host()
    }

    /// Who is meant to be behind a door.
    pub fn publisher(&self, door: &Door) -> &'a Publisher {
        &self.host().publishers[door.publisher]
    }

    /// What some senders get, with the rules that decide: the packet of one of them is followed once more.
    pub fn view(&self, sight: &Sight, ruling: &Ruling) -> View {
        self.seen(sight, ruling).0
    }

    /// The same, with the whole way of that packet; None where there is no sender.
    pub fn seen(&self, sight: &Sight, ruling: &Ruling) -> (View, Option<Assessment>) {
        let door = &sight.door;
        let assessment = self.assess(door, ruling);
        let view = View {
            interface: door.interface.to_string(),
            address: door.to.address,
            port: door.to.port,
            protocol: door.to.protocol,
            from: if self.is_rest(sight, ruling) { Vec::new() } else { self.prefixes(door, ruling) },
            actual: ruling.actual,
            intended: ruling.intended,
            path: ruling.path,
            decided_by: assessment.as_ref().and_then(|it| deciding(&it.actual)),
            meant_by: assessment.as_ref().and_then(|it| deciding(&it.intended)),
        };
        (view, assessment)
    }

    /// True for the ruling about strangers; where none come in here, for the one about most addresses. Addresses that count on one link
    /// only come last: few send from them, however many there are.
    fn is_rest(&self, sight: &Sight, ruling: &Ruling) -> bool {
        let senders = self.court.senders(&sight.door.interface, Family::of(sight.door.to.address));
        let weight = |ruling: &Ruling| {
            let of: Vec<_> = ruling.senders.iter().filter_map(|at| senders.get(*at)).collect();
            let spans = of.iter().flat_map(|it| &it.spans).filter(|(first, _)| !doors::is_link_local(*first));
            (of.iter().any(|it| it.is_stranger), spans.map(size).fold(0, u128::saturating_add))
        };
        let own = weight(ruling);
        sight.rulings.iter().all(|other| weight(other) <= own)
    }

    /// The prefixes of some senders. The host's own addresses, from which nobody outside sends, make no holes in them.
    fn prefixes(&self, door: &Door, ruling: &Ruling) -> Vec<IpNet> {
        let family = Family::of(door.to.address);
        let senders = self.court.senders(&door.interface, family);
        let spans = ruling.senders.iter().filter_map(|at| senders.get(*at)).flat_map(|sender| nets(&sender.spans));
        let own = self.host().links.iter().flat_map(|link| &link.addresses).map(|own| IpNet::from(own.net.addr()));
        let own: Vec<IpNet> = own.filter(|own| Family::of(own.addr()) == family).collect();
        let mut whole = IpNet::aggregate(&spans.chain(own.iter().copied()).collect());
        whole.retain(|net| !own.contains(net));
        whole
    }

    /// The whole way of a packet of some senders; None where there are none.
    pub fn assess(&self, door: &Door, ruling: &Ruling) -> Option<Assessment> {
        let senders = self.court.senders(&door.interface, Family::of(door.to.address));
        let sender = ruling.senders.iter().filter_map(|at| senders.get(*at)).max_by_key(|sender| sender.is_stranger)?;
        Some(self.court.assess(&court::packet(&door.interface, sender.representative, door.to)))
    }
}

/// What of the host a finding about a binding points at.
pub fn on_host(publisher: &Publisher, publication: Option<String>, views: Vec<View>) -> OnHost {
    OnHost { container: Some(publisher.name.clone()), publication, part: None, views }
}

/// `*:8080->80/tcp`, `127.0.0.1:8080->80/tcp`, `80/tcp`: the bindings of one container port at one host port, as one text.
pub fn publication(bindings: &[Binding]) -> String {
    let Some(first) = bindings.first() else { return String::new() };
    let is_every = |is_v4: bool| bindings.iter().any(|it| it.address.is_unspecified() && it.address.is_ipv4() == is_v4);
    let address = match first.address {
        _ if is_every(true) && is_every(false) => "*".to_owned(),
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    };
    match first.port {
        Some(port) => format!("{address}:{port}->{}/{}", first.target, first.protocol),
        None => format!("{}/{}", first.target, first.protocol),
    }
}

/// The rule that decides about a packet, as `table chain: rule` ([`Trace::decisive`]); where it cannot be told, what stands in the way.
pub fn deciding(trace: &Trace) -> Option<String> {
    let hop = match trace.decisive() {
        Some(at) => trace.hops.get(at)?,
        None => return trace.doubts.first().cloned(),
    };
    let words = if hop.is_policy() { format!("policy {}", hop.effect) } else { hop.rule.clone() };
    Some(if hop.table.is_empty() { hop.effect.clone() } else { format!("{} {}: {words}", hop.table, hop.chain) })
}

/// How many addresses a range has; the whole of v6 has one more than can be counted.
fn size((first, last): &(IpAddr, IpAddr)) -> u128 {
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => u128::from(last.to_bits() - first.to_bits()) + 1,
        (IpAddr::V6(first), IpAddr::V6(last)) => (last.to_bits() - first.to_bits()).saturating_add(1),
        _ => 0,
    }
}

/// Ranges of addresses as prefixes.
fn nets(spans: &[(IpAddr, IpAddr)]) -> impl Iterator<Item = IpNet> {
    spans.iter().flat_map(|span| -> Vec<IpNet> {
        match span {
            (IpAddr::V4(first), IpAddr::V4(last)) => Ipv4Subnets::new(*first, *last, 0).map(|net: Ipv4Net| net.into()).collect(),
            (IpAddr::V6(first), IpAddr::V6(last)) => Ipv6Subnets::new(*first, *last, 0).map(|net: Ipv6Net| net.into()).collect(),
            _ => Vec::new(),
        }
    })
}

/// To whom something is open: `to everyone who comes in by eth0 and eth1, v4 and v6`.
pub fn audience(views: &[View]) -> String {
    let mut interfaces: Vec<&str> = views.iter().map(|view| view.interface.as_str()).collect();
    interfaces.sort_unstable();
    interfaces.dedup();
    let (v4, v6) = (views.iter().any(|view| view.address.is_ipv4()), views.iter().any(|view| view.address.is_ipv6()));
    let families = match (v4, v6) {
        (true, true) => "v4 and v6",
        (false, true) => "v6",
        _ => "v4",
    };
    let by = format!("by {}, {families}", super::words::list(&interfaces));
    if views.iter().any(|view| view.from.is_empty()) {
        return format!("to everyone who comes in {by}");
    }
    let mut from: Vec<String> = views.iter().flat_map(|view| &view.from).map(ToString::to_string).collect();
    from.sort_unstable();
    from.dedup();
    format!("to {} {by}", some_of(&from))
}

/// The first of a list, and how many more there are.
fn some_of(names: &[String]) -> String {
    match names {
        [first, second, third, rest @ ..] if !rest.is_empty() => format!("{first}, {second}, {third} and {} more", rest.len()),
        names => super::words::list(names),
    }
}
