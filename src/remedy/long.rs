//! `host_ip:` put into a long `ports` entry, in the style of the mapping.

use super::refuse;
use crate::model::finding::{Edit, Refusal};
use crate::model::origin::{Hop, Origin};
use crate::model::publication::Entry;
use crate::model::source::{Place, Span};

/// The edit that gives a long entry without `host_ip` the address.
///
/// Flow style: `{target: 80, host_ip: 127.0.0.1}`, the key in quotes if `target` is. Block style: a line of its own under the line of
/// `target`, with its indentation and line break; the mapping's first line where `target` comes from elsewhere.
///
/// # Errors
/// Where the place for it cannot be told.
pub(super) fn insert_host_ip(entry: &Entry, address: &str) -> Result<Edit, Refusal> {
    let mapping = &entry.origin.place;
    let is_flow = mapping.text().starts_with('{');
    let key = entry.target.as_ref().and_then(|target| target_in(mapping, target)).and_then(|value| Key::before(mapping, value));
    match (is_flow, key) {
        (true, Some(key)) => Ok(insert(mapping, key.value.end, format!(", {}", key.pair(address)))),
        (false, Some(key)) => under(mapping, &key, address),
        (true, None) if mapping.text()[1..].trim_start().starts_with('"') => {
            Ok(insert(mapping, mapping.span.start + 1, format!("\"host_ip\": \"{address}\", ")))
        }
        (true, None) => Ok(insert(mapping, mapping.span.start + 1, format!("host_ip: {address}, "))),
        (false, None) => first(mapping, address),
    }
}

fn insert(mapping: &Place, at: u32, replacement: String) -> Edit {
    Edit { place: mapping.with_span(Span { start: at, end: at }), replacement }
}

/// The bytes of the mapping's own value for `target`: the scalar, or an alias to one.
fn target_in(mapping: &Place, target: &Origin) -> Option<Span> {
    let is_inside = |place: &&Place| {
        place.path() == mapping.path() && mapping.span.start <= place.span.start && place.span.end <= mapping.span.end
    };
    let aliases = target.hops.iter().filter_map(|hop| match hop {
        Hop::Alias { at, .. } => Some(at),
        _ => None,
    });
    let merged = target.hops.iter().any(|hop| matches!(hop, Hop::MergeKey { at } if is_inside(&at)));
    let found = aliases.chain([&target.place]).find(is_inside).map(|place| place.span);
    found.filter(|_| !merged)
}

/// A key and its value on one line of a mapping.
struct Key<'a> {
    /// The bytes of the line before the key.
    lead: &'a str,
    /// As it is written, quotes included.
    written: &'a str,
    value: Span,
}

impl<'a> Key<'a> {
    /// The key `target` that stands before its value on the same line.
    fn before(mapping: &'a Place, value: Span) -> Option<Self> {
        let text = mapping.source.text();
        let before = text.get(..value.start as usize)?;
        let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        let until_colon = line.trim_end_matches(|sign| sign != ':').strip_suffix(':')?.trim_end();
        let written = ["\"target\"", "'target'", "target"].into_iter().find(|written| until_colon.ends_with(written))?;
        let (lead, written) = until_colon.split_at(until_colon.len() - written.len());
        Some(Self { lead, written, value })
    }

    /// `host_ip: 127.0.0.1` in the manner of this key.
    fn pair(&self, address: &str) -> String {
        match self.written.chars().next() {
            Some('"') => format!("\"host_ip\": \"{address}\""),
            Some('\'') => format!("'host_ip': '{address}'"),
            _ => format!("host_ip: {address}"),
        }
    }
}

/// A line under the line of the key.
fn under(mapping: &Place, key: &Key, address: &str) -> Result<Edit, Refusal> {
    let line = mapping.source.line_span(mapping.source.line(key.value.start));
    let pair = key.pair(address);
    Ok(insert(mapping, line.end, format!("{}{}{pair}", line_break(mapping), indentation(key.lead)?)))
}

/// A line before the first key of the mapping.
fn first(mapping: &Place, address: &str) -> Result<Edit, Refusal> {
    let line = mapping.source.line_span(mapping.source.line(mapping.span.start));
    let lead = mapping.source.text().get(line.start as usize..mapping.span.start as usize).unwrap_or_default();
    Ok(insert(mapping, mapping.span.start, format!("host_ip: {address}{}{}", line_break(mapping), indentation(lead)?)))
}

/// The indentation of a key: what stands before it on its line, list dashes as blanks.
fn indentation(lead: &str) -> Result<String, Refusal> {
    let lead = lead.trim_start_matches('\u{feff}');
    if lead.chars().all(|sign| matches!(sign, ' ' | '\t' | '-')) {
        Ok(lead.replace('-', " "))
    } else {
        refuse("the entry's mapping does not begin its line")
    }
}

/// The line break of the mapping's first line, or, at the end of the text, of the text's first.
fn line_break(mapping: &Place) -> &'static str {
    let text = mapping.source.text();
    let rest = text.get(mapping.span.start as usize..).unwrap_or_default();
    let here = rest.find('\n').map(|at| &rest[..=at]).or_else(|| text.find('\n').map(|at| &text[..=at]));
    if here.is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
}
