//! invalid-port: the entry does not come to be.

use super::{Case, Rule};
use crate::judge::context::Stance;
use crate::judge::exposure;
use crate::model::finding::Related;
use crate::model::finding::{Finding, Level};
use crate::model::project::{Problem, ProblemKind, Project, Service};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "invalid-port",
    summary: "Compose or the engine refuses a `ports` entry",
    level: Level::Error,
    allowable: false,
    page: include_str!("../../../docs/rules/invalid-port.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let problems = case.project.problems.iter().filter(|problem| problem.kind == ProblemKind::RefusedEntry);
    let refused_by_compose = problems.map(of_compose);
    refused_by_compose.chain(case.project.services.iter().flat_map(|service| of_engine(case.project, service))).collect()
}

fn of_compose(problem: &Problem) -> Finding {
    let whose = problem.service.as_ref().map_or(String::new(), |service| format!(" of service {service}"));
    let message = format!("a `ports` entry{whose} is refused by Compose: {}", problem.message);
    Finding { message, ..super::coverage_gap::of_problem(&RULE, problem, "Compose does not load the project with this") }
}

fn of_engine(project: &Project, service: &Service) -> Vec<Finding> {
    if let Stance::Refused(mode) = Stance::of(project, service) {
        return without_network_of_its_own(service, &mode.value, &mode.origin.place).into_iter().collect();
    }
    let publications = service.publications.iter().enumerate();
    let refused = publications.filter_map(|(index, publication)| exposure::refusal(publication).map(|reason| (index, reason)));
    refused
        .map(|(index, reason)| {
            let message = format!("an entry of service {} is refused by the engine: {reason}", service.name);
            RULE.about(service, index, RULE.level, message, "Compose lets this through, the engine will not")
        })
        .collect()
}

/// The engine's own words: "conflicting options: port publishing and the container type network mode".
fn without_network_of_its_own(service: &Service, mode: &str, at: &crate::model::source::Place) -> Option<Finding> {
    service.publications.first()?;
    let (kind, whose) = mode.split_once(':').unwrap_or((mode, ""));
    let message = format!("`ports` of service {} are refused by the engine: it uses the network of {kind} {whose}", service.name);
    let mut finding = RULE.about(service, 0, RULE.level, message, "the engine will not start it");
    finding.related.push(Related { place: at.clone(), message: "shares a network here".to_owned() });
    finding.help.push(format!("publish the port at {kind} {whose} instead"));
    Some(finding)
}
