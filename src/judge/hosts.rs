//! What the rules look at on a host: every way in, with what the senders there get.
//!
//! In: a host made ready to judge. Out: a [`HostCase`], and the phrases that several rules share. Not here: what is wrong about it (the
//! rules), and anything about compose files.

pub mod gathered;
mod standing;
pub mod zones;

pub use standing::{Range, without};

use super::court::{self, Court, Ruling};
use super::doors::{self, Door, Way};
use crate::model::address::{is_link_local, number};
use crate::model::engine::{Binding, Publisher};
use crate::model::finding::{OnHost, View};
use crate::model::host::{Host, Link};
use crate::model::packet::Family;
use crate::model::verdict::{Assessment, Path, Trace};
use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};
use standing::{Standing, Standings, Weight};
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// A host before the rules.
pub struct HostCase<'a> {
    /// The host, made ready.
    pub court: &'a Court,
    /// The interfaces that packets from outside come in by.
    pub outside: Vec<&'a Link>,
    /// Every way in to everything that is published, with what is judged of it.
    pub sights: Vec<Sight>,
    standings: Standings,
    names: Mutex<Names>,
}

/// The prefixes of senders by one interface, in one family, by their places.
type Names = HashMap<(Arc<str>, Family, Vec<usize>), Arc<[IpNet]>>;

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
        let outside = doors::outside(court.host());
        Self { court, standings: standing::of(court, &outside), outside, sights, names: Mutex::default() }
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

    /// What some senders get, and the whole way of one's packet; None where there are no senders.
    pub fn seen(&self, sight: &Sight, ruling: &Ruling) -> (View, Option<Assessment>) {
        let assessment = self.assess(&sight.door, ruling);
        let decided_by = assessment.as_ref().and_then(|it| deciding(&it.actual));
        let meant_by = assessment.as_ref().and_then(|it| deciding(&it.intended));
        let meant_in = assessment.as_ref().and_then(|it| it.intended.hops.get(it.intended.decisive()?)?.base());
        (View { decided_by, meant_by, meant_in, ..self.outline(sight, ruling) }, assessment)
    }

    /// What some senders get, whichever rules decide.
    pub fn outline(&self, sight: &Sight, ruling: &Ruling) -> View {
        let mut view = self.gist(sight, ruling);
        if view.from.is_empty() {
            view.except = self.others(sight, ruling);
        }
        view
    }

    /// The same, and where it is about everybody, not who is left out.
    pub fn gist(&self, sight: &Sight, ruling: &Ruling) -> View {
        let door = &sight.door;
        let is_rest = self.is_rest(sight, ruling);
        View {
            interface: door.interface.to_string(),
            address: door.to.address,
            port: door.to.port,
            protocol: door.to.protocol,
            from: if is_rest { Arc::default() } else { self.named(door, ruling.senders.clone()) },
            except: Arc::default(),
            actual: ruling.actual,
            intended: ruling.intended,
            path: ruling.path,
            decided_by: None,
            meant_by: None,
            meant_in: None,
        }
    }

    /// True if packets of a ruling may end at the publisher: a packet for the host's port that is sent on with its own destination goes
    /// to somebody else.
    pub fn leads_there(&self, sight: &Sight, ruling: &Ruling) -> bool {
        match sight.door.way {
            Way::Host | Way::Loopback => !matches!(ruling.path, Path::Forward | Path::Bridge),
            Way::Direct => true,
        }
    }

    /// True for the ruling about most of those who can hold a connection by this interface: strangers, if answers to them leave by it.
    pub fn is_rest(&self, sight: &Sight, ruling: &Ruling) -> bool {
        let standings = self.standings_at(sight);
        let weight = |ruling: &Ruling| {
            let of = ruling.senders.iter().filter_map(|at| standings.get(*at));
            of.map(|standing| standing.weight).fold(Weight::default(), Weight::with)
        };
        let own = weight(ruling);
        sight.rulings.iter().all(|other| weight(other) <= own)
    }

    /// The prefixes of all senders to whom another ruling applies.
    fn others(&self, sight: &Sight, ruling: &Ruling) -> Arc<[IpNet]> {
        let others = sight.rulings.iter().filter(|other| *other != ruling);
        self.named(&sight.door, others.flat_map(|other| other.senders.iter().copied()).collect())
    }

    fn standings_at(&self, sight: &Sight) -> &[Standing] {
        let key = (Arc::clone(&sight.door.interface), Family::of(sight.door.to.address));
        self.standings.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The senders of a ruling whose answers leave by the interface that they come in by.
    pub fn home_of(&self, sight: &Sight, ruling: &Ruling) -> Vec<Range> {
        let standings = self.standings_at(sight);
        ruling.senders.iter().filter_map(|at| standings.get(*at)).flat_map(|standing| standing.home.iter().copied()).collect()
    }

    /// The senders whom a view of a publisher is about: those whose answers leave by the interface that they come in by; where there are
    /// none such, all.
    pub fn senders_of(&self, publisher: usize, view: &View) -> Vec<Range> {
        let is_it = |sight: &&Sight| {
            let door = &sight.door;
            let to = (door.to.address, door.to.port, door.to.protocol);
            door.publisher == publisher && *door.interface == *view.interface && to == (view.address, view.port, view.protocol)
        };
        let Some(sight) = self.sights.iter().find(is_it) else { return Vec::new() };
        let alike = || sight.rulings.iter().filter(|it| (it.actual, it.intended) == (view.actual, view.intended));
        let home: Vec<Range> = alike().flat_map(|ruling| self.home_of(sight, ruling)).collect();
        if !home.is_empty() {
            return home;
        }
        let senders = self.court.senders(&sight.door.interface, Family::of(view.address));
        let of = alike().flat_map(|ruling| &ruling.senders).filter_map(|at| senders.get(*at));
        of.flat_map(|sender| sender.spans.iter().copied()).collect()
    }

    /// The prefixes of some senders, by their places among those of a door. The same ones are asked for again and again.
    fn named(&self, door: &Door, mut senders: Vec<usize>) -> Arc<[IpNet]> {
        senders.sort_unstable();
        let family = Family::of(door.to.address);
        let mut known = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let name =
            known.entry((Arc::clone(&door.interface), family, senders)).or_insert_with_key(|(interface, family, senders)| {
                let all = self.court.senders(interface, *family);
                let spans = senders.iter().filter_map(|at| all.get(*at)).flat_map(|sender| nets(&sender.spans));
                self.whole(&spans.collect::<Vec<_>>()).into()
            });
        Arc::clone(name)
    }

    /// The same prefixes as few: the host's own addresses and broadcast ones, which nobody outside sends from, make no hole in them.
    pub fn whole(&self, prefixes: &[IpNet]) -> Vec<IpNet> {
        whole(self.host(), prefixes)
    }

    /// The whole way of a packet of some senders; None where there are none.
    pub fn assess(&self, door: &Door, ruling: &Ruling) -> Option<Assessment> {
        let senders = self.court.senders(&door.interface, Family::of(door.to.address));
        let sender = ruling.senders.iter().filter_map(|at| senders.get(*at)).max_by_key(|sender| sender.is_stranger)?;
        Some(self.court.assess(&court::packet(&door.interface, sender.representative, door.to)))
    }
}

/// Prefixes of senders outside as few: the host's own addresses and broadcast ones, which nobody outside sends from, make no hole in them.
pub(super) fn whole(host: &Host, prefixes: &[IpNet]) -> Vec<IpNet> {
    let addresses = host.links.iter().flat_map(|link| &link.addresses);
    let nobody = addresses.flat_map(|own| [Some(own.net.addr()), own.broadcast]).flatten();
    let own: Vec<IpNet> = nobody.map(IpNet::from).collect();
    let mut all = prefixes.to_vec();
    all.extend(&own);
    let mut whole = IpNet::aggregate(&all);
    let prefixes: HashSet<&IpNet> = prefixes.iter().collect();
    whole.retain(|net| prefixes.contains(net) || !own.contains(net));
    whole
}

/// What of the host a finding about a binding points at.
pub fn on_host(publisher: &Publisher, publication: Option<String>, views: Vec<View>) -> OnHost {
    OnHost { container: Some(publisher.name.clone()), publication, views, ..OnHost::default() }
}

/// `*:8080->80/tcp`, `127.0.0.1:8080->80/tcp`, `*:9000-9002->7000-7002/tcp`, `80/tcp`: the bindings of one container port, or of a
/// range, as one text.
pub fn publication(bindings: &[Binding]) -> String {
    let Some(first) = bindings.first() else { return String::new() };
    let is_every = |is_v4: bool| bindings.iter().any(|it| it.address.is_unspecified() && it.address.is_ipv4() == is_v4);
    let address = match first.address {
        _ if is_every(true) && is_every(false) => "*".to_owned(),
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    };
    let target = range(bindings.iter().map(|it| it.target)).unwrap_or_default();
    match range(bindings.iter().filter_map(|it| it.port)).filter(|_| first.port.is_some()) {
        Some(port) => format!("{address}:{port}->{target}/{}", first.protocol),
        None => format!("{target}/{}", first.protocol),
    }
}

/// `8080`, `9000-9002`: from the lowest to the highest; None without one.
pub fn range(ports: impl Iterator<Item = u16>) -> Option<String> {
    let (low, high) = ports.fold((u16::MAX, 0), |(low, high), port| (low.min(port), high.max(port)));
    match low.cmp(&high) {
        Ordering::Less => Some(format!("{low}-{high}")),
        Ordering::Equal => Some(low.to_string()),
        Ordering::Greater => None,
    }
}

/// The rule that decides about a packet, as `table chain: rule` ([`Trace::decisive`]); where it cannot be told, what stands in the way.
pub fn deciding(trace: &Trace) -> Option<String> {
    let hop = match trace.decisive() {
        Some(at) => trace.hops.get(at)?,
        None => return trace.doubts.first().cloned(),
    };
    let words = if hop.is_policy() { format!("policy {}", hop.effect) } else { hop.rule.clone() };
    Some(if hop.table.is_empty() { hop.effect.clone() } else { format!("{} {}: {words}", hop.table, hop.chain()) })
}

/// How many addresses a range has; the whole of v6 has one more than can be counted.
pub(super) fn size((first, last): &(IpAddr, IpAddr)) -> u128 {
    (number(*last) - number(*first)).saturating_add(1)
}

/// Ranges of addresses as prefixes.
pub fn nets(spans: &[(IpAddr, IpAddr)]) -> impl Iterator<Item = IpNet> {
    spans.iter().flat_map(|span| -> Vec<IpNet> {
        match span {
            (IpAddr::V4(first), IpAddr::V4(last)) => Ipv4Subnets::new(*first, *last, 0).map(|net: Ipv4Net| net.into()).collect(),
            (IpAddr::V6(first), IpAddr::V6(last)) => Ipv6Subnets::new(*first, *last, 0).map(|net: Ipv6Net| net.into()).collect(),
            _ => Vec::new(),
        }
    })
}

/// To whom something is open: `to everyone who comes in by eth0 and eth1, v4 and v6`, `to 10.0.0.0/8 by eth1, v4`.
pub fn audience(views: &[View]) -> String {
    if !views.is_empty() && views.iter().all(|view| is_link_local(view.address)) {
        return format!(
            "to neighbours on the link of {}, at its v6 link-local address",
            list_of(views, |view| view.interface.clone())
        );
    }
    let is_for_all = |view: &&View| view.from.is_empty();
    let (all, some): (Vec<&View>, Vec<&View>) = views.iter().partition(|view| {
        views
            .iter()
            .filter(is_for_all)
            .any(|other| (other.interface == view.interface) && other.address.is_ipv4() == view.address.is_ipv4())
    });
    let mut parts = Vec::new();
    if !all.is_empty() {
        parts.push(format!(
            "to everyone who comes in by {}, {}",
            list_of(all.iter().copied(), |view| view.interface.clone()),
            families(&all)
        ));
    }
    if !some.is_empty() {
        let mut from: Vec<String> = some.iter().flat_map(|view| view.from.iter()).map(ToString::to_string).collect();
        from.sort_unstable();
        from.dedup();
        let by = list_of(some.iter().copied(), |view| view.interface.clone());
        parts.push(format!("to {} by {by}, {}", some_of(&from), families(&some)));
    }
    parts.join(", and ")
}

/// The names of some views, each once.
fn list_of<'a>(views: impl IntoIterator<Item = &'a View>, name: impl Fn(&View) -> String) -> String {
    let mut names: Vec<String> = views.into_iter().map(name).collect();
    names.sort_unstable();
    names.dedup();
    super::words::list(&names)
}

fn families(views: &[&View]) -> &'static str {
    match (views.iter().any(|view| view.address.is_ipv4()), views.iter().any(|view| view.address.is_ipv6())) {
        (true, true) => "v4 and v6",
        (false, true) => "v6",
        _ => "v4",
    }
}

/// The first of a list, and how many more there are.
pub fn some_of(names: &[String]) -> String {
    match names {
        [first, second, third, rest @ ..] if !rest.is_empty() => format!("{first}, {second}, {third} and {} more", rest.len()),
        names => super::words::list(names),
    }
}
