//! What a run is to do: decided, checked, and nothing done yet.

pub use super::arguments::{CheckFormat, Color, PortsFormat, RulesFormat, TraceFormat};
use super::docker;
use crate::model::finding::Level;
use crate::model::lock::Backend;
use crate::model::packet::Target;
use crate::model::policy::Allowance;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One run.
#[derive(Debug)]
pub struct Job {
    /// The docker client's flags.
    pub docker: docker::Flags,
    /// The task.
    pub task: Task,
}

/// What to do.
#[derive(Debug)]
pub enum Task {
    /// List the ports that a project publishes.
    Ports(Ports),
    /// List the ports that a host publishes.
    HostPorts(HostPorts),
    /// Look for findings.
    Check(Box<Check>),
    /// Follow a packet.
    Trace(Trace),
    /// Save what is seen of a host.
    Snapshot(Snapshot),
    /// Print the rules of a lock.
    Rules(Rules),
    /// Lock published ports.
    Lock(Box<Lock>),
    /// Take the lock away.
    Unlock(Unlock),
    /// Say whether there is a lock, and whether it holds.
    Status(Status),
    /// Say what the rules are about.
    Explain(Explain),
    /// Print the completion script of a shell.
    Completion(clap_complete::Shell),
    /// Answer the docker client's completion: the words after the plugin's name, the last one unfinished.
    Complete(Vec<OsString>),
    /// Tell the docker client who we are.
    Metadata,
}

/// List the ports that a project publishes.
#[derive(Debug)]
pub struct Ports {
    /// How to load.
    pub loading: Loading,
    /// How to print.
    pub format: ProjectFormat,
    /// A file to print to; None: stdout.
    pub output: Option<PathBuf>,
    /// When to colour.
    pub color: Color,
}

/// How to print what a project publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectFormat {
    /// Columns for people.
    Table,
    /// An array, one object a binding.
    Json,
}

/// List the ports that a host publishes.
#[derive(Debug)]
pub struct HostPorts {
    /// The host.
    pub eyes: Eyes,
    /// How to print.
    pub format: PortsFormat,
    /// A file to print to; None: stdout.
    pub output: Option<PathBuf>,
    /// When to colour.
    pub color: Color,
}

/// Say what the rules are about.
#[derive(Debug)]
pub struct Explain {
    /// The rule whose page is printed; None: all are listed.
    pub rule: Option<String>,
    /// When to colour.
    pub color: Color,
}

/// Follow a packet.
#[derive(Debug)]
pub struct Trace {
    /// The sender; None: somebody outside.
    pub from: Option<IpAddr>,
    /// The interface that it enters by; None: the one that leads to the sender.
    pub interface: Option<String>,
    /// Whom it is sent to.
    pub to: Target,
    /// The host.
    pub eyes: Eyes,
    /// How to print.
    pub format: TraceFormat,
    /// When to colour.
    pub color: Color,
}

/// Save what is seen of a host.
#[derive(Debug)]
pub struct Snapshot {
    /// The host.
    pub host: Eyes,
    /// The folder to write.
    pub folder: PathBuf,
}

/// Print the rules of a lock.
#[derive(Debug)]
pub struct Rules {
    /// The host.
    pub eyes: Eyes,
    /// What is to be let in.
    pub wish: Wish,
    /// In whose words; None: those of the engine's own chain where it has one.
    pub format: Option<RulesFormat>,
}

/// Lock published ports.
#[derive(Debug)]
pub struct Lock {
    /// The host.
    pub eyes: Eyes,
    /// What is to be done.
    pub deed: Deed,
}

/// What a lock is made for.
#[derive(Debug)]
pub enum Deed {
    /// Saying what would be done.
    Show(Terms),
    /// Being in force, for each boot where it is to persist.
    Hold {
        /// What is wanted of it.
        terms: Terms,
        /// True if open connections to refused ports are ended.
        cuts: bool,
        /// True if it is to be there at every boot.
        persists: bool,
    },
    /// Running a command under it.
    Shelter {
        /// What is wanted of it.
        terms: Terms,
        /// True if open connections to refused ports are ended.
        cuts: bool,
        /// The command and its arguments, at least one word.
        command: Vec<OsString>,
    },
    /// Being there before the engine is: what was kept is loaded.
    Stand,
    /// Being made anew at each change, until it is stopped.
    Keep,
}

/// What is wanted of a lock.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What is to be let in.
    pub wish: Wish,
    /// In whose rules; None: nftables where nft is there.
    pub backend: Option<Backend>,
    /// How long it lasts; None: until it is taken away.
    pub lasts: Option<Duration>,
}

/// What is let in besides what the host firewall permits.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What the command line lets in.
    pub allow: Vec<Allowance>,
    /// True: nothing is let in on the host firewall's word.
    pub all: bool,
    /// A policy file in place of the one of the working directory.
    pub policy: Option<PathBuf>,
    /// Compose files whose intents count; none named: none count.
    pub loading: Loading,
}

/// Take the lock away.
#[derive(Debug)]
pub struct Unlock {
    /// The host.
    pub eyes: Eyes,
    /// True if it is to stay away at boot.
    pub persists: bool,
}

/// Say whether there is a lock, and whether it holds.
#[derive(Debug)]
pub struct Status {
    /// The host.
    pub eyes: Eyes,
    /// How to print.
    pub format: TraceFormat,
}

/// Look for findings.
#[derive(Debug)]
pub struct Check {
    /// Which files to look at.
    pub subject: Subject,
    /// Which host to look at.
    pub host: Option<Eyes>,
    /// How to load.
    pub loading: Loading,
    /// A policy file in place of the ones beside the compose files.
    pub policy: Option<PathBuf>,
    /// Which findings are accepted already.
    pub baseline: Baseline,
    /// What to do with what is found.
    pub purpose: Purpose,
    /// How to print.
    pub format: CheckFormat,
    /// A file to print to; None: stdout.
    pub output: Option<PathBuf>,
    /// The lowest level that makes the run fail; None: none does.
    pub fail_on: Option<Level>,
    /// Findings only.
    pub quiet: bool,
    /// When to colour.
    pub color: Color,
}

/// The file of accepted findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// The one in the working directory, if it is there.
    Here,
    /// This one.
    At(PathBuf),
    /// None.
    Nothing,
}

/// Which host is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Eyes {
    /// This one, and the engine that the docker client's flags name.
    Here(docker::Flags),
    /// The one that was saved in this folder.
    Saved(PathBuf),
}

/// Which files a check looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The project of the working directory, if there is one.
    ProjectIfAny,
    /// The project of the files given by `-f`.
    Project,
    /// Each of these files, and the compose files below each of these folders.
    Paths(Vec<PathBuf>),
}

/// What a check does with its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Prints them.
    Report,
    /// Shows the fixes as a patch.
    Diff,
    /// Writes the fixes, and prints what is left.
    Fix,
    /// Accepts them: writes them to this file.
    Accept(PathBuf),
    /// Prints them, and then what changes on the host, until it is stopped.
    Watch,
}

/// How to load a project: the options of `docker compose`.
#[derive(Clone, Debug, Default)]
pub struct Loading {
    /// `-f`
    pub files: Vec<PathBuf>,
    /// `--env-file`
    pub env_files: Vec<PathBuf>,
    /// `--profile`
    pub profiles: Vec<String>,
    /// `--all-profiles`
    pub all_profiles: bool,
    /// `--project-directory`
    pub project_directory: Option<PathBuf>,
    /// `-p`
    pub project_name: Option<String>,
}
