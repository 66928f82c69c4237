//! Every rule about hosts has a host on which it finds something, and one on which it does not: `fixtures/findings/RULE/bad-…`
//! and `good-…`.
//!
//! A folder holds the files in which the host differs from the saved host that its file `base` names; without `base` it is a whole one.
//! In `expected.txt` of a bad host stand messages that must be among those of the rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use docker_firewall::judge::court::Court;
use docker_firewall::judge::doors;
use docker_firewall::judge::hosts::{HostCase, Sight};
use docker_firewall::judge::rules::{Rule, TABLE};
use docker_firewall::model::finding::Finding;
use docker_firewall::model::snapshot::Snapshot;
use std::fs;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn lay_over(snapshot: &mut Snapshot, folder: &Path) {
    for path in folders(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        snapshot.files.insert(name, fs::read_to_string(&path).unwrap());
    }
}

/// The host of a folder, laid over its base.
fn snapshot(folder: &Path) -> Snapshot {
    let mut snapshot = Snapshot::default();
    if let Ok(base) = fs::read_to_string(folder.join("base")) {
        lay_over(&mut snapshot, &fixtures().join("hosts").join(base.trim()));
    }
    lay_over(&mut snapshot, folder);
    snapshot
}

fn of_rule(rule: &Rule, folder: &Path) -> Vec<String> {
    let host = snapshot(folder).host();
    let court = Court::of(&host);
    let sights = doors::of(court.host()).into_iter().map(|door| Sight { rulings: court.rule_on(&door.interface, door.to), door });
    let found = rule.host.unwrap()(&HostCase::new(&court, sights.collect()));
    found.into_iter().map(|finding: Finding| finding.message).collect()
}

#[test]
fn each_rule_finds_what_is_wrong_and_nothing_where_nothing_is() {
    let mut wrong = Vec::new();
    for rule in TABLE.iter().filter(|rule| rule.host.is_some()) {
        let hosts = folders(&fixtures().join("findings").join(rule.name));
        let kind = |kind: &str| -> Vec<&PathBuf> {
            hosts.iter().filter(|host| host.file_name().unwrap().to_string_lossy().starts_with(kind)).collect()
        };
        let (bad, good) = (kind("bad"), kind("good"));
        assert!(!bad.is_empty() && !good.is_empty(), "{} has a bad host and a good one", rule.name);
        for host in bad {
            let said = of_rule(rule, host);
            if said.is_empty() {
                wrong.push(format!("{} finds nothing on {}", rule.name, host.display()));
            }
            let expected = fs::read_to_string(host.join("expected.txt")).unwrap_or_default();
            let missing: Vec<&str> = expected.lines().filter(|line| !said.iter().any(|said| said == line)).collect();
            if !missing.is_empty() {
                wrong.push(format!("{} on {}: {missing:#?} is not among {said:#?}", rule.name, host.display()));
            }
        }
        for host in good {
            let said = of_rule(rule, host);
            if !said.is_empty() {
                wrong.push(format!("{} on {}: {said:#?}", rule.name, host.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
