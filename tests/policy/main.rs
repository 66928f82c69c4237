//! Intent from real texts: docs/policy.md does what it says, the schemas agree with the readers, and what does nothing is said.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod documentation;
mod over_a_run;
mod schemas;

use common::{Memory, ROOT};
use docker_firewall::judge::intent::Intent;
use docker_firewall::judge::rules::stale_allow;
use docker_firewall::judge::{Judged, baseline, judge};
use docker_firewall::model::finding::{Finding, Level};
use docker_firewall::model::project::Project;
use docker_firewall::model::source::Source;
use docker_firewall::read::policy::intent;
use std::collections::BTreeMap;
use std::path::Path;

const POLICY: &str = "docker-firewall.yaml";

/// A project's files: compose files, and the policy file where there is one.
#[derive(Default)]
struct Files(BTreeMap<String, String>);

impl Files {
    fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
    }

    /// The project that is found, with its intent, judged.
    fn judged(&self) -> (Intent, Judged) {
        self.judge(&self.memory().load())
    }

    /// The project of one file, with its intent, judged.
    fn judged_file(&self, file: &str) -> (Intent, Judged) {
        self.judge(&self.memory().load_with(|request| request.files = vec![file.into()]))
    }

    fn memory(&self) -> Memory {
        Memory::new(self.0.iter().map(|(name, text)| (name.as_str(), text.as_str())))
    }

    fn judge(&self, project: &Project) -> (Intent, Judged) {
        let policy = self.0.get(POLICY).map(|text| Source::new(POLICY, text.clone()));
        let intent = intent(project, policy.as_ref());
        let judged = judge(project, &intent);
        (intent, judged)
    }
}

/// What is stale in one project, its policy file speaking about this project alone.
fn stale(files: &Files) -> Vec<Finding> {
    let (intent, judged) = files.judged();
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

#[test]
fn each_source_allows_what_stands_at_it_with_its_reason_and_its_very_bytes() {
    let compose = "x-docker-firewall: {allow: 80/tcp, reason: front}\nservices:\n  web:\n    image: nginx\n    labels:\n      - \
                   docker-firewall.allow=443/tcp;8443/tcp\n    ports: ['80:80', '443:443', '8443:1']\n";
    let (intent, _) = Files::of([("compose.yaml", compose)]).judged();
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
        let (intent, _) = files.judged();
        let found = stale(&files);
        assert!(found.iter().any(|finding| finding.message.contains(message)), "{comment}: {:?}", said(&found));
        assert!(intent.exceptions.iter().all(|exception| exception.rule == "stale-alow"), "{comment}");
    }
}

#[test]
fn a_comment_stands_on_its_line_or_above_it_and_each_rule_has_its_place() {
    let text = ports("      # docker-firewall: allow host-network, stale-allow -- a -- b\n      # more\n      - 80:80\n");
    let (intent, _) = Files::of([("compose.yaml", &*text)]).judged();
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
    assert!(files.judged().0.grants.is_empty());
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
    assert!(files.judged().0.grants.is_empty());
    assert!(said(&stale(&files))[0].contains("not valid YAML"));
}

#[test]
fn aliases_that_multiply_do_not_run_away() {
    let tenfold = |level: u32| format!("x{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", "));
    let bomb = format!("allow: &a0 [any, any]\n{}", (1..10).map(tenfold).collect::<String>());
    let files = Files::of([("compose.yaml", "services: {}\n"), (POLICY, &*bomb)]);
    assert!(said(&stale(&files)).iter().any(|line| line.contains("too large")));
}

#[test]
fn a_baseline_of_a_run_takes_away_exactly_that_run() {
    let files = Files::of([("compose.yaml", &*ports("      - 80:80\n    x-docker-firewall: [81, 82]\n"))]);
    let ground = baseline::Ground { working_directory: Path::new(ROOT), file: Path::new(baseline::FILE_NAME) };
    let text = baseline::to_json(&baseline::accept(&stale(&files), ground));
    let accepted = docker_firewall::read::baseline::read(&Source::new(baseline::FILE_NAME, text)).unwrap();
    let applied = baseline::apply(&accepted, stale(&files), ground, &|_| true);
    assert_eq!((applied.left.len(), applied.baselined.len(), applied.stale.len()), (0, 2, 0));
}
