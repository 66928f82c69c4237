//! dormant-publication: closed today, open with the next profile.

use super::{Case, Rule};
use crate::judge::context::Dormant;
use crate::judge::exposure::{Exposure, Owner};
use crate::judge::words;
use crate::model::finding::{Finding, Level, Related, Remedy};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "dormant-publication",
    summary: "a service that does not run now will publish a port on every address when it does",
    level: Level::Note,
    allowable: true,
    page: include_str!("../../../docs/rules/dormant-publication.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let owned = case.exposures.iter().filter_map(|exposure| match exposure.owner {
        Owner::Dormant(dormant) => Some(finding(exposure, dormant)),
        _ => None,
    });
    owned.collect()
}

fn finding(exposure: &Exposure, dormant: Dormant) -> Finding {
    let publication = exposure.publication;
    let addresses = words::addresses(&exposure.listening);
    let until = match dormant {
        Dormant::Profiles([]) => "it is started".to_owned(),
        Dormant::Profiles([one]) if one.is_empty() => "no profile is named".to_owned(),
        Dormant::Profiles([one]) => format!("profile {one} is on"),
        Dormant::Profiles(profiles) => format!("one of the profiles {} is on", words::list(profiles)),
        Dormant::Scale(_) => "it is scaled up".to_owned(),
    };
    let port = words::port(publication);
    let message = format!("{port} of service {} will be published {addresses} as soon as {until}", exposure.service.name);
    let mut finding = RULE.exposed(exposure, RULE.level, message);
    if let Dormant::Scale(origin) = dormant {
        finding.related.push(Related { place: origin.place.clone(), message: "scaled to 0 here".to_owned() });
    }
    finding.help.push(words::bind_to_loopback(publication));
    finding.remedy = Some(Remedy::BindToLoopback);
    finding
}
