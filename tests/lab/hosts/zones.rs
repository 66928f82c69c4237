//! Hosts of firewalld in its many ways: targets, default zones, policies, log and reverse path options.
//!
//! In: nothing. Out: hosts as data.

use super::{Argv, Host, KEEP, OLD_BACKEND, PLAIN, ZONES};

const TARGETS: &[(&str, &str)] = &[
    ("/etc/firewalld/zones/open.xml", include_str!("../files/zones/open.xml")),
    ("/etc/firewalld/zones/closed.xml", include_str!("../files/zones/closed.xml")),
];
const POLICIES: &[(&str, &str)] = &[
    ZONES[0],
    ZONES[1],
    ("/etc/firewalld/policies/inside-out.xml", include_str!("../files/zones/public-to-internal.xml")),
    ("/etc/firewalld/policies/world-to-host.xml", include_str!("../files/zones/world-to-host.xml")),
    ("/etc/firewalld/policies/world-to-any.xml", include_str!("../files/zones/world-to-any.xml")),
];
/// No zone names an interface: all links are in the default zone, but those that are put elsewhere.
const DEFAULT_DROP: &[Argv] = &[
    &["firewall-cmd", "-q", "--set-default-zone=drop"],
    &["firewall-cmd", "-q", "--zone=drop", "--add-port=8084/tcp"],
    &["firewall-cmd", "-q", "--zone=trusted", "--add-interface=eth1"],
    KEEP,
];
const DEFAULT_BLOCK: &[Argv] = &[
    &["firewall-cmd", "-q", "--set-default-zone=block"],
    &["firewall-cmd", "-q", "--zone=block", "--add-masquerade"],
    &["firewall-cmd", "-q", "--zone=block", "--add-service=http"],
    &["firewall-cmd", "-q", "--zone=work", "--add-interface=eth1"],
    &[
        "firewall-cmd",
        "-q",
        "--zone=work",
        "--add-rich-rule=rule priority=-1 family=ipv4 source address=10.20.0.0/24 port port=8080 protocol=tcp accept",
    ],
    &["firewall-cmd", "-q", "--zone=dmz", "--add-source=198.51.100.3"],
    &["firewall-cmd", "-q", "--zone=dmz", "--add-protocol=tcp"],
    KEEP,
];
const DEFAULT_TRUSTED: &[Argv] = &[&["firewall-cmd", "-q", "--set-default-zone=trusted"]];
const PANIC: &[Argv] = &[&["firewall-cmd", "-q", "--panic-on"]];
const OPTIONS: &[Argv] = &[
    &[
        "sed",
        "-i",
        "-e",
        "s/^LogDenied=.*/LogDenied=all/",
        "-e",
        "s/^IPv6_rpfilter=.*/IPv6_rpfilter=strict/",
        "-e",
        "s/^NftablesCounters=.*/NftablesCounters=yes/",
        "-e",
        "s/^NftablesTableOwner=.*/NftablesTableOwner=no/",
        "-e",
        "s/^RFC3964_IPv4=.*/RFC3964_IPv4=yes/",
        "/etc/firewalld/firewalld.conf",
    ],
    &["firewall-cmd", "-q", "--reload"],
];
/// The engine's rules stay when firewalld goes, and what it guarded is open.
const STOPPED: &[Argv] = &[&["sh", "-c", "kill $(cat /run/firewalld.pid); while [ -e /run/firewalld.pid ]; do sleep 0.2; done"]];
/// firewalld from 2.0 on flushes iptables at the first such rule, finds no chain then, and says so; what it flushed stays away.
const DIRECT: &[Argv] = &[&[
    "sh",
    "-c",
    "firewall-cmd -q --direct --add-rule ipv4 filter DOCKER-USER 0 -i eth0 -p tcp -m conntrack --ctstate NEW -j REJECT;
     firewall-cmd -q --direct --add-rule ipv4 filter INPUT 0 -i eth1 -p tcp --dport 8089 -j ACCEPT",
]];

pub(super) const HOSTS: &[Host] = &[
    Host {
        name: "debian-12-default-drop",
        about: "firewalld; default zone drop, eth1 trusted",
        files: &[],
        before: DEFAULT_DROP,
        ..PLAIN
    },
    Host {
        name: "debian-sid-default-drop",
        about: "firewalld; default zone drop, eth1 trusted",
        suite: "sid",
        files: &[],
        before: DEFAULT_DROP,
        ..PLAIN
    },
    Host {
        name: "debian-13-default-block",
        about: "firewalld; default zone block with masquerade, a zone by source, a rich rule with priority",
        suite: "trixie",
        files: &[],
        before: DEFAULT_BLOCK,
        ..PLAIN
    },
    Host {
        name: "debian-12-default-trusted",
        about: "firewalld; default zone trusted",
        files: &[],
        before: DEFAULT_TRUSTED,
        ..PLAIN
    },
    Host {
        name: "debian-12-targets",
        about: "firewalld; a zone of target ACCEPT with refusals, one of target REJECT with a forward-port",
        files: TARGETS,
        redirected: &[8099],
        ..PLAIN
    },
    Host {
        name: "debian-sid-targets",
        about: "firewalld; a zone of target ACCEPT with refusals, one of target REJECT with a forward-port",
        suite: "sid",
        files: TARGETS,
        redirected: &[8099],
        ..PLAIN
    },
    Host {
        name: "debian-13-policies",
        about: "firewalld; policies between zones, to the host, to anywhere, a forward-port to a container",
        suite: "trixie",
        files: POLICIES,
        redirected: &[8099],
        ..PLAIN
    },
    Host {
        name: "debian-sid-policies",
        about: "firewalld; policies between zones, to the host, to anywhere, a forward-port to a container",
        suite: "sid",
        files: POLICIES,
        redirected: &[8099],
        ..PLAIN
    },
    Host {
        name: "debian-12-panic",
        about: "firewalld in panic mode, once the containers ran",
        after: PANIC,
        unmeant: true,
        ..PLAIN
    },
    Host {
        name: "debian-sid-options",
        about: "firewalld; denials logged, counters, reverse path filter of IPv6",
        suite: "sid",
        before: OPTIONS,
        ..PLAIN
    },
    Host { name: "debian-12-options", about: "firewalld; denials logged, reverse path filter of IPv6", before: OPTIONS, ..PLAIN },
    Host {
        name: "debian-sid-old-backend",
        about: "firewalld with FirewallBackend=iptables",
        suite: "sid",
        files: OLD_BACKEND,
        ..PLAIN
    },
    Host {
        name: "debian-13-old-backend",
        about: "firewalld with FirewallBackend=iptables",
        suite: "trixie",
        files: OLD_BACKEND,
        ..PLAIN
    },
    Host {
        name: "debian-12-stopped",
        about: "firewalld stopped under the running engine",
        after: STOPPED,
        unmeant: true,
        ..PLAIN
    },
    Host {
        name: "debian-sid-stopped",
        about: "firewalld stopped under the running engine",
        suite: "sid",
        after: STOPPED,
        unmeant: true,
        ..PLAIN
    },
    Host {
        name: "debian-12-direct",
        about: "firewalld; rules for DOCKER-USER by --direct",
        after: DIRECT,
        unmeant: true,
        ..PLAIN
    },
    Host {
        name: "debian-13-direct",
        about: "firewalld; rules for DOCKER-USER by --direct",
        suite: "trixie",
        after: DIRECT,
        unmeant: true,
        ..PLAIN
    },
];
