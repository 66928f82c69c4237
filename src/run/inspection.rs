//! One pass over a host: look, read, judge.

use super::parallel;
use crate::judge::court::Court;
use crate::judge::doors;
use crate::judge::hosts::{HostCase, Sight};
use crate::judge::{self, openings};
use crate::model::finding::{Finding, HostSummary};
use crate::model::host::Host;
use crate::model::opening::Opening;

/// What a pass found.
pub(super) struct Inspection {
    /// What is wrong on the host.
    pub(super) findings: Vec<Finding>,
    /// What it publishes, in numbers.
    pub(super) summary: HostSummary,
    /// What it publishes, port by port, where that was asked for.
    pub(super) openings: Vec<Opening>,
}

/// Judges a host.
pub(super) fn inspect(host: &Host) -> Inspection {
    with_case(host, |case| Inspection {
        findings: judge::judge_host(case),
        summary: openings::summary(case),
        openings: Vec::new(),
    })
}

/// Judges a host, and lists what it publishes.
pub(super) fn inspect_wholly(host: &Host) -> Inspection {
    with_case(host, |case| Inspection {
        findings: judge::judge_host(case),
        summary: openings::summary(case),
        openings: openings::of(case),
    })
}

fn with_case<T>(host: &Host, work: impl FnOnce(&HostCase) -> T) -> T {
    let court = Court::of(host);
    work(&HostCase::new(&court, sights(&court)))
}

/// Every way in, judged.
pub(super) fn sights(court: &Court) -> Vec<Sight> {
    let doors = doors::of(court.host());
    parallel::map(&doors, |door| Sight { rulings: court.rule_on(&door.interface, door.to), door: door.clone() })
}
