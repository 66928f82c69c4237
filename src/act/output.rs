//! Writes what a person asked for by name: a report, a baseline.

use super::write::keep_owner_and_mode;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What writes the text of a file.
pub type Text<'a> = &'a dyn Fn(&mut dyn Write) -> io::Result<()>;

/// Puts a text into a file, whole: its readers see the old text or the new one, never a part. An existing file keeps its mode and, for
/// root, its owner; a pipe or a device is written to; a link is not followed.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for a link.
pub fn put(path: &Path, text: Text) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "is a link, and links are not followed"))
        }
        Ok(metadata) if metadata.is_file() => replace(path, Some(&metadata), text),
        Ok(_) => fill(&OpenOptions::new().write(true).open(path)?, text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(path, None, text),
        Err(error) => Err(error),
    }
}

fn replace(path: &Path, old: Option<&fs::Metadata>, text: Text) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(old) = old else {
        let new = new_in(folder)?;
        fill(new.as_file(), text)?;
        new.persist_noclobber(path)?;
        return Ok(());
    };
    // Nobody else may read it before it is known who may.
    let new = tempfile::NamedTempFile::new_in(folder)?;
    keep_owner_and_mode(new.as_file(), old)?;
    fill(new.as_file(), text)?;
    new.persist(path)?;
    Ok(())
}

/// A file under a name that nobody looks for, with the mode that any new file has: others may read it.
#[cfg(unix)]
fn new_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    tempfile::Builder::new().permissions(mode).tempfile_in(folder)
}

#[cfg(not(unix))]
fn new_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::NamedTempFile::new_in(folder)
}

fn fill(file: &File, text: Text) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    text(&mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_is_made_and_then_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        put(&path, &|out| out.write_all(b"one, and longer")).unwrap();
        put(&path, &|out| out.write_all(b"two")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_new_file_has_the_mode_of_any_other_and_is_never_there_in_part() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("ports.prom"), folder.path().join("other"));
        fs::write(&other, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        let failed = put(&path, &|out| {
            out.write_all(b"half")?;
            assert!(!path.exists(), "not before it is whole");
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err() && !path.exists());
        put(&path, &|out| out.write_all(b"whole")).unwrap();
        assert_eq!((fs::read(&path).unwrap().as_slice(), mode(&path)), (&b"whole"[..], mode(&other)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_is_replaced_keeps_its_owner_and_is_never_open_to_more_people() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        // For root alone.
        let _ = chown(&path, Some(1234), Some(4321));
        let found = fs::metadata(&path).unwrap();
        put(&path, &|out| {
            let modes = fs::read_dir(folder.path())?.map(|entry| Ok(entry?.metadata()?.mode() & 0o777));
            assert_eq!(modes.collect::<io::Result<Vec<_>>>()?, [0o600, 0o600]);
            out.write_all(b"new")
        })
        .unwrap();
        let now = fs::metadata(&path).unwrap();
        assert_eq!((now.uid(), now.gid(), now.mode()), (found.uid(), found.gid(), found.mode()));
        assert_ne!(now.ino(), found.ino(), "it was written in place");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_not_followed_and_a_device_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(put(&link, &|out| out.write_all(b"lost")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(fs::read(&target).unwrap(), b"kept");
        put(Path::new("/dev/null"), &|out| out.write_all(b"gone")).unwrap();
    }
}
