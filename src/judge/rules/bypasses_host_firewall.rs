//! bypasses-host-firewall: the host's own rules mean to refuse a port, and the engine lets it in.

use super::Rule;
use crate::judge::court::Ruling;
use crate::judge::doors::Way;
use crate::judge::hosts::gathered::{Gathered, gather};
use crate::judge::hosts::{self, HostCase, Sight};
use crate::model::engine::PublisherKind;
use crate::model::finding::{Finding, Level};
use crate::model::verdict::Verdict;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "bypasses-host-firewall",
    summary: "a published port is open although the host firewall means to refuse it",
    level: Level::Error,
    allowable: true,
    page: include_str!("../../../docs/rules/bypasses-host-firewall.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    gather(case, Way::Host, |sight, ruling| is_bypass(case, sight, ruling)).into_iter().map(finding).collect()
}

fn is_bypass(case: &HostCase, sight: &Sight, ruling: &Ruling) -> bool {
    ruling.actual == Verdict::Open && ruling.intended == Verdict::Closed && case.leads_there(sight, ruling)
}

fn finding(found: Gathered) -> Finding {
    let message = format!("{} {} open {}; {}", found.subject(), found.is(), hosts::audience(&found.views), found.refusal());
    let is_swarms = found.publisher.kind == PublisherKind::SwarmService;
    let mut finding = found.finding(&RULE, RULE.level, message);
    if is_swarms {
        finding.help.push("every node of the swarm takes this port in: look at each of them".to_owned());
    }
    finding
}
