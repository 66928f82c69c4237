//! A saved host: a folder of what the tools printed.
//!
//! The names of the files are the form. An empty file: the tool ran and printed nothing, or the host has no such tool. A missing file:
//! nobody looked, and what would stand in it is unread.

use std::collections::BTreeMap;

/// The texts of a saved host by their file names.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// `iptables-save.txt` → what the tool printed.
    pub files: BTreeMap<String, String>,
}

/// The files that are read, and the commands that print them.
pub const FILES: [(&str, &str); 28] = [
    ("iptables-version.txt", "iptables --version"),
    ("iptables-save.txt", "iptables-save -c"),
    ("ip6tables-save.txt", "ip6tables-save -c"),
    ("iptables-legacy-save.txt", "iptables-legacy-save"),
    ("ip6tables-legacy-save.txt", "ip6tables-legacy-save"),
    ("nft-ruleset.json", "nft -j list ruleset"),
    ("nft-ruleset.txt", "nft list ruleset"),
    ("ipset-save.txt", "ipset save"),
    ("rules.v4", "cat /etc/iptables/rules.v4"),
    ("rules.v6", "cat /etc/iptables/rules.v6"),
    ("sysconfig-iptables", "cat /etc/sysconfig/iptables"),
    ("sysconfig-ip6tables", "cat /etc/sysconfig/ip6tables"),
    ("nftables.conf", "cat /etc/nftables.conf"),
    ("sysconfig-nftables.conf", "cat /etc/sysconfig/nftables.conf"),
    ("ip-addr.json", "ip -j addr"),
    ("ip-link.json", "ip -j -d link"),
    ("ip-route.json", "ip -j route show table all"),
    ("ip6-route.json", "ip -j -6 route show table all"),
    ("ip-rule.json", "ip -j rule"),
    ("ip6-rule.json", "ip -j -6 rule"),
    ("ss.txt", "ss -tulpnH"),
    ("sysctl.txt", "sysctl net.ipv4 net.ipv6 net.bridge"),
    ("version.json", "docker version"),
    ("info.json", "docker info"),
    ("daemon.json", "cat /etc/docker/daemon.json"),
    ("services.json", "docker service inspect $(docker service ls -q)"),
    ("networks.json", "docker network inspect $(docker network ls -q)"),
    ("inspect.json", "docker inspect $(docker ps -q)"),
];
