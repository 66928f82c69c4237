//! Interfaces, addresses, routes, listening sockets, queueing disciplines and kernel settings of this machine.

use super::{Seen, identity, sudo};
use crate::model::snapshot::command;
use crate::tool::{self, Said};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;

/// The files of tools without which nothing can be said: their absence is not "nothing there".
const TOOLS: [&str; 8] = [
    "ip-addr.json",
    "ip-link.json",
    "ip-route.json",
    "ip6-route.json",
    "ip-rule.json",
    "ip6-rule.json",
    "ss.txt",
    "tc-qdisc.json",
];

/// Looks at the network.
pub(super) fn look() -> Vec<Seen> {
    thread::scope(|scope| {
        let tools = TOOLS.map(|file| scope.spawn(move || print(file)));
        let others = [settings(), identity()];
        tools.into_iter().filter_map(|tool| tool.join().ok()).chain(others).collect()
    })
}

fn print(file: &'static str) -> Seen {
    let words: Vec<_> = command(file).split(' ').collect();
    match tool::run(&words) {
        Said::Text(text) => Seen::text(file, text),
        Said::Missing => Seen::unread(file, format!("{} is not on this host", words[0]), command(file)),
        Said::Failed(why) => Seen::unread(file, why, sudo(file)),
    }
}

/// The keys of an interface that matter, and of `all` and `default`.
const KEYS: [&str; 5] = ["accept_local", "disable_ipv6", "forwarding", "route_localnet", "rp_filter"];

/// The kernel's settings as `sysctl` prints them, with slashes: only those that matter.
fn settings() -> Seen {
    let root = Path::new("/proc/sys");
    let mut keys = BTreeSet::from(["net/ipv4/ip_forward".to_owned()]);
    keys.extend(entries(root, "net/bridge"));
    for family in ["net/ipv4/conf", "net/ipv6/conf"] {
        for interface in entries(root, family) {
            keys.extend(KEYS.iter().map(|key| format!("{interface}/{key}")));
        }
    }
    let mut text = String::new();
    for key in keys {
        // Some keys are not there for some families, and some may only be written.
        let Ok(value) = fs::read_to_string(root.join(&key)) else { continue };
        let _ = writeln!(text, "{key} = {}", value.trim());
    }
    if text.contains("net/ipv4/ip_forward = ") {
        Seen::text("sysctl.txt", text)
    } else {
        Seen::unread("sysctl.txt", "/proc/sys/net/ipv4 cannot be read", command("sysctl.txt"))
    }
}

/// The entries of a folder, by their paths below the root.
fn entries(root: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some(format!("{folder}/{}", entry.file_name().to_str()?))).collect()
}
