//! The arguments of the lock's commands.

use super::{Loading, TraceFormat};
use crate::model::policy::Allowance;
use clap::{Args, ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Print rules that make published ports obey the host firewall
///
/// What the host firewall permits for a port may come in to the container that publishes it; everything else from outside to a container
/// is refused. The rules are proven on a model of this host, and printed; nothing is changed.
#[derive(Debug, Args)]
pub(in crate::cli) struct Rules {
    #[command(flatten)]
    pub(in crate::cli) wish: Wish,
    /// In whose words [default: iptables-restore, or nft where the engine has no chain DOCKER-USER]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(in crate::cli) format: Option<RulesFormat>,
    /// Look at the host saved in DIR, not at this one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) snapshot: Option<PathBuf>,
}

/// Close published ports that the host firewall does not permit, and keep them closed
///
/// Puts rules of its own in force, at once and whole, which hold whatever the engine and the firewall do with theirs; a second `lock`
/// replaces them. They are proven on a model of this host before, and the host is judged again after. With a command after --, the ports
/// are closed before it starts, and the lock is made anew when it has ended: with --all, nothing is open until it has ended well.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 locked, 2 could not. With a command its own; 125 if it was not started because of the lock, 126 if it \
        cannot be started, 127 if it is not there."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
pub(in crate::cli) struct Lock {
    #[command(flatten)]
    pub(in crate::cli) wish: Wish,
    /// In whose rules [default: nftables where nft is there, docker-user otherwise]
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub(in crate::cli) backend: Option<LockBackend>,
    /// End the connections that are open to ports which are refused now
    #[arg(long)]
    pub(in crate::cli) cut: bool,
    /// Unlock by itself after so long: 90s, 15m, 2h, 1d
    #[arg(long = "for", value_name = "TIME", value_parser = lasts)]
    pub(in crate::cli) lasts: Option<Duration>,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with_all = ["cut", "persist", "command"])]
    pub(in crate::cli) dry_run: bool,
    /// With --dry-run: look at the host saved in DIR, not at this one
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "dry_run")]
    pub(in crate::cli) snapshot: Option<PathBuf>,
    /// Lock at every boot before the engine starts, and make the lock anew whenever engine, firewall or rules change (systemd)
    #[arg(long, conflicts_with_all = ["lasts", "command"])]
    pub(in crate::cli) persist: bool,
    /// Load what --persist has kept: for its unit
    #[arg(long, hide = true, exclusive = true)]
    pub(in crate::cli) standing: bool,
    /// Make the lock anew at each change: for the unit of --persist
    #[arg(long, hide = true, exclusive = true)]
    pub(in crate::cli) watch: bool,
    /// A command to run under the lock
    #[arg(last = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub(in crate::cli) command: Vec<OsString>,
}

/// Take the lock away
///
/// Removes our own rules, whole, and nothing else.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 no lock is left, 2 could not.")]
pub(in crate::cli) struct Unlock {
    /// Lock no more at boot, and stop making the lock anew
    #[arg(long)]
    pub(in crate::cli) persist: bool,
}

/// Say whether this host is locked, and whether the lock still holds
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 it holds, 1 it is stale or broken, 2 could not look, 3 not locked.")]
pub(in crate::cli) struct Status {
    /// How to print it
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(in crate::cli) format: TraceFormat,
}

/// What is let in besides what the host firewall permits.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct Wish {
    /// Let this in, whatever the host firewall says: 443/tcp, 8000-8010/tcp, 8080/tcp@10.0.0.0/8, 53/udp@wg0
    #[arg(long, value_name = "PORT/PROTO[@FROM]")]
    pub(in crate::cli) allow: Vec<Allowance>,
    /// Refuse every published port but those of --allow and the policy, whatever the host firewall permits
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Read what is meant to be open from FILE, not from the docker-firewall.yaml of this folder
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) loading: Loading,
}

/// A time span: a number and its unit.
fn lasts(text: &str) -> Result<Duration, String> {
    let form = || "write a number and its unit: 90s, 15m, 2h, 1d".to_owned();
    let unit = text.chars().last().ok_or_else(form)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(form()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| form())?;
    // The kernel keeps timeouts in milliseconds; a month is more than a deploy takes.
    match count.checked_mul(seconds).filter(|seconds| *seconds <= 31 * 86_400) {
        Some(0) => Err("that is no time at all".to_owned()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err("that is more than 31 days".to_owned()),
    }
}

/// In whose words rules are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RulesFormat {
    /// What `iptables-restore --noflush` and `ip6tables-restore --noflush` read
    IptablesRestore,
    /// A script of iptables commands
    Shell,
    /// What `nft -f` reads
    Nft,
}

/// In whose rules a lock is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LockBackend {
    /// A table of its own
    Nftables,
    /// Chains of its own, called from DOCKER-USER and INPUT
    DockerUser,
}
