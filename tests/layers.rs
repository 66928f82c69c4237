//! The house keeps its order: who may import whom, what stays portable, and every law has its test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// For each room, what it may name of the others. A path is matched by its beginning: `read::compose` allows all below it.
const MAY_NAME: [(&str, &[&str]); 11] = [
    ("model", &[]),
    ("read", &["model"]),
    ("judge", &["model", "read::policy"]),
    ("remedy", &["model", "read::compose", "read::iptables", "read::yaml", "judge"]),
    ("report", &["model", "judge::rules"]),
    ("look", &["model", "read::compose", "error", "netlink", "own", "tool"]),
    ("act", &["model", "netlink", "own", "tool"]),
    ("netlink", &["model"]),
    ("own", &["model"]),
    ("tool", &["model"]),
    (
        "error",
        &["model", "own", "look::flows", "look::memory", "act::folder", "act::load", "act::turn", "act::units", "act::write"],
    ),
];

/// What the eyes and the hands both work with. Nobody else may name it.
const INSTRUMENTS: [&str; 3] = ["netlink", "own", "tool"];

/// The rooms that may name all others.
const MAY_NAME_ALL: [&str; 4] = ["cli", "run", "main", "lib"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below a folder of the package, by their path in it.
fn rust_files(folder: &str) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.insert(path.strip_prefix(root()).unwrap().to_owned(), text);
            }
        }
    }
    assert!(!files.is_empty(), "{folder} has Rust files");
    files
}

/// The room of a file in src: its first folder, or its own name.
fn room(path: &Path) -> String {
    let first = path.components().nth(1).unwrap();
    Path::new(first.as_os_str()).file_stem().unwrap().to_string_lossy().into_owned()
}

/// The text without comments and without its test modules: tests may use whatever they need.
fn production(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What a text names of this crate, as paths without `crate::`; the branches of `use crate::{a, b::c}` each by itself.
fn named(text: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split("};").next().unwrap_or_default();
            paths.extend(group.split(',').map(|path| path_at(path.trim())).filter(|path| !path.is_empty()));
        } else {
            paths.insert(path_at(rest));
        }
    }
    paths
}

/// The path at the beginning of a text.
fn path_at(text: &str) -> String {
    let end = text.find(|character: char| !(character.is_alphanumeric() || character == '_' || character == ':'));
    text[..end.unwrap_or(text.len())].trim_end_matches(':').to_owned()
}

#[test]
fn no_room_imports_a_room_that_comes_after_it() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        let room = room(&path);
        if MAY_NAME_ALL.contains(&room.as_str()) || path.ends_with("tests.rs") || path.ends_with("sample.rs") {
            continue;
        }
        let (_, allowed) = MAY_NAME.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is a new room"));
        let is_allowed = |named: &str| {
            let begins = |with: &str| named == with || named.starts_with(&format!("{with}::"));
            begins(&room) || allowed.iter().any(|path| begins(path))
        };
        wrong.extend(named(&production(&text)).into_iter().filter(|named| !is_allowed(named)).map(|named| (path.clone(), named)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn names_are_found_in_uses_and_in_paths() {
    let text = "use crate::{a::b, c};\nlet x = crate::d::e(1);\nuse crate::f::{g, h};";
    assert_eq!(named(text).into_iter().collect::<Vec<_>>(), ["a::b", "c", "d::e", "f"]);
}

#[test]
fn only_the_eyes_and_the_hands_touch_files() {
    let touches = ["fs::", "File::", "OpenOptions", "read_dir", "Command::new", "TcpStream", "tempfile::"];
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        if matches!(room(&path).as_str(), "look" | "act")
            || INSTRUMENTS.contains(&room(&path).as_str())
            || path.ends_with("tests.rs")
        {
            continue;
        }
        let code = production(&text);
        wrong.extend(touches.iter().filter(|word| code.contains(*word)).map(|word| (path.clone(), *word)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What not every system has.
const OF_A_SYSTEM: [&str; 5] = ["os::unix", "os::linux", "os::fd", "rustix::", "signal_hook::"];

/// True if a line says for which systems the next thing is.
fn names_systems(line: &str) -> bool {
    line.contains("cfg(") && (line.contains("unix)") || line.contains("target_os"))
}

/// True if the module that a file is, is one of some systems alone.
fn is_of_a_system(path: &Path, files: &BTreeMap<PathBuf, String>) -> bool {
    let Some(parent) = path.parent().and_then(|folder| files.get(&folder.with_extension("rs"))) else { return false };
    let module = format!("mod {};", path.file_stem().unwrap().to_string_lossy());
    let lines: Vec<&str> = parent.lines().collect();
    lines.windows(2).any(|pair| pair[1].trim_start_matches("pub ") == module && names_systems(pair[0]))
}

#[test]
fn what_only_unix_has_is_guarded() {
    let files = rust_files("src");
    for (path, text) in files.iter().filter(|(path, _)| !is_of_a_system(path, &files)) {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if !OF_A_SYSTEM.iter().any(|name| line.contains(name)) {
                continue;
            }
            let is_guarded = lines[index.saturating_sub(12)..index].iter().any(|line| names_systems(line));
            let is_in_tests = lines[..index].iter().any(|line| names_systems(line) && line.contains("test"));
            assert!(is_guarded || is_in_tests, "{}:{}: {line}", path.display(), index + 1);
        }
    }
}

#[test]
fn every_law_has_a_property_test_of_its_name() {
    let files: Vec<(PathBuf, String)> = rust_files("src").into_iter().chain(rust_files("tests")).collect();
    let law = |line: &str| line.trim().strip_prefix("// Law: ").map(|name| name.trim().to_owned());
    let laws: BTreeSet<String> =
        files.iter().filter(|(path, _)| path.starts_with("src")).flat_map(|(_, text)| text.lines().filter_map(law)).collect();
    let mut tests = BTreeSet::new();
    for (_, text) in files.iter().filter(|(_, text)| text.contains("proptest! {")) {
        for block in text.split("proptest! {").skip(1) {
            let functions = block.split("fn ").skip(1).map(|rest| path_at(rest).replace('_', "-"));
            tests.extend(functions);
        }
    }
    let has_test = |law: &String| tests.iter().any(|test| test == law || test.starts_with(&format!("{law}-")));
    let untested: Vec<&String> = laws.iter().filter(|law| !has_test(law)).collect();
    assert!(untested.is_empty(), "laws without a property test: {untested:?}");
}
