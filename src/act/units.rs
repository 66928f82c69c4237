//! Installs the two units of systemd that keep a lock over a restart of the machine, and removes them.
//!
//! In: our own executable. Out: the units in place and enabled, or gone. One loads the standing policy before the engine starts, the other
//! watches. Files that are not ours and units that somebody has masked are left alone. Not here: the standing policy, which must be there
//! first ([`memory`](super::memory)).

use crate::model::system::reason;
use crate::own::{Folder, OwnError, Readers};
use crate::tool::{self, Said};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Loads the standing policy when the machine starts.
pub const LOADER: &str = "docker-firewall.service";
/// Refreshes the lock when the engine or the host firewall change.
pub const WATCHER: &str = "docker-firewall-watch.service";

/// The units, with the path of an executable that stands for ours.
const UNITS: [(&str, &str); 2] = [
    (LOADER, include_str!("../../plugin-metadata/systemd/docker-firewall.service")),
    (WATCHER, include_str!("../../plugin-metadata/systemd/docker-firewall-watch.service")),
];

/// That path.
const EXECUTABLE: &str = "/usr/local/lib/docker/cli-plugins/docker-firewall";

/// How a unit of ours begins.
const MARK: &str = "# Installed by `docker firewall lock --persist`";

/// The folder of the machine's own units, systemd.unit(5).
const FOLDER: &str = "/etc/systemd/system";

/// It is there where systemd runs the machine, sd_booted(3).
const BOOTED: &str = "/run/systemd/system";

/// Why something could not be done with the units.
#[derive(Debug, Error)]
pub enum UnitsError {
    /// Another program starts the services of this machine.
    #[error("systemd does not run this machine: there is nobody who would load the rules when it starts")]
    NoSystemd,
    /// Root would run what others can change.
    #[error("{} cannot be started by systemd: {why}", path.display())]
    Executable {
        /// The executable, or a folder above it.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A unit of our name that we did not write.
    #[error("{} is none of ours, and stays as it is", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be written or removed.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// systemd refused.
    #[error("{0}")]
    Systemctl(String),
}

/// Where units are, and who starts them.
struct Systemd<'a> {
    folder: &'a Path,
    booted: &'a Path,
    ask: &'a dyn Fn(&[&str]) -> Said,
}

/// Those of this machine.
fn here() -> Systemd<'static> {
    Systemd { folder: Path::new(FOLDER), booted: Path::new(BOOTED), ask: &tool::run }
}

/// Installs the units, enables them and starts both. The one that loads waits for our turn, and so nobody waits for it here.
///
/// # Errors
/// What came first, and then what could not be undone: nothing half done stays.
pub fn install(executable: &Path) -> Result<(), Vec<UnitsError>> {
    sound(executable).map_err(|error| vec![error]).and_then(|path| here().install(&path))
}

/// Stops the units, disables and removes them. Not in our turn: a watcher that waits for it would be waited for.
///
/// # Errors
/// All that it met: it goes on after each.
pub fn remove() -> Result<(), Vec<UnitsError>> {
    here().remove()
}

impl Systemd<'_> {
    fn install(&self, executable: &str) -> Result<(), Vec<UnitsError>> {
        self.put_all(executable).map_err(|error| {
            let mut errors = vec![error];
            // What stood in the way is not undone.
            if !matches!(errors[..], [UnitsError::NoSystemd | UnitsError::Foreign { .. }]) {
                errors.extend(self.remove().err().unwrap_or_default());
            }
            errors
        })
    }

    fn put_all(&self, executable: &str) -> Result<(), UnitsError> {
        self.is_booted()?;
        let folder = self.folder()?;
        for (name, _) in UNITS {
            self.is_there(&folder, name)?;
        }
        for (name, text) in UNITS {
            folder.put(name, &text.replace(EXECUTABLE, executable), Readers::Everybody)?;
        }
        self.systemctl(&["daemon-reload"])?;
        self.systemctl(&["enable", LOADER, WATCHER])?;
        self.systemctl(&["restart", "--no-block", LOADER, WATCHER])
    }

    fn remove(&self) -> Result<(), Vec<UnitsError>> {
        let mut errors = Vec::new();
        let mut tried = |done: Result<(), UnitsError>| errors.extend(done.err());
        match self.is_booted().and_then(|()| self.folder()) {
            Ok(folder) => {
                // The watcher first: it would take the other's absence for a loss.
                for (name, _) in UNITS.into_iter().rev() {
                    match self.is_there(&folder, name) {
                        Ok(true) => {
                            tried(self.systemctl(&["disable", "--now", name]));
                            tried(folder.remove(name).map(drop).map_err(UnitsError::from));
                        }
                        Ok(false) => {}
                        Err(error) => tried(Err(error)),
                    }
                }
                tried(self.systemctl(&["daemon-reload"]));
            }
            Err(error) => tried(Err(error)),
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn is_booted(&self) -> Result<(), UnitsError> {
        if self.booted.is_dir() { Ok(()) } else { Err(UnitsError::NoSystemd) }
    }

    fn folder(&self) -> Result<Folder, UnitsError> {
        let opened = Folder::open(self.folder)?;
        opened.ok_or_else(|| OwnError::new(self.folder, "open it", io::Error::from(io::ErrorKind::NotFound)).into())
    }

    /// True if a unit of ours has the name; false: nobody has it.
    fn is_there(&self, folder: &Folder, name: &str) -> Result<bool, UnitsError> {
        match folder.text(name)? {
            None => Ok(false),
            Some(text) if text.starts_with(MARK) => Ok(true),
            Some(_) => Err(UnitsError::Foreign { path: self.folder.join(name) }),
        }
    }

    fn systemctl(&self, words: &[&str]) -> Result<(), UnitsError> {
        match (self.ask)(&[&["systemctl"], words].concat()) {
            Said::Text(_) => Ok(()),
            Said::Missing => Err(UnitsError::Systemctl("this host has no systemctl".to_owned())),
            Said::Failed(why) => Err(UnitsError::Systemctl(why)),
        }
    }
}

/// The executable as a unit names it, if nobody but root can change what root would run there: not the file, and no folder above it.
fn sound(executable: &Path) -> Result<String, UnitsError> {
    let refused = |path: &Path, why: &str| UnitsError::Executable { path: path.to_owned(), why: why.to_owned() };
    if !executable.is_absolute() {
        return Err(refused(executable, "its path does not begin at the root"));
    }
    // Without links: what is looked at is what is started.
    let path = fs::canonicalize(executable).map_err(|error| refused(executable, &reason(&error)))?;
    for part in path.ancestors() {
        let found = fs::symlink_metadata(part).map_err(|error| refused(part, &reason(&error)))?;
        if !is_roots_alone(&found) {
            return Err(refused(part, "others than root may change it"));
        }
    }
    if !fs::metadata(&path).is_ok_and(|found| found.is_file()) {
        return Err(refused(&path, "it is no file"));
    }
    quoted(&path).ok_or_else(|| refused(&path, "its name cannot be written into a unit"))
}

#[cfg(unix)]
fn is_roots_alone(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let may_group = found.mode() & 0o020 != 0 && found.gid() != 0;
    found.uid() == 0 && !may_group && found.mode() & 0o002 == 0
}

#[cfg(not(unix))]
fn is_roots_alone(_: &fs::Metadata) -> bool {
    false
}

/// A path as the first word of a command in a unit: in quotes, with the signs of specifiers doubled, systemd.service(5) and systemd.unit(5).
/// None: systemd takes no such name there (`string_is_safe` in its `basic/string-util.c`), or takes it for a variable.
fn quoted(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    if text.contains(|character: char| character.is_control() || "\"'\\$".contains(character)) {
        return None;
    }
    let is_plain = text.chars().all(|character| character.is_ascii_alphanumeric() || "/._-+".contains(character));
    Some(if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('%', "%%")) })
}

#[cfg(all(test, unix))]
mod tests;
