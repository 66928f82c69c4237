//! Files as texts.
//!
//! In: paths. Out: texts under the names that people are to see. Whatever is not a plain file is refused, so that a pipe or a
//! device cannot hold up a run. Not here: what the texts mean.

use crate::model::source::Source;
use crate::read::compose::Texts;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The longest text that is read, in bytes. The longest compose file that we have seen has 0.3 MiB.
pub const LONGEST: u64 = 16 << 20;

/// The name of standard input.
pub const STANDARD_INPUT: &str = "-";

/// The files of this machine.
pub struct Disk {
    working_directory: PathBuf,
    standard_input: OnceLock<Result<Arc<Source>, (io::ErrorKind, String)>>,
}

impl Disk {
    /// Shows the files below `working_directory` by their names relative to it, and all others as they are asked for.
    pub fn new(working_directory: PathBuf) -> Self {
        Self { working_directory, standard_input: OnceLock::new() }
    }

    /// The name under which people see a path: one name for one file, whichever way a project came to it. It leads to the same file:
    /// `..` is folded away only behind a folder, since behind a link it means another place.
    pub fn shown(&self, path: &Path) -> PathBuf {
        let below = path.strip_prefix(&self.working_directory).unwrap_or(path);
        let mut short = PathBuf::new();
        for part in below.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir if self.ends_in_folder(&short) => drop(short.pop()),
                part => short.push(part),
            }
        }
        let short = short.strip_prefix(&self.working_directory).map(Path::to_owned).unwrap_or(short);
        if short.as_os_str().is_empty() { path.to_owned() } else { short }
    }

    /// True if the last part of a path is a folder by its own name, not `..` and not a link.
    fn ends_in_folder(&self, path: &Path) -> bool {
        let is_named = matches!(path.components().next_back(), Some(Component::Normal(_)));
        is_named && self.working_directory.join(path).symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
    }

    /// Standard input can be read once: whoever asks again gets the same text.
    fn standard_input(&self) -> io::Result<Arc<Source>> {
        let read = || match text_of(io::stdin().lock(), LONGEST) {
            Ok(text) => Ok(Source::new(STANDARD_INPUT, text)),
            Err(error) => Err((error.kind(), error.to_string())),
        };
        self.standard_input.get_or_init(read).clone().map_err(|(kind, message)| io::Error::new(kind, message))
    }
}

impl Texts for Disk {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        if path == Path::new(STANDARD_INPUT) {
            return self.standard_input();
        }
        let text = if is_null(path) { String::new() } else { text_of(open(path)?, LONGEST)? };
        Ok(Source::new(self.shown(path), text))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// Opens a plain file; links are followed.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for a pipe, a device or a socket, which is not opened at all.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let metadata = path.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a folder"));
    }
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no plain file; standard input is read by the name -"));
    }
    File::open(path)
}

/// The text of a plain file of at most `longest` bytes; links are followed.
///
/// # Errors
/// What [`open`] says, [`io::ErrorKind::InvalidData`] for what is no text, [`io::ErrorKind::FileTooLarge`].
pub(super) fn text(path: &Path, longest: u64) -> io::Result<String> {
    text_of(open(path)?, longest)
}

/// The way to say "no env file" to Compose: an empty text.
fn is_null(path: &Path) -> bool {
    path == Path::new("/dev/null") || (cfg!(windows) && path.as_os_str().eq_ignore_ascii_case("nul"))
}

fn text_of(reader: impl Read, longest: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        let message = format!("is longer than {} MiB", longest >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let message = format!("is not UTF-8 at byte {}", error.utf8_error().valid_up_to());
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn shown(path: &str) -> String {
        Disk::new("/home/me".into()).shown(Path::new(path)).display().to_string()
    }

    #[test]
    #[cfg(unix)]
    fn files_below_the_working_directory_are_shown_relative_to_it() {
        assert_eq!(shown("/home/me/a/compose.yml"), "a/compose.yml");
        assert_eq!(shown("./compose.yml"), "compose.yml");
        assert_eq!(shown("/home/me/../you/compose.yml"), "../you/compose.yml");
        assert_eq!(shown("/home/meadow/compose.yml"), "/home/meadow/compose.yml");
    }

    #[test]
    #[cfg(unix)]
    fn a_file_has_one_name_unless_a_link_makes_it_another_file() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        std::os::unix::fs::symlink("a/b", root.path().join("link")).unwrap();
        let disk = Disk::new(root.path().into());
        assert_eq!(disk.shown(&root.path().join("a/../x.yml")), Path::new("x.yml"));
        assert_eq!(disk.shown(Path::new("a/b/.././../x.yml")), Path::new("x.yml"));
        assert_eq!(disk.shown(Path::new("../x.yml")), Path::new("../x.yml"));
        assert_eq!(disk.shown(Path::new("link/../x.yml")), Path::new("link/../x.yml"));
    }

    #[test]
    fn a_text_that_is_not_utf8_is_refused_with_the_place() {
        let error = text_of(&b"a: \xff"[..], LONGEST).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (io::ErrorKind::InvalidData, "is not UTF-8 at byte 3"));
    }

    #[test]
    fn a_text_without_end_is_refused() {
        assert_eq!(text_of(io::repeat(b' '), 1 << 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(open(folder.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    #[cfg(unix)]
    fn a_device_is_refused_without_being_opened_and_the_null_device_is_an_empty_text() {
        assert_eq!(open(Path::new("/dev/zero")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(Disk::new("/".into()).read(Path::new("/dev/null")).unwrap().text(), "");
    }
}
