//! A lock that was loaded: the host, read again, is held against the model that was proven.
//!
//! In: a plan, and the host as it is now. Out: whether the plan's proof is one of this host, too. A verdict depends on the host alone: where
//! nothing differs, nothing is judged differently. Not here: the judging of a host that does differ.

use super::Plan;
use crate::judge::ours;
use crate::model::host::Host;
use crate::model::ruleset::{Ruleset, Table};

/// True for a host that is what a plan was proven on, in everything but the time of day.
pub(super) fn is_as_proven(plan: &Plan, seen: &Host) -> bool {
    let besides = |host: &Host| Host { moment: None, ruleset: Ruleset::default(), ..host.clone() };
    tables(&plan.script.host) == tables(seen) && besides(&plan.script.host) == besides(seen)
}

/// Our table, and those of others. Where in the listing ours stands makes no difference; where others stand may.
fn tables(host: &Host) -> (Vec<&Table>, Vec<&Table>) {
    host.ruleset.tables.iter().partition(|table| ours::is_table(table))
}
