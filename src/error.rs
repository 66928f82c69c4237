//! What we tried, with what, and whose move it is.

use crate::model::host::Unread;
use crate::model::lock::Refusal;
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
    /// No lock can be made that would hold.
    #[error("{0}; nothing is changed")]
    Plan(Refusal),
    /// A lock was made and does not hold.
    #[error("the lock is in force, and does not hold: {0}")]
    Broken(Refusal),
    /// A lock was made, and nobody could look at the host again to see that it holds.
    #[error("the lock is in force{}, and could not be judged again: {why}", if *.replaces { " in place of the one before" } else { "" })]
    Unjudged {
        /// True if there was another one before, which is gone.
        replaces: bool,
        /// What could not be seen.
        why: String,
        /// The command that says more of it, if there is one.
        command: Option<String>,
    },
    /// The host firewall that a lock obeys is gone: where it had rules, in words.
    #[error("rules of the host firewall are gone, and without them it would be another one: the lock stays as it is{}", if .0.is_empty() { String::new() } else { format!(" (gone: {})", .0) })]
    Stale(String),
    /// Something of our name that we did not make.
    #[error("{0} is there that is none of ours; nothing is changed")]
    Foreign(String),
    /// The right to change the lock was not to be had.
    #[error(transparent)]
    Turn(crate::act::turn::TurnError),
    /// The rules of a lock could not be loaded.
    #[error(transparent)]
    Load(crate::act::load::LoadError),
    /// A table that was made for the lock stays.
    #[error("the empty table {table}, which iptables made for the lock, cannot be taken away: {}", reason(.source))]
    EmptyTable {
        /// Its family and name.
        table: String,
        /// The kernel's word.
        source: io::Error,
    },
    /// What is remembered of the lock cannot be read.
    #[error("what is remembered of the lock cannot be read: {0}")]
    Memory(crate::look::memory::MemoryError),
    /// What is to be remembered of the lock cannot be written.
    #[error("what is to be remembered of the lock cannot be written: {0}")]
    Own(crate::own::OwnError),
    /// The connections of this moment cannot be seen.
    #[error(transparent)]
    Flows(crate::look::flows::FlowsError),
    /// Signals cannot be listened to, or a command cannot be waited for.
    #[error("the command cannot be followed: {}", reason(.0))]
    Signals(#[source] io::Error),
    /// The units of systemd.
    #[error(transparent)]
    Units(crate::act::units::UnitsError),
    /// Our own executable.
    #[error("the program does not know its own file: {}", reason(.0))]
    Executable(#[source] io::Error),
    /// A lock that hangs on the engine's chain cannot be there before the engine.
    #[error(
        "the lock is in force, and is not kept for the next boot: the rules of docker-user hang on a chain that the engine makes"
    )]
    NotAtBoot,
    /// A unit without its policy.
    #[error("no policy is kept for the boot of this machine")]
    NothingKept,
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
            Self::Hidden { command, .. } | Self::Plan(Refusal::Unread(_, command)) => {
                Some(format!("try `{command}`").into())
            }
            Self::Plan(Refusal::NothingToObey) => {
                Some("say what is to be let in (`--allow 443/tcp`), or `--all` to let nothing in".into())
            }
            Self::Broken(_) => Some("the host may have changed meanwhile: lock again".into()),
            Self::Unjudged { command, .. } => Some(unjudged(command.as_deref()).into()),
            Self::Stale(_) => Some(
                "start the firewall again; or say what is to be let in (`--all --allow 443/tcp`); or `docker firewall unlock` first"
                    .into(),
            ),
            Self::Memory(error) => Some(error.hint().into()),
            Self::Flows(error) => Some(format!("`{}` shows them", error.command()).into()),
            Self::NotAtBoot => Some("install nftables, and lock with `--backend nftables`".into()),
            Self::NothingKept => Some("`docker firewall lock --persist` keeps one".into()),
            Self::Plan(_)
            | Self::Foreign(_)
            | Self::Turn(_)
            | Self::Load(_)
            | Self::EmptyTable { .. }
            | Self::Own(_)
            | Self::Signals(_)
            | Self::Units(_)
            | Self::Executable(_)
            | Self::EmptyFolder(_)
            | Self::Folder(_)
            | Self::Packet(_)
            | Self::Print(_)
            | Self::Replace(_)
            | Self::Write { .. }
            | Self::Read { .. } => None,
        }
    }
}

/// What to do about a lock that was not judged again.
fn unjudged(command: Option<&str>) -> String {
    let more = command.map(|command| format!("`{command}` says more; ")).unwrap_or_default();
    format!(
        "{more}`docker firewall status` judges it then, `docker firewall unlock` takes it away; it was proven before it was loaded"
    )
}
