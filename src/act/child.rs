//! Runs somebody's command in our place: its signals and its end are ours.
//!
//! In: the words of a command. Out: its exit status, as a shell gives it. It has our terminal, our input and output and our environment,
//! less what the docker client told us alone. Signals that ask us to end are handed on to it, and we end when it does. Not here: what is
//! done before and after.

use super::ending::{Endings, SOCKET};
use crate::model::system::reason;
use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitStatus};

/// The exit statuses of env(1) for a command that cannot be started, and for one that is not there.
const CANNOT_START: u8 = 126;
const NOT_THERE: u8 = 127;

/// What tells a plugin that the docker client started it. A command that kept it would take itself for one (docker/cli
/// `cli-plugins/plugin`, `RunningStandalone`), or wait for the same client.
const CLIENTS: [&str; 2] = ["DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", SOCKET];

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; 128 and the number of the signal that ended it; 126 or 127 if it was not started.
    pub status: u8,
    /// Why it was not started.
    pub not_started: Option<io::Error>,
}

impl Ended {
    /// True if it ran and says that all is well.
    pub fn is_well(&self) -> bool {
        self.status == 0
    }

    /// What to say of a command that was not started: `make: no such file or directory`.
    pub fn complaint(&self, program: &OsString) -> Option<String> {
        let error = self.not_started.as_ref()?;
        Some(format!("{}: {}", program.to_string_lossy().escape_debug(), reason(error)))
    }
}

/// Runs a command to its end.
///
/// # Errors
/// It was started, and the system does not say how it ended.
pub fn run(endings: &Endings, program: &OsString, arguments: &[OsString]) -> io::Result<Ended> {
    let mut command = Command::new(program);
    command.args(arguments);
    for name in CLIENTS {
        command.env_remove(name);
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let status = if error.kind() == io::ErrorKind::NotFound { NOT_THERE } else { CANNOT_START };
            return Ok(Ended { status, not_started: Some(error) });
        }
    };
    Ok(Ended { status: code(wait(endings, child)?), not_started: None })
}

/// The status as a shell gives it.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(not(unix))]
fn wait(_: &Endings, mut child: std::process::Child) -> io::Result<ExitStatus> {
    child.wait()
}

#[cfg(unix)]
use unix::wait;

#[cfg(unix)]
mod unix;

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn ended(program: &str) -> Ended {
        run(&Endings::deaf(), &program.into(), &[]).unwrap()
    }

    #[test]
    fn a_command_that_cannot_be_started_ends_as_env_says() {
        let missing = ended("no-such-command-of-any-host");
        assert_eq!((missing.status, missing.is_well()), (127, false));
        let complaint = missing.complaint(&"no-such-command-of-any-host".into());
        assert_eq!(complaint.as_deref(), Some("no-such-command-of-any-host: no such file or directory"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = ended(&file.display().to_string());
        assert_eq!(refused.status, 126);
        assert!(refused.complaint(&file.clone().into()).unwrap().ends_with(": permission denied"));
    }

    #[test]
    fn the_status_of_a_command_is_passed_on() {
        assert!(ended("true").is_well() && ended("true").complaint(&"true".into()).is_none());
        assert_eq!(ended("false").status, 1);
    }
}
