//! A saved host: a folder of what the tools printed.
//!
//! The names of the files are the form. An empty file: the tool ran and printed nothing, or the host has no such tool. A missing file:
//! nobody looked, and what would stand in it is unread. A file that `unread.json` names is missing or incomplete for the reason that
//! stands there:
//!
//! ```json
//! {"iptables-save.txt": {"why": "reading it takes root (CAP_NET_ADMIN)", "command": "sudo iptables-save -c"}}
//! ```

use std::collections::BTreeMap;

/// The texts of a saved host by their file names.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// `iptables-save.txt` → what the tool printed.
    pub files: BTreeMap<String, String>,
}

/// Why a file is missing, or not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What stood in the way.
    pub why: String,
    /// The command that shows what would stand in the file.
    pub command: String,
}

/// The file that says what could not be read, and why.
pub const UNREAD: &str = "unread.json";

/// The file that says which machine this is: `{"hostname": "web1", "kernel": "6.1.0-38-amd64"}`.
pub const HOST: &str = "host.json";

/// The file that says when the host was seen, in seconds since 1970-01-01 UTC: `1767225600`.
pub const CLOCK: &str = "clock.txt";

/// The files that are read, and the commands that print them.
pub const FILES: [(&str, &str); 41] = [
    (UNREAD, "docker firewall snapshot"),
    (HOST, "uname -nr"),
    (CLOCK, "date +%s"),
    ("iptables-version.txt", "iptables --version"),
    ("iptables-save.txt", "iptables-save -c"),
    ("ip6tables-save.txt", "ip6tables-save -c"),
    ("iptables-legacy-save.txt", "iptables-legacy-save -c"),
    ("ip6tables-legacy-save.txt", "ip6tables-legacy-save -c"),
    ("iptables-nft-save.txt", "iptables-nft-save -c"),
    ("ip6tables-nft-save.txt", "ip6tables-nft-save -c"),
    ("nft-ruleset.json", "nft -j list ruleset"),
    ("nft-ruleset.txt", "nft list ruleset"),
    ("ipset-save.txt", "ipset save"),
    ("tc-qdisc.json", "tc -j qdisc show"),
    ("ufw-status.txt", "ufw status"),
    ("firewalld.json", "firewall-cmd --list-all-zones"),
    ("firewalld.conf", "cat /etc/firewalld/firewalld.conf"),
    ("rules.v4", "cat /etc/iptables/rules.v4"),
    ("rules.v6", "cat /etc/iptables/rules.v6"),
    ("sysconfig-iptables", "cat /etc/sysconfig/iptables"),
    ("sysconfig-ip6tables", "cat /etc/sysconfig/ip6tables"),
    ("nftables.conf", "cat /etc/nftables.conf"),
    ("sysconfig-nftables.conf", "cat /etc/sysconfig/nftables.conf"),
    ("ip-addr.json", "ip -j addr"),
    ("ip-link.json", "ip -j -d link"),
    ("ip-route.json", "ip -j -4 route show table all"),
    ("ip6-route.json", "ip -j -6 route show table all"),
    ("ip-rule.json", "ip -j -4 rule"),
    ("ip6-rule.json", "ip -j -6 rule"),
    ("ss.txt", "ss -tulpnH"),
    ("sysctl.txt", "sysctl net.ipv4 net.ipv6 net.bridge"),
    ("version.json", "docker version"),
    ("info.json", "docker info"),
    ("daemon.json", "cat /etc/docker/daemon.json"),
    ("containers.json", "docker ps -a"),
    ("networks.json", "docker network inspect $(docker network ls -q)"),
    ("inspect.json", "docker inspect $(docker ps -q)"),
    ("services.json", "docker service inspect $(docker service ls -q)"),
    ("firewalld-active-zones.txt", "firewall-cmd --get-active-zones"),
    ("firewalld-zones.txt", "firewall-cmd --list-all-zones"),
    ("firewalld-policies.txt", "firewall-cmd --list-all-policies"),
];

/// The command that prints a file of a snapshot.
pub fn command(file: &str) -> &str {
    FILES.iter().find(|(name, _)| *name == file).map_or(file, |(_, command)| *command)
}
