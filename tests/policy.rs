//! Intent from real texts: docs/policy.md does what it says, the schemas agree with the readers, and what does nothing is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use docker_firewall::judge::intent::Intent;
use docker_firewall::judge::rules::{TABLE, stale_allow};
use docker_firewall::judge::{Judged, baseline, judge};
use docker_firewall::model::finding::{Finding, Level};
use docker_firewall::model::project::Project;
use docker_firewall::model::source::Source;
use docker_firewall::read::compose::{Request, Texts, load};
use docker_firewall::read::policy::intent;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files in memory, below a folder.
#[derive(Default)]
struct Files(BTreeMap<String, String>);

const FOLDER: &str = "/project";
const POLICY: &str = "docker-firewall.yaml";

impl Files {
    fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
    }

    fn name<'a>(&self, path: &'a Path) -> Option<&'a str> {
        path.strip_prefix(FOLDER).unwrap_or(path).to_str().filter(|name| self.0.contains_key(*name))
    }

    fn project(&self, file: &str) -> Project {
        let request =
            Request { files: vec![PathBuf::from(file)], working_directory: PathBuf::from(FOLDER), ..Request::default() };
        load(&request, self)
    }

    fn intent(&self, project: &Project) -> Intent {
        let policy = self.0.get(POLICY).map(|text| Source::new(POLICY, text.clone()));
        intent(project, policy.as_ref())
    }

    fn judged(&self, file: &str) -> (Intent, Judged) {
        let project = self.project(file);
        let intent = self.intent(&project);
        let judged = judge(&project, &intent);
        (intent, judged)
    }
}

impl Texts for Files {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        let name = self.name(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Source::new(name, self.0[name].clone()))
    }

    fn exists(&self, path: &Path) -> bool {
        self.name(path).is_some()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path == Path::new(FOLDER)
    }
}

/// What is stale in one project, its policy file speaking about this project alone.
fn stale(files: &Files) -> Vec<Finding> {
    let (intent, judged) = files.judged("compose.yaml");
    stale_allow::over_run(&[(&intent, &judged.ledger)], &|_| true).0
}

fn said(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {}", finding.place.as_ref().unwrap(), finding.message)).collect()
}

/// What stale-allow says of a compose file alone.
fn said_of(compose: &str) -> Vec<String> {
    said(&stale(&Files::of([("compose.yaml", compose)])))
}

/// What stale-allow says of a policy file beside a service `web` with port 443 and a service `db` with port 5432.
fn said_of_policy(policy: &str) -> Vec<String> {
    let compose = "services:\n  web: {image: nginx, ports: ['443:443']}\n  db: {image: postgres, ports: ['5432:5432']}\n";
    said(&stale(&Files::of([("compose.yaml", compose), (POLICY, policy)])))
}

fn ports(text: &str) -> String {
    format!("services:\n  web:\n    image: nginx\n    ports:\n{text}")
}

mod documentation {
    use super::*;

    struct Block<'a> {
        info: &'a str,
        text: &'a str,
    }

    fn blocks(page: &str) -> Vec<Block<'_>> {
        let fenced = page.split("\n```").skip(1).step_by(2);
        fenced.map(|fenced| fenced.split_once('\n').map(|(info, text)| Block { info, text }).unwrap()).collect()
    }

    fn outcome(files: &Files) -> String {
        let (intent, _) = files.judged("compose.yaml");
        let grants = intent.grants.iter().map(|grant| format!("{} for {}", grant.allowance, grant.scope));
        grants.chain(said(&stale(files))).collect::<Vec<_>>().join("\n")
    }

    /// Files gather until an outcome is told; the outcome has to be what the program reads from them.
    #[test]
    fn every_example_reads_as_the_page_says() {
        let page = include_str!("../docs/policy.md");
        let mut files = Files::default();
        let mut told = 0;
        for block in blocks(page) {
            match block.info.split_once(' ') {
                Some(("yaml", name)) => drop(files.0.insert(name.to_owned(), format!("{}\n", block.text))),
                Some(("text", "outcome")) => {
                    assert_eq!(outcome(&files), block.text, "{:#?}", files.0);
                    files = Files::default();
                    told += 1;
                }
                _ => assert_eq!(block.info, "text grammar"),
            }
        }
        assert!(told >= 4, "only {told} outcomes were found");
    }

    #[test]
    fn every_line_of_the_table_of_spellings_is_of_the_grammar() {
        use docker_firewall::read::policy::grammar::{About, list};
        let page = include_str!("../docs/policy.md");
        let table = page.split("| Written | Allows |").nth(1).unwrap().split("\n\n").next().unwrap();
        let cells = table.lines().skip(2).filter_map(|line| line.split('|').nth(1));
        let spellings: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        assert!(spellings.len() >= 10, "{spellings:?}");
        for spelling in spellings {
            assert!(list(spelling, About::Ports).iter().all(|(_, read)| read.is_ok()), "{spelling}");
        }
    }

    #[test]
    fn the_rules_that_an_allowance_answers_are_those_that_the_page_names() {
        let page = include_str!("../docs/policy.md");
        let section = page.split("## What an allowance answers").nth(1).unwrap().split("It\ndoes not answer").next().unwrap();
        for rule in TABLE {
            assert_eq!(section.contains(rule.name), rule.allowable, "{}", rule.name);
        }
    }

    #[test]
    fn the_examples_of_the_rules_page_are_found_and_not_found() {
        let page = include_str!("../docs/rules/stale-allow.md");
        for block in blocks(page) {
            let is_found = !said_of(block.text).is_empty();
            assert_eq!(is_found, block.info == "yaml bad", "{}", block.text);
        }
    }
}

mod schemas {
    use super::*;
    use docker_firewall::read::baseline;

    fn validator(text: &str) -> jsonschema::Validator {
        let schema: Value = serde_json::from_str(text).unwrap();
        jsonschema::draft202012::meta::validate(&schema).expect("the schema is of draft 2020-12");
        jsonschema::validator_for(&schema).unwrap()
    }

    fn policy_schema() -> jsonschema::Validator {
        validator(include_str!("../plugin-metadata/schemas/policy.schema.json"))
    }

    fn reader_takes(policy: &str) -> bool {
        intent(&Project::default(), Some(&Source::new(POLICY, policy))).mistakes.is_empty()
    }

    fn schema_takes(policy: &str) -> bool {
        policy_schema().is_valid(&serde_yaml::from_str::<Value>(policy).unwrap_or(Value::Null))
    }

    #[test]
    fn the_policy_schema_and_the_reader_take_and_refuse_the_same() {
        for (policy, takes) in [
            ("", true),
            ("# nothing yet\n", true),
            ("{}", true),
            ("allow: 443/tcp", true),
            ("allow: 443", true),
            ("allow: [443/tcp, 8000-8010/udp, any]", true),
            ("allow: []", true),
            ("allow: '8080/tcp from 10.0.0.0/8, 2001:db8::/32 in wg0; 53/udp@wg0'", true),
            ("allow: |\n  443/tcp\n  80/tcp in br-1@192.0.2.7\n", true),
            ("allow: {allow: 443/tcp, reason: shop}", true),
            ("allow: [{allow: [443/tcp, 80/tcp], reason: 4711}, 22/tcp]", true),
            ("services: {web: 443/tcp, db: {allow: 5432/tcp in wg0}, x: [{allow: any}]}", true),
            ("rules: {host-network: note, stale-allow: {level: error}}", true),
            ("rules: {host-network: {level: off, reason: known}}", true),
            ("trust-labels: true", true),
            ("[]", false),
            ("443/tcp", false),
            ("alow: 443/tcp", false),
            ("allow:", false),
            ("allow: ''", false),
            ("allow: 0", false),
            ("allow: 65536", false),
            ("allow: 65536/tcp", false),
            ("allow: true", false),
            ("allow: 443/TCP", false),
            ("allow: 443/icmp", false),
            ("allow: 443 to wg0", false),
            ("allow: 443 in wg+", false),
            ("allow: 443 in a-name-that-is-long", false),
            ("allow: 443/tcp from somewhere", false),
            ("allow: 443 in wg0 in wg1", false),
            ("allow: 80,443", false),
            ("allow: [[443/tcp]]", false),
            ("allow: {reason: shop}", false),
            ("allow: {allow: 443/tcp, reason: ''}", false),
            ("allow: {allow: 443/tcp, reason: null}", false),
            ("allow: {allow: {allow: 443/tcp}}", false),
            ("allow: {allow: 443/tcp, because: shop}", false),
            ("services: [web]", false),
            ("services: {web: {ports: 443/tcp}}", false),
            ("services:", false),
            ("rules: {host-network: off}", false),
            ("rules: {host-network: {level: off}}", false),
            ("rules: {host-network: {reason: x}}", false),
            ("rules: {host-network: warning}", false),
            ("rules: {host-network: [note]}", false),
            ("trust-labels: 'true'", false),
            ("trust-labels: yes", false),
        ] {
            assert_eq!((schema_takes(policy), reader_takes(policy)), (takes, takes), "schema, reader: {policy}");
        }
    }

    #[test]
    fn what_only_the_reader_can_see_is_refused_by_the_reader() {
        for policy in ["allow: 80 from 10.0.0.1/8", "allow: 90-80", "allow: 80 from 1.2.3", "allow: 0443"] {
            assert!(!reader_takes(policy), "{policy}");
        }
        for policy in ["allow: 1\nallow: 2\n", "allow: !env PORT", "allow: *none", "--- {}\n--- {}\n", "allow: [", "? [a]\n: 1\n"]
        {
            assert!(!reader_takes(policy), "{policy}");
        }
    }

    #[test]
    fn the_policy_schema_knows_every_rule() {
        let schema: Value = serde_json::from_str(include_str!("../plugin-metadata/schemas/policy.schema.json")).unwrap();
        let names = schema["properties"]["rules"]["propertyNames"]["enum"].as_array().unwrap();
        for rule in TABLE {
            assert!(names.iter().any(|name| name == rule.name), "{}", rule.name);
        }
    }

    #[test]
    fn what_is_written_as_a_baseline_is_of_its_schema_and_the_reader_agrees_with_it() {
        let schema = validator(include_str!("../plugin-metadata/schemas/baseline.schema.json"));
        for (text, takes) in [
            (r#"{"version": 1, "accepted": []}"#, true),
            (
                r#"{"$schema": "x", "version": 1, "accepted": [{"rule": "a", "file": "b", "count": 2, "line": 1, "service": "é"}]}"#,
                true,
            ),
            (r#"{"version": 1, "accepted": [{"rule": "a", "file": "b", "publication": "*:1->1/tcp", "source": "\"1\""}]}"#, true),
            (r#"{"version": 2, "accepted": []}"#, false),
            (r#"{"version": 1}"#, false),
            (r#"{"version": 1, "accepted": [{"rule": "a"}]}"#, false),
            (r#"{"version": 1, "accepted": [{"rule": "a", "file": "b", "count": 0}]}"#, false),
            (r#"{"version": 1, "accepted": [{"rule": "a", "file": 1}]}"#, false),
            (r#"{"version": 1, "accepted": [{"rule": "a", "file": "b", "column": 1}]}"#, false),
            ("[]", false),
        ] {
            let by_schema = schema.is_valid(&serde_json::from_str(text).unwrap());
            assert_eq!((by_schema, baseline::read(&Source::new("b", text)).is_ok()), (takes, takes), "schema, reader: {text}");
        }
    }
}

#[test]
fn each_source_allows_what_stands_at_it_with_its_reason_and_its_very_bytes() {
    let compose = "x-docker-firewall: {allow: 80/tcp, reason: front}\nservices:\n  web:\n    image: nginx\n    labels:\n      - \
                   docker-firewall.allow=443/tcp;8443/tcp\n    ports: ['80:80', '443:443', '8443:1']\n";
    let (intent, _) = Files::of([("compose.yaml", compose)]).judged("compose.yaml");
    let written: Vec<_> = intent.grants.iter().map(|grant| (grant.place.text(), grant.reason.as_deref())).collect();
    assert_eq!(written, [("80/tcp", Some("front")), ("443/tcp", None), ("8443/tcp", None)]);
}

#[test]
fn a_mistake_points_at_its_bytes_whatever_the_form() {
    for (entry, place) in [
        ("    x-docker-firewall: 443/tpc\n", "compose.yaml:6:28"),
        ("    x-docker-firewall: \"443/tpc\"\n", "compose.yaml:6:29"),
        ("    x-docker-firewall: [80, 443/tpc]\n", "compose.yaml:6:33"),
        ("    labels: ['docker-firewall.allow=80; 443/tpc']\n", "compose.yaml:6:45"),
        ("    labels: {docker-firewall.allow: 443/tpc}\n", "compose.yaml:6:41"),
        ("    x-docker-firewall: {allow: 80, raeson: x}\n", "compose.yaml:6:36"),
    ] {
        let said = said_of(&ports(&format!("      - 80:80\n{entry}")));
        assert!(said.iter().any(|line| line.starts_with(&format!("{place}: "))), "{entry}: {said:?}");
    }
}

#[test]
fn a_variable_in_an_allowance_is_put_in_and_the_mistake_quotes_the_result() {
    let said = said_of(&ports("      - 80:80\n    x-docker-firewall: ${PORT:-80}/http\n"));
    assert_eq!(said, ["compose.yaml:6:24: `http` is no protocol, in `80/http`"]);
    let said = said_of(&ports("      - 80:80\n    x-docker-firewall: ${ALLOWED}\n"));
    assert_eq!(said, ["compose.yaml:6:24: the allowance is empty"]);
}

#[test]
fn a_number_means_the_digits_that_stand_there() {
    let said = said_of(&ports("      - 291:80\n    x-docker-firewall: 0443\n"));
    assert_eq!(said, ["compose.yaml:6:24: the port 0443 starts with a zero"]);
}

#[test]
fn a_comment_with_a_mistake_silences_nothing_and_says_which() {
    for (comment, message) in [
        ("allow published-on-all-interfaces", "gives no reason"),
        ("allow published-on-all-interfaces --", "gives no reason"),
        ("allow published-on-all-interfaces because", "`published-on-all-interfaces because` is no rule"),
        ("allow -- x", "names no rule"),
        ("allow 443/tcp -- x", "is a port, not a rule"),
        ("allow stale-alow -- x", "no rule is called `stale-alow`"),
        ("ignore stale-allow -- x", "orders `ignore`"),
        ("", "orders ``"),
    ] {
        let files = Files::of([("compose.yaml", &*ports(&format!("      - 80:80 # docker-firewall: {comment}\n")))]);
        let (intent, _) = files.judged("compose.yaml");
        let found = stale(&files);
        assert!(found.iter().any(|finding| finding.message.contains(message)), "{comment}: {:?}", said(&found));
        assert!(intent.exceptions.iter().all(|exception| exception.rule == "stale-alow"), "{comment}");
    }
}

#[test]
fn a_comment_stands_on_its_line_or_above_it_and_each_rule_has_its_place() {
    let text = ports("      # docker-firewall: allow host-network, stale-allow -- a -- b\n      # more\n      - 80:80\n");
    let (intent, _) = Files::of([("compose.yaml", &*text)]).judged("compose.yaml");
    let read: Vec<_> = intent.exceptions.iter().map(|it| (it.place.text(), it.line, &*it.reason)).collect();
    assert_eq!(read, [("host-network", 7, "a -- b"), ("stale-allow", 7, "a -- b")]);
}

#[test]
fn stale_allow_itself_can_be_excepted_and_an_idle_exception_is_said() {
    let excepted = "    # docker-firewall: allow stale-allow -- opened every spring\n    x-docker-firewall: 81/tcp\n";
    assert_eq!(said_of(&ports(&format!("      - 127.0.0.1:80:80\n{excepted}"))), [""; 0]);
    let idle = said_of(&ports("      - 127.0.0.1:80:80 # docker-firewall: allow stale-allow -- x\n"));
    assert_eq!(idle.len(), 1);
    assert!(idle[0].contains("silences nothing"), "{idle:?}");
}

#[test]
fn a_label_that_the_policy_does_not_trust_allows_nothing_and_is_said() {
    let compose = ports("      - 80:80\n    labels: {docker-firewall.allow: 80/tcp}\n");
    let files = Files::of([("compose.yaml", &*compose), (POLICY, "trust-labels: false\n")]);
    assert!(files.judged("compose.yaml").0.grants.is_empty());
    assert!(said(&stale(&files))[0].contains("does not trust labels"));
}

#[test]
fn a_policy_for_a_service_or_a_port_that_is_not_there_is_stale() {
    let said = said_of_policy("allow: [443/tcp, 444/tcp]\nservices:\n  wbe: 443/tcp\n  db: [5432/tcp, 5433/tcp]\n");
    assert_eq!(
        said,
        [
            "docker-firewall.yaml:1:18: the allowance 444/tcp matches no published port of the project",
            "docker-firewall.yaml:3:8: the allowance 443/tcp is for a service `wbe` that is not there",
            "docker-firewall.yaml:4:18: the allowance 5433/tcp matches no published port of db",
        ]
    );
}

#[test]
fn an_unknown_rule_in_the_policy_is_said_with_the_nearest_one() {
    let compose = ports("      - 127.0.0.1:80:80\n");
    let found = stale(&Files::of([("compose.yaml", &*compose), (POLICY, "rules: {stale-alow: note}\n")]));
    assert_eq!(
        (&*found[0].message, &found[0].help[..]),
        ("no rule is called `stale-alow`", &["the nearest is `stale-allow`".to_owned()][..])
    );
}

#[test]
fn the_policy_sets_the_level_of_stale_allow_too() {
    let with = |level: &str| {
        stale(&Files::of([("compose.yaml", ""), (POLICY, &*format!("allow: 1/tcp\nrules: {{stale-allow: {level}}}\n"))]))
    };
    assert_eq!(with("error")[0].level, Level::Error);
    assert!(with("{level: off, reason: x}").is_empty());
}

#[test]
fn a_policy_that_is_no_yaml_allows_nothing() {
    let files = Files::of([("compose.yaml", &*ports("      - 80:80\n")), (POLICY, "allow: any\nservices: [\n")]);
    assert!(files.judged("compose.yaml").0.grants.is_empty());
    assert!(said(&stale(&files))[0].contains("not valid YAML"));
}

#[test]
fn aliases_that_multiply_do_not_run_away() {
    let mut bomb = "allow: &a0 [any, any, any, any, any, any, any, any, any, any]\n".to_owned();
    for level in 1..10 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("x{level}: &a{level} [{items}]\n"));
    }
    let files = Files::of([("compose.yaml", "services: {}\n"), (POLICY, &*bomb)]);
    assert!(said(&stale(&files)).iter().any(|line| line.contains("too large")));
}

mod over_a_run {
    use super::*;

    const TWO: [(&str, &str); 3] = [
        ("a.yaml", "services: {a: {image: i, ports: ['1:1']}}\n"),
        ("b.yaml", "services: {b: {image: i, ports: ['2:2']}}\n"),
        (POLICY, "allow: 2/tcp\nservices: {a: 1/tcp, b: 2/tcp, c: 3/tcp}\n"),
    ];

    fn said_over(files: &Files, names: &[&str], is_whole: bool) -> Vec<String> {
        let run: Vec<_> = names.iter().map(|name| files.judged(name)).collect();
        let run: Vec<_> = run.iter().map(|(intent, judged)| (intent, &judged.ledger)).collect();
        said(&stale_allow::over_run(&run, &|_| is_whole).0)
    }

    #[test]
    fn a_policy_is_held_against_all_projects_beside_it() {
        let said = said_over(&Files::of(TWO), &["a.yaml", "b.yaml"], true);
        assert_eq!(said, ["docker-firewall.yaml:2:35: the allowance 3/tcp is for a service `c` that is not there"]);
    }

    #[test]
    fn where_only_some_files_are_checked_the_others_allowances_are_not_called_stale() {
        assert_eq!(said_over(&Files::of(TWO), &["a.yaml"], false), [""; 0]);
    }

    #[test]
    fn what_could_not_be_read_may_be_what_is_allowed() {
        let mut files = Files::of(TWO);
        files.0.insert("b.yaml".to_owned(), "services: {b: {image: i, ports: [".to_owned());
        assert_eq!(said_over(&files, &["a.yaml", "b.yaml"], true), [""; 0]);
    }

    #[test]
    fn a_mistake_in_a_shared_policy_is_said_once() {
        let mut files = Files::of(TWO);
        files.0.insert(POLICY.to_owned(), "allow: 2/tpc\n".to_owned());
        assert_eq!(said_over(&files, &["a.yaml", "b.yaml"], true), ["docker-firewall.yaml:1:10: `tpc` is no protocol"]);
    }
}

#[test]
fn a_baseline_of_a_run_takes_away_exactly_that_run() {
    let files = Files::of([("compose.yaml", &*ports("      - 80:80\n    x-docker-firewall: [81, 82]\n"))]);
    let ground = baseline::Ground { working_directory: Path::new(FOLDER), file: Path::new(baseline::FILE_NAME) };
    let text = baseline::to_json(&baseline::accept(&stale(&files), ground));
    let accepted = docker_firewall::read::baseline::read(&Source::new(baseline::FILE_NAME, text)).unwrap();
    let applied = baseline::apply(&accepted, stale(&files), ground, &|_| true);
    assert_eq!((applied.left.len(), applied.baselined.len(), applied.stale.len()), (0, 2, 0));
}
