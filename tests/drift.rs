//! Containers and the compose files that they came from, over the real binary: findings about the host point at the entries, and what
//! runs otherwise than the files say is drift.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use assert_cmd::Command;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A project of this machine, and a saved host on which it runs.
struct Site {
    root: tempfile::TempDir,
}

/// What runs on the saved host: container `web` of the fixture, 8080 to port 80 of every address.
const RUNNING: &str = "web";

impl Site {
    fn new(compose: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let site = Self { root };
        fs::create_dir(site.project()).unwrap();
        fs::write(site.file(), compose).unwrap();
        let folder = site.saved();
        fs::create_dir(&folder).unwrap();
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts/engine-28.5-iptables-nft-firewalld-2.5");
        for entry in fs::read_dir(base).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
        site.label(&site.file().to_string_lossy(), "web");
        site
    }

    fn project(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap().join("shop")
    }

    fn file(&self) -> PathBuf {
        self.project().join("compose.yaml")
    }

    fn saved(&self) -> PathBuf {
        self.root.path().join("host")
    }

    /// Says that the running container came from a service of these files.
    fn label(&self, files: &str, service: &str) {
        let path = self.saved().join("inspect.json");
        let mut containers: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for container in containers.as_array_mut().unwrap() {
            if container["Name"] == format!("/{RUNNING}") {
                container["Config"]["Labels"] = json!({
                    "com.docker.compose.project": "shop",
                    "com.docker.compose.service": service,
                    "com.docker.compose.project.working_dir": self.project(),
                    "com.docker.compose.project.config_files": files,
                });
            }
        }
        fs::write(path, containers.to_string()).unwrap();
    }

    fn check(&self, folder: &Path, arguments: &[&str]) -> Value {
        let mut command = Command::cargo_bin("docker-firewall").unwrap();
        command
            .env_clear()
            .current_dir(folder)
            .arg("check")
            .args(arguments)
            .args(["--format", "json", "--snapshot"])
            .arg(self.saved());
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The findings of a rule, checked in the project's folder.
    fn findings(&self, rule: &str) -> Vec<Value> {
        let report = self.check(&self.project(), &[]);
        report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule).cloned().collect()
    }

    fn drift(&self) -> Vec<String> {
        let place = |finding: &Value| {
            format!("{}:{}: {}", finding["file"].as_str().unwrap(), finding["line"], finding["message"].as_str().unwrap())
        };
        self.findings("drift").iter().map(place).collect()
    }
}

fn service(ports: &str) -> String {
    format!("services:\n  web:\n    image: example/web\n    ports:\n{ports}")
}

#[test]
fn a_finding_about_a_running_port_points_at_the_entry_that_asks_for_it_and_its_fix_is_offered() {
    let site = Site::new(&service("      - \"8080:80\"\n"));
    let found = site.findings("bypasses-host-firewall");
    let own: Vec<&Value> = found.iter().filter(|finding| finding["file"] == "compose.yaml").collect();
    assert_eq!(own.len(), 1, "{found:#?}");
    assert_eq!((&own[0]["line"], &own[0]["service"]), (&json!(5), &json!("web")));
    assert!(own[0]["message"].as_str().unwrap().contains("port 8080/tcp of container web"), "{own:#?}");
    assert_eq!(own[0]["fix"]["title"], "bind to 127.0.0.1", "{own:#?}");
    assert_eq!(site.drift(), Vec::<String>::new());
}

#[test]
fn an_address_that_was_narrowed_in_the_file_alone_is_drift() {
    let site = Site::new(&service("      - \"127.0.0.1:8080:80\"\n"));
    assert_eq!(site.drift(), ["compose.yaml:5: container web publishes *:8080->80/tcp, its file says 127.0.0.1:8080->80/tcp"]);
}

#[test]
fn another_port_and_a_port_that_is_not_there_yet_are_drift() {
    let site = Site::new(&service("      - \"8081:80\"\n      - \"9090:90\"\n"));
    assert_eq!(
        site.drift(),
        [
            "compose.yaml:5: container web publishes *:8080->80/tcp, its file says *:8081->80/tcp",
            "compose.yaml:6: service web is to publish *:9090->90/tcp, and its running container does not"
        ]
    );
}

#[test]
fn a_port_and_a_service_that_the_file_no_longer_has_are_drift() {
    let site = Site::new(&service("      - \"127.0.0.1:9443:443\"\n"));
    assert_eq!(
        site.drift()[0],
        "compose.yaml:2: container web publishes *:8080->80/tcp, its file publishes no such container port"
    );
    site.label(&site.file().to_string_lossy(), "shop");
    assert_eq!(
        site.drift(),
        ["compose.yaml:null: container web publishes 0.0.0.0:8080->80/tcp, and its files have no service shop"]
    );
}

#[test]
fn a_range_and_a_long_entry_are_no_drift() {
    for ports in
        ["      - \"8079-8081:79-81\"\n", "      - target: 80\n        published: \"8080\"\n", "      - \"8000-8090:80\"\n"]
    {
        let site = Site::new(&service(ports));
        let found = site.drift();
        assert!(found.iter().all(|text| !text.contains("container web publishes")), "{ports}: {found:#?}");
    }
}

#[test]
fn an_entry_with_a_variable_may_have_had_another_value() {
    let site = Site::new(&service("      - \"${ADDRESS:-127.0.0.1}:8080:80\"\n"));
    let found = site.findings("drift");
    assert_eq!(found[0]["level"], "note", "{found:#?}");
}

#[test]
fn files_of_a_saved_host_count_only_where_they_are_what_is_checked() {
    let site = Site::new(&service("      - \"127.0.0.1:8080:80\"\n"));
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("compose.yaml"), service("      - \"127.0.0.1:9090:90\"\n")).unwrap();
    let report = site.check(elsewhere.path(), &[]);
    let drift = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == "drift").count();
    assert_eq!(drift, 0, "{report:#}");
}

#[test]
fn labels_that_name_something_strange_are_left_alone() {
    let site = Site::new(&service("      - \"127.0.0.1:8080:80\"\n"));
    let link = site.project().join("link.yaml");
    std::os::unix::fs::symlink(site.file(), &link).unwrap();
    for files in [
        "/dev/stdin",
        "/etc/passwd",
        "-",
        "",
        &link.to_string_lossy(),
        &format!("{},/nowhere/compose.yaml", site.file().display()),
    ] {
        site.label(files, "web");
        assert_eq!(site.drift(), Vec::<String>::new(), "{files}");
    }
}
