//! Workflow commands of GitHub Actions: an annotation at the line, in the changes of a pull request.
//!
//! The escapes are those of the runner (actions/toolkit `packages/core/src/command.ts`); other hidden characters are shown, since the
//! commands land in a log that people read.

use super::spot::Spot;
use super::visible::{is_hidden, shown};
use super::{Report, on_host};
use crate::model::finding::{Finding, Level};
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    report.findings.iter().try_for_each(|finding| writeln!(out, "{}", command(finding)))
}

fn command(finding: &Finding) -> String {
    let kind = match finding.level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Note => "notice",
    };
    // Without a file, the runner shows the annotation with the run.
    let file = finding.file().map(|path| format!("file={},", property(&path.to_string_lossy()))).unwrap_or_default();
    let mut command = format!("::{kind} {}", file.trim_end_matches(','));
    if let Some(spot) = finding.place.as_ref().map(Spot::of) {
        let _ = write!(command, ",line={},endLine={},col={}", spot.line, spot.end_line, spot.column);
        // The runner takes an end column only within one line.
        if spot.line == spot.end_line {
            let _ = write!(command, ",endColumn={}", spot.end_column);
        }
    }
    let facts = on_host::lines(finding);
    let lines: Vec<&str> = std::iter::once(finding.message.as_str())
        .chain(Some(finding.label.as_str()).filter(|label| !label.is_empty()))
        .chain(facts.iter().chain(&finding.help).map(String::as_str))
        .collect();
    let comma = if file.is_empty() { "" } else { "," };
    let _ = write!(command, "{comma}title={}::{}", property(finding.rule), message(&lines.join("\n")));
    command
}

fn message(text: &str) -> String {
    escape(text, |character| matches!(character, '%' | '\r' | '\n'))
}

fn property(text: &str) -> String {
    escape(text, |character| matches!(character, '%' | '\r' | '\n' | ':' | ','))
}

fn escape(text: &str, is_special: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        if is_special(character) {
            let _ = write!(escaped, "%{:02X}", u32::from(character));
        } else {
            escaped.push(if is_hidden(character) { shown(character) } else { character });
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Format;
    use crate::report::sample::{finding, findings, place, summary, written};
    use crate::report::style::Style;

    #[test]
    fn each_finding_is_one_command() {
        insta::assert_snapshot!(written(&findings(), summary(), Format::Github, &Style::default()), @r#"
        ::warning file=common.yml,line=3,endLine=3,col=14,endColumn=23,title=inherited-publication::port 5432/tcp of db comes from base%0Apublished for every service that extends base
        ::error file=deploy/compose.yaml,line=5,endLine=5,col=10,endColumn=17,title=published-on-all-interfaces::port 8080/tcp of web is open on every interface%0Aanyone who reaches this host, by IPv4 and IPv6%0Abind it to 127.0.0.1, or say that it is meant: `x-docker-firewall: 8080/tcp`
        ::notice file=deploy/missing.yml,title=coverage-gap::the file cannot be read: its ports are unknown
        "#);
    }

    #[test]
    fn what_ends_a_property_or_a_command_is_escaped() {
        let odd = finding(&place("a,b:c%.yml", "«80»"), "web", "100% open\r\n::error::forged\u{1b}[2J", "");
        insta::assert_snapshot!(command(&odd), @r#"::error file=a%2Cb%3Ac%25.yml,line=1,endLine=1,col=1,endColumn=3,title=published-on-all-interfaces::100%25 open%0D%0A::error::forged␛[2J"#);
    }
}
