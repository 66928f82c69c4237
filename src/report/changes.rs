//! What changed on a host, as it happens: `check --watch`.
//!
//! In: [`Change`]s and the time. Out: for people one line a change, or for scripts one JSON object a line, of which
//! `plugin-metadata/schemas/watch.schema.json` says what is in it. Not here: the first report, which is that of any check.

use super::escaped;
use super::host_ports::{self, OpeningJson};
use super::json::{FindingJson, SummaryJson};
use super::screen::level_word;
use super::style::{Style, Tone};
use super::visible::{shorten, visible};
use super::wrap;
use crate::model::change::Change;
use crate::model::finding::{Finding, Level, Summary};
use crate::model::moment;
use crate::model::opening::Opening;
use serde::Serialize;
use std::io::{self, Write};

/// What a line that goes on is indented by.
const INDENT: usize = 4;

/// Writes one line for each change, with the time before it.
///
/// # Errors
/// What the writer says.
pub fn write(changes: &[Change], seconds: u64, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    changes.iter().try_for_each(|change| {
        let (mark, tone, words) = described(change);
        let time = utc(seconds);
        let text = visible(&words);
        let before = time.len() + " + ".len();
        let folded = if style.is_terminal {
            wrap::hanging(&text, style.room(before), style.room(INDENT))
        } else {
            vec![text.into_owned()]
        };
        for (at, line) in folded.iter().enumerate() {
            if at == 0 {
                writeln!(out, "{} {} {line}", style.paint(Tone::Faint, &time), style.paint(tone, mark))?;
            } else {
                writeln!(out, "{:INDENT$}{}", "", shorten(line, style.room(INDENT)))?;
            }
        }
        Ok(())
    })
}

/// The mark of a change, its tone, and what it is.
fn described(change: &Change) -> (&'static str, Tone, String) {
    match change {
        Change::Found(finding) => ("+", tone(finding.level), said(finding)),
        Change::Gone(finding) => ("-", Tone::Good, said(finding)),
        Change::Published(opening) => ("~", Tone::Strong, format!("{}: published, {}", place(opening), answers(opening))),
        Change::Unpublished(opening) => ("~", Tone::Strong, format!("{}: published no more", place(opening))),
        Change::Judged { before, after } => {
            ("~", Tone::Strong, format!("{}: was {}; is {}", place(after), answers(before), answers(after)))
        }
    }
}

fn tone(level: Level) -> Tone {
    match level {
        Level::Error => Tone::Bad,
        Level::Warn => Tone::Caution,
        Level::Note => Tone::Good,
    }
}

fn said(finding: &Finding) -> String {
    format!("{}[{}] {}: {}", level_word(finding.level), finding.rule, finding.whereabouts(), finding.message)
}

/// `web *:8080/tcp`
fn place(opening: &Opening) -> String {
    let address = match opening.bind {
        Some(bind) if bind.is_ipv6() => format!("[{bind}]"),
        Some(bind) => bind.to_string(),
        None => "host network".to_owned(),
    };
    let port = opening.port.map_or(String::new(), |port| format!(":{port}"));
    let protocol = opening.protocol.map_or(String::new(), |protocol| format!("/{protocol}"));
    format!("{} {address}{port}{protocol}", opening.owner.name)
}

/// `open, meant to be closed`
fn answers(opening: &Opening) -> String {
    let actual = host_ports::summed(opening, |side| side.actual);
    let intended = host_ports::summed(opening, |side| side.intended);
    if opening.sides.is_empty() {
        return opening.why();
    }
    if actual == intended { format!("{actual} as meant") } else { format!("{actual}, meant to be {intended}") }
}

/// A moment as RFC 3339 writes it, in UTC: `2026-11-25T20:59:45Z`.
pub(super) fn utc(seconds: u64) -> String {
    format!("{}Z", moment::written(seconds))
}

/// Writes what a first look has found as one line of JSON.
///
/// # Errors
/// What the writer says.
pub fn write_first(
    findings: &[Finding],
    summary: &Summary,
    openings: &[Opening],
    seconds: u64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let first = Line::Report {
        findings: findings.iter().map(FindingJson::of).collect(),
        summary: SummaryJson::of(summary),
        ports: openings.iter().map(OpeningJson::of).collect(),
    };
    write_line(&first, seconds, out)
}

/// Writes one line of JSON for each change.
///
/// # Errors
/// What the writer says.
pub fn write_json(changes: &[Change], seconds: u64, out: &mut dyn Write) -> io::Result<()> {
    changes.iter().try_for_each(|change| {
        let line = match change {
            Change::Found(finding) => Line::Found { finding: FindingJson::of(finding) },
            Change::Gone(finding) => Line::Gone { finding: FindingJson::of(finding) },
            Change::Published(opening) => Line::Published { port: OpeningJson::of(opening) },
            Change::Unpublished(opening) => Line::Unpublished { port: OpeningJson::of(opening) },
            Change::Judged { before, after } => Line::Judged { before: OpeningJson::of(before), port: OpeningJson::of(after) },
        };
        write_line(&line, seconds, out)
    })
}

/// Writes that the host could not be looked at, or not wholly, as one line of JSON.
///
/// # Errors
/// What the writer says.
pub fn write_failure(message: &str, seconds: u64, out: &mut dyn Write) -> io::Result<()> {
    write_line(&Line::Blind { message }, seconds, out)
}

fn write_line(line: &Line, seconds: u64, out: &mut dyn Write) -> io::Result<()> {
    escaped::write_line(&Timed { time: utc(seconds), line }, out)
}

#[derive(Serialize)]
struct Timed<'a> {
    time: String,
    #[serde(flatten)]
    line: &'a Line<'a>,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line<'a> {
    Report { findings: Vec<FindingJson<'a>>, summary: SummaryJson, ports: Vec<OpeningJson<'a>> },
    Found { finding: FindingJson<'a> },
    Gone { finding: FindingJson<'a> },
    Published { port: OpeningJson<'a> },
    Unpublished { port: OpeningJson<'a> },
    Judged { before: OpeningJson<'a>, port: OpeningJson<'a> },
    Blind { message: &'a str },
}

#[cfg(test)]
mod tests;
