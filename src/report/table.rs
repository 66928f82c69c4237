//! Resolved publications for people: a table in the manner of `docker ps`.
//!
//! One row for each run of bindings that one entry asks for.

use super::grid::{Grid, Row};
use super::ports::{Which, pairs};
use super::style::{Style, Tone};
use crate::model::origin::Certainty;
use crate::model::project::{Project, Service};
use crate::model::publication::{Binding, PortRange, Publication, Reach};
use std::io::{self, Write};

const COLUMNS: usize = 6;

const GRID: Grid<COLUMNS> = Grid {
    headings: ["SERVICE", "HOST", "TARGET", "REACH", "CERTAINTY", "SOURCE"],
    remarks: "",
    gap: 3,
    steps: &[(5, 20), (0, 14), (4, 0), (5, 14), (0, 10), (5, 0), (1, 16), (2, 0), (0, 6), (3, 0)],
};

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
    let rows: Vec<Row<COLUMNS>> = which.of(project).flat_map(|service| rows(service, judge)).collect();
    GRID.write(&rows, style, out)
}

/// The rows of a service: bindings of one entry whose ports count up together share a row.
fn rows(service: &Service, judge: Judge) -> Vec<Row<COLUMNS>> {
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

fn row(service: &Service, run: &[(&Publication, &Binding)], judge: Judge) -> Option<Row<COLUMNS>> {
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
    let certainty = if certainty == Certainty::Unset { Tone::Caution } else { Tone::Faint };
    let tones = [None, None, None, Some(tone), Some(certainty), Some(Tone::Faint)];
    Some(Row { cells, briefs: [""; COLUMNS], tones, remark: String::new(), matters: false })
}

#[cfg(test)]
mod tests;
