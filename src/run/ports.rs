//! `ports`: what a project publishes, as a list.

use super::world::{World, is_missing};
use super::{Verdict, publish, style_for};
use crate::cli::job::{Ports, ProjectFormat};
use crate::error::Error;
use crate::judge::context::Stance;
use crate::model::project::{Problem, Project, Service};
use crate::model::publication::{Publication, Reach};
use crate::read::compose;
use crate::report::ports::{Which, write_json};
use crate::report::table::{self, Audience};
use crate::report::visible::visible;
use std::io::{self, Write};

/// Lists the published ports of a project; what Compose refuses is named on stderr.
pub(super) fn ports(job: &Ports) -> Result<Verdict, Error> {
    let world = World::look()?;
    let request = world.request(&job.loading, &job.loading.files);
    let project = compose::load(&request, &world.disk);
    if is_missing(&project, &request) {
        return Err(Error::NoProject);
    }
    let which = if job.loading.all_profiles { Which::All } else { Which::Enabled };
    let judge = |service: &Service, publication: &Publication| audience(&project, service, publication);
    let style = style_for(job.color, false, job.output.as_deref());
    publish(job.output.as_deref(), &|out| match job.format {
        ProjectFormat::Table => table::write(&project, which, &judge, &style, out),
        ProjectFormat::Json => write_json(&project, which, out),
    })?;
    let mut problems: Vec<&Problem> = project.problems.iter().collect();
    problems.sort_by_key(|problem| (&problem.path, problem.place.as_ref().map(|place| place.span)));
    for problem in problems {
        let _ = writeln!(io::stderr(), "{}", visible(&line_of(problem, &world)));
    }
    Ok(if project.problems.is_empty() { Verdict::Clean } else { Verdict::Blind })
}

/// Who may connect to a publication.
fn audience(project: &Project, service: &Service, publication: &Publication) -> Audience {
    let stance = Stance::of(project, service);
    match stance {
        Stance::HostNetwork(_) => Audience::HostNetwork,
        Stance::BesideTheFirewall(_) => Audience::BesideTheHost,
        Stance::Nothing(_) | Stance::Refused(_) => Audience::Nobody,
        Stance::Published(_) if publication.reach() == Reach::Invalid => Audience::At(Reach::Invalid),
        Stance::Published(_) => {
            stance.listening(publication).and_then(|listening| listening.reach()).map_or(Audience::Nobody, Audience::At)
        }
    }
}

/// `path:line:column: what is wrong`; the path once.
fn line_of(problem: &Problem, world: &World) -> String {
    if let Some(place) = &problem.place {
        return format!("{place}: {}", problem.message);
    }
    let path = world.disk.shown(&problem.path).display().to_string();
    if problem.message.starts_with(&path) { problem.message.clone() } else { format!("{path}: {}", problem.message) }
}
