//! The hosts that are locked, as data: what is allowed on them beside what their firewall permits.
//!
//! In: a host of the lab. Out: its [`Case`]; a host that is not named here is locked without a word.
//!
//! It locks nothing.

use std::net::IpAddr;

use crate::hosts::{self, Host};
use crate::probe::Probe;

/// One allowance of the command line.
pub(crate) struct Allowed {
    /// As it is written after `--allow`.
    pub(crate) words: &'static str,
    protocol: &'static str,
    port: u16,
    /// Empty: everybody.
    from: &'static str,
    /// Empty: every interface.
    interface: &'static str,
}

impl Allowed {
    /// True if it is about this packet to an address of the host.
    pub(crate) fn covers(&self, probe: &Probe) -> bool {
        let from = self.from.parse::<IpAddr>().ok();
        (self.protocol, self.port) == (probe.proto.as_str(), probe.port)
            && from.is_none_or(|from| from == probe.src)
            && (self.interface.is_empty() || probe.interface() == Some(self.interface))
    }
}

/// How a host is locked.
pub(crate) struct Case {
    host: &'static str,
    pub(crate) allow: &'static [Allowed],
    /// True: no firewall refuses anything there, so that an ordinary process on a port would tell nothing of what is meant.
    pub(crate) is_bare: bool,
    /// True for an engine that writes no rules: it has no chain for its owner, and docker-user no place.
    lacks_chain: bool,
}

impl Case {
    /// The words of the lock.
    pub(crate) fn words(&self) -> Vec<&'static str> {
        self.allow.iter().flat_map(|allowed| ["--allow", allowed.words]).collect()
    }

    /// What a lock by a backend ends with.
    pub(crate) fn status(&self, backend: &str) -> i32 {
        if self.lacks_chain && backend == "docker-user" { 2 } else { 0 }
    }

    /// True if an allowance covers a packet.
    pub(crate) fn allows(&self, probe: &Probe) -> bool {
        self.allow.iter().any(|allowed| allowed.covers(probe))
    }
}

const ANY: Allowed = Allowed { words: "", protocol: "tcp", port: 0, from: "", interface: "" };
/// What the firewalls of the plain hosts permit, written by hand for hosts that have none.
const BY_HAND: &[Allowed] = &[
    Allowed { words: "8084/tcp", port: 8084, ..ANY },
    Allowed { words: "8085/tcp@198.51.100.3", port: 8085, from: "198.51.100.3", ..ANY },
    Allowed { words: "8086/tcp@eth1", port: 8086, interface: "eth1", ..ANY },
    Allowed { words: "5353/udp", protocol: "udp", port: 5353, ..ANY },
];
/// More than the firewall permits.
const MORE: &[Allowed] = &[
    Allowed { words: "8080/tcp@198.51.100.3", port: 8080, from: "198.51.100.3", ..ANY },
    Allowed { words: "9001/tcp", port: 9001, ..ANY },
];

const PLAIN: Case = Case { host: "", allow: &[], is_bare: false, lacks_chain: false };
const BARE: Case = Case { allow: BY_HAND, is_bare: true, ..PLAIN };

/// What `all` stands for: each engine and each firewalld, both kinds of iptables, ufw, nftables, none, and other tools beside.
const CASES: &[Case] = &[
    Case { host: "debian-12", ..PLAIN },
    Case { host: "debian-13", allow: MORE, ..PLAIN },
    Case { host: "debian-sid", ..PLAIN },
    Case { host: "debian-12-legacy", ..PLAIN },
    Case { host: "debian-12-ufw", allow: MORE, ..PLAIN },
    Case { host: "debian-13-ufw", ..PLAIN },
    Case { host: "debian-13-iptables-legacy", ..PLAIN },
    Case { host: "debian-12-split", ..PLAIN },
    Case { host: "debian-12-nft", ..PLAIN },
    Case { host: "debian-sid-nft", ..PLAIN },
    Case { host: "debian-12-none", ..BARE },
    Case { host: "debian-sid-none", ..BARE },
    Case { host: "debian-sid-no-proxy", ..PLAIN },
    Case { host: "debian-sid-direct-routing", ..PLAIN },
    Case { host: "debian-13-no-iptables", lacks_chain: true, ..PLAIN },
    Case { host: "debian-12-six-only", ..PLAIN },
    Case { host: "debian-sid-several", ..PLAIN },
    Case { host: "debian-sid-docker-user", ..BARE },
    Case { host: "debian-12-banned", ..PLAIN },
    Case { host: "debian-13-mesh", ..PLAIN },
    Case { host: "debian-13-guests", ..BARE },
    Case { host: "debian-sid-guests", ..PLAIN },
    Case { host: "debian-13-guard", ..PLAIN },
];

/// How a host is locked.
pub(crate) fn of(host: &Host) -> &'static Case {
    CASES.iter().find(|case| case.host == host.name).unwrap_or(&PLAIN)
}

/// The hosts that are named here.
pub(crate) fn all() -> Vec<&'static Host> {
    hosts::all().filter(|host| CASES.iter().any(|case| case.host == host.name)).collect()
}

/// Those that live through a day: each engine and firewalld, and hosts without one.
pub(crate) fn lived_through() -> Vec<&'static Host> {
    named(&["debian-12", "debian-13", "debian-sid", "debian-12-ufw", "debian-sid-none", "debian-12-legacy"])
}

/// Those on which things go wrong.
pub(crate) fn faulted() -> Vec<&'static Host> {
    named(&["debian-12", "debian-sid", "debian-12-ufw", "debian-13-iptables-legacy"])
}

/// Those on which commands run under the lock: with docker-proxy behind a firewall and without one.
pub(crate) fn commanded() -> Vec<&'static Host> {
    named(&["debian-12", "debian-sid", "debian-12-none"])
}

/// Those that boot.
pub(crate) fn booted() -> Vec<&'static Host> {
    named(&["debian-12", "debian-sid", "debian-12-nft"])
}

/// Those that boot under systemd: each version of it.
pub(crate) fn under_systemd() -> Vec<&'static Host> {
    named(&["debian-12", "debian-13", "debian-sid"])
}

/// Those on which time is taken: no firewall, no proxies beside a thousand ports.
pub(crate) fn timed() -> Vec<&'static Host> {
    named(&["debian-13-no-proxy"])
}

fn named(names: &[&str]) -> Vec<&'static Host> {
    hosts::all().filter(|host| names.contains(&host.name)).collect()
}
