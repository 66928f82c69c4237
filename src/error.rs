//! What we tried, with what, and whose move it is.

use crate::model::host::Unread;
use crate::model::system::reason;
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

/// Why a run could not look or act.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The working directory is gone, or may not be read.
    #[error("the current folder cannot be read: {}", reason(.0))]
    WorkingDirectory(#[source] io::Error),
    /// Nothing to look at.
    #[error("no compose file here or in any folder above")]
    NoProject,
    /// Nothing to look at in a folder.
    #[error("no compose file in {} or below it", .0.display())]
    EmptyFolder(PathBuf),
    /// Nobody takes our output.
    #[error("the output cannot be written: {}", reason(.0))]
    Print(#[source] io::Error),
    /// A packet that cannot be as it was asked for.
    #[error("{}", .0)]
    Packet(String),
    /// A part of the host that nobody could look at.
    #[error("not everything could be looked at: {why}")]
    Hidden {
        /// What is hidden, and why.
        why: String,
        /// The command that shows it.
        command: String,
    },
    /// A rule that we do not have.
    #[error("no rule is named {name}")]
    NoSuchRule {
        /// The name that was asked for.
        name: String,
        /// The rule that may have been meant.
        nearest: Option<&'static str>,
    },
    /// A file that we were told to write.
    #[error("{} cannot be written: {}", .path.display(), reason(.source))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that could not be fixed.
    #[error(transparent)]
    Replace(crate::act::write::WriteError),
    /// A saved host that could not be written.
    #[error(transparent)]
    Folder(crate::act::folder::FolderError),
    /// Rules of one machine and an engine of another.
    #[error("the engine is not on this machine: {0}")]
    Elsewhere(String),
    /// A file of ours that we were told to read: a policy or a baseline.
    #[error("{} cannot be read: {reason}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl From<&Unread> for Error {
    fn from(unread: &Unread) -> Self {
        Self::Hidden { why: unread.why.clone(), command: unread.command.clone() }
    }
}

impl Error {
    /// What to do about it, if that is not plain.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NoSuchRule { nearest: Some(rule), .. } => Some(format!("did you mean {rule}?").into()),
            Self::NoSuchRule { nearest: None, .. } => Some("`explain` without a name lists the rules".into()),
            Self::WorkingDirectory(_) => Some("change to another folder".into()),
            Self::NoProject => Some("name a compose file, or a folder to search".into()),
            Self::Elsewhere(_) => Some(
                "run it on the engine's machine, or save that one with `docker firewall snapshot DIR` and use --snapshot".into(),
            ),
            Self::Hidden { command, .. } => Some(format!("`{command}` shows it").into()),
            Self::EmptyFolder(_)
            | Self::Folder(_)
            | Self::Packet(_)
            | Self::Print(_)
            | Self::Replace(_)
            | Self::Write { .. }
            | Self::Read { .. } => None,
        }
    }
}
