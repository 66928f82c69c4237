//! Replaces a file whole: its readers see the old text or the new one, never a part.
//!
//! In: the path, the text that was read and the text that is to stand there. Out: the file replaced, or an error with everything as
//! it was. Not here: what the new text is, and whether it is any good.
//!
//! The new text goes to a temporary file in the same folder, is flushed to the disk and renamed over the old file. Permission bits
//! stay; owner and group stay where the system lets us (always, or it is an error, for root). Access control lists, extended
//! attributes and times are those of a new file. A file with several names (hard links) is refused: a rename would take one name away
//! from the others. A symbolic link stays a link: its target is replaced, if that lies inside the tree.

use crate::model::system::reason;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a file was not replaced. The file is as it was, and nothing else is left behind.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The system refused a step.
    #[error("{} stays as it is: cannot {step}: {}", path.display(), reason(cause))]
    System {
        /// The file.
        path: PathBuf,
        /// What was tried, in the infinitive.
        step: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// The path leads out of the tree.
    #[error("{} leads to {}, outside {}: links are not followed out of the tree", path.display(), target.display(), root.display())]
    Outside {
        /// The file.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
        /// The tree.
        root: PathBuf,
    },
    /// A folder, a pipe, a device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Somebody else wrote it in the meantime.
    #[error("{} has changed since it was read: check it again", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file has other names.
    #[error("{} has {names} names (hard links), and a replacement would reach this one only: edit it by hand", path.display())]
    SeveralNames {
        /// The file.
        path: PathBuf,
        /// How many names it has.
        names: u64,
    },
}

/// Puts `after` in the place of `before` in the file at `path`, which must lie in the folder `root` once all links are followed.
///
/// # Errors
/// [`WriteError`]; the file is as it was then, and no temporary file is left. Other files are no concern of this call: go on with them.
pub fn replace(root: &Path, path: &Path, before: &str, after: &str) -> Result<(), WriteError> {
    let failed = |step| move |cause| WriteError::System { path: path.to_owned(), step, cause };
    let target = resolve(root, path)?;
    let found = regular_file(path, &target)?;
    unchanged(path, &target, &found, before)?;

    let folder = target.parent().unwrap_or(root);
    let mut new = temporary_file(folder, &target).map_err(failed("make a file beside it"))?;
    new.write_all(after.as_bytes()).map_err(failed("write a file beside it"))?;
    keep_owner_and_mode(new.as_file(), &found).map_err(failed("keep its owner and mode"))?;
    new.as_file().sync_all().map_err(failed("flush a file to the disk"))?;

    still_there(root, path, &target, &found)?;
    new.persist(&target).map_err(|error| failed("replace it")(error.error))?;
    sync_folder(folder);
    Ok(())
}

/// The file behind all links of `path`.
fn resolve(root: &Path, path: &Path) -> Result<PathBuf, WriteError> {
    let failed = |step| move |cause| WriteError::System { path: path.to_owned(), step, cause };
    let target = fs::canonicalize(path).map_err(failed("find it"))?;
    let root = fs::canonicalize(root).map_err(failed("find the folder of its tree"))?;
    if target.starts_with(&root) { Ok(target) } else { Err(WriteError::Outside { path: path.to_owned(), target, root }) }
}

/// What the system says of the file, if it is one that can be replaced. Looked at before it is opened: a pipe would block.
fn regular_file(path: &Path, target: &Path) -> Result<Metadata, WriteError> {
    let found =
        fs::symlink_metadata(target).map_err(|cause| WriteError::System { path: path.to_owned(), step: "look at it", cause })?;
    if !found.is_file() {
        return Err(WriteError::NotAFile { path: path.to_owned() });
    }
    match names(&found) {
        0 | 1 => Ok(found),
        names => Err(WriteError::SeveralNames { path: path.to_owned(), names }),
    }
}

/// Checks that the file is still the one that was looked at, and still holds the text that was read.
fn unchanged(path: &Path, target: &Path, found: &Metadata, before: &str) -> Result<(), WriteError> {
    let failed = |step| move |cause| WriteError::System { path: path.to_owned(), step, cause };
    let mut old = File::open(target).map_err(failed("open it"))?;
    let opened = old.metadata().map_err(failed("look at it"))?;
    let mut bytes = Vec::with_capacity(before.len());
    old.read_to_end(&mut bytes).map_err(failed("read it"))?;
    let is_same = identity(&opened) == identity(found) && bytes == before.as_bytes();
    if is_same { Ok(()) } else { Err(WriteError::Changed { path: path.to_owned() }) }
}

/// Looks again, just before the rename: the path must lead to the same file, untouched. What is left of the race is the time between
/// this look and the rename; to close it takes calls that the standard library does not offer.
fn still_there(root: &Path, path: &Path, target: &Path, found: &Metadata) -> Result<(), WriteError> {
    let now = resolve(root, path)?;
    let is_same = now == target && identity(&regular_file(path, target)?) == identity(found);
    if is_same { Ok(()) } else { Err(WriteError::Changed { path: path.to_owned() }) }
}

/// A new file that only we may read, removed on drop, hidden from globs.
fn temporary_file(folder: &Path, target: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".");
    tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(folder)
}

#[cfg(unix)]
fn names(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

#[cfg(not(unix))]
fn names(_: &Metadata) -> u64 {
    1
}

/// What tells a file from another one, and from itself after a change.
#[cfg(unix)]
fn identity(found: &Metadata) -> impl PartialEq + use<> {
    use std::os::unix::fs::MetadataExt as _;
    (found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec())
}

#[cfg(not(unix))]
fn identity(found: &Metadata) -> impl PartialEq + use<> {
    (found.len(), found.modified().ok())
}

/// Gives a new file the owner and the mode of another one. Owner first: a change of owner clears bits of the mode (chown(2)).
#[cfg(unix)]
pub(super) fn keep_owner_and_mode(new: &File, found: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (found.uid(), found.gid()) {
        let kept = fchown(new, Some(found.uid()), Some(found.gid()));
        let is_root = made.uid() == 0;
        if is_root {
            kept?;
        } else if kept.is_err() && made.gid() != found.gid() {
            // Another's file in a folder of ours: as with git and editors the new file is ours. Its group may still be kept.
            let _ = fchown(new, None, Some(found.gid()));
        }
    }
    new.set_permissions(found.permissions())
}

#[cfg(not(unix))]
pub(super) fn keep_owner_and_mode(new: &File, found: &Metadata) -> io::Result<()> {
    new.set_permissions(found.permissions())
}

/// Makes the rename last through a power cut. Its failure changes nothing for the readers, and not every file system can do it.
#[cfg(unix)]
fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tree() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("compose.yaml");
        fs::write(&file, "old").unwrap();
        (folder, file)
    }

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left_in_its_folder() {
        let (folder, file) = tree();
        replace(folder.path(), &file, "old", "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn a_file_that_changed_since_it_was_read_is_left_alone() {
        let (folder, file) = tree();
        let error = replace(folder.path(), &file, "older", "new").unwrap_err();
        assert!(matches!(error, WriteError::Changed { .. }), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(entries(folder.path()), 1);
    }

    #[test]
    fn a_path_that_climbs_out_of_the_tree_is_refused() {
        let (folder, file) = tree();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let error = replace(&inner, &inner.join("../compose.yaml"), "old", "new").unwrap_err();
        assert!(matches!(error, WriteError::Outside { .. }), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    }

    #[test]
    fn a_folder_and_a_missing_file_are_refused() {
        let (folder, _) = tree();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        assert!(matches!(replace(folder.path(), &inner, "", "new"), Err(WriteError::NotAFile { .. })));
        let missing = folder.path().join("none.yaml");
        let error = replace(folder.path(), &missing, "", "new").unwrap_err();
        assert!(error.to_string().contains("none.yaml stays as it is: cannot find it: no such file"), "{error}");
        assert!(!missing.exists());
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

        #[test]
        fn the_mode_and_the_owner_stay() {
            let (folder, file) = tree();
            let may_chown = chown(&file, Some(1234), Some(4321)).is_ok();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
            let found = fs::metadata(&file).unwrap();
            replace(folder.path(), &file, "old", "new").unwrap();
            let now = fs::metadata(&file).unwrap();
            assert_eq!(now.mode(), found.mode());
            assert_eq!((now.uid(), now.gid()), (found.uid(), found.gid()));
            assert_eq!(may_chown, now.uid() == 1234);
            assert_ne!(now.ino(), found.ino(), "it was written in place");
        }

        #[test]
        fn a_link_inside_the_tree_stays_a_link_and_its_target_is_replaced() {
            let (folder, file) = tree();
            let link = folder.path().join("link.yaml");
            symlink("compose.yaml", &link).unwrap();
            replace(folder.path(), &link, "old", "new").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        }

        #[test]
        fn a_link_that_leads_out_of_the_tree_is_refused() {
            let (folder, file) = tree();
            let inner = folder.path().join("inner");
            fs::create_dir(&inner).unwrap();
            symlink(&file, inner.join("file.yaml")).unwrap();
            symlink(folder.path(), inner.join("folder")).unwrap();
            for path in ["file.yaml", "folder/compose.yaml"] {
                let error = replace(&inner, &inner.join(path), "old", "new").unwrap_err();
                assert!(error.to_string().contains("links are not followed out of the tree"), "{error}");
            }
            assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        }

        #[test]
        fn a_file_with_a_second_name_is_refused() {
            let (folder, file) = tree();
            fs::hard_link(&file, folder.path().join("second.yaml")).unwrap();
            let error = replace(folder.path(), &file, "old", "new").unwrap_err();
            assert!(matches!(error, WriteError::SeveralNames { names: 2, .. }), "{error}");
            assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        }

        #[test]
        #[cfg(target_os = "linux")]
        fn a_folder_that_takes_no_new_file_is_an_error_that_says_so() {
            let path = Path::new("/proc/version");
            let before = fs::read_to_string(path).unwrap();
            let error = replace(Path::new("/proc"), path, &before, "new").unwrap_err();
            assert!(error.to_string().starts_with("/proc/version stays as it is: cannot make a file beside it: "), "{error}");
        }
    }
}
