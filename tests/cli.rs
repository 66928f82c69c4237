//! The program as a person meets it: its exit status, what it prints where, what it writes. In a folder and an environment of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use assert_cmd::Command;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

const OPEN: &str = "services:\n  web:\n    image: nginx\n    ports:\n      - \"8080:80\" # shop\n";
const CLOSED: &str = "services:\n  web:\n    image: nginx\n    ports:\n      - \"127.0.0.1:8080:80\"\n";

/// A working directory with some files in it.
struct Here(TempDir);

impl Here {
    fn with(files: &[(&str, &str)]) -> Self {
        let here = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            here.write(path, text);
        }
        here
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docker-firewall"));
        command.env_clear().current_dir(self.path()).args(arguments);
        command
    }

    /// Runs the program; checks its exit status.
    fn run(&self, arguments: &[&str], status: i32) -> Output {
        self.command(arguments).assert().code(status).get_output().clone()
    }

    fn stdout(&self, arguments: &[&str], status: i32) -> String {
        String::from_utf8(self.run(arguments, status).stdout).unwrap()
    }

    fn stderr(&self, arguments: &[&str], status: i32) -> String {
        String::from_utf8(self.run(arguments, status).stderr).unwrap()
    }

    fn json(&self, arguments: &[&str], status: i32) -> Value {
        serde_json::from_str(&self.stdout(&[arguments, &["--format", "json"]].concat(), status)).unwrap()
    }

    /// `rule file:line` of each finding.
    fn findings(&self, arguments: &[&str], status: i32) -> Vec<String> {
        let report = self.json(arguments, status);
        let name = |finding: &Value| {
            format!("{} {}:{}", finding["rule"].as_str().unwrap(), finding["file"].as_str().unwrap(), finding["line"])
        };
        report["findings"].as_array().unwrap().iter().map(name).collect()
    }
}

#[test]
fn the_exit_status_says_clean_found_or_blind() {
    let here = Here::with(&[("open.yml", OPEN), ("closed.yml", CLOSED)]);
    here.run(&["check", "closed.yml"], 0);
    here.run(&["check", "open.yml"], 1);
    here.run(&["check", "open.yml", "nowhere.yml"], 2);
    here.run(&["check", "--fail-on", "error", "open.yml"], 0);
    here.run(&["check", "--fail-on", "never", "open.yml"], 0);
    here.run(&["check", "--fail-on", "never", "nowhere.yml"], 2);
}

#[test]
fn without_arguments_the_project_of_the_folder_is_checked() {
    let here = Here::with(&[("compose.yaml", OPEN), ("sub/readme", "")]);
    assert_eq!(here.findings(&["check"], 1), ["published-on-all-interfaces compose.yaml:5"]);
    let below = here.command(&["check"]).current_dir(here.path().join("sub")).assert().code(1);
    assert!(String::from_utf8_lossy(&below.get_output().stdout).contains("8080/tcp"));
}

#[test]
fn where_there_is_nothing_to_look_at_the_program_says_so_and_fails() {
    let here = Here::with(&[("readme.yml", "a: 1\n")]);
    for arguments in [&["check"][..], &["ports"], &["ports", "--format", "json"]] {
        assert_eq!(here.stderr(arguments, 2).lines().next(), Some("error: no compose file here or in any folder above"));
    }
    assert_eq!(here.stderr(&["check", "."], 2), "error: no compose file in . or below it\n");
    assert_eq!(here.stdout(&["check", "."], 2), "nothing was checked\n");
    assert_eq!(here.findings(&["check", "nowhere.yml"], 2), ["coverage-gap nowhere.yml:null"]);
}

#[test]
fn one_broken_file_hides_nothing_of_the_others() {
    let broken = "services:\n  a: [\n";
    let here =
        Here::with(&[("a/compose.yml", broken), ("b/compose.yml", OPEN), ("c/compose.yml", "services:\n  a:\n   b: \t\u{7}\n")]);
    let found = here.findings(&["check", "."], 2);
    assert!(found.contains(&"published-on-all-interfaces b/compose.yml:5".to_owned()), "{found:?}");
    assert!(found.iter().any(|finding| finding.starts_with("coverage-gap a/compose.yml:")), "{found:?}");
}

#[test]
fn a_file_that_is_not_text_is_a_gap_and_no_crash() {
    let here = Here::with(&[("compose.yml", OPEN)]);
    fs::write(here.path().join("docker-compose.yml"), b"services: \xff\xfe").unwrap();
    let report = here.json(&["check", "docker-compose.yml"], 2);
    assert!(report["findings"][0]["message"].as_str().unwrap().contains("UTF-8"), "{report}");
}

#[test]
#[cfg(unix)]
fn a_pipe_and_a_dangling_link_do_not_hold_up_the_run() {
    let here = Here::with(&[("a/compose.yml", OPEN)]);
    std::process::Command::new("mkfifo").arg(here.path().join("compose.yml")).status().unwrap();
    std::os::unix::fs::symlink("nowhere", here.path().join("docker-compose.yml")).unwrap();
    let mut command = here.command(&["check", ".", "--format", "json"]);
    let output = command.timeout(std::time::Duration::from_secs(20)).assert().code(2).get_output().clone();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let gaps = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "coverage-gap").count();
    assert_eq!((gaps, report["summary"]["files"].as_u64()), (2, Some(3)), "{report}");
}

#[test]
fn a_file_may_come_from_standard_input() {
    let here = Here::with(&[]);
    let given = |arguments: &[&str], text: &str, status: i32| {
        let output = here.command(arguments).write_stdin(text).assert().code(status).get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    };
    let report: Value = serde_json::from_str(&given(&["check", "-f", "-", "--format", "json"], OPEN, 1)).unwrap();
    assert_eq!((&report["findings"][0]["file"], &report["findings"][0]["line"]), (&"-".into(), &5.into()));
    given(&["check", "-"], OPEN, 1);
    assert!(given(&["ports", "-f", "-"], CLOSED, 0).contains("127.0.0.1:8080"));
    given(&["check", "--fix", "-"], OPEN, 1);
    assert!(fs::read_dir(here.path()).unwrap().next().is_none(), "nothing is written for standard input");
}

#[test]
fn ports_lists_what_is_published_and_names_what_compose_refuses() {
    let text = "services:\n  web:\n    image: nginx\n    ports: [\"8080:80\", \"99999:80\"]\n  job:\n    image: busybox\n    profiles: [batch]\n    ports: [\"9:9\"]\n";
    let here = Here::with(&[("compose.yaml", text)]);
    let output = here.run(&["ports", "--format", "json"], 2);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!((&list[0]["published"], &list[0]["source"]["line"]), (&"8080".into(), &4.into()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("compose.yaml:4:24: ") && said.lines().count() == 1, "{said}");
    assert_eq!(here.json(&["ports", "--all-profiles"], 2).as_array().unwrap().len(), 2);
    assert_eq!(here.json(&["ports", "--profile", "batch"], 2).as_array().unwrap().len(), 2);
}

#[test]
fn the_diff_shows_what_the_fix_writes_and_the_second_fix_writes_nothing() {
    let here = Here::with(&[("compose.yaml", OPEN)]);
    let diff = here.stdout(&["check", "--diff"], 1);
    assert!(diff.contains("-      - \"8080:80\" # shop\n+      - \"127.0.0.1:8080:80\" # shop\n"), "{diff}");
    assert_eq!(here.read("compose.yaml"), OPEN);
    assert_eq!(here.stderr(&["check", "--fix"], 0), "fixed compose.yaml\n");
    let fixed = here.read("compose.yaml");
    assert_eq!(fixed, OPEN.replace("8080:80", "127.0.0.1:8080:80"));
    assert_eq!(here.stderr(&["check", "--fix"], 0), "");
    assert_eq!(here.read("compose.yaml"), fixed);
}

#[test]
fn a_fix_that_clears_the_way_for_another_one_is_followed_by_it_in_the_same_run() {
    // Only when the override is tagged is 127.0.0.1:80 free for the entry that stands beside it.
    let base = "services:\n  b:\n    image: x\n    ports: [\"127.0.0.1:80:80\", \"[::]:80:80\"]\n";
    let later = "services:\n  b:\n    ports: [{target: 80, published: \"80\"}]\n";
    let here = Here::with(&[("compose.yaml", base), ("compose.override.yaml", later)]);
    here.run(&["check", "--fix", "--fail-on", "never"], 0);
    let once = (here.read("compose.yaml"), here.read("compose.override.yaml"));
    assert_ne!(once.1, later);
    assert_eq!(here.stderr(&["check", "--fix", "--fail-on", "never"], 0), "");
    assert_eq!((here.read("compose.yaml"), here.read("compose.override.yaml")), once);
}

#[test]
fn a_shared_file_is_spoken_about_once_and_fixed_once() {
    let main = "include: [../base.yml]\n";
    let here = Here::with(&[("base.yml", OPEN), ("a/compose.yml", main), ("b/compose.yml", main)]);
    assert_eq!(here.findings(&["check", "."], 1), ["published-on-all-interfaces base.yml:5"]);
    here.run(&["check", "--fix", "."], 0);
    assert_eq!(here.read("base.yml").matches("127.0.0.1").count(), 1);
}

#[test]
fn a_baseline_accepts_what_is_there_and_nothing_new() {
    let here = Here::with(&[("compose.yaml", OPEN)]);
    let written = here.stdout(&["check", "--write-baseline"], 0);
    assert_eq!(written, "1 finding is accepted in docker-firewall.baseline.json; `check` reads it in this folder\n");
    assert_eq!(here.findings(&["check"], 0), Vec::<String>::new());
    here.run(&["check", "--no-baseline"], 1);
    here.write("compose.yaml", &format!("# moved\n{OPEN}      - \"9090:90\"\n"));
    assert_eq!(here.findings(&["check"], 1), ["published-on-all-interfaces compose.yaml:7"]);
    let written = here.stdout(&["check", "--write-baseline=other.json"], 0);
    assert_eq!(written, "2 findings are accepted in other.json; `check --baseline other.json` reads it\n");
    here.run(&["check"], 1);
    here.run(&["check", "--baseline", "other.json"], 0);
    here.write("broken.json", "\n{\"version\": 1, oops");
    let broken = here.stderr(&["check", "--baseline", "broken.json"], 2);
    assert!(broken.starts_with("error: broken.json cannot be read: ") && broken.ends_with(", in line 2\n"), "{broken}");
    assert!(here.stderr(&["check", "--baseline", "nowhere.json"], 2).starts_with("error: nowhere.json cannot be read: "));
}

#[test]
fn the_policy_is_taken_from_beside_the_file_or_from_the_command_line() {
    let policy = "services:\n  web:\n    allow: 8080/tcp\n";
    let here = Here::with(&[("a/compose.yaml", OPEN), ("a/docker-firewall.yaml", policy), ("b/compose.yaml", OPEN)]);
    here.run(&["check", "a"], 0);
    here.run(&["check", "b"], 1);
    here.run(&["check", "b", "--policy", "a/docker-firewall.yaml"], 0);
    assert!(here.stderr(&["check", "b", "--policy", "nowhere.yaml"], 2).starts_with("error: nowhere.yaml cannot be read: "));
}

#[test]
fn the_report_goes_to_a_file_on_request_and_never_through_a_link() {
    let here = Here::with(&[("compose.yaml", OPEN)]);
    for format in ["text", "json", "sarif", "github", "gitlab", "junit"] {
        let printed = here.stdout(&["check", "--format", format], 1);
        assert_eq!(here.stdout(&["check", "--format", format, "--output", "report"], 1), "");
        assert_eq!(here.read("report"), printed, "{format}");
    }
    assert!(here.stderr(&["check", "--output", "no/folder"], 2).starts_with("error: no/folder cannot be written: "));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("compose.yaml", here.path().join("link")).unwrap();
        here.run(&["check", "--output", "link"], 2);
        assert_eq!(here.read("compose.yaml"), OPEN);
    }
}

#[test]
fn colours_can_be_asked_for_wherever_people_read() {
    let here = Here::with(&[("compose.yaml", OPEN)]);
    let commands: [&[&str]; 5] = [
        &["check", "--fail-on=never"],
        &["check", "--diff", "--fail-on=never"],
        &["ports"],
        &["explain"],
        &["explain", "host-network"],
    ];
    for command in commands {
        assert!(here.stdout(&[command, &["--color=always"]].concat(), 0).contains("\u{1b}["), "{command:?}");
        assert!(!here.stdout(&[command, &["--color=never"]].concat(), 0).contains('\u{1b}'), "{command:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_name_cannot_write_to_the_terminal() {
    let here = Here::with(&[("a\n\u{1b}[2Jb-compose.yml", OPEN)]);
    for arguments in [&["check", "."][..], &["check", ".", "--diff"], &["check", ".", "--fix"], &["check", "\u{1b}[2J"]] {
        let output = here.command(arguments).output().unwrap();
        for bytes in [output.stdout, output.stderr] {
            assert!(!bytes.contains(&0x1b), "{arguments:?}: {}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
#[cfg(unix)]
fn a_reader_that_goes_away_is_no_error() {
    let here = Here::with(&[("compose.yaml", OPEN)]);
    let script = format!("'{}' check; echo \"$?\" >&2", env!("CARGO_BIN_EXE_docker-firewall"));
    let output = std::process::Command::new("bash")
        .args(["-c", &format!("({script}) | exit 0")])
        .current_dir(here.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "1\n");
}

#[test]
fn wrong_arguments_are_named() {
    let here = Here::with(&[("compose.yaml", OPEN)]);
    for (arguments, word) in [
        (&["check", "--bogus"][..], "--bogus"),
        (&["check", "--format", "xml"], "xml"),
        (&["check", "--diff", "--fix"], "--fix"),
        (&["check", "-f", "a.yml", "b.yml"], "--file"),
        (&["frobnicate"], "frobnicate"),
        (&["check", "--watch", "--fix"], "--fix"),
        (&["check", "--watch", "--diff"], "--diff"),
        (&["check", "--watch", "--write-baseline"], "--write-baseline"),
        (&["check", "--watch", "--output", "x"], "--output"),
        (&["check", "--watch", "--snapshot", "x"], "--snapshot"),
        (&["check", "--watch", "compose.yaml"], "FILE|DIR"),
        (&["check", "--watch", "-f", "compose.yaml"], "--file"),
        (&["check", "--watch", "--format", "sarif"], "`--watch` prints text or, with `--format json`, one object a line"),
        (&["ports", "--format", "prometheus"], "`--format prometheus` is for a host: add --host or --snapshot"),
        (&["ports", "--host", "-f", "compose.yaml"], "--file"),
        (&["ports", "--host", "--snapshot", "x"], "--snapshot"),
        (&["ports", "--snapshot", "nowhere"], "it holds no saved host"),
        (&["trace", "192.0.2.1:80", "--to", "192.0.2.1:80"], "cannot be used with"),
        (&["trace"], "required"),
        (&["trace", "192.0.2.1:80/icmp"], "the protocol must be one with ports"),
        (&["trace", "2001:db8::1:80"], "with a v6 address in brackets"),
        (&["trace", "192.0.2.1:80", "--from", "web"], "invalid IP address syntax"),
        (&["explain", "no-such-rule"], "`explain` without a name lists the rules"),
        (&["explain", "host-netwrok"], "hint: did you mean host-network?"),
    ] {
        assert!(here.stderr(arguments, 2).contains(word), "{arguments:?}");
    }
}

#[test]
fn what_compose_refuses_is_named_in_the_order_of_the_file() {
    let here = Here::with(&[(
        "a.yml",
        "services:\n  \"a b\":\n    image: x\n    ports:\n      - \"99999:1\"\n      - \"8080:80\"\n      - [\n",
    )]);
    let said = here.stderr(&["ports", "-f", "a.yml"], 2);
    let lines: Vec<_> = said.lines().filter_map(|line| line.split(':').nth(1)).collect();
    assert!(lines.len() > 1 && lines.is_sorted(), "{said}");
}

#[test]
fn every_rule_is_listed_and_explained() {
    let here = Here::with(&[]);
    let list = here.stdout(&["explain"], 0);
    for line in list.lines() {
        let rule = line.split_whitespace().next().unwrap();
        assert!(here.stdout(&["explain", rule], 0).contains(rule), "{rule}");
    }
    assert_eq!(list.lines().count(), docker_firewall::judge::rules::TABLE.len());
}

/// A saved host of the fixtures.
const HOST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/engine-28.5-iptables-nft-firewalld-2.5");

#[test]
fn the_ports_of_a_host_are_listed_in_every_format_and_to_a_file() {
    let here = Here::with(&[]);
    let table = here.stdout(&["ports", "--snapshot", HOST], 0);
    assert!(table.starts_with("PORT ") && table.contains("bypass: DNAT before zones internal and public"), "{table}");
    let coloured = here.stdout(&["ports", "--snapshot", HOST, "--color=always"], 0);
    assert!(coloured.contains("\u{1b}[31mopen\u{1b}[0m"));
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin-metadata/schemas/host-ports.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    let array = serde_json::from_str(&here.stdout(&["ports", "--snapshot", HOST, "--format", "json"], 0)).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&array));
    assert_eq!(here.stdout(&["ports", "--snapshot", HOST, "--format", "prometheus", "--output", "ports.prom"], 0), "");
    let metrics = here.read("ports.prom");
    assert!(metrics.contains("docker_firewall_bypass{container=\"web\",port=\"8080\""), "{metrics}");
    assert!(metrics.ends_with("docker_firewall_last_check_success 1\n"), "{metrics}");
}

#[test]
fn metrics_of_a_host_that_cannot_be_looked_at_say_so() {
    let here = Here::with(&[]);
    here.run(&["ports", "--snapshot", "nowhere", "--format", "prometheus", "--output", "ports.prom"], 2);
    let metrics = here.read("ports.prom");
    assert!(metrics.ends_with("docker_firewall_last_check_success 0\n") && !metrics.contains("container="), "{metrics}");
}

#[test]
fn a_part_of_a_host_that_is_hidden_is_named_and_makes_the_list_of_its_ports_fail() {
    let here = Here::with(&[("half/inspect.json", "[]"), ("half/ip-addr.json", "[]")]);
    let said = here.stderr(&["ports", "--snapshot", "half"], 2);
    assert!(said.contains("error: not everything could be looked at: nft-ruleset.json is missing"), "{said}");
    assert!(said.contains("hint: try `nft -j list ruleset`"), "{said}");
    let metrics = here.stdout(&["ports", "--snapshot", "half", "--format", "prometheus"], 2);
    assert!(metrics.ends_with("docker_firewall_last_check_success 0\n"), "{metrics}");
}

#[test]
fn a_saved_host_of_somebody_else_does_not_steer_the_terminal() {
    let unread = r#"{"nft-ruleset.json": {"why": "\u001b[2Jwhy", "command": "\u001b[2Jnft"}}"#;
    let here = Here::with(&[("half/inspect.json", "[]"), ("half/unread.json", unread)]);
    let said = here.stderr(&["ports", "--snapshot", "half"], 2);
    assert!(said.contains("hint: try `\u{241b}[2Jnft`") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_finding_about_a_host_is_accepted_by_its_container_and_said_again_when_it_is_gone() {
    let here = Here::with(&[]);
    here.run(&["check", "--snapshot", HOST, "--write-baseline"], 0);
    let baseline = here.read("docker-firewall.baseline.json");
    assert!(baseline.contains("\"on_host\": \"web\"") && baseline.contains("0.0.0.0:8080->80/tcp"), "{baseline}");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin-metadata/schemas/baseline.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&serde_json::from_str(&baseline).unwrap()));
    let nothing = here.stdout(&["check", "--snapshot", HOST], 0);
    assert!(nothing.contains("no findings: ") && nothing.contains("accepted by the baseline"), "{nothing}");
    let one = baseline.replace("\"web\"", "\"stopped\"");
    fs::write(here.path().join("docker-firewall.baseline.json"), one).unwrap();
    let said = here.stdout(&["check", "--snapshot", HOST], 1);
    assert!(said.contains("--> container web, 0.0.0.0:8080->80/tcp"), "{said}");
    assert!(said.contains("bypasses-host-firewall in stopped (0.0.0.0:8080->80/tcp)"), "{said}");
}
