//! One pass over a host: look, read, judge.

use super::parallel;
use crate::judge::court::Court;
use crate::judge::doors;
use crate::judge::hosts::{HostCase, Sight};
use crate::judge::{self};
use crate::model::finding::Finding;
use crate::model::host::Host;

/// What is wrong on a host.
pub(super) fn inspect(host: &Host) -> Vec<Finding> {
    let court = Court::of(host);
    let case = HostCase::new(&court, sights(&court));
    judge::judge_host(&case)
}

/// Every way in, judged.
pub(super) fn sights(court: &Court) -> Vec<Sight> {
    let doors = doors::of(court.host());
    parallel::map(&doors, |door| Sight { rulings: court.rule_on(&door.interface, door.to), door: door.clone() })
}
