//! One pass over everything that a check looks at: look, read, judge, remedy.

use super::inspection::{self, Inspection};
use super::parallel;
use super::progress::Progress;
use super::prospect;
use super::started::{self, Files};
use super::world::{World, is_missing};
use crate::cli::job::{Check, Eyes, Subject};
use crate::error::Error;
use crate::judge::intent::Ledger;
use crate::judge::rules::stale_allow;
use crate::judge::{self, Judged, doors};
use crate::look::walk::{self, Found};
use crate::model::finding::{Finding, Summary};
use crate::model::host::Host;
use crate::model::opening::Opening;
use crate::model::policy::Intent;
use crate::model::project::{Problem, ProblemKind, Project};
use crate::model::source::{Source, Span};
use crate::read::compose::{self, Request, Texts};
use crate::read::policy;
use crate::remedy;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a pass found.
#[derive(Default)]
pub(super) struct Survey {
    /// The findings, each once.
    pub(super) findings: Vec<Finding>,
    /// The numbers that do not follow from the findings: files, services, publications, allowed, unread.
    pub(super) summary: Summary,
    /// Every text that was read, by the name that people see; the empty name stands for the host.
    pub(super) read: HashSet<PathBuf>,
    /// Folders in which no compose file was found.
    pub(super) empty: Vec<PathBuf>,
}

/// Looks at what the check is about. `policy` stands in for the policy files beside the compose files; `host` is the one that the check
/// names.
///
/// # Errors
/// [`Error::NoProject`] where nothing is named and nothing is found.
pub(super) fn survey(check: &Check, world: &World, policy: Option<&Arc<Source>>, host: Option<&Host>) -> Result<Survey, Error> {
    let progress = Progress::new(check.quiet);
    let mut found = match &check.subject {
        Subject::Project | Subject::ProjectIfAny => Found { projects: vec![check.loading.files.clone()], ..Found::default() },
        Subject::Paths(paths) => walk::projects(paths, &world.working_directory, &|| progress.saw()),
    };
    progress.restart();
    // Named files are judged as they would be opened on the host; the host itself is looked at where none are.
    let planned_on = host.filter(|_| matches!(check.subject, Subject::Project | Subject::Paths(_)));
    let mut views = parallel::map(&found.projects, |files| {
        let view = view(&world.request(&check.loading, files), world, policy, planned_on);
        progress.did(found.projects.len());
        view
    });
    if check.subject == Subject::ProjectIfAny && views.iter().any(|view| view.is_missing) {
        views.clear();
        found.projects.clear();
    }
    if views.iter().any(|view| view.is_missing) {
        return Err(Error::NoProject);
    }
    if !found.problems.is_empty() {
        views.push(unsearched(found.problems, world));
    }
    if let (Some(host), Some(eyes), None) = (host, &check.host, planned_on) {
        if is_without_engine(host, eyes, world) {
            if found.projects.is_empty() {
                return Err(Error::NoProject);
            }
            if !check.quiet && io::stderr().is_terminal() {
                let _ = writeln!(io::stderr(), "note: no engine is on this machine: only the project of this folder is checked");
            }
            return Ok(Survey { empty: found.empty, ..gather(views, check, world) });
        }
        // The files of a saved host are another machine's: they count where they are here, and are what is checked.
        let read: HashSet<PathBuf> = views.iter().flat_map(|view| view.read.iter().cloned()).collect();
        let (may_read, is_checked) =
            (|file: &Path| matches!(eyes, Eyes::Here(_)) || read.contains(file), |file: &Path| read.contains(file));
        let files = Files { may_read: &may_read, is_checked: &is_checked };
        views.push(view_of_host(host, world, policy, &files, inspection::inspect).0);
    }
    Ok(Survey { empty: found.empty, ..gather(views, check, world) })
}

/// Looks at a host alone, as a check of it does, and lists what it publishes. No file is fixed on the way.
pub(super) fn survey_host(check: &Check, world: &World, policy: Option<&Arc<Source>>, host: &Host) -> (Survey, Vec<Opening>) {
    let files = Files { may_read: &|_| true, is_checked: &|_| false };
    let (view, openings) = view_of_host(host, world, policy, &files, inspection::inspect_wholly);
    (gather(vec![view], check, world), openings)
}

/// True for a machine that has no engine, as far as can be seen, and on which none was asked for: nobody publishes a port there.
fn is_without_engine(host: &Host, eyes: &Eyes, world: &World) -> bool {
    let Eyes::Here(flags) = eyes else { return false };
    let is_named = |name: &&str| world.variables.get(*name).is_some_and(|value| !value.is_empty());
    let is_asked_for =
        flags.context.is_some() || !flags.hosts.is_empty() || ["DOCKER_HOST", "DOCKER_CONTEXT"].iter().any(is_named);
    host.engine.is_none() && host.publishers.is_empty() && !is_asked_for && !doors::has_engine_left(host)
}

/// Judges a host, by the policy file of the working directory unless another one is given. What it publishes is as `inspect` lists it.
fn view_of_host(
    host: &Host,
    world: &World,
    policy: Option<&Arc<Source>>,
    files: &Files,
    inspect: fn(&Host, &Intent) -> Inspection,
) -> (View, Vec<Opening>) {
    let mut beside = Project::default();
    let here = if policy.is_none() { policy_in(&world.working_directory, &mut beside, world) } else { None };
    let policy = policy.or(here.as_ref());
    let mut intent = policy::intent_on_host(policy, &host.publishers);
    let Inspection { mut judged, summary, openings } = inspect(host, &intent);
    judged.findings = started::tie(judged.findings, host, world, files);
    judged.findings.extend(judge::judge(&beside, &Intent::default()).findings);
    // What allows nothing on this host may be for a container that does not run now: only what is of use is told on.
    let mut used = std::mem::take(&mut judged.ledger.used_grants).into_iter();
    intent.grants.retain(|_| used.next() == Some(true));
    intent.exceptions.clear();
    judged.ledger.used_grants = vec![true; intent.grants.len()];
    judged.ledger.used_exceptions.clear();
    // The host itself is among what was read, under no name.
    let read = policy.map(|policy| policy.path().to_owned()).into_iter().chain([PathBuf::new()]).collect();
    let summary = Summary { unread: beside.problems.len(), host: Some(summary), ..Summary::default() };
    (View { is_missing: false, judged, intent, summary, read }, openings)
}

/// What is kept of a project once it is judged.
struct View {
    is_missing: bool,
    judged: Judged,
    intent: Intent,
    summary: Summary,
    read: Vec<PathBuf>,
}

/// Reads and judges one project, and proposes remedies. `host`: judged, too, as that host would open it.
fn view(request: &Request, world: &World, policy: Option<&Arc<Source>>, host: Option<&Host>) -> View {
    let mut project = compose::load(request, &world.disk);
    let beside = if policy.is_none() { policy_beside(&mut project, request, world) } else { None };
    let policy = policy.or(beside.as_ref());
    let judge = |project: &Project| judge::judge(project, &policy::intent(project, policy));
    let mut judged = judge(&project);
    remedy::propose(&mut judged.findings, &project, request, &world.disk, &|project| judge(project).findings);
    let intent = policy::intent(&project, policy);
    if let Some(host) = host {
        judged.join(judge::settle_on_host(&project, &intent, prospect::findings(&project, host)));
    }
    let read = project.sources.iter().chain(policy).map(|source| source.path().to_owned()).collect();
    View { is_missing: is_missing(&project, request), judged, intent, summary: numbers(&project, request), read }
}

/// The policy file beside the first compose file. One that cannot be read is one more problem of the project.
fn policy_beside(project: &mut Project, request: &Request, world: &World) -> Option<Arc<Source>> {
    let first = project.sources.first()?.path();
    let folder = request.working_directory.join(first).parent()?.to_owned();
    policy_in(&folder, project, world)
}

/// The policy file of a folder.
pub(super) fn policy_in(folder: &Path, project: &mut Project, world: &World) -> Option<Arc<Source>> {
    let path = policy::FILE_NAMES.into_iter().map(|name| folder.join(name)).find(|path| world.disk.exists(path))?;
    match world.disk.read(&path) {
        Ok(source) => Some(source),
        Err(error) => {
            let message = format!("policy file cannot be read: {}", crate::model::system::reason(&error));
            let path = world.disk.shown(&path);
            project.problems.push(Problem { kind: ProblemKind::Unreadable, message, path, place: None, service: None });
            None
        }
    }
}

/// What the walk could not search, as the problems of a project without files: the same rule speaks about them.
fn unsearched(problems: Vec<Problem>, world: &World) -> View {
    let problems = problems.into_iter().map(|problem| Problem { path: world.disk.shown(&problem.path), ..problem }).collect();
    let project = Project { problems, ..Project::default() };
    let intent = Intent::default();
    let summary = Summary { unread: project.problems.len(), ..Summary::default() };
    View { is_missing: false, judged: judge::judge(&project, &intent), intent, summary, read: Vec::new() }
}

fn numbers(project: &Project, request: &Request) -> Summary {
    let is_yaml = |path: &Path| path.extension().is_some_and(|end| end == OsStr::new("yml") || end == OsStr::new("yaml"));
    let discovered = || project.sources.iter().filter(|source| is_yaml(source.path())).count();
    let is_unread = |problem: &&Problem| matches!(problem.kind, ProblemKind::Unreadable | ProblemKind::Remote);
    Summary {
        files: if request.files.is_empty() { discovered() } else { request.files.len() },
        services: project.services.len(),
        publications: project.services.iter().map(|service| service.publications.len()).sum(),
        unread: project.problems.iter().filter(is_unread).count(),
        ..Summary::default()
    }
}

/// Puts the projects together. A file that is part of several is spoken about once.
fn gather(views: Vec<View>, check: &Check, world: &World) -> Survey {
    let mut survey = Survey { read: views.iter().flat_map(|view| view.read.iter().cloned()).collect(), ..Survey::default() };
    let intents: Vec<(&Intent, &Ledger)> = views.iter().map(|view| (&view.intent, &view.judged.ledger)).collect();
    let (stale, allowed) = stale_allow::over_run(&intents, &|policy| is_whole(policy, check, world, &survey.read));
    survey.summary.allowed = allowed.len();
    let mut said = HashSet::new();
    for view in views {
        survey.summary.files += view.summary.files;
        survey.summary.services += view.summary.services;
        survey.summary.publications += view.summary.publications;
        survey.summary.unread += view.summary.unread;
        survey.summary.host = survey.summary.host.or(view.summary.host);
        survey.summary.allowed += view.judged.allowed.len();
        survey.findings.extend(view.judged.findings.into_iter().filter(|finding| said.insert(identity(finding))));
    }
    survey.findings.extend(stale);
    survey
}

fn identity(finding: &Finding) -> (&'static str, PathBuf, Option<Span>, String) {
    (finding.rule, finding.path.clone(), finding.place.as_ref().map(|place| place.span), finding.message.clone())
}

/// True if every compose file that a policy file speaks about was read: those beside it; for one given by --policy, those of a
/// project or of a folder, but not single files, which may be any part of what it was written for.
fn is_whole(policy: &Path, check: &Check, world: &World, read: &HashSet<PathBuf>) -> bool {
    if check.policy.is_some() {
        return match &check.subject {
            Subject::Project | Subject::ProjectIfAny => true,
            Subject::Paths(paths) => paths.iter().any(|path| world.working_directory.join(path).is_dir()),
        };
    }
    let folder = world.working_directory.join(policy);
    let Some(folder) = folder.parent() else { return false };
    walk::compose_files_in(folder).iter().all(|path| read.contains(&world.disk.shown(path)))
}

#[cfg(test)]
mod tests;
