//! The report for people: one screen a finding, then a line that sums up.

use super::style::{Style, Tone};
use super::visible::width;
use super::{Report, screen};
use crate::model::finding::{HostSummary, Summary};
use std::io::{self, Write};

const HERE: &str = " on this host";

pub(super) fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", screen::draw_finding(finding, style))?;
    }
    if style.quiet {
        return Ok(());
    }
    let mut paths: Vec<_> = report.findings.iter().filter_map(|finding| finding.file()).collect();
    paths.dedup();
    let is_on_host = report.findings.iter().any(|finding| finding.file().is_none());
    let plain = summary_parts(&report.summary, paths.len(), is_on_host, &Style { colour: false, ..*style }).join("; ");
    let is_too_wide = style.is_terminal && width(&plain) > style.width;
    let parts = summary_parts(&report.summary, paths.len(), is_on_host, style);
    writeln!(out, "{}", parts.join(if is_too_wide { ";\n" } else { "; " }))
}

/// `3 errors, 1 warning in 2 files and on this host`, `2 can be fixed with --fix`; where there is nothing, what was looked at.
fn summary_parts(summary: &Summary, files: usize, is_on_host: bool, style: &Style) -> Vec<String> {
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
    let seen = seen(summary, style);
    let mut parts = vec![if found.is_empty() && seen.is_empty() {
        style.paint(Tone::Caution, "nothing was checked")
    } else if found.is_empty() {
        format!("{}: {}", style.paint(Tone::Good, "no findings"), seen.join(", "))
    } else {
        let in_files = Some(count(files, "file", "files")).filter(|_| files > 0).map(|files| format!("in {files}"));
        let places = in_files.into_iter().chain(is_on_host.then(|| "on this host".to_owned()));
        format!("{} {}", found.join(", "), places.collect::<Vec<_>>().join(" and "))
    }];
    if let (Some(host), false) = (&summary.host, found.is_empty()) {
        parts.push(published(host, if is_on_host { "" } else { HERE }, style));
    }
    let aside = [
        (summary.fixable, "can be fixed with --fix"),
        (summary.allowed, "allowed"),
        (summary.baselined, "accepted by the baseline"),
        (summary.unread, "could not be read"),
    ];
    parts.extend(aside.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")));
    parts
}

/// What was looked at: `12 publications of 9 services in 4 files`, `12 published ports of 9 containers on this host`.
fn seen(summary: &Summary, style: &Style) -> Vec<String> {
    let publications = count(summary.publications, "publication", "publications");
    let services = count(summary.services, "service", "services");
    let of_files =
        (summary.files > 0).then(|| format!("{publications} of {services} in {}", count(summary.files, "file", "files")));
    of_files.into_iter().chain(summary.host.map(|host| published(&host, HERE, style))).collect()
}

/// `12 published ports of 9 containers on this host: 3 bypass the host firewall, 1 cannot be told`
fn published(host: &HostSummary, here: &str, style: &Style) -> String {
    let ports = count(host.ports, "published port", "published ports");
    let containers = count(host.containers, "container", "containers");
    let verb = if host.bypasses == 1 { "bypasses the host firewall" } else { "bypass the host firewall" };
    let numbers = [(host.bypasses, verb, Tone::Bad), (host.unsure, "cannot be told", Tone::Caution)];
    let numbers = numbers.into_iter().filter(|(number, ..)| *number > 0);
    let numbers: Vec<String> = numbers.map(|(number, what, tone)| format!("{} {what}", style.paint(tone, number))).collect();
    format!("{ports} of {containers}{here}{}{}", if numbers.is_empty() { "" } else { ": " }, numbers.join(", "))
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
