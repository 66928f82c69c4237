//! The baseline: what is there today is accepted, so that only what is new is said.
//!
//! In: the findings of a whole run, and what was accepted before. Out: the findings that are left, those that are accepted, and a note
//! for each accepted one that is gone, so that the baseline shrinks. Not here: reading the file (`read::baseline`).

use super::rules::stale_allow;
use crate::model::baseline::{Accepted, Baseline, Fingerprint};
use crate::model::finding::{Finding, Level};
use crate::model::source::Place;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The name under which the baseline is kept if no other is given, in the working directory.
pub const FILE_NAME: &str = "docker-firewall.baseline.json";

/// Where the baseline lies, so that files have the same name in it from wherever the program is run.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The working directory, absolute: what the paths of findings are relative to.
    pub working_directory: &'a Path,
    /// The baseline file, absolute or relative to the working directory.
    pub file: &'a Path,
}

/// The findings of a run, held against a baseline.
#[derive(Debug, Default)]
pub struct Applied {
    /// Those that are new.
    pub left: Vec<Finding>,
    /// Those that are accepted.
    pub baselined: Vec<Finding>,
    /// A note of the rule `stale-allow` for each accepted finding that is gone.
    pub stale: Vec<Finding>,
}

/// Accepts findings as they are.
pub fn accept(findings: &[Finding], ground: Ground) -> Baseline {
    let mut entries: BTreeMap<Fingerprint, Accepted> = BTreeMap::new();
    for finding in findings {
        let fingerprint = fingerprint(finding, ground);
        let line = finding.place.as_ref().map(Place::line);
        let new = || Accepted { fingerprint: fingerprint.clone(), line, count: 0, place: None };
        let entry = entries.entry(fingerprint.clone()).or_insert_with(new);
        entry.count = entry.count.saturating_add(1);
    }
    Baseline { entries: entries.into_values().collect() }
}

/// Adds the entries of an earlier baseline for files that this run did not look at.
pub fn keep_others(new: Baseline, earlier: Baseline, looked_at: &dyn Fn(&str) -> bool) -> Baseline {
    let others = earlier.entries.into_iter().filter(|entry| !looked_at(&entry.fingerprint.file));
    let mut entries: Vec<Accepted> = new.entries.into_iter().chain(others).collect();
    entries.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    entries.dedup_by(|a, b| a.fingerprint == b.fingerprint);
    Baseline { entries }
}

/// Holds the findings of a run against a baseline. `looked_at` answers for a file by its name in the baseline: true if the run read
/// it, or if it is gone; entries of other files are not called stale.
pub fn apply(baseline: &Baseline, findings: Vec<Finding>, ground: Ground, looked_at: &dyn Fn(&str) -> bool) -> Applied {
    let mut open: BTreeMap<&Fingerprint, u32> = baseline.entries.iter().map(|entry| (&entry.fingerprint, entry.count)).collect();
    let mut applied = Applied::default();
    for finding in findings {
        match open.get_mut(&fingerprint(&finding, ground)) {
            Some(count) if *count > 0 => {
                *count -= 1;
                applied.baselined.push(finding);
            }
            _ => applied.left.push(finding),
        }
    }
    for entry in baseline.entries.iter().filter(|entry| looked_at(&entry.fingerprint.file)) {
        let gone = open.get(&entry.fingerprint).copied().unwrap_or(0);
        if gone > 0 {
            applied.stale.push(stale(entry, gone, ground));
        }
    }
    applied
}

/// What a finding is known by in a baseline.
pub fn fingerprint(finding: &Finding, ground: Ground) -> Fingerprint {
    Fingerprint::of(finding, name_of(&finding.path, ground))
}

/// A file's name in the baseline: relative to the baseline's folder, with `/`. Links are not followed: only names count. The host's
/// is empty, as that of no file.
pub fn name_of(path: &Path, ground: Ground) -> String {
    if path.as_os_str().is_empty() {
        return String::new();
    }
    let own = parts(&ground.working_directory.join(ground.file));
    let own = own.split_last().map_or(&[][..], |(_, folder)| folder);
    let other = parts(&ground.working_directory.join(path));
    let shared = own.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let up = own[shared..].iter().map(|_| "..".to_owned());
    let down = other[shared..].iter().map(|part| part.to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// The parts of a path, `.` and `..` resolved by name.
fn parts(path: &Path) -> Vec<OsString> {
    let mut parts: Vec<OsString> = Vec::new();
    for component in path.components() {
        match component {
            Component::ParentDir if parts.len() > 1 => drop(parts.pop()),
            Component::ParentDir | Component::CurDir => {}
            component => parts.push(component.as_os_str().to_owned()),
        }
    }
    parts
}

fn stale(entry: &Accepted, gone: u32, ground: Ground) -> Finding {
    let Fingerprint { file, service, publication, rule, source } = &entry.fingerprint;
    let about = publication.as_ref().or(source.as_ref()).map(|text| format!(" ({text})")).unwrap_or_default();
    let of = service.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
    let place = if file.is_empty() { "on this host".to_owned() } else { format!("in {file}") };
    let what = format!("{rule}{of} {place}{about}");
    let message = if gone == entry.count {
        format!("the baseline accepts what is gone: {what}")
    } else {
        format!("the baseline accepts {}, of which {} is left: {what}", entry.count, entry.count - gone)
    };
    let path = entry.place.as_ref().map_or_else(|| ground.file.to_owned(), |place| PathBuf::from(place.path()));
    Finding {
        rule: stale_allow::RULE.name,
        level: Level::Note,
        path,
        place: entry.place.clone(),
        service: None,
        subject: None,
        message,
        label: "no longer found".to_owned(),
        related: Vec::new(),
        help: vec!["write the baseline again: `check --write-baseline`".to_owned()],
        fix: None,
        remedy: None,
        on_host: None,
    }
}

/// The baseline as the text of its file: JSON, sorted, one value a line, so that a change of one finding changes a few lines.
pub fn to_json(baseline: &Baseline) -> String {
    let entries: Vec<Value> = baseline.entries.iter().map(entry_to_json).collect();
    let whole = json!({ "version": 1, "accepted": entries });
    format!("{whole:#}\n")
}

fn entry_to_json(entry: &Accepted) -> Value {
    let Fingerprint { file, service, publication, rule, source } = &entry.fingerprint;
    let mut object = Map::new();
    object.insert("rule".to_owned(), json!(rule));
    object.insert("file".to_owned(), json!(file));
    let optional = [("line", entry.line.map(Value::from)), ("service", service.as_deref().map(Value::from))];
    let more = [("publication", publication.as_deref().map(Value::from)), ("source", source.as_deref().map(Value::from))];
    for (key, value) in optional.into_iter().chain(more) {
        if let Some(value) = value {
            object.insert(key.to_owned(), value);
        }
    }
    object.insert("count".to_owned(), json!(entry.count));
    Value::Object(object)
}
