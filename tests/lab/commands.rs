//! The program's command line, on a saved host.
//!
//! In: a place to run at. Out: what `check` and `trace` said.
//!
//! It compares nothing.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use docker_firewall::model::verdict::{Assessment, Trace};
use serde_json::Value;

use crate::island::output;
use crate::probe::Probe;
use crate::said::Said;

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_docker-firewall");
/// Where the program is asked.
pub(crate) enum Place<'a> {
    /// Here, of a host that was saved in this folder.
    Saved(&'a Path),
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

impl Place<'_> {
    /// The program with some arguments.
    fn command(&self, words: &[&str]) -> Command {
        let Self::Saved(folder) = self;
        let mut command = Command::new(PROGRAM);
        command.arg("firewall").args(words).arg("--snapshot").arg(folder);
        command
    }

    /// What `check` says. It ends with 1 where it finds something.
    pub(crate) fn check(&self, words: &[&str]) -> Result<Said> {
        let mut command = self.command(&[&["check", "--format", "json"], words].concat());
        let done = command.output().with_context(|| format!("{command:?} does not start"))?;
        let told = String::from_utf8_lossy(&done.stderr);
        ensure!(matches!(done.status.code(), Some(0 | 1)), "{command:?}: {}: {}", done.status, told.trim());
        Said::read(&String::from_utf8_lossy(&done.stdout))
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
