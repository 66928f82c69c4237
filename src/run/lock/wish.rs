//! What is wanted of a lock: from the command line, the policy file, compose files and, where they are trusted, labels.

use crate::cli::job;
use crate::error::Error;
use crate::judge::intent::lock as intent;
use crate::model::guard::Wish;
use crate::model::host::Host;
use crate::model::lock::Memory;
use crate::model::policy::{Allowance, Intent};
use crate::model::project::Project;
use crate::model::source::Source;
use crate::model::system::reason;
use crate::read::compose::{self, Texts as _};
use crate::read::policy;
use crate::run::survey;
use crate::run::world::{World, is_missing};
use std::sync::Arc;

/// What is wanted, and what of it is to be remembered.
pub(super) struct Wanted {
    pub(super) wish: Wish,
    /// What is let in by others than labels, in the grammar of allowances.
    pub(super) kept: Vec<String>,
    /// True if labels of containers let in, too.
    pub(super) trusts_labels: bool,
}

/// Gathers what is wanted.
///
/// # Errors
/// A policy or compose file that cannot be read, or that holds a mistake: what it would have let in is not known.
pub(super) fn of(terms: &job::Terms, host: &Host) -> Result<Wanted, Error> {
    let mut wanted = of_words(&terms.wish, host)?;
    wanted.wish.lasts = terms.lasts;
    Ok(wanted)
}

/// The same, of what was said of senders and ports alone.
pub(super) fn of_words(job: &job::Wish, host: &Host) -> Result<Wanted, Error> {
    let world = World::look()?;
    let policy = match &job.policy {
        Some(path) => Some(
            world
                .disk
                .read(&world.working_directory.join(path))
                .map_err(|error| Error::Read { path: path.clone(), reason: reason(&error) })?,
        ),
        None => here(&world)?,
    };
    let on_host = policy::intent_on_host(policy.as_ref(), &host.publishers);
    let without_labels = policy::intent_on_host(policy.as_ref(), &[]);
    understood(&without_labels)?;
    let mut kept = job.allow.clone();
    kept.extend(intent::on_host(&without_labels, &host.publishers));
    if !job.loading.files.is_empty() {
        kept.extend(of_project(job, &world, policy.as_ref())?);
    }
    let mut allowed = kept.clone();
    allowed.extend(intent::on_host(&on_host, &host.publishers));
    Ok(Wanted {
        wish: Wish { refuses_all: job.all, allowed, ..Wish::default() },
        kept: kept.iter().map(ToString::to_string).collect(),
        trusts_labels: on_host.trusts_labels == Some(true),
    })
}

/// The policy file of the working directory.
fn here(world: &World) -> Result<Option<Arc<Source>>, Error> {
    let mut beside = Project::default();
    let found = survey::policy_in(&world.working_directory, &mut beside, world);
    match beside.problems.into_iter().next() {
        Some(problem) => Err(Error::Read { path: problem.path, reason: problem.message }),
        None => Ok(found),
    }
}

fn of_project(job: &job::Wish, world: &World, policy: Option<&Arc<Source>>) -> Result<Vec<Allowance>, Error> {
    let request = world.request(&job.loading, &job.loading.files);
    let project = compose::load(&request, &world.disk);
    if is_missing(&project, &request) {
        return Err(Error::NoProject);
    }
    if let Some(problem) = project.problems.first() {
        return Err(Error::Read { path: problem.path.clone(), reason: problem.message.clone() });
    }
    let intent = policy::intent(&project, policy);
    understood(&intent)?;
    Ok(intent::of_project(&intent, &project))
}

/// A mistake allows nothing; a lock that was to let something in and does not is worse than none that says so.
fn understood(intent: &Intent) -> Result<(), Error> {
    match intent.mistakes.first() {
        Some(mistake) => Err(Error::Read { path: mistake.place.path().to_owned(), reason: mistake.message.clone() }),
        None => Ok(()),
    }
}

/// What was wanted of a lock that is there, with what labels say today.
pub(super) fn again(memory: &Memory, host: &Host) -> Wanted {
    let wish = Wish { refuses_all: memory.refuses_all, ..Wish::default() };
    let mut wanted = Wanted { wish, kept: Vec::new(), trusts_labels: false };
    wanted.add(memory, host);
    wanted
}

impl Wanted {
    /// Lets in, too, what a lock that is there lets in.
    pub(super) fn add(&mut self, memory: &Memory, host: &Host) {
        let before: Vec<Allowance> = memory.allowed.iter().filter_map(|text| text.parse().ok()).collect();
        self.wish.allowed.extend(before);
        self.kept.extend(memory.allowed.iter().cloned());
        if memory.trusts_labels && !self.trusts_labels {
            let labels = policy::intent_of_labels(&host.publishers);
            self.wish.allowed.extend(intent::on_host(&labels, &host.publishers));
        }
        self.trusts_labels |= memory.trusts_labels;
    }
}
