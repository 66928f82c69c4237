//! Our own arguments, as clap reads them: the help, the man pages and the completion scripts are made from this.
//!
//! Out: what was typed. What it means to do is a [`super::job::Job`].

mod lock;

pub use lock::{LockBackend, RulesFormat};

pub(super) use lock::{Lock, Rules, Status, Unlock, Wish};

use crate::judge::baseline::FILE_NAME;
use crate::model::packet::Target;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::net::IpAddr;
use std::path::PathBuf;

/// Find the published ports of compose files that are open to more than was meant
///
/// Docker writes its own packet filter rules: a port in a compose file is open to the network even where ufw or firewalld say
/// no. This reads compose files as Compose does, says which ports are published, where and why, and mends them.
#[derive(Debug, Parser)]
#[command(name = "docker-firewall", disable_version_flag = true, disable_help_subcommand = true)]
#[command(after_help = "The docker client's own options (--context, --host, --config ...) may stand before the command.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Ports(Ports),
    Check(Box<Check>),
    Trace(Trace),
    Snapshot(Snapshot),
    Rules(Rules),
    Lock(Box<Lock>),
    Unlock(Unlock),
    Status(Status),
    Explain(Explain),
    Completion(Completion),
    /// Print this, or the help of a command
    Help {
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
}

/// List the ports that a compose project or a host publishes
///
/// Of a project: what Compose would ask the engine to publish, one line a binding, after variables, overrides, `extends`, `include` and
/// profiles. An entry that Compose refuses is left out and named on stderr; the exit status is then 2.
///
/// Of a host (--host, --snapshot): what its engine has opened; what the host firewall means for each port; what is real, for v4 and for
/// v6; and why. What could not be looked at is named on stderr; the exit status is then 2.
#[derive(Debug, Args)]
pub(super) struct Ports {
    /// List what this host publishes, and what its firewall makes of it
    #[arg(long, conflicts_with_all = COMPOSE_OPTIONS)]
    pub(super) host: bool,
    /// List what a saved host publishes
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "host", conflicts_with_all = COMPOSE_OPTIONS)]
    pub(super) snapshot: Option<PathBuf>,
    /// How to print the list
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: PortsFormat,
    /// Print to FILE, not to stdout; its readers see the old text or the new one, never a part
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) output: Option<PathBuf>,
    #[command(flatten)]
    pub(super) look: Look,
    #[command(flatten)]
    pub(super) loading: Loading,
}

/// Check this host and compose files for ports that are open to more than was meant
///
/// Without FILE or DIR, the host is checked: its running containers against its filter rules; and the compose project of the current
/// folder, if there is one. With FILE or DIR, only these are, unless --host or --snapshot asks what they would open on a host. Each FILE is checked as `docker compose -f FILE` would load it; a compose.override.yaml is loaded with the base file beside it.
/// A DIR is searched for compose files as git sees it: what git ignores is skipped.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing found at or above --fail-on, 1 something found, 2 something could not be read or written."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(super) struct Check {
    /// Compose files, or folders to search for them
    #[arg(value_name = "FILE|DIR", value_hint = ValueHint::AnyPath, conflicts_with = "files")]
    pub(super) paths: Vec<PathBuf>,
    /// Judge what the files publish on this host, as its engine would open it
    #[arg(long, conflicts_with = "snapshot")]
    pub(super) host: bool,
    /// Look at a saved host in place of this one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) snapshot: Option<PathBuf>,
    /// Print what this host shows, and then each change as it happens, until it is stopped
    #[arg(long, conflicts_with_all = ["paths", "snapshot", "policy", "write_baseline", "diff", "fix", "output"])]
    #[arg(conflicts_with_all = COMPOSE_OPTIONS)]
    pub(super) watch: bool,
    /// Read what is meant to be open from FILE, not from the docker-firewall.yaml beside each compose file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) policy: Option<PathBuf>,
    /// Leave out the findings that FILE accepts [default: docker-firewall.baseline.json, if it is here]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) baseline: Option<PathBuf>,
    /// Leave out nothing: read no baseline
    #[arg(long, conflicts_with = "baseline")]
    pub(super) no_baseline: bool,
    /// Accept what is found today: write it to FILE [default: docker-firewall.baseline.json]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = FILE_NAME)]
    #[arg(value_hint = ValueHint::FilePath, conflicts_with_all = ["diff", "fix", "baseline", "no_baseline"])]
    pub(super) write_baseline: Option<PathBuf>,
    /// Show what --fix would write, and write nothing
    #[arg(long, conflicts_with_all = ["fix", "format"])]
    pub(super) diff: bool,
    /// Write the fixes that are proven to close a port and to change nothing else
    #[arg(long)]
    pub(super) fix: bool,
    /// How to print the findings
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: CheckFormat,
    /// Print to FILE, not to stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) output: Option<PathBuf>,
    /// The lowest level of finding that makes the exit status 1
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    pub(super) fail_on: FailOn,
    /// Print findings only: no summary, no progress
    #[arg(short, long)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) look: Look,
    #[command(flatten)]
    pub(super) loading: Loading,
}

/// The options of [`Loading`]: they have nothing to say of a host.
const COMPOSE_OPTIONS: [&str; 6] = ["files", "env_files", "profiles", "all_profiles", "project_directory", "project_name"];

/// How text for people looks.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Look {
    /// Colour the text
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
}

/// What to load, in the words of `docker compose`.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Compose options")]
pub(super) struct Loading {
    /// A compose file; more than one are merged in order, and - is standard input
    #[arg(short, long = "file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) files: Vec<PathBuf>,
    /// Read variables from FILE, not from .env
    #[arg(long = "env-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) env_files: Vec<PathBuf>,
    /// Switch a profile on
    #[arg(long = "profile", value_name = "PROFILE")]
    pub(super) profiles: Vec<String>,
    /// Switch all profiles on
    #[arg(long, conflicts_with = "profiles")]
    pub(super) all_profiles: bool,
    /// The project directory [default: the folder of the first file]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) project_directory: Option<PathBuf>,
    /// The project's name
    #[arg(short, long, value_name = "NAME")]
    pub(super) project_name: Option<String>,
}

/// Follow a packet through a host, and name the rule that decides
///
/// Walks the first packet of a connection through the host's rules and routes, hook by hook: as the host is, and as it is meant,
/// without what the engine put there. Whether anything listens there is said apart. The exit status is 0 for any verdict.
#[derive(Debug, Args)]
pub(super) struct Trace {
    /// The sender [default: somebody beyond the interface]
    #[arg(long, value_name = "ADDR")]
    pub(super) from: Option<IpAddr>,
    /// The interface that the packet enters by [default: the one that leads to the sender; lo for the host itself]
    #[arg(long = "in", value_name = "IFACE")]
    pub(super) interface: Option<String>,
    /// Whom the packet is sent to; a v6 address stands in brackets, and without a protocol it is TCP
    #[arg(value_name = "ADDR:PORT[/PROTO]", required_unless_present = "to", conflicts_with = "to")]
    pub(super) place: Option<Target>,
    /// The same, by name
    #[arg(long, value_name = "ADDR:PORT[/PROTO]")]
    pub(super) to: Option<Target>,
    /// Look at the host saved in DIR, not at this one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) snapshot: Option<PathBuf>,
    /// How to print what becomes of it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: TraceFormat,
    #[command(flatten)]
    pub(super) look: Look,
}

/// Save what is seen of this host, to judge it elsewhere
///
/// Writes what the host's own tools print, what its engine and its firewalld answer, one file each, into a folder that only its owner
/// may read: `trace --snapshot DIR` reads it on any machine. Nothing on the host is changed. Environment variables, command lines,
/// mounts and other programs' labels of the containers are not kept. What may not be read is said, in the folder too; root may read all.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 all was read, 2 something could not be read or written.")]
pub(super) struct Snapshot {
    /// The folder to write; it is made, or is empty, or holds an older snapshot, which is replaced
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) folder: PathBuf,
}

/// Say what a rule looks for, why it matters and what to do
///
/// Without RULE, lists all rules.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The rule's name, as a finding ends with
    #[arg(value_name = "RULE")]
    pub(super) rule: Option<String>,
    #[command(flatten)]
    pub(super) look: Look,
}

/// Print the completion script of a shell
///
/// For `docker-firewall` itself: `docker firewall` is completed by the docker client's own script.
#[derive(Debug, Args)]
pub(super) struct Completion {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

/// How to print a list of ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PortsFormat {
    /// Columns for people
    #[default]
    Table,
    /// An array, one object a binding
    Json,
    /// Of a host: metrics for node_exporter's textfile collector
    Prometheus,
}

/// How to print the way of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// For people: one line a hook
    #[default]
    Text,
    /// One object
    Json,
}

/// How to print findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people: the line, what is open to whom, the way out
    #[default]
    Text,
    /// One object; its schema is in plugin-metadata
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of a GitHub workflow
    Github,
    /// A GitLab code quality report
    Gitlab,
    /// JUnit XML
    Junit,
}

/// From which level on findings make the run fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors only
    Error,
    /// Errors and warnings
    #[default]
    Warn,
    /// Anything found
    Note,
    /// Nothing
    Never,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
