//! Findings to edits, each proven.
//!
//! In: findings that ask for a remedy, the project they are about, and the texts it was loaded from. Out: for each finding a [`Fix`]
//! whose result was loaded and judged, or the reason why none is offered. Not here: which findings ask for a remedy, how a fix is
//! shown, and the writing of files.

mod bind;
pub mod edit;
mod facts;
pub mod lock;
mod long;
mod network;
mod overlay;
mod override_list;
mod owners;
pub mod permit;
mod proof;
mod slot;
mod variable;

use crate::model::finding::{Finding, Fix, Refusal, Remedy};
use crate::model::project::{Project, Service};
use crate::model::publication::{Publication, Reach};
use crate::model::source::{Place, Span};
use crate::read::compose::{Request, Texts};
use facts::{Outcome, Which};
use owners::Owners;
use proof::{Ground, Plan};
use std::cell::Cell;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Fills [`Finding::fix`] of every finding that asks for a remedy.
///
/// `project` is what `request` gave when it was loaded from `texts`, `judge` is what finds fault with a project, and `findings` are all
/// that it says of this one. All fixes that are offered hold together: they may be applied at once.
///
/// Cost: without findings that ask for a remedy, none; else the project is loaded and judged once more, and a few times more for each
/// change that turns out not to hold.
pub fn propose(
    findings: &mut [Finding],
    project: &Project,
    request: &Request,
    texts: &dyn Texts,
    judge: &dyn Fn(&Project) -> Vec<Finding>,
) {
    if findings.iter().all(|finding| finding.remedy.is_none()) {
        return;
    }
    let desk = Desk { project, request, owners: Owners::of(project), bound: bound(project) };
    let (plans, mut answers) = desk.plans(findings);
    let ground = Ground { project, request, texts, judge, findings, loads: Cell::new(0) };
    let verdicts = proof::settle(&ground, &plans);
    for (plan, verdict) in plans.into_iter().zip(verdicts) {
        for index in plan.mends {
            let fix = Fix { title: plan.title.clone(), edits: plan.edits.clone() };
            answers[index] = Some(verdict.clone().map(|()| fix));
        }
    }
    for (finding, answer) in findings.iter_mut().zip(answers) {
        // What asks for no remedy may have been refused one before (`judge::intent`).
        finding.fix = answer.or_else(|| finding.fix.take());
    }
}

/// What a finding's remedy came to: a fix or a refusal; None where it asks for none.
type Answer = Option<Result<Fix, Refusal>>;

/// Where plans are made.
struct Desk<'a> {
    project: &'a Project,
    request: &'a Request,
    owners: Owners<'a>,
    /// The publications that are bound to loopback already, by their service and what they say.
    bound: HashMap<(&'a str, String), &'a Publication>,
}

impl Desk<'_> {
    /// The plans for the findings, each change once, and the refusals by the finding's index. A publication that an `!override`
    /// takes away needs no change of its own.
    fn plans(&self, findings: &[Finding]) -> (Vec<Plan>, Vec<Answer>) {
        let mut answers: Vec<Answer> = vec![None; findings.len()];
        let mut plans: Vec<Plan> = Vec::new();
        let mut dropped: HashMap<Which, usize> = HashMap::new();
        let mut known: HashMap<(PathBuf, Span), usize> = HashMap::new();
        let is_override = |finding: &Finding| matches!(finding.remedy, Some(Remedy::OverrideList(_)));
        let (first, rest): (Vec<usize>, Vec<usize>) = (0..findings.len()).partition(|index| is_override(&findings[*index]));
        for index in first.into_iter().chain(rest) {
            let finding = &findings[index];
            let Some(remedy) = &finding.remedy else { continue };
            if let Some(plan) = which(finding).and_then(|which| dropped.get(&which)) {
                plans[*plan].mends.push(index);
                continue;
            }
            let plan = match self.plan(finding, remedy) {
                Ok(plan) => plan,
                Err(refusal) => {
                    answers[index] = Some(Err(refusal));
                    continue;
                }
            };
            let place = &plan.edits[0].place;
            let at = *known.entry((place.path().to_owned(), place.span)).or_insert(plans.len());
            if at == plans.len() {
                let gone = plan.outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::Dropped);
                for (which, _) in gone {
                    self.owners.forget(which.clone());
                    dropped.insert(which.clone(), at);
                }
                plans.push(plan);
            }
            plans[at].mends.push(index);
        }
        (plans, answers)
    }

    fn plan(&self, finding: &Finding, remedy: &Remedy) -> Result<Plan, Refusal> {
        let service = self.service(finding)?;
        match remedy {
            Remedy::OverrideList(list) => self.replace_earlier(service, list),
            Remedy::BindToLoopback | Remedy::DefaultToLoopback => self.bind(service, finding, remedy),
        }
    }

    fn service(&self, finding: &Finding) -> Result<&Service, Refusal> {
        let name = finding.subject.as_ref().map(|subject| &subject.service).or(finding.service.as_ref());
        let found = name.and_then(|name| self.project.service(name));
        found.map_or_else(|| refuse("the finding is about no service"), Ok)
    }

    fn bind(&self, service: &Service, finding: &Finding, remedy: &Remedy) -> Result<Plan, Refusal> {
        let index = finding.subject.as_ref().map(|subject| subject.publication);
        let Some((index, publication)) = index.and_then(|index| Some((index, service.publications.get(index)?))) else {
            return refuse("the finding is about no single entry");
        };
        network::heeds_addresses(self.project, service)?;
        let bound = bind::plan(publication, remedy, &self.owners)?;
        self.is_ours(&bound.edit.place)?;
        let outcome = bound.host_ip.map(Outcome::HostIp);
        if let Some(twin) = bound.host_ip.and_then(|address| self.twin(service, publication, address)) {
            return refuse(format!("{twin} is published already ({}): remove this entry", twin.entry.origin.place));
        }
        let outcomes = outcome.into_iter().map(|outcome| ((Arc::clone(&service.name), index), outcome)).collect();
        Ok(Plan { title: bound.title, edits: vec![bound.edit], outcomes, mends: Vec::new() })
    }

    fn replace_earlier(&self, service: &Service, list: &Place) -> Result<Plan, Refusal> {
        let replacement = override_list::plan(self.project, service, list, &self.owners)?;
        self.is_ours(&replacement.edit.place)?;
        let dropped = replacement.dropped.into_iter().map(|index| ((Arc::clone(&service.name), index), Outcome::Dropped));
        Ok(Plan {
            title: "replace the earlier list with !override (Compose 2.24.4 or later)".to_owned(),
            edits: vec![replacement.edit],
            outcomes: dropped.collect(),
            mends: Vec::new(),
        })
    }

    /// Another publication of the service that already is what this one would become.
    fn twin(&self, service: &Service, publication: &Publication, address: &'static str) -> Option<&Publication> {
        let shown = facts::shown(publication, Some(Outcome::HostIp(address)))?;
        let twin = self.bound.get(&(&*service.name, shown)).copied();
        twin.filter(|twin| twin.entry.origin.place != publication.entry.origin.place)
    }

    /// Refuses a file that is neither named in the request nor below the working directory or the project's.
    fn is_ours(&self, place: &Place) -> Result<(), Refusal> {
        let here = &self.request.working_directory;
        let path = plain(&here.join(place.path()));
        let is_named = self.request.files.iter().any(|file| plain(&here.join(file)) == path);
        if place.path() == Path::new("-") {
            return refuse("the text comes from standard input");
        }
        if is_named || path.starts_with(plain(here)) || path.starts_with(plain(&here.join(&self.project.directory))) {
            return Ok(());
        }
        refuse(format!("{} lies outside the project: change it there", place.path().display()))
    }
}

/// The publications that only this host reaches.
fn bound(project: &Project) -> HashMap<(&str, String), &Publication> {
    let all =
        project.services.iter().flat_map(|service| service.publications.iter().map(|publication| (&*service.name, publication)));
    let bound = all.filter(|(_, publication)| publication.reach() == Reach::Loopback);
    bound.map(|(service, publication)| ((service, publication.to_string()), publication)).collect()
}

/// The publication that a finding is about.
fn which(finding: &Finding) -> Option<Which> {
    finding.subject.as_ref().map(|subject| (Arc::clone(&subject.service), subject.publication))
}

/// A path without `.` and `..`, links not heeded.
fn plain(path: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                result.pop();
            }
            part => result.push(part),
        }
    }
    result
}

/// A refusal in one sentence, lower case.
fn refuse<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { reason: reason.into() })
}
