//! Runs a command under a lock: closed before it starts, made anew when it has ended.

use super::force::{self, Forced};
use super::{away, my_turn, wish};
use crate::act::child;
use crate::act::ending::Endings;
use crate::act::memory;
use crate::cli::job::{Color, Eyes, Terms};
use crate::error::Error;
use crate::model::lock::{Memory, Refusal};
use crate::report;
use crate::run::{complain, host, style};
use std::ffi::OsString;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// The exit status where the command was not started because of us (as docker's own and env's).
const NOT_STARTED: u8 = 125;

/// Runs it; gives its exit status.
pub(super) fn run(eyes: &Eyes, terms: &Terms, cuts: bool, command: &[OsString]) -> u8 {
    match shelter(eyes, terms, cuts, command) {
        Ok(status) => status,
        Err(error) => {
            complain(&error);
            NOT_STARTED
        }
    }
}

fn shelter(eyes: &Eyes, terms: &Terms, cuts: bool, command: &[OsString]) -> Result<u8, Error> {
    let Some((program, arguments)) = command.split_first() else { return Ok(NOT_STARTED) };
    let endings = Endings::listen().map_err(Error::Signals)?;
    let start = Instant::now();
    let (before, forced) = close(eyes, terms, cuts)?;
    forced.cut.iter().for_each(force::tell_cut);
    // Whoever asked us to end while the ports were being closed does not want the command.
    if let Some(asked) = endings.next(Duration::ZERO) {
        return Ok(asked.status());
    }
    let ended = child::run(&endings, program, arguments).map_err(Error::Signals)?;
    if let Some(complaint) = ended.complaint(program) {
        let _ = writeln!(io::stderr(), "error: {complaint}");
    }
    let mut after = terms.clone();
    after.lasts = terms.lasts.map(|lasts| lasts.saturating_sub(start.elapsed()));
    // The command's own status is what its caller waits for; where it cannot be made anew, the lock of before is still in force.
    match renew(eyes, &after, before.as_ref(), ended.is_well()) {
        Ok(Some(renewed)) => {
            let changed = report::lock::changed(&forced.plan.account, &renewed.plan.account, &style(Color::Auto, false));
            let _ = io::stderr().write_all(changed.as_bytes());
        }
        Ok(None) => drop(writeln!(io::stderr(), "unlocked: published ports are as the engine opens them")),
        Err(error) => complain(&error),
    }
    Ok(ended.status)
}

/// Closes the ports; gives what is remembered of a lock that was there before.
fn close(eyes: &Eyes, terms: &Terms, cuts: bool) -> Result<(Option<Memory>, Forced), Error> {
    let turn = my_turn()?;
    let host = host::look(eyes)?.host();
    let before = force::remembered(&host)?;
    let mut wanted = wish::of(terms, &host)?;
    wanted.wish.is_curtain = wanted.wish.refuses_all;
    Ok((before, force::force_on(&turn, eyes, &host, &wanted, terms, cuts)?))
}

/// Makes the lock anew. After a command that ended well, --all has had its time: what was there before is back, with what this run allows;
/// without a lock before, and with nothing to obey, there is none (None).
fn renew(eyes: &Eyes, terms: &Terms, before: Option<&Memory>, is_well: bool) -> Result<Option<Forced>, Error> {
    let turn = my_turn()?;
    let host = host::look(eyes)?.host();
    let mut wanted = wish::of(terms, &host)?;
    let is_over = terms.lasts.is_some_and(|lasts| lasts.is_zero());
    if is_well && wanted.wish.refuses_all {
        wanted.wish.refuses_all = before.is_some_and(|before| before.refuses_all);
        if let Some(before) = before {
            wanted.add(before, &host);
        }
    } else {
        // What failed half-way may have left ports that nobody has judged: they stay closed, whoever listens there.
        wanted.wish.is_curtain = wanted.wish.refuses_all;
    }
    let forced = if is_over { None } else { Some(force::force_on(&turn, eyes, &host, &wanted, terms, false)) };
    match forced {
        Some(Err(Error::Plan(Refusal::NothingToObey) | Error::Stale(_))) if is_well && before.is_none() && terms.wish.all => {}
        Some(forced) => return forced.map(Some),
        None => {}
    }
    away::take(&host, None)?.iter().for_each(complain);
    memory::forget(&turn).map_err(Error::Own)?;
    Ok(None)
}
