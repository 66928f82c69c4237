//! `rules`, `lock`, `unlock` and `status`: the lock of published ports.

mod away;
mod force;
mod keep;
mod shelter;
mod standing;
mod wish;

use super::{Verdict, complain, host, print, print_with, style};
use crate::act::load::LoadError;
use crate::act::turn::{self, Turn};
use crate::act::{memory, units};
use crate::cli::job::{Color, Deed, Lock, Rules, RulesFormat, Status, TraceFormat, Unlock};
use crate::error::Error;
use crate::look;
use crate::model::lock::Backend;
use crate::remedy::lock;
use crate::report;
use crate::run::inspection::judged_by;
use crate::tool;
use std::io::{self, Write};

/// The exit status of `status` where there is no lock.
const NOT_LOCKED: u8 = 3;

/// Prints the rules of a lock, and changes nothing.
pub(super) fn rules(job: &Rules) -> Result<Verdict, Error> {
    let host = host::look(&job.eyes)?.host();
    let wanted = wish::of_words(&job.wish, &host)?;
    let backend = match job.format {
        Some(RulesFormat::IptablesRestore | RulesFormat::Shell) => Backend::DockerUser,
        None if lock::has_owner_chain(&host) => Backend::DockerUser,
        Some(RulesFormat::Nft) | None => Backend::Nftables,
    };
    let plan = lock::plan(&host, &wanted.wish, backend, &judged_by).map_err(Error::Plan)?;
    print(report::lock::rules(&plan.script.loads, job.format == Some(RulesFormat::Shell)).as_bytes())
}

/// Locks, or says what it would do; with a command, runs it under the lock.
pub(super) fn lock(job: &Lock) -> Result<u8, Error> {
    match &job.deed {
        Deed::Show(terms) => force::show(&job.eyes, terms)?,
        Deed::Hold { terms, cuts, persists } => {
            let forced = force::force(&my_turn()?, &job.eyes, terms, *cuts)?;
            force::tell(&forced.plan);
            forced.cut.iter().for_each(force::tell_cut);
            if *persists {
                keep::install(&forced)?;
            }
        }
        Deed::Shelter { terms, cuts, command } => return Ok(shelter::run(&job.eyes, terms, *cuts, command)),
        Deed::Stand => keep::stand()?,
        Deed::Keep => return keep::keep(&job.eyes),
    }
    Ok(Verdict::Clean as u8)
}

/// Waits until nobody else changes the lock.
fn my_turn() -> Result<Turn, Error> {
    if !tool::may_administer_network() {
        return Err(Error::Load(LoadError::NotRoot));
    }
    turn::turn(|| drop(writeln!(io::stderr(), "waiting for another `docker firewall` to be done"))).map_err(Error::Turn)
}

/// Takes the lock away, and with it, where that is asked, what would bring it back at boot.
pub(super) fn unlock(job: &Unlock) -> Result<Verdict, Error> {
    let mut errors: Vec<Error> = Vec::new();
    if job.persists {
        // Not in our turn: the watcher, which is waited for, may be waiting for it.
        errors.extend(units::remove().err().unwrap_or_default().into_iter().map(Error::Units));
    }
    let turn = my_turn()?;
    if job.persists {
        errors.extend(memory::forget_standing(&turn).err().map(Error::Own));
    }
    let removed = remove(&turn, job);
    let done = match removed {
        Ok(Some(left)) => {
            errors.extend(left);
            print(b"unlocked: published ports are as the engine opens them\n")
        }
        Ok(None) => print(b"not locked: nothing to do\n"),
        Err(error) => Err(error),
    };
    errors.iter().for_each(complain);
    done.map(|verdict| if errors.is_empty() { verdict } else { Verdict::Blind })
}

/// What went wrong beside; None: there was no lock.
fn remove(turn: &Turn, job: &Unlock) -> Result<Option<Vec<Error>>, Error> {
    let host = host::look(&job.eyes)?.host();
    force::refuse_foreign(&host)?;
    let left = away::take(&host, None)?;
    memory::forget(turn).map_err(Error::Own)?;
    Ok((!lock::removal(&host, None).is_empty()).then_some(left))
}

/// Says whether there is a lock and whether it holds.
pub(super) fn status(job: &Status) -> Result<u8, Error> {
    let host = host::look(&job.eyes)?.host();
    let standing = standing::of(&host)?;
    match job.format {
        TraceFormat::Json => print_with(&|out| report::lock::write_status(standing.as_ref(), out))?,
        TraceFormat::Text => {
            let now = look::clock::seconds();
            let text = match &standing {
                Some(standing) => report::lock::status(standing, now, &style(Color::Auto, false)),
                None => report::lock::not_locked(standing::lost()?.as_ref(), now),
            };
            print(text.as_bytes())?
        }
    };
    Ok(standing.map_or(NOT_LOCKED, |standing| standing::exit_status(&standing)))
}
