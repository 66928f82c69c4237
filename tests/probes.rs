//! Single cases of loading with the answers of two reference loaders, kept beside the checkout; we follow the newer of the two.
//!
//! Skipped with a word where the collection is not there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/loading.rs"]
mod loading;

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Probes {
    cases: Vec<Probe>,
}

#[derive(Deserialize)]
struct Probe {
    name: String,
    files: BTreeMap<PathBuf, String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    cwd: PathBuf,
    new: Answer,
}

/// Services -> ports, or an error.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Services(BTreeMap<String, Value>),
    Error(String),
}

/// What Compose refuses for reasons that have no say in ports: no problem to us, and the ports are there.
const ELSEWHERE: [&str; 7] =
    ["version int", "unknown top-level", "profile dep", "undefined net", "no image", "missing env_file required", "deploy.ports"];

#[test]
fn we_answer_every_probe_as_the_newer_loader_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/compose-probes.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no {}", path.display());
        return;
    };
    let probes: Probes = serde_json::from_str(&text).unwrap();
    let mut disagreements = String::new();
    for probe in &probes.cases {
        if let Some(difference) = difference(probe) {
            let _ = writeln!(disagreements, "{} {:?} {:?}\n{:#?}\n{difference}", probe.name, probe.args, probe.env, probe.files);
        }
    }
    println!("{} probes", probes.cases.len());
    assert!(disagreements.is_empty(), "\n{disagreements}");
}

fn difference(probe: &Probe) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in &probe.files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let working_directory = folder.path().join(&probe.cwd);
    std::fs::create_dir_all(&working_directory).unwrap();
    let project = loading::load_from(&working_directory, &probe.args, &probe.env);
    let ours = loading::answer(&project);
    match &probe.new {
        Answer::Services(services) => {
            let ports = |name: &String| ours.get(name).map(|service| &service["ports"]);
            let agrees = ours.as_object().map(serde_json::Map::len) == Some(services.len())
                && services.iter().all(|(name, theirs)| ports(name) == Some(theirs))
                && project.problems.is_empty();
            (!agrees).then(|| format!("  theirs {services:?}\n  ours   {ours}\n  problems {:?}\n", project.problems))
        }
        Answer::Error(error) => {
            let is_elsewhere = ELSEWHERE.contains(&probe.name.as_str());
            let agrees = project.problems.is_empty() == is_elsewhere && (!is_elsewhere || has_services(&ours));
            (!agrees).then(|| format!("  refused {error}\n  ours    {ours}\n  problems {:?}\n", project.problems))
        }
    }
}

fn has_services(answer: &Value) -> bool {
    answer.as_object().is_some_and(|services| !services.is_empty())
}
