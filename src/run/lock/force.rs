//! Puts a lock in force: look, plan, prove, load, look again.

use super::wish::{self, Wanted};
use crate::act::load::{self, LoadError};
use crate::act::turn::Turn;
use crate::act::{cut as hands, memory};
use crate::cli::job::{Color, Eyes, Terms};
use crate::error::Error;
use crate::judge::{footprint, whatif};
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
use crate::tool;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// A lock that is in force.
pub(super) struct Forced {
    pub(super) plan: Plan,
    /// What is remembered of it.
    pub(super) memory: Memory,
    /// The host as it was without any lock.
    pub(super) unlocked: Host,
}

/// Says what would be done.
pub(super) fn show(eyes: &Eyes, terms: &Terms) -> Result<(), Error> {
    let host = host::look(eyes)?.host();
    refuse_foreign(&host)?;
    let wanted = wish::of(terms, &host)?;
    let plan = plan(&host, &wanted, terms)?;
    let before = match eyes {
        Eyes::Here(_) => remembered(&host)?,
        Eyes::Saved(_) => None,
    };
    print(told(&plan, false).as_bytes())?;
    print(report::lock::difference(before.as_ref(), &plan.guard.permits).as_bytes())?;
    if let Eyes::Here(_) = eyes {
        let flows = look::flows::flows().map_err(Error::Flows)?.flows;
        let refused = lock::refused(&lock::unlocked(&host), &plan.script.host, &flows);
        print(report::lock::connections(&refused).as_bytes())?;
    }
    Ok(())
}

/// Makes the lock that is wanted, and holds the host against it once more.
pub(super) fn force(turn: &Turn, eyes: &Eyes, terms: &Terms) -> Result<Forced, Error> {
    let host = host::look(eyes)?.host();
    let wanted = wish::of(terms, &host)?;
    force_on(turn, eyes, &host, &wanted, terms)
}

/// The same, of what is seen and wanted already.
pub(super) fn force_on(turn: &Turn, eyes: &Eyes, host: &Host, wanted: &Wanted, terms: &Terms) -> Result<Forced, Error> {
    refuse_foreign(host)?;
    let before = remembered(host)?;
    let plan = plan(host, wanted, terms).map_err(|error| match error {
        Error::Plan(Refusal::NothingToObey) if before.is_some() => Error::Stale,
        error => error,
    })?;
    let next = memory_of(&plan, wanted, footprint::of(&whatif::without_engine(host)));
    if before.as_ref().is_some_and(|before| is_wider_for_want_of_rules(before, &next)) {
        return Err(Error::Stale);
    }
    for caution in lock::cautions(host, &plan) {
        let _ = writeln!(io::stderr(), "caution: {}", visible(&caution));
    }
    memory::put(turn, before.as_ref(), &next).map_err(Error::Own)?;
    if let Err(error) = load::load(&plan.script.loads) {
        take_back(eyes, before.as_ref(), &error)?;
        return Err(Error::Load(error));
    }
    load::load(&lock::removal(host, Some(plan.script.backend))).map_err(Error::Load)?;
    memory::put(turn, None, &next).map_err(Error::Own)?;
    lock::holds(&host::look(eyes)?.host(), &wanted.wish, &judged_by).map_err(Error::Broken)?;
    Ok(Forced { plan, memory: next, unlocked: lock::unlocked(host) })
}

/// Where one family's rules were loaded and the other's were not, and there was no lock before, there is to be none after.
fn take_back(eyes: &Eyes, before: Option<&Memory>, error: &LoadError) -> Result<(), Error> {
    if error.done().is_empty() || before.is_some() {
        return Ok(());
    }
    load::load(&lock::removal(&host::look(eyes)?.host(), None)).map_err(Error::Load)
}

/// True if more would be let in, and rules of the host firewall have gone: then it is not its owner who permits more.
pub(super) fn is_wider_for_want_of_rules(before: &Memory, next: &Memory) -> bool {
    let is_wider = next.permits.iter().any(|permit| !before.permits.contains(permit));
    !next.refuses_all && !before.refuses_all && is_wider && !before.obeyed.is_subset(&next.obeyed)
}

/// The plan of a lock on these terms.
fn plan(host: &Host, wanted: &Wanted, terms: &Terms) -> Result<Plan, Error> {
    let has_nft = || tool::find("nft").is_some();
    let backend = terms.backend.unwrap_or_else(|| if has_nft() { Backend::Nftables } else { Backend::DockerUser });
    lock::plan(host, &wanted.wish, backend, &judged_by).map_err(Error::Plan)
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

pub(super) fn memory_of(plan: &Plan, wanted: &Wanted, obeyed: BTreeSet<String>) -> Memory {
    let since = look::clock::seconds();
    Memory {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since,
        until: wanted.wish.lasts.map(|lasts| since + lasts.as_secs()),
        backend: plan.script.backend,
        refuses_all: wanted.wish.refuses_all,
        allowed: wanted.kept.clone(),
        trusts_labels: wanted.trusts_labels,
        digest: plan.script.digest.clone(),
        obeyed,
        permits: plan.guard.permits.clone(),
    }
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

/// Ends the connections that the lock refuses.
pub(super) fn cut(forced: &Forced) -> Result<(), Error> {
    let flows = look::flows::flows().map_err(Error::Flows)?.flows;
    let refused: Vec<Flow> = lock::refused(&forced.unlocked, &forced.plan.script.host, &flows).into_iter().cloned().collect();
    let cut = hands::cut(&refused, &look::flows::namespaces());
    let told =
        report::lock::Cut { closed: cut.closed.len(), forgotten: cut.forgotten.len(), failed: &cut.failed, unseen: &cut.unseen };
    let _ = io::stderr().write_all(report::lock::cut(&told).as_bytes());
    Ok(())
}
