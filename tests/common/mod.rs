//! What several tests share: compose files in memory.

use docker_firewall::model::project::Project;
use docker_firewall::model::source::Source;
use docker_firewall::read::compose::{self, Request, Texts};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that exist only here. Paths are relative to `/p`, the working directory of every request.
pub struct Memory(BTreeMap<PathBuf, String>);

/// The working directory.
pub const ROOT: &str = "/p";

impl Memory {
    /// Files by their path and text.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(files.into_iter().map(|(path, text)| (Path::new(ROOT).join(path), text.to_owned())).collect())
    }

    /// Loads the project that is found in the working directory.
    pub fn load(&self) -> Project {
        self.load_with(|_| {})
    }

    /// Loads a project by a request that `change` has completed.
    pub fn load_with(&self, change: impl FnOnce(&mut Request)) -> Project {
        let mut request = Request { working_directory: PathBuf::from(ROOT), ..Request::default() };
        change(&mut request);
        compose::load(&request, self)
    }
}

impl Texts for Memory {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        if self.is_directory(path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let text = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Source::new(path.strip_prefix(ROOT).unwrap_or(path), text.as_str()))
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path) || self.is_directory(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.0.keys().any(|known| known != path && known.starts_with(path))
    }
}
