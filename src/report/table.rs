//! Resolved publications for people: a table in the manner of `docker ps`.
//!
//! One row for each run of bindings that one entry asks for. On a terminal the table is never wider than the terminal: long cells lose
//! their middle, then columns go, the least telling first. Elsewhere nothing is shortened.

use super::ports::{Which, pairs};
use super::style::{Style, Tone};
use super::visible::{shorten, visible, width};
use crate::model::origin::Certainty;
use crate::model::project::{Project, Service};
use crate::model::publication::{Binding, PortRange, Publication, Reach};
use std::io::{self, Write};

/// Spaces between columns.
const GAP: usize = 3;
const COLUMNS: usize = 6;
const HEADINGS: [&str; COLUMNS] = ["SERVICE", "HOST", "TARGET", "REACH", "CERTAINTY", "SOURCE"];
/// What is done, in this order, until a table fits: a column is narrowed to so many columns, or it goes (0).
const STEPS: [(usize, usize); 10] = [(5, 20), (0, 14), (4, 0), (5, 14), (0, 10), (5, 0), (1, 16), (2, 0), (0, 6), (3, 0)];

/// Who may connect to a publication, for the column REACH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever reaches this address.
    At(Reach),
    /// Nothing is published: the container listens on the host itself, behind its firewall.
    HostNetwork,
    /// Nothing is published: the container is on the local network by itself, past the host's firewall.
    BesideTheHost,
    /// Nothing is published.
    Nobody,
}

impl Audience {
    /// What the entry and the service's network mode say, whatever its networks make of it.
    pub fn as_written(service: &Service, publication: &Publication) -> Self {
        match service.network_mode.as_ref().map(|mode| mode.value.as_str()) {
            Some("host") => Self::HostNetwork,
            Some("none") => Self::Nobody,
            _ => Self::At(publication.reach()),
        }
    }

    fn words(self) -> (&'static str, Tone) {
        match self {
            Self::At(Reach::Everywhere) => ("everywhere", Tone::Bad),
            Self::At(Reach::EveryV4) => ("everywhere (IPv4)", Tone::Bad),
            Self::At(Reach::EveryV6) => ("everywhere (IPv6)", Tone::Bad),
            Self::At(Reach::Address(_)) => ("one address", Tone::Caution),
            Self::At(Reach::Loopback) => ("this host", Tone::Good),
            Self::At(Reach::Invalid) => ("not an address", Tone::Caution),
            Self::HostNetwork => ("host network", Tone::Caution),
            Self::BesideTheHost => ("local network", Tone::Caution),
            Self::Nobody => ("nobody", Tone::Faint),
        }
    }
}

/// Says who may connect to a publication of a service.
pub type Judge<'a> = &'a dyn Fn(&Service, &Publication) -> Audience;

/// Writes the publications of a project as a table; the headings alone where there are none.
///
/// # Errors
/// What the writer says.
pub fn write(project: &Project, which: Which, judge: Judge, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Row> = which.of(project).flat_map(|service| rows(service, judge)).collect();
    let mut natural = HEADINGS.map(width);
    for row in &rows {
        for (column, cell) in row.cells.iter().enumerate() {
            natural[column] = natural[column].max(width(cell));
        }
    }
    let widths = if style.is_terminal { fitted(natural, style.width) } else { natural };
    writeln!(out, "{}", line(&HEADINGS.map(str::to_owned), widths, |_, cell| style.paint(Tone::Strong, cell)))?;
    rows.iter().try_for_each(|row| writeln!(out, "{}", line(&row.cells, widths, |column, cell| row.painted(column, cell, style))))
}

/// One line of the table.
struct Row {
    cells: [String; COLUMNS],
    reach: Tone,
    certainty: Certainty,
}

impl Row {
    fn painted(&self, column: usize, cell: String, style: &Style) -> String {
        match column {
            3 => style.paint(self.reach, cell),
            4 if self.certainty == Certainty::Unset => style.paint(Tone::Caution, cell),
            4 | 5 => style.paint(Tone::Faint, cell),
            _ => cell,
        }
    }
}

/// The rows of a service: bindings of one entry whose ports count up together share a row.
fn rows(service: &Service, judge: Judge) -> Vec<Row> {
    let bindings: Vec<(&Publication, &Binding)> = pairs(service).collect();
    bindings.chunk_by(|a, b| continues(a.1, b.1)).filter_map(|run| row(service, run, judge)).collect()
}

fn continues(earlier: &Binding, later: &Binding) -> bool {
    let next = |port: &Option<String>| port.as_deref().map(|port| port.parse::<u32>().ok().and_then(|port| port.checked_add(1)));
    let host = match (next(&earlier.published), &later.published) {
        (None, None) => true,
        (Some(Some(port)), Some(text)) => *text == port.to_string(),
        _ => false,
    };
    host && earlier.publication == later.publication && earlier.target.checked_add(1) == Some(later.target)
}

fn row(service: &Service, run: &[(&Publication, &Binding)], judge: Judge) -> Option<Row> {
    let ((publication, first), (_, last)) = (run.first()?, run.last()?);
    let host = match (&first.published, &last.published) {
        (Some(low), Some(high)) if low != high => format!("{low}-{high}"),
        (Some(port), _) => port.clone(),
        (None, _) => "?".to_owned(),
    };
    let address = match publication.host_ip.as_deref() {
        None => "*".to_owned(),
        Some(address) if address.contains(':') => format!("[{address}]"),
        Some(address) => address.to_owned(),
    };
    let target = PortRange { first: first.target, last: last.target };
    let place = &publication.entry.origin.place;
    let (reach, tone) = judge(service, publication).words();
    let certainty = publication.certainty();
    let name = if service.profiles.is_empty() {
        service.name.to_string()
    } else {
        format!("{} [{}]", service.name, service.profiles.join(","))
    };
    let source = format!("{}:{}", place.path().display(), place.line());
    let cells = [
        name,
        format!("{address}:{host}"),
        format!("{target}/{}", publication.protocol),
        reach.to_owned(),
        certainty.name().to_owned(),
        source,
    ];
    Some(Row { cells, reach: tone, certainty })
}

/// Narrows columns until the table fits into `room`; a column of width 0 is not drawn.
fn fitted(natural: [usize; COLUMNS], room: usize) -> [usize; COLUMNS] {
    let mut widths = natural;
    for (column, least) in STEPS {
        let excess = total(widths).saturating_sub(room);
        if excess > 0 {
            widths[column] = if least == 0 { 0 } else { widths[column].saturating_sub(excess).max(least.min(widths[column])) };
        }
    }
    // What a dropped column freed goes back to the others, from the left; what is still too much is taken from all.
    for column in (0..COLUMNS).filter(|column| widths[*column] > 0).collect::<Vec<_>>() {
        let free = room.saturating_sub(total(widths));
        widths[column] = natural[column].min(widths[column] + free);
    }
    for column in (0..COLUMNS).filter(|column| widths[*column] > 0).collect::<Vec<_>>() {
        let excess = total(widths).saturating_sub(room);
        widths[column] = widths[column].saturating_sub(excess).max(1);
    }
    widths
}

fn total(widths: [usize; COLUMNS]) -> usize {
    let shown = widths.iter().filter(|width| **width > 0).count();
    widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)
}

/// Lays cells out, each painted after it was padded; the last one is not padded.
fn line(cells: &[String; COLUMNS], widths: [usize; COLUMNS], paint: impl Fn(usize, String) -> String) -> String {
    let last = widths.iter().rposition(|width| *width > 0);
    let mut line = String::new();
    for (column, cell) in cells.iter().enumerate().filter(|(column, _)| widths[*column] > 0) {
        let cell = shorten(&visible(cell), widths[column]).into_owned();
        let padding = (widths[column] + GAP).saturating_sub(width(&cell));
        line.push_str(&paint(column, cell));
        if Some(column) != last {
            line.extend(std::iter::repeat_n(' ', padding));
        }
    }
    line
}

#[cfg(test)]
mod tests;
