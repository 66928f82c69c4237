//! The policy file: `docker-firewall.yaml`.
//!
//! In: its text. Out: an intent: grants for the project and for services, levels of rules, and whether labels are trusted. Not here:
//! whether the services and rules that it names exist. The schema is plugin-metadata/schemas/policy.schema.json.

use super::settings::{self, Entries, Ground, find, keys, mistake};
use super::{comment, tree};
use crate::model::finding::Level;
use crate::model::nearest::nearest;
use crate::model::origin::Sourced;
use crate::model::policy::{Intent, Means, RuleLevel, Scope};
use crate::model::setting::Setting;
use crate::model::source::Source;
use std::sync::Arc;

const LEVELS: [&str; 4] = ["off", "note", "warn", "error"];

/// Reads a policy file. One that is no YAML allows nothing at all.
pub(super) fn read(source: &Arc<Source>) -> Intent {
    let mut intent = Intent::default();
    let (setting, pragmas) = tree::read(source, &mut intent.mistakes);
    if let Some(setting) = setting {
        top(&setting, &mut intent);
    }
    for pragma in &pragmas {
        comment::read(pragma, &mut intent);
    }
    intent
}

/// Takes the top level of the file.
fn top(setting: &Setting, intent: &mut Intent) {
    let Setting::Mapping(entries, _) = setting else {
        let help = "write a mapping with `allow`, `services` or `rules`";
        return intent.mistakes.push(mistake(&setting.origin().place, "the policy is no mapping", Some(help)));
    };
    keys(entries, &["allow", "services", "rules", "trust-labels"], intent);
    if let Some(setting) = find(entries, "allow") {
        project(setting, intent);
    }
    if let Some(setting) = find(entries, "services") {
        each(setting, "services", intent, service);
    }
    if let Some(setting) = find(entries, "rules") {
        each(setting, "rules", intent, rule);
    }
    if let Some(setting) = find(entries, "trust-labels") {
        trust_labels(setting, intent);
    }
}

fn project(setting: &Setting, intent: &mut Intent) {
    settings::allow(setting, &Ground { scope: Scope::Project, means: Means::PolicyFile }, intent);
}

fn service(name: &Sourced<String>, setting: &Setting, intent: &mut Intent) {
    settings::allow(setting, &Ground { scope: Scope::Service(name.value.clone()), means: Means::PolicyFile }, intent);
}

/// Hands each entry of a mapping to `take`.
fn each(setting: &Setting, key: &str, intent: &mut Intent, take: fn(&Sourced<String>, &Setting, &mut Intent)) {
    match setting {
        Setting::Mapping(entries, _) => entries.iter().for_each(|(name, value)| take(name, value, intent)),
        setting => intent.mistakes.push(mistake(&setting.origin().place, &format!("`{key}` is no mapping"), None)),
    }
}

/// `RULE: note`, or `RULE: {level: off, reason: …}`
fn rule(name: &Sourced<String>, setting: &Setting, intent: &mut Intent) {
    let level = match setting {
        Setting::Scalar(word) => Some((word, None)),
        Setting::Mapping(entries, _) => level_and_reason(name, entries, intent),
        Setting::List(_, origin) => {
            intent.mistakes.push(mistake(
                &origin.place,
                "a list is no level",
                Some("write one of `off`, `note`, `warn`, `error`"),
            ));
            None
        }
    };
    let Some((word, reason)) = level else { return };
    let level = match word.value.as_str() {
        "off" if reason.is_none() => {
            let help = format!("write `{}: {{level: off, reason: why}}`", name.value);
            let message = "a rule is switched off without a reason, so it stays on";
            return intent.mistakes.push(mistake(&word.origin.place, message, Some(&help)));
        }
        "off" => None,
        "note" => Some(Level::Note),
        "warn" => Some(Level::Warn),
        "error" => Some(Level::Error),
        other => {
            let near = nearest(other, LEVELS)
                .map_or("the levels are `off`, `note`, `warn`, `error`".to_owned(), |near| format!("the nearest is `{near}`"));
            return intent.mistakes.push(mistake(&word.origin.place, &format!("`{other}` is no level"), Some(&near)));
        }
    };
    intent.levels.push(RuleLevel { rule: name.value.clone(), level, reason, place: name.origin.place.clone() });
}

fn level_and_reason<'a>(
    name: &Sourced<String>,
    entries: &'a Entries,
    intent: &mut Intent,
) -> Option<(&'a Sourced<String>, Option<String>)> {
    keys(entries, &["level", "reason"], intent);
    let reason = find(entries, "reason").and_then(|setting| settings::reason(setting, intent));
    let help = Some("add `level: note`, or another of `off`, `warn`, `error`");
    match find(entries, "level") {
        Some(Setting::Scalar(word)) => Some((word, reason)),
        Some(setting) => {
            intent.mistakes.push(mistake(&setting.origin().place, "the level is no word", help));
            None
        }
        None => {
            intent.mistakes.push(mistake(&name.origin.place, &format!("`{}` has no level", name.value), help));
            None
        }
    }
}

/// A boolean, written out: a quoted `"true"` is a text, which the schema refuses too.
fn trust_labels(setting: &Setting, intent: &mut Intent) {
    match setting.origin().place.text() {
        "true" => intent.trusts_labels = Some(true),
        "false" => intent.trusts_labels = Some(false),
        _ => {
            // A mistake silences nothing: labels do not count until it is mended.
            intent.trusts_labels = Some(false);
            let message = "`trust-labels` is neither `true` nor `false`";
            intent.mistakes.push(mistake(&setting.origin().place, message, None));
        }
    }
}
