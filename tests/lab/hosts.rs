//! The hosts of the lab, as data: suite, firewall, engine flags, what an admin did to it.
//!
//! In: nothing. Out: [`all`] of them; those of this file first, whose firewalls mean the same: outside may reach ssh and 80 and 8084
//! over `eth0`, 8085 from the neighbour's second address only, 8086 over `eth1`; nothing else.
//!
//! It starts nothing.

mod engines;
mod hands;
mod products;
mod shapes;
mod zones;

use crate::network::{BR_LAN, ETH0, ETH1, Link};

/// A command of the host.
pub(crate) type Argv = &'static [&'static str];

/// The product that is to guard a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firewall {
    /// firewalld over a D-Bus of its own.
    Firewalld,
    /// Commands alone: ufw, nft or iptables.
    Commands,
}

/// One host.
pub(crate) struct Host {
    pub(crate) name: &'static str,
    /// What is special here, in a line.
    pub(crate) about: &'static str,
    pub(crate) suite: &'static str,
    pub(crate) links: &'static [&'static Link],
    /// What runs there: a compose file's text.
    pub(crate) compose: &'static str,
    pub(crate) firewall: Firewall,
    /// Files written before anything starts: path, content.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// Commands before the engine starts, after firewalld is up.
    pub(crate) before: &'static [Argv],
    /// More flags of dockerd; words that begin with no dash are its environment.
    pub(crate) engine: &'static [&'static str],
    /// Commands once the containers run; `{web}` stands for the address of the container `web`.
    pub(crate) after: &'static [Argv],
    /// Ports whose way someone changed by hand: what an ordinary process got there is not what the host's rules mean.
    pub(crate) redirected: &'static [u16],
    /// True: what was done after the containers ran changed what the host firewall means; what ordinary processes got before tells nothing.
    pub(crate) unmeant: bool,
}

/// Lists of commands as one list, of as many commands as all of them hold.
const fn joined<const LENGTH: usize>(lists: &[&[Argv]]) -> [Argv; LENGTH] {
    let mut all: [Argv; LENGTH] = [&[]; LENGTH];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut command = 0;
        while command < lists[list].len() {
            all[at] = lists[list][command];
            (at, command) = (at + 1, command + 1);
        }
        list += 1;
    }
    assert!(at == LENGTH, "the lists hold fewer commands");
    all
}

impl Host {
    /// True: firewalld guards it.
    pub(crate) fn has_firewalld(&self) -> bool {
        self.firewall == Firewall::Firewalld
    }
}

/// What runs on most hosts.
const USUAL: &str = include_str!("files/compose/usual.yaml");
const TWO: &[&Link] = &[&ETH0, &ETH1];
const THREE: &[&Link] = &[&ETH0, &ETH1, &BR_LAN];

const ZONES: &[(&str, &str)] = &[
    ("/etc/firewalld/zones/public.xml", include_str!("files/public.xml")),
    ("/etc/firewalld/zones/internal.xml", include_str!("files/internal.xml")),
];
const LEGACY: &[Argv] = &[
    &["update-alternatives", "--set", "iptables", "/usr/sbin/iptables-legacy"],
    &["update-alternatives", "--set", "ip6tables", "/usr/sbin/ip6tables-legacy"],
];
/// For good: the engine reloads firewalld when it makes its zone for the first time, and runtime settings are lost.
const KEEP: Argv = &["firewall-cmd", "-q", "--runtime-to-permanent"];
const STRICT: Argv = &["sed", "-i", "s/^StrictForwardPorts=.*/StrictForwardPorts=yes/", "/etc/firewalld/firewalld.conf"];
const FORWARDING: Argv = &["sysctl", "-q", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
const UFW: &[Argv] = &[
    &["ufw", "allow", "22/tcp"],
    &["ufw", "allow", "80/tcp"],
    &["ufw", "allow", "in", "on", "eth0", "to", "any", "port", "8084", "proto", "tcp"],
    &["ufw", "allow", "from", "198.51.100.3", "to", "any", "port", "8085", "proto", "tcp"],
    &["ufw", "allow", "in", "on", "eth1", "to", "any", "port", "8086", "proto", "tcp"],
    &["ufw", "--force", "enable"],
];
const SPLIT: &[Argv] = &joined::<8>(&[UFW, LEGACY]);
const NFT_FILE: &[(&str, &str)] = &[("/etc/nftables.conf", include_str!("files/nftables.conf"))];
const NFT: &[Argv] = &[&["nft", "-f", "/etc/nftables.conf"]];
const SAVED_FILE: &[(&str, &str)] =
    &[("/etc/iptables/rules.v4", include_str!("files/rules.v4")), ("/etc/iptables/rules.v6", include_str!("files/rules.v6"))];
const SAVED: &[Argv] = &[&["iptables-restore", "/etc/iptables/rules.v4"], &["ip6tables-restore", "/etc/iptables/rules.v6"]];
const SAVED_LEGACY: &[Argv] = &joined::<4>(&[LEGACY, SAVED]);
const HAND_DNAT: &[Argv] = &[&[
    "iptables",
    "-t",
    "nat",
    "-I",
    "PREROUTING",
    "-i",
    "eth0",
    "-p",
    "tcp",
    "--dport",
    "8099",
    "-j",
    "DNAT",
    "--to-destination",
    "{web}:80",
]];
const FLUSH: &[Argv] = &[&["iptables", "-t", "nat", "-F"], &["iptables", "-F"]];

const SOURCES: &[(&str, &str)] = &[
    ("/etc/firewalld/zones/public.xml", include_str!("files/sources-public.xml")),
    ("/etc/firewalld/zones/internal.xml", include_str!("files/internal.xml")),
    ("/etc/firewalld/zones/trusted.xml", include_str!("files/sources-trusted.xml")),
    ("/etc/firewalld/zones/drop.xml", include_str!("files/sources-drop.xml")),
    ("/etc/firewalld/ipsets/office.xml", include_str!("files/office.xml")),
    ("/etc/firewalld/policies/any-to-host.xml", include_str!("files/any-to-host.xml")),
];
const OLD_BACKEND: &[(&str, &str)] =
    &[ZONES[0], ZONES[1], ("/etc/firewalld/firewalld.conf", include_str!("files/firewalld-iptables.conf"))];
const USER_FILE: &[(&str, &str)] = &[("/etc/docker-user.v4", include_str!("files/docker-user.v4"))];
const USER_RULES: &[Argv] = &[
    &["ipset", "create", "office", "hash:net"],
    &["ipset", "add", "office", "198.51.100.2"],
    &["ipset", "add", "office", "10.20.0.0/24"],
    &["iptables", "-F", "DOCKER-USER"],
    &["iptables-restore", "--noflush", "/etc/docker-user.v4"],
];
const REFUSE_FILE: &[(&str, &str)] = &[ZONES[0], ZONES[1], ("/etc/refuse.v4", include_str!("files/refuse.v4"))];
const RELOADED: &[Argv] = &[
    &["iptables-restore", "--noflush", "/etc/refuse.v4"],
    &["firewall-cmd", "--reload"],
    &["firewall-cmd", "--reload"],
    &["firewall-cmd", "--reload"],
];
const GUARD_FILE: &[(&str, &str)] = &[ZONES[0], ZONES[1], ("/etc/guard.nft", include_str!("files/guard.nft"))];

/// A plain host with firewalld.
const PLAIN: Host = Host {
    name: "",
    about: "",
    suite: "bookworm",
    links: TWO,
    compose: USUAL,
    firewall: Firewall::Firewalld,
    files: ZONES,
    before: &[],
    engine: &[],
    after: &[],
    redirected: &[],
    unmeant: false,
};

/// All hosts.
pub(crate) fn all() -> impl Iterator<Item = &'static Host> {
    [USUAL_HOSTS, shapes::HOSTS, zones::HOSTS, products::HOSTS, engines::HOSTS, hands::HOSTS].into_iter().flatten()
}

/// Hosts of one shape: the usual load, two or three links.
const USUAL_HOSTS: &[Host] = &[
    Host { name: "debian-12", about: "firewalld; iptables-nft", ..PLAIN },
    Host { name: "debian-13", about: "firewalld", suite: "trixie", ..PLAIN },
    Host { name: "debian-sid", about: "firewalld", suite: "sid", ..PLAIN },
    Host { name: "debian-12-legacy", about: "firewalld; the engine writes iptables-legacy", before: LEGACY, ..PLAIN },
    Host {
        name: "debian-13-strict",
        about: "firewalld with StrictForwardPorts",
        suite: "trixie",
        before: &[STRICT, &["firewall-cmd", "--reload"]],
        ..PLAIN
    },
    Host {
        name: "debian-sid-strict",
        about: "firewalld with StrictForwardPorts, 8086 as a forward-port of zone internal",
        suite: "sid",
        before: &[
            STRICT,
            &["firewall-cmd", "--reload"],
            &["firewall-cmd", "--zone=internal", "--add-forward-port=port=8086:proto=tcp:toport=80:toaddr=172.30.1.2"],
            KEEP,
        ],
        redirected: &[8086],
        ..PLAIN
    },
    Host { name: "debian-12-ufw", about: "ufw", firewall: Firewall::Commands, files: &[], before: UFW, ..PLAIN },
    Host {
        name: "debian-13-ufw",
        about: "ufw, and a bridge br-lan of the admin's own",
        suite: "trixie",
        links: THREE,
        firewall: Firewall::Commands,
        files: &[],
        before: UFW,
        ..PLAIN
    },
    Host {
        name: "debian-13-iptables-legacy",
        about: "INPUT rules of iptables-persistent, legacy, engine too",
        suite: "trixie",
        firewall: Firewall::Commands,
        files: SAVED_FILE,
        before: SAVED_LEGACY,
        ..PLAIN
    },
    Host {
        name: "debian-12-none",
        about: "no firewall; forwarding was on before the engine, so its policy stays ACCEPT",
        firewall: Firewall::Commands,
        files: &[],
        before: &[FORWARDING],
        ..PLAIN
    },
    Host {
        name: "debian-sid-none",
        about: "no firewall",
        suite: "sid",
        links: THREE,
        firewall: Firewall::Commands,
        files: &[],
        ..PLAIN
    },
    Host {
        name: "debian-sid-nft",
        about: "an nftables ruleset alone, br-lan, a DNAT made by hand",
        suite: "sid",
        links: THREE,
        firewall: Firewall::Commands,
        files: NFT_FILE,
        before: NFT,
        after: HAND_DNAT,
        redirected: &[8099],
        ..PLAIN
    },
    Host {
        name: "debian-12-nft",
        about: "an nftables ruleset alone, br-lan, a DNAT made by hand",
        links: THREE,
        firewall: Firewall::Commands,
        files: NFT_FILE,
        before: NFT,
        after: HAND_DNAT,
        redirected: &[8099],
        ..PLAIN
    },
    Host {
        name: "debian-13-no-iptables",
        about: "firewalld; the engine with --iptables=false",
        suite: "trixie",
        engine: &["--iptables=false", "--ip6tables=false"],
        ..PLAIN
    },
    Host {
        name: "debian-sid-no-proxy",
        about: "firewalld; the engine with --userland-proxy=false",
        suite: "sid",
        engine: &["--userland-proxy=false"],
        ..PLAIN
    },
    Host {
        name: "debian-13-flushed",
        about: "firewalld; someone flushed iptables under the running engine",
        suite: "trixie",
        after: FLUSH,
        ..PLAIN
    },
    Host {
        name: "debian-12-reloaded",
        about: "firewalld reloaded under the running engine",
        after: &[&["firewall-cmd", "--reload"]],
        ..PLAIN
    },
    Host { name: "debian-12-old-backend", about: "firewalld with FirewallBackend=iptables", files: OLD_BACKEND, ..PLAIN },
    Host {
        name: "debian-12-sources",
        about: "firewalld with zones by source, an ipset, rich rules with priorities, a policy",
        files: SOURCES,
        ..PLAIN
    },
    Host {
        name: "debian-sid-sources",
        about: "firewalld with zones by source, an ipset, rich rules with priorities, a policy",
        suite: "sid",
        files: SOURCES,
        ..PLAIN
    },
    Host {
        name: "debian-12-first-rule",
        about: "firewalld; the web's first advice: everything from eth0 dropped in DOCKER-USER, replies too",
        after: &[&["iptables", "-I", "DOCKER-USER", "-i", "eth0", "!", "-s", "127.0.0.1", "-j", "DROP"]],
        ..PLAIN
    },
    Host {
        name: "debian-12-dead-rule",
        about: "firewalld; a rule appended to DOCKER-USER, below its RETURN",
        after: &[&["iptables", "-A", "DOCKER-USER", "-i", "eth0", "-j", "DROP"]],
        ..PLAIN
    },
    Host {
        name: "debian-13-docker-user",
        about: "no firewall; a hand-written DOCKER-USER with an ipset and original ports",
        suite: "trixie",
        firewall: Firewall::Commands,
        files: USER_FILE,
        after: USER_RULES,
        ..PLAIN
    },
    Host {
        name: "debian-sid-docker-user",
        about: "no firewall; a hand-written DOCKER-USER with an ipset and original ports",
        suite: "sid",
        firewall: Firewall::Commands,
        files: USER_FILE,
        after: USER_RULES,
        ..PLAIN
    },
    Host {
        name: "debian-sid-direct-routing",
        about: "firewalld; the engine with --allow-direct-routing",
        suite: "sid",
        engine: &["--allow-direct-routing=true"],
        ..PLAIN
    },
    Host {
        name: "debian-sid-rich-nft",
        about: "nftables: ingress, fib, concatenations, verdict maps, marks, original ports, a redirect made by hand",
        suite: "sid",
        firewall: Firewall::Commands,
        files: &[("/etc/nftables.conf", include_str!("files/rich.nft"))],
        before: NFT,
        redirected: &[8099],
        ..PLAIN
    },
    Host {
        name: "debian-sid-reloaded",
        about: "firewalld reloaded thrice in a row under the running engine, with rules in DOCKER-USER",
        suite: "sid",
        files: REFUSE_FILE,
        after: RELOADED,
        ..PLAIN
    },
    Host {
        name: "debian-12-split",
        about: "ufw in iptables-nft, the engine in iptables-legacy",
        firewall: Firewall::Commands,
        files: &[],
        before: SPLIT,
        ..PLAIN
    },
    Host {
        name: "debian-13-guard",
        about: "firewalld, and a table of one's own before Docker's DNAT",
        suite: "trixie",
        files: GUARD_FILE,
        before: &[&["nft", "-f", "/etc/guard.nft"]],
        ..PLAIN
    },
];
