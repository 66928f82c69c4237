//! Compose files to a [`Project`]: what `docker compose` would publish, ports only, and leniently.
//!
//! In: a [`Request`] and the texts behind [`Texts`]. Out: a project, with its problems in it. Not here: whether a port should be
//! open, and anything of a compose file that has no say in published ports.

pub mod dotenv;
pub mod entry;
pub mod template;

use crate::model::project::Project;
use crate::model::source::Source;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The word that makes a comment speak to us.
pub const PRAGMA: &str = "docker-firewall:";

/// Where texts come from: the disk, or the disk with edits laid over it (a proof).
pub trait Texts: Sync {
    /// Reads a whole file. The source's path is what people are to see.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::InvalidData`] for a file that is not UTF-8.
    fn read(&self, path: &Path) -> io::Result<Arc<Source>>;

    /// True if something is there, of whatever kind.
    fn exists(&self, path: &Path) -> bool;

    /// True if a folder is there.
    fn is_directory(&self, path: &Path) -> bool;
}

/// What to load, in the words of the docker client.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `-f`: the compose files, in order; `-` is standard input. Empty: COMPOSE_FILE, or discovery from the working directory up.
    pub files: Vec<PathBuf>,
    /// `--env-file`, in order.
    pub env_files: Vec<PathBuf>,
    /// `--profile`; empty: COMPOSE_PROFILES.
    pub profiles: Vec<String>,
    /// `--project-directory`.
    pub project_directory: Option<PathBuf>,
    /// `-p`.
    pub project_name: Option<String>,
    /// The working directory, absolute.
    pub working_directory: PathBuf,
    /// The process environment.
    pub environment: BTreeMap<String, String>,
}

/// Loads a project. Never fails: what cannot be read is among the project's problems, and all else is there.
pub fn load(request: &Request, texts: &dyn Texts) -> Project {
    let _ = texts;
    Project { directory: request.working_directory.clone(), ..Project::default() }
}
