//! How the lock of a host stands, judged afresh.

use super::force;
use super::wish;
use crate::error::Error;
use crate::judge::{footprint, whatif};
use crate::look;
use crate::model::guard::Wish;
use crate::model::host::Host;
use crate::model::lock::{Memory, Refusal, Standing};
use crate::remedy::lock;
use crate::run::Verdict;
use crate::run::inspection::judged_by;

/// How it stands; None: there is none, or it has ended by itself.
pub(super) fn of(host: &Host) -> Result<Option<Standing>, Error> {
    let found = lock::found(host);
    let memory = force::remembered(host)?;
    let has_ended = memory.as_ref().and_then(|memory| memory.until).is_some_and(|until| until <= look::clock::seconds());
    if found.is_empty() || has_ended {
        return Ok(None);
    }
    let backends = found.into_iter().map(|found| found.backend).collect();
    let (holds, stale) = if let Some(memory) = &memory {
        judged(memory, host)
    } else {
        let stale = "nothing is remembered of it; `docker firewall lock` makes it anew".to_owned();
        // What the host firewall permits is taken for all that was wanted.
        (lock::holds(host, &Wish::default(), &judged_by), Some(stale))
    };
    Ok(Some(Standing { backends, memory, holds, stale }))
}

fn judged(memory: &Memory, host: &Host) -> (Result<crate::model::lock::Account, Refusal>, Option<String>) {
    let wanted = wish::again(memory, host);
    let holds = lock::holds(host, &wanted.wish, &judged_by);
    let gone = "rules of the host firewall that it obeys are gone; it stays as it was made";
    let stale = match lock::plan(host, &wanted.wish, memory.backend, &judged_by) {
        Ok(plan) if plan.script.digest == memory.digest => None,
        Ok(plan) => {
            let next = force::memory_of(&plan, &wanted, footprint::of(&whatif::without_engine(host)));
            let is_wider = force::is_wider_for_want_of_rules(memory, &next);
            Some(if is_wider {
                gone.to_owned()
            } else {
                "the host has changed since; `docker firewall lock` makes it anew".to_owned()
            })
        }
        Err(Refusal::NothingToObey) => Some(gone.to_owned()),
        Err(Refusal::Unread(..)) => None,
        Err(refusal) => Some(refusal.to_string()),
    };
    (holds, stale)
}

/// What `status` ends with.
pub(super) fn exit_status(standing: &Standing) -> u8 {
    let verdict = match &standing.holds {
        Err(Refusal::Unread(..)) => Verdict::Blind,
        Ok(_) if standing.stale.is_none() => Verdict::Clean,
        _ => Verdict::Found,
    };
    verdict as u8
}
