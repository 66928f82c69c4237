//! The program against the truth: what it judges of each probe from the host's saved state, and the table.
//!
//! In: a [`Report`]. Out: a table on standard output and a [`Tally`]; under a verdict that the
//! packets contradict, the way that the program thinks the packet took.
//!
//! It sends nothing.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use docker_firewall::judge::bypass;
use docker_firewall::judge::court::Court;
use docker_firewall::model::packet::{Protocol, Target};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::model::verdict::{Assessment, Trace, Verdict};

use crate::bench::{Report, Row};
use crate::commands::{Place, Traced, target};
use crate::hosts::Host;
use crate::probe::{Origin, Probe};
use crate::said::{self, Said};
use crate::scenario::EPHEMERAL;

/// Of so many rows one is asked through the command line too; the library, which is quick, judges them all.
const STRIDE: usize = 9;

/// The count over one host or all of them.
#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Verdicts that were compared.
    judged: usize,
    /// Unsure among them.
    unsure: usize,
    /// Contradicted by the packets.
    wrong: usize,
}

impl Tally {
    /// No contradiction, and at most 2 % unsure.
    pub(crate) fn good(self) -> bool {
        self.wrong == 0 && self.unsure * 50 <= self.judged
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.judged += other.judged;
        self.unsure += other.unsure;
        self.wrong += other.wrong;
    }

    /// Counts one verdict against the truth; true where it is wrong.
    fn count(&mut self, said: Verdict, open: bool) -> bool {
        let wrong = said == if open { Verdict::Closed } else { Verdict::Open };
        self.judged += 1;
        self.unsure += usize::from(said == Verdict::Unsure);
        self.wrong += usize::from(wrong);
        wrong
    }
}

impl std::fmt::Display for Tally {
    /// Columns: compared, wrong, unsure in percent.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = self.unsure * 1_000 / self.judged.max(1);
        let columns = format!("{:>9}{:>8}{:>9}.{}%", self.judged, self.wrong, tenths / 10, tenths % 10);
        out.pad(&columns)
    }
}

/// A host as the program sees it.
pub(crate) struct Judge {
    court: Court,
}

impl Judge {
    /// Reads the state of a host.
    pub(crate) fn read(state: &BTreeMap<String, String>) -> Self {
        Self { court: Court::of(&Snapshot { files: state.clone() }.host()) }
    }

    /// Judges one probe.
    pub(crate) fn ask(&self, probe: &Probe) -> Result<Assessment> {
        let protocol = Protocol::named(&probe.proto).with_context(|| format!("no protocol {}", probe.proto))?;
        let target = Target { address: probe.dst, port: probe.port, protocol };
        let packet = bypass::packet(self.court.host(), target, Some(probe.src), probe.interface());
        Ok(self.court.assess(&packet.map_err(|error| anyhow!("{error}"))?))
    }
}

/// Prints the host's table and compares.
///
/// # Errors
///
/// The program takes a probe for none, or its command line says another thing than its library.
pub(crate) fn table(host: &Host, report: &Report, folder: &Path, brief: bool) -> Result<Tally> {
    println!("\n{}: {} ({})", host.name, host.about, report.versions);
    let [stood, running, done] = report.took.map(|took| took.as_secs_f32());
    println!("  firewall up after {stood:.1} s, containers after {running:.1} s, all asked after {done:.1} s");
    println!("  {:<12}{:<26} {:<34} {:<14}{:<14}{:<17}said", "in", "from", "to", "intended", "actual", "by");
    let judge = Judge::read(&report.state);
    let mut tally = Tally::default();
    for row in &report.rows {
        let said = judge.ask(&row.probe)?;
        let notes = notes(row, &said, &mut tally);
        if !brief || !notes.is_empty() {
            println!("{}", line(row, &said));
        }
        for note in notes {
            println!("{note}");
        }
    }
    let place = Place::Saved(folder);
    let traced = traced(&judge, report, &place)?;
    let check = place.check(&[])?;
    let wrong = commands_against(&judge, host, report, &check)?;
    tally.wrong += wrong.len();
    for line in wrong {
        println!("    WRONG {line}");
    }
    let (Tally { judged, unsure, wrong }, probes) = (tally, report.rows.len());
    println!("  {probes} probes; {judged} verdicts compared, {unsure} unsure, {wrong} wrong");
    println!("  `trace` agrees on {traced} probes; `check` claims {}", check.claims());
    Ok(tally)
}

/// What the commands said, of the saved host and on the host itself, against the packets and the library; contradictions, one a line.
fn commands_against(judge: &Judge, host: &Host, report: &Report, check: &Said) -> Result<Vec<String>> {
    let live = &report.live;
    let all: Vec<&Row> = report.rows.iter().collect();
    let mut runs = vec![("check --snapshot", check, all.clone()), ("check on the host", &live.check, all.clone())];
    // What was done after the containers ran nobody could know before, nor which ports and addresses the engine would choose.
    if host.after.is_empty() {
        let is_named = |row: &&Row| row.intended.is_some() && !EPHEMERAL.contains(&row.probe.port);
        let named = all.into_iter().filter(is_named).collect();
        runs.push(("check FILE --host", &live.planned, named));
    }
    let mut lines = Vec::new();
    for (name, said, rows) in runs {
        lines.extend(held(said, judge, &rows)?.into_iter().map(|line| format!("{name}: {line}")));
    }
    let seen = Judge::read(&live.snapshot);
    for (at, row) in report.rows.iter().enumerate() {
        let library = Traced::of(&judge.ask(&row.probe)?);
        let by_snapshot = Traced::of(&seen.ask(&row.probe)?);
        let traced = live.traces.iter().find(|(place, _)| *place == at).map(|(_, words)| words);
        let said = [("snapshot on the host", Some(&by_snapshot)), ("trace on the host", traced)];
        let differing = said.into_iter().filter_map(|(name, words)| Some((name, words.filter(|words| **words != library)?)));
        let place = said::place(row);
        lines.extend(differing.map(|(name, words)| format!("{name}: {words:?} in place of {library:?} of {place}")));
    }
    Ok(lines)
}

/// What `check` said against the packets. A finding is owed where the program's own verdict is a bypass; whether it may be unsure is
/// counted elsewhere.
fn held(said: &Said, judge: &Judge, rows: &[&Row]) -> Result<Vec<String>> {
    let mut lines = said.contradicted(rows);
    for row in said.untold(rows) {
        let own = judge.ask(&row.probe)?;
        if (own.actual.verdict, own.intended.verdict) == (Verdict::Open, Verdict::Closed) {
            lines.push(format!("no finding tells of {}", said::place(row)));
        }
    }
    Ok(lines)
}

/// What is wrong or unsure about a probe's verdicts, in lines.
fn notes(row: &Row, said: &Assessment, tally: &mut Tally) -> Vec<String> {
    let actual = (&said.actual, &row.actual, "WRONG");
    let intended = row.intended.as_ref().map(|intended| (&said.intended, intended, "WRONG INTENDED"));
    let both = [actual].into_iter().chain(intended);
    both.flat_map(|(said, found, mark)| contradict(tally, said, found.open(), mark)).collect()
}

/// Asks the command line for some of the probes, and gives how many.
///
/// # Errors
///
/// It says another thing than the library.
fn traced(judge: &Judge, report: &Report, place: &Place) -> Result<usize> {
    let asked = report.rows.iter().step_by(STRIDE);
    let number = asked.len();
    for row in asked {
        let library = judge.ask(&row.probe)?;
        let command = place.trace(&row.probe)?;
        let words = Traced::of(&library);
        ensure!(command == words, "{}: trace says {command:?}, the library {words:?}", target(&row.probe));
    }
    Ok(number)
}

/// Counts one verdict; where it is wrong or unsure, gives the way that led to it, in lines.
fn contradict(tally: &mut Tally, said: &Trace, open: bool, mark: &str) -> Vec<String> {
    let wrong = tally.count(said.verdict, open);
    if !wrong && said.verdict != Verdict::Unsure {
        return Vec::new();
    }
    let head = format!("    {}: {}", if wrong { mark } else { "unsure" }, said.verdict.name());
    let hops =
        said.hops.iter().map(|hop| format!("      {} {} {}: {} => {}", hop.hook, hop.table, hop.chain(), hop.rule, hop.effect));
    let doubts = said.doubts.iter().map(|doubt| format!("      ? {doubt}"));
    [head].into_iter().chain(hops).chain(doubts).collect()
}

/// One row of the table.
fn line(row: &Row, said: &Assessment) -> String {
    let probe = &row.probe;
    let to = target(probe);
    let intended = row.intended.as_ref().map_or("-", |intended| intended.result.as_str());
    let (from, by) = (
        probe.src.to_string(),
        match &probe.origin {
            Origin::Link(name) | Origin::Container(name) => name,
            Origin::Host => "host",
        },
    );
    let words = (said.actual.verdict.name(), said.intended.verdict.name());
    let found = format!("{intended:<14}{:<14}{:<17}", row.actual.result, row.actual.by);
    format!("  {by:<12}{from:<26} {to:<34} {found}{} (intended {})", words.0, words.1)
}
