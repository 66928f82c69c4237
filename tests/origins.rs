//! Every value knows where it is written and the way it came.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Memory;
use docker_firewall::model::origin::{Hop, Origin, ValueSource};
use docker_firewall::model::project::{ProblemKind, Project, Trap};
use docker_firewall::model::publication::{Form, Publication};

/// `file:line:column text <hop> <hop> …`
fn way(origin: &Origin) -> String {
    let mut words = vec![format!("{} {}", origin.place, origin.place.text())];
    words.extend(origin.hops.iter().map(|hop| match hop {
        Hop::Include { at } => format!("include@{at}"),
        Hop::Extends { service, at } => format!("extends {service}@{at}"),
        Hop::Override { replaced } => format!("override of {replaced}"),
        Hop::MergeKey { at } => format!("<<@{at}"),
        Hop::Alias { name, at } => format!("*{name}@{at}"),
        Hop::Variable(substitution) => {
            let source = match &substitution.value {
                ValueSource::EnvFile(line) => format!("{line} {}", line.text()),
                other => format!("{other:?}"),
            };
            format!("${} {:?}@{} from {source}", substitution.name, substitution.at.text(), substitution.at)
        }
    }));
    words.join(" | ")
}

fn entries<'a>(project: &'a Project, service: &str) -> Vec<&'a Publication> {
    let service = project.services.iter().find(|known| &*known.name == service).expect("the service");
    service.publications.iter().collect()
}

fn ways(project: &Project, service: &str) -> Vec<String> {
    entries(project, service).iter().map(|publication| way(&publication.entry.origin)).collect()
}

#[test]
fn a_literal_has_its_scalar_and_no_hops() {
    let project = Memory::new([("compose.yaml", "services:\n  a:\n    ports:\n      - \"80:80\" # web\n")]).load();
    assert_eq!(ways(&project, "a"), ["compose.yaml:4:9 \"80:80\""]);
}

#[test]
fn aliases_and_merge_keys_are_hops_to_the_scalar_behind_them() {
    let text = "x-p: &p\n  - \"80:80\"\nx-s: &s\n  ports: *p\nservices:\n  a:\n    <<: *s\n  b:\n    ports: *p\n";
    let project = Memory::new([("compose.yaml", text)]).load();
    assert_eq!(
        ways(&project, "a"),
        ["compose.yaml:2:5 \"80:80\" | *s@compose.yaml:7:9 | <<@compose.yaml:7:9 | *p@compose.yaml:4:10"]
    );
    assert_eq!(ways(&project, "b"), ["compose.yaml:2:5 \"80:80\" | *p@compose.yaml:9:12"]);
    assert!(entries(&project, "b")[0].entry.origin.is_shared());
}

#[test]
fn extends_and_include_are_the_outermost_hops() {
    let files = [
        ("compose.yaml", "include:\n  - sub/c.yml\nservices:\n  a:\n    extends: {file: base.yml, service: web}\n"),
        ("base.yml", "services:\n  web:\n    extends: root\n  root:\n    ports: ['80:80']\n"),
        ("sub/c.yml", "services:\n  c:\n    ports: ['${P}:81']\n"),
        ("sub/.env", "# ports\nP=8081\n"),
    ];
    let project = Memory::new(files).load();
    assert_eq!(ways(&project, "a"), ["base.yml:5:13 '80:80' | extends web@compose.yaml:5:40 | extends root@base.yml:3:14"]);
    let variable = "$P \"${P}\"@sub/c.yml:3:14 from sub/.env:2:1 P=8081";
    assert_eq!(ways(&project, "c"), [format!("sub/c.yml:3:13 '${{P}}:81' | include@compose.yaml:2:5 | {variable}")]);
}

#[test]
fn a_replaced_entry_says_what_it_replaced_and_layers_count_up() {
    let files = [
        ("compose.yaml", "services:\n  a:\n    ports: ['80:80', '81:81']\n"),
        (
            "compose.override.yaml",
            "services:\n  a:\n    ports:\n      - target: 80\n        published: \"80\"\n        mode: host\n",
        ),
    ];
    let project = Memory::new(files).load();
    let found = entries(&project, "a");
    assert_eq!(
        found.iter().map(|entry| (entry.entry.layer, entry.entry.form)).collect::<Vec<_>>(),
        [(0, Form::Quoted), (1, Form::Long)]
    );
    assert!(matches!(&found[1].entry.origin.hops[..], [Hop::Override { replaced }] if replaced.text() == "'80:80'"));
    assert_eq!(
        found[1].entry.published.as_ref().map(|origin| origin.place.to_string()).as_deref(),
        Some("compose.override.yaml:5:20")
    );
    assert_eq!(found[1].entry.list_key.as_ref().map(ToString::to_string).as_deref(), Some("compose.override.yaml:3:5"));
}

#[test]
fn a_scalar_with_escapes_or_folding_says_that_its_bytes_are_not_its_text() {
    let text = "services:\n  a:\n    ports:\n      - \"80\\x3a80\"\n      - >-\n        81:81\n      - 82:82\n      - 83\n";
    let project = Memory::new([("compose.yaml", text)]).load();
    let forms: Vec<_> = entries(&project, "a").iter().map(|entry| entry.entry.form).collect();
    assert_eq!(forms, [Form::Folded, Form::Folded, Form::Plain, Form::Number]);
}

#[test]
fn traps_are_noted_where_they_are_written() {
    let files = [
        ("compose.yaml", "services:\n  a: {image: x, ports: ['80:80']}\n  b: {extends: a}\n  c: {ports: ['82:82']}\n"),
        (
            "compose.override.yaml",
            "services:\n  a:\n    ports: !reset ['81:81']\n  c:\n    ports: []\n  d:\n    ports:\n      - !reset '1:1'\n",
        ),
    ];
    let project = Memory::new(files).load();
    let found: Vec<_> = project
        .ineffective
        .iter()
        .map(|found| {
            let trap = match &found.trap {
                Trap::EmptyOverride => "empty".to_owned(),
                Trap::ResetValues => "reset values".to_owned(),
                Trap::ResetItem => "reset item".to_owned(),
                Trap::ExtendedEarlier { child } => format!("extended by {child}"),
            };
            format!("{} {trap} {}", found.service, found.at)
        })
        .collect();
    let expected = [
        "a reset values compose.override.yaml:3:19",
        "d reset item compose.override.yaml:8:16",
        "a extended by b compose.override.yaml:2:3",
        "c empty compose.override.yaml:5:5",
    ];
    assert_eq!(found, expected);
    assert_eq!((entries(&project, "a").len(), entries(&project, "b").len(), entries(&project, "c").len()), (0, 1, 1));
}

#[test]
fn what_stands_elsewhere_is_said_and_hides_nothing() {
    let files =
        [("compose.yaml", "include: [oci://x/y]\nservices:\n  a: {extends: {file: gone.yml, service: z}, ports: ['80:80']}\n")];
    let project = Memory::new(files).load();
    let kinds: Vec<_> = project.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Remote, ProblemKind::Unreadable]);
    assert_eq!(entries(&project, "a").len(), 1);
}

#[test]
fn a_comment_speaks_about_its_own_line_or_the_next_one() {
    let text = "services:\n  a:\n    ports:\n      # docker-firewall: allow x -- why\n      # more words\n      - 80:80\n      - 81:81 # docker-firewall: allow y -- why\n";
    let project = Memory::new([("compose.yaml", text)]).load();
    let found: Vec<_> = project.pragmas.iter().map(|pragma| (pragma.line, pragma.text.as_str())).collect();
    assert_eq!(found, [(6, "allow x -- why"), (7, "allow y -- why")]);
}

#[test]
fn what_stands_before_a_syntax_error_is_judged() {
    let text = "services:\n  a:\n    ports: ['80:80']\n  b:\n    ports: ['81:81'\n  c:\n    ports: ['82:82']\n";
    let project = Memory::new([("compose.yaml", text)]).load();
    assert_eq!(ways(&project, "a"), ["compose.yaml:3:13 '80:80'"]);
    let gap = project.problems.iter().find(|problem| problem.kind == ProblemKind::Unreadable).expect("the gap is said");
    assert!(gap.place.as_ref().is_some_and(|place| place.line() >= 5), "{gap:?}");
}
