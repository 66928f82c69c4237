//! Puts a lock in force: look, plan, prove, load, look again.

use super::away;
use super::wish::{self, Wanted};
use crate::act::cut::{self as hands, Cut};
use crate::act::turn::Turn;
use crate::act::{load, memory};
use crate::cli::job::{Color, Eyes, Terms};
use crate::error::Error;
use crate::judge::hosts::some_of;
use crate::look;
use crate::model::flow::Flow;
use crate::model::host::Host;
use crate::model::lock::{Backend, Memory, Refusal};
use crate::remedy::lock::{self, Plan};
use crate::report;
use crate::report::lock::Told;
use crate::report::visible::visible;
use crate::run::inspection::judged_by;
use crate::run::{complain, host, print, style};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

/// How often a lock that was loaded is looked at before it is said not to hold, and how long others have between two looks: an engine and a
/// firewall that have rules to write (a second or two after a reload of firewalld) are not done at the first.
const LOOKS: usize = 3;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// So long an answer to what was sent before a lock may take, about.
const AN_ANSWER: Duration = Duration::from_millis(100);

/// A lock that is in force.
pub(super) struct Forced {
    pub(super) plan: Plan,
    /// What is remembered of it.
    pub(super) memory: Memory,
    /// What became of the connections that it refuses; None: they were let go on.
    pub(super) cut: Option<Cut>,
}

/// Says what would be done.
pub(super) fn show(eyes: &Eyes, terms: &Terms) -> Result<(), Error> {
    let host = host::look(eyes)?.host();
    refuse_foreign(&host)?;
    let wanted = wish::of(terms, &host)?;
    let plan = plan(&host, &wanted, backend(eyes, terms)?)?;
    let before = match eyes {
        Eyes::Here(_) => remembered(&host)?,
        Eyes::Saved(_) => None,
    };
    print(told(&plan, false).as_bytes())?;
    print(report::lock::difference(before.as_ref(), &plan.guard.permits).as_bytes())?;
    if let Eyes::Here(_) = eyes {
        print(report::lock::connections(&refused(&host, &plan)?).as_bytes())?;
    }
    Ok(())
}

/// Makes the lock that is wanted, and holds the host against it once more. `cuts`: connections that it refuses are ended.
pub(super) fn force(turn: &Turn, eyes: &Eyes, terms: &Terms, cuts: bool) -> Result<Forced, Error> {
    let host = host::look(eyes)?.host();
    let wanted = wish::of(terms, &host)?;
    force_on(turn, eyes, &host, &wanted, terms, cuts)
}

/// The same, of what is seen and wanted already.
pub(super) fn force_on(
    turn: &Turn,
    eyes: &Eyes,
    host: &Host,
    wanted: &Wanted,
    terms: &Terms,
    cuts: bool,
) -> Result<Forced, Error> {
    refuse_foreign(host)?;
    let before = remembered(host)?;
    let plan = plan(host, wanted, backend(eyes, terms)?).map_err(|error| match error {
        Error::Plan(Refusal::NothingToObey) => match &before {
            Some(before) => Error::Stale(some_of(&lock::bereft_of_all(before, host))),
            None => Error::Plan(Refusal::NothingToObey),
        },
        error => error,
    })?;
    let next = Memory {
        allowed: wanted.kept.clone(),
        trusts_labels: wanted.trusts_labels,
        ..plan.memory(&wanted.wish, look::clock::seconds())
    };
    if let Some(before) = &before {
        let gone = lock::bereft_of(before, &next.permits, next.refuses_all, &plan.obeyed);
        if !gone.is_empty() {
            return Err(Error::Stale(some_of(&gone)));
        }
    }
    for caution in lock::cautions(host, &plan) {
        let _ = writeln!(io::stderr(), "caution: {}", visible(&caution));
    }
    memory::put(turn, before.as_ref(), &next).map_err(Error::Own)?;
    let cut = put(host, &plan, cuts).map_err(|error| take_back(eyes, before.as_ref(), error))?;
    away::take(host, Some(plan.script.backend))?.iter().for_each(complain);
    memory::put(turn, None, &next).map_err(Error::Own)?;
    judge_again(eyes, &plan, wanted, before.is_some())?;
    Ok(Forced { plan, memory: next, cut })
}

/// Holds the host against a lock that has been loaded. What cannot be looked at now takes nothing back: the rules are whole and were proven
/// a moment ago, and without them ports would be open of which nobody knows either.
fn judge_again(eyes: &Eyes, plan: &Plan, wanted: &Wanted, replaces: bool) -> Result<(), Error> {
    let mut judged = judge_now(eyes, plan, wanted, replaces);
    for _ in 1..LOOKS {
        if !matches!(judged, Err(Error::Broken(_))) {
            break;
        }
        thread::sleep(BETWEEN_LOOKS);
        judged = judge_now(eyes, plan, wanted, replaces);
    }
    judged
}

fn judge_now(eyes: &Eyes, plan: &Plan, wanted: &Wanted, replaces: bool) -> Result<(), Error> {
    let unjudged = |why, command| Error::Unjudged { replaces, why, command };
    let seen = host::look(eyes).map_err(|error| unjudged(error.to_string(), None))?;
    lock::confirm(plan, &seen.host(), &wanted.wish, &judged_by).map_err(|refusal| match refusal {
        Refusal::Unread(why, command) => unjudged(why, Some(command)),
        refusal => Error::Broken(refusal),
    })
}

/// Where one family's rules were loaded and the other's were not, and there was no lock before, there is to be none after. What is left to
/// say.
fn take_back(eyes: &Eyes, before: Option<&Memory>, error: Error) -> Error {
    let is_half = matches!(&error, Error::Load(error) if !error.done().is_empty());
    if !is_half || before.is_some() {
        return error;
    }
    match host::look(eyes).and_then(|seen| away::take(&seen.host(), None)) {
        Ok(left) => left.iter().for_each(complain),
        Err(other) => complain(&other),
    }
    error
}

fn plan(host: &Host, wanted: &Wanted, backend: Backend) -> Result<Plan, Error> {
    lock::plan(host, &wanted.wish, backend, &judged_by).map_err(Error::Plan)
}

/// Whose rules a lock on these terms is written in: those that are asked for, else those of a tool that is here.
///
/// # Errors
/// The tool that loads them is missing: said before anything is judged, since much cannot be read without it.
fn backend(eyes: &Eyes, terms: &Terms) -> Result<Backend, Error> {
    let is_here = |backend: Backend| load::needs(backend.loader()).map(|()| backend).map_err(Error::Load);
    match (eyes, terms.backend) {
        (Eyes::Saved(_), asked) => Ok(asked.unwrap_or(Backend::Nftables)),
        (Eyes::Here(_), Some(asked)) => is_here(asked),
        (Eyes::Here(_), None) => is_here(Backend::Nftables).or_else(|error| is_here(Backend::DockerUser).map_err(|_| error)),
    }
}

/// Something of our name that is none of ours is left alone.
pub(super) fn refuse_foreign(host: &Host) -> Result<(), Error> {
    lock::foreign(host).map_or(Ok(()), |what| Err(Error::Foreign(what)))
}

/// What is remembered of the lock that the host has; None: it has none, or nothing is remembered of it.
pub(super) fn remembered(host: &Host) -> Result<Option<Memory>, Error> {
    let memories = look::memory::memories().map_err(Error::Memory)?;
    let mut digests = lock::found(host).into_iter().filter_map(|found| found.digest);
    Ok(digests.find_map(|digest| memories.of(&digest).cloned()))
}

/// Says what was done.
pub(super) fn tell(plan: &Plan) {
    // A lock that is in force is, whether anybody reads of it or not.
    if let Err(error) = print(told(plan, true).as_bytes()) {
        complain(&error);
    }
}

pub(super) fn told(plan: &Plan, is_done: bool) -> String {
    let how_to_open = lock::how_to_open(&plan.script.host);
    let told = Told {
        backend: plan.script.backend,
        account: &plan.account,
        unsure: &plan.unsure,
        how_to_open: how_to_open.as_deref(),
        is_done,
    };
    report::lock::told(&told, &style(Color::Auto, false))
}

/// Loads a plan, and ends the connections that it refuses where that is asked.
fn put(host: &Host, plan: &Plan, cuts: bool) -> Result<Option<Cut>, Error> {
    if !cuts {
        return load::load(&plan.script.loads).map(|()| None).map_err(Error::Load);
    }
    let known = refused(host, plan)?;
    load::load(&lock::loads_that_cut(plan, &known)).map_err(Error::Load)?;
    Ok(Some(cut(host, plan, known)))
}

/// The connections of this moment that a lock refuses.
fn refused(host: &Host, plan: &Plan) -> Result<Vec<Flow>, Error> {
    let flows = look::flows::flows().map_err(Error::Flows)?.flows;
    Ok(lock::refused(&lock::unlocked(host), &plan.script.host, &flows))
}

/// Ends the connections that a lock refuses, which is in force: those that were known before, and those that are seen since. What was not
/// tracked before is seen only when its server has answered once more.
fn cut(host: &Host, plan: &Plan, mut known: Vec<Flow>) -> Cut {
    let ends = |flow: &Flow| (flow.protocol, flow.original);
    let mut are_refused: BTreeSet<_> = known.iter().map(ends).collect();
    let mut all = Cut::default();
    for pause in [Duration::ZERO, AN_ANSWER] {
        thread::sleep(pause);
        let found = refused(host, plan).unwrap_or_else(|error| {
            all.unseen.push(error.to_string());
            Vec::new()
        });
        let (older, newer): (Vec<Flow>, Vec<Flow>) = found.into_iter().partition(|flow| are_refused.contains(&ends(flow)));
        if let Err(error) = load::load(&lock::cut_more(plan, &newer)) {
            all.unseen.push(error.to_string());
        }
        are_refused.extend(newer.iter().map(ends));
        // What was found last is known best: which entry of the kernel's it is.
        let flows: BTreeMap<_, _> = known.drain(..).chain(older).chain(newer).map(|flow| (ends(&flow), flow)).collect();
        all.add(hands::cut(&flows.into_values().collect::<Vec<_>>(), &look::flows::namespaces()));
    }
    all
}

/// Says what became of the connections that were to be ended.
pub(super) fn tell_cut(cut: &Cut) {
    let Cut { closed, forgotten, failed, unseen, .. } = cut;
    let told = report::lock::Cut { closed: closed.len(), forgotten: forgotten.len(), failed, unseen };
    let _ = io::stderr().write_all(report::lock::cut(&told).as_bytes());
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
