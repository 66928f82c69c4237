#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::report::sample::{RULES, findings, openings};
use crate::report::visible::is_hidden;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn text(openings: &[Opening]) -> String {
    let findings = findings();
    let look = Look { openings, findings: &findings, rules: RULES, seconds: 1_700_000_000, is_whole: true };
    let mut out = Vec::new();
    write(&look, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A sample: its name, its labels, its value.
type Sample = (String, BTreeMap<String, String>, f64);

/// Reads the text format as strictly as it is written down (prometheus.io, "Exposition formats", "Text format details"): HELP and TYPE
/// once before the samples of their metric, all samples of a metric together, no series twice, a line feed at the end.
fn parsed(text: &str) -> Vec<Sample> {
    assert!(text.ends_with('\n'));
    let (mut samples, mut series, mut finished) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut help, mut kind) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').unwrap().0.to_owned();
            assert!(finished.insert(help.clone()), "{help} is described once");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, word) = rest.split_once(' ').unwrap();
            assert_eq!((name, word), (help.as_str(), "gauge"));
            name.clone_into(&mut kind);
        } else {
            let sample = sample(line);
            assert_eq!(sample.0, kind, "a sample stands under its TYPE");
            assert!(series.insert((sample.0.clone(), sample.1.clone())), "{line} is the only one of its series");
            samples.push(sample);
        }
    }
    samples
}

fn sample(line: &str) -> Sample {
    let is_name = |text: &str| {
        text.chars().enumerate().all(|(at, c)| c.is_ascii_alphabetic() || c == '_' || at > 0 && c.is_ascii_digit())
            && !text.is_empty()
    };
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{name}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{label}");
            let (value, after) = quoted(after);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{label} stands once");
            match after.split_at(1) {
                (",", more) => rest = more,
                ("}", more) => break rest = more,
                (other, _) => panic!("{other} after a label"),
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap();
    assert!(!value.contains(' '), "the collector takes no time stamps");
    (name.to_owned(), labels, value.parse().unwrap())
}

/// A label value up to its closing quote, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next().unwrap().1 {
                'n' => value.push('\n'),
                escaped @ ('\\' | '"') => value.push(escaped),
                other => panic!("\\{other} is no escape"),
            },
            character => value.push(character),
        }
    }
    panic!("{text} has no end");
}

fn value(samples: &[Sample], name: &str, wanted: &[(&str, &str)]) -> f64 {
    let fits = |(own, labels, _): &&Sample| {
        own == name && wanted.iter().all(|(label, value)| labels.get(*label).is_some_and(|own| own == value))
    };
    let found: Vec<f64> = samples.iter().filter(fits).map(|(.., value)| *value).collect();
    let [value] = found.as_slice() else { panic!("{found:?} for {name} {wanted:?}") };
    *value
}

#[test]
fn each_side_of_a_port_says_what_is_real_what_is_meant_and_whether_it_is_a_bypass() {
    let samples = parsed(&text(&openings()));
    let web =
        [("container", "web"), ("port", "8080"), ("protocol", "tcp"), ("family", "v6"), ("interface", "eth0"), ("bind", "::")];
    let of = |name: &str| value(&samples, &format!("docker_firewall_{name}"), &web).to_bits();
    let (no, yes) = (0_f64.to_bits(), 1_f64.to_bits());
    assert_eq!([of("published_port_open"), of("published_port_intended"), of("bypass"), of("unsure")], [yes, no, yes, no]);
    let limited = [("container", "limited")];
    assert_eq!(value(&samples, "docker_firewall_unsure", &limited).to_bits(), yes);
    assert_eq!(value(&samples, "docker_firewall_published_port_open", &limited).to_bits(), no);
    assert_eq!(value(&samples, "docker_firewall_last_check_timestamp_seconds", &[]).to_bits(), 1_700_000_000_f64.to_bits());
    assert_eq!(value(&samples, "docker_firewall_last_check_success", &[]).to_bits(), yes);
    let inherited = [("rule", "inherited-publication"), ("level", "warn")];
    assert_eq!(value(&samples, "docker_firewall_findings", &inherited).to_bits(), yes);
}

#[test]
fn a_name_twice_is_one_series_that_says_the_worse() {
    let mut twice = openings();
    let mut quiet = twice[2].clone();
    quiet.sides[0].views.clear();
    twice.push(quiet);
    let samples = parsed(&text(&twice));
    let web = [("container", "web"), ("family", "v4")];
    assert_eq!(value(&samples, "docker_firewall_bypass", &web).to_bits(), 1_f64.to_bits());
}

proptest! {
    #[test]
    fn any_name_can_be_read_back_and_steers_no_terminal(name in any::<String>(), interface in "(\\PC|[\\x00-\\x1f\"\\\\]){0,15}") {
        let mut openings = openings();
        openings[2].owner.name.clone_from(&name);
        openings[2].sides[0].interface.clone_from(&interface);
        let text = text(&openings);
        prop_assert!(!text.chars().any(|character| character != '\n' && is_hidden(character)));
        let wanted = [("container", &*visible(&name)), ("interface", &*visible(&interface)), ("family", "v4"), ("port", "8080")];
        prop_assert_eq!(value(&parsed(&text), "docker_firewall_bypass", &wanted).to_bits(), 1_f64.to_bits());
    }
}
