//! The state of a host as a folder of files: what its own tools print, what its engine's API answers.
//!
//! In: a running host. Out: texts by file name in the form that `--snapshot` reads, and `probes.json`, the truth beside them. A
//! tool that is not there or fails leaves an empty text: it ran and printed nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::bench::Row;
use crate::engine;
use crate::island::Island;
use crate::probe::{Origin, Outcome};
use crate::site::Site;

/// What each file holds: the command that prints it.
const FILES: &[(&str, &[&str])] = &[
    ("iptables-version.txt", &["iptables", "--version"]),
    ("iptables-save.txt", &["iptables-save", "-c"]),
    ("ip6tables-save.txt", &["ip6tables-save", "-c"]),
    ("iptables-legacy-save.txt", &["iptables-legacy-save", "-c"]),
    ("ip6tables-legacy-save.txt", &["ip6tables-legacy-save", "-c"]),
    ("iptables-nft-save.txt", &["iptables-nft-save", "-c"]),
    ("ip6tables-nft-save.txt", &["ip6tables-nft-save", "-c"]),
    ("nft-ruleset.txt", &["nft", "list", "ruleset"]),
    ("nft-ruleset.json", &["nft", "-j", "list", "ruleset"]),
    ("ipset-save.txt", &["ipset", "save"]),
    ("ip-addr.json", &["ip", "-j", "address"]),
    ("ip-link.json", &["ip", "-j", "-d", "link"]),
    ("ip-neigh.json", &["ip", "-j", "neigh"]),
    ("ip-route.json", &["ip", "-j", "-4", "route", "show", "table", "all"]),
    ("ip6-route.json", &["ip", "-j", "-6", "route", "show", "table", "all"]),
    ("ip-rule.json", &["ip", "-j", "-4", "rule"]),
    ("ip6-rule.json", &["ip", "-j", "-6", "rule"]),
    ("ss.txt", &["ss", "-H", "-tulpn"]),
    ("firewalld-active-zones.txt", &["firewall-cmd", "--get-active-zones"]),
    ("firewalld-zones.txt", &["firewall-cmd", "--list-all-zones"]),
    ("firewalld-policies.txt", &["firewall-cmd", "--list-all-policies"]),
    ("firewalld.conf", &["cat", "/etc/firewalld/firewalld.conf"]),
];

/// The engine's answers, by path.
const ANSWERS: &[(&str, &str)] = &[
    ("version.json", "/version"),
    ("info.json", "/info"),
    ("containers.json", "/containers/json?all=1"),
    ("networks.json", "/networks"),
];

/// Folders under `/proc/sys` whose keys matter, and how the keys that are kept end.
const SYSCTLS: &[&str] = &["net/ipv4/conf", "net/ipv6/conf", "net/bridge", "net/ipv4/ip_forward"];
const KEPT: &[&str] = &["/rp_filter", "/forwarding", "/route_localnet", "/ip_forward", "/accept_local", "/src_valid_mark"];

/// Reads the host's state.
///
/// # Errors
///
/// The engine does not answer.
pub(crate) fn state(island: &Island) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    // What plain `iptables` stands for is in the plain files; the other kind, if it holds anything, in the files named after it.
    let plain = if island.run(&["iptables", "--version"])?.contains("legacy") { "tables-legacy-" } else { "tables-nft-" };
    for (file, argv) in FILES {
        let said = if file.contains(plain) { String::new() } else { island.run(argv).unwrap_or_default() };
        files.insert((*file).to_owned(), said);
    }
    for (file, path) in ANSWERS {
        files.insert((*file).to_owned(), pretty(&engine::get(island, path)?)?);
    }
    files.insert("inspect.json".to_owned(), pretty(&engine::inspect_all(island)?.into())?);
    let paths: Vec<_> = SYSCTLS.iter().map(|key| format!("/proc/sys/{key}")).collect();
    let mut argv = vec!["grep", "-rsH", ""];
    argv.extend(paths.iter().map(String::as_str));
    // grep ends badly because some keys may only be written; what it read stands.
    let said = island.command(&argv).output().context("grep")?.stdout;
    files.insert("sysctl.txt".to_owned(), sysctls(&String::from_utf8_lossy(&said)));
    Ok(files)
}

/// Writes a state as a folder.
///
/// # Errors
///
/// The folder cannot be written.
pub(crate) fn save(files: &BTreeMap<String, String>, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (file, content) in files {
        fs::write(folder.join(file), content).with_context(|| format!("{file} cannot be written"))?;
    }
    Ok(())
}

/// `/proc/sys/KEY:VALUE` lines as `KEY = VALUE` lines, those that matter.
fn sysctls(text: &str) -> String {
    let pairs = text.lines().filter_map(|line| line.strip_prefix("/proc/sys/")?.rsplit_once(':'));
    let kept = pairs.filter(|(key, _)| key.starts_with("net/bridge") || KEPT.iter().any(|end| key.ends_with(end)));
    kept.map(|(key, value)| format!("{key} = {value}\n")).collect::<Vec<_>>().concat()
}

/// The truth as a file: what was sent and what came back.
pub(crate) fn probes(site: &Site, rows: &[Row]) -> Result<String> {
    let outside: Map<_, _> = site.neighbours.iter().map(|at| (at.link.name.to_owned(), json!(at.link.sources()))).collect();
    let host: Vec<_> = site.neighbours.iter().flat_map(|at| at.link.host_addresses()).collect();
    let (knocks, inside): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.probe.interface().is_some());
    let meant = |row: &&Row| Some(entry(row, row.intended.as_ref()?));
    pretty(&json!({
        "host_addresses": host,
        "outside": outside,
        "container_addresses": site.inspected.iter().map(addresses).collect::<Map<_, _>>(),
        "probes": knocks.iter().map(|row| entry(row, &row.actual)).collect::<Vec<_>>(),
        "intended": knocks.iter().filter_map(meant).collect::<Vec<_>>(),
        "inside": inside.iter().map(|row| entry(row, &row.actual)).collect::<Vec<_>>(),
    }))
}

/// One probe with one result, as the captures write it.
fn entry(row: &Row, outcome: &Outcome) -> Value {
    let probe = &row.probe;
    let mut entry = json!({
        "proto": probe.proto, "src": probe.src, "dst": probe.dst, "port": probe.port, "result": outcome.result,
    });
    match &probe.origin {
        Origin::Link(name) => entry["iif"] = json!(name),
        Origin::Container(name) => entry["from_container"] = json!(name),
        Origin::Host => entry["from_host"] = json!(true),
    }
    entry
}

/// A container's name, and by network its addresses of both families, empty where there is none.
fn addresses(container: &Value) -> (String, Value) {
    let networks = container["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
    let both = networks.map(|(name, at)| (name.clone(), json!([at["IPAddress"], at["GlobalIPv6Address"]])));
    (name(container).to_owned(), both.collect::<Map<_, _>>().into())
}

/// An inspected container's name.
pub(crate) fn name(container: &Value) -> &str {
    container["Name"].as_str().unwrap_or_default().trim_start_matches('/')
}

/// JSON as a file holds it.
fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}
