//! Edits to texts.
//!
//! In: a text and the edits made for it. Out: the text with exactly those bytes changed. Not here: whether an edit is any good.

use crate::model::finding::Edit;
use crate::model::source::{Place, Source};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why edits do not fit a text, or each other.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Misfit {
    /// Two edits want the same bytes.
    #[error("the changes at {first} and {second} overlap")]
    Overlap {
        /// The first.
        first: Place,
        /// The second.
        second: Place,
    },
    /// An edit reaches past the end of the text, or cuts a character in two.
    #[error("the change at {place} does not fit the text")]
    Outside {
        /// The edit's place.
        place: Place,
    },
    /// Two edits were made for different texts under one path.
    #[error("the text of {} is not the one that the change was made for", place.path().display())]
    Stale {
        /// The edit's place.
        place: Place,
    },
}

/// A text before and after its edits.
#[derive(Clone, Debug)]
pub struct Change {
    /// As it was read.
    pub before: Arc<Source>,
    /// As it is to be.
    pub after: Arc<Source>,
}

/// The text after the edits. The same edit given twice counts once; the order does not matter.
///
/// # Errors
/// [`Misfit`] where two edits overlap (two insertions at one place do), or one does not fit the text.
pub fn apply<'a>(text: &str, edits: impl IntoIterator<Item = &'a Edit>) -> Result<String, Misfit> {
    // Law: only-own-bytes-change
    let edits = in_order(edits)?;
    let mut result = String::with_capacity(text.len() + edits.iter().map(|edit| edit.replacement.len()).sum::<usize>());
    let mut done = 0;
    for edit in edits {
        let span = edit.place.span.range();
        let outside = || Misfit::Outside { place: edit.place.clone() };
        let between = text.get(done..span.start).ok_or_else(outside)?;
        text.get(span.clone()).ok_or_else(outside)?;
        result.push_str(between);
        result.push_str(&edit.replacement);
        done = span.end;
    }
    result.push_str(text.get(done..).unwrap_or_default());
    Ok(result)
}

/// The changed texts by the path that people see, each changed as [`apply`] does it.
///
/// # Errors
/// [`Misfit`].
pub fn apply_all<'a>(edits: impl IntoIterator<Item = &'a Edit>) -> Result<BTreeMap<PathBuf, Change>, Misfit> {
    let mut by_path: BTreeMap<&Path, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_path.entry(edit.place.path()).or_default().push(edit);
    }
    let mut changes = BTreeMap::new();
    for (path, edits) in by_path {
        let before = Arc::clone(&edits[0].place.source);
        let is_other = |edit: &&&Edit| !Arc::ptr_eq(&edit.place.source, &before) && edit.place.source.text() != before.text();
        if let Some(edit) = edits.iter().find(is_other) {
            return Err(Misfit::Stale { place: edit.place.clone() });
        }
        let after = Source::new(path, apply(before.text(), edits.iter().copied())?);
        changes.insert(path.to_owned(), Change { before, after });
    }
    Ok(changes)
}

/// The edits of one text in the order of their places, each once.
fn in_order<'a>(edits: impl IntoIterator<Item = &'a Edit>) -> Result<Vec<&'a Edit>, Misfit> {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    edits.sort_by(|a, b| (a.place.span, &a.replacement).cmp(&(b.place.span, &b.replacement)));
    edits.dedup_by(|a, b| a.place.span == b.place.span && a.replacement == b.replacement);
    let clash = edits.windows(2).find(|pair| overlap(pair[0], pair[1]));
    match clash {
        Some(pair) => Err(Misfit::Overlap { first: pair[0].place.clone(), second: pair[1].place.clone() }),
        None => Ok(edits),
    }
}

/// True if the order of two different edits, `a` starting no later than `b`, would matter.
fn overlap(a: &Edit, b: &Edit) -> bool {
    b.place.span.start < a.place.span.end || a.place.span.start == b.place.span.start
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::source::Span;

    fn edit(text: &str, start: u32, end: u32, replacement: &str) -> Edit {
        let place = Place { source: Source::new("compose.yaml", text), span: Span { start, end } };
        Edit { place, replacement: replacement.to_owned() }
    }

    #[test]
    fn edits_change_their_own_bytes_in_any_order() {
        let text = "\u{feff}a: 1\r\nb: ä\r\n";
        let edits = [edit(text, 12, 14, "u"), edit(text, 6, 7, "0")];
        assert_eq!(apply(text, &edits).unwrap(), "\u{feff}a: 0\r\nb: u\r\n");
        assert_eq!(apply(text, edits.iter().rev()).unwrap(), "\u{feff}a: 0\r\nb: u\r\n");
        assert_eq!(apply(text, &[]).unwrap(), text);
    }

    #[test]
    fn the_same_edit_given_twice_counts_once() {
        let edits = [edit("80:80", 0, 0, "127.0.0.1:"), edit("80:80", 0, 0, "127.0.0.1:")];
        assert_eq!(apply("80:80", &edits).unwrap(), "127.0.0.1:80:80");
    }

    #[test]
    fn overlapping_edits_are_refused() {
        let text = "0123456789";
        for (first, second) in [((0, 3), (2, 4)), ((0, 9), (3, 4)), ((5, 5), (5, 5)), ((5, 5), (5, 6))] {
            let edits = [edit(text, first.0, first.1, "x"), edit(text, second.0, second.1, "y")];
            assert!(matches!(apply(text, &edits), Err(Misfit::Overlap { .. })), "{first:?} {second:?}");
        }
        let neighbours = [edit(text, 0, 5, "x"), edit(text, 5, 6, "y")];
        assert_eq!(apply(text, &neighbours).unwrap(), "xy6789");
    }

    #[test]
    fn an_edit_past_the_end_or_inside_a_character_is_refused() {
        for (start, end) in [(0, 9), (1, 2), (9, 9)] {
            assert!(matches!(apply("ä", &[edit("ä", start, end, "x")]), Err(Misfit::Outside { .. })), "{start}..{end}");
        }
    }

    #[test]
    fn edits_of_several_files_are_kept_apart() {
        let other = Place { source: Source::new("other.yaml", "b"), span: Span { start: 0, end: 1 } };
        let edits = [edit("a", 0, 1, "x"), Edit { place: other, replacement: "y".to_owned() }];
        let changes = apply_all(&edits).unwrap();
        let texts: Vec<(String, &str)> =
            changes.iter().map(|(path, change)| (path.display().to_string(), change.after.text())).collect();
        assert_eq!(texts, [("compose.yaml".to_owned(), "x"), ("other.yaml".to_owned(), "y")]);
    }

    #[test]
    fn edits_for_different_texts_under_one_path_are_refused() {
        let edits = [edit("a", 0, 1, "x"), edit("b", 0, 1, "x")];
        assert!(matches!(apply_all(&edits), Err(Misfit::Stale { .. })));
    }
}
