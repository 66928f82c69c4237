//! The report for scripts: `plugin-metadata/schemas/findings.schema.json` says what is in it.

use super::Report;
use super::escaped::{self, Each};
use super::spot::Spot;
use crate::model::finding::{Edit, Finding, Fix, HostSummary, Level, OnHost, Related, Summary, View};
use crate::model::packet::Family;
use ipnet::IpNet;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;

/// Counts up when a reader of the format has to change.
const VERSION: u32 = 1;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let tool = ToolJson { name: report.tool.name, version: report.tool.version };
    let findings = Each(report.findings.iter().map(|finding| FindingJson::of(finding)));
    escaped::write(&Document { version: VERSION, tool, findings, summary: SummaryJson::of(&report.summary) }, out)
}

/// The path as it is written in our JSON.
pub(super) fn file(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}

#[derive(Serialize)]
struct Document<F> {
    version: u32,
    tool: ToolJson,
    findings: F,
    summary: SummaryJson,
}

#[derive(Serialize)]
struct ToolJson {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
pub(super) struct FindingJson<'a> {
    rule: &'static str,
    level: &'static str,
    file: Option<Cow<'a, str>>,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
    service: Option<&'a str>,
    publication: Option<&'a str>,
    message: &'a str,
    label: &'a str,
    help: &'a [String],
    related: Vec<RelatedJson<'a>>,
    fix: Option<FixJson<'a>>,
    fix_refused: Option<&'a str>,
    host: Option<HostJson<'a>>,
}

impl<'a> FindingJson<'a> {
    pub(super) fn of(finding: &'a Finding) -> Self {
        let spot = finding.place.as_ref().map(Spot::of);
        let (fix, refusal) = match &finding.fix {
            None => (None, None),
            Some(Ok(fix)) => (Some(FixJson::of(fix)), None),
            Some(Err(refusal)) => (None, Some(refusal.reason.as_str())),
        };
        Self {
            rule: finding.rule,
            level: Level::name(finding.level),
            file: finding.file().map(file),
            line: spot.map(|spot| spot.line),
            column: spot.map(|spot| spot.column),
            end_line: spot.map(|spot| spot.end_line),
            end_column: spot.map(|spot| spot.end_column),
            service: finding.service.as_deref(),
            publication: finding.subject.as_ref().map(|subject| subject.text.as_str()),
            message: &finding.message,
            label: &finding.label,
            help: &finding.help,
            related: finding.related.iter().map(RelatedJson::of).collect(),
            fix,
            fix_refused: refusal,
            host: finding.on_host.as_ref().map(HostJson::of),
        }
    }
}

/// What of the host a finding is about.
#[derive(Serialize)]
struct HostJson<'a> {
    container: Option<&'a str>,
    publication: Option<&'a str>,
    part: Option<&'a str>,
    views: Vec<ViewJson<'a>>,
}

impl<'a> HostJson<'a> {
    fn of(host: &'a OnHost) -> Self {
        Self {
            container: host.container.as_deref(),
            publication: host.publication.as_deref(),
            part: host.part.as_deref(),
            views: host.views.iter().map(ViewJson::of).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ViewJson<'a> {
    interface: &'a str,
    family: &'static str,
    from: &'a [IpNet],
    except: &'a [IpNet],
    more: usize,
    address: IpAddr,
    port: u16,
    protocol: String,
    actual: &'static str,
    intended: &'static str,
    path: &'static str,
    decided_by: Option<&'a str>,
    meant_by: Option<&'a str>,
}

/// So many prefixes of senders are named in one view: a set may hold thousands.
const MOST_NETS: usize = 256;

fn first(nets: &[IpNet]) -> &[IpNet] {
    &nets[..nets.len().min(MOST_NETS)]
}

impl<'a> ViewJson<'a> {
    pub(super) fn of(view: &'a View) -> Self {
        Self {
            interface: &view.interface,
            family: Family::of(view.address).name(),
            from: first(&view.from),
            except: first(&view.except),
            more: [&view.from, &view.except].iter().map(|nets| nets.len().saturating_sub(MOST_NETS)).sum(),
            address: view.address,
            port: view.port,
            protocol: view.protocol.to_string(),
            actual: view.actual.name(),
            intended: view.intended.name(),
            path: view.path.name(),
            decided_by: view.decided_by.as_deref(),
            meant_by: view.meant_by.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct RelatedJson<'a> {
    file: Cow<'a, str>,
    #[serde(flatten)]
    spot: Spot,
    message: &'a str,
}

impl<'a> RelatedJson<'a> {
    fn of(related: &'a Related) -> Self {
        Self { file: file(related.place.path()), spot: Spot::of(&related.place), message: &related.message }
    }
}

#[derive(Serialize)]
struct FixJson<'a> {
    title: &'a str,
    edits: Vec<EditJson<'a>>,
}

impl<'a> FixJson<'a> {
    fn of(fix: &'a Fix) -> Self {
        Self { title: &fix.title, edits: fix.edits.iter().map(EditJson::of).collect() }
    }
}

/// The bytes from `start` up to `end` give way to `replacement`.
#[derive(Serialize)]
struct EditJson<'a> {
    file: Cow<'a, str>,
    start: u32,
    end: u32,
    line: u32,
    column: u32,
    replacement: &'a str,
}

impl<'a> EditJson<'a> {
    fn of(edit: &'a Edit) -> Self {
        let place = &edit.place;
        Self {
            file: file(place.path()),
            start: place.span.start,
            end: place.span.end,
            line: place.line(),
            column: place.column(),
            replacement: &edit.replacement,
        }
    }
}

#[derive(Serialize)]
pub(super) struct SummaryJson {
    files: usize,
    services: usize,
    publications: usize,
    errors: usize,
    warnings: usize,
    notes: usize,
    allowed: usize,
    baselined: usize,
    fixable: usize,
    unread: usize,
    host: Option<HostSummaryJson>,
}

impl SummaryJson {
    pub(super) fn of(summary: &Summary) -> Self {
        let Summary { files, services, publications, errors, warnings, notes, allowed, baselined, fixable, unread, host } =
            *summary;
        let host = host.map(|HostSummary { containers, ports, bypasses, unsure }| HostSummaryJson {
            containers,
            ports,
            bypasses,
            unsure,
        });
        Self { files, services, publications, errors, warnings, notes, allowed, baselined, fixable, unread, host }
    }
}

#[derive(Serialize)]
struct HostSummaryJson {
    containers: usize,
    ports: usize,
    bypasses: usize,
    unsure: usize,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::Format;
    use crate::report::sample::{finding, findings, on_host, place, summary, written};
    use crate::report::style::Style;
    use serde_json::Value;

    fn document(findings: &[Finding]) -> Value {
        serde_json::from_str(&written(findings, summary(), Format::Json, &Style::default())).unwrap()
    }

    #[test]
    fn the_document_follows_its_schema() {
        let schema = serde_json::from_str(include_str!("../../plugin-metadata/schemas/findings.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        for findings in [findings(), on_host(), Vec::new()] {
            let document = document(&findings);
            let errors: Vec<String> = schema.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
        assert!(!schema.is_valid(&serde_json::json!({ "version": 1, "findings": [] })), "the schema asks for something");
    }

    #[test]
    fn a_finding_has_its_place_its_fix_and_its_words() {
        insta::assert_json_snapshot!(document(&findings())["findings"][1], @r#"
        {
          "rule": "published-on-all-interfaces",
          "level": "error",
          "file": "deploy/compose.yaml",
          "line": 5,
          "column": 10,
          "end_line": 5,
          "end_column": 17,
          "service": "web",
          "publication": "*:8080->80/tcp",
          "message": "port 8080/tcp of web is open on every interface",
          "label": "anyone who reaches this host, by IPv4 and IPv6",
          "help": [
            "bind it to 127.0.0.1, or say that it is meant: `x-docker-firewall: 8080/tcp`"
          ],
          "related": [],
          "fix": {
            "title": "bind to 127.0.0.1",
            "edits": [
              {
                "file": "deploy/compose.yaml",
                "start": 54,
                "end": 54,
                "line": 5,
                "column": 10,
                "replacement": "127.0.0.1:"
              }
            ]
          },
          "fix_refused": null,
          "host": null
        }
        "#);
    }

    #[test]
    fn a_finding_about_a_host_has_what_was_judged_in_place_of_a_file() {
        let document = document(&on_host());
        let [note, open] = [&document["findings"][0], &document["findings"][1]];
        assert_eq!((&open["file"], &open["line"], &open["host"]["container"]), (&Value::Null, &Value::Null, &"web".into()));
        assert_eq!(open["host"]["views"].as_array().unwrap().len(), 4);
        assert_eq!(open["host"]["views"][1]["family"], "v6");
        assert_eq!((&note["host"]["part"], &note["host"]["container"]), (&"interface eth1".into(), &Value::Null));
        let host = HostSummary { containers: 1, ports: 2, bypasses: 1, unsure: 0 };
        let counted = written(&[], Summary { host: Some(host), ..summary() }, Format::Json, &Style::default());
        let counted: Value = serde_json::from_str(&counted).unwrap();
        assert_eq!(counted["summary"]["host"], serde_json::json!({ "containers": 1, "ports": 2, "bypasses": 1, "unsure": 0 }));
    }

    #[test]
    fn a_refused_fix_says_why_and_a_file_that_could_not_be_read_has_no_place() {
        let document = document(&findings());
        assert_eq!(document["findings"][0]["fix"], Value::Null);
        assert_eq!(document["findings"][0]["fix_refused"], "other services inherit the same entry");
        assert_eq!(document["findings"][2]["line"], Value::Null);
        assert_eq!(document["summary"]["unread"], 1);
    }

    #[test]
    fn an_edit_counts_bytes_and_a_place_counts_characters() {
        let place = place("a.yml", "\u{feff}ä: «80»\n");
        let mut open = finding(&place, "web", "open", "");
        open.fix = crate::report::sample::insertion(&place, "bind to 127.0.0.1", "127.0.0.1:");
        let document = document(&[open]);
        let edit = &document["findings"][0]["fix"]["edits"][0];
        assert_eq!((&edit["start"], &edit["end"], &edit["column"]), (&7.into(), &7.into(), &4.into()));
    }
}
