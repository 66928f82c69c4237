//! One line a host, at the end of a run.
//!
//! In: each host's report and tally. Out: a table on standard output, and the tally of all.

use std::time::Duration;

use crate::bench::Report;
use crate::hosts::Host;
use crate::verdict::Tally;

/// One host's line.
pub(crate) struct Line {
    host: &'static str,
    engine: String,
    firewalld: String,
    probes: usize,
    tally: Tally,
    took: Duration,
}

impl Line {
    /// What came of a host.
    pub(crate) fn of(host: &'static Host, report: &Report, tally: Tally) -> Self {
        let version = |package| upstream(&report.versions, package);
        Self {
            host: host.name,
            engine: version("docker.io"),
            firewalld: if host.has_firewalld() { version("firewalld") } else { "-".to_owned() },
            probes: report.rows.len(),
            tally,
            took: report.took[2],
        }
    }

    fn print(&self) {
        let Self { host, engine, firewalld, probes, tally, took } = self;
        let seconds = took.as_secs_f32();
        println!("{host:<30}{engine:<10}{firewalld:<10}{probes:>7}{tally:>28}{seconds:>9.1}");
    }
}

/// Prints the lines, and gives the tally of all.
pub(crate) fn print(lines: &[Line]) -> Tally {
    println!(
        "\n{:<30}{:<10}{:<10}{:>7}{:>9}{:>8}{:>11}{:>9}",
        "host", "engine", "firewalld", "probes", "compared", "wrong", "unsure", "seconds"
    );
    lines.iter().for_each(Line::print);
    let mut total = Tally::default();
    for line in lines {
        total.add(line.tally);
    }
    let (probes, took) = (lines.iter().map(|line| line.probes).sum(), lines.iter().map(|line| line.took).sum());
    Line { host: "all", engine: String::new(), firewalld: String::new(), probes, tally: total, took }.print();
    total
}

/// The upstream part of a package's version, out of `package version, …`.
fn upstream(versions: &str, package: &str) -> String {
    let mut found = versions.split(", ").filter_map(|told| told.strip_prefix(package)?.strip_prefix(' '));
    found.next().unwrap_or("-").split(['+', '-', '~']).next().unwrap_or_default().to_owned()
}
