//! `check` of a saved host as the command line has it: the owner's policy, a baseline, the ways out, the exit status.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// A whole saved host in a folder of its own: one of `fixtures/hosts`, or one of `fixtures/findings` laid over its base.
fn host(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let own = if name.contains('/') { fixtures().join("findings").join(name) } else { fixtures().join("hosts").join(name) };
    if let Ok(base) = fs::read_to_string(own.join("base")) {
        copy(&fixtures().join("hosts").join(base.trim()), folder.path());
    }
    copy(&own, folder.path());
    folder
}

/// One run: what it found, and how it ended.
struct Run {
    findings: Vec<Value>,
    summary: Value,
    code: i32,
}

fn check(host: &Path, directory: &Path, arguments: &[&str]) -> Run {
    let mut command = assert_cmd::Command::cargo_bin("docker-firewall").unwrap();
    command.current_dir(directory).env_clear().args(["check", "--format", "json", "--snapshot"]).arg(host).args(arguments);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"));
    Run {
        findings: report["findings"].as_array().unwrap().clone(),
        summary: report["summary"].clone(),
        code: output.status.code().unwrap(),
    }
}

impl Run {
    fn of<'a>(&'a self, rule: &str) -> impl Iterator<Item = &'a Value> {
        let rule = rule.to_owned();
        self.findings.iter().filter(move |finding| finding["rule"] == rule)
    }

    /// The finding of a rule about a container.
    fn about(&self, rule: &str, container: &str) -> Option<&Value> {
        let of = format!("of container {container} ");
        self.of(rule).find(|finding| finding["message"].as_str().unwrap().contains(&of))
    }

    /// The lines of help of a finding.
    fn help(&self, rule: &str, container: &str) -> Vec<String> {
        let finding = self.about(rule, container).unwrap_or_else(|| panic!("{rule} finds nothing about {container}"));
        finding["help"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    }
}

const BYPASS: &str = "bypasses-host-firewall";
const NEWER: &str = "engine-28.5-iptables-nft-firewalld-2.5";

fn with_policy(policy: &str, arguments: &[&str]) -> Run {
    let (host, directory) = (host(NEWER), tempfile::tempdir().unwrap());
    fs::write(directory.path().join("docker-firewall.yaml"), policy).unwrap();
    check(host.path(), directory.path(), arguments)
}

#[test]
fn an_allowance_answers_the_findings_about_its_port() {
    let plain = with_policy("", &[]);
    let run = with_policy("allow: [8080/tcp, 9000-9002/tcp]\nservices: {dns: 5353/udp, web: 8082/tcp}\n", &[]);
    for container in ["web", "range", "dns"] {
        assert!(plain.about(BYPASS, container).is_some(), "{container}");
        assert!(run.about(BYPASS, container).is_none(), "{container}");
    }
    // The service `web` is another one.
    assert!(run.about(BYPASS, "hostip").is_some());
    assert_eq!(run.summary["allowed"], 3);
    assert!(run.of("stale-allow").next().is_none());
}

#[test]
fn a_limit_answers_what_is_open_to_those_whom_it_names_alone() {
    let policy =
        "allow:\n  - 8086/tcp in eth0\n  - 8084/tcp from 10.20.0.0/16\n  - 8080/tcp from 10.20.0.0/16 in eth1\n  - 9001/tcp\n";
    let run = with_policy(policy, &[]);
    assert!(run.about(BYPASS, "app").is_none(), "open by eth0 alone, and allowed there");
    assert!(run.about(BYPASS, "opened").is_none(), "whoever comes in by eth1 is of 10.20.0.0/16");
    assert!(run.help(BYPASS, "web").contains(&"open beyond what is allowed: 8080/tcp to 198.51.113.0/24 by eth0".to_owned()));
    let range = run.about(BYPASS, "range").unwrap();
    assert!(range["message"].as_str().unwrap().ends_with("; allowed: 9001/tcp"), "{range}");
    assert_eq!(range["level"], "error");
}

#[test]
fn a_level_of_the_policy_holds_on_a_host_and_its_mistakes_are_said() {
    let policy = "rules:\n  bypasses-host-firewall: note\n  families-differ: {level: off, reason: known}\nalow: 80/tcp\n";
    let run = with_policy(policy, &[]);
    assert!(run.of(BYPASS).all(|finding| finding["level"] == "note"));
    assert!(run.of("families-differ").next().is_none());
    assert_eq!(run.of("stale-allow").count(), 1);
}

#[test]
fn a_label_counts_only_where_the_policy_trusts_labels() {
    let (host, directory) = (host(NEWER), tempfile::tempdir().unwrap());
    let path = host.path().join("inspect.json");
    let mut containers: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let web = containers.as_array_mut().unwrap().iter_mut().find(|container| container["Name"] == "/web").unwrap();
    web["Config"]["Labels"] = serde_json::json!({"docker-firewall.allow": "8080/tcp; 8082/tcp"});
    fs::write(&path, containers.to_string()).unwrap();
    assert!(check(host.path(), directory.path(), &[]).about(BYPASS, "web").is_some());
    fs::write(directory.path().join("docker-firewall.yaml"), "trust-labels: true\n").unwrap();
    let trusting = check(host.path(), directory.path(), &[]);
    assert!(trusting.about(BYPASS, "web").is_none());
    assert!(trusting.about(BYPASS, "hostip").is_some(), "a label is about its own container");
}

#[test]
fn a_baseline_knows_a_finding_by_its_container_and_publication() {
    let (host, directory) = (host(NEWER), tempfile::tempdir().unwrap());
    let write = assert_cmd::Command::cargo_bin("docker-firewall")
        .unwrap()
        .current_dir(directory.path())
        .args(["check", "--write-baseline", "--snapshot"])
        .arg(host.path())
        .output()
        .unwrap();
    assert!(write.status.success(), "{}", String::from_utf8_lossy(&write.stderr));
    let again = check(host.path(), directory.path(), &[]);
    assert_eq!((again.findings.len(), again.code), (0, 0));
    let older = self::host("engine-26.1-iptables-nft-firewalld-2.3");
    let other = check(older.path(), directory.path(), &[]);
    assert!(other.about(BYPASS, "web").is_none(), "the same publication of the same container");
    assert!(other.about("loopback-publication-exposed", "loopback").is_some());
    assert!(other.of("stale-allow").any(|finding| finding["message"].as_str().unwrap().contains("unprot")));
}

#[test]
fn what_cannot_be_told_ends_as_what_could_not_be_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["cannot-tell/bad-a-rule-that-counts", "cannot-tell/bad-routes-unread"] {
        let run = check(host(name).path(), directory.path(), &["--fail-on", "never"]);
        assert!(run.of("cannot-tell").next().is_some(), "{name}");
        assert_eq!(run.code, 2, "{name}");
    }
    let run = check(host("cannot-tell/bad-a-rule-that-counts").path(), directory.path(), &[]);
    let help = run.help("cannot-tell", "web").join("\n");
    assert!(help.contains("-m recent --update"), "{help}");
    assert!(help.contains("`nc -vz -w 3 198.51.113.1 8080` from a machine beyond eth0 settles it"), "{help}");
}

#[test]
fn the_firewall_s_own_command_is_offered_where_it_mends_the_bypass() {
    let directory = tempfile::tempdir().unwrap();
    for (name, container, words) in [
        (NEWER, "app", "say so to the host firewall: `firewall-cmd --zone=public --add-port=8086/tcp`;"),
        (NEWER, "range", "`firewall-cmd --zone=internal --add-port=9000-9002/tcp` and `firewall-cmd --zone=public"),
        (NEWER, "web", "`firewall-cmd --zone=public --add-port=8080/tcp` (opens it over v6 as well);"),
        ("bypasses-host-firewall/bad-ufw", "web", "`ufw allow in on eth0 to any port 8080 proto tcp` and `ufw allow in on eth1"),
        (
            "bypasses-host-firewall/bad-iptables",
            "dns",
            "`iptables-legacy -I INPUT -i eth0 -p udp --dport 5353 -j ACCEPT` and `iptables-legacy",
        ),
    ] {
        let run = check(host(name).path(), directory.path(), &[]);
        let help = run.help(BYPASS, container);
        assert!(help.iter().any(|line| line.contains(words)), "{name}: {help:#?}");
        assert!(help.iter().any(|line| line.starts_with("publish it as `127.0.0.1:")), "{name}: {help:#?}");
    }
}

#[test]
fn a_command_that_would_not_mend_it_is_not_offered() {
    let (host, directory) = (host("bypasses-host-firewall/bad-ufw"), tempfile::tempdir().unwrap());
    let path = host.path().join("iptables-save.txt");
    let rules = fs::read_to_string(&path).unwrap();
    let denied = "[0:0] -A ufw-user-input -p tcp -m tcp --dport 8080 -j DROP\n[0:0] -A ufw-user-input -p tcp -m tcp --dport 22";
    fs::write(&path, rules.replacen("[0:0] -A ufw-user-input -p tcp -m tcp --dport 22", denied, 1)).unwrap();
    let run = check(host.path(), directory.path(), &[]);
    let offers = |container: &str| run.help(BYPASS, container).iter().any(|line| line.contains("ufw allow"));
    assert!(!offers("web"), "ufw asks the earlier rule first");
    assert!(offers("dns"));
}

#[test]
fn an_engine_before_28_is_told_that_loopback_is_not_enough() {
    let directory = tempfile::tempdir().unwrap();
    let run = check(host("engine-20.10-iptables-legacy-firewalld-1.3").path(), directory.path(), &[]);
    assert!(
        run.help(BYPASS, "web").iter().any(|line| line.ends_with("engines before 28.0 leave it open to neighbours all the same"))
    );
    let guard = "`iptables -t raw -I PREROUTING -d 127.0.0.0/8 ! -i lo -j DROP`";
    assert!(run.help("loopback-publication-exposed", "loopback").iter().any(|line| line.contains(guard)));
}

#[test]
fn a_forward_port_is_offered_where_strictness_closes_what_the_zone_permits() {
    let directory = tempfile::tempdir().unwrap();
    let run = check(host("strict-forward-ports/bad-a-port-that-the-zone-permits").path(), directory.path(), &[]);
    let help = run.help("strict-forward-ports", "remap");
    assert!(
        help.iter().all(|line| !line.contains("--add-forward-port")),
        "it would open the port in zone internal as well: {help:#?}"
    );
}
