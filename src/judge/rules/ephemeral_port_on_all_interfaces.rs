//! ephemeral-port-on-all-interfaces: a container port alone is published too, at a host port nobody can plan for.

use super::{Case, Rule};
use crate::judge::exposure::{Exposure, Owner};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Remedy};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "ephemeral-port-on-all-interfaces",
    summary: "a port is published on every address at a host port that the engine picks",
    level: Level::Warn,
    allowable: true,
    page: include_str!("../../../docs/rules/ephemeral-port-on-all-interfaces.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let owned = case.exposures.iter().filter(|exposure| matches!(exposure.owner, Owner::Ephemeral));
    owned.map(|exposure| finding(exposure)).collect()
}

fn finding(exposure: &Exposure) -> Finding {
    let publication = exposure.publication;
    let (port, is) = (words::port(publication), words::is(publication));
    let addresses = words::addresses(&exposure.listening);
    let name = &exposure.service.name;
    let mut message =
        format!("{port} of service {name} {is} published {addresses}, at a host port that changes with every start");
    let mut level = RULE.level;
    if let Some(sensitive) = exposure.sensitive {
        level = sensitive.level();
        message = format!("{message}: it is that of {}", sensitive.service.name);
    }
    let mut finding = RULE.exposed(exposure, level, message);
    let target = format!("{name}:{}", publication.target);
    finding.help.push(format!("services of this project reach it at `{target}` without a published port: remove the entry"));
    finding.help.push(words::bind_to_loopback(publication));
    finding.help.push(RULE.how_to_allow());
    finding.remedy = Some(Remedy::BindToLoopback);
    finding
}
