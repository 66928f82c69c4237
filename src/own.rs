//! Folders and files that belong to us alone, held by descriptor.
//!
//! In: the path of a folder, and names in it. Out: their texts, and files put, locked or removed there. The folder is opened once, no link
//! being followed, and must belong to whoever runs us, with nobody else having the right to write in it; what is done later is done in
//! that folder, wherever its path leads by then. A file is held to the same. The eyes only read here. Not here: what the texts mean.

use crate::model::system::reason;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use elsewhere::Folder;
#[cfg(unix)]
pub use unix::Folder;

/// Who may read a file of ours. Nobody but its owner may write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Everybody.
    Everybody,
}

/// What could not be done with a file or folder of ours.
#[derive(Debug, Error)]
#[error("{}: cannot {step}: {}", path.display(), reason(cause))]
pub struct OwnError {
    /// The file or the folder.
    pub path: PathBuf,
    /// What was tried, in the infinitive.
    pub step: &'static str,
    /// What the system said, or what is wrong with what is there.
    #[source]
    pub cause: io::Error,
}

impl OwnError {
    pub(crate) fn new(path: &Path, step: &'static str, cause: impl Into<io::Error>) -> Self {
        Self { path: path.to_owned(), step, cause: cause.into() }
    }

    /// True if the file system takes no writing: `/run` or `/var` mounted read-only.
    pub fn is_read_only(&self) -> bool {
        self.cause.kind() == io::ErrorKind::ReadOnlyFilesystem
    }
}
