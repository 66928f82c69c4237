//! What a compose project would open on a host, before anything is started.
//!
//! In: a project, and a host. Out: what would be found on the host if the project's containers ran there, each finding at the entry that
//! asks for the port. Not here: what the project's files say by themselves, and what is wrong on the host already.

use super::inspection;
use crate::judge::doors;
use crate::judge::planned::{self, About, Doubt, Opened};
use crate::judge::rules;
use crate::judge::words;
use crate::model::finding::{Finding, Subject};
use crate::model::host::Host;
use crate::model::project::{Project, Service};
use crate::model::publication::Publication;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What would be found.
pub(super) fn findings(project: &Project, host: &Host) -> Vec<Finding> {
    let planned = planned::of(project, host);
    let programmed = planned::on(host, &planned);
    let is_new = |name: &str| planned.iter().any(|it| it.name == name);
    let doors = doors::of(&programmed.host);
    let doors = doors.into_iter().filter(|door| is_new(&programmed.host.publishers[door.publisher].name));
    let found = inspection::findings_of(&programmed.host, &doors.collect::<Vec<_>>());
    let tied = found.into_iter().filter_map(|finding| tie(project, &programmed.opened, finding));
    let is_certain = |finding: &Finding| {
        let subject = finding.subject.as_ref();
        subject.is_none_or(|it| !blind(&programmed.doubts).any(|doubt| doubt.concerns(&it.service, it.publication)))
    };
    let mut findings: Vec<Finding> = tied.filter(is_certain).collect();
    findings.extend(blind(&programmed.doubts).flat_map(|doubt| cannot_tell(project, doubt)));
    findings
}

/// The doubts that leave nothing certain.
fn blind(doubts: &[Doubt]) -> impl Iterator<Item = &Doubt> {
    doubts.iter().filter(|doubt| doubt.about == About::Everything)
}

/// The same finding, at the entry that asks for the port; None for one about something else. What of the host could not be seen stays
/// said: verdicts on the entries hang on it.
fn tie(project: &Project, opened: &[Opened], finding: Finding) -> Option<Finding> {
    let on_host = finding.on_host.as_ref()?;
    let Some(container) = on_host.container.as_deref() else {
        return (finding.rule == rules::cannot_tell::RULE.name).then_some(finding);
    };
    let is_seen = |opened: &&Opened| {
        let binding = opened.binding;
        opened.container == container
            && on_host
                .views
                .iter()
                .any(|view| view.protocol == binding.protocol && (binding.port == Some(view.port) || binding.target == view.port))
    };
    let opened = opened.iter().find(is_seen)?;
    let service = project.service(&opened.service)?;
    let publication = service.publications.get(opened.publication)?;
    let message = format!("once started, {}", finding.message);
    Some(at(service, opened.publication, publication, Finding { message, ..finding }))
}

/// A finding, moved to a publication.
fn at(service: &Service, index: usize, publication: &Publication, finding: Finding) -> Finding {
    let subject = Subject { service: Arc::clone(&service.name), publication: index, text: publication.to_string() };
    Finding {
        service: Some(Arc::clone(&service.name)),
        subject: Some(subject),
        related: words::way(publication),
        ..words::moved_to(words::scalar(publication), finding)
    }
}

/// What cannot be told of the publications that a doubt is about, each entry once.
fn cannot_tell(project: &Project, doubt: &Doubt) -> Vec<Finding> {
    let mut said: BTreeSet<(Arc<str>, usize)> = BTreeSet::new();
    let mut findings = Vec::new();
    for service in project.services.iter().filter(|service| service.enabled) {
        for (index, publication) in service.publications.iter().enumerate() {
            if doubt.concerns(&service.name, index) && said.insert((Arc::clone(&service.name), index)) {
                let finding = rules::cannot_tell::planned(&words::port(publication), &service.name, &doubt.reason);
                findings.push(at(service, index, publication, finding));
            }
        }
    }
    findings
}
