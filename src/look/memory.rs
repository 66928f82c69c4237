//! What is remembered of a lock, and the policy that waits for the next start of the machine.
//!
//! In: nothing; the files have their places. Out: values, or nothing where nothing is kept. A file that somebody else could have written is
//! refused. Not here: which of two memories is in force; the kernel's rules say that.

use crate::model::kept::{self, Memories, RUNNING, STANDING, Standing};
use crate::own::{Folder, OwnError};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a file of ours says nothing.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// It cannot be read, or is not ours.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// It is ours by its place and owner, and its text is not.
    #[error("{} {why}", path.display())]
    Garbled {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the end of a sentence about it.
        why: String,
    },
}

impl MemoryError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let path = match self {
            Self::Own(error) => &error.path,
            Self::Garbled { path, .. } => path,
        };
        let path = path.display();
        format!(
            "look at {path}; with it moved away, `docker firewall lock` makes it anew, and the rules in force stay until then"
        )
    }
}

/// What is remembered of the lock; without a lock, nothing.
///
/// # Errors
/// [`MemoryError`].
pub fn memories() -> Result<Memories, MemoryError> {
    Ok(read(Path::new(RUNNING), kept::LOCK)?.unwrap_or_default())
}

/// The policy that is put in force when the machine starts; None: there is none.
///
/// # Errors
/// [`MemoryError`].
pub fn standing() -> Result<Option<Standing>, MemoryError> {
    read(Path::new(STANDING), kept::POLICY)
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, MemoryError> {
    let Some(opened) = Folder::open(folder)? else { return Ok(None) };
    let Some(text) = opened.text(name)? else { return Ok(None) };
    kept::read(&text).map(Some).map_err(|why| MemoryError::Garbled { path: folder.join(name), why })
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn where_nothing_is_kept_nothing_is_read() {
        let parent = tempfile::tempdir().unwrap();
        assert_eq!(read::<Memories>(&parent.path().join("none"), "lock.json").unwrap(), None);
        assert_eq!(read::<Memories>(parent.path(), "lock.json").unwrap(), None);
    }

    #[test]
    fn a_file_that_is_not_as_we_left_it_is_an_error_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lock.json");
        for (text, mode, words) in [
            ("{}", 0o600, "lock.json is no file of docker-firewall"),
            ("{\"form\":1,\"memories\":[]}", 0o666, "lock.json: cannot open it: others than its owner may write it"),
        ] {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let error = read::<Memories>(folder.path(), "lock.json").unwrap_err();
            assert!(error.to_string().ends_with(words), "{error}");
            assert!(error.hint().starts_with(&format!("look at {}; ", file.display())), "{}", error.hint());
        }
    }
}
