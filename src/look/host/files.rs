//! Configuration that lies in files of this machine: rules that are loaded at boot, firewalld's and the engine's settings.

use super::{Seen, pretty};
use crate::look::files;
use crate::model::snapshot::command;
use crate::model::system::reason;
use serde_json::Value;
use std::io;
use std::path::Path;

/// The files that are kept as they are.
const WHOLE: [&str; 7] = [
    "firewalld.conf",
    "rules.v4",
    "rules.v6",
    "sysconfig-iptables",
    "sysconfig-ip6tables",
    "nftables.conf",
    "sysconfig-nftables.conf",
];

/// The engine's settings that decide which rules it writes. All others are left out: some hold passwords (`proxies`, `log-opts`).
const SETTINGS: [&str; 22] = [
    "allow-direct-routing",
    "bip",
    "bip6",
    "bridge",
    "bridge-accept-fwmark",
    "default-address-pools",
    "default-network-opts",
    "experimental",
    "features",
    "firewall-backend",
    "fixed-cidr",
    "fixed-cidr-v6",
    "hosts",
    "icc",
    "ip",
    "ip-forward",
    "ip-forward-no-drop",
    "ip-masq",
    "ip6tables",
    "iptables",
    "ipv6",
    "userland-proxy",
];

/// Looks at the files. One that is not there is an empty text.
pub(super) fn look() -> Vec<Seen> {
    let mut seen: Vec<_> = WHOLE.iter().map(|file| read(file, Ok)).collect();
    seen.push(read("daemon.json", engine_settings));
    seen
}

/// The text of a file, or what `kept` leaves of it.
fn read(file: &'static str, kept: impl Fn(String) -> Result<String, String>) -> Seen {
    // `cat PATH` shows it.
    let path = command(file).split(' ').next_back().unwrap_or(file);
    let text = match files::text(Path::new(path), files::LONGEST) {
        Ok(text) => kept(text),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(String::new()),
        Err(error) => Err(reason(&error)),
    };
    match text {
        Ok(text) => Seen::text(file, text),
        Err(why) => Seen::needs_root(file, format!("{path}: {why}")),
    }
}

fn engine_settings(text: String) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(text);
    }
    // Not what the parser says: it may quote the text.
    let mut value: Value = serde_json::from_str(&text).map_err(|_| "is no JSON".to_owned())?;
    let settings = value.as_object_mut().ok_or("is no JSON object")?;
    settings.retain(|key, _| SETTINGS.contains(&key.as_str()));
    Ok(pretty(&value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_the_engines_settings_only_those_about_the_network_are_kept() {
        let text =
            r#"{"iptables": false, "proxies": {"http-proxy": "http://me:secret@proxy"}, "log-opts": {"splunk-token": "secret"}}"#;
        assert_eq!(engine_settings(text.to_owned()).unwrap(), "{\n  \"iptables\": false\n}\n");
        assert_eq!(engine_settings(String::new()).unwrap(), "");
        assert!(engine_settings("[]".to_owned()).is_err() && engine_settings("{secret".to_owned()).is_err());
    }
}
