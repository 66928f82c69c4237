//! The report for people: one screen a finding, then a line that sums up.

use super::style::{Style, Tone};
use super::{Report, screen};
use crate::model::finding::Summary;
use std::io::{self, Write};

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", screen::draw_finding(finding, style))?;
    }
    if style.quiet {
        return Ok(());
    }
    let mut paths: Vec<_> = report.findings.iter().map(|finding| &finding.path).collect();
    paths.dedup();
    writeln!(out, "{}", summary_line(&report.summary, paths.len(), style))
}

/// `3 errors, 1 warning in 2 files; 2 can be fixed with --fix`; where there is nothing, what was looked at.
fn summary_line(summary: &Summary, files: usize, style: &Style) -> String {
    let levels = [
        (summary.errors, "error", "errors", Tone::Bad),
        (summary.warnings, "warning", "warnings", Tone::Caution),
        (summary.notes, "note", "notes", Tone::Good),
    ];
    let found: Vec<String> = levels
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many, tone)| style.paint(tone, count(number, one, many)))
        .collect();
    let mut parts = vec![if found.is_empty() {
        let publications = count(summary.publications, "publication", "publications");
        let services = count(summary.services, "service", "services");
        let seen = count(summary.files, "file", "files");
        format!("{}: {publications} of {services} in {seen}", style.paint(Tone::Good, "no findings"))
    } else {
        format!("{} in {}", found.join(", "), count(files, "file", "files"))
    }];
    let aside = [
        (summary.fixable, "can be fixed with --fix"),
        (summary.allowed, "allowed"),
        (summary.baselined, "accepted by the baseline"),
        (summary.unread, "could not be read"),
    ];
    parts.extend(aside.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")));
    parts.join("; ")
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
