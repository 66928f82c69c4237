//! `GET /version`, `GET /info` and `daemon.json` to what the judges need of the engine.

use super::daemon;
use crate::model::engine::{Backend, Engine, EngineKind, Seat};
use serde_json::Value;

/// The engine that gave these answers; an empty text: it was not asked for.
///
/// # Errors
/// `version` is no JSON object.
pub(in crate::read) fn engine(version: &str, info: &str, daemon: &str) -> Result<Engine, String> {
    let version: Value = serde_json::from_str(version).map_err(|error| format!("it is no JSON object: {error}"))?;
    let object = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (info, daemon) = (object(info), object(daemon));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let driver = info["FirewallBackend"]["Driver"].as_str();
    let name = text(&version["Version"]);
    Ok(Engine {
        release: release(&name),
        version: name,
        api: version["ApiVersion"].as_str().and_then(|text| {
            let (major, minor) = text.split_once('.')?;
            Some((major.parse().ok()?, minor.parse().ok()?))
        }),
        kind: kind(&version),
        seat: seat(&info),
        backend: match driver {
            Some(driver) if driver.starts_with("nftables") => Backend::Nftables,
            _ => Backend::Iptables,
        },
        uses_firewalld: driver.map(|driver| driver.ends_with("+firewalld")),
        writes_rules: daemon["iptables"].as_bool(),
        has_proxy: proxy(&info).or(daemon["userland-proxy"].as_bool()),
        options: daemon::options(&daemon),
        is_in_swarm: info["Swarm"]["LocalNodeState"].as_str() == Some("active"),
        machine: text(&info["Name"]),
        kernel: text(&info["KernelVersion"]),
    })
}

/// The three numbers at the beginning of a version; a suffix may follow the last.
fn release(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.split('.').map(|part| {
        let digits = part.find(|character: char| !character.is_ascii_digit()).map_or(part, |end| &part[..end]);
        digits.parse::<u32>().ok()
    });
    Some((parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(0)))
}

/// Podman's service names itself among its components (containers/podman `pkg/api/handlers/compat/version.go`).
fn kind(version: &Value) -> EngineKind {
    let components = version["Components"].as_array().map_or(&[][..], Vec::as_slice);
    let is_podman = |component: &Value| component["Name"].as_str().is_some_and(|name| name.contains("Podman"));
    if components.iter().any(is_podman) { EngineKind::Podman } else { EngineKind::Docker }
}

/// Rootless engines say so among their security options (moby `daemon/info_unix.go`); Docker Desktop by its operating system.
fn seat(info: &Value) -> Seat {
    let options = info["SecurityOptions"].as_array().map_or(&[][..], Vec::as_slice);
    let is_rootless = |option: &Value| option.as_str().is_some_and(|text| text.split(',').any(|part| part == "name=rootless"));
    if options.iter().any(is_rootless) {
        Seat::Rootless
    } else if info["OperatingSystem"].as_str() == Some("Docker Desktop") {
        Seat::VirtualMachine
    } else {
        Seat::Host
    }
}

/// Engines from 29.5 on say whether they use docker-proxy.
fn proxy(info: &Value) -> Option<bool> {
    let pairs = info["FirewallBackend"]["Info"].as_array()?;
    let pair = pairs.iter().find(|pair| pair[0].as_str() == Some("EnableUserlandProxy"))?;
    pair[1].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_version_is_three_numbers_with_or_without_a_suffix() {
        assert_eq!(release("28.5.2+dfsg4"), Some((28, 5, 2)));
        assert_eq!(release("20.10.24"), Some((20, 10, 24)));
        assert_eq!(release("29.0"), Some((29, 0, 0)));
        assert_eq!(release("library-import"), None);
    }

    #[test]
    fn an_engine_says_what_it_is_and_where() {
        let podman = engine(r#"{"Version":"5.4.0","Components":[{"Name":"Podman Engine"}]}"#, "", "").unwrap();
        assert_eq!(podman.kind, EngineKind::Podman);
        let rootless =
            engine(r#"{"Version":"28.0.1"}"#, r#"{"SecurityOptions":["name=seccomp,profile=builtin","name=rootless"]}"#, "");
        assert_eq!(rootless.unwrap().seat, Seat::Rootless);
        let info = r#"{"OperatingSystem":"Docker Desktop","FirewallBackend":{"Driver":"nftables+firewalld","Info":[["EnableUserlandProxy","false"]]}}"#;
        let desktop = engine(r#"{"Version":"29.5.0","ApiVersion":"1.54"}"#, info, r#"{"iptables":false}"#).unwrap();
        assert_eq!(
            (desktop.seat, desktop.backend, desktop.uses_firewalld),
            (Seat::VirtualMachine, Backend::Nftables, Some(true))
        );
        assert_eq!((desktop.has_proxy, desktop.writes_rules, desktop.api), (Some(false), Some(false), Some((1, 54))));
    }

    #[test]
    fn an_engine_that_says_little_is_not_guessed_at() {
        let old = engine(r#"{"Version":"20.10.24"}"#, "{}", "").unwrap();
        assert_eq!((old.uses_firewalld, old.has_proxy, old.writes_rules), (None, None, None));
        assert!(engine("nothing", "", "").is_err());
    }
}
