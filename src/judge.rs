//! Values to findings. Pure.

pub mod baseline;
pub mod bypass;
pub mod catalogue;
pub mod changes;
pub mod context;
pub mod court;
mod crossing;
mod docker_user;
pub mod doors;
mod engine_rules;
pub mod exposure;
pub mod footprint;
mod ground;
pub mod hosts;
pub mod intent;
pub mod openings;
pub mod ours;
mod overriding;
pub mod path;
pub mod permits;
mod plan;
pub mod planned;
pub mod rules;
mod sources;
mod walk;
pub mod whatif;
pub(crate) mod words;
pub mod written;

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

impl Judged {
    /// Takes in what is said of the same project from another side.
    pub fn join(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.allowed.extend(other.allowed);
        self.ledger.join(&other.ledger);
    }
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

/// Takes away of what would be found of a project on a host what is meant to be so.
pub fn settle_on_host(project: &Project, intent: &Intent, found: Vec<Finding>) -> Judged {
    let is_allowable = |finding: &Finding| rules::find(finding.rule).is_some_and(|rule| rule.allowable);
    intent::settle(&Case::new(project, intent), found.into_iter().map(|finding| (is_allowable(&finding), finding)))
}

/// Applies all rules to a host.
pub fn judge_host(case: &HostCase) -> Vec<Finding> {
    judge_host_by(case, &Intent::default()).findings
}

/// Applies all rules to a host and takes away what is meant to be so.
pub fn judge_host_by(case: &HostCase, intent: &Intent) -> Judged {
    let found = TABLE.iter().filter_map(|rule| Some((rule.allowable, rule.host?(case))));
    let found = found.flat_map(|(is_allowable, findings)| findings.into_iter().map(move |finding| (is_allowable, finding)));
    intent::hosts::settle(case, intent, found)
}
