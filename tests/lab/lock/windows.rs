//! Is a refused port ever open under the lock? A neighbour knocks about every millisecond at several doors through a long day.
//!
//! In: a host of the lab. Out: claims on a [`Sheet`], and a line for each deed: how many knocks at refused doors were answered, and how
//! long the allowed door answered nobody, with the lock and without it.
//!
//! By nftables not one knock may be answered. By docker-user, where others take the engine's chains away, what was measured is told; it
//! is wrong where the lock did not say so before.

use std::net::IpAddr;

use anyhow::Result;

use crate::day::{self, Deed, Knocked};
use crate::hosts::Host;
use crate::lock::must::place;
use crate::lock::program;
use crate::lock::sheet::{Sheet, fact};
use crate::lock::stand::Stand;
use crate::probe::{Knocks, Origin, Probe};
use crate::site::Site;

/// A day, and how often each deed is done in it.
const DAY: &[(Deed, usize)] = &[
    (Deed::Deploy, 20),
    (Deed::RestartContainer, 20),
    (Deed::NewNetwork, 20),
    (Deed::ReloadFirewalld, 20),
    (Deed::RestartFirewalld, 5),
    (Deed::RestartEngine, 5),
];

/// How often in a row the rules must be found to stand still, and how often that is tried.
const STILL: usize = 3;
const TRIES: usize = 10;

/// Which share of the time the allowed door may be away in a deed, in thousandths, where without the lock it is some share: a quarter more,
/// and as much again as two days without a lock differ where the engine writes its rules anew.
fn may_be_away(usual: u128) -> u128 {
    usual + usual / 4 + 80
}

/// Lives through the day without the lock, then by each backend; true when every claim held.
pub(crate) fn measure(host: &'static Host) -> Result<bool> {
    let mut stand = Stand::whole(host, "windows of")?;
    let doors = doors(&stand.site);
    let fit = DAY.iter().filter(|(deed, _)| host.has_firewalld() || !deed.is_of_firewalld());
    let mut plain = Vec::new();
    for (deed, times) in fit {
        let knocked = day::knocked(&mut stand.site, host, *deed, *times, &doors)?;
        fact(format_args!("without the lock: {deed:?} x {times} took {} ms", knocked.took.as_millis()));
        plain.push((*deed, *times, knocked));
    }
    for backend in program::backends() {
        locked(&mut stand, &doors, backend, &plain)?;
    }
    Ok(stand.sheet.end())
}

/// A deed, how often it was done, and what came of the knocking.
type Lived = (Deed, usize, Knocked);

/// The day under the lock by one backend.
fn locked(stand: &mut Stand, doors: &[Probe], backend: &'static str, plain: &[Lived]) -> Result<()> {
    let host = stand.host;
    let done = stand.ends(&format!("lock by {backend}"), &stand.words(backend), 0)?;
    if !done.is(0) {
        return Ok(());
    }
    forget(stand)?;
    let mut answered = 0;
    for (deed, times, without) in plain {
        if backend == "docker-user" {
            again(stand, backend, *deed)?;
        }
        let with = day::knocked(&mut stand.site, host, *deed, *times, doors)?;
        let name = format!("{backend}: {deed:?} x {times}");
        let knocks = tell(&mut stand.sheet, &name, doors, without, &with);
        let is_told = backend == "docker-user" && done.cautions_of(deed.by());
        stand.sheet.claim(knocks == 0 || is_told, || {
            format!("{name}: {knocks} knocks at refused doors were answered, and the lock had not cautioned: {}", done.told)
        });
        answered += knocks;
    }
    // A network that was made anew has another bridge: the lock holds, and knows it from the next one on.
    let status = program::firewall(&stand.site.island, &["status"])?;
    let may_be_stale = status.is(1) && (status.says("stale") || answered > 0);
    let is_taken = backend == "docker-user" && !status.is(2) && done.cautions_of("empties");
    stand.sheet.claim(status.is(0) || may_be_stale || is_taken, || format!("{backend}: status at the end of the day: {status}"));
    stand.ends(&format!("{backend}: lock at the end of the day"), &stand.words(backend), 0)?;
    stand.ends(&format!("{backend}: status after it"), &["status"], 0)?;
    stand.ends(&format!("{backend}: unlock at the end of the day"), &["unlock"], 0).map(drop)
}

/// Locks again before a deed: the one before may have taken the lock away for good, and each is to be measured by itself, when the engine
/// has dealt with all reloads, one after the other. Between two its rules stand still for a while, and a lock that is made then does not
/// hold on.
fn again(stand: &mut Stand, backend: &'static str, deed: Deed) -> Result<()> {
    let mut last = None;
    for _ in 0..TRIES {
        let locked = program::firewall(&stand.site.island, &stand.words(backend))?;
        for _ in 0..STILL {
            stand.site.settle()?;
        }
        let status = program::firewall(&stand.site.island, &["status"])?;
        if locked.is(0) && status.is(0) {
            return forget(stand);
        }
        last = Some((locked, status));
    }
    stand.sheet.claim(false, || {
        let said = last.map(|(locked, status)| format!("{locked}; status: {status}")).unwrap_or_default();
        format!("{backend}: no lock before {deed:?} that holds on: {said}")
    });
    forget(stand)
}

/// Forgets all connections. One that broke off before the lock with its container stays in the kernel's list for days, and a knock from the
/// same port is taken for its next packet. That is the matter of `--cut`.
fn forget(stand: &Stand) -> Result<()> {
    stand.site.island.run(&["conntrack", "-F"]).map(drop)
}

/// Prints what came of a deed, claims that the allowed door lost no more than without the lock, and gives how many knocks at the refused
/// ones were answered.
fn tell(sheet: &mut Sheet, deed: &str, doors: &[Probe], without: &Knocked, with: &Knocked) -> usize {
    let Some((allowed, refused)) = with.doors.split_last() else { return 0 };
    let answered = refused.iter().map(|door| door.answered).sum();
    let tried: usize = refused.iter().map(|door| door.tried).sum();
    let (away, usual) = (away(allowed), without.doors.last().map_or(0, away));
    let took = with.took.as_millis();
    fact(format_args!(
        "{deed:<36}{took:>8} ms  refused: {answered} of {tried} answered  allowed: away for {away} ‰, without the lock {usual} ‰"
    ));
    for (door, found) in doors.iter().zip(refused).filter(|(_, found)| found.answered > 0) {
        let Knocks { answered, tried, between } = found;
        let open = took * (*answered as u128) / (*tried as u128).max(1);
        fact(format_args!("  OPEN {}: {answered} times, for {open} ms together, between {between:?} ms", place(door)));
    }
    sheet.claim(allowed.answered > 0 && away <= may_be_away(usual), || {
        format!("{deed}: the allowed door was away for {away} ‰ of the time, without the lock for {usual} ‰")
    });
    answered
}

/// Which share of its knocks a door did not answer, in thousandths: the time that it was away.
fn away(door: &Knocks) -> u128 {
    let unanswered = (door.tried - door.answered) as u128;
    unanswered * 1_000 / (door.tried as u128).max(1)
}

/// Doors that are refused: of the host over both families, some of them through the proxy, and a container's own; and last an allowed one.
pub(super) fn doors(site: &Site) -> Vec<Probe> {
    let near = site.neighbours[0].link;
    let first = |six| {
        let own = near.host_addresses().into_iter().find(|own| own.is_ipv6() == six);
        near.sources().into_iter().find(|src| src.is_ipv6() == six).zip(own)
    };
    let from = |src, dst, port| Probe::new("tcp", src, dst, port, Origin::Link(near.name.to_owned()));
    let mut doors = Vec::new();
    for (src, dst) in [false, true].into_iter().filter_map(first) {
        doors.extend([8080, 8086].map(|port| from(src, dst, port)));
    }
    if let Some((src, dst)) = first(false) {
        let app = site.addresses().remove("app").unwrap_or_default().into_iter().find(IpAddr::is_ipv4);
        doors.extend(app.map(|app| from(src, app, 80)));
        doors.push(from(src, dst, 8084));
    }
    doors
}
