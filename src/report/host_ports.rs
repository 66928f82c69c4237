//! What a host publishes, for people and for scripts: `ports --host`.
//!
//! In: [`Opening`]s. Out: a table, or a JSON array of which `plugin-metadata/schemas/host-ports.schema.json` says what is in it. Not
//! here: how they are judged.

use super::escaped::{self, Each};
use super::grid::{Grid, Row};
use super::json::ViewJson;
use super::style::{Style, Tone};
use crate::model::opening::{Answer, Opening, OpeningKind, Side, Weight, why};
use crate::model::packet::Protocol;
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::IpAddr;

const COLUMNS: usize = 7;

const GRID: Grid<COLUMNS> = Grid {
    headings: ["PORT", "CONTAINER", "BIND", "TARGET", "MEANT", "IPV4", "IPV6"],
    remarks: "WHY",
    gap: 2,
    steps: &[(3, 0), (1, 16), (2, 15), (4, 12), (5, 12), (6, 12), (4, 6), (6, 6), (5, 6), (1, 8), (2, 9), (0, 9), (2, 0)],
};

/// Writes a table; the headings alone where nothing is published.
///
/// # Errors
/// What the writer says.
pub fn write(openings: &[Opening], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<Row<COLUMNS>> = folded(lines(openings)).iter().map(row).collect();
    GRID.write(&rows, style, out)
}

/// A row before it is drawn: one port of one container, or a run of ports that are alike.
struct Line<'a> {
    opening: &'a Opening,
    /// The last port and target of the run; those of the opening where it is alone.
    last: (Option<u16>, Option<u16>),
    bind: String,
    meant: String,
    v4: Cell,
    v6: Cell,
    why: String,
    matters: bool,
}

/// What is real for one family.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Cell {
    words: String,
    tone: Tone,
}

/// One line for the bindings of a port to every v4 and every v6 address, and for each other binding.
fn lines(openings: &[Opening]) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut at = 0;
    while let Some(opening) = openings.get(at) {
        let twin =
            openings[at + 1..].iter().take_while(|other| other.port == opening.port).find(|other| are_twins(opening, other));
        // The v6 twin of an opening that was listed already.
        let is_second =
            openings[..at].iter().rev().take_while(|other| other.port == opening.port).any(|other| are_twins(other, opening));
        if !is_second {
            lines.push(line(opening, twin));
        }
        at += 1;
    }
    lines
}

/// True for the bindings of one port to every address of either family.
fn are_twins(v4: &Opening, v6: &Opening) -> bool {
    let is_every = |opening: &Opening, is_v4| opening.bind.is_some_and(|bind| bind.is_unspecified() && bind.is_ipv4() == is_v4);
    let is_same = (&v4.owner, v4.kind, v4.port, v4.target, v4.protocol) == (&v6.owner, v6.kind, v6.port, v6.target, v6.protocol);
    is_same && is_every(v4, true) && is_every(v6, false)
}

fn line<'a>(opening: &'a Opening, twin: Option<&'a Opening>) -> Line<'a> {
    let both: Vec<&Opening> = std::iter::once(opening).chain(twin).collect();
    let of = |is_v4: bool| both.iter().copied().find(|it| it.bind.is_some_and(|bind| bind.is_ipv4() == is_v4));
    let mut reasons: Vec<_> = both.iter().flat_map(|it| it.reasons.iter().cloned()).collect();
    let most = reasons.iter().map(|reason| reason.weight).max();
    reasons.retain(|reason| Some(reason.weight) == most);
    Line {
        opening,
        last: (opening.port, opening.target),
        bind: match opening.kind {
            OpeningKind::HostNetwork => "host network".to_owned(),
            _ if twin.is_some() => "*".to_owned(),
            _ => opening.bind.map_or(String::new(), |bind| bind.to_string()),
        },
        meant: meant(of(true), of(false)),
        v4: real(of(true)),
        v6: real(of(false)),
        why: why(&reasons),
        matters: most.is_some_and(|most| most > Weight::AsMeant),
    }
}

/// What is meant, for both families where they differ.
fn meant(v4: Option<&Opening>, v6: Option<&Opening>) -> String {
    let words = |opening: Option<&Opening>| opening.map(|it| summed(it, |side| side.intended));
    match (words(v4), words(v6)) {
        (Some(v4), Some(v6)) if v4 != v6 => format!("v4 {v4}, v6 {v6}"),
        (Some(words), _) | (None, Some(words)) => words,
        (None, None) => NOTHING.to_owned(),
    }
}

/// What stands where nothing is to be judged.
const NOTHING: &str = "-";

fn real(opening: Option<&Opening>) -> Cell {
    let Some(opening) = opening else { return Cell { words: NOTHING.to_owned(), tone: Tone::Faint } };
    let any = |such: fn(&Side) -> bool| opening.sides.iter().any(such);
    let tone = if opening.kind == OpeningKind::BesideTheHost {
        Tone::Caution
    } else if any(Side::is_bypass) {
        Tone::Bad
    } else if any(Side::is_unsure) || any(|side| side.actual != side.intended) {
        Tone::Caution
    } else {
        Tone::Good
    };
    Cell { words: summed(opening, |side| side.actual), tone }
}

/// One word for all sides; where they differ, those that are not closed, with their interfaces: `open on eth0, unsure on eth1`.
pub(super) fn summed(opening: &Opening, of: fn(&Side) -> Answer) -> String {
    let mut answers: Vec<(Answer, Vec<&str>)> = Vec::new();
    for side in &opening.sides {
        match answers.iter_mut().find(|(answer, _)| *answer == of(side)) {
            Some((_, interfaces)) => interfaces.push(&side.interface),
            None => answers.push((of(side), vec![&side.interface])),
        }
    }
    answers.sort_by_key(|(answer, _)| std::cmp::Reverse(*answer));
    match answers.as_slice() {
        [] if opening.bind.is_some_and(|bind| bind.is_loopback()) => Answer::Closed.word().to_owned(),
        [] => NOTHING.to_owned(),
        [(answer, _)] => answer.word().to_owned(),
        several => {
            let open = several.iter().filter(|(answer, _)| *answer != Answer::Closed);
            let words = open.map(|(answer, interfaces)| format!("{} on {}", answer.word(), interfaces.join(", ")));
            words.collect::<Vec<_>>().join(", ")
        }
    }
}

/// Puts ports of one container that follow each other into one line where all answers are the same.
fn folded(lines: Vec<Line>) -> Vec<Line> {
    let mut runs: HashMap<_, usize> = HashMap::new();
    let mut kept: Vec<Line> = Vec::new();
    for line in lines {
        let Opening { owner, kind, protocol, .. } = line.opening;
        let likeness =
            (owner, *kind, *protocol, line.bind.clone(), line.meant.clone(), line.v4.clone(), line.v6.clone(), line.why.clone());
        let next = |port: Option<u16>| port.and_then(|port| port.checked_add(1));
        let run = runs.get(&likeness).copied().filter(|run| {
            let (port, target) = kept[*run].last;
            line.last.0.is_some() && (next(port), next(target)) == line.last
        });
        if let Some(run) = run {
            kept[run].last = line.last;
        } else {
            runs.insert(likeness, kept.len());
            kept.push(line);
        }
    }
    kept
}

fn row(line: &Line) -> Row<COLUMNS> {
    let range = |first: Option<u16>, last: Option<u16>| match (first, last) {
        (Some(first), Some(last)) if first != last => format!("{first}-{last}"),
        (Some(first), _) => first.to_string(),
        (None, _) => "any".to_owned(),
    };
    let Opening { owner, port, target, protocol, .. } = line.opening;
    let protocol = protocol.map_or(String::new(), |protocol| format!("/{protocol}"));
    Row {
        cells: [
            range(*port, line.last.0) + &protocol,
            owner.name.clone(),
            line.bind.clone(),
            target.map_or(NOTHING.to_owned(), |_| range(*target, line.last.1)),
            line.meant.clone(),
            line.v4.words.clone(),
            line.v6.words.clone(),
        ],
        briefs: ["", "", "", "", brief(&line.meant), brief(&line.v4.words), brief(&line.v6.words)],
        tones: [None, None, None, Some(Tone::Faint), None, Some(line.v4.tone), Some(line.v6.tone)],
        remark: line.why.clone(),
        matters: line.matters,
    }
}

/// A word for answers that differ by interface or family: no part of the words may stand for the whole.
fn brief(words: &str) -> &'static str {
    if words.contains(Answer::Unsure.word()) { "unsure" } else { "some" }
}

/// Writes a JSON array, one object an opening.
///
/// # Errors
/// What the writer says.
pub fn write_json(openings: &[Opening], out: &mut dyn Write) -> io::Result<()> {
    escaped::write(&Each(openings.iter().map(OpeningJson::of)), out)
}

#[derive(Serialize)]
pub(super) struct OpeningJson<'a> {
    kind: &'static str,
    container: Option<&'a str>,
    swarm_service: Option<&'a str>,
    project: Option<&'a str>,
    service: Option<&'a str>,
    bind: Option<IpAddr>,
    port: Option<u16>,
    protocol: Option<String>,
    target: Option<u16>,
    why: String,
    sides: Vec<SideJson<'a>>,
}

impl<'a> OpeningJson<'a> {
    pub(super) fn of(opening: &'a Opening) -> Self {
        let owner = &opening.owner;
        let name = Some(owner.name.as_str()).filter(|_| opening.kind != OpeningKind::Unmanaged);
        let compose = owner.compose.as_ref();
        Self {
            kind: opening.kind.name(),
            container: name.filter(|_| !owner.is_swarm_service),
            swarm_service: name.filter(|_| owner.is_swarm_service),
            project: compose.map(|(project, _)| project.as_str()),
            service: compose.map(|(_, service)| service.as_str()),
            bind: opening.bind,
            port: opening.port,
            protocol: opening.protocol.as_ref().map(Protocol::to_string),
            target: opening.target,
            why: opening.why(),
            sides: opening.sides.iter().map(SideJson::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct SideJson<'a> {
    interface: &'a str,
    family: &'static str,
    actual: &'static str,
    intended: &'static str,
    bypass: bool,
    views: Vec<ViewJson<'a>>,
}

impl<'a> SideJson<'a> {
    fn of(side: &'a Side) -> Self {
        Self {
            interface: &side.interface,
            family: side.family.name(),
            actual: side.actual.name(),
            intended: side.intended.name(),
            bypass: side.is_bypass(),
            views: side.views.iter().map(ViewJson::of).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
