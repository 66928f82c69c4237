//! How the lock of a host stands, judged afresh.

use super::force;
use super::wish;
use crate::error::Error;
use crate::judge::hosts::some_of;
use crate::look;
use crate::model::guard::Wish;
use crate::model::host::Host;
use crate::model::lock::{Account, Memory, Refusal, Standing};
use crate::remedy::lock;
use crate::run::Verdict;
use crate::run::inspection::judged_by;

/// How it stands; None: there is none, or it has ended by itself.
pub(super) fn of(host: &Host) -> Result<Option<Standing>, Error> {
    let found = lock::found(host);
    let memory = force::remembered(host)?;
    if found.is_empty() || memory.as_ref().is_some_and(has_ended) {
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

/// A lock that is remembered, on a host that has none: somebody took its rules away (firewalld before 2.0 does), or was ended before they
/// were loaded. None: none is missed.
pub(super) fn lost() -> Result<Option<Memory>, Error> {
    let last = look::memory::memories().map_err(Error::Memory)?.memories.pop();
    Ok(last.filter(|memory| !has_ended(memory)))
}

fn has_ended(memory: &Memory) -> bool {
    memory.until.is_some_and(|until| until <= look::clock::seconds())
}

/// Whether a lock that is remembered holds, and why it is stale, if it is.
fn judged(memory: &Memory, host: &Host) -> (Result<Account, Refusal>, Option<String>) {
    let stays = |gone: &[String]| {
        let gone = if gone.is_empty() { String::new() } else { format!(" ({})", some_of(gone)) };
        Some(format!("rules of the host firewall that it obeys are gone{gone}; it stays as it was made"))
    };
    let wanted = wish::again(memory, host);
    match lock::review(host, &wanted.wish, memory.backend, &judged_by) {
        Ok(review) => {
            let gone = lock::bereft_of(memory, &review.permits, memory.refuses_all, &review.obeyed);
            if !gone.is_empty() {
                return (review.holds.or(Err(Refusal::Bereft)), stays(&gone));
            }
            let changed = || "the host has changed since; `docker firewall lock` makes it anew".to_owned();
            (review.holds, (review.digest != memory.digest).then(changed))
        }
        Err(Refusal::NothingToObey) => (Err(Refusal::Bereft), stays(&lock::bereft_of_all(memory, host))),
        Err(refusal) => {
            let stale = match &refusal {
                Refusal::Unread(..) => None,
                other => Some(other.to_string()),
            };
            (Err(refusal), stale)
        }
    }
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

#[cfg(test)]
mod tests;
