//! Values to findings. Pure.

pub mod baseline;
pub mod bypass;
pub mod catalogue;
pub mod changes;
pub mod context;
pub mod court;
pub mod doors;
pub mod exposure;
mod ground;
pub mod hosts;
pub mod intent;
pub mod openings;
mod overriding;
pub mod path;
mod plan;
pub mod planned;
pub mod rules;
mod sources;
mod walk;
pub mod whatif;
mod words;

use crate::model::finding::Finding;
use crate::model::policy::Intent;
use crate::model::project::Project;
use crate::model::source::Place;
use hosts::HostCase;
use intent::Ledger;
use rules::{Case, TABLE};

/// What the judge says of one project.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is left to say, in the order of files and of the bytes in them.
    pub findings: Vec<Finding>,
    /// What an allowance, a comment or the policy took away.
    pub allowed: Vec<Allowed>,
    /// What of the intent was of use; for [`rules::stale_allow::over_run`], which sees the whole run.
    pub ledger: Ledger,
}

/// A finding that was taken away.
#[derive(Debug)]
pub struct Allowed {
    /// The finding.
    pub finding: Finding,
    /// What took it away: allowances, a comment, a rule's name in the policy file.
    pub by: Vec<Place>,
}

/// Applies all rules to a project and takes away what is meant to be so.
pub fn judge(project: &Project, intent: &Intent) -> Judged {
    let case = Case::new(project, intent);
    let found = TABLE.iter().filter_map(|rule| Some((rule.allowable, rule.project?(&case))));
    let found = found.flat_map(|(is_allowable, findings)| findings.into_iter().map(move |finding| (is_allowable, finding)));
    intent::settle(&case, found)
}

/// Applies all rules to a host.
pub fn judge_host(case: &HostCase) -> Vec<Finding> {
    TABLE.iter().filter_map(|rule| Some(rule.host?(case))).flatten().collect()
}
