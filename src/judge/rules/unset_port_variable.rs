//! unset-port-variable: an empty variable in the host port slot publishes at a random port, to everybody.

use super::{Case, Rule};
use crate::judge::exposure::{Exposure, Owner};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Remedy};
use crate::model::origin::Substitution;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "unset-port-variable",
    summary: "a variable for the host port is empty, so the port is published at a random one",
    level: Level::Warn,
    allowable: true,
    page: include_str!("../../../docs/rules/unset-port-variable.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let owned = case.exposures.iter().filter_map(|exposure| match exposure.owner {
        Owner::EmptyPort(variable) => Some(finding(exposure, variable)),
        _ => None,
    });
    owned.collect()
}

fn finding(exposure: &Exposure, variable: &Substitution) -> Finding {
    let publication = exposure.publication;
    let (port, is) = (words::port(publication), words::is(publication));
    let addresses = words::addresses(&exposure.listening);
    let why = words::empty_variable(variable);
    let name = &exposure.service.name;
    let message = format!("{port} of service {name} {is} published {addresses}, at a random host port: {why}");
    let level = exposure.sensitive.map_or(RULE.level, |sensitive| sensitive.level());
    let mut finding = RULE.exposed(exposure, level, message);
    let (name, target) = (&variable.name, publication.target);
    finding.help.push(format!("write `${{{name}:?}}` to refuse to start without it, or `${{{name}:-{target}}}` for a default"));
    finding.help.push(words::bind_to_loopback(publication));
    finding.help.push(RULE.how_to_allow());
    finding.remedy = Some(Remedy::BindToLoopback);
    finding
}
