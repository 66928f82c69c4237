//! What every run sees of the world: where it stands, the environment, the files.

use crate::cli::job::Loading;
use crate::error::Error;
use crate::look::environment;
use crate::look::files::Disk;
use crate::model::project::{Problem, Project};
use crate::read::compose::Request;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The surroundings of a run.
pub(super) struct World {
    pub(super) working_directory: PathBuf,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) disk: Disk,
}

impl World {
    /// Looks around.
    pub(super) fn look() -> Result<Self, Error> {
        let working_directory = environment::working_directory().map_err(Error::WorkingDirectory)?;
        let disk = Disk::new(working_directory.clone());
        Ok(Self { working_directory, variables: environment::variables(), disk })
    }

    /// The question for a project of these files; none: Compose's own discovery.
    pub(super) fn request(&self, loading: &Loading, files: &[PathBuf]) -> Request {
        Request {
            files: files.to_vec(),
            env_files: loading.env_files.clone(),
            // Compose's own word for all of them.
            profiles: if loading.all_profiles { vec!["*".to_owned()] } else { loading.profiles.clone() },
            project_directory: loading.project_directory.clone(),
            project_name: loading.project_name.clone(),
            working_directory: self.working_directory.clone(),
            environment: self.variables.clone(),
        }
    }
}

/// True if no file was given and none was found: of the working directory itself the loader says nothing else.
pub(super) fn is_missing(project: &Project, request: &Request) -> bool {
    let is_about_folder = |problem: &Problem| problem.place.is_none() && problem.path == request.working_directory;
    request.files.is_empty() && project.problems.iter().any(is_about_folder)
}
