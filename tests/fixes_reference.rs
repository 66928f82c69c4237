//! The fixes of real files, seen by Docker Compose itself: each changes the host address of its binding, and nothing else.
//!
//! Asks docker-compose twice about each of some 400 files, which takes a minute, so it runs when it is asked for:
//! `cargo test --test fixes_reference -- --ignored`. Skipped with a word where the corpus or docker-compose is not there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/compose.rs"]
mod compose;

use compose::{Compose, services};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
#[ignore = "asks docker-compose twice about each of some 400 files"]
fn compose_sees_every_fix_of_the_corpus_change_its_binding_and_nothing_else() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/compose-corpus");
    let Ok(expected) = std::fs::read_to_string(corpus.join("expected.json")) else {
        eprintln!("skipped: no corpus at {}", corpus.display());
        return;
    };
    let Some(compose) = Compose::find() else { return };
    let expected: BTreeMap<String, Value> = serde_json::from_str(&expected).unwrap();
    let (mut loaded, mut changed, mut wrong) = (0, 0, String::new());
    for name in expected.keys() {
        match fixed_as_compose_sees_it(&compose, &corpus.join("files").join(name)) {
            Some(Ok(bindings)) => (loaded, changed) = (loaded + 1, changed + bindings),
            Some(Err(difference)) => drop(writeln!(wrong, "{name}: {difference}")),
            None => {}
        }
    }
    println!("{loaded} files that Compose loads, {changed} bindings changed");
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(changed > 300, "only {changed} bindings changed in {loaded} files");
}

/// Fixes a copy of a file. None: Compose does not load it. Otherwise how many bindings changed, or what changed that should not.
fn fixed_as_compose_sees_it(compose: &Compose, original: &Path) -> Option<Result<usize, String>> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join(original.parent().unwrap().file_name().unwrap());
    std::fs::create_dir(&folder).unwrap();
    for name in [original.file_name().unwrap(), ".env".as_ref()] {
        if let Ok(bytes) = std::fs::read(original.with_file_name(name)) {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
    let name = original.file_name().unwrap().to_string_lossy().into_owned();
    let config = || compose.config(&folder, &["-f".to_owned(), name.clone()], &BTreeMap::new());
    let before = config().ok()?;
    let services = fix(&folder, &name);
    Some(
        config()
            .map_err(|error| format!("refused after the fix: {error}"))
            .and_then(|after| compared(&before, &after, &services)),
    )
}

/// Runs `check --fix`; gives the services with a binding that is to be fixed.
fn fix(folder: &Path, file: &str) -> BTreeSet<String> {
    let check = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docker-firewall"));
        command.arg("check").args(arguments).arg(file).current_dir(folder).env_clear().stdin(Stdio::null());
        command.output().unwrap().stdout
    };
    let report: Value = serde_json::from_slice(&check(&["--format", "json"])).unwrap();
    check(&["--fix"]);
    let fixable = report["findings"].as_array().unwrap().iter().filter(|finding| finding["fix"].is_object());
    fixable.filter_map(|finding| finding["service"].as_str().map(str::to_owned)).collect()
}

/// Counts the bindings that moved to loopback.
fn compared(before: &Value, after: &Value, fixable: &BTreeSet<String>) -> Result<usize, String> {
    let (mut before, mut after) = (before.clone(), after.clone());
    let (ports_before, ports_after) = (services(&before), services(&after));
    let mut count = 0;
    for (name, service) in ports_before.as_object().unwrap() {
        let (old, new) = (service["ports"].as_array().unwrap(), ports_after[name]["ports"].as_array());
        let new = new.filter(|new| new.len() == old.len()).ok_or_else(|| format!("service {name} has other ports"))?;
        let moved = old.iter().zip(new).filter(|(old, new)| old != new);
        let is_bound = |(old, new): &(&Value, &Value)| {
            let was_open = matches!(old["host_ip"].as_str(), None | Some("0.0.0.0" | "::"));
            was_open && matches!(new["host_ip"].as_str(), Some("127.0.0.1" | "::1"))
        };
        let bound = moved.clone().filter(is_bound).count();
        if bound != moved.count() || (bound > 0) != fixable.contains(name) {
            return Err(format!("service {name}: {old:?} became {new:?}"));
        }
        count += bound;
    }
    for config in [&mut before, &mut after] {
        forget_addresses(config);
    }
    if before == after { Ok(count) } else { Err("something else than a host address changed".to_owned()) }
}

fn forget_addresses(config: &mut Value) {
    let services = config["services"].as_object_mut().into_iter().flat_map(|services| services.values_mut());
    for port in services.filter_map(|service| service.get_mut("ports")?.as_array_mut()).flatten() {
        port.as_object_mut().unwrap().remove("host_ip");
    }
}
