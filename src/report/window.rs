//! The part of a source line that is shown, when the line is longer than there is room.

use super::visible::{char_width, shown};
use std::ops::Range;

/// Stands for what was cut away.
const CUT: &str = "...";
/// A tab is drawn as this many spaces.
const TAB: usize = 4;
/// Less room than this is not asked for: a few characters between two cuts.
const LEAST: usize = 20;

/// A piece of a line, ready to be drawn: no tabs, no hidden characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// What is drawn, at most as wide as the room.
    pub(super) text: String,
    /// The marked bytes in it; fewer than were asked for where they alone are too wide.
    pub(super) span: Range<usize>,
    /// The bytes of the line that are drawn.
    kept: Range<usize>,
    /// How many bytes of `text` stand for what was cut away on the left.
    lead: usize,
}

impl Window {
    /// Cuts a line down to `room` columns (20 at least) around the bytes `span`, and leaves `beside` columns free from their end on,
    /// as far as that is possible.
    ///
    /// Looks at no more of the line than can be drawn, however long it is. `span` lies within the line, on character boundaries.
    pub(super) fn cut(line: &str, span: Range<usize>, room: usize, beside: usize) -> Self {
        let room = room.max(LEAST);
        let (before, marked) = (&line[..span.start], &line[span.clone()]);
        let (marked_bytes, marked_columns) = take(marked.chars(), room - 2 * CUT.len());
        let after = &line[span.start + marked_bytes..];
        let rest = room - marked_columns;
        let (after_bytes, after_columns) = take(after.chars(), rest);
        let is_after_whole = after_bytes == after.len();
        let context = if is_after_whole { after_columns.min(room / 4) } else { room / 4 };
        let right = beside.max(context).min(rest - CUT.len());

        let (mut left_bytes, mut left_columns) = take(before.chars().rev(), rest - right);
        let lead = if left_bytes < before.len() { CUT } else { "" };
        if !lead.is_empty() {
            (left_bytes, left_columns) = take(before.chars().rev(), rest - right - CUT.len());
        }
        let right = rest - left_columns - lead.len();
        let is_cut_right = !(is_after_whole && after_columns <= right);
        let tail_bytes = if is_cut_right { take(after.chars(), right - CUT.len()).0 } else { after.len() };

        let kept = span.start - left_bytes..span.start + marked_bytes + tail_bytes;
        let mut text = lead.to_owned();
        draw(&line[kept.clone()], &mut text);
        if is_cut_right {
            text.push_str(CUT);
        }
        let mut window = Self { text, span: 0..0, kept, lead: lead.len() };
        window.span = window.find(line, span.start..span.start + marked_bytes).unwrap_or_default();
        window
    }

    /// Where other bytes of the same line are drawn; None if they are not, or not wholly.
    pub(super) fn find(&self, line: &str, span: Range<usize>) -> Option<Range<usize>> {
        let is_kept = self.kept.start <= span.start && span.end <= self.kept.end;
        let before = line.get(self.kept.start..span.start).filter(|_| is_kept)?;
        let start = self.lead + before.chars().map(drawn_bytes).sum::<usize>();
        let length = line.get(span)?.chars().map(drawn_bytes).sum::<usize>();
        Some(start..start + length)
    }
}

/// Appends a text as it is drawn.
pub(super) fn draw(text: &str, to: &mut String) {
    for character in text.chars() {
        match character {
            '\t' => to.extend(std::iter::repeat_n(' ', TAB)),
            _ => to.push(shown(character)),
        }
    }
}

/// The columns that characters are drawn with; counting stops when there are `room` or more.
pub(super) fn columns(characters: impl Iterator<Item = char>, room: usize) -> usize {
    let mut columns = 0;
    for character in characters {
        columns += drawn_width(character);
        if columns >= room {
            break;
        }
    }
    columns
}

/// The bytes and the columns of as many of the first characters as fit into `room` columns.
fn take(characters: impl Iterator<Item = char>, room: usize) -> (usize, usize) {
    let (mut bytes, mut columns) = (0, 0);
    for character in characters {
        let width = drawn_width(character);
        if columns + width > room {
            break;
        }
        columns += width;
        bytes += character.len_utf8();
    }
    (bytes, columns)
}

fn drawn_width(character: char) -> usize {
    if character == '\t' { TAB } else { char_width(character) }
}

fn drawn_bytes(character: char) -> usize {
    if character == '\t' { TAB } else { shown(character).len_utf8() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::visible::{is_hidden, width};
    use proptest::prelude::*;

    fn cut(line: &str, marked: &str, room: usize, beside: usize) -> (String, String) {
        let start = line.find(marked).unwrap();
        let window = Window::cut(line, start..start + marked.len(), room, beside);
        let marked = window.text[window.span.clone()].to_owned();
        (window.text, marked)
    }

    #[test]
    fn a_line_that_fits_is_whole() {
        assert_eq!(cut("  - 8080:80 # web", "8080:80", 20, 0), ("  - 8080:80 # web".into(), "8080:80".into()));
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let line = "ports: [1001:80, 1002:80, 1003:80, 1004:80, 1005:80, 1006:80]";
        assert_eq!(cut(line, "1001:80", 30, 0).0, "ports: [1001:80, 1002:80, 1...");
        assert_eq!(cut(line, "1004:80", 30, 0).0, "...80, 1003:80, 1004:80, 10...");
        assert_eq!(cut(line, "1006:80", 30, 0).0, "... 1004:80, 1005:80, 1006:80]");
    }

    #[test]
    fn room_is_left_for_what_stands_beside_the_mark() {
        let line = "ports: [1001:80, 1002:80, 1003:80, 1004:80, 1005:80, 1006:80]";
        assert_eq!(cut(line, "1004:80", 30, 15).0, "...:80, 1004:80, 1005:80, 1...");
    }

    #[test]
    fn a_mark_that_is_too_wide_is_cut_itself() {
        let (text, marked) =
            cut("  - \"0123456789012345678901234567890123456789\"", "0123456789012345678901234567890123456789", 20, 0);
        assert_eq!((text.as_str(), marked.as_str()), ("...01234567890123...", "01234567890123"));
    }

    #[test]
    fn tabs_wide_and_hidden_characters_take_the_columns_that_they_are_drawn_with() {
        assert_eq!(cut("\t日本: 80\u{202e}", "80\u{202e}", 20, 0), ("    日本: 80\u{fffd}".into(), "80\u{fffd}".into()));
    }

    proptest! {
        #[test]
        fn a_window_fits_and_holds_its_mark(before in ".{0,60}", marked in ".{0,40}", after in ".{0,60}", room in 0_usize..90, beside in 0_usize..60) {
            let line = format!("{before}{marked}{after}");
            let window = Window::cut(&line, before.len()..before.len() + marked.len(), room, beside);
            prop_assert!(width(&window.text) <= room.max(LEAST));
            prop_assert!(!window.text.contains(is_hidden));
            let mut drawn = String::new();
            draw(&marked, &mut drawn);
            prop_assert!(drawn.starts_with(&window.text[window.span.clone()]));
            drawn.clear();
            draw(&line, &mut drawn);
            prop_assert!(window.find(&line, 0..line.len()).is_none() || window.text == drawn);
        }
    }
}
