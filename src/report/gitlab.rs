//! Code Quality of GitLab: a JSON array in the form of Code Climate (docs.gitlab.com, "Code Quality report format").

use super::escaped::{self, Each};
use super::{Report, fingerprint, json};
use crate::model::finding::{Finding, Level};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let fingerprints = fingerprint::all(&report.findings);
    let issues = report.findings.iter().zip(&fingerprints).map(|(finding, print)| Issue::of(finding, print));
    escaped::write(&Each(issues), out)
}

#[derive(Serialize)]
struct Issue<'a> {
    description: &'a str,
    check_name: &'static str,
    fingerprint: &'a str,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: Cow<'a, str>,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

impl<'a> Issue<'a> {
    /// A finding without a place is put on the first line: the form wants one.
    fn of(finding: &'a Finding, fingerprint: &'a str) -> Self {
        let severity = match finding.level {
            Level::Error => "major",
            Level::Warn => "minor",
            Level::Note => "info",
        };
        let path = finding.path.strip_prefix(".").unwrap_or(&finding.path);
        // The form wants a path; what is about the host has its words there.
        let path = if finding.file().is_some() { json::file(path) } else { Cow::Owned(finding.whereabouts()) };
        let begin = finding.place.as_ref().map_or(1, crate::model::source::Place::line);
        Self {
            description: &finding.message,
            check_name: finding.rule,
            fingerprint,
            severity,
            location: Location { path, lines: Lines { begin } },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::report::Format;
    use crate::report::sample::{findings, summary, written};
    use crate::report::style::Style;

    #[test]
    fn each_finding_is_an_issue_with_a_severity_and_a_line() {
        insta::assert_snapshot!(written(&findings(), summary(), Format::Gitlab, &Style::default()), @r#"
        [
          {
            "description": "port 5432/tcp of db comes from base",
            "check_name": "inherited-publication",
            "fingerprint": "4c30ca8661aaf889fcfd57a0ed3b647bae63b87f7185dabd1dac37ed180d6dbb",
            "severity": "minor",
            "location": {
              "path": "common.yml",
              "lines": {
                "begin": 3
              }
            }
          },
          {
            "description": "port 8080/tcp of web is open on every interface",
            "check_name": "published-on-all-interfaces",
            "fingerprint": "503a33f507aa3d9593908b13ad161f42e5ac22aad53e22780cc84ac36a482242",
            "severity": "major",
            "location": {
              "path": "deploy/compose.yaml",
              "lines": {
                "begin": 5
              }
            }
          },
          {
            "description": "the file cannot be read: its ports are unknown",
            "check_name": "coverage-gap",
            "fingerprint": "1d02d783882c191ae7b23c51807e07426dd730368370c48cecc23816feae4136",
            "severity": "info",
            "location": {
              "path": "deploy/missing.yml",
              "lines": {
                "begin": 1
              }
            }
          }
        ]
        "#);
    }
}
