//! One pass over a host: look, read, judge.

use super::parallel;
use crate::judge::court::Court;
use crate::judge::doors;
use crate::judge::hosts::{HostCase, Sight};
use crate::judge::{self, openings};
use crate::model::finding::{Finding, HostSummary};
use crate::model::host::Host;

/// What a pass found.
pub(super) struct Inspection {
    /// What is wrong on the host.
    pub(super) findings: Vec<Finding>,
    /// What it publishes, in numbers.
    pub(super) summary: HostSummary,
}

/// Judges a host.
pub(super) fn inspect(host: &Host) -> Inspection {
    let court = Court::of(host);
    let case = HostCase::new(&court, sights(&court));
    Inspection { findings: judge::judge_host(&case), summary: openings::summary(&case) }
}

/// Every way in, judged.
pub(super) fn sights(court: &Court) -> Vec<Sight> {
    let doors = doors::of(court.host());
    parallel::map(&doors, |door| Sight { rulings: court.rule_on(&door.interface, door.to), door: door.clone() })
}
