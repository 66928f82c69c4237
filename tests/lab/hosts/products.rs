//! Hosts of other products, as the rules they write: ufw in its ways, fail2ban, CrowdSec, Tailscale, libvirt, zones of split chains,
//! marks; and nftables by hand.
//!
//! In: nothing. Out: hosts as data. No such product runs here but ufw: what counts is what it put into the kernel.

use super::{Argv, Firewall, Host, NFT, PLAIN, THREE, UFW};
use crate::network::{ETH0, ETH1, Kind, Link};

const MESH: Link = Link {
    name: "tailscale0",
    kind: Kind::Cable,
    host: &["100.101.102.103/32", "10.20.0.1/24"],
    neighbour: &["100.64.0.9/10", "10.20.0.2/24"],
};

const UFW_ROUTE: &[Argv] = &[
    UFW[0],
    UFW[1],
    &["ufw", "route", "allow", "in", "on", "eth1", "out", "on", "docker0"],
    &["ufw", "route", "deny", "in", "on", "eth0", "to", "172.30.1.2", "port", "80", "proto", "tcp"],
    &["ufw", "reject", "in", "on", "eth1", "to", "any", "port", "8089", "proto", "tcp"],
    &["ufw", "insert", "1", "deny", "from", "198.51.100.3", "to", "any"],
    &["ufw", "logging", "high"],
    UFW[5],
];
const UFW_DOCKER_FILE: &[(&str, &str)] = &[("/etc/ufw-docker.rules", include_str!("../files/rules/ufw-docker.rules"))];
const UFW_DOCKER: &[Argv] = &[
    &["sh", "-c", "cat /etc/ufw-docker.rules >> /etc/ufw/after.rules"],
    UFW[0],
    UFW[1],
    &["ufw", "route", "allow", "proto", "tcp", "from", "any", "to", "any", "port", "80"],
    &["ufw", "route", "allow", "proto", "udp", "from", "198.51.100.3", "to", "any", "port", "53"],
    UFW[5],
];
const UFW_FOUR: &[Argv] =
    &[&["sed", "-i", "s/^IPV6=.*/IPV6=no/", "/etc/default/ufw"], UFW[0], UFW[2], &["ufw", "limit", "22/tcp"], UFW[5]];
const UFW_OPEN: &[Argv] = &[
    &["ufw", "default", "allow", "incoming"],
    &["ufw", "default", "allow", "routed"],
    &["ufw", "deny", "8080/tcp"],
    &["ufw", "deny", "in", "on", "eth1", "to", "any", "port", "8000:8999", "proto", "tcp"],
    UFW[5],
];

const BANNED_FILE: &[(&str, &str)] = &[("/etc/banned.v4", include_str!("../files/rules/banned.v4"))];
const BANNED: &[Argv] = &[
    &["ipset", "create", "crowdsec-0", "hash:net", "timeout", "300"],
    &[
        "sh",
        "-c",
        "for i in $(seq 1 250); do for j in $(seq 1 20); do echo add crowdsec-0 203.$i.$j.0/24 timeout 9000; done; done | ipset restore",
    ],
    &["ipset", "add", "crowdsec-0", "198.51.100.2"],
    &["ipset", "create", "f2b-web", "hash:ip", "timeout", "0"],
    &["ipset", "add", "f2b-web", "10.20.0.2"],
    &["ipset", "create", "open", "bitmap:port", "range", "0-9999"],
    &["ipset", "add", "open", "8089"],
    &["ipset", "create", "allowed", "hash:ip,port,ip"],
    &["ipset", "create", "home", "list:set"],
    &["ipset", "create", "lan", "hash:net"],
    &["ipset", "add", "lan", "10.20.0.0/24"],
    &["ipset", "add", "home", "lan"],
    &["sed", "-i", "/match-set allowed/d", "/etc/banned.v4"],
    &["iptables-restore", "/etc/banned.v4"],
];
const MESH_FILE: &[(&str, &str)] = &[("/etc/mesh.v4", include_str!("../files/rules/mesh.v4"))];
const MESH_RULES: &[Argv] =
    &[&["ip", "route", "add", "100.64.0.0/10", "dev", "tailscale0"], &["iptables-restore", "/etc/mesh.v4"]];
const GUESTS_FILE: &[(&str, &str)] = &[("/etc/guests.v4", include_str!("../files/rules/guests.v4"))];
const SPLIT_FILE: &[(&str, &str)] = &[("/etc/split.v4", include_str!("../files/rules/split.v4"))];
const MARKS_FILE: &[(&str, &str)] = &[("/etc/marks.v4", include_str!("../files/rules/marks.v4"))];
const ODD_FILE: &[(&str, &str)] = &[("/etc/nftables.conf", include_str!("../files/rules/odd.nft"))];
const LIBVIRT_FILE: &[(&str, &str)] = &[("/etc/libvirt.nft", include_str!("../files/rules/libvirt.nft"))];
const LIBVIRT: &[Argv] = &[
    &["nft", "-f", "/etc/libvirt.nft"],
    &[
        "sh",
        "-c",
        "{ echo 'add element ip crowdsec crowdsec-blacklists {'; for i in $(seq 1 250); do for j in $(seq 1 20); do echo \"203.0.$i.$j timeout 4h,\"; done; done; \
         echo '198.51.100.3 timeout 4h }'; } | nft -f -",
    ],
];

/// A host whose firewall is a few commands.
const COMMANDS: Host = Host { firewall: Firewall::Commands, files: &[], ..PLAIN };

pub(super) const HOSTS: &[Host] = &[
    Host { name: "debian-12-ufw-route", about: "ufw with route rules, a refused source, logging", before: UFW_ROUTE, ..COMMANDS },
    Host {
        name: "debian-sid-ufw-route",
        about: "ufw with route rules, a refused source, logging",
        suite: "sid",
        before: UFW_ROUTE,
        ..COMMANDS
    },
    Host {
        name: "debian-12-ufw-docker",
        about: "ufw with the web's rules for DOCKER-USER",
        files: UFW_DOCKER_FILE,
        before: UFW_DOCKER,
        ..COMMANDS
    },
    Host {
        name: "debian-sid-ufw-docker",
        about: "ufw with the web's rules for DOCKER-USER",
        suite: "sid",
        files: UFW_DOCKER_FILE,
        before: UFW_DOCKER,
        ..COMMANDS
    },
    Host { name: "debian-13-ufw-four", about: "ufw for IPv4 alone, ssh limited", suite: "trixie", before: UFW_FOUR, ..COMMANDS },
    Host {
        name: "debian-13-ufw-open",
        about: "ufw that lets in by default, with refusals",
        suite: "trixie",
        links: THREE,
        before: UFW_OPEN,
        ..COMMANDS
    },
    Host {
        name: "debian-12-banned",
        about: "iptables and ipset as fail2ban and CrowdSec write them",
        files: BANNED_FILE,
        before: BANNED,
        ..COMMANDS
    },
    Host {
        name: "debian-sid-banned",
        about: "iptables and ipset as fail2ban and CrowdSec write them",
        suite: "sid",
        files: BANNED_FILE,
        before: BANNED,
        ..COMMANDS
    },
    Host {
        name: "debian-12-mesh",
        about: "Tailscale's chains, its interface the second way in",
        links: &[&ETH0, &MESH],
        files: MESH_FILE,
        before: MESH_RULES,
        ..COMMANDS
    },
    Host {
        name: "debian-13-mesh",
        about: "Tailscale's chains, its interface the second way in",
        suite: "trixie",
        links: &[&ETH0, &MESH],
        files: MESH_FILE,
        before: MESH_RULES,
        ..COMMANDS
    },
    Host {
        name: "debian-13-guests",
        about: "libvirt's chains, br-lan its guests",
        suite: "trixie",
        links: THREE,
        files: GUESTS_FILE,
        before: &[&["iptables-restore", "/etc/guests.v4"]],
        ..COMMANDS
    },
    Host {
        name: "debian-sid-guests",
        about: "tables of libvirt, CrowdSec (5,000 sources) and fail2ban",
        suite: "sid",
        links: THREE,
        files: LIBVIRT_FILE,
        before: LIBVIRT,
        ..COMMANDS
    },
    Host {
        name: "debian-12-split-chains",
        about: "a chain for each pair of zones",
        files: SPLIT_FILE,
        before: &[&["iptables-restore", "/etc/split.v4"]],
        ..COMMANDS
    },
    Host {
        name: "debian-sid-split-chains",
        about: "a chain for each pair of zones",
        suite: "sid",
        files: SPLIT_FILE,
        before: &[&["iptables-restore", "/etc/split.v4"]],
        ..COMMANDS
    },
    Host {
        name: "debian-12-marks",
        about: "marks, tracking, negations in iptables",
        files: MARKS_FILE,
        before: &[&["iptables-restore", "/etc/marks.v4"]],
        ..COMMANDS
    },
    Host {
        name: "debian-13-marks",
        about: "marks, tracking, negations in iptables",
        suite: "trixie",
        files: MARKS_FILE,
        before: &[&["iptables-restore", "/etc/marks.v4"]],
        ..COMMANDS
    },
    Host {
        name: "debian-sid-odd-nft",
        about: "nftables: concatenations, maps, timeouts, marks, dynamic sets",
        suite: "sid",
        files: ODD_FILE,
        before: NFT,
        ..COMMANDS
    },
    Host {
        name: "debian-13-odd-nft",
        about: "nftables: concatenations, maps, timeouts, marks, dynamic sets",
        suite: "trixie",
        links: &[&ETH0, &ETH1],
        files: ODD_FILE,
        before: NFT,
        ..COMMANDS
    },
    Host {
        name: "debian-12-reloaded-nft",
        about: "nftables.conf with its flush loaded anew under the running engine",
        files: super::NFT_FILE,
        before: NFT,
        after: NFT,
        ..COMMANDS
    },
    Host {
        name: "debian-sid-reloaded-nft",
        about: "nftables.conf with its flush loaded anew under the running engine",
        suite: "sid",
        files: super::NFT_FILE,
        before: NFT,
        after: NFT,
        ..COMMANDS
    },
];
