//! Real compose files with the reference loader's answers, kept beside the checkout.
//!
//! Files that the loader accepts must come out the same; of those that it refuses, every port that is written must be there. Skipped
//! with a word where the corpus is not there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/loading.rs"]
mod loading;

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct Expected {
    status: Status,
    #[serde(default)]
    services: Value,
}

#[derive(Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
enum Status {
    Strict,
    Lenient,
    Error,
}

fn corpus() -> Option<(PathBuf, BTreeMap<String, Expected>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/compose-corpus");
    let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else {
        eprintln!("skipped: no {}", folder.display());
        return None;
    };
    Some((folder.join("files"), serde_json::from_str(&text).unwrap()))
}

#[test]
fn every_file_that_the_reference_loader_accepts_has_the_same_ports_and_network_modes() {
    let Some((files, expected)) = corpus() else { return };
    let (mut agreeing, mut disagreements) = (BTreeMap::<Status, usize>::new(), String::new());
    for (path, expected) in expected.iter().filter(|(_, expected)| expected.status != Status::Error) {
        let project = load(&files.join(path));
        let ours = loading::answer(&project);
        if ours == expected.services {
            *agreeing.entry(expected.status).or_default() += 1;
        } else {
            let theirs = &expected.services;
            let _ = writeln!(disagreements, "{path}\n  theirs {theirs}\n  ours   {ours}\n  problems {:?}", project.problems);
        }
    }
    println!("files that agree: {agreeing:?}");
    assert!(disagreements.is_empty(), "\n{disagreements}");
}

#[test]
fn of_a_file_that_the_reference_loader_refuses_every_ports_entry_is_reported_or_named_as_a_problem() {
    let Some((files, expected)) = corpus() else { return };
    let mut lost = String::new();
    for path in expected.iter().filter(|(_, expected)| expected.status == Status::Error).map(|(path, _)| path) {
        let project = load(&files.join(path));
        let publications: usize = project.services.iter().map(|service| service.publications.len()).sum();
        let text = std::fs::read_to_string(files.join(path)).unwrap();
        let written = entries_under_ports(&text);
        println!("{path}: {written} entries written, {publications} read, {} problems", project.problems.len());
        if publications + project.problems.len() < written {
            let _ = writeln!(lost, "{path}: {written} entries, {publications} read, {:?}", project.problems);
        }
    }
    assert!(lost.is_empty(), "\n{lost}");
}

fn load(path: &Path) -> docker_firewall::model::project::Project {
    let arguments = ["-f".to_owned(), path.to_string_lossy().into_owned()];
    loading::load_from(path.parent().unwrap(), &arguments, &BTreeMap::new())
}

/// Counts list items under `ports:` keys by indentation alone, without any YAML reader.
fn entries_under_ports(text: &str) -> usize {
    let (mut count, mut within) = (0, None);
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        let body = line.trim_start();
        match within {
            Some(ports) if body.starts_with("- ") && indent >= ports => count += usize::from(indent <= ports + 4),
            Some(ports) if indent > ports => {}
            _ => within = (body.trim_end() == "ports:").then_some(indent),
        }
    }
    count
}
