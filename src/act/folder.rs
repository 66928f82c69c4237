//! Writes a saved host: a folder of its own with one file a text.
//!
//! In: the folder and the texts by file name. Out: the folder as it is to be, readable for its owner alone. No link is followed on the way
//! into it: a folder that is a link is refused, and each file is made beside its place and renamed into it. A folder of somebody else, or
//! one that holds anything else, is refused before anything is written. Not here: what the texts are.

use crate::model::snapshot::{FILES, Snapshot};
use crate::model::system::reason;
use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a folder was not written.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The system refused a step.
    #[error("{} cannot be written: cannot {step}: {}", path.display(), reason(cause))]
    System {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What was tried, in the infinitive.
        step: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// A file, a link, a device.
    #[error("{} is no folder; links are not followed", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// It belongs to somebody else, who could read what is put there.
    #[error("{} belongs to another user", path.display())]
    Others {
        /// The folder.
        path: PathBuf,
    },
    /// It holds something that is not a saved host's.
    #[error("{} is no saved host: it holds {}", path.display(), Path::new(entry).display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What was found in it.
        entry: std::ffi::OsString,
    },
}

/// How the names of files begin that are not finished.
const UNFINISHED: &str = ".snapshot.";

/// Makes the folder, or takes one that is empty or a saved host, and puts the texts into it. Files of an older saved host go.
///
/// # Errors
/// [`FolderError`]; if the system refused a step, some of the files may be written.
pub fn save(folder: &Path, snapshot: &Snapshot) -> Result<(), FolderError> {
    let failed = |step| move |cause| FolderError::System { path: folder.to_owned(), step, cause };
    match make(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let leftovers = is_ours(folder)?;
            close(folder).map_err(failed("keep others out of it"))?;
            for path in leftovers {
                fs::remove_file(&path).map_err(|cause| FolderError::System { path, step: "remove what is left of it", cause })?;
            }
        }
        Err(error) => return Err(failed("make it")(error)),
    }
    for (name, _) in FILES {
        let path = folder.join(name);
        match snapshot.files.get(name) {
            Some(text) => write(folder, &path, text).map_err(|cause| FolderError::System { path, step: "write it", cause })?,
            None => match fs::remove_file(&path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(FolderError::System { path, step: "remove the older file", cause });
                }
                _ => {}
            },
        }
    }
    Ok(())
}

/// Makes a folder for its owner alone.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a folder one for its owner alone.
#[cfg(unix)]
fn close(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
fn close(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Checks that a folder is one, is the user's own, and holds nothing but files of a saved host. What a run that was ended left of such is
/// handed back.
fn is_ours(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let failed = |step| move |cause| FolderError::System { path: folder.to_owned(), step, cause };
    let found = fs::symlink_metadata(folder).map_err(failed("look at it"))?;
    if !found.is_dir() {
        return Err(FolderError::NotAFolder { path: folder.to_owned() });
    }
    if is_of_somebody_else(&found).map_err(failed("find out whose it is"))? {
        return Err(FolderError::Others { path: folder.to_owned() });
    }
    let mut leftovers = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed("look into it"))? {
        let entry = entry.map_err(failed("look into it"))?;
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let name = entry.file_name();
        let has = |is_it: &dyn Fn(&str) -> bool| is_file && name.to_str().is_some_and(is_it);
        if has(&|name| name.starts_with(UNFINISHED)) {
            leftovers.push(entry.path());
        } else if !has(&|name| FILES.iter().any(|(known, _)| *known == name)) {
            return Err(FolderError::Foreign { path: folder.to_owned(), entry: name });
        }
    }
    Ok(leftovers)
}

/// Whose a file is that this process makes, against whose the folder is.
#[cfg(unix)]
fn is_of_somebody_else(found: &fs::Metadata) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(tempfile::tempfile()?.metadata()?.uid() != found.uid())
}

#[cfg(not(unix))]
fn is_of_somebody_else(_: &fs::Metadata) -> io::Result<bool> {
    Ok(false)
}

/// Puts a text in the place of a file; a link there is replaced, not followed. The temporary file is for its owner alone, and stays so.
fn write(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn snapshot(files: &[(&str, &str)]) -> Snapshot {
        Snapshot { files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect() }
    }

    #[test]
    fn a_saved_host_replaces_an_older_one_whole() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("host");
        save(&folder, &snapshot(&[("ss.txt", "old"), ("info.json", "{}")])).unwrap();
        save(&folder, &snapshot(&[("ss.txt", "new")])).unwrap();
        assert_eq!(fs::read_to_string(folder.join("ss.txt")).unwrap(), "new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_with_anything_else_in_it_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let error = save(folder.path(), &snapshot(&[("ss.txt", "new")])).unwrap_err();
        assert!(error.to_string().ends_with("is no saved host: it holds notes.txt"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_run_that_was_ended_left_behind_is_cleared_away() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".snapshot.Xy12ab"), "half").unwrap();
        save(folder.path(), &snapshot(&[("ss.txt", "new")])).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::create_dir(folder.path().join(".snapshot.folder")).unwrap();
        assert!(matches!(save(folder.path(), &Snapshot::default()), Err(FolderError::Foreign { .. })));
    }

    #[test]
    fn a_folder_without_a_parent_is_an_error_that_says_so() {
        let parent = tempfile::tempdir().unwrap();
        let error = save(&parent.path().join("a/b"), &Snapshot::default()).unwrap_err();
        assert!(error.to_string().ends_with("b cannot be written: cannot make it: no such file or directory"), "{error}");
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

        #[test]
        fn a_saved_host_is_for_its_owner_alone() {
            let parent = tempfile::tempdir().unwrap();
            let folder = parent.path().join("host");
            save(&folder, &snapshot(&[("ss.txt", "text")])).unwrap();
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&folder), mode(&folder.join("ss.txt"))), (0o700, 0o600));
        }

        #[test]
        fn a_folder_that_is_there_is_closed_to_others_and_one_of_somebody_else_is_refused() {
            let parent = tempfile::tempdir().unwrap();
            let folder = parent.path().join("host");
            fs::create_dir(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
            save(&folder, &snapshot(&[("ss.txt", "text")])).unwrap();
            assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
            let others = if chown(&folder, Some(1234), None).is_ok() { folder } else { PathBuf::from("/") };
            let error = save(&others, &snapshot(&[("ss.txt", "newer")])).unwrap_err();
            assert!(error.to_string().ends_with(" belongs to another user"), "{error}");
        }

        #[test]
        fn no_link_is_followed() {
            let parent = tempfile::tempdir().unwrap();
            let (target, link) = (parent.path().join("target"), parent.path().join("link"));
            fs::create_dir(&target).unwrap();
            symlink(&target, &link).unwrap();
            let error = save(&link, &snapshot(&[("ss.txt", "text")])).unwrap_err();
            assert!(matches!(error, FolderError::NotAFolder { .. }), "{error}");
            fs::write(parent.path().join("victim"), "old").unwrap();
            symlink(parent.path().join("victim"), target.join("ss.txt")).unwrap();
            assert!(matches!(save(&target, &snapshot(&[("ss.txt", "text")])), Err(FolderError::Foreign { .. })));
            assert_eq!(fs::read_to_string(parent.path().join("victim")).unwrap(), "old");
        }
    }
}
