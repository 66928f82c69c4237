//! fail-open-bind-variable: an empty variable in the address slot opens the port to everybody.

use super::{Case, Rule};
use crate::judge::exposure::{Exposure, Owner};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Remedy};
use crate::model::origin::{Operator, Substitution};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "fail-open-bind-variable",
    summary: "a variable for the host address is empty, so the port is published on every address",
    level: Level::Error,
    allowable: true,
    page: include_str!("../../../docs/rules/fail-open-bind-variable.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let owned = case.exposures.iter().filter_map(|exposure| match exposure.owner {
        Owner::EmptyAddress(variable) => Some(finding(exposure, variable)),
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
    let message = format!("{port} of service {name} {is} published {addresses}: {why}, which leaves out the host address");
    let mut finding = RULE.exposed(exposure, RULE.level, message);
    let is_slot = !matches!(variable.operator, Some(Operator::AlternativeIfFull | Operator::AlternativeIfSet));
    if is_slot {
        let name = &variable.name;
        finding.help.push(format!(
            "write `${{{name}:-127.0.0.1}}` to fall back to loopback, or `${{{name}:?}}` to refuse to start without it"
        ));
    } else {
        finding.help.push(format!("write `${{{}:-127.0.0.1}}:` to fall back to loopback", variable.name));
    }
    finding.help.push(RULE.how_to_allow());
    finding.remedy = Some(Remedy::DefaultToLoopback);
    finding
}
