//! SARIF 2.1.0 (OASIS standard, errata 01): the log of one run.
//!
//! Section numbers are those of the standard. Columns are counted in Unicode code points (3.14.17), lines and columns from 1, an end
//! column is one past the last character (3.30.8).

mod log;
mod uri;

use super::escaped::{self, Each};
use super::spot::{Spot, solid};
use super::{Report, fingerprint, on_host};
use crate::judge::rules::Rule;
use crate::model::finding::{Edit, Finding, Fix, Level, Related};
use crate::model::source::{Place, Span};
use log::{
    ArtifactChange, ArtifactContent, ArtifactLocation, Configuration, Descriptor, DescriptorReference, Driver, Fingerprints,
    FixObject, Invocation, Located, Log, LogicalLocation, Message, Multiformat, Notification, PhysicalLocation, Region,
    Replacement, Run, RunResult, ToolObject,
};
use std::io::{self, Write};
use std::path::Path;

/// The rule whose findings say what this run could not see; they are notifications of the run besides (3.58).
const COVERAGE_GAP: &str = "coverage-gap";

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let prints = fingerprint::all(&report.findings);
    let rule_index = |name: &str| report.rules.iter().position(|rule| rule.name == name);
    let results = report.findings.iter().zip(&prints);
    let results = Each(results.map(|(finding, print)| result(finding, print, rule_index(finding.rule))));
    let driver = Driver {
        name: report.tool.name,
        version: report.tool.version,
        information_uri: report.tool.home,
        rules: report.rules.iter().map(|rule| descriptor(rule, report.tool.home)).collect(),
    };
    let gaps = report.findings.iter().filter(|finding| finding.rule == COVERAGE_GAP);
    let invocation =
        Invocation { execution_successful: true, tool_execution_notifications: gaps.map(|gap| notification(gap)).collect() };
    let run = Run { tool: ToolObject { driver }, invocations: [invocation], column_kind: "unicodeCodePoints", results };
    escaped::write(&Log { schema: log::SCHEMA, version: "2.1.0", runs: [run] }, out)
}

fn descriptor(rule: &'static Rule, home: Option<&str>) -> Descriptor {
    Descriptor {
        id: rule.name,
        short_description: Message { text: rule.summary.into() },
        help: Multiformat { text: rule.page.into(), markdown: rule.page.into() },
        help_uri: home.map(|home| format!("{}/blob/main/docs/rules/{}.md", home.trim_end_matches('/'), rule.name)),
        default_configuration: Configuration { level: level(rule.level) },
    }
}

fn result<'a>(finding: &Finding, print: &'a str, rule_index: Option<usize>) -> RunResult<'a> {
    let facts = on_host::lines(finding);
    let lines = std::iter::once(&finding.message).chain(&facts).chain(&finding.help);
    RunResult {
        rule_id: finding.rule,
        rule_index,
        level: level(finding.level),
        message: Message { text: lines.map(String::as_str).collect::<Vec<_>>().join("\n") },
        locations: vec![location(finding)],
        related_locations: finding.related.iter().zip(1..).map(|(related, id)| related_location(related, id)).collect(),
        partial_fingerprints: Fingerprints { v1: print },
        fixes: finding.fix.iter().flatten().map(fix).collect(),
    }
}

fn notification(finding: &Finding) -> Notification {
    Notification {
        descriptor: DescriptorReference { id: finding.rule },
        level: level(finding.level),
        message: Message { text: finding.message.clone() },
        locations: vec![location(finding)],
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Note => "note",
    }
}

fn location(finding: &Finding) -> Located {
    let message = Some(&finding.label).filter(|label| !label.is_empty());
    Located {
        id: None,
        physical_location: finding.file().map(|path| PhysicalLocation {
            artifact_location: artifact(path),
            region: finding.place.as_ref().map(|place| region(place, solid(place))),
        }),
        logical_locations: finding
            .on_host
            .iter()
            .map(|host| LogicalLocation { fully_qualified_name: host.to_string() })
            .collect(),
        message: message.map(|label| Message { text: label.clone() }),
    }
}

fn related_location(related: &Related, id: u32) -> Located {
    let place = &related.place;
    Located {
        id: Some(id),
        physical_location: Some(PhysicalLocation {
            artifact_location: artifact(place.path()),
            region: Some(region(place, solid(place))),
        }),
        logical_locations: Vec::new(),
        message: Some(Message { text: related.message.clone() }),
    }
}

/// A fix, with its edits gathered by file (3.55).
fn fix(fix: &Fix) -> FixObject {
    let mut changes: Vec<(&Path, Vec<Replacement>)> = Vec::new();
    for edit in &fix.edits {
        let path = edit.place.path();
        match changes.iter_mut().find(|(other, _)| *other == path) {
            Some((_, replacements)) => replacements.push(replacement(edit)),
            None => changes.push((path, vec![replacement(edit)])),
        }
    }
    let artifact_changes = changes
        .into_iter()
        .map(|(path, replacements)| ArtifactChange { artifact_location: artifact(path), replacements })
        .collect();
    FixObject { description: Message { text: fix.title.clone() }, artifact_changes }
}

/// An edit; its region is exact, blanks included, and empty for an insertion (3.57.3).
fn replacement(edit: &Edit) -> Replacement {
    let inserted_content = ArtifactContent { text: edit.replacement.clone() };
    Replacement { deleted_region: region(&edit.place, edit.place.span), inserted_content }
}

fn region(place: &Place, span: Span) -> Region {
    let Spot { line, column, .. } = Spot::of(place);
    Region {
        start_line: line,
        start_column: column,
        end_line: place.source.line(span.end),
        end_column: place.source.column(span.end),
        byte_offset: span.start,
        byte_length: span.end.saturating_sub(span.start),
    }
}

fn artifact(path: &Path) -> ArtifactLocation {
    ArtifactLocation { uri: uri::of(path), uri_base_id: path.is_relative().then_some("%SRCROOT%") }
}

#[cfg(test)]
mod tests {
    use crate::report::Format;
    use crate::report::sample::{findings, summary, written};
    use crate::report::style::Style;

    #[test]
    fn a_run_tells_its_rules_results_fixes_and_gaps() {
        insta::assert_snapshot!(written(&findings(), summary(), Format::Sarif, &Style::default()));
    }
}
