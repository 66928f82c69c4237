//! A host prepared for many questions: what becomes of a packet as the host is, and as it is meant, from each group of senders.
//!
//! What enters: a [`Host`]. What leaves: verdicts. A court is made once for a host, and may be asked from several threads.

use super::ground::Ground;
use super::path;
use super::plan::addresses::Addresses;
use super::plan::{Library, Plan};
use super::sources::crowd::Crowd;
use super::sources::{self, Cells};
use super::walk::scene::Scene;
use super::{bypass, whatif};
use crate::model::host::Host;
use crate::model::packet::{Family, Packet, Target};
use crate::model::verdict::{Assessment, Path, Verdict};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A group of senders that nothing on the host tells apart: no rule, no route, no setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The address that stands for all of the group.
    pub representative: IpAddr,
    /// The addresses of the group, in order; both ends of a span are inclusive.
    pub spans: Vec<(IpAddr, IpAddr)>,
    /// True for the group that most of the internet belongs to. Of the senders by one interface it is one group at most.
    pub is_stranger: bool,
}

/// One verdict on packets from several groups of senders to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The groups, by their places in [`Court::senders`], in order.
    pub senders: Vec<usize>,
    /// On the host as it is.
    pub actual: Verdict,
    /// On the host without the engine's rules: what an ordinary process on the same port would get.
    pub intended: Verdict,
    /// The way that the packets take on the host as it is; where the verdict is Unsure, one of the possible ways.
    pub path: Path,
}

/// A host that packets are judged on.
pub struct Court {
    host: Host,
    /// The host as it is meant: the same but for its rules.
    ground: Ground<'static>,
    actual: Plan,
    intended: Plan,
    /// The circles of senders that rules ask for, by their number.
    circles: Vec<Addresses>,
    /// All addresses by the circles that they are in: of v4 and v6, for packets from outside; and for the host's own.
    cells: [OnceLock<Cells>; 4],
    benches: Mutex<HashMap<(Box<str>, Family), Seat>>,
}

/// A bench, once somebody has asked for it.
type Seat = Arc<OnceLock<Arc<Bench>>>;

/// Who sends by one interface, in one family.
struct Bench {
    senders: Arc<[Sender]>,
    crowd: Crowd,
}

impl fmt::Debug for Court {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Court").field("host", &self.host).finish_non_exhaustive()
    }
}

/// The packet of a sender to a target, by an interface.
pub fn packet(interface: &Arc<str>, source: IpAddr, to: Target) -> Packet {
    Packet { interface: Arc::clone(interface), source, destination: to.address, port: to.port, protocol: to.protocol }
}

impl Court {
    /// Prepares a host.
    pub fn of(host: &Host) -> Self {
        let mut library = Library::default();
        let meant = whatif::without_engine(host);
        Self {
            actual: Plan::of(&host.ruleset, &mut library),
            intended: Plan::of(&meant.ruleset, &mut library),
            host: host.clone(),
            ground: Ground::of(Cow::Owned(meant)),
            circles: library.circles,
            cells: [const { OnceLock::new() }; 4],
            benches: Mutex::default(),
        }
    }

    /// The host as it is.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The host as it is meant: without the engine's rules and ours.
    pub(crate) fn meant(&self) -> &Host {
        &self.ground.host
    }

    /// What the host's addresses and routes say.
    pub(crate) fn ground(&self) -> &Ground<'static> {
        &self.ground
    }

    /// The groups of senders whose packets can come in by an interface, in the order of their first addresses. On `lo` it is the host
    /// itself that sends.
    pub fn senders(&self, interface: &str, family: Family) -> Arc<[Sender]> {
        Arc::clone(&self.bench(interface, family).senders)
    }

    /// Judges the packets to a target that come in by an interface: each group of senders has its place in one ruling.
    // Law: the-verdict-of-a-group-is-that-of-each-of-its-members
    pub fn rule_on(&self, interface: &str, to: Target) -> Vec<Ruling> {
        let bench = self.bench(interface, Family::of(to.address));
        let on = |plan| path::rule(Scene { ground: &self.ground, plan, circles: &self.circles, crowd: &bench.crowd }, to);
        let intended = on(&self.intended);
        let mut rulings: Vec<Ruling> = Vec::new();
        for (actual, path, groups) in on(&self.actual) {
            for (meant, _, others) in &intended {
                let both = groups.and(others);
                let is_same = |own: &&mut Ruling| (own.actual, own.intended, own.path) == (actual, *meant, path);
                match rulings.iter_mut().find(is_same) {
                    _ if both.is_empty() => {}
                    Some(ruling) => ruling.senders.extend(both.iter()),
                    None => rulings.push(Ruling { senders: both.iter().collect(), actual, intended: *meant, path }),
                }
            }
        }
        for ruling in &mut rulings {
            ruling.senders.sort_unstable();
        }
        rulings.sort_by(|one, other| one.senders.first().cmp(&other.senders.first()));
        rulings
    }

    /// The same as they are meant alone: each verdict with the groups that it is for.
    pub fn meant_on(&self, interface: &str, to: Target) -> Vec<(Verdict, Vec<usize>)> {
        let bench = self.bench(interface, Family::of(to.address));
        let scene = Scene { ground: &self.ground, plan: &self.intended, circles: &self.circles, crowd: &bench.crowd };
        path::rule(scene, to).into_iter().map(|(verdict, _, groups)| (verdict, groups.iter().collect())).collect()
    }

    /// Judges what one sender gets by an interface, at each of some targets of its family; None: nobody there sends from that address.
    pub fn verdicts(&self, interface: &str, source: IpAddr, targets: &[Target]) -> Option<Vec<Verdict>> {
        if !sources::may_send(&self.ground, source, interface) {
            return None;
        }
        let crowd = Crowd::of(interface, vec![source], self.circles.len());
        let scene = Scene { ground: &self.ground, plan: &self.actual, circles: &self.circles, crowd: &crowd };
        // One group is in one verdict.
        Some(targets.iter().flat_map(|to| path::rule(scene, *to)).map(|(verdict, ..)| verdict).collect())
    }

    /// Judges one packet, and says by which rules.
    pub fn assess(&self, packet: &Packet) -> Assessment {
        let on = |plan| path::follow(&self.ground, plan, &self.circles, packet);
        let actual = on(&self.actual);
        let listener = bypass::listener(&self.ground.host, packet, &actual);
        Assessment { intended: on(&self.intended), actual, listener }
    }

    fn bench(&self, interface: &str, family: Family) -> Arc<Bench> {
        let seat = {
            let mut benches = self.benches.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(benches.entry((interface.into(), family)).or_default())
        };
        Arc::clone(seat.get_or_init(|| Arc::new(self.fill(interface, family))))
    }

    fn fill(&self, interface: &str, family: Family) -> Bench {
        let is_own = interface == "lo";
        let cells = self.cells[2 * usize::from(is_own) + usize::from(family == Family::V6)].get_or_init(|| {
            let asked = self.actual.circles(is_own).into_iter().chain(self.intended.circles(is_own)).collect::<BTreeSet<_>>();
            Cells::of(&asked.into_iter().map(|circle| &self.circles[circle]).collect::<Vec<_>>(), family)
        });
        let senders = sources::senders(&self.ground, cells, interface, family);
        let representatives = senders.iter().map(|sender| sender.representative).collect();
        Bench { senders: senders.into(), crowd: Crowd::of(interface, representatives, self.circles.len()) }
    }
}
