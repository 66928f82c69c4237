//! install.sh, run in a home of its own: what it puts where, what it leaves alone, and what it takes away again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A user's home, with `~/.local/bin` on the PATH. `id` says that this is not root, whoever runs the tests.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(home.path(".local/bin")).unwrap();
        fs::create_dir_all(home.path("fake")).unwrap();
        home.script("fake/id", "echo 1000");
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn plugin(&self) -> PathBuf {
        self.path(".docker/cli-plugins/docker-firewall")
    }

    fn link(&self) -> PathBuf {
        self.path(".local/bin/docker-firewall")
    }

    fn script(&self, below: &str, text: &str) {
        fs::write(self.path(below), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(self.path(below), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs the script with this very program as the binary.
    fn install(&self, more: &[&str]) -> Assert {
        self.run(&[&["--binary", env!("CARGO_BIN_EXE_docker-firewall")], more].concat())
    }

    fn run(&self, arguments: &[&str]) -> Assert {
        let path =
            format!("{}:{}:{}", self.path("fake").display(), self.path(".local/bin").display(), std::env::var("PATH").unwrap());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh");
        let mut command = Command::new("sh");
        command.arg(script).args(arguments).env_clear().env("PATH", path).env("HOME", self.0.path()).assert()
    }

    /// Everything that is there but the folders that were there before, in order.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.path(".docker"), self.path(".local")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.0.path()).unwrap().display().to_string());
                }
            }
        }
        files.sort();
        files
    }
}

fn is_docker_here() -> bool {
    std::process::Command::new("docker").arg("--version").output().is_ok()
}

#[test]
fn it_installs_twice_the_same_and_takes_everything_away_again() {
    let home = Home::new();
    for _ in 0..2 {
        home.install(&[]).success();
        assert_eq!(home.files(), [".docker/cli-plugins/docker-firewall", ".local/bin/docker-firewall"]);
    }
    assert_eq!(fs::metadata(home.plugin()).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_link(home.link()).unwrap(), home.plugin());
    Command::new(home.link()).arg("--version").assert().success();
    home.run(&["--uninstall"]).success();
    assert_eq!(home.files(), Vec::<String>::new());
    home.run(&["--uninstall"]).success();
}

#[test]
fn it_leaves_alone_what_it_did_not_make() {
    let home = Home::new();
    fs::create_dir_all(home.plugin().parent().unwrap()).unwrap();
    fs::write(home.path("own"), "own").unwrap();
    symlink(home.path("own"), home.plugin()).unwrap();
    home.install(&[]).failure();
    home.run(&["--uninstall"]).failure();
    assert_eq!(fs::read_link(home.plugin()).unwrap(), home.path("own"));
    fs::remove_file(home.plugin()).unwrap();
    fs::write(home.link(), "another program").unwrap();
    home.install(&[]).success();
    home.run(&["--uninstall"]).success();
    assert_eq!(fs::read(home.link()).unwrap(), b"another program");
    assert_eq!(fs::read(home.path("own")).unwrap(), b"own");
}

#[test]
fn it_refuses_a_program_that_is_no_plugin_and_leaves_nothing_behind() {
    let home = Home::new();
    home.script("other", "echo '{}'");
    home.run(&["--binary", home.path("other").to_str().unwrap()]).failure();
    home.run(&["--binary", "/nowhere"]).failure();
    home.run(&["--binary"]).failure();
    home.run(&["--frobnicate"]).failure();
    assert_eq!(home.files(), Vec::<String>::new());
}

#[test]
fn it_says_whether_the_docker_client_sees_the_plugin() {
    if !is_docker_here() {
        println!("skipped: no docker client is here");
        return;
    }
    let home = Home::new();
    let said = home.install(&[]).success();
    assert!(String::from_utf8_lossy(&said.get_output().stdout).contains("the docker client sees it"));
    // Another plugin of the same name that the client finds first: ours would never run.
    fs::create_dir(home.path("extra")).unwrap();
    fs::copy(home.plugin(), home.path("extra/docker-firewall")).unwrap();
    let config = format!("{{\"cliPluginsExtraDirs\": [\"{}\"]}}", home.path("extra").display());
    fs::write(home.path(".docker/config.json"), config).unwrap();
    let said = home.install(&[]).failure();
    assert!(String::from_utf8_lossy(&said.get_output().stderr).contains("extra/docker-firewall instead"));
}

#[test]
fn it_installs_into_a_folder_of_choice_without_a_link() {
    let home = Home::new();
    let folder = home.path("my plugins");
    home.install(&["--dir", folder.to_str().unwrap()]).success();
    assert!(folder.join("docker-firewall").is_file() && !home.link().exists());
    home.run(&["--uninstall", "--dir", folder.to_str().unwrap()]).success();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}
