//! The baseline, from findings to its text and back.

use docker_firewall::judge::baseline::{FILE_NAME, Ground, accept, apply, keep_others, name_of, to_json};
use docker_firewall::model::baseline::Baseline;
use docker_firewall::model::finding::{Finding, Level, Subject};
use docker_firewall::model::source::{Place, Source, Span};
use docker_firewall::read::baseline::read;
use std::path::Path;
use std::sync::Arc;

const TEXT: &str = "services:\n  web:\n    ports: [\"80:80\", '443:443']\n";

fn finding(text: &str, scalar: &str, rule: &'static str) -> Finding {
    let source = Source::new("app/compose.yaml", text);
    let start = u32::try_from(text.find(scalar).expect(scalar)).unwrap();
    let span = Span { start, end: start + u32::try_from(scalar.len()).unwrap() };
    let subject = Subject { service: "web".into(), publication: 0, text: format!("*:{scalar}") };
    Finding {
        rule,
        level: Level::Error,
        path: source.path().to_owned(),
        place: Some(Place { source: Arc::clone(&source), span }),
        service: Some("web".into()),
        subject: Some(subject),
        message: String::new(),
        label: String::new(),
        related: Vec::new(),
        help: Vec::new(),
        fix: None,
        remedy: None,
        on_host: None,
    }
}

fn ground(file: &str) -> Ground<'_> {
    Ground { working_directory: Path::new("/home/me/shop"), file: Path::new(file) }
}

fn both(text: &str) -> Vec<Finding> {
    vec![finding(text, "\"80:80\"", "a"), finding(text, "'443:443'", "a")]
}

fn written(findings: &[Finding]) -> Baseline {
    read(&Source::new(FILE_NAME, to_json(&accept(findings, ground(FILE_NAME))))).unwrap()
}

#[test]
fn what_is_accepted_today_is_not_said_tomorrow_even_where_lines_shifted() {
    let baseline = written(&both(TEXT));
    let shifted = TEXT.replace("services:", "# a comment\n\nservices:");
    let applied = apply(&baseline, both(&shifted), ground(FILE_NAME), &|_| true);
    assert_eq!((applied.left.len(), applied.baselined.len(), applied.stale.len()), (0, 2, 0));
}

#[test]
fn what_is_new_is_left_another_rule_another_scalar_and_one_more_of_the_same() {
    let baseline = written(&both(TEXT));
    let mut findings = both(TEXT);
    findings.push(finding(TEXT, "\"80:80\"", "b"));
    findings.push(finding(TEXT, "\"80:80\"", "a"));
    findings.push(finding("ports: ['80:81']", "'80:81'", "a"));
    let applied = apply(&baseline, findings, ground(FILE_NAME), &|_| true);
    assert_eq!((applied.left.len(), applied.baselined.len()), (3, 2));
}

#[test]
fn an_entry_whose_finding_is_gone_is_said_at_its_place_in_the_baseline() {
    let baseline = written(&both(TEXT));
    let applied = apply(&baseline, both(TEXT).split_off(1), ground(FILE_NAME), &|_| true);
    let [stale] = &applied.stale[..] else { panic!("{:?}", applied.stale) };
    assert_eq!((stale.level, stale.rule, stale.path.to_str()), (Level::Note, "stale-allow", Some(FILE_NAME)));
    assert!(stale.place.as_ref().unwrap().text().contains("80:80"), "{:?}", stale.place);
    assert_eq!(stale.message, "the baseline accepts what is gone: a of web in app/compose.yaml (*:\"80:80\")");
    assert!(apply(&baseline, Vec::new(), ground(FILE_NAME), &|_| false).stale.is_empty());
}

#[test]
fn repeats_are_counted_and_a_count_that_shrank_is_said() {
    let twice = vec![finding(TEXT, "\"80:80\"", "a"), finding(TEXT, "\"80:80\"", "a")];
    let baseline = written(&twice);
    assert_eq!(baseline.entries[0].count, 2);
    let applied = apply(&baseline, twice.into_iter().take(1).collect(), ground(FILE_NAME), &|_| true);
    assert!(applied.stale[0].message.starts_with("the baseline accepts 2, of which 1 is left"), "{}", applied.stale[0].message);
}

#[test]
fn a_file_has_one_name_wherever_the_program_is_run() {
    let from_sub =
        Ground { working_directory: Path::new("/home/me/shop/app"), file: Path::new("../docker-firewall.baseline.json") };
    for (path, ground, name) in [
        ("app/compose.yaml", ground(FILE_NAME), "app/compose.yaml"),
        ("./app/../app/compose.yaml", ground(FILE_NAME), "app/compose.yaml"),
        ("/home/me/shop/app/compose.yaml", ground(FILE_NAME), "app/compose.yaml"),
        ("compose.yaml", from_sub, "app/compose.yaml"),
        ("../../other/compose.yaml", from_sub, "../other/compose.yaml"),
        ("compose.yaml", ground("ci/baseline.json"), "../compose.yaml"),
    ] {
        assert_eq!(name_of(Path::new(path), ground), name, "{path}");
    }
}

#[test]
fn writing_is_sorted_and_reading_it_back_gives_the_same() {
    let mut findings = both(TEXT);
    let text = to_json(&accept(&findings, ground(FILE_NAME)));
    findings.reverse();
    assert_eq!(to_json(&accept(&findings, ground(FILE_NAME))), text);
    assert_eq!(to_json(&written(&findings)), text);
    insta::assert_snapshot!(text, @r#"
    {
      "version": 1,
      "accepted": [
        {
          "rule": "a",
          "file": "app/compose.yaml",
          "line": 3,
          "service": "web",
          "publication": "*:\"80:80\"",
          "source": "\"80:80\"",
          "count": 1
        },
        {
          "rule": "a",
          "file": "app/compose.yaml",
          "line": 3,
          "service": "web",
          "publication": "*:'443:443'",
          "source": "'443:443'",
          "count": 1
        }
      ]
    }
    "#);
}

#[test]
fn writing_anew_keeps_the_entries_of_files_that_were_not_looked_at() {
    let earlier = written(&both(TEXT));
    let kept = keep_others(Baseline::default(), earlier.clone(), &|file| file != "app/compose.yaml");
    assert_eq!(kept, earlier);
    assert_eq!(keep_others(Baseline::default(), earlier, &|_| true), Baseline::default());
}

#[test]
fn a_baseline_that_cannot_be_read_says_where_and_why() {
    for (text, place, message) in [
        ("", "b.json:1:1", "is empty"),
        ("[]", "b.json:1:1", "an object is expected"),
        ("{\"version\": 2, \"accepted\": []}", "b.json:1:13", "another version"),
        ("{\"accepted\": []}", "b.json:1:1", "has no `version`"),
        ("{\"version\": 1}", "b.json:1:1", "has no `accepted`"),
        ("{\"version\": 1, \"accepted\": {}}", "b.json:1:28", "is no list"),
        ("{\"version\": 1, \"accepted\": [{\"rule\": \"a\"}]}", "b.json:1:29", "has no `file`"),
        ("{\"version\": 1, \"accepted\": [{\"file\": 1}]}", "b.json:1:38", "text in quotes"),
        ("{\"version\": 1, \"accepted\": [{\"rule\": \"a\", \"file\": \"b\", \"count\": 0}]}", "b.json:1:65", "at least 1"),
        ("{\"version\": 1, \"acepted\": []}", "b.json:1:16", "not known"),
        ("{\"version\": 1,", "b.json:1:1", "not valid YAML"),
    ] {
        let error = read(&Source::new("b.json", text)).expect_err(text);
        assert!(error.message.contains(message), "{text}: {error}");
        assert_eq!(error.place.to_string(), place, "{text}: {error}");
    }
}
