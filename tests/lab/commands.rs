//! The program's command line: on a saved host, or on the host itself as a plugin of its docker client.
//!
//! In: a place to run at. Out: what `check`, `trace` and `snapshot` said. On the host it runs with the host's files, tools and bus; nothing
//! of this machine is there but the program.
//!
//! It compares nothing.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use docker_firewall::model::verdict::{Assessment, Trace};
use serde_json::Value;

use crate::island::{Island, output};
use crate::probe::Probe;
use crate::said::Said;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_docker-firewall");
/// Where docker clients of every version look for plugins.
pub(crate) const PLUGIN: &str = "/usr/local/lib/docker/cli-plugins/docker-firewall";
/// Where a host's snapshot goes, there.
const SNAPSHOT: &str = "/tmp/snapshot";

/// Where the program is asked.
pub(crate) enum Place<'a> {
    /// Here, of a host that was saved in this folder.
    Saved(&'a Path),
    /// On this host, where it was put with [`install`].
    Host(&'a Island),
}

/// What `trace` said: the words for what is real, and for what is meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Traced {
    actual: String,
    intended: String,
}

impl Traced {
    /// What it is to say.
    pub(crate) fn of(assessment: &Assessment) -> Self {
        let word = |trace: &Trace| trace.verdict.name().to_owned();
        Self { actual: word(&assessment.actual), intended: word(&assessment.intended) }
    }
}

/// Puts the program where the host's docker client finds it.
pub(crate) fn install(island: &Island) -> Result<()> {
    let path = island.path(PLUGIN);
    fs::create_dir_all(path.parent().context("a plugin without a folder")?)?;
    fs::copy(PROGRAM, path).context("the program cannot be copied to the host")?;
    Ok(())
}

/// What `snapshot` saves of a host, by file name.
pub(crate) fn snapshot(island: &Island) -> Result<BTreeMap<String, String>> {
    island.run(&["docker", "firewall", "snapshot", SNAPSHOT])?;
    let entries = fs::read_dir(island.path(SNAPSHOT))?;
    let read = |entry: fs::DirEntry| Ok((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?));
    entries.map(|entry| read(entry?)).collect()
}

impl Place<'_> {
    /// The program with some arguments.
    fn command(&self, words: &[&str]) -> Command {
        match self {
            Self::Saved(folder) => {
                let mut command = Command::new(PROGRAM);
                command.arg("firewall").args(words).arg("--snapshot").arg(folder);
                command
            }
            Self::Host(island) => island.command(&[&["docker", "firewall"], words].concat()),
        }
    }

    /// What `check` says. It ends with 1 where it finds something, with 2 where something cannot be told.
    pub(crate) fn check(&self, words: &[&str]) -> Result<Said> {
        let mut command = self.command(&[&["check", "--format", "json"], words].concat());
        let done = command.output().with_context(|| format!("{command:?} does not start"))?;
        let [printed, told] = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text));
        ensure!(matches!(done.status.code(), Some(0..=2)), "{command:?}: {}: {}", done.status, told.trim());
        Said::read(&printed).with_context(|| told.trim().to_owned())
    }

    /// What `trace` says of one probe.
    pub(crate) fn trace(&self, probe: &Probe) -> Result<Traced> {
        let (from, to) = (probe.src.to_string(), target(probe));
        let mut words = vec!["trace", "--format", "json", "--from", &from, "--to", &to];
        words.extend(probe.interface().into_iter().flat_map(|name| ["--in", name]));
        let said: Value = serde_json::from_str(&output(&mut self.command(&words))?)?;
        let word = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
        Ok(Traced { actual: word(&said["verdict"]), intended: word(&said["intended"]["verdict"]) })
    }
}

/// Where a probe goes, as `--to` takes it.
pub(crate) fn target(probe: &Probe) -> String {
    format!("{}/{}", SocketAddr::new(probe.dst, probe.port), probe.proto)
}
