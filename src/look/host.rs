//! This machine, live: what its tools print, what its engine and its firewalld answer, as the texts of a [`Snapshot`].
//!
//! In: the docker client's flags, which say where the engine is. Out: all files of [`FILES`](crate::model::snapshot::FILES) that could be
//! read, and in `unread.json` the reason for each other one. Nothing on the host is changed: no kernel module is loaded, no table made,
//! no service started. Not here: what the texts mean, and whether the engine is on this machine at all.

pub mod events;

mod files;
mod network;
mod rules;
pub mod tables;

#[cfg(feature = "docker")]
mod engine;
#[cfg(feature = "firewalld")]
mod firewalld;

use super::clock;
use crate::model::client::Flags;
use crate::model::snapshot::{CLOCK, HOST, Snapshot, UNREAD, command};
use serde_json::{Map, Value, json};
use std::fs;
use std::thread;

/// What was seen in place of one file.
struct Seen {
    file: &'static str,
    /// The text; None: it could not be read.
    text: Option<String>,
    /// Why there is no text, or only a part.
    unread: Option<Unread>,
}

/// Why something could not be read.
#[derive(Clone)]
struct Unread {
    why: String,
    /// The command that shows it.
    command: String,
}

impl Seen {
    fn text(file: &'static str, text: impl Into<String>) -> Self {
        Self { file, text: Some(text.into()), unread: None }
    }

    /// The host has nothing of the kind.
    fn nothing(file: &'static str) -> Self {
        Self::text(file, "")
    }

    fn unread(file: &'static str, why: impl Into<String>, command: impl Into<String>) -> Self {
        Self { file, text: None, unread: Some(Unread { why: why.into(), command: command.into() }) }
    }

    /// What root could read.
    fn needs_root(file: &'static str, why: impl Into<String>) -> Self {
        Self::unread(file, why, sudo(file))
    }
}

/// The command that shows a file to root.
fn sudo(file: &str) -> String {
    format!("sudo {}", command(file))
}

/// Looks at this machine. What cannot be read is said in the snapshot; the look itself does not fail.
pub fn host(flags: &Flags) -> Snapshot {
    let clock = Seen::text(CLOCK, format!("{}\n", clock::seconds()));
    let seen = thread::scope(|scope| {
        let parts = [
            scope.spawn(rules::look),
            scope.spawn(network::look),
            scope.spawn(files::look),
            scope.spawn(firewalld),
            scope.spawn(|| engine(flags)),
        ];
        parts.into_iter().filter_map(|part| part.join().ok()).flatten().chain([clock]).collect()
    });
    gather(seen)
}

/// The files of a snapshot, `unread.json` among them.
fn gather(seen: Vec<Seen>) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut unread = Map::new();
    for Seen { file, text, unread: reason } in seen {
        if let Some(text) = text {
            snapshot.files.insert(file.to_owned(), text);
        }
        if let Some(Unread { why, command }) = reason {
            unread.insert(file.to_owned(), json!({ "why": why, "command": command }));
        }
    }
    snapshot.files.insert(UNREAD.to_owned(), pretty(&unread.into()));
    snapshot
}

/// JSON as people read it.
fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Which machine this is, to tell whether the engine runs on it.
fn identity() -> Seen {
    let read = |name: &str| fs::read_to_string(format!("/proc/sys/kernel/{name}")).map(|text| text.trim().to_owned());
    match (read("hostname"), read("osrelease")) {
        (Ok(hostname), Ok(kernel)) => Seen::text(HOST, pretty(&json!({ "hostname": hostname, "kernel": kernel }))),
        (Err(error), _) | (_, Err(error)) => {
            Seen::unread(HOST, format!("/proc/sys/kernel: {}", crate::model::system::reason(&error)), command(HOST))
        }
    }
}

#[cfg(feature = "docker")]
use engine::look as engine;

#[cfg(not(feature = "docker"))]
fn engine(_: &Flags) -> Vec<Seen> {
    let why = "this build of the program does not speak to engines (feature docker)";
    ["version.json", "info.json", "containers.json", "networks.json", "inspect.json", "services.json"]
        .map(|file| Seen::unread(file, why, command(file)))
        .into()
}

#[cfg(feature = "firewalld")]
use firewalld::look as firewalld;

#[cfg(not(feature = "firewalld"))]
fn firewalld() -> Vec<Seen> {
    let why = "this build of the program does not speak to firewalld (feature firewalld)";
    vec![Seen::unread("firewalld.json", why, sudo("firewalld.json"))]
}
