//! published-on-all-interfaces: whoever reaches the host reaches the port.

use super::{Case, Rule};
use crate::judge::exposure::{Exposure, Owner};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Remedy};
use crate::model::policy::Scope;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "published-on-all-interfaces",
    summary: "a port is published on every address of the host",
    level: Level::Warn,
    allowable: true,
    page: include_str!("../../../docs/rules/published-on-all-interfaces.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let owned = case.exposures.iter().filter(|exposure| matches!(exposure.owner, Owner::General));
    owned.map(|exposure| finding(case, exposure)).collect()
}

fn finding(case: &Case, exposure: &Exposure) -> Finding {
    let publication = exposure.publication;
    let (port, is) = (words::port(publication), words::is(publication));
    let addresses = words::addresses(&exposure.listening);
    let message = format!("{port} of service {} {is} published {addresses}", exposure.service.name);
    // Where the owner says what the project means to open, an entry that is not named is against what was said.
    let is_policy_there = case.intent.grants.iter().any(|grant| grant.scope == Scope::Project);
    let level = if is_policy_there { Level::Error } else { RULE.level };
    let mut finding = RULE.exposed(exposure, level, message);
    if exposure.listening.routed.is_some() {
        finding.help.push("a loopback address would not help: the network is routed".to_owned());
    }
    finding.help.push(words::bind_to_loopback(publication));
    finding.help.push(RULE.how_to_allow());
    finding.remedy = Some(Remedy::BindToLoopback);
    finding
}
