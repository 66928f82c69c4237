//! The eyes on this machine, with an engine that is a socket of ours: what is asked, what is kept, and what is said when it is not there.
//!
//! The machine's own rules are whatever they are, and may be unreadable: only the engine's part is compared.

#![cfg(all(target_os = "linux", feature = "docker"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use assert_cmd::Command;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with an engine's socket in it, and what the engine was asked.
struct Lab {
    folder: TempDir,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Lab {
    /// An engine that answers by this function: a status and a body for a path without its version.
    fn new(answer: fn(&str) -> (u16, Value)) -> Self {
        let lab = Self { folder: tempfile::tempdir().unwrap(), asked: Arc::default() };
        let listener = UnixListener::bind(lab.path("engine.sock")).unwrap();
        let asked = Arc::clone(&lab.asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let asked = Arc::clone(&asked);
                thread::spawn(move || serve(&stream.unwrap(), answer, &asked));
            }
        });
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, host: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docker-firewall"));
        command.env_clear().env("HOME", self.folder.path()).env("DOCKER_HOST", host).current_dir(self.folder.path());
        command
    }

    /// Saves what is seen through the engine at this place.
    fn snapshot(&self, host: &str) -> Saved {
        self.saved_by(self.command(host))
    }

    /// The same, by a command that only lacks its task. Its status tells whether this machine's rules may be read.
    fn saved_by(&self, mut command: Command) -> Saved {
        let folder = self.path("saved");
        let status = command.arg("snapshot").arg(&folder).output().unwrap().status;
        assert!(matches!(status.code(), Some(0 | 2)), "{status}");
        Saved(folder)
    }

    fn engine(&self) -> String {
        format!("unix://{}", self.path("engine.sock").display())
    }
}

struct Saved(PathBuf);

impl Saved {
    fn json(&self, file: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.0.join(file)).unwrap()).unwrap()
    }

    /// Why a file was not read.
    fn why(&self, file: &str) -> String {
        self.json("unread.json")[file]["why"].as_str().unwrap_or_default().to_owned()
    }
}

/// One connection: answers until the other side goes.
fn serve(stream: &UnixStream, answer: fn(&str) -> (u16, Value), asked: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(line) = lines.next() {
        let path = line.split(' ').nth(1).unwrap().to_owned();
        while lines.next().is_some_and(|line| !line.is_empty()) {}
        asked.lock().unwrap().push(path.clone());
        let (status, body) = match (path.as_str(), path.strip_prefix("/v1.44")) {
            ("/version", _) => answer("/version"),
            (_, Some(path)) => answer(path),
            _ => (400, json!({"message": "client version is too old"})),
        };
        let body = body.to_string();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut out = stream;
        out.write_all((head + &body).as_bytes()).unwrap();
    }
}

fn kernel(file: &str) -> String {
    fs::read_to_string(Path::new("/proc/sys/kernel").join(file)).unwrap().trim().to_owned()
}

/// An engine on this machine, with a container of an odd state, one that vanishes, one that is down, and passwords all over.
fn engine(path: &str) -> (u16, Value) {
    let inspected = |id: &str| {
        json!({
            "Id": id, "Name": "/web", "Args": ["secret"], "Mounts": ["secret"],
            "Config": {"Image": "nginx", "Env": ["PASSWORD=secret"], "Labels": {"com.docker.compose.project": "shop", "other": "secret"}},
            "NetworkSettings": {"Ports": {}}
        })
    };
    match path {
        "/version" => (200, json!({"Version": "29.1.0", "ApiVersion": "1.44", "MinAPIVersion": "1.44"})),
        "/info" => (
            200,
            json!({"Name": kernel("hostname"), "KernelVersion": kernel("osrelease"), "HttpProxy": "http://me:secret@proxy",
                "Swarm": {"LocalNodeState": "active", "ControlAvailable": true}}),
        ),
        "/networks" => (200, json!([])),
        "/containers/json?all=1" => (
            200,
            json!([{"Id": "aa", "State": "hibernating", "Command": "secret", "Ports": [{"Type": "dccp"}]}, {"Id": "bb", "State": "running"},
                {"Id": "cc", "State": "exited"}, {"Id": "../secrets", "State": "running"}]),
        ),
        "/containers/aa/json" => (200, inspected("aa")),
        "/containers/bb/json" => (404, json!({"message": "no such container"})),
        "/services" => {
            (200, json!([{"ID": "s1", "Spec": {"TaskTemplate": {"ContainerSpec": {"Env": ["secret"], "Image": "nginx"}}}}]))
        }
        other => panic!("{other} is not to be asked for"),
    }
}

#[test]
fn an_engine_is_asked_in_a_version_that_it_still_speaks_and_odd_words_do_not_blind() {
    let lab = Lab::new(engine);
    let saved = lab.snapshot(&lab.engine());
    let ids = |list: &Value| list.as_array().unwrap().iter().map(|it| it["Id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&saved.json("inspect.json")), ["aa"], "what is gone or down is left out");
    assert_eq!(ids(&saved.json("containers.json")).len(), 4);
    assert_eq!(saved.json("version.json")["Version"], "29.1.0");
    assert_eq!(saved.why("inspect.json"), "the engine lists a container without an identifier");
    assert_eq!((saved.why("info.json"), saved.why("services.json")), (String::new(), String::new()));
    let asked = lab.asked.lock().unwrap().clone();
    assert!(asked.iter().skip(1).all(|path| path.starts_with("/v1.44/")), "{asked:?}");
}

#[test]
fn no_password_reaches_the_disk() {
    let lab = Lab::new(engine);
    let saved = lab.snapshot(&lab.engine());
    for file in ["info.json", "containers.json", "inspect.json", "services.json"] {
        let text = fs::read_to_string(saved.0.join(file)).unwrap();
        assert!(!text.contains("secret\"") && !text.contains("=secret") && !text.contains(":secret"), "{file}: {text}");
    }
    assert_eq!(saved.json("inspect.json")[0]["Config"]["Labels"], json!({"com.docker.compose.project": "shop"}));
    assert_eq!(fs::metadata(&saved.0).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn an_engine_on_another_machine_is_refused_in_words_and_nothing_is_written() {
    let lab = Lab::new(|path| match path {
        "/networks" => (200, json!([{"Id": "0123456789abcdef", "Name": "shop_default", "Driver": "bridge"}])),
        "/containers/json?all=1" => (200, json!([])),
        path => engine(path),
    });
    let output = lab.command(&lab.engine()).args(["snapshot", "saved"]).assert().code(2).get_output().clone();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: the engine is not on this machine: the bridge br-0123456789ab of its network shop_default"),
        "{stderr}"
    );
    assert!(stderr.contains("hint: run it on the engine's machine"), "{stderr}");
    assert!(!lab.path("saved").exists());
}

#[test]
fn an_engine_that_is_not_there_is_unread_and_the_rest_is_read() {
    let lab = Lab::new(engine);
    let saved = lab.snapshot("unix:///no/such.sock");
    assert_eq!(saved.why("inspect.json"), "no engine: there is no socket /no/such.sock");
    assert_eq!(saved.json("unread.json")["inspect.json"]["command"], "sudo systemctl start docker");
    assert_eq!(saved.json("host.json")["kernel"], kernel("osrelease"));
    assert!(fs::read_to_string(saved.0.join("sysctl.txt")).unwrap().contains("net/ipv4/ip_forward = "));
    drop(UnixListener::bind(lab.path("deaf.sock")).unwrap());
    let saved = lab.snapshot(&format!("unix://{}", lab.path("deaf.sock").display()));
    assert!(saved.why("inspect.json").starts_with("no engine: nobody listens at "));
}

#[test]
fn an_engine_that_speaks_only_what_is_too_old_is_said_to() {
    let lab = Lab::new(|_| (200, json!({"Version": "19.03.15", "ApiVersion": "1.40"})));
    let why = lab.snapshot(&lab.engine()).why("inspect.json");
    assert!(why.ends_with("it speaks version 1.40 of the API; 1.41 (Docker 20.10) is needed"), "{why}");
}

#[test]
fn an_engine_that_does_not_answer_is_waited_for_ten_seconds() {
    let lab = Lab::new(|_| {
        loop {
            thread::sleep(Duration::from_secs(60));
        }
    });
    let before = Instant::now();
    let why = lab.snapshot(&lab.engine()).why("inspect.json");
    assert!(why.ends_with("does not answer within 10 s"), "{why}");
    assert!(before.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_the_docker_client_complains_about_is_handed_on() {
    let lab = Lab::new(engine);
    let client = lab.path("docker");
    fs::write(&client, "#!/bin/sh\necho \"cannot dial for: $*\" >&2\nexit 1\n").unwrap();
    fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = lab.command("ssh://me@example");
    command.env("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", client);
    assert_eq!(
        lab.saved_by(command).why("inspect.json"),
        "the engine at ssh://me@example cannot be asked: cannot dial for: system dial-stdio"
    );
}

#[test]
fn trace_without_a_saved_host_looks_at_this_one() {
    let lab = Lab::new(engine);
    let output =
        lab.command(&lab.engine()).args(["trace", "127.0.0.1:9", "--from", "127.0.0.1"]).assert().code(0).get_output().clone();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("127.0.0.1 via lo to 127.0.0.1:9/tcp"));
}
