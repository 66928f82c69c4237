//! sensitive-service-published: a service that is not for strangers is open to them.

use super::{Case, Rule};
use crate::judge::catalogue::Match;
use crate::judge::exposure::{Exposure, Owner};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Remedy};
use crate::model::publication::Reach;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "sensitive-service-published",
    summary: "a database, a console or another service for insiders is published to everybody",
    level: Level::Error,
    allowable: true,
    page: include_str!("../../../docs/rules/sensitive-service-published.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let owned = case.exposures.iter().filter_map(|exposure| match exposure.owner {
        Owner::Sensitive(service) => Some(finding(exposure, service)),
        _ => None,
    });
    owned.collect()
}

fn finding(exposure: &Exposure, sensitive: Match) -> Finding {
    let (publication, name) = (exposure.publication, sensitive.service.name);
    let (port, is) = (words::port(publication), words::is(publication));
    let addresses = words::addresses(&exposure.listening);
    let what = if sensitive.by_image {
        format!("{name} is open to whoever reaches this host")
    } else {
        format!("container port {} is that of {name}", sensitive.port)
    };
    let message = format!("{port} of service {} {is} published {addresses}: {what}", exposure.service.name);
    let level = match exposure.listening.reach() {
        Some(Reach::Address(_)) => Level::Warn,
        _ => sensitive.level(),
    };
    let mut finding = RULE.exposed(exposure, level, message);
    let target = format!("{}:{}", exposure.service.name, sensitive.port);
    finding.help.push(format!("services of this project reach it at `{target}` without a published port: remove the entry"));
    finding.help.push(words::bind_to_loopback(publication));
    finding.help.push(RULE.how_to_allow());
    finding.remedy = Some(Remedy::BindToLoopback);
    finding
}
