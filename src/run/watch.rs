//! `check --watch`: the host once, and then what changes there.

use super::Verdict;
use super::check::Settled;
use crate::cli::job::CheckFormat;
use crate::error::Error;
use crate::judge::changes::{self, Shown};
use crate::judge::rules::TABLE;
use crate::model::host::{Host, Unread};
use crate::model::opening::Opening;
use crate::model::snapshot::Snapshot;
use crate::report::changes as lines;
use crate::report::style::Style;
use crate::report::{Format, Report, Tool};
use std::io::{self, Write};

/// How changes are shown, and when it is.
pub(super) struct Watch<'a> {
    /// Text or JSON.
    pub(super) format: CheckFormat,
    /// How text is to look.
    pub(super) style: Style,
    /// What is wrong on a host, and what it publishes.
    pub(super) judge: &'a dyn Fn(&Host) -> (Settled, Vec<Opening>),
    /// Seconds since 1970.
    pub(super) now: &'a dyn Fn() -> u64,
    /// Says what is in the way, beside the output.
    pub(super) complain: &'a dyn Fn(&Error),
}

/// Prints what the first look shows, and after each other one what is different; nothing where nothing is. A look that fails, or that
/// misses what the first one saw (an engine that starts again answers nothing for a while), is said once, and the next one is waited
/// for. It ends with the looks, or when nobody reads any more.
///
/// # Errors
/// The first look fails; the output cannot be written.
pub(super) fn watch(
    looks: impl Iterator<Item = Result<Snapshot, Error>>,
    watch: &Watch,
    out: &mut dyn Write,
) -> Result<Verdict, Error> {
    let mut state = State { watch, known_gaps: Vec::new(), before: None, trouble: None };
    for look in looks {
        match state.take(look, out)? {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(Error::Print(error)),
        }
    }
    Ok(Verdict::Clean)
}

struct State<'a> {
    watch: &'a Watch<'a>,
    /// What was hidden from the first look, and from every whole one since.
    known_gaps: Vec<Unread>,
    /// What the last whole look has shown.
    before: Option<Shown>,
    /// What is in the way, once it was said.
    trouble: Option<String>,
}

impl State<'_> {
    /// Shows one look. The inner result is the writer's.
    fn take(&mut self, look: Result<Snapshot, Error>, out: &mut dyn Write) -> Result<io::Result<()>, Error> {
        let host = match (look.map(|snapshot| snapshot.host()), &self.before) {
            (Err(error), None) => return Err(error),
            (Err(error), Some(_)) => return Ok(self.stumble(&error, out)),
            (Ok(host), None) => return Ok(self.begin(&host, out)),
            (Ok(host), Some(_)) => host,
        };
        if let Some(gap) = host.gaps().find(|gap| !self.known_gaps.contains(gap)) {
            return Ok(self.stumble(&gap.into(), out));
        }
        self.known_gaps.retain(|known| host.gaps().any(|gap| gap == known));
        self.trouble = None;
        Ok(self.compare(&host, out))
    }

    /// The first report.
    fn begin(&mut self, host: &Host, out: &mut dyn Write) -> io::Result<()> {
        self.known_gaps = host.gaps().cloned().collect();
        let (settled, openings) = (self.watch.judge)(host);
        match self.watch.format {
            CheckFormat::Json => {
                let now = (self.watch.now)();
                lines::write_first(&settled.findings, &settled.summary, &openings, now, out)?;
            }
            _ => Report::new(&settled.findings, settled.summary, Tool::this(), TABLE).write(
                Format::Text,
                &self.watch.style,
                out,
            )?,
        }
        self.before = Some(Shown { findings: settled.findings, openings });
        for gap in &self.known_gaps {
            (self.watch.complain)(&gap.into());
        }
        out.flush()
    }

    /// What is different from the last whole look.
    fn compare(&mut self, host: &Host, out: &mut dyn Write) -> io::Result<()> {
        let (settled, openings) = (self.watch.judge)(host);
        let now = Shown { findings: settled.findings, openings };
        let changes = changes::between(self.before.as_ref().unwrap_or(&Shown::default()), &now);
        self.before = Some(now);
        let seconds = (self.watch.now)();
        match self.watch.format {
            CheckFormat::Json => lines::write_json(&changes, seconds, out)?,
            _ => lines::write(&changes, seconds, &self.watch.style, out)?,
        }
        out.flush()
    }

    /// A look that shows nothing, or too little.
    fn stumble(&mut self, error: &Error, out: &mut dyn Write) -> io::Result<()> {
        let message = error.to_string();
        if self.trouble.as_ref() == Some(&message) {
            return Ok(());
        }
        match self.watch.format {
            CheckFormat::Json => lines::write_failure(&message, (self.watch.now)(), out)?,
            _ => (self.watch.complain)(error),
        }
        self.trouble = Some(message);
        out.flush()
    }
}

#[cfg(test)]
mod tests;
