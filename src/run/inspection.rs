//! One pass over a host: look, read, judge.

use super::parallel;
use crate::judge::court::Court;
use crate::judge::doors::{self, Door};
use crate::judge::hosts::{HostCase, Sight};
use crate::judge::{self, Judged};
use crate::model::host::Host;
use crate::model::policy::Intent;
use crate::remedy::permit;

/// What is wrong on a host, by what its owner means to be open.
pub(super) fn inspect(host: &Host, intent: &Intent) -> Judged {
    let court = Court::of(host);
    let case = HostCase::new(&court, sights(&court));
    let mut judged = judge::judge_host_by(&case, intent);
    permit::bind(&mut judged.findings, host);
    if let Some(trial) = permit::trial(&judged.findings, &case) {
        let court = Court::of(&trial.host);
        trial.advise(&mut judged.findings, &case, &judged_by(&court, &trial.doors));
    }
    judged
}

/// Every way in, judged.
pub(super) fn sights(court: &Court) -> Vec<Sight> {
    judged_by(court, &doors::of(court.host()))
}

fn judged_by(court: &Court, doors: &[Door]) -> Vec<Sight> {
    parallel::map(doors, |door| Sight { rulings: court.rule_on(&door.interface, door.to), door: door.clone() })
}
