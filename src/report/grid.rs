//! Rows of cells in columns, for people, in the manner of `docker ps`; perhaps with a remark at the end of each row.
//!
//! On a terminal no line is wider than the terminal: long cells lose their middle, then columns go, in the order that the table
//! names. Remarks are folded beside the cells where there is room, and otherwise below their row, those alone that matter. Elsewhere
//! nothing is shortened, and a row is one line.

use super::style::{Style, Tone};
use super::visible::{shorten, visible, width};
use super::wrap;
use std::io::{self, Write};

/// With fewer columns than this beside the cells, remarks go below their rows.
const BESIDE: usize = 28;
/// What a remark below its row is indented by.
const BELOW: usize = 4;

/// How a table of `N` columns is laid out.
pub(super) struct Grid<const N: usize> {
    /// The heading of each column.
    pub(super) headings: [&'static str; N],
    /// The heading of the remarks; empty: there are none.
    pub(super) remarks: &'static str,
    /// Spaces between columns.
    pub(super) gap: usize,
    /// What is done, in this order, until a table fits: a column is narrowed to so many columns, or it goes (0).
    pub(super) steps: &'static [(usize, usize)],
}

/// One row.
#[derive(Clone)]
pub(super) struct Row<const N: usize> {
    /// The texts; they need not be visible yet.
    pub(super) cells: [String; N],
    /// What stands in the place of a text that does not fit; empty: the text itself, without its middle.
    pub(super) briefs: [&'static str; N],
    /// The tone of each; None: as it is.
    pub(super) tones: [Option<Tone>; N],
    /// One sentence or two about the row; may be empty.
    pub(super) remark: String,
    /// True if the remark is shown even where there is little room.
    pub(super) matters: bool,
}

/// Where remarks are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remarks {
    /// Right of the cells, in one line.
    Beside,
    /// Right of the cells, folded to so many columns.
    Folded(usize),
    /// Below the cells, folded to so many columns.
    Below(usize),
}

impl<const N: usize> Grid<N> {
    /// Writes the headings and the rows.
    ///
    /// # Errors
    /// What the writer says.
    pub(super) fn write(&self, rows: &[Row<N>], style: &Style, out: &mut dyn Write) -> io::Result<()> {
        let mut natural = self.headings.map(width);
        for row in rows {
            for (widest, cell) in natural.iter_mut().zip(&row.cells) {
                *widest = (*widest).max(width(cell));
            }
        }
        let widths = if style.is_terminal { self.fitted(natural, style.width) } else { natural };
        let beside = style.width.saturating_sub(self.total(widths) + self.gap);
        let remarks = match style.is_terminal {
            false => Remarks::Beside,
            true if beside >= BESIDE => Remarks::Folded(beside),
            true => Remarks::Below(style.width.saturating_sub(BELOW).max(1)),
        };
        let remark = if matches!(remarks, Remarks::Below(_)) { "" } else { self.remarks };
        let cells = self.headings.map(str::to_owned);
        let tones = [Some(Tone::Strong); N];
        let headings = Row { cells, briefs: [""; N], tones, remark: remark.to_owned(), matters: false };
        std::iter::once(&headings).chain(rows).try_for_each(|row| self.write_row(row, widths, remarks, style, out))
    }

    /// Narrows columns until the table fits into `room`; a column of width 0 is not drawn.
    fn fitted(&self, natural: [usize; N], room: usize) -> [usize; N] {
        let mut widths = natural;
        for (column, least) in self.steps {
            let excess = self.total(widths).saturating_sub(room);
            if excess > 0 {
                let width = &mut widths[*column];
                *width = if *least == 0 { 0 } else { width.saturating_sub(excess).max((*least).min(*width)) };
            }
        }
        let shown = |widths: [usize; N]| (0..N).filter(move |column| widths[*column] > 0);
        // What a dropped column freed goes back to the others, from the left; what is still too much is taken from all.
        for column in shown(widths) {
            let free = room.saturating_sub(self.total(widths));
            widths[column] = natural[column].min(widths[column] + free);
        }
        for column in shown(widths) {
            let excess = self.total(widths).saturating_sub(room);
            widths[column] = widths[column].saturating_sub(excess).max(1);
        }
        widths
    }

    fn total(&self, widths: [usize; N]) -> usize {
        let shown = widths.iter().filter(|width| **width > 0).count();
        widths.iter().sum::<usize>() + self.gap * shown.saturating_sub(1)
    }

    fn write_row(
        &self,
        row: &Row<N>,
        widths: [usize; N],
        remarks: Remarks,
        style: &Style,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let line = self.line(row, widths, style);
        let paint =
            |text: &str| if row.tones == [Some(Tone::Strong); N] { style.paint(Tone::Strong, text) } else { text.to_owned() };
        let remark = visible(&row.remark);
        let (parts, indent) = match remarks {
            _ if remark.is_empty() => return writeln!(out, "{}", line.trim_end()),
            Remarks::Beside => (vec![remark.into_owned()], 0),
            Remarks::Folded(room) => (wrap::lines(&remark, room), self.total(widths) + self.gap),
            Remarks::Below(_) if !row.matters => return writeln!(out, "{}", line.trim_end()),
            Remarks::Below(room) => (wrap::lines(&remark, room), BELOW),
        };
        let mut parts = parts.iter();
        if matches!(remarks, Remarks::Below(_)) {
            writeln!(out, "{}", line.trim_end())?;
        } else if let Some(first) = parts.next() {
            writeln!(out, "{line}{}", paint(&shorten(first, style.room(indent))))?;
        }
        parts.try_for_each(|part| writeln!(out, "{:indent$}{}", "", paint(&shorten(part, style.room(indent)))))
    }

    /// The cells, each painted after it was padded; the last one is padded where a remark may follow.
    fn line(&self, row: &Row<N>, widths: [usize; N], style: &Style) -> String {
        let last = widths.iter().rposition(|width| *width > 0).filter(|_| self.remarks.is_empty());
        let mut line = String::new();
        for (column, cell) in row.cells.iter().enumerate().filter(|(column, _)| widths[*column] > 0) {
            let brief = row.briefs[column];
            let text = if width(cell) > widths[column] && !brief.is_empty() { brief } else { cell };
            let cell = shorten(&visible(text), widths[column]).into_owned();
            let padding = (widths[column] + self.gap).saturating_sub(width(&cell));
            line.push_str(&row.tones[column].map_or_else(|| cell.clone(), |tone| style.paint(tone, &cell)));
            if Some(column) != last {
                line.extend(std::iter::repeat_n(' ', padding));
            }
        }
        line
    }
}
