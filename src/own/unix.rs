//! Folders and files with owners and modes.

use super::{OwnError, Readers};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

/// The longest text of ours, in bytes: a policy of 1,000 ports has 0.3 MiB.
const LONGEST: u64 = 64 << 20;

/// A folder of ours.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    descriptor: OwnedFd,
}

impl Folder {
    /// Opens a folder; None: it is not there.
    ///
    /// # Errors
    /// It is a link or no folder, or belongs to or may be written by somebody else.
    pub fn open(path: &Path) -> Result<Option<Self>, OwnError> {
        let failed = |cause: io::Error| OwnError::new(path, "open it", cause);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            // A link to a folder is one of these, by system.
            Err(Errno::LOOP | Errno::NOTDIR | Errno::MLINK) => {
                return Err(failed(wrong("it is no folder; links are not followed")));
            }
            Err(error) => return Err(failed(error.into())),
        };
        let found = rustix::fs::fstat(&descriptor).map_err(|error| failed(error.into()))?;
        is_ours(&found).map_err(failed)?;
        Ok(Some(Self { path: path.to_owned(), descriptor }))
    }

    /// Opens a folder, and makes it for its owner alone if it is not there. The folder above it must be.
    ///
    /// # Errors
    /// As [`open`](Self::open), or it cannot be made.
    pub fn make(path: &Path) -> Result<Self, OwnError> {
        let failed = |cause: io::Error| OwnError::new(path, "make it", cause);
        match rustix::fs::mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            // A file system that takes no writing says so before it looks whether the folder is there.
            Err(Errno::ROFS) if path.is_dir() => {}
            Err(error) => return Err(failed(error.into())),
        }
        Self::open(path)?.ok_or_else(|| failed(io::Error::from(io::ErrorKind::NotFound)))
    }

    /// The text of a file; None: there is no such file.
    ///
    /// # Errors
    /// It is a link or no file, belongs to or may be written by somebody else, or is no text.
    pub fn text(&self, name: &str) -> Result<Option<String>, OwnError> {
        // A pipe would keep us waiting.
        let Some(file) = self.open_file(name, OFlags::RDONLY | OFlags::NONBLOCK)? else { return Ok(None) };
        let mut text = String::new();
        let read = file.take(LONGEST + 1).read_to_string(&mut text);
        read.map_err(|cause| self.failed(name, "read it", cause))?;
        if text.len() as u64 > LONGEST {
            return Err(self.failed(name, "read it", wrong("it is too long to be ours")));
        }
        Ok(Some(text))
    }

    /// Puts a text in the place of a file: readers see the old one or the new one, also after a power cut. Two at once must not put the same
    /// name; who was killed at it leaves a file beside it that the next one removes.
    ///
    /// # Errors
    /// What the system says; the old file stays.
    pub fn put(&self, name: &str, text: &str, readers: Readers) -> Result<(), OwnError> {
        let new = format!(".{name}.new");
        let written = self.write_beside(&new, text, readers).and_then(|()| {
            rustix::fs::renameat(&self.descriptor, &new, &self.descriptor, name).map_err(io::Error::from)?;
            Ok(rustix::fs::fsync(&self.descriptor)?)
        });
        written.map_err(|cause| {
            // After the rename there is none.
            let _ = rustix::fs::unlinkat(&self.descriptor, &new, AtFlags::empty());
            self.failed(name, "write it", cause)
        })
    }

    fn write_beside(&self, new: &str, text: &str, readers: Readers) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.descriptor, new, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.descriptor, new, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(text.as_bytes())?;
        // Not left to the mask of whoever runs us.
        let owner = Mode::RUSR | Mode::WUSR;
        rustix::fs::fchmod(
            &file,
            match readers {
                Readers::Owner => owner,
                Readers::Everybody => owner | Mode::RGRP | Mode::ROTH,
            },
        )?;
        file.sync_all()
    }

    /// Removes a file, or a link in its place; false: it was not there.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, name: &str) -> Result<bool, OwnError> {
        match rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(self.failed(name, "remove it", error)),
        }
    }

    /// Opens a file to lock it, and makes it if it is not there.
    ///
    /// # Errors
    /// It is a link or no file, or belongs to somebody else.
    pub fn file(&self, name: &str) -> Result<File, OwnError> {
        let made = self.open_file(name, OFlags::RDWR | OFlags::CREATE)?;
        made.ok_or_else(|| self.failed(name, "make it", io::Error::from(io::ErrorKind::NotFound)))
    }

    fn open_file(&self, name: &str, flags: OFlags) -> Result<Option<File>, OwnError> {
        let failed = |cause: io::Error| self.failed(name, "open it", cause);
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = match rustix::fs::openat(&self.descriptor, name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::MLINK) => return Err(failed(wrong("it is a link"))),
            Err(error) => return Err(failed(error.into())),
        };
        let found = rustix::fs::fstat(descriptor.as_fd()).map_err(|error| failed(error.into()))?;
        if FileType::from_raw_mode(found.st_mode) != FileType::RegularFile {
            return Err(failed(wrong("it is no plain file")));
        }
        is_ours(&found).map_err(failed)?;
        Ok(Some(File::from(descriptor)))
    }

    fn failed(&self, name: &str, step: &'static str, cause: impl Into<io::Error>) -> OwnError {
        OwnError::new(&self.path.join(name), step, cause)
    }
}

/// Nobody else can have written it.
fn is_ours(found: &Stat) -> io::Result<()> {
    let us = rustix::process::geteuid().as_raw();
    if found.st_uid != us {
        return Err(wrong(&format!("it belongs to user {}, not to user {us}", found.st_uid)));
    }
    if Mode::from_raw_mode(found.st_mode).intersects(Mode::WGRP | Mode::WOTH) {
        return Err(wrong("others than its owner may write it"));
    }
    Ok(())
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    /// A folder of ours in a temporary one.
    fn folder() -> (tempfile::TempDir, Folder) {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::make(&parent.path().join("ours")).unwrap();
        (parent, folder)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_folder_is_made_for_its_owner_alone_and_taken_as_it_is_later() {
        let (parent, folder) = folder();
        assert_eq!(mode(&folder.path), 0o700);
        assert!(Folder::make(&folder.path).is_ok());
        assert!(Folder::open(&parent.path().join("none")).unwrap().is_none());
        assert!(Folder::make(&parent.path().join("none/below")).is_err());
    }

    #[test]
    fn a_folder_that_is_a_link_or_may_be_written_by_others_is_refused() {
        let (parent, folder) = folder();
        let link = parent.path().join("link");
        symlink(&folder.path, &link).unwrap();
        for refused in [Folder::open(&link).map(drop), Folder::make(&link).map(drop)] {
            let text = refused.unwrap_err().to_string();
            assert!(text.ends_with("link: cannot open it: it is no folder; links are not followed"), "{text}");
        }
        fs::set_permissions(&folder.path, Permissions::from_mode(0o770)).unwrap();
        let text = Folder::make(&folder.path).unwrap_err().to_string();
        assert!(text.ends_with("others than its owner may write it"), "{text}");
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        let (_parent, folder) = folder();
        folder.put("text", "ours", Readers::Owner).unwrap();
        if chown(folder.path.join("text"), Some(1234), None).is_err() {
            println!("skipped: to give a file away takes root");
            return;
        }
        let text = folder.text("text").unwrap_err().to_string();
        assert!(text.contains("it belongs to user 1234, not to user 0"), "{text}");
        chown(&folder.path, Some(1234), None).unwrap();
        assert!(Folder::make(&folder.path).is_err());
    }

    #[test]
    fn a_text_is_put_whole_with_its_mode_and_nothing_beside_it() {
        let (_parent, folder) = folder();
        assert_eq!(folder.text("text").unwrap(), None);
        fs::write(folder.path.join(".text.new"), "left by somebody who was killed").unwrap();
        for text in ["one", "two"] {
            folder.put("text", text, Readers::Everybody).unwrap();
            assert_eq!(folder.text("text").unwrap().as_deref(), Some(text));
        }
        assert_eq!(mode(&folder.path.join("text")), 0o644);
        assert_eq!(fs::read_dir(&folder.path).unwrap().count(), 1);
        assert!(folder.remove("text").unwrap() && !folder.remove("text").unwrap());
    }

    #[test]
    fn no_link_is_read_locked_or_written_through() {
        let (parent, folder) = folder();
        let victim = parent.path().join("victim");
        fs::write(&victim, "old").unwrap();
        for name in ["text", ".text.new"] {
            symlink(&victim, folder.path.join(name)).unwrap();
        }
        assert!(folder.text("text").unwrap_err().to_string().ends_with("it is a link"));
        assert!(folder.file("text").is_err());
        folder.put("text", "new", Readers::Owner).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "old");
        assert_eq!(folder.text("text").unwrap().as_deref(), Some("new"));
    }

    #[test]
    fn a_pipe_does_not_keep_us_waiting() {
        let (_parent, folder) = folder();
        let made = std::process::Command::new("mkfifo").arg(folder.path.join("pipe")).status().unwrap();
        assert!(made.success());
        assert!(folder.text("pipe").unwrap_err().to_string().ends_with("it is no plain file"));
    }

    #[test]
    fn a_folder_that_is_renamed_away_is_still_the_one_that_was_opened() {
        let (parent, folder) = folder();
        let moved = parent.path().join("moved");
        fs::rename(&folder.path, &moved).unwrap();
        fs::create_dir(&folder.path).unwrap();
        folder.put("text", "new", Readers::Owner).unwrap();
        assert!(moved.join("text").exists() && !folder.path.join("text").exists());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_leaves_the_old_text() {
        let (_parent, folder) = folder();
        let full = folder.path.join("full");
        fs::create_dir(&full).unwrap();
        let mount =
            |words: &[&str]| std::process::Command::new(words[0]).args(&words[1..]).arg(&full).status().unwrap().success();
        if !mount(&["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "none"]) {
            println!("skipped: to mount takes root");
            return;
        }
        let done = std::panic::catch_unwind(|| {
            let folder = Folder::open(&full).unwrap().unwrap();
            folder.put("text", "old", Readers::Owner).unwrap();
            let error = folder.put("text", &"x".repeat(100_000), Readers::Owner).unwrap_err();
            assert_eq!(error.cause.kind(), io::ErrorKind::StorageFull, "{error}");
            assert_eq!(folder.text("text").unwrap().as_deref(), Some("old"));
            assert_eq!(fs::read_dir(&full).unwrap().count(), 1);
        });
        assert!(mount(&["umount"]));
        done.unwrap();
    }
}
