//! Texts that were read, and places in them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// One text as it was read, under the name that is shown to people.
pub struct Source {
    path: PathBuf,
    text: String,
    line_starts: OnceLock<Vec<u32>>,
    /// The offsets of bytes that begin no character.
    continuations: OnceLock<Vec<u32>>,
}

impl Source {
    /// Keeps `text` under `path`. The path is shown as it is given here; nothing is opened.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into(), line_starts: OnceLock::new(), continuations: OnceLock::new() })
    }

    /// The path as people are to see it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The whole text, byte for byte: a byte-order mark and carriage returns are still in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line that holds a byte offset; the first line is 1.
    pub fn line(&self, offset: u32) -> u32 {
        let index = self.line_starts().partition_point(|start| *start <= offset);
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// The column of a byte offset in characters (Unicode scalar values); the first column is 1. A byte-order mark counts nothing.
    pub fn column(&self, offset: u32) -> u32 {
        let line = self.line(offset);
        let start = self.line_span(line).start;
        let continuations = self.continuations_before(offset) - self.continuations_before(start);
        let has_mark = start == 0 && offset > 0 && self.text.starts_with('\u{feff}');
        offset.saturating_sub(start + continuations + u32::from(has_mark)).saturating_add(1)
    }

    fn continuations_before(&self, offset: u32) -> u32 {
        let all = self.continuations.get_or_init(|| {
            let bytes = self.text.bytes().enumerate().filter(|(_, byte)| byte & 0b1100_0000 == 0b1000_0000);
            bytes.map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect()
        });
        u32::try_from(all.partition_point(|at| *at < offset)).unwrap_or(u32::MAX)
    }

    /// The bytes of a line (the first is 1), without its line break. Empty past the end.
    pub fn line_span(&self, line: u32) -> Span {
        let starts = self.line_starts();
        let end_of_text = length(&self.text);
        let index = line.saturating_sub(1) as usize;
        let start = starts.get(index).copied().unwrap_or(end_of_text);
        let end = starts.get(index + 1).copied().unwrap_or(end_of_text);
        let body = self.text.get(start as usize..end as usize).unwrap_or_default();
        let trimmed = body.trim_end_matches('\n').trim_end_matches('\r');
        Span { start, end: start + length(trimmed) }
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX))).collect()
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.path.display())
    }
}

/// A range of bytes in a text: `start` inclusive, `end` exclusive. Texts are limited to 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The same range as the standard library writes it.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A range of bytes in a certain text.
#[derive(Clone)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// The bytes in it.
    pub span: Span,
}

impl Place {
    /// The path of the text, as people are to see it.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// The line of the first byte; the first line is 1.
    pub fn line(&self) -> u32 {
        self.source.line(self.span.start)
    }

    /// The column of the first byte in characters; the first column is 1.
    pub fn column(&self) -> u32 {
        self.source.column(self.span.start)
    }

    /// The text in the range, as it is written in the file.
    pub fn text(&self) -> &str {
        self.source.text().get(self.span.range()).unwrap_or_default()
    }

    /// Another range of the same text.
    pub fn with_span(&self, span: Span) -> Self {
        Self { source: Arc::clone(&self.source), span }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span && self.path() == other.path()
    }
}

impl Eq for Place {}

impl fmt::Display for Place {
    /// `path:line:column`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path().display(), self.line(), self.column())
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {:?}", self.text())
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let source = Source::new("a.yml", "\u{feff}a: ä8\r\nb: 1\n");
        let at = |needle: &str| u32::try_from(source.text().find(needle).unwrap_or(0)).unwrap_or(0);
        assert_eq!((source.line(at("8")), source.column(at("8"))), (1, 5));
        assert_eq!((source.line(at("b")), source.column(at("1"))), (2, 4));
        assert_eq!(&source.text()[source.line_span(1).range()], "\u{feff}a: ä8");
        assert_eq!(source.line_span(9), Span { start: 16, end: 16 });
    }
}
