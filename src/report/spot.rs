//! A place in the numbers that people and editors use.

use crate::model::source::{Place, Span};
use serde::Serialize;

/// A range of a text in lines and columns: lines count from 1, columns count characters from 1, the end is one past the last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Spot {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) end_line: u32,
    pub(super) end_column: u32,
}

impl Spot {
    /// The spot of a place. Blanks and line breaks at its end (a block mapping's span runs up to the next entry) are left out.
    pub(super) fn of(place: &Place) -> Self {
        let end = solid(place).end;
        let source = &place.source;
        Self { line: place.line(), column: place.column(), end_line: source.line(end), end_column: source.column(end) }
    }
}

/// The bytes of a place without blanks and line breaks at the end.
pub(super) fn solid(place: &Place) -> Span {
    let trimmed = place.text().trim_end();
    let length = u32::try_from(trimmed.len()).unwrap_or(u32::MAX);
    Span { start: place.span.start, end: place.span.start.saturating_add(length) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::place;

    #[test]
    fn a_mapping_ends_where_its_last_value_ends() {
        let spot = Spot::of(&place("a.yml", "ports:\n  - «target: 80\n    published: 8ä\n  »- 90\n"));
        assert_eq!(spot, Spot { line: 2, column: 5, end_line: 3, end_column: 18 });
    }

    #[test]
    fn an_empty_place_ends_where_it_starts() {
        let spot = Spot::of(&place("a.yml", "ports: «»\n"));
        assert_eq!(spot, Spot { line: 1, column: 8, end_line: 1, end_column: 8 });
    }
}
