//! `JUnit` XML: a suite for each file, a case for each finding. Errors and warnings are failures; a note is a case that passes.

use super::spot::Spot;
use super::visible::is_hidden;
use super::{Report, on_host};
use crate::model::finding::{Finding, Level};
use std::fmt::Write as _;
use std::io::{self, Write};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let tests = report.findings.len().max(1);
    writeln!(out, "<testsuites name=\"{}\" tests=\"{tests}\" failures=\"{}\">", report.tool.name, failures(&report.findings))?;
    for suite in report.findings.chunk_by(|a, b| a.whereabouts() == b.whereabouts()) {
        write_suite(suite, out)?;
    }
    // Build servers take a report without a single case for a mistake.
    if report.findings.is_empty() {
        writeln!(out, "  <testsuite name=\"{}\" tests=\"1\" failures=\"0\">", report.tool.name)?;
        writeln!(out, "    <testcase name=\"no findings\"/>\n  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn write_suite(findings: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = findings.first() else { return Ok(()) };
    let path = escape(&first.whereabouts());
    writeln!(out, "  <testsuite name=\"{path}\" tests=\"{}\" failures=\"{}\">", findings.len(), failures(findings))?;
    for finding in findings {
        let at = finding.place.as_ref().map(Spot::of).map_or(String::new(), |spot| format!(" {}:{}", spot.line, spot.column));
        writeln!(out, "    <testcase classname=\"{path}\" name=\"{}{at}\">", finding.rule)?;
        let body = body(finding, &at);
        if finding.level == Level::Note {
            writeln!(out, "      <system-out>{body}</system-out>")?;
        } else {
            let message = escape(&finding.message);
            writeln!(out, "      <failure type=\"{}\" message=\"{message}\">{body}</failure>", finding.rule)?;
        }
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

/// Everything that is said, one fact a line.
fn body(finding: &Finding, at: &str) -> String {
    let mut lines = vec![format!("{}{}: {}", finding.whereabouts(), at.replace(' ', ":"), finding.message)];
    lines.extend(Some(finding.label.clone()).filter(|label| !label.is_empty()));
    lines.extend(on_host::lines(finding));
    lines.extend(finding.help.iter().map(|help| format!("help: {help}")));
    lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\n")
}

fn failures(findings: &[&Finding]) -> usize {
    findings.iter().filter(|finding| finding.level != Level::Note).count()
}

/// A text as content or attribute. What XML 1.0 has no way to write (section 2.2, Char) becomes U+FFFD; hidden characters that it
/// can write become references, so that a terminal that shows the file has nothing to obey.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            '\u{0}'..' ' | '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            _ if is_hidden(character) => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            _ => escaped.push(character),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Summary;
    use crate::report::Format;
    use crate::report::sample::{findings, summary, written};
    use crate::report::style::Style;

    #[test]
    fn each_file_is_a_suite_and_each_finding_a_case() {
        insta::assert_snapshot!(written(&findings(), summary(), Format::Junit, &Style::default()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="docker-firewall" tests="3" failures="2">
          <testsuite name="common.yml" tests="1" failures="1">
            <testcase classname="common.yml" name="inherited-publication 3:14">
              <failure type="inherited-publication" message="port 5432/tcp of db comes from base">common.yml:3:14: port 5432/tcp of db comes from base
        published for every service that extends base</failure>
            </testcase>
          </testsuite>
          <testsuite name="deploy/compose.yaml" tests="1" failures="1">
            <testcase classname="deploy/compose.yaml" name="published-on-all-interfaces 5:10">
              <failure type="published-on-all-interfaces" message="port 8080/tcp of web is open on every interface">deploy/compose.yaml:5:10: port 8080/tcp of web is open on every interface
        anyone who reaches this host, by IPv4 and IPv6
        help: bind it to 127.0.0.1, or say that it is meant: `x-docker-firewall: 8080/tcp`</failure>
            </testcase>
          </testsuite>
          <testsuite name="deploy/missing.yml" tests="1" failures="0">
            <testcase classname="deploy/missing.yml" name="coverage-gap">
              <system-out>deploy/missing.yml: the file cannot be read: its ports are unknown</system-out>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn nothing_found_is_one_case_that_passes() {
        insta::assert_snapshot!(written(&[], Summary::default(), Format::Junit, &Style::default()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="docker-firewall" tests="1" failures="0">
          <testsuite name="docker-firewall" tests="1" failures="0">
            <testcase name="no findings"/>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn markup_is_escaped_and_what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            escape("<a b=\"c\">&'\n\u{1b}\u{9b}\u{202e}\u{ffff}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&apos;&#10;\u{fffd}&#155;&#8238;\u{fffd}"
        );
    }
}
