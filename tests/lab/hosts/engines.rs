//! Hosts whose engine is told otherwise: addresses, pools, forwarding, isolation, no rules.
//!
//! In: nothing. Out: hosts as data.

use super::{Argv, FORWARDING, Firewall, Host, PLAIN};

const ADDRESSES: &[&str] = &[
    "--bip=10.99.0.1/24",
    "--default-address-pool=base=10.98.0.0/16,size=26",
    "--ipv6",
    "--fixed-cidr-v6=fd00:99::/64",
    "--ip=198.51.100.1",
];
const SIX: &[&str] = &["--experimental", "--ip6tables", "--ipv6", "--fixed-cidr-v6=fd00:99::/64"];
const OWN_NAT_FILE: &[(&str, &str)] = &[("/etc/nftables.conf", include_str!("../files/rules/own-nat.nft"))];
const OWN_NAT: &[Argv] = &[FORWARDING, &["nft", "-f", "/etc/nftables.conf"]];
const OWN_BRIDGE: &[Argv] = &[
    &["ip", "link", "add", "cnt0", "type", "bridge"],
    &["ip", "address", "add", "10.97.0.1/24", "dev", "cnt0"],
    &["ip", "link", "set", "cnt0", "up"],
];

/// Of a swarm what needs no IPVS: its networks, and a service whose port is published by each node for itself.
const SWARM: &[Argv] = &[
    &["docker", "swarm", "init", "--advertise-addr", "198.51.100.1"],
    &[
        "docker",
        "service",
        "create",
        "--quiet",
        "--detach",
        "--no-resolve-image",
        "--name",
        "swarmed",
        "--publish",
        "mode=host,published=8099,target=80",
        "answer:lab",
        "swarmed",
        "tcp/80",
    ],
    &[
        "sh",
        "-c",
        "for try in $(seq 90); do docker ps | grep -q swarmed && exit; sleep 0.5; done; docker service ps --no-trunc swarmed; exit 1",
    ],
];

pub(super) const HOSTS: &[Host] = &[
    Host {
        name: "debian-12-addresses",
        about: "firewalld; bip, pools, IPv6 on docker0, a default address",
        engine: ADDRESSES,
        ..PLAIN
    },
    Host {
        name: "debian-sid-addresses",
        about: "firewalld; bip, pools, IPv6 on docker0, a default address",
        suite: "sid",
        engine: ADDRESSES,
        ..PLAIN
    },
    Host {
        name: "debian-12-ip6tables",
        about: "firewalld; ip6tables of an engine that holds it for an experiment",
        engine: SIX,
        ..PLAIN
    },
    Host {
        name: "debian-13-no-ip6tables",
        about: "firewalld; the engine without ip6tables",
        suite: "trixie",
        engine: &["--ip6tables=false"],
        ..PLAIN
    },
    Host { name: "debian-12-no-icc", about: "firewalld; containers kept apart", engine: &["--icc=false"], ..PLAIN },
    Host {
        name: "debian-12-no-proxy",
        about: "firewalld; the engine with --userland-proxy=false",
        engine: &["--userland-proxy=false"],
        ..PLAIN
    },
    Host {
        name: "debian-13-no-proxy",
        about: "no firewall; the engine with --userland-proxy=false",
        suite: "trixie",
        firewall: Firewall::Commands,
        files: &[],
        engine: &["--userland-proxy=false"],
        ..PLAIN
    },
    Host {
        name: "debian-sid-no-drop",
        about: "no firewall; the engine leaves FORWARD's policy alone",
        suite: "sid",
        firewall: Firewall::Commands,
        files: &[],
        engine: &["--ip-forward-no-drop"],
        ..PLAIN
    },
    Host {
        name: "debian-12-own-nat",
        about: "nftables; the engine writes no rules, the admin does",
        firewall: Firewall::Commands,
        files: OWN_NAT_FILE,
        before: OWN_NAT,
        engine: &["--iptables=false"],
        redirected: &[8080, 8086],
        ..PLAIN
    },
    Host {
        name: "debian-sid-own-nat",
        about: "nftables; the engine writes no rules, the admin does",
        suite: "sid",
        firewall: Firewall::Commands,
        files: OWN_NAT_FILE,
        before: OWN_NAT,
        engine: &["--iptables=false", "--ip6tables=false"],
        redirected: &[8080, 8086],
        ..PLAIN
    },
    Host {
        name: "debian-13-own-bridge",
        about: "firewalld; docker0 is a bridge of the admin's own",
        suite: "trixie",
        before: OWN_BRIDGE,
        engine: &["--bridge=cnt0"],
        ..PLAIN
    },
    Host {
        name: "debian-13-network-options",
        about: "firewalld; new networks bind to loopback",
        suite: "trixie",
        engine: &["--default-network-opt=bridge=com.docker.network.bridge.host_binding_ipv4=127.0.0.1"],
        ..PLAIN
    },
    Host {
        name: "debian-sid-swarm",
        about: "firewalld; a node of a swarm, a service published by the node",
        suite: "sid",
        after: SWARM,
        ..PLAIN
    },
    Host {
        name: "debian-12-swarm",
        about: "firewalld; a node of a swarm, a service published by the node",
        after: SWARM,
        ..PLAIN
    },
    Host {
        name: "debian-sid-no-raw",
        about: "firewalld; the engine without its raw rules",
        suite: "sid",
        engine: &["DOCKER_INSECURE_NO_IPTABLES_RAW=1"],
        ..PLAIN
    },
];
