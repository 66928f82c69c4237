//! Findings and publications to text: for people, for scripts, for code hosts.
//!
//! In: values of [`crate::model`], the rules' own words, and a [`style::Style`] that the command line decided on. Out: bytes on a
//! writer. Not here: what is shown (the rules and the policy decided that), and whether it goes to a terminal or a file.
//!
//! No character of the input that steers a terminal leaves this stage as it is; see [`visible`].

pub mod changes;
pub mod diff;
mod escaped;
mod fingerprint;
mod github;
mod gitlab;
mod grid;
pub mod host_ports;
mod json;
mod junit;
pub mod lock;
mod on_host;
pub mod page;
pub mod ports;
pub mod prometheus;
mod sarif;
mod screen;
mod spot;
pub mod style;
pub mod table;
mod text;
pub mod trace;
pub mod visible;
mod window;
mod wrap;

#[cfg(test)]
mod sample;

use crate::judge::rules::Rule;
use crate::model::finding::{Finding, Summary};
use std::io::{self, Write};
use style::Style;

/// What a run has to say.
pub struct Report<'a> {
    findings: Vec<&'a Finding>,
    summary: Summary,
    tool: Tool,
    rules: &'a [&'static Rule],
}

/// Who says it.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// `docker-firewall`
    pub name: &'static str,
    /// Its version, as Cargo writes it.
    pub version: &'static str,
    /// Its home page, an absolute URL; None where the package names none.
    pub home: Option<&'static str>,
}

impl Tool {
    /// This very program, from what Cargo knows of it.
    pub fn this() -> Self {
        let home = env!("CARGO_PKG_REPOSITORY");
        Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION"), home: Some(home).filter(|url| !url.is_empty()) }
    }
}

/// The formats of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: the source line, a caret under the scalar, help.
    #[default]
    Text,
    /// For scripts: `plugin-metadata/schemas/findings.schema.json`.
    Json,
    /// SARIF 2.1.0: code scanning of GitHub and others, editors.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
    /// Code Quality of GitLab.
    Gitlab,
    /// `JUnit` XML, as most build servers read it.
    Junit,
}

impl<'a> Report<'a> {
    /// Puts the findings in the order in which every format lists them: by path, place, rule and service.
    ///
    /// `rules` are those that ran, whether they found something or not.
    pub fn new(findings: &'a [Finding], summary: Summary, tool: Tool, rules: &'a [&'static Rule]) -> Self {
        let mut findings: Vec<&Finding> = findings.iter().collect();
        findings.sort_by(|a, b| order(a).cmp(&order(b)));
        Self { findings, summary, tool, rules }
    }

    /// Writes everything in one of the formats. The style matters to [`Format::Text`] alone.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, format: Format, style: &Style, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Text => text::write(self, style, out),
            Format::Json => json::write(self, out),
            Format::Sarif => sarif::write(self, out),
            Format::Github => github::write(self, out),
            Format::Gitlab => gitlab::write(self, out),
            Format::Junit => junit::write(self, out),
        }
    }
}

/// What a finding is sorted by. One without a place comes before those of the same file that have one.
fn order(finding: &Finding) -> impl Ord {
    (&finding.path, finding.place.as_ref().map(|place| place.span), finding.rule, &finding.service, &finding.message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Counts what is written, and the bytes of the longest piece.
    #[derive(Default)]
    struct Scale {
        whole: usize,
        piece: usize,
    }

    impl Write for Scale {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.whole += bytes.len();
            self.piece = self.piece.max(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_long_report_is_written_piece_by_piece_in_every_format() {
        let findings: Vec<Finding> = (0..500).flat_map(|_| sample::findings()).collect();
        for format in [Format::Text, Format::Json, Format::Sarif, Format::Github, Format::Gitlab, Format::Junit] {
            let mut scale = Scale::default();
            Report::new(&findings, Summary::default(), Tool::this(), &[]).write(format, &Style::default(), &mut scale).unwrap();
            assert!(scale.whole > 100_000 && scale.piece < 10_000, "{format:?}: {} of {}", scale.piece, scale.whole);
        }
    }
}
