//! inherited-publication: `extends` and merge keys bring ports along.

use super::{Case, Rule};
use crate::judge::exposure::{Exposure, Owner};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Related, Remedy};
use crate::model::origin::Hop;
use crate::model::publication::Publication;
use crate::model::source::Place;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "inherited-publication",
    summary: "a service publishes a port that it does not write itself",
    level: Level::Note,
    allowable: true,
    page: include_str!("../../../docs/rules/inherited-publication.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let running = case.exposures.iter().filter(|exposure| !matches!(exposure.owner, Owner::Dormant(_) | Owner::Override));
    running.filter_map(|exposure| hop(exposure.publication).map(|(at, how)| finding(exposure, at, &how))).collect()
}

/// The first step by which the entry came to the service, and how.
pub(super) fn hop(publication: &Publication) -> Option<(&Place, String)> {
    publication.entry.origin.hops.iter().find_map(|hop| match hop {
        Hop::Extends { service, at } => Some((at, format!("from service {service} by `extends`"))),
        Hop::MergeKey { at } => Some((at, "by a merge key".to_owned())),
        _ => None,
    })
}

fn finding(exposure: &Exposure, at: &Place, how: &str) -> Finding {
    let publication = exposure.publication;
    let (port, name) = (words::port(publication), &exposure.service.name);
    let addresses = words::addresses(&exposure.listening);
    let message = format!("service {name} publishes {port} {addresses} without writing so: it comes {how}");
    // Where another service is reported for the entry, this finding stands for the heir's share.
    let level = match (&exposure.owner, exposure.sensitive) {
        (Owner::Inherited { .. }, Some(sensitive)) => sensitive.level(),
        (Owner::Inherited { .. }, None) => Level::Warn,
        _ => RULE.level,
    };
    let finding = RULE.about(exposure.service, exposure.index, level, message, format!("brings in {publication}"));
    let mut finding = words::moved_to(at, finding);
    finding.related.retain(|related| related.place != *at);
    let written = Related { place: words::scalar(publication).clone(), message: "the entry is written here".to_owned() };
    finding.related.insert(0, written);
    if let Owner::Inherited { writer } = &exposure.owner {
        finding.remedy = Some(Remedy::BindToLoopback);
        finding.help.push(format!("service {writer} has the same entry: a change of it changes both"));
    }
    finding
        .help
        .push(format!("if {name} needs no port, write `ports: !reset []` into it, or keep `ports` out of what is shared"));
    finding
}
