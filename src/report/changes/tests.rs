#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::opening::Answer;
use crate::report::sample::{on_host, openings, summary};
use crate::report::visible::{is_hidden, width};
use proptest::prelude::*;
use serde_json::Value;

const NOON: u64 = 1_764_072_000;

fn all() -> Vec<Change> {
    let (findings, openings) = (on_host(), openings());
    let mut narrowed = openings[2].clone();
    narrowed.sides[0].actual = Answer::Closed;
    vec![
        Change::Found(Box::new(findings[0].clone())),
        Change::Gone(Box::new(findings[1].clone())),
        Change::Published(Box::new(openings[5].clone())),
        Change::Unpublished(Box::new(openings[0].clone())),
        Change::Judged { before: Box::new(openings[2].clone()), after: Box::new(narrowed) },
        Change::Published(Box::new(openings[8].clone())),
    ]
}

fn text(changes: &[Change], style: Style) -> String {
    let mut out = Vec::new();
    write(changes, NOON, &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_change_is_one_line_with_its_time() {
    insta::assert_snapshot!(text(&all(), Style::default()), @r#"
    2025-11-25T12:00:00Z + error[published-on-all-interfaces] container web, *:8080->80/tcp: port 8080/tcp of container web is open to everyone who comes in by eth0, v4 and v6
    2025-11-25T12:00:00Z - note[coverage-gap] interface eth1: the host firewall refuses nothing on eth1
    2025-11-25T12:00:00Z ~ range 0.0.0.0:9000/tcp: published, open on lan0 as meant
    2025-11-25T12:00:00Z ~ trick␛[2J"\ 127.0.0.1:5432/tcp: published no more
    2025-11-25T12:00:00Z ~ web 0.0.0.0:8080/tcp: was open, meant to be closed; is closed as meant
    2025-11-25T12:00:00Z ~ hostnet host network: published, listens on the host itself, behind its firewall
    "#);
}

#[test]
fn a_terminal_folds_a_change_under_its_time() {
    insta::assert_snapshot!(text(&all()[..3], Style { is_terminal: true, width: 60, ..Style::default() }), @r#"
    2025-11-25T12:00:00Z + error[published-on-all-interfaces]
        container web, *:8080->80/tcp: port 8080/tcp of
        container web is open to everyone who comes in by eth0,
        v4 and v6
    2025-11-25T12:00:00Z - note[coverage-gap] interface eth1:
        the host firewall refuses nothing on eth1
    2025-11-25T12:00:00Z ~ range 0.0.0.0:9000/tcp: published,
        open on lan0 as meant
    "#);
}

#[test]
fn what_is_wrong_is_red_and_what_is_wrong_no_more_is_green() {
    let text = text(&all(), Style { colour: true, ..Style::default() });
    assert!(text.contains("\u{1b}[31m+\u{1b}[0m") && text.contains("\u{1b}[32m-\u{1b}[0m"), "{text}");
}

#[test]
fn nothing_changed_is_nothing_said() {
    assert_eq!(text(&[], Style::default()), "");
}

#[test]
fn the_time_is_that_of_the_calendar() {
    assert_eq!(utc(0), "1970-01-01T00:00:00Z");
    assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
    assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
    assert_eq!(utc(951_868_800), "2000-03-01T00:00:00Z");
    assert_eq!(utc(4_107_542_400), "2100-03-01T00:00:00Z");
    assert_eq!(utc(NOON), "2025-11-25T12:00:00Z");
}

/// The lines of a whole watch, as their readers get them.
fn json() -> Vec<Value> {
    let mut out = Vec::new();
    write_first(&on_host(), &summary(), &openings(), NOON, &mut out).unwrap();
    write_json(&all(), NOON, &mut out).unwrap();
    write_failure("the engine does not answer", NOON, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn schema(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin-metadata/schemas").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A schema for one definition of another.
fn definition(file: &str, name: &str) -> jsonschema::Validator {
    let mut schema = schema(file);
    let object = schema.as_object_mut().unwrap();
    object.retain(|key, _| key == "$defs" || key == "$schema");
    object.insert("$ref".into(), format!("#/$defs/{name}").into());
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn each_line_of_json_follows_the_schema_and_its_parts_those_of_check_and_ports() {
    let whole = jsonschema::validator_for(&schema("watch.schema.json")).unwrap();
    let (finding, port) = (definition("findings.schema.json", "finding"), definition("host-ports.schema.json", "opening"));
    let lines = json();
    for line in &lines {
        let errors: Vec<String> = whole.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}: {line}");
        assert!(line.get("finding").is_none_or(|part| finding.is_valid(part)), "{line}");
        assert!(["port", "before"].iter().all(|key| line.get(key).is_none_or(|part| port.is_valid(part))), "{line}");
        assert!(line.get("findings").is_none_or(|list| list.as_array().unwrap().iter().all(|part| finding.is_valid(part))));
        assert!(line.get("ports").is_none_or(|list| list.as_array().unwrap().iter().all(|part| port.is_valid(part))));
    }
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["report", "found", "gone", "published", "unpublished", "judged", "published", "blind"]);
    assert!(definition("findings.schema.json", "summary").is_valid(&lines[0]["summary"]));
    assert!(
        !whole.is_valid(&serde_json::json!({ "event": "found", "time": "2025-11-25T12:00:00Z" })),
        "the schema asks for something"
    );
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_name_steers_it(
        name in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f\u{202e} ]){1,60}", columns in 40_usize..160,
    ) {
        let mut opening = openings()[2].clone();
        opening.owner.name.clone_from(&name);
        let mut finding = on_host().remove(0);
        finding.on_host.as_mut().unwrap().container = Some(name);
        let changes = [Change::Found(Box::new(finding)), Change::Published(Box::new(opening))];
        for line in text(&changes, Style { is_terminal: true, width: columns, ..Style::default() }).lines() {
            prop_assert!(!line.contains(is_hidden) && width(line) <= columns, "{columns}: {line}");
        }
        let mut out = Vec::new();
        write_json(&changes, NOON, &mut out).unwrap();
        let json = String::from_utf8(out).unwrap();
        prop_assert_eq!(json.lines().count(), 2);
        prop_assert!(!json.chars().any(|character| character != '\n' && is_hidden(character)));
    }
}
