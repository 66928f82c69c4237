//! The report for people: one screen a finding, then a line that sums up.

use super::style::{Style, Tone};
use super::visible::width;
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
    let plain = summary_parts(&report.summary, paths.len(), &Style { colour: false, ..*style }).join("; ");
    let is_too_wide = style.is_terminal && width(&plain) > style.width;
    writeln!(out, "{}", summary_parts(&report.summary, paths.len(), style).join(if is_too_wide { ";\n" } else { "; " }))
}

/// `3 errors, 1 warning in 2 files`, `2 can be fixed with --fix`; where there is nothing, what was looked at.
fn summary_parts(summary: &Summary, files: usize, style: &Style) -> Vec<String> {
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
    let mut parts = vec![if found.is_empty() && summary.files == 0 {
        style.paint(Tone::Caution, "nothing was checked")
    } else if found.is_empty() {
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
    parts
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
