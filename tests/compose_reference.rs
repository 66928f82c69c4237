//! What we read of a compose project, held against Docker Compose itself.
//!
//! `fixtures/compose/reference/CASE/` is a small project; its `case.json` says how it is loaded (one or more runs), its
//! `expected.json` what Docker Compose 2.40 answers, and what newer versions answer where they differ. Where docker-compose is there
//! (in `DOCKER_COMPOSE`, or where `tests/reference/install.sh` puts it, or in `PATH` with the right version) it is asked again; where
//! it is not, the committed answers stand for it. `UPDATE_EXPECTED=1` writes its answers down.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/compose.rs"]
mod compose;
#[path = "common/loading.rs"]
mod loading;

use compose::Compose;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case is about; for people.
    #[serde(rename = "about")]
    _about: String,
    runs: Vec<Run>,
}

/// One way of loading a case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// The working folder within the case.
    #[serde(default)]
    cwd: PathBuf,
    /// What must be known of a project that Compose refuses: service -> publications as the docker client writes them.
    #[serde(default)]
    known: BTreeMap<String, Vec<String>>,
    /// True if the reason for which Compose refuses it has no say in ports, so that it is no problem to us.
    #[serde(default)]
    elsewhere: bool,
}

/// What Compose answers to a run.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Answer {
    Services { services: Value },
    Refused { refused: String },
}

/// The committed answers to one run.
#[derive(Serialize, Deserialize)]
struct Expected {
    #[serde(rename = "2.40")]
    old: Answer,
    /// What versions after 2.40 answer, where that differs; docs/limits.md names each case.
    #[serde(skip_serializing_if = "Option::is_none")]
    newer: Option<Answer>,
}

impl Answer {
    /// True if both are a refusal, or the same services.
    fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Services { services: one }, Self::Services { services: other }) => one == other,
            (Self::Refused { .. }, Self::Refused { .. }) => true,
            _ => false,
        }
    }
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/compose/reference");
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn parsed<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn we_read_every_case_as_docker_compose_does() {
    let mut disagreements = String::new();
    for folder in folders() {
        let case: Case = parsed(&folder.join("case.json"));
        let expected: Vec<Expected> = parsed(&folder.join("expected.json"));
        assert_eq!(case.runs.len(), expected.len(), "{}: one answer a run", name(&folder));
        for (index, (run, expected)) in case.runs.iter().zip(&expected).enumerate() {
            let truth = expected.newer.as_ref().unwrap_or(&expected.old);
            if let Some(difference) = difference(&folder, run, truth) {
                let _ = writeln!(disagreements, "{} run {index} {:?} {:?}\n{difference}", name(&folder), run.args, run.env);
            }
        }
    }
    assert!(disagreements.is_empty(), "\n{disagreements}");
}

/// How our reading of a run differs from the truth.
fn difference(folder: &Path, run: &Run, truth: &Answer) -> Option<String> {
    let project = loading::load_from(&folder.join(&run.cwd), &run.args, &run.env);
    let ours = loading::answer(&project);
    match truth {
        Answer::Services { services } if *services != ours || !project.problems.is_empty() => {
            Some(format!("  theirs {services}\n  ours   {ours}\n  problems {:?}\n", project.problems))
        }
        Answer::Services { .. } => None,
        Answer::Refused { refused } if project.problems.is_empty() != run.elsewhere => {
            Some(format!("  refused {refused}\n  ours    {ours}\n  problems {:?}\n", project.problems))
        }
        Answer::Refused { refused } => {
            let of = |name: &str| project.services.iter().find(|service| *service.name == *name);
            let known = |name: &str| -> Vec<String> {
                of(name).map(|service| service.publications.iter().map(ToString::to_string).collect()).unwrap_or_default()
            };
            let wrong = run.known.iter().find(|(name, publications)| known(name) != **publications);
            wrong.map(|(name, wanted)| format!("  refused {refused}\n  known   {name} {wanted:?}\n  ours    {:?}\n", known(name)))
        }
    }
}

#[test]
fn the_committed_answers_are_those_of_docker_compose() {
    let Some(compose) = Compose::find() else { return };
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let folders = folders();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(String::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                    wrong.lock().unwrap().push_str(&recheck(&compose, folder, update));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// Asks docker-compose about a case again. Returns what is no longer true; with `update` writes the new answers instead.
fn recheck(compose: &Compose, folder: &Path, update: bool) -> String {
    let case: Case = parsed(&folder.join("case.json"));
    let path = folder.join("expected.json");
    let mut committed: Vec<Option<Expected>> = if path.exists() { parsed(&path) } else { Vec::new() };
    committed.resize_with(case.runs.len(), || None);
    let mut wrong = String::new();
    for (index, (run, slot)) in case.runs.iter().zip(&mut committed).enumerate() {
        let old = ask(compose, folder, run);
        if slot.as_ref().is_some_and(|expected| expected.old.agrees(&old)) {
            continue;
        }
        if update {
            *slot = Some(Expected { old, newer: slot.take().and_then(|expected| expected.newer) });
        } else {
            let _ =
                writeln!(wrong, "{} run {index}: docker-compose answers {}", name(folder), serde_json::to_string(&old).unwrap());
        }
    }
    if update {
        std::fs::write(&path, serde_json::to_string_pretty(&committed).unwrap() + "\n").unwrap();
    }
    wrong
}

fn ask(compose: &Compose, folder: &Path, run: &Run) -> Answer {
    match compose.config(&folder.join(&run.cwd), &run.args, &run.env) {
        Ok(config) => Answer::Services { services: compose::services(&config) },
        Err(refused) => Answer::Refused { refused: refused.replace(&*folder.to_string_lossy(), "") },
    }
}
