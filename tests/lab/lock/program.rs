//! The lock's commands on a host, as a plugin of its docker client or by themselves.
//!
//! In: words. Out: how it ended and what it said. A command that does not end is ended after a while, with a code of its own.
//!
//! It judges nothing.

use std::fmt;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};

use crate::commands::PLUGIN;
use crate::island::Island;

/// How long a command may take, in seconds, and the code of one that took longer (`timeout(1)`).
const PATIENCE: &str = "120";

/// How the two ways of writing a lock are called.
pub(crate) const BACKENDS: [&str; 2] = ["nftables", "docker-user"];

/// The one that was asked for on the command line.
static ONLY: OnceLock<&'static str> = OnceLock::new();

/// Judges by one backend only, from now on.
///
/// # Errors
///
/// There is none of that name.
pub(crate) fn only(name: &str) -> Result<()> {
    let Some(backend) = BACKENDS.into_iter().find(|backend| *backend == name) else { bail!("no backend {name}: {BACKENDS:?}") };
    ONLY.set(backend).map_err(|_| anyhow!("one backend, or all"))
}

/// Those that hosts are locked by.
pub(crate) fn backends() -> impl Iterator<Item = &'static str> {
    BACKENDS.into_iter().filter(|backend| ONLY.get().is_none_or(|only| only == backend))
}

/// A command that ended.
pub(crate) struct Done {
    /// Its status; nothing where a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it wrote to standard output.
    pub(crate) printed: String,
    /// What it wrote to standard error.
    pub(crate) told: String,
}

impl Done {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), printed: text(&output.stdout), told: text(&output.stderr) }
    }

    /// True if it ended with this status.
    pub(crate) fn is(&self, code: i32) -> bool {
        self.code == Some(code)
    }

    /// True if it said before what it did that something of this name opens ports.
    pub(crate) fn cautions_of(&self, word: &str) -> bool {
        let mut lines = self.told.lines().filter_map(|line| line.strip_prefix("caution: "));
        lines.any(|line| line.to_lowercase().contains(word))
    }

    /// True if anything that it said holds these words, in whatever case.
    pub(crate) fn says(&self, words: &str) -> bool {
        [&self.printed, &self.told].iter().any(|text| text.to_lowercase().contains(words))
    }
}

impl fmt::Display for Done {
    /// Its status, and what it said on standard error, else on standard output.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = if self.told.trim().is_empty() { &self.printed } else { &self.told };
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        write!(out, "status {code}, {}", said.trim())
    }
}

/// A command of a host, run to its end.
pub(crate) fn run(island: &Island, argv: &[&str]) -> Result<Done> {
    let mut command = island.command(argv);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} does not start"))?;
    Ok(Done::of(&output))
}

/// A shell script of a host, run to its end.
pub(crate) fn script(island: &Island, text: &str) -> Result<Done> {
    run(island, &["timeout", PATIENCE, "sh", "-c", text])
}

/// `docker firewall …`
pub(crate) fn firewall(island: &Island, words: &[&str]) -> Result<Done> {
    run(island, &[&["timeout", PATIENCE, "docker", "firewall"], words].concat())
}

/// The program without the docker client before it: what is killed or signalled is then the program itself.
pub(crate) fn bare(words: &[&str]) -> String {
    format!("{PLUGIN} firewall {}", words.join(" "))
}

/// `docker firewall …`, not waited for.
pub(crate) fn begin(island: &Island, words: &[&str]) -> Result<Running> {
    let argv = [&["timeout", PATIENCE, "docker", "firewall"], words].concat();
    let mut command = island.command(&argv);
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(Running(piped.spawn().context("docker does not start")?))
}

/// A command that runs.
pub(crate) struct Running(std::process::Child);

impl Running {
    /// Waits for its end.
    pub(crate) fn end(self) -> Result<Done> {
        Ok(Done::of(&self.0.wait_with_output()?))
    }
}

/// A command of a host that runs beside others and whose end is waited for.
pub(crate) fn beside(mut command: Command) -> Result<Running> {
    Ok(Running(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?))
}
