//! Keeps a lock: over a restart of the machine, and while engine, firewall and rules change.

use super::force::{self, Forced};
use super::{my_turn, standing, wish};
use crate::act::ending::Endings;
use crate::act::turn::Turn;
use crate::act::{load, memory, units};
use crate::cli::job::{Eyes, Loading, Terms, Wish};
use crate::error::Error;
use crate::look;
use crate::model::kept::Standing;
use crate::model::lock::{Backend, Memory, TABLE};
use crate::model::ruleset::TableFamily;
use crate::remedy::lock;
use crate::run::{complain, host};
use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Between two looks at whether we are asked to end.
const NAP: Duration = Duration::from_millis(50);

/// Keeps the lock of now for every boot, and starts what watches over it.
pub(super) fn install(forced: &Forced) -> Result<(), Error> {
    if forced.plan.script.backend == Backend::DockerUser {
        return Err(Error::NotAtBoot);
    }
    {
        let turn = my_turn()?;
        memory::put_standing(&turn, &standing_of(forced)).map_err(Error::Own)?;
    }
    let executable = look::environment::executable().map_err(Error::Executable)?;
    units::install(&executable).map_err(first)
}

fn standing_of(forced: &Forced) -> Standing {
    Standing { memory: forced.memory.clone(), loads: forced.plan.script.loads.clone() }
}

/// Says all but one, which ends the run.
fn first(errors: Vec<units::UnitsError>) -> Error {
    let mut errors = errors.into_iter().map(Error::Units);
    let first = errors.next().unwrap_or(Error::NotAtBoot);
    errors.for_each(|error| complain(&error));
    first
}

/// Puts the standing policy in force, whoever is there already: at boot nobody is.
pub(super) fn stand() -> Result<(), Error> {
    let turn = my_turn()?;
    let Some(standing) = look::memory::standing().map_err(Error::Memory)? else { return Err(Error::NothingKept) };
    restore(&turn, &standing)
}

fn restore(turn: &Turn, standing: &Standing) -> Result<(), Error> {
    memory::put(turn, None, &standing.memory).map_err(Error::Own)?;
    load::load(&standing.loads).map_err(Error::Load)
}

/// Makes the lock anew at each change, until it is asked to end; puts it back where somebody took it away.
pub(super) fn keep(eyes: &Eyes) -> Result<u8, Error> {
    let endings = Endings::listen().map_err(Error::Signals)?;
    let (sender, changes) = mpsc::sync_channel(1);
    let looked_at = eyes.clone();
    thread::spawn(move || {
        for () in host::changes(&looked_at, host::KEEPING) {
            // One change that waits stands for all that come until it is dealt with.
            let _ = sender.try_send(());
        }
    });
    let mut complaint = String::new();
    loop {
        // What cannot be made anew now is tried at the next change; the lock of before is in force meanwhile.
        match renew(eyes) {
            Ok(()) => complaint.clear(),
            Err(error) if error.to_string() == complaint => {}
            Err(error) => {
                complain(&error);
                complaint = error.to_string();
            }
        }
        loop {
            if let Some(asked) = endings.next(NAP) {
                return Ok(asked.status());
            }
            if changes.try_recv().is_ok() {
                break;
            }
        }
    }
}

/// Makes the lock anew, where one is wanted: what nobody remembers was unlocked. One that is for a time is left alone, and when it has
/// ended, the policy that is kept is in force again.
fn renew(eyes: &Eyes) -> Result<(), Error> {
    let turn = my_turn()?;
    let Some(standing) = look::memory::standing().map_err(Error::Memory)? else { return Ok(()) };
    let memories = look::memory::memories().map_err(Error::Memory)?.memories;
    let Some(wanted) = memories.last() else { return Ok(()) };
    let wanted = match wanted.until {
        Some(until) if until > look::clock::seconds() => return Ok(()),
        Some(_) => &standing.memory,
        None => wanted,
    };
    // To look at the whole host takes longer than ports may be open.
    if wanted.backend == Backend::Nftables && look::host::tables::holds(TableFamily::Inet, TABLE) == Some(false) {
        restore(&turn, &standing)?;
    }
    let mut host = host::look(eyes)?.host();
    if !lock::found(&host).iter().any(|found| found.digest.as_ref() == Some(&wanted.digest)) {
        restore(&turn, &standing)?;
        host = host::look(eyes)?.host();
    }
    if standing::of(&host)?.is_some_and(|it| it.holds.is_ok() && it.stale.is_none()) {
        return forget_places(&turn, wanted, &standing, &lock::places(&host));
    }
    let again = wish::again(wanted, &host);
    let forced = force::force_on(&turn, eyes, &host, &again, &terms(wanted), false)?;
    memory::put_standing(&turn, &standing_of(&forced)).map_err(Error::Own)
}

/// Forgets of a lock that stays the same where the host firewall has no rules any more: what has gone and made no difference is not missed
/// later. (While the engine writes its rules, some of them may pass for another's.)
fn forget_places(turn: &Turn, memory: &Memory, standing: &Standing, places: &BTreeSet<String>) -> Result<(), Error> {
    if memory.obeyed.is_subset(places) {
        return Ok(());
    }
    let memory = Memory { obeyed: memory.obeyed.intersection(places).cloned().collect(), ..memory.clone() };
    memory::put(turn, None, &memory).map_err(Error::Own)?;
    if standing.memory.digest == memory.digest {
        memory::put_standing(turn, &Standing { memory, loads: standing.loads.clone() }).map_err(Error::Own)?;
    }
    Ok(())
}

/// The terms of a lock that is there: all that was wanted of it is in its memory.
fn terms(memory: &Memory) -> Terms {
    let wish = Wish { allow: Vec::new(), all: memory.refuses_all, policy: None, loading: Loading::default() };
    Terms { wish, backend: Some(memory.backend), lasts: None }
}
