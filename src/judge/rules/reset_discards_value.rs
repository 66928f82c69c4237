//! reset-discards-value: `!reset` takes away and puts nothing in its place.

use super::{Case, Rule};
use crate::model::finding::{Finding, Level};
use crate::model::project::{Ineffective, Trap};
use std::sync::Arc;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "reset-discards-value",
    summary: "values under `!reset` are thrown away",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/reset-discards-value.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    case.project.ineffective.iter().filter_map(finding).collect()
}

fn finding(trap: &Ineffective) -> Option<Finding> {
    let service = &trap.service;
    let (message, label, help) = match trap.trap {
        Trap::ResetValues => (
            format!("service {service} publishes nothing of this list: `!reset` removes the key and throws its values away"),
            "thrown away",
            "write `!override` to put this list in the place of the earlier one, or `!reset []` to publish nothing",
        ),
        Trap::ResetItem => (
            format!("`!reset` on one entry takes nothing away: service {service} keeps what earlier layers publish"),
            "dropped, and nothing else is",
            "tag the whole list with `!override`, and write what is to stay",
        ),
        Trap::EmptyOverride | Trap::ExtendedEarlier { .. } => return None,
    };
    let mut finding = RULE.at(&trap.at, RULE.level, message, label);
    finding.service = Some(Arc::clone(service));
    finding.help.push(help.to_owned());
    Some(finding)
}
