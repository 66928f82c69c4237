//! A host firewall that goes away under the lock, and comes back.
//!
//! In: a host without a lock. Out: claims that the old policy stays in force while the firewall is away, though it would permit more by its
//! absence: a neighbour knocks all the while, a lock that is asked for changes nothing and says why, `status` calls it stale; and that a
//! lock works when the firewall is back.
//!
//! By nftables alone: what goes with firewalld may be the very chains that the other backend's rules hang on.

use anyhow::Result;

use crate::hosts::{Argv, Host};
use crate::lock::program::{self, BACKENDS, backends};
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;
use crate::lock::{must, windows};
use crate::probe::{Knocks, Probe};

/// A firewall that can be taken away without a trace of its rules.
#[derive(Clone, Copy)]
enum Firewall {
    Firewalld,
    Ufw,
}

const STOPS: Argv = &["ufw", "disable"];
const STARTS: Argv = &["ufw", "--force", "enable"];

impl Firewall {
    fn of(host: &Host) -> Option<Self> {
        if host.has_firewalld() {
            return Some(Self::Firewalld);
        }
        host.before.contains(&STARTS).then_some(Self::Ufw)
    }

    fn goes(self, stand: &Stand) -> Result<()> {
        match self {
            Self::Firewalld => stand.site.island.stop("/run/firewalld.pid"),
            Self::Ufw => stand.site.island.run(STOPS).map(drop),
        }?;
        stand.site.settle()
    }

    fn returns(self, stand: &mut Stand) -> Result<()> {
        match self {
            Self::Firewalld => stand.site.guard_again(stand.host),
            Self::Ufw => stand.site.island.run(STARTS).map(drop),
        }?;
        stand.site.settle()
    }
}

/// Takes the firewall away under a lock, and brings it back.
pub(super) fn vanish(stand: &mut Stand) -> Result<()> {
    let backend = BACKENDS[0];
    let firewall = Firewall::of(stand.host).filter(|_| backends().any(|judged| judged == backend));
    let Some((firewall, _)) = firewall.zip(stand.lock(backend)?) else { return Ok(()) };
    let words = stand.words(backend);
    let doors = windows::doors(&stand.site);
    stand.site.island.run(&["conntrack", "-F"])?;

    let knocker = stand.site.knock(&doors)?;
    firewall.goes(stand)?;
    shut(stand, "while the firewall went", &doors, &knocker.stop()?);

    let knocker = stand.site.knock(&doors)?;
    let before = stand.now()?;
    let again = program::firewall(&stand.site.island, &words)?;
    fact(format_args!("a lock without the firewall: {again}"));
    stand.sheet.claim(again.is(2) && again.says("are gone"), || format!("a lock without the firewall: {again}"));
    let changed = stand.now()?.against(&before);
    stand.sheet.none("a lock without the firewall changed the rules", &changed);
    let status = program::firewall(&stand.site.island, &["status"])?;
    fact(format_args!("status without the firewall: {status}"));
    let is_told = status.says("it is stale") && status.says("are gone") && !status.says("does not hold");
    stand.sheet.claim(status.is(1) && is_told, || format!("status without the firewall: {status}"));
    let knocks = knocker.stop()?;
    shut(stand, "while the firewall was away", &doors, &knocks);
    let allowed = knocks.last().map_or(0, |door| door.answered);
    stand.sheet.claim(allowed > 0, || "what the firewall had permitted is not reached without it".to_owned());

    firewall.returns(stand)?;
    stand.ends("a lock with the firewall back", &words, 0)?;
    stand.ends("status with the firewall back", &["status"], 0)?;
    stand.ends("unlock with the firewall back", &["unlock"], 0)?;
    // Who came back has written its rules in another order, maybe.
    stand.rest()
}

/// Claims that no refused door answered; the last one is allowed.
fn shut(stand: &mut Stand, when: &str, doors: &[Probe], knocks: &[Knocks]) {
    let refused = doors.iter().zip(knocks).take(doors.len() - 1);
    let open = refused.filter(|(_, found)| found.answered > 0);
    let lines: Vec<_> =
        open.map(|(door, found)| format!("{}: {} of {}", must::place(door), found.answered, found.tried)).collect();
    stand.sheet.none(&format!("refused doors that answered {when}"), &lines);
}
