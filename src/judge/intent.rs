//! What the owner means to be open, held against what is found.
//!
//! In: findings, and the project's intent. Out: the findings that are left, those that are answered, and which parts of the intent
//! were of use. Not here: what is said of the parts that were of no use (the rule `stale-allow`).

mod cover;
pub(super) mod hosts;
pub mod lock;
#[cfg(test)]
mod tests;

pub use crate::model::policy::Intent;

use super::context::Stance;
use super::rules::Case;
use super::{Allowed, Judged};
use crate::model::finding::{Finding, Level, Refusal, Related, Remedy};
use crate::model::policy::{Grant, Scope};
use crate::model::project::{Problem, ProblemKind, Project};
use crate::model::publication::Publication;
use crate::model::source::{Place, Span};
use cover::{Cover, cover, matches};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// An entry in the long syntax has a handful of lines; comments further down in one are not looked for.
const MOST_ENTRY_LINES: u32 = 50;

/// What of an intent was of use to a project, and what has to be known of the project to say that the rest is stale.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// For each of [`Intent::grants`]: true if it matches a published port.
    pub used_grants: Vec<bool>,
    /// For each of [`Intent::exceptions`]: true if it answers a finding.
    pub used_exceptions: Vec<bool>,
    /// The names of the project's services; kept only where there are grants.
    pub services: Vec<Arc<str>>,
    /// True if every part of the project could be read.
    pub is_complete: bool,
}

impl Ledger {
    /// Takes in what of the same intent was of use elsewhere.
    pub(super) fn join(&mut self, other: &Self) {
        for (own, other) in [(&mut self.used_grants, &other.used_grants), (&mut self.used_exceptions, &other.used_exceptions)] {
            own.iter_mut().zip(other).for_each(|(own, other)| *own |= other);
        }
    }
}

/// Takes away what is answered. Each finding comes with whether an allowance for its port answers it.
pub(super) fn settle(case: &Case, found: impl Iterator<Item = (bool, Finding)>) -> Judged {
    let index = Index::of(case.intent);
    let mut judged = Judged { ledger: index.ledger(case), ..Judged::default() };
    for (is_allowable, mut finding) in found {
        let publication = published(case.project, &finding);
        let exceptions = index.exceptions(&finding, publication);
        for at in &exceptions {
            judged.ledger.used_exceptions[*at] = true;
        }
        let mut by: Vec<Place> = exceptions.iter().map(|at| case.intent.exceptions[*at].place.clone()).collect();
        if by.is_empty() {
            by.extend(set_level(&mut finding, case.intent));
        }
        if let Some(publication) = publication.filter(|_| by.is_empty()) {
            let cover = cover(publication, &index.grants_for(publication));
            by = if is_allowable { allowed_by(&mut finding, &cover) } else { Vec::new() };
            leave_open(&mut finding, &cover);
        }
        if by.is_empty() {
            judged.findings.push(finding);
        } else {
            judged.allowed.push(Allowed { finding, by });
        }
    }
    judged.findings.sort_by(|a, b| order(a).cmp(&order(b)));
    judged
}

fn order(finding: &Finding) -> (&Path, u32, &str) {
    (&finding.path, finding.place.as_ref().map_or(0, |place| place.span.start), finding.rule)
}

/// Gives a finding the level that the policy has for its rule; where the rule is switched off, gives the place that says so.
pub(super) fn set_level(finding: &mut Finding, intent: &Intent) -> Option<Place> {
    let said = intent.levels.iter().find(|said| said.rule == finding.rule)?;
    finding.level = said.level.unwrap_or(finding.level);
    said.level.is_none().then(|| said.place.clone())
}

/// The allowances that answer a finding; empty, with a word in the finding, where they answer only a part of it.
fn allowed_by(finding: &mut Finding, cover: &Cover) -> Vec<Place> {
    match cover {
        Cover::Whole(grants) => return grants.iter().map(|grant| grant.place.clone()).collect(),
        Cover::Limited(grants) => limit(finding, grants),
        Cover::Partly { left, grants } => finding.help.push(format!("allowed: {}; not allowed: {left}", named(grants))),
        Cover::Nothing => {}
    }
    Vec::new()
}

/// A limited allowance: the port is meant to be open to some, and the file opens it to all.
fn limit(finding: &mut Finding, grants: &[&Grant]) {
    let limits: Vec<String> = grants.iter().map(|grant| grant.allowance.to_string()).collect();
    finding.level = Level::Note;
    finding.message = format!("{}; allowed: {}", finding.message, limits.join("; "));
    finding.help = vec!["a compose file cannot say who may connect: only rules on the host can hold the limit".to_owned()];
    let related =
        grants.iter().map(|grant| Related { place: grant.place.clone(), message: "allowed here, with a limit".to_owned() });
    finding.related.extend(related);
}

/// No fix closes what is allowed, even in part: the owner wants it open.
fn leave_open(finding: &mut Finding, cover: &Cover) {
    let closes = matches!(finding.remedy, Some(Remedy::BindToLoopback | Remedy::DefaultToLoopback));
    let reason = match cover {
        Cover::Nothing => return,
        Cover::Partly { .. } => "some of the ports are allowed",
        Cover::Limited(_) | Cover::Whole(_) => "the port is allowed",
    };
    if closes {
        finding.remedy = None;
        finding.fix = Some(Err(Refusal { reason: reason.to_owned() }));
    }
}

fn named(grants: &[&Grant]) -> String {
    grants.iter().map(|grant| format!("{} ({})", grant.allowance, grant.place)).collect::<Vec<_>>().join(", ")
}

/// The publication that a finding is about. A project has its services in the order of their names.
fn published<'a>(project: &'a Project, finding: &Finding) -> Option<&'a Publication> {
    let subject = finding.subject.as_ref()?;
    let at = project.services.binary_search_by(|service| service.name.cmp(&subject.service)).ok()?;
    project.services[at].publications.get(subject.publication)
}

/// An intent by what its parts are about. Values are positions in the intent.
struct Index<'a> {
    intent: &'a Intent,
    project: Vec<usize>,
    services: HashMap<&'a str, Vec<usize>>,
    publications: HashMap<(&'a Path, Span), Vec<usize>>,
    lines: HashMap<(&'a Path, u32), Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(intent: &'a Intent) -> Self {
        let mut index =
            Self { intent, project: Vec::new(), services: HashMap::new(), publications: HashMap::new(), lines: HashMap::new() };
        for (at, grant) in intent.grants.iter().enumerate() {
            match &grant.scope {
                Scope::Project => index.project.push(at),
                Scope::Service(name) => index.services.entry(name).or_default().push(at),
                // Of a host alone.
                Scope::Container(_) => {}
                Scope::Publication(place) => index.publications.entry((place.path(), place.span)).or_default().push(at),
            }
        }
        for (at, exception) in intent.exceptions.iter().enumerate() {
            index.lines.entry((exception.place.path(), exception.line)).or_default().push(at);
        }
        index
    }

    /// The grants whose scope holds a publication, whatever their ports.
    fn in_scope(&self, publication: &Publication) -> Vec<usize> {
        let entry = &publication.entry.origin.place;
        let of_service = self.services.get(&*publication.service);
        let of_entry = self.publications.get(&(entry.path(), entry.span));
        self.project.iter().chain(of_service.into_iter().flatten()).chain(of_entry.into_iter().flatten()).copied().collect()
    }

    fn grants_for(&self, publication: &Publication) -> Vec<&'a Grant> {
        let intent = self.intent;
        self.in_scope(publication)
            .into_iter()
            .map(|at| &intent.grants[at])
            .filter(|grant| matches(&grant.allowance, publication))
            .collect()
    }

    /// The exceptions for a finding: those that name its rule and speak about its line, or about a line of its entry.
    fn exceptions(&self, finding: &Finding, publication: Option<&Publication>) -> Vec<usize> {
        if self.lines.is_empty() {
            return Vec::new();
        }
        let place = finding.place.iter().map(|place| (place.path(), place.line()));
        let entry = publication.into_iter().flat_map(|publication| {
            let Place { source, span } = &publication.entry.origin.place;
            let lines = source.line(span.start)..=source.line(span.end).min(source.line(span.start) + MOST_ENTRY_LINES);
            lines.map(|line| (source.path(), line))
        });
        let mut lines: Vec<(&Path, u32)> = place.chain(entry).collect();
        lines.sort_unstable();
        lines.dedup();
        let on_lines = lines.iter().filter_map(|line| self.lines.get(line)).flatten().copied();
        on_lines.filter(|at| self.intent.exceptions[*at].rule == finding.rule).collect()
    }

    /// Which grants match a published port. A service on the host's network publishes none: what it listens on is not in the file, so
    /// grants for it are given the benefit of the doubt.
    fn ledger(&self, case: &Case) -> Ledger {
        let mut used_grants = vec![false; self.intent.grants.len()];
        let services = if used_grants.is_empty() { &[] } else { &*case.project.services };
        for service in services {
            for publication in &service.publications {
                for at in self.in_scope(publication) {
                    used_grants[at] |= matches(&self.intent.grants[at].allowance, publication);
                }
            }
            if matches!(Stance::of(case.project, service), Stance::HostNetwork(_)) {
                self.services.get(&*service.name).into_iter().flatten().for_each(|at| used_grants[*at] = true);
            }
        }
        let is_gap = |problem: &Problem| matches!(problem.kind, ProblemKind::Unreadable | ProblemKind::Remote);
        Ledger {
            used_grants,
            used_exceptions: vec![false; self.intent.exceptions.len()],
            services: services.iter().map(|service| Arc::clone(&service.name)).collect(),
            is_complete: !case.project.problems.iter().any(is_gap),
        }
    }
}
