//! One pass over a host: look, read, judge.

use super::parallel;
use crate::judge::court::Court;
use crate::judge::doors::{self, Door};
use crate::judge::hosts::{HostCase, Sight};
use crate::judge::{self, Judged, openings};
use crate::model::finding::{Finding, HostSummary};
use crate::model::host::Host;
use crate::model::opening::Opening;
use crate::model::policy::Intent;
use crate::remedy::permit;

/// What a pass found.
pub(super) struct Inspection {
    /// What is wrong on the host, by what its owner means to be open.
    pub(super) judged: Judged,
    /// What it publishes, in numbers.
    pub(super) summary: HostSummary,
    /// What it publishes, port by port, where that was asked for.
    pub(super) openings: Vec<Opening>,
}

/// Judges a host.
pub(super) fn inspect(host: &Host, intent: &Intent) -> Inspection {
    with_case(host, intent, |_, _| Vec::new())
}

/// Judges a host, and lists what it publishes.
pub(super) fn inspect_wholly(host: &Host, intent: &Intent) -> Inspection {
    with_case(host, intent, |case, findings| [openings::of(case), openings::unmanaged(case, findings)].concat())
}

/// What is found of these ways in alone, whatever their owner means to be open.
pub(super) fn findings_of(host: &Host, doors: &[Door]) -> Vec<Finding> {
    let court = Court::of(host);
    let case = HostCase::new(&court, judged_by(&court, doors));
    let mut findings = judge::judge_host(&case);
    advise(&mut findings, &case);
    findings
}

/// Says how a port that is open may be made one that is meant to be, where that is proven.
fn advise(findings: &mut [Finding], case: &HostCase) {
    permit::bind(findings, case.host());
    if let Some(trial) = permit::trial(findings, case) {
        let court = Court::of(&trial.host);
        trial.advise(findings, case, &judged_by(&court, &trial.doors));
    }
}

fn with_case(host: &Host, intent: &Intent, list: impl FnOnce(&HostCase, &[Finding]) -> Vec<Opening>) -> Inspection {
    let court = Court::of(host);
    let case = HostCase::new(&court, sights(&court));
    let mut judged = judge::judge_host_by(&case, intent);
    advise(&mut judged.findings, &case);
    let openings = list(&case, &judged.findings);
    Inspection { judged, summary: openings::summary(&case), openings }
}

/// Every way in, judged.
pub(super) fn sights(court: &Court) -> Vec<Sight> {
    judged_by(court, &doors::of(court.host()))
}

pub(super) fn judged_by(court: &Court, doors: &[Door]) -> Vec<Sight> {
    parallel::map(doors, |door| Sight { rulings: court.rule_on(&door.interface, door.to), door: door.clone() })
}
