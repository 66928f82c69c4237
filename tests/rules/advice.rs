//! What the help says to write does what it promises.

use crate::memory::Files;

fn entry(entry: &str) -> Files {
    Files::of(&format!("services:\n  a:\n    image: x\n    ports:\n      - {entry}\n"))
}

/// The text between the backquotes of the first help line that starts with `write`.
fn advice(files: &Files) -> Option<String> {
    let findings = files.findings();
    let lines = findings.iter().flat_map(|finding| &finding.help);
    let line = lines.into_iter().find(|line| line.starts_with("write `"))?;
    line.split('`').nth(1).map(str::to_owned)
}

#[test]
fn an_entry_written_as_the_help_says_is_closed() {
    for written in [
        "\"80:80\"",
        "80",
        "8080:80",
        "'53:53/udp'",
        "\"0.0.0.0:80:80\"",
        "\"0.0.0.0::85\"",
        "\"[::]:80:80\"",
        "\":80\"",
        "\":80:80\"",
        "8000-8010:80",
        "\"${PORT:-80}:80\"",
        "\"${PORT:-3000}\"",
        "\"${PREFIX}80:80\"",
        "\"5432:5432\"",
    ] {
        let instead = advice(&entry(written)).unwrap_or_else(|| panic!("no advice for {written}"));
        let findings = entry(&instead).findings();
        assert!(findings.is_empty(), "{written} became {instead}: {findings:#?}");
    }
}

#[test]
fn a_variable_written_as_the_help_says_is_closed() {
    for variable in ["${IP}", "$IP", "${IP:-0.0.0.0}"] {
        let written = format!("\"{variable}:80:80\"");
        let instead = written.replace(variable, &advice(&entry(&written)).unwrap());
        assert!(entry(&instead).findings().is_empty(), "{instead}");
    }
}

#[test]
fn where_no_text_fits_the_help_names_the_address_to_bind_to() {
    for (files, wanted) in [
        (entry("\":::80:80\""), "bind it to [::1]"),
        (entry("\"${WIDE:-0.0.0.0:}80:80\""), "bind it to 127.0.0.1"),
        (entry("\"${IP}:80:80\"").with(".env", "IP=0.0.0.0\n"), "set IP to 127.0.0.1"),
    ] {
        let findings = files.findings();
        let wanted = format!("{wanted} if only this host needs it");
        assert!(findings.iter().any(|finding| finding.help.contains(&wanted)), "{findings:#?}");
    }
}
