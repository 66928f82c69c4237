//! coverage-gap: what was not read is said, not passed over.

use super::{Case, Rule};
use crate::model::finding::{Finding, Level};
use crate::model::project::{Problem, ProblemKind};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "coverage-gap",
    summary: "something could not be read, so ports may be missing from this report",
    level: Level::Error,
    allowable: false,
    page: include_str!("../../../docs/rules/coverage-gap.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    case.project.problems.iter().filter_map(finding).collect()
}

fn finding(problem: &Problem) -> Option<Finding> {
    let (label, help) = match problem.kind {
        // An entry is invalid-port's; a variable that is required keeps the project from starting at all, as it is meant to.
        ProblemKind::RefusedEntry | ProblemKind::Required => return None,
        ProblemKind::Refused => {
            ("Compose refuses this", "Compose will not load this project; what could be read was checked all the same")
        }
        ProblemKind::Unreadable => ("not read", "the ports in it are unknown: this report says nothing of them"),
        ProblemKind::Remote => ("not fetched", "the ports in it are unknown; check it where it is kept, or use a local copy"),
    };
    let mut finding = of_problem(&RULE, problem, label);
    finding.help.push(help.to_owned());
    Some(finding)
}

/// A finding that repeats a problem of the loader.
pub(super) fn of_problem(rule: &'static Rule, problem: &Problem, label: &str) -> Finding {
    Finding {
        rule: rule.name,
        level: rule.level,
        path: problem.path.clone(),
        place: problem.place.clone(),
        service: problem.service.clone(),
        subject: None,
        message: problem.message.clone(),
        label: label.to_owned(),
        related: Vec::new(),
        help: Vec::new(),
        fix: None,
        remedy: None,
        on_host: None,
    }
}
