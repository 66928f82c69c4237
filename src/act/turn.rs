//! Whose turn it is to change the lock: one at a time.
//!
//! In: nothing. Out: the turn, given back when it is dropped or when the process ends, however it ends: the kernel keeps it (flock(2)), and
//! no child inherits it. Not here: what is done in it.

use crate::model::kept::{RUNNING, TURN};
use crate::model::system::reason;
use crate::own::{Folder, OwnError};
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long one waits for another to be done.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two tries.
const NAP: Duration = Duration::from_millis(20);

/// Why it is not ours.
#[derive(Debug, Error)]
pub enum TurnError {
    /// Somebody else is at it.
    #[error("another `docker firewall` is changing the lock, and was not done within {} s", PATIENCE.as_secs())]
    Busy,
    /// The folder or the file cannot be used.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// The file cannot be locked.
    #[error("{RUNNING}/{TURN} cannot be locked: {}", reason(.0))]
    Lock(#[source] io::Error),
}

/// The right to change the lock and what is remembered of it.
#[derive(Debug)]
pub struct Turn {
    folder: Folder,
    /// Open, and so locked.
    _file: File,
}

impl Turn {
    /// The folder of what is remembered.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }
}

/// Waits for the turn. `waiting` is called once if somebody else has it.
///
/// # Errors
/// [`TurnError`].
pub fn turn(waiting: impl FnOnce()) -> Result<Turn, TurnError> {
    turn_in(Path::new(RUNNING), PATIENCE, waiting)
}

fn turn_in(folder: &Path, patience: Duration, waiting: impl FnOnce()) -> Result<Turn, TurnError> {
    let folder = Folder::make(folder)?;
    let file = folder.file(TURN)?;
    let mut waiting = Some(waiting);
    let end = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Turn { folder, _file: file }),
            Err(TryLockError::Error(error)) => return Err(TurnError::Lock(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => return Err(TurnError::Busy),
            Err(TryLockError::WouldBlock) => {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
                std::thread::sleep(NAP);
            }
        }
    }
}

/// A turn of a folder of the test's own.
#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used)]
pub(super) fn test_turn(folder: &Path) -> Turn {
    turn_in(folder, tests::SOON, || {}).unwrap()
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::Command;

    /// Long enough for what other tests start at this moment: a child has all descriptors from its birth to its first own step.
    pub(super) const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn the_second_waits_says_so_once_and_has_it_when_the_first_is_done() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let first = test_turn(&folder);
        let mut said = 0;
        let busy = turn_in(&folder, Duration::from_millis(100), || said += 1);
        assert!(matches!(busy, Err(TurnError::Busy)));
        assert_eq!(said, 1);
        let second = std::thread::spawn(move || turn_in(&folder, Duration::from_secs(20), || {}).map(drop));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn a_command_started_meanwhile_does_not_keep_it() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let turn = test_turn(&folder);
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        drop(turn);
        let next = turn_in(&folder, SOON, || {});
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(next.is_ok());
    }

    #[test]
    fn a_holder_that_is_killed_gives_it_back() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        drop(test_turn(&folder));
        let script = "exec 9>\"$0\"; flock 9; exec sleep 30";
        let mut child = Command::new("sh").args(["-c", script]).arg(folder.join(TURN)).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while turn_in(&folder, Duration::ZERO, || {}).is_ok() && Instant::now() < end {
            std::thread::sleep(NAP);
        }
        assert!(matches!(turn_in(&folder, Duration::ZERO, || {}), Err(TurnError::Busy)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(turn_in(&folder, SOON, || {}).is_ok());
    }

    #[test]
    fn a_link_in_its_place_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        drop(test_turn(&folder));
        let victim = parent.path().join("victim");
        std::fs::rename(folder.join(TURN), &victim).unwrap();
        std::os::unix::fs::symlink(&victim, folder.join(TURN)).unwrap();
        let error = turn_in(&folder, Duration::ZERO, || {}).unwrap_err();
        assert!(error.to_string().ends_with("run/turn: cannot open it: it is a link"), "{error}");
    }
}
