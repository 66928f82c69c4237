//! What a host publishes, for Prometheus: a file for node_exporter's textfile collector.
//!
//! The text format is that of prometheus.io, "Exposition formats", version 0.0.4: a HELP and a TYPE line before the samples of each
//! metric, no series twice, label values with `\\`, `\"` and `\n` escaped. No sample has a time of its own: the collector refuses
//! them. Hidden characters of names are shown, as in the other texts.

use super::visible::visible;
use crate::judge::rules::Rule;
use crate::model::finding::{Finding, Level};
use crate::model::opening::{Answer, Opening, OpeningKind, Side};
use crate::model::verdict::Verdict;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What is told of one look at a host.
pub struct Look<'a> {
    /// What it publishes.
    pub openings: &'a [Opening],
    /// What is wrong there.
    pub findings: &'a [Finding],
    /// The rules that looked.
    pub rules: &'a [&'static Rule],
    /// When: seconds since 1970.
    pub seconds: u64,
    /// True if nothing was hidden that verdicts hang on.
    pub is_whole: bool,
}

/// What a sample of a side says: true for 1.
type Holds = fn(&Side) -> bool;

/// The labels of a series, by which it is known, and its value.
type Series = BTreeMap<Vec<(&'static str, String)>, u64>;

/// Writes all metrics.
///
/// # Errors
/// What the writer says.
pub fn write(look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let by_port: [(_, _, Holds); 4] = [
        ("published_port_open", "1: somebody gets through by this interface, as the host is.", |side| {
            side.views.iter().any(|view| view.actual == Verdict::Open)
        }),
        ("published_port_intended", "1: the host firewall means to let somebody in by this interface.", |side| {
            side.views.iter().any(|view| view.intended == Verdict::Open)
        }),
        ("bypass", "1: somebody gets through whom the host firewall means to refuse.", Side::is_bypass),
        ("unsure", "1: it cannot be told for some senders, as the host is or as it is meant.", |side| {
            side.is_unsure() || side.actual == Answer::Unsure
        }),
    ];
    for (name, help, holds) in by_port {
        metric(name, help, &of_sides(look.openings, holds), out)?;
    }
    metric("findings", "Findings of the last look, by rule and level.", &of_findings(look), out)?;
    let one = |value| Series::from([(Vec::new(), value)]);
    metric("last_check_timestamp_seconds", "When the host was looked at.", &one(look.seconds), out)?;
    let help = "1: everything could be looked at; 0: something is hidden, and verdicts may be missing or unsure.";
    metric("last_check_success", help, &one(u64::from(look.is_whole)), out)
}

fn of_sides(openings: &[Opening], holds: Holds) -> Series {
    let mut series = Series::new();
    for opening in openings {
        let (Some(port), Some(protocol), Some(bind)) = (opening.port, opening.protocol, opening.bind) else { continue };
        for side in &opening.sides {
            let is_containers = opening.kind != OpeningKind::Unmanaged;
            let labels = vec![
                ("container", if is_containers { opening.owner.name.clone() } else { String::new() }),
                ("port", port.to_string()),
                ("protocol", protocol.to_string()),
                ("family", side.family.name().to_owned()),
                ("interface", side.interface.clone()),
                ("bind", bind.to_string()),
            ];
            let value = series.entry(labels).or_default();
            *value = (*value).max(u64::from(holds(side)));
        }
    }
    series
}

/// Every rule about hosts has a series, also where it found nothing: an alert needs something to look at.
fn of_findings(look: &Look) -> Series {
    let labels = |rule: &str, level: Level| vec![("rule", rule.to_owned()), ("level", level.name().to_owned())];
    let about_hosts = look.rules.iter().filter(|rule| rule.host.is_some());
    let mut series: Series = about_hosts.map(|rule| (labels(rule.name, rule.level), 0)).collect();
    for finding in look.findings {
        *series.entry(labels(finding.rule, finding.level)).or_default() += 1;
    }
    series
}

fn metric(name: &str, help: &str, series: &Series, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# HELP docker_firewall_{name} {help}")?;
    writeln!(out, "# TYPE docker_firewall_{name} gauge")?;
    for (labels, value) in series {
        let pairs: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        writeln!(out, "docker_firewall_{name}{labels} {value}")?;
    }
    Ok(())
}

fn escaped(text: &str) -> Cow<'_, str> {
    let shown = visible(text);
    if shown.contains(['\\', '"']) { shown.replace('\\', "\\\\").replace('"', "\\\"").into() } else { shown }
}

#[cfg(test)]
mod tests;
