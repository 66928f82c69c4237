//! What stands under `allow`: a text, a list, or a mapping with a reason; the same in compose files and in the policy file.
//!
//! In: a [`Setting`] and what it is about. Out: grants and mistakes, added to an intent. Not here: where the setting was found.

use super::grammar::{self, About, Misread};
use crate::model::nearest::nearest;
use crate::model::origin::Sourced;
use crate::model::policy::{Grant, Intent, Means, Mistake, Scope};
use crate::model::setting::Setting;
use crate::model::source::{Place, Span};
use std::ops::Range;

/// Entries of a mapping, as written.
pub(super) type Entries = [(Sourced<String>, Setting)];

/// What a text is about and how it was written: what each of its grants is made of, apart from the allowance.
#[derive(Clone)]
pub(super) struct Ground {
    /// What the grants are about.
    pub scope: Scope,
    /// By which means they were written.
    pub means: Means,
}

impl Ground {
    fn about(&self) -> About {
        if matches!(self.scope, Scope::Publication(_)) { About::Publication } else { About::Ports }
    }
}

/// Takes a text, a list of texts and mappings, or a mapping of `allow` and `reason`.
pub(super) fn allow(setting: &Setting, ground: &Ground, intent: &mut Intent) {
    match setting {
        Setting::Scalar(text) => texts(text, None, ground, intent),
        Setting::Mapping(entries, origin) => mapping(entries, &origin.place, ground, intent),
        Setting::List(items, _) => items.iter().for_each(|item| match item {
            Setting::List(_, origin) => intent.mistakes.push(mistake(&origin.place, "a list stands in a list", None)),
            item => allow(item, ground, intent),
        }),
    }
}

/// `allow: …` and `reason: …`
fn mapping(entries: &Entries, place: &Place, ground: &Ground, intent: &mut Intent) {
    let known = keys(entries, &["allow", "reason"], intent);
    let reason = find(entries, "reason").and_then(|setting| reason(setting, intent));
    let items = match find(entries, "allow") {
        Some(Setting::List(items, _)) => items.as_slice(),
        Some(item) => std::slice::from_ref(item),
        None if known => {
            intent.mistakes.push(mistake(place, "the mapping allows nothing", Some("add `allow: 443/tcp`")));
            return;
        }
        None => return,
    };
    for item in items {
        match item {
            Setting::Scalar(text) => texts(text, reason.as_deref(), ground, intent),
            other => intent.mistakes.push(mistake(&other.origin().place, "`allow` is neither a text nor a list of texts", None)),
        }
    }
}

/// The allowances of one scalar.
pub(super) fn texts(text: &Sourced<String>, reason: Option<&str>, ground: &Ground, intent: &mut Intent) {
    let text = &as_written(text);
    let found = grammar::list(&text.value, ground.about());
    if found.is_empty() {
        intent.mistakes.push(mistake(
            &text.origin.place,
            "the allowance is empty",
            Some("write ports, as in `443/tcp`, or `any`"),
        ));
    }
    for (span, read) in found {
        match read {
            Ok(allowance) => {
                let (scope, reason) = (ground.scope.clone(), reason.map(str::to_owned));
                let grant = Grant { allowance, scope, reason, place: within(text, span), means: ground.means };
                intent.grants.push(grant);
            }
            Err(misread) => intent.mistakes.push(misread_at(text, misread)),
        }
    }
}

/// A number as its digits stand in the file: YAML makes 291 of `0443`, and nobody means port 291 by it.
fn as_written(text: &Sourced<String>) -> Sourced<String> {
    let is_number = !text.value.is_empty() && text.value.bytes().all(|byte| byte.is_ascii_digit());
    let raw = text.origin.place.text();
    let is_plain = is_number && text.origin.substitutions().next().is_none() && raw.starts_with(|c: char| c.is_ascii_digit());
    Sourced { value: if is_plain { raw.to_owned() } else { text.value.clone() }, origin: text.origin.clone() }
}

/// A reason: a text that says something.
pub(super) fn reason(setting: &Setting, intent: &mut Intent) -> Option<String> {
    match setting {
        Setting::Scalar(text) if !is_blank(text) => Some(text.value.trim().to_owned()),
        setting => {
            intent.mistakes.push(mistake(
                &setting.origin().place,
                "the reason is no text",
                Some("say in words why the port is open"),
            ));
            None
        }
    }
}

/// Reports unknown keys; true if there are none. Repeated keys are the YAML reader's to report.
pub(super) fn keys(entries: &Entries, known: &[&str], intent: &mut Intent) -> bool {
    let unknown: Vec<_> = entries.iter().map(|(key, _)| key).filter(|key| !known.contains(&&*key.value)).collect();
    for key in &unknown {
        let help = nearest(&key.value, known.iter().copied()).map_or_else(
            || format!("known here: {}", known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")),
            |near| format!("the nearest is `{near}`"),
        );
        intent.mistakes.push(mistake(&key.origin.place, &format!("the key `{}` is not known here", key.value), Some(&help)));
    }
    unknown.is_empty()
}

/// The first value of a key.
pub(super) fn find<'a>(entries: &'a Entries, key: &str) -> Option<&'a Setting> {
    entries.iter().find(|(name, _)| name.value == key).map(|(_, setting)| setting)
}

/// True for nothing, null and booleans: words that say nothing to a reader.
fn is_blank(text: &Sourced<String>) -> bool {
    let raw = text.origin.place.text();
    text.value.trim().is_empty() || matches!(raw, "~" | "null" | "Null" | "NULL" | "true" | "false")
}

pub(super) fn mistake(place: &Place, message: &str, help: Option<&str>) -> Mistake {
    Mistake { place: place.clone(), message: message.to_owned(), help: help.map(str::to_owned) }
}

fn misread_at(text: &Sourced<String>, misread: Misread) -> Mistake {
    let Misread { span, message, help } = misread;
    let place = within(text, span);
    // Where the text was put together (variables, escapes, a block), its bytes are not those of the file: say them in words.
    let is_exact = text.origin.place.text().contains(&text.value);
    let message = if is_exact { message } else { format!("{message}, in `{}`", text.value.trim()) };
    Mistake { place, message, help }
}

/// The place of some bytes of a scalar's value: exact where the file has the value letter by letter, else the whole scalar.
pub(super) fn within(text: &Sourced<String>, span: Range<usize>) -> Place {
    let place = &text.origin.place;
    // From the end: in the label `docker-firewall.allow=443/tcp` the value comes last.
    let offset = place.text().rfind(&text.value).and_then(|at| u32::try_from(at).ok());
    match (offset, u32::try_from(span.start), u32::try_from(span.end)) {
        (Some(offset), Ok(start), Ok(end)) if !text.value.is_empty() => {
            let from = place.span.start + offset;
            place.with_span(Span { start: from + start, end: from + end })
        }
        _ => place.clone(),
    }
}
