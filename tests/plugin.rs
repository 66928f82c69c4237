//! What the docker client and the shells know of the program: the handshake, the arguments, completion, and the generated files in
//! plugin-metadata.
//!
//! After a change of the command line: `UPDATE_GENERATED=1 cargo test --test plugin` writes the generated files again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use assert_cmd::Command;
use clap_complete::Shell;
use docker_firewall::cli;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The program as the docker client starts it, with nothing of our own environment but the PATH.
fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docker-firewall"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn stdout(arguments: &[&str]) -> String {
    let output = program().args(arguments).assert().success().get_output().clone();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_handshake_is_one_json_value_of_the_schema_that_every_client_takes() {
    let text = stdout(&["docker-cli-plugin-metadata"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["SchemaVersion"], "0.1.0");
    assert_eq!(value["Version"], env!("CARGO_PKG_VERSION"));
    assert!(value["Vendor"].as_str().is_some_and(|vendor| !vendor.is_empty()));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin-metadata/metadata.json");
    assert_eq!(text, fs::read_to_string(file).unwrap());
}

#[test]
fn the_handshake_is_quick() {
    // The client makes it before every call. The quickest of a few runs: other work on the machine is not ours.
    let time = || {
        let start = Instant::now();
        stdout(&["docker-cli-plugin-metadata"]);
        start.elapsed()
    };
    let quickest = (0..20).map(|_| time()).min().unwrap();
    assert!(quickest < Duration::from_millis(25), "{quickest:?}");
}

#[test]
fn called_alone_it_prints_the_help_as_the_docker_client_expects_it() {
    for arguments in
        [&["firewall"][..], &["help", "firewall"], &["--help", "firewall"], &["firewall", "--help"], &["-D", "firewall"]]
    {
        let text = stdout(arguments);
        assert!(text.contains("Usage: docker firewall [COMMAND]"), "{arguments:?}: {text}");
    }
    for arguments in [&[][..], &["help"], &["--help"]] {
        assert!(stdout(arguments).contains("Usage: docker-firewall [COMMAND]"), "{arguments:?}");
    }
    assert!(stdout(&["help", "firewall", "check"]).contains("Usage: docker firewall check [OPTIONS] [FILE|DIR]..."));
}

#[test]
fn the_flags_of_the_docker_client_may_stand_before_the_plugin_and_before_the_command() {
    let file = "fixtures/compose/sample/compose.yaml";
    let plain = stdout(&["ports", "-f", file, "--format", "json"]);
    let with_flags = ["--context", "prod", "-D", "--log-level", "debug", "firewall", "ports", "-f", file, "--format", "json"];
    assert_eq!(stdout(&with_flags), plain);
    assert_eq!(stdout(&["-H=tcp://192.0.2.1", "firewall", "--tls", "ports", "-f", file, "--format", "json"]), plain);
}

#[test]
fn completion_speaks_the_protocol_of_the_docker_client() {
    assert!(stdout(&["__complete", "firewall", "ch"]).starts_with("check\tCheck this host and compose files"));
    assert_eq!(stdout(&["__complete", "firewall", "check", ""]), "yml\nyaml\n:8\n");
    let rules = stdout(&["__complete", "firewall", "explain", "published-"]);
    assert!(rules.starts_with("published-on-all-interfaces\t") && rules.ends_with("\n:4\n"), "{rules}");
}

#[test]
fn the_docker_client_runs_it() {
    let Ok(docker) = std::process::Command::new("docker").arg("--version").output() else {
        println!("skipped: no docker client is here");
        return;
    };
    assert!(docker.status.success());
    let config = tempfile::tempdir().unwrap();
    let plugins = config.path().join("cli-plugins");
    fs::create_dir(&plugins).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_docker-firewall"), plugins.join("docker-firewall")).unwrap();
    let docker = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        command.env("DOCKER_CONFIG", config.path()).env("DOCKER_HOST", "unix:///dev/null").args(arguments).assert()
    };
    docker(&["firewall", "--version"]).success().stdout(format!("docker-firewall {}\n", env!("CARGO_PKG_VERSION")));
    docker(&["-D", "firewall", "check", "--fail-on", "never", "fixtures/compose/sample"]).success();
    docker(&["firewall", "check", "fixtures/compose/sample"]).code(1);
    docker(&["firewall", "check", "nowhere.yml"]).code(2);
    let offered = docker(&["__complete", "firewall", "check", "--form"]).success();
    assert!(String::from_utf8_lossy(&offered.get_output().stdout).starts_with("--format\t"));
}

/// The files that are made from the definition of the command line.
fn generated() -> BTreeMap<PathBuf, Vec<u8>> {
    let shells = [(Shell::Bash, "docker-firewall.bash"), (Shell::Zsh, "_docker-firewall"), (Shell::Fish, "docker-firewall.fish")];
    let completions = shells.map(|(shell, name)| (Path::new("completions").join(name), cli::completion_script(shell)));
    let mut files = BTreeMap::from(completions);
    let mut root = cli::command(false).disable_help_subcommand(true);
    root.build();
    add_man_page(&root, "docker-firewall", &mut files);
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        add_man_page(command, &format!("docker-firewall-{}", command.get_name()), &mut files);
    }
    files
}

fn add_man_page(command: &clap::Command, name: &str, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    let mut page = Vec::new();
    let source = concat!("docker-firewall ", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone().display_name(name)).title(name).source(source).render(&mut page).unwrap();
    files.insert(Path::new("man").join(format!("{name}.1")), page);
}

#[test]
fn man_pages_and_completion_scripts_are_those_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin-metadata");
    let is_update = std::env::var_os("UPDATE_GENERATED").is_some();
    for (name, bytes) in generated() {
        let path = folder.join(&name);
        if is_update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        let is_current = fs::read(&path).is_ok_and(|old| old == bytes);
        assert!(is_current, "{} is out of date: UPDATE_GENERATED=1 cargo test --test plugin", path.display());
    }
}

#[test]
#[cfg(unix)]
fn bash_completes_the_options_of_a_command_and_their_values() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/plugin-metadata/completions/docker-firewall.bash");
    let ask = "source \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
        _docker__firewall docker-firewall \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; echo \"${COMPREPLY[*]}\"";
    let answer = |words: &[&str]| {
        let output =
            std::process::Command::new("bash").args(["--norc", "-c", ask, script, "docker-firewall"]).args(words).output();
        output.ok().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commands) = answer(&["e"]) else {
        println!("skipped: there is no bash");
        return;
    };
    assert_eq!(commands, "explain");
    assert_eq!(answer(&["check", "--fail"]).unwrap(), "--fail-on");
    assert_eq!(answer(&["check", "--format", "s"]).unwrap(), "sarif");
}
