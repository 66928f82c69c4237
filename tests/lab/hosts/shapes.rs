//! Hosts of other shapes: links, addresses, routes, and containers with more to them.
//!
//! In: nothing. Out: hosts as data. Their firewalls are the plain ones.

use super::{Argv, FORWARDING, Firewall, Host, KEEP, NFT, PLAIN, joined};
use crate::network::{BR_LAN, ETH0, ETH1, Kind, Link};

const SEVERAL: &str = include_str!("../files/compose/several.yaml");
const SIX: &str = include_str!("../files/compose/six.yaml");
const MACVLAN: &str = include_str!("../files/compose/macvlan.yaml");

/// The first way out: two addresses of each family, and a machine beyond it.
const ENP1: Link = Link {
    name: "enp1s0",
    kind: Kind::Cable,
    host: &["198.51.100.1/24", "198.51.100.9/24", "2001:db8:14::1/64", "2001:db8:14::9/64"],
    neighbour: &["198.51.100.2/24", "203.0.113.9/32", "2001:db8:14::2/64"],
};
/// The second way out.
const ENP2: Link = Link {
    name: "enp2s0",
    kind: Kind::Cable,
    host: &["10.20.0.1/24", "10.20.0.7/24", "2001:db8:20::1/64"],
    neighbour: &["10.20.0.2/24", "192.0.2.9/32", "2001:db8:20::2/64"],
};
const SIX_ONLY: Link = Link {
    name: "eth0",
    kind: Kind::Cable,
    host: &["2001:db8:14::1/64"],
    neighbour: &["2001:db8:14::2/64", "2001:db8:14::3/64"],
};
const VXLAN: Link = Link { name: "overlay1", kind: Kind::Vxlan, host: &["10.20.0.1/24"], neighbour: &["10.20.0.2/24"] };
const ON_CABLE: Link = Link { name: "mac0", kind: Kind::Macvlan, ..ETH0 };
const BRIDGED: Link = Link { name: "br0", kind: Kind::Bridge, ..ETH0 };
/// Named as a VLAN and a bond are: what counts for rules is the name.
const TAGGED: Link = Link { name: "eth0.100", ..ETH0 };
const BONDED: Link = Link { name: "bond0", ..ETH1 };

const UPLINKS: &[&Link] = &[&ENP1, &ENP2];
const ZONES_OF_UPLINKS: &[Argv] = &[
    &["firewall-cmd", "-q", "--zone=public", "--change-interface=enp1s0"],
    &["firewall-cmd", "-q", "--zone=internal", "--change-interface=enp2s0"],
    &["firewall-cmd", "-q", "--zone=public", "--add-port=8084/tcp"],
    &["firewall-cmd", "-q", "--zone=internal", "--add-port=8086/tcp"],
    KEEP,
];
const TABLES: &[Argv] = &[
    &["ip", "route", "add", "default", "via", "198.51.100.2"],
    &["ip", "route", "add", "default", "via", "10.20.0.2", "table", "102"],
];
/// The way out of packets with the second link's addresses is the second link's.
const SOURCES: &[Argv] = &[
    &["ip", "rule", "add", "from", "10.20.0.1", "lookup", "102", "priority", "1002"],
    &["ip", "rule", "add", "from", "10.20.0.7", "lookup", "102", "priority", "1003"],
];
const STRICT: Argv = &["sysctl", "-q", "net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.enp2s0.rp_filter=1"];
const LOOSE: Argv = &["sysctl", "-q", "net.ipv4.conf.all.rp_filter=2"];
const LENIENT: Argv = &["sysctl", "-q", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.enp2s0.rp_filter=0"];
/// What came in by the second link goes back by it, containers' answers too: connections are marked, and the mark chooses the table.
const MARK: &[Argv] = &[
    &[
        "iptables",
        "-t",
        "mangle",
        "-A",
        "PREROUTING",
        "-i",
        "enp2s0",
        "-m",
        "conntrack",
        "--ctstate",
        "NEW",
        "-j",
        "CONNMARK",
        "--set-mark",
        "0x66",
    ],
    &["iptables", "-t", "mangle", "-A", "PREROUTING", "!", "-i", "enp+", "-j", "CONNMARK", "--restore-mark"],
    &["iptables", "-t", "mangle", "-A", "OUTPUT", "-j", "CONNMARK", "--restore-mark"],
    &["ip", "rule", "add", "fwmark", "0x66", "lookup", "102", "priority", "1001"],
];
const MARKED: &[Argv] = &joined::<7>(&[TABLES, MARK, &[LENIENT]]);
const WILDCARDS: &[(&str, &str)] = &[("/etc/wildcards.v4", include_str!("../files/rules/wildcards.v4"))];
const LINKS_NFT: &[(&str, &str)] = &[("/etc/nftables.conf", include_str!("../files/rules/links.nft"))];

pub(super) const HOSTS: &[Host] = &[
    Host {
        name: "debian-12-uplinks",
        about: "firewalld; two ways out with tables of their own, strict reverse path filter, several addresses",
        links: UPLINKS,
        compose: SEVERAL,
        files: &[],
        before: &joined::<10>(&[ZONES_OF_UPLINKS, TABLES, SOURCES, &[STRICT]]),
        ..PLAIN
    },
    Host {
        name: "debian-sid-uplinks",
        about: "firewalld; two ways out with tables of their own, loose reverse path filter, several addresses",
        suite: "sid",
        links: UPLINKS,
        compose: SEVERAL,
        files: &[],
        before: &joined::<14>(&[ZONES_OF_UPLINKS, TABLES, SOURCES, MARK, &[LOOSE]]),
        ..PLAIN
    },
    Host {
        name: "debian-13-marked-routes",
        about: "no firewall; answers routed by the connection's mark, no reverse path filter",
        suite: "trixie",
        links: UPLINKS,
        compose: SEVERAL,
        firewall: Firewall::Commands,
        files: &[],
        before: MARKED,
        ..PLAIN
    },
    Host {
        name: "debian-12-six-only",
        about: "firewalld; the way out speaks IPv6 alone",
        links: &[&SIX_ONLY, &ETH1],
        compose: SIX,
        ..PLAIN
    },
    Host {
        name: "debian-sid-six-only",
        about: "firewalld; the way out speaks IPv6 alone",
        suite: "sid",
        links: &[&SIX_ONLY, &ETH1],
        compose: SIX,
        ..PLAIN
    },
    Host {
        name: "debian-13-links",
        about: "nftables; outside interfaces that are a bridge and a vxlan",
        suite: "trixie",
        links: &[&BRIDGED, &VXLAN],
        compose: SEVERAL,
        firewall: Firewall::Commands,
        files: LINKS_NFT,
        before: NFT,
        ..PLAIN
    },
    Host {
        name: "debian-sid-links",
        about: "nftables; outside interfaces that are a macvlan and a vxlan",
        suite: "sid",
        links: &[&ON_CABLE, &VXLAN],
        compose: SEVERAL,
        firewall: Firewall::Commands,
        files: LINKS_NFT,
        before: NFT,
        ..PLAIN
    },
    Host {
        name: "debian-12-wildcards",
        about: "iptables by interface wildcards; links named eth0.100 and bond0, br-lan",
        links: &[&TAGGED, &BONDED, &BR_LAN],
        compose: SEVERAL,
        firewall: Firewall::Commands,
        files: WILDCARDS,
        before: &[FORWARDING, &["iptables-restore", "/etc/wildcards.v4"]],
        ..PLAIN
    },
    Host {
        name: "debian-13-macvlan",
        about: "firewalld; every container on a macvlan",
        suite: "trixie",
        compose: MACVLAN,
        ..PLAIN
    },
    Host { name: "debian-12-several", about: "firewalld; containers with more to them", compose: SEVERAL, ..PLAIN },
    Host {
        name: "debian-13-several",
        about: "firewalld; containers with more to them",
        suite: "trixie",
        compose: SEVERAL,
        ..PLAIN
    },
    Host {
        name: "debian-sid-several",
        about: "firewalld; containers with more to them",
        suite: "sid",
        compose: SEVERAL,
        ..PLAIN
    },
    Host {
        name: "debian-sid-several-no-proxy",
        about: "no firewall; containers with more to them, no userland proxy",
        suite: "sid",
        compose: SEVERAL,
        firewall: Firewall::Commands,
        files: &[],
        engine: &["--userland-proxy=false"],
        ..PLAIN
    },
];
