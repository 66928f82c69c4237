//! Hosts on which somebody wrote rules beside the engine's, or took the engine's away.
//!
//! In: nothing. Out: hosts as data. The advice is the web's; each is here with what it really does.

use super::{Argv, FLUSH, FORWARDING, Firewall, Host, PLAIN, SAVED_FILE, THREE, joined};

const FILTERS_FILE: &[(&str, &str)] = &[("/etc/filters.v4", include_str!("../files/rules/filters.v4"))];
const FILTERS: &[Argv] = &[&["iptables-restore", "-n", "/etc/filters.v4"]];
const OFFICE: &[Argv] = &[
    &["iptables", "-I", "DOCKER-USER", "-i", "eth0", "-s", "198.51.100.3", "-j", "ACCEPT"],
    &["iptables", "-A", "DOCKER-USER", "-i", "eth0", "-j", "DROP"],
];
const FORWARD_ACCEPT: &[Argv] = &[&["iptables", "-P", "FORWARD", "ACCEPT"]];
const FORWARD_FIRST: &[Argv] = &[
    &["iptables", "-I", "FORWARD", "-i", "eth1", "-j", "ACCEPT"],
    &["iptables", "-A", "DOCKER-USER", "-i", "eth1", "-p", "tcp", "--dport", "80", "-j", "DROP"],
    &["iptables", "-t", "mangle", "-A", "FORWARD", "-s", "198.51.100.2", "-p", "tcp", "--dport", "7000:7001", "-j", "DROP"],
];
const NO_JUMP: &[Argv] =
    &[&["iptables", "-I", "DOCKER-USER", "-i", "eth0", "-j", "DROP"], &["iptables", "-D", "FORWARD", "-j", "DOCKER-USER"]];
const NO_NAT: &[Argv] = &[&["iptables", "-t", "nat", "-F"]];
const NO_RAW: &[Argv] = &[&["iptables", "-t", "raw", "-F"], &["ip6tables", "-t", "raw", "-F"]];
/// What a unit of iptables-persistent does when it is restarted: the engine's chains are gone, in IPv4.
const RESTORED: &[Argv] = &[&["iptables-restore", "/etc/iptables/rules.v4"]];
const HAND_NAT: &[Argv] = &[
    &["iptables", "-t", "nat", "-I", "PREROUTING", "-p", "tcp", "--dport", "8099", "-j", "REDIRECT", "--to-ports", "22"],
    &[
        "iptables",
        "-t",
        "nat",
        "-I",
        "PREROUTING",
        "-i",
        "eth1",
        "-p",
        "tcp",
        "--dport",
        "9090",
        "-j",
        "DNAT",
        "--to-destination",
        "{web}:81",
    ],
    &[
        "iptables",
        "-t",
        "nat",
        "-A",
        "PREROUTING",
        "-i",
        "eth0",
        "-s",
        "198.51.100.3",
        "-p",
        "tcp",
        "--dport",
        "8085",
        "-j",
        "RETURN",
    ],
    &["iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "docker0", "-j", "MASQUERADE"],
    &["iptables", "-t", "nat", "-I", "PREROUTING", "-i", "eth1", "-p", "tcp", "--dport", "8084", "-j", "ACCEPT"],
];
const OWN_CHAIN: &[Argv] = &[
    &["iptables", "-N", "OWN"],
    &["iptables", "-A", "OWN", "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "RETURN"],
    &["iptables", "-A", "OWN", "-s", "172.16.0.0/12", "-j", "RETURN"],
    &[
        "iptables",
        "-A",
        "OWN",
        "-i",
        "eth0",
        "-m",
        "conntrack",
        "--ctorigdstport",
        "8080",
        "--ctdir",
        "ORIGINAL",
        "-g",
        "DOCKER-USER-END",
    ],
    &["iptables", "-A", "OWN", "-i", "eth+", "-j", "DROP"],
];
const OWN_END: Argv = &["iptables", "-N", "DOCKER-USER-END"];
const OWN_JUMP: Argv = &["iptables", "-I", "DOCKER-USER", "1", "-j", "OWN"];

/// A host without a firewall, until somebody writes one.
const BARE: Host = Host { firewall: Firewall::Commands, files: &[], ..PLAIN };

pub(super) const HOSTS: &[Host] = &[
    Host {
        name: "debian-12-filters",
        about: "the web's chain FILTERS for INPUT and DOCKER-USER",
        files: FILTERS_FILE,
        after: FILTERS,
        unmeant: true,
        ..BARE
    },
    Host {
        name: "debian-sid-filters",
        about: "the web's chain FILTERS for INPUT and DOCKER-USER",
        suite: "sid",
        files: FILTERS_FILE,
        after: FILTERS,
        unmeant: true,
        ..BARE
    },
    Host {
        name: "debian-12-office",
        about: "firewalld; one source let into DOCKER-USER, the rest refused at its end",
        after: OFFICE,
        ..PLAIN
    },
    Host {
        name: "debian-sid-office",
        about: "firewalld; one source let into DOCKER-USER, the rest refused at its end",
        suite: "sid",
        after: OFFICE,
        ..PLAIN
    },
    Host { name: "debian-12-forward-accept", about: "the policy of FORWARD set to ACCEPT", after: FORWARD_ACCEPT, ..BARE },
    Host {
        name: "debian-13-forward-accept",
        about: "the policy of FORWARD set to ACCEPT",
        suite: "trixie",
        links: THREE,
        after: FORWARD_ACCEPT,
        ..BARE
    },
    Host {
        name: "debian-sid-forward-first",
        about: "an accept above the engine's jumps, a drop in mangle",
        suite: "sid",
        after: FORWARD_FIRST,
        ..BARE
    },
    Host {
        name: "debian-12-no-jump",
        about: "DOCKER-USER refuses, but nothing leads there",
        before: &[FORWARDING],
        after: NO_JUMP,
        ..BARE
    },
    Host { name: "debian-12-no-nat", about: "nat flushed under the running engine: proxies alone", after: NO_NAT, ..BARE },
    Host {
        name: "debian-sid-no-nat",
        about: "nat flushed under the running engine: proxies alone",
        suite: "sid",
        after: NO_NAT,
        ..BARE
    },
    Host { name: "debian-sid-no-raw-rules", about: "raw flushed under the running engine", suite: "sid", after: NO_RAW, ..BARE },
    Host {
        name: "debian-13-restored",
        about: "saved rules restored over the running engine's",
        suite: "trixie",
        files: SAVED_FILE,
        after: RESTORED,
        unmeant: true,
        ..BARE
    },
    Host {
        name: "debian-13-flushed-bare",
        about: "iptables flushed under the running engine, no firewall",
        suite: "trixie",
        after: FLUSH,
        ..BARE
    },
    Host {
        name: "debian-12-hand-nat",
        about: "translations made by hand beside the engine's",
        after: HAND_NAT,
        redirected: &[8099, 9090, 8085, 8084],
        ..BARE
    },
    Host {
        name: "debian-sid-hand-nat",
        about: "translations made by hand beside the engine's",
        suite: "sid",
        after: HAND_NAT,
        redirected: &[8099, 9090, 8085, 8084],
        ..BARE
    },
    Host {
        name: "debian-13-own-chain",
        about: "a chain of one's own below DOCKER-USER, with a goto",
        suite: "trixie",
        after: &joined::<7>(&[&[OWN_END], OWN_CHAIN, &[OWN_JUMP]]),
        ..BARE
    },
];
