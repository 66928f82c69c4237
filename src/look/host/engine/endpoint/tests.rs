#![allow(clippy::unwrap_used)]

use super::*;
use crate::cli::docker::divide;
use std::fs;

/// The client's folder with a context `prod` over ssh and a context `local` that is a socket.
fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config).unwrap();
    // sha256("prod") and sha256("local")
    for (digest, host) in [
        ("6754af9632a2745e85c293e5aac0863370d9bd3330b9938c00cadfd215227d77", "ssh://me@prod.example"),
        ("25bf8e1a2393f1108d37029b3df5593236c755742ec93465bbafa9b290bddcf6", "unix:///run/mine.sock"),
    ] {
        let meta = folder.path().join("contexts/meta").join(digest);
        fs::create_dir_all(&meta).unwrap();
        fs::write(meta.join("meta.json"), format!(r#"{{"Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#)).unwrap();
    }
    folder
}

/// The endpoint of a command line in an environment, with the flags of the client in one text.
fn endpoint(line: &str, environment: &[(&str, &str)], folder: &Path) -> String {
    let flags = divide(line.split_whitespace().map(OsString::from)).docker;
    let variable = |name: &str| match environment.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => Some(OsString::from(value)),
        None => (name == "DOCKER_CONFIG").then(|| folder.as_os_str().to_owned()),
    };
    match Endpoint::of(&flags, variable) {
        Ok(Endpoint::Socket(path)) => format!("socket {}", path.display()),
        Ok(Endpoint::Client { words, .. }) => words.join(OsStr::new(" ")).into_string().unwrap(),
        Err(why) => why,
    }
}

#[test]
fn without_a_word_the_engine_is_at_its_usual_socket() {
    let folder = folder("{}");
    assert_eq!(endpoint("", &[], folder.path()), "socket /var/run/docker.sock");
    assert_eq!(endpoint("", &[("DOCKER_HOST", "")], folder.path()), "socket /var/run/docker.sock");
    assert_eq!(endpoint("", &[], Path::new("/nowhere")), "socket /var/run/docker.sock");
}

#[test]
fn the_order_of_what_names_an_engine_is_the_clients() {
    let folder = folder(r#"{"currentContext": "local"}"#);
    let at = |line: &str, environment: &[(&str, &str)]| endpoint(line, environment, folder.path());
    assert_eq!(at("", &[]), "socket /run/mine.sock");
    assert_eq!(at("", &[("DOCKER_CONTEXT", "prod")]), "docker system dial-stdio");
    assert_eq!(at("", &[("DOCKER_CONTEXT", "prod"), ("DOCKER_HOST", "unix:///a")]), "socket /a");
    assert_eq!(at("-H unix:///b", &[("DOCKER_HOST", "unix:///a"), ("DOCKER_CONTEXT", "prod")]), "socket /b");
    assert_eq!(at("--context prod", &[("DOCKER_HOST", "unix:///a")]), "docker --context prod system dial-stdio");
    assert_eq!(at("--context default", &[("DOCKER_HOST", "unix:///a")]), "socket /a");
    assert_eq!(at("--context default", &[]), "socket /var/run/docker.sock");
    assert_eq!(at("--context gone", &[]), "docker --context gone system dial-stdio");
}

#[test]
fn what_is_no_socket_of_this_machine_is_dialled_by_the_client_with_its_own_flags() {
    let folder = folder("{}");
    let at = |line: &str, environment: &[(&str, &str)]| endpoint(line, environment, folder.path());
    assert_eq!(at("", &[("DOCKER_HOST", "ssh://me@example")]), "docker system dial-stdio");
    assert_eq!(at("-H tcp://127.0.0.1:2375", &[]), "docker --host tcp://127.0.0.1:2375 system dial-stdio");
    assert_eq!(at("--tlsverify", &[]), "docker --tlsverify=true system dial-stdio");
    assert_eq!(at("", &[("DOCKER_TLS_VERIFY", "1")]), "docker system dial-stdio");
    assert_eq!(
        at("--tls=false --tlscacert ca --tlscert c --tlskey k -H tcp://example:2376", &[]),
        "docker --host tcp://example:2376 --tlscacert ca --tlscert c --tlskey k --tls=false system dial-stdio"
    );
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let folder = folder("{}");
    assert_eq!(endpoint("-H unix:///a -H unix:///b", &[], folder.path()), "-H is given more than once");
    assert_eq!(endpoint("-H unix:///a -c prod", &[], folder.path()), "--host and --context contradict each other");
}

#[test]
fn the_client_is_the_one_that_called_us() {
    let folder = folder("{}");
    let at = |command| endpoint("-H ssh://example", &[("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", command)], folder.path());
    assert_eq!(at("/opt/bin/docker"), "/opt/bin/docker --host ssh://example system dial-stdio");
    assert_eq!(at("/usr/libexec/docker/cli-plugins/docker-firewall"), "docker --host ssh://example system dial-stdio");
}
