//! A lock before it is applied: the host as it would be, judged.
//!
//! In: a host, and what its owner allows. Out: a [`Plan`] whose proof holds, or the [`Refusal`] that says what stands against it. Not here:
//! the applying.

mod bystanders;
mod cautions;
mod confirm;
mod cut;
mod docker_user;
mod guard;
mod nftables;
mod proof;

pub use cautions::cautions;
pub use cut::refused;

use crate::judge::court::Court;
use crate::judge::doors::{self, Door};
use crate::judge::footprint;
use crate::judge::hosts::Sight;
use crate::judge::ours;
use crate::judge::whatif;
use crate::model::flow::Flow;
use crate::model::guard::{From, Guard, Permit, Wish};
use crate::model::host::{Host, Link, Part};
use crate::model::lock::{Account, Backend, Load, Memory, Refusal};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::TableFamily;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A lock that would hold.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it lets in.
    pub guard: Guard,
    /// What puts it in force.
    pub script: Script,
    /// What the host firewall may or may not permit: it is refused.
    pub unsure: Vec<Permit>,
    /// What it obeys.
    pub obeyed: Obeyed,
    /// What it does.
    pub account: Account,
}

impl Plan {
    /// What is to be remembered of it, if it is in force since then, in seconds since 1970-01-01 UTC. All that is let in is taken for what was
    /// said on the command line.
    pub fn memory(&self, wish: &Wish, since: u64) -> Memory {
        Memory {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since,
            until: wish.lasts.map(|lasts| since + lasts.as_secs()),
            backend: self.script.backend,
            refuses_all: wish.refuses_all,
            allowed: wish.allowed.iter().map(ToString::to_string).collect(),
            trusts_labels: false,
            digest: self.script.digest.clone(),
            obeyed: self.obeyed.remembered(),
            permits: self.guard.permits.clone(),
        }
    }
}

/// What a lock has of the host firewall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obeyed {
    /// Where the host firewall has rules.
    pub places: BTreeSet<String>,
    /// True if it was to be obeyed and refuses nothing: only what the owner allows is let in.
    pub is_missed: bool,
}

impl Obeyed {
    /// What is missed later if it goes: nothing of a firewall that refuses nothing.
    pub fn remembered(&self) -> BTreeSet<String> {
        if self.is_missed { BTreeSet::new() } else { self.places.clone() }
    }
}

/// A guard in the words of a backend.
#[derive(Clone, Debug)]
pub struct Script {
    /// Whose rules they are.
    pub backend: Backend,
    /// What the tools of the host are to load, in this order.
    pub loads: Vec<Load>,
    /// What tells these rules from others: 16 hexadecimal digits that stand in a comment of theirs. Who made them, when, and for how long,
    /// has no part in it.
    pub digest: String,
    /// The host with these rules, in place of a lock that is there.
    pub host: Host,
}

/// A lock that a host has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose rules it is written in.
    pub backend: Backend,
    /// See [`Script::digest`]; None: the rules do not say.
    pub digest: Option<String>,
}

/// Judges ways in to a host that is made ready, by all processors if it can.
pub type Sights<'a> = &'a dyn Fn(&Court, &[Door]) -> Vec<Sight>;

/// Plans a lock for a host, and proves it on the model.
///
/// # Errors
/// See [`Refusal`].
pub fn plan(host: &Host, wish: &Wish, backend: Backend, sights: Sights) -> Result<Plan, Refusal> {
    let sketch = Sketch::of(host, wish)?;
    let script = script(&sketch.made.guard, host, backend)?;
    let account = sketch.prove(&script.host, sights)?;
    let obeyed = sketch.obeyed(wish);
    Ok(Plan { guard: sketch.made.guard, script, unsure: sketch.made.unsure, obeyed, account })
}

/// What a lock would be like today, before it is written and proven.
struct Sketch {
    /// The host without a lock.
    before: Court,
    made: guard::Made,
    wish: Wish,
}

impl Sketch {
    fn of(host: &Host, wish: &Wish) -> Result<Self, Refusal> {
        is_seen(host)?;
        let before = Court::of(&unlocked(host));
        let (made, wish) = guard_for(&before, wish)?;
        Ok(Self { before, made, wish })
    }

    /// What it has of the host firewall, where this was wished for.
    fn obeyed(&self, wish: &Wish) -> Obeyed {
        let is_missed = self.wish.refuses_all && !wish.refuses_all;
        Obeyed { places: footprint::of(self.before.meant()), is_missed }
    }

    /// Holds a host with a lock against what is wanted of it.
    fn prove(&self, locked: &Host, sights: Sights) -> Result<Account, Refusal> {
        proof::prove(&self.before, &Court::of(locked), &self.made.guard, &self.wish, sights)
    }

    /// The same, of the lock that is there. One half of which is missing may hold today by what others refuse.
    fn prove_present(&self, host: &Host, sights: Sights) -> Result<Account, Refusal> {
        if let Some(place) = docker_user::missing(host) {
            return Err(Refusal::Half(place));
        }
        let mut host = host.clone();
        nftables::cut::strip(&mut host);
        self.prove(&host, sights)
    }
}

/// # Errors
/// [`Refusal::Unread`].
fn is_seen(host: &Host) -> Result<(), Refusal> {
    let needed = |part| part != Part::Firewall && part != Part::SavedRules;
    host.unread(needed).map_or(Ok(()), |unread| Err(Refusal::Unread(unread.why.clone(), unread.command.clone())))
}

/// The rules of a guard.
fn script(guard: &Guard, host: &Host, backend: Backend) -> Result<Script, Refusal> {
    match backend {
        Backend::Nftables => Ok(nftables::script(guard, host)),
        Backend::DockerUser => docker_user::script(guard, host),
    }
}

/// Holds the lock that is there against what is wanted of it.
///
/// # Errors
/// [`Refusal::Unproven`] or [`Refusal::Half`] where it does not hold; the others where that cannot be told.
pub fn holds(host: &Host, wish: &Wish, sights: Sights) -> Result<Account, Refusal> {
    Sketch::of(host, wish)?.prove_present(host, sights)
}

/// Holds a host on which a plan is in force against what is wanted of it.
///
/// # Errors
/// See [`holds`].
pub fn confirm(plan: &Plan, host: &Host, wish: &Wish, sights: Sights) -> Result<(), Refusal> {
    if confirm::is_as_proven(plan, host) { Ok(()) } else { holds(host, wish, sights).map(drop) }
}

/// A lock that is there, and the one that would be made today.
#[derive(Debug)]
pub struct Review {
    /// What it does, if it holds.
    pub holds: Result<Account, Refusal>,
    /// See [`Script::digest`], of the one of today.
    pub digest: String,
    /// What the one of today lets in.
    pub permits: Vec<Permit>,
    /// What the one of today obeys.
    pub obeyed: Obeyed,
}

/// Holds the lock that is there against what is wanted of it, and says what another one would be like.
///
/// # Errors
/// The host cannot be judged, or no lock would be made today.
pub fn review(host: &Host, wish: &Wish, backend: Backend, sights: Sights) -> Result<Review, Refusal> {
    let sketch = Sketch::of(host, wish)?;
    let digest = script(&sketch.made.guard, host, backend)?.digest;
    let (holds, obeyed) = (sketch.prove_present(host, sights), sketch.obeyed(wish));
    Ok(Review { holds, digest, permits: sketch.made.guard.permits, obeyed })
}

/// Where the rules of the host firewall have gone that a lock obeys, if another one would let in more for want of them, or have none to obey;
/// empty otherwise. Then it is not their owner who permits, and the lock stays as it is.
pub fn bereft_of(before: &Memory, permits: &[Permit], refuses_all: bool, obeyed: &Obeyed) -> Vec<String> {
    let is_wider = permits.iter().any(|permit| !before.permits.contains(permit));
    let is_about_firewall = !refuses_all && !before.refuses_all && (is_wider || obeyed.is_missed);
    if is_about_firewall { before.obeyed.difference(&obeyed.places).cloned().collect() } else { Vec::new() }
}

/// The same on a host that has nothing to obey.
pub fn bereft_of_all(before: &Memory, host: &Host) -> Vec<String> {
    before.obeyed.difference(&places(host)).cloned().collect()
}

/// Where the host firewall has rules.
pub fn places(host: &Host) -> BTreeSet<String> {
    footprint::of(&whatif::without_engine(host))
}

/// The guard for a host, and the wish that it comes from: where the host firewall refuses nothing, only what the owner allows is let in.
fn guard_for(before: &Court, wish: &Wish) -> Result<(guard::Made, Wish), Refusal> {
    let mut wish = wish.clone();
    let made = guard::of(before, &wish)?;
    if wish.refuses_all || !refuses_nothing(&made.guard.permits, before) {
        return Ok((made, wish));
    }
    if wish.allowed.is_empty() {
        return Err(Refusal::NothingToObey);
    }
    wish.refuses_all = true;
    Ok((guard::of(before, &wish)?, wish))
}

/// True if there is no host firewall, or one that lets most senders reach every port by every interface.
fn refuses_nothing(permits: &[Permit], before: &Court) -> bool {
    let is_all = |permit: &&Permit| {
        !matches!(permit.from, From::Only(_)) && permit.ports == [(1, u16::MAX)] && permit.protocol == Protocol::TCP
    };
    let side = |permit: &Permit| Some((permit.interface.clone()?, permit.family?));
    let open: BTreeSet<(String, Family)> = permits.iter().filter(is_all).filter_map(side).collect();
    let is_open = |link: &Link| {
        let mut families = link.addresses.iter().map(|own| Family::of(own.net.addr()));
        families.all(|family| open.contains(&(link.name.to_string(), family)))
    };
    footprint::is_empty_of_refusals(before.meant()) || doors::outside(before.host()).into_iter().all(is_open)
}

/// What puts a plan in force and refuses these connections, which are there already, from their next packet on. `docker-user` cannot: there
/// what is established goes on until the connection is forgotten.
pub fn loads_that_cut(plan: &Plan, flows: &[Flow]) -> Vec<Load> {
    match plan.script.backend {
        Backend::Nftables => {
            let table = plan.script.loads.iter();
            table.map(|table| nftables::cut::with(table, flows, plan.guard.lasts)).collect()
        }
        Backend::DockerUser => plan.script.loads.clone(),
    }
}

/// What refuses more of them, once that is in force.
pub fn cut_more(plan: &Plan, flows: &[Flow]) -> Vec<Load> {
    match plan.script.backend {
        Backend::Nftables => nftables::cut::more(flows).into_iter().collect(),
        Backend::DockerUser => Vec::new(),
    }
}

/// The locks that are there, by what tells their rules from others; more than one where a change of backend was broken off.
pub fn found(host: &Host) -> Vec<Found> {
    nftables::found(host).into_iter().chain(docker_user::found(host)).collect()
}

/// What takes away every lock that is there, in this order; empty: there is none. One backend's may stay.
pub fn removal(host: &Host, but: Option<Backend>) -> Vec<Load> {
    let nftables = nftables::removal(host).filter(|_| but != Some(Backend::Nftables));
    let docker_user = if but == Some(Backend::DockerUser) { Vec::new() } else { docker_user::removal(host) };
    nftables.into_iter().chain(docker_user).collect()
}

/// The tables `filter` that tools of iptables made for a lock, which [`removal`] leaves: they go if nobody has put anything into them.
pub fn made_tables(host: &Host, but: Option<Backend>) -> Vec<TableFamily> {
    if but == Some(Backend::DockerUser) { Vec::new() } else { docker_user::made_tables(host) }
}

/// What an admin of this host types to permit a port in its firewall; None: the firewall is one that is written by hand.
pub fn how_to_open(host: &Host) -> Option<String> {
    if let Some(firewalld) = host.firewalld.as_ref().filter(|firewalld| firewalld.is_running) {
        let zone_of = |link: &Link| {
            let bound = firewalld.zones.iter().find(|(_, zone)| zone.interfaces.iter().any(|name| **name == *link.name));
            bound.map(|(name, _)| name).or(firewalld.default_zone.as_ref())
        };
        let zones: BTreeSet<&String> = doors::outside(host).into_iter().filter_map(zone_of).collect();
        let zone = zones.first().filter(|_| zones.len() == 1).map_or("ZONE", |zone| zone.as_str());
        return Some(format!("firewall-cmd --permanent --zone={zone} --add-port=PORT/PROTO && firewall-cmd --reload"));
    }
    host.ufw.as_ref().filter(|ufw| ufw.is_active).map(|_| "ufw allow PORT/PROTO".to_owned())
}

/// True if the engine has a chain for its owner's rules.
pub fn has_owner_chain(host: &Host) -> bool {
    host.ruleset.tables.iter().any(|table| table.chains.contains_key("DOCKER-USER"))
}

/// The host without a lock of ours.
pub fn unlocked(host: &Host) -> Host {
    let mut host = host.clone();
    ours::strip(&mut host);
    host
}

/// Something that has the name of ours and was not made by us.
pub fn foreign(host: &Host) -> Option<String> {
    nftables::foreign(host).or_else(|| docker_user::foreign(host))
}

/// What tells the rules of a guard from those of another one. `besides`: what else of the host is written into them.
fn digest(guard: &Guard, besides: &[&str]) -> String {
    let timeless = Guard { lasts: None, ..guard.clone() };
    let hash = Sha256::digest(format!("{} {timeless:?} {besides:?}", env!("CARGO_PKG_VERSION")));
    hash.iter().take(8).fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// The comment by which rules say that they are ours, and which.
fn mark(digest: &str) -> String {
    format!("{}{digest}", ours::MARK)
}

/// The digest in the comment of a rule of ours.
fn digest_in(rule: &str) -> Option<String> {
    let (_, rest) = rule.split_once(ours::MARK)?;
    let digits: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    (digits.len() == 16).then_some(digits)
}

#[cfg(test)]
mod tests;
