//! The rules: one file each, one line in [`TABLE`], one page in docs/rules.

pub mod stale_allow;

use super::intent::Intent;
use crate::model::finding::{Finding, Level};
use crate::model::project::Project;

/// A rule of the linter.
pub struct Rule {
    /// Its name: says what is wrong.
    pub name: &'static str,
    /// One line, lower case.
    pub summary: &'static str,
    /// The level that its findings start from.
    pub level: Level,
    /// True if its findings say that a port can be reached, so that an allowance for the port answers them.
    pub allowable: bool,
    /// Its page, in Markdown.
    pub page: &'static str,
    /// Looks at a case.
    pub check: fn(&Case) -> Vec<Finding>,
}

/// What a rule looks at.
pub struct Case<'a> {
    /// The project.
    pub project: &'a Project,
    /// What is meant to be open.
    pub intent: &'a Intent,
}

/// All rules, in the order of their names.
pub static TABLE: &[&Rule] = &[&stale_allow::RULE];

/// The rule of a name.
pub fn find(name: &str) -> Option<&'static Rule> {
    TABLE.iter().copied().find(|rule| rule.name == name)
}
