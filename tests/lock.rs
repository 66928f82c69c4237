//! Locks for the saved hosts: what they close and leave open, by the packets that were really sent there; what the kernel makes of their
//! rules; and what they must not break.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/hosts.rs"]
mod hosts;
#[path = "common/plans.rs"]
mod plans;
#[path = "common/sent.rs"]
mod sent;

use docker_firewall::judge::court::Court;
use docker_firewall::judge::doors::{self, Door, Way};
use docker_firewall::model::flow::{Direction, Flow};
use docker_firewall::model::guard::Wish;
use docker_firewall::model::host::{Address, Host, Link, Route};
use docker_firewall::model::lock::{Backend, Refusal};
use docker_firewall::model::packet::{Family, Packet, Protocol};
use docker_firewall::model::ruleset::{
    Action, Base, Chain, ChainKind, Hook, Key, Origin, Policy, Rule, Set, Span, Step, Table, TableFamily, Target, Test,
    Translation,
};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::model::verdict::{Path, Verdict};
use docker_firewall::remedy::lock::{self, Plan};
use hosts::saved_hosts;
use plans::{allowing, sights};
use sent::packet;
use serde_json::Value;
use std::io::Write as _;
use std::net::IpAddr;
use std::process::{Command, Stdio};

fn try_plan(host: &Host, wish: &Wish) -> Result<Plan, Refusal> {
    plans::try_plan(host, wish, Backend::Nftables)
}

fn plan(host: &Host, wish: &Wish) -> Plan {
    try_plan(host, wish).unwrap_or_else(|refusal| panic!("{refusal}"))
}

fn verdict(court: &Court, packet: &Packet) -> Verdict {
    court.assess(packet).actual.verdict
}

/// `8080 by eth0` of what is open from outside; of other ways than by a port of the host, with a word about it.
fn open(host: &Host) -> Vec<String> {
    let court = Court::of(host);
    let mut open = Vec::new();
    for sight in sights(&court, &doors::of(host)) {
        let is_open =
            |ruling: &docker_firewall::judge::court::Ruling| ruling.actual != Verdict::Closed && ruling.path != Path::Beside;
        if sight.rulings.iter().any(is_open) {
            let way = if sight.door.way == Way::Host { "" } else { "not at the host: " };
            open.push(format!("{way}{} by {}", sight.door.to.port, sight.door.interface));
        }
    }
    open.sort();
    open.dedup();
    open
}

#[test]
fn what_was_reached_and_meant_is_reached_under_a_lock_and_nothing_else() {
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        let plan = plan(&host, &Wish::default());
        let (before, after) = (Court::of(&host), Court::of(&plan.script.host));
        let probes: Value = serde_json::from_str(&snapshot.files["probes.json"]).unwrap();
        let (mut kept, mut closed) = (0, 0);
        for probe in probes["probes"].as_array().unwrap() {
            let packet = packet(&host, probe);
            let was = before.assess(&packet);
            if was.actual.path == Path::Beside {
                continue;
            }
            let is_at_host = host.links.iter().flat_map(|link| &link.addresses).any(|own| own.net.addr() == packet.destination);
            let is_published = host.publishers.iter().flat_map(|it| &it.bindings).any(|it| it.port == Some(packet.port));
            let is_for_container = host.endpoints.iter().any(|it| it.addresses.contains(&packet.destination));
            let was_reached = matches!(probe["result"].as_str().unwrap(), "open" | "refused" | "rejected:104");
            let is_meant = was.intended.verdict == Verdict::Open && is_at_host;
            let wanted =
                if was_reached && (is_meant || !is_published && !is_for_container) { Verdict::Open } else { Verdict::Closed };
            assert_eq!(verdict(&after, &packet), wanted, "{name}: {packet}");
            kept += usize::from(wanted == Verdict::Open);
            closed += usize::from(was_reached && wanted == Verdict::Closed);
        }
        println!("{name}: {kept} stay open, {closed} are closed");
        assert!(kept > 10 && closed > 10, "{name}: {kept} {closed}");
    }
}

#[test]
fn what_goes_on_inside_a_host_goes_on_under_a_lock() {
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        for wish in [Wish::default(), Wish { refuses_all: true, is_curtain: true, ..Wish::default() }] {
            let (before, after) = (Court::of(&host), Court::of(&plan(&host, &wish).script.host));
            let probes: Value = serde_json::from_str(&snapshot.files["probes.json"]).unwrap();
            for probe in probes["inside"].as_array().unwrap() {
                let packet = packet(&host, probe);
                assert_eq!(verdict(&after, &packet), verdict(&before, &packet), "{name}: {packet}");
            }
        }
    }
}

#[test]
fn a_lock_of_all_leaves_open_only_what_is_allowed() {
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        let wish = Wish { refuses_all: true, ..allowing(&["8080/tcp", "8086/tcp in eth1"]) };
        let left = open(&plan(&host, &wish).script.host);
        assert!(left.contains(&"8080 by eth0".to_owned()) && left.contains(&"8086 by eth1".to_owned()), "{name}: {left:?}");
        assert!(left.iter().all(|line| line.starts_with("8080 by ") || line == "8086 by eth1"), "{name}: {left:?}");
        let nothing = Wish { refuses_all: true, ..Wish::default() };
        assert_eq!(open(&plan(&host, &nothing).script.host), [""; 0], "{name}");
    }
}

#[test]
fn an_allowance_for_some_senders_lets_in_no_others() {
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        let own = host.link("eth0").unwrap().addresses.iter().find(|own| own.net.addr().is_ipv4()).unwrap().net;
        let wish = Wish { refuses_all: true, ..allowing(&[&format!("8080/tcp from {}", own.trunc())]) };
        let after = Court::of(&plan(&host, &wish).script.host);
        let sent = |source: &str| Packet {
            interface: "eth0".into(),
            source: source.parse().unwrap(),
            destination: own.addr(),
            port: 8080,
            protocol: Protocol::TCP,
        };
        let neighbour = own.hosts().nth(1).unwrap().to_string();
        assert_eq!(verdict(&after, &sent(&neighbour)), Verdict::Open, "{name}");
        assert_eq!(verdict(&after, &sent("203.0.113.77")), Verdict::Closed, "{name}");
    }
}

#[test]
fn where_nothing_is_refused_a_lock_wants_to_be_told_what_to_let_in() {
    for (name, snapshot) in saved_hosts() {
        let mut host = snapshot.host();
        host.ruleset.tables.retain(|table| is_engines(&table.name));
        for table in host.ruleset.tables.iter_mut().filter(|table| table.origin != Origin::Nft) {
            // What firewalld 1.3 left in the tables of iptables is nothing without its own.
            table.chains.retain(|_, chain| chain.base.is_some() || chain.name.starts_with("DOCKER"));
        }
        assert_eq!(try_plan(&host, &Wish::default()).unwrap_err(), Refusal::NothingToObey, "{name}");
        let left = open(&plan(&host, &allowing(&["8084/tcp"])).script.host);
        assert!(!left.is_empty() && left.iter().all(|line| line.starts_with("8084 by ")), "{name}: {left:?}");
    }
}

fn is_engines(table: &str) -> bool {
    ["filter", "nat", "raw", "mangle", "docker-bridges"].contains(&table)
}

#[test]
fn a_name_that_cannot_be_written_into_a_rule_is_refused() {
    let (_, snapshot) = saved_hosts().next().unwrap();
    let mut host = snapshot.host();
    host.links.push(bridge("br\"; drop", "10.99.0.1/24"));
    assert_eq!(try_plan(&host, &Wish::default()).unwrap_err(), Refusal::Name("br\"; drop".to_owned()));
}

#[test]
fn what_was_not_seen_is_no_ground_for_a_lock() {
    let (_, mut snapshot) = saved_hosts().next().unwrap();
    snapshot.files.remove("ip-route.json");
    assert!(matches!(try_plan(&snapshot.host(), &Wish::default()), Err(Refusal::Unread(..))));
}

fn bridge(name: &str, address: &str) -> Link {
    Link {
        name: name.into(),
        kind: Some("bridge".to_owned()),
        master: None,
        is_loopback: false,
        addresses: vec![Address { net: address.parse().unwrap(), broadcast: None }],
        programs: Vec::new(),
    }
}

/// The host with one more bridge and the route to it.
fn with_bridge(host: &Host, name: &str, address: &str) -> Host {
    let mut host = host.clone();
    let link = bridge(name, address);
    host.routes.push(Route {
        table: "main".to_owned(),
        destination: link.addresses[0].net.trunc(),
        devices: vec![link.name.clone()],
        metric: 0,
        kind: "unicast".to_owned(),
    });
    host.links.push(link);
    host
}

fn sent(interface: &str, source: &str, destination: &str, port: u16) -> Packet {
    Packet {
        interface: interface.into(),
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        port,
        protocol: Protocol::TCP,
    }
}

#[test]
fn a_network_of_a_later_time_is_guarded_and_works() {
    for (name, snapshot) in saved_hosts() {
        let mut host = snapshot.host();
        // Nothing but the lock refuses anything.
        host.ruleset.tables.retain(|table| ["docker-bridges", "filter", "raw"].iter().all(|own| table.name != *own));
        host.settings.insert("net/ipv4/ip_forward".to_owned(), "1".to_owned());
        let own = host.link("eth0").unwrap().addresses.iter().find(|own| own.net.addr().is_ipv4()).unwrap().net;
        let neighbour = own.hosts().nth(1).unwrap().to_string();
        let wish = Wish { refuses_all: true, ..allowing(&["8080/tcp"]) };
        let locked = plan(&host, &wish).script.host;
        let mut later = with_bridge(&locked, "br-0a1b2c3d4e5f", "172.31.0.1/16");
        later.ruleset.tables.retain(|table| table.name != "firewalld");
        let court = Court::of(&later);
        let outside = sent("eth0", &neighbour, "172.31.0.2", 80);
        assert_eq!(verdict(&court, &outside), Verdict::Closed, "{name}: a container of a later network");
        let egress = sent("br-0a1b2c3d4e5f", "172.31.0.2", &neighbour, 443);
        assert_eq!(verdict(&court, &egress), Verdict::Open, "{name}: from a later network");
        let across = sent("br-0a1b2c3d4e5f", "172.31.0.2", "172.31.0.3", 80);
        assert_eq!(verdict(&court, &across), Verdict::Open, "{name}: on a later network");

        // A bridge of somebody else is outside, though its name begins as the engine's do.
        let court = Court::of(&with_bridge(&later, "br-lan", "192.168.77.1/24"));
        let from_lan = sent("br-lan", "192.168.77.2", "172.31.0.2", 80);
        assert_eq!(verdict(&court, &from_lan), Verdict::Closed, "{name}: from a later br-lan");
        let to_lan = sent("eth0", &neighbour, "192.168.77.2", 80);
        assert_eq!(verdict(&court, &to_lan), Verdict::Open, "{name}: to a later br-lan");
    }
}

/// What a swarm writes for a port that every node takes in (libnetwork `service_linux.go`): a translation to the ingress network's end on
/// the gateway bridge, from where IPVS takes it on.
fn with_ingress(host: &Host, port: u16) -> Host {
    let mut host = with_bridge(host, "docker_gwbridge", "172.29.255.1/24");
    let to = Target { when: Vec::new(), address: Some("172.29.255.2".parse().unwrap()), ports: Some((port, port)) };
    let asked = Test::Fields {
        selectors: vec![Key::DestinationPort.into()],
        among: Set::of([Span::number(port.into())]),
        negated: false,
    };
    let translate = Step::Act(Action::Translate(Translation::Destination(vec![to])));
    let rule = Rule { text: "swarm ingress".into(), steps: [Step::Test(asked), translate].into() };
    let base = Base { hook: Hook::Prerouting, kind: ChainKind::Nat, priority: -110, policy: Policy::Accept, devices: Vec::new() };
    let chain = Chain { name: "DOCKER-INGRESS".into(), base: Some(base), rules: vec![rule], unread: None };
    let chains = [(chain.name.clone(), chain)].into();
    let table = Table { family: TableFamily::Ip, name: "nat".to_owned(), origin: Origin::Legacy, chains };
    host.ruleset.tables.retain(|table| table.name != "raw");
    host.ruleset.tables.push(table);
    host
}

#[test]
fn the_ingress_of_a_swarm_is_open_where_it_is_allowed_and_nowhere_else() {
    let mut open = 0;
    for (name, snapshot) in saved_hosts() {
        let host = with_ingress(&snapshot.host(), 7777);
        let own = host.link("eth0").unwrap().addresses.iter().find(|own| own.net.addr().is_ipv4()).unwrap().net;
        let asked = sent("eth0", &own.hosts().nth(1).unwrap().to_string(), &own.addr().to_string(), 7777);
        let before = verdict(&Court::of(&host), &asked);
        let allowed = plan(&host, &allowing(&["7777/tcp"])).script.host;
        assert_eq!(verdict(&Court::of(&allowed), &asked), before, "{name}: allowed");
        open += usize::from(before == Verdict::Open);
        let refused = plan(&host, &Wish::default()).script.host;
        assert_eq!(verdict(&Court::of(&refused), &asked), Verdict::Closed, "{name}: not allowed");
    }
    assert!(open > 0, "no host lets the ingress through without a lock");
}

#[test]
fn the_kernel_takes_the_rules_and_lists_what_is_judged_alike() {
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        for wish in [
            Wish {
                lasts: Some(std::time::Duration::from_secs(900)),
                ..allowing(&["8080/tcp from 198.51.100.0/24, 2001:db8::/32"])
            },
            Wish { refuses_all: true, is_curtain: true, ..Wish::default() },
        ] {
            let plan = plan(&host, &wish);
            let Some(listing) = listed(&plan.script.loads[0].text) else { return };
            let mut listed = host.clone();
            let tables = Snapshot { files: [("nft-ruleset.json".to_owned(), listing)].into() }.host().ruleset.tables;
            assert!(
                lock::found(&Host {
                    ruleset: docker_firewall::model::ruleset::Ruleset { tables: tables.clone() },
                    ..Host::default()
                })
                .iter()
                .any(|found| found.digest.as_ref() == Some(&plan.script.digest))
            );
            listed.ruleset.tables.extend(tables.into_iter().filter(|table| table.name == "docker_firewall"));
            let is_judged_again = |_: &Court, _: &[Door]| panic!("{name}: what is there is not what was proven");
            lock::confirm(&plan, &listed, &wish, &is_judged_again).unwrap();
            let (planned, real) = (Court::of(&plan.script.host), Court::of(&listed));
            for door in doors::of(&host) {
                let family = Family::of(door.to.address);
                assert_eq!(planned.senders(&door.interface, family), real.senders(&door.interface, family), "{name}");
                let (planned, real) = (planned.rule_on(&door.interface, door.to), real.rule_on(&door.interface, door.to));
                assert_eq!(planned, real, "{name}: {door:?}");
            }
        }
    }
}

#[test]
fn connections_that_are_cut_make_no_difference_to_what_is_told_of_a_lock() {
    let mut unsure = 0;
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        let wish = allowing(&["8080/tcp"]);
        let plan = plan(&host, &wish);
        let own = host.link("eth0").unwrap().addresses.iter().find(|own| own.net.addr().is_ipv4()).unwrap().net;
        let client = own.hosts().nth(1).unwrap();
        // Clients of containers that serve a permitted port, too, each by the same port.
        let at = host.endpoints.iter().flat_map(|endpoint| &endpoint.addresses).filter(|address| address.is_ipv4());
        let flows: Vec<Flow> = at.map(|address| cut_flow(client, *address)).collect();
        let loads = lock::loads_that_cut(&plan, &flows);
        let Some(listing) = listed(&loads[0].text) else { return };
        let tables = Snapshot { files: [("nft-ruleset.json".to_owned(), listing)].into() }.host().ruleset.tables;
        let mut locked = host.clone();
        locked.ruleset.tables.extend(tables.into_iter().filter(|table| table.name == "docker_firewall"));
        let found = lock::found(&locked);
        assert_eq!(found.iter().map(|found| found.digest.as_ref()).collect::<Vec<_>>(), [Some(&plan.script.digest)], "{name}");
        assert_eq!(lock::foreign(&locked), None, "{name}");
        assert_eq!(lock::holds(&locked, &wish, &sights), Ok(plan.account.clone()), "{name}");
        assert_eq!(self::plan(&locked, &wish).script.digest, plan.script.digest, "{name}");
        let packet = sent("eth0", &client.to_string(), &own.addr().to_string(), 8080);
        unsure += usize::from(verdict(&Court::of(&locked), &packet) == Verdict::Unsure);
    }
    assert!(unsure > 0, "the rules are none that could make a difference");
}

/// A connection of a client to port 80 of a container.
fn cut_flow(client: IpAddr, container: IpAddr) -> Flow {
    let original = Direction { source: client, destination: container, source_port: 50000, destination_port: 80 };
    Flow { protocol: Protocol::TCP, original, reply: original.turned(), is_answered: true, zone: 0, id: None }
}

/// What nft lists of a text once it is loaded, in a network of its own; None where that cannot be had.
fn listed(text: &str) -> Option<String> {
    let load = "nft -f /dev/stdin && nft -j list ruleset";
    let child = Command::new("unshare").args(["-n", "sh", "-c", load]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.ok()?;
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    let is_able = Command::new("unshare").args(["-n", "nft", "list", "ruleset"]).output().is_ok_and(|it| it.status.success());
    if !is_able {
        println!("skipped: root and nft are needed");
        return None;
    }
    assert!(output.status.success(), "nft refuses the rules");
    Some(String::from_utf8(output.stdout).unwrap())
}

const HOST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/hosts/engine-28.5-iptables-nft-firewalld-2.5");

/// `lock --dry-run` as the command line has it, in a folder with these files: exit status, what is open, what is said to be wrong.
fn dry_run(files: &[(&str, &str)], arguments: &[&str], snapshot: &str) -> (i32, Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = assert_cmd::Command::cargo_bin("docker-firewall").unwrap();
    command.current_dir(folder.path()).env("NO_COLOR", "1").args(["lock", "--dry-run", "--snapshot", snapshot]).args(arguments);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let open = text.lines().skip_while(|line| !line.starts_with("open")).skip(1).take_while(|line| line.starts_with("  "));
    let open = open.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    (output.status.code().unwrap(), open, String::from_utf8(output.stderr).unwrap())
}

/// What stays open without a word of the owner's.
const PERMITTED: [&str; 4] = [
    "80/tcp remap, to everyone who comes in by eth0, v4 and v6",
    "8084/tcp opened, to everyone who comes in by eth0, v4 and v6",
    "8085/tcp rich, to 198.51.113.3/32 by eth0, v4",
    "8086/tcp app, to everyone who comes in by eth1, v4 and v6",
];

fn more(open: &[String]) -> Vec<&str> {
    open.iter().map(String::as_str).filter(|line| !PERMITTED.contains(line)).collect()
}

#[test]
fn the_policy_file_says_what_is_let_in_for_one_service_and_no_other() {
    let policy = "allow: [8080/tcp]\nservices:\n  dns: any\n  web:\n    allow: 9000/tcp\n    reason: not its port\n";
    let (status, open, _) = dry_run(&[("docker-firewall.yaml", policy)], &[], HOST);
    assert_eq!(status, 0);
    let by = "to everyone who comes in by eth0 and eth1, v4";
    assert_eq!(more(&open), [format!("5353/udp dns, {by}"), format!("8080/tcp web, {by}")]);
}

#[test]
fn a_compose_file_lets_in_what_it_means_to_be_open_and_only_where_it_is_named() {
    let file = "x-docker-firewall: 8080/tcp\nservices:\n  range:\n    image: a\n    ports: ['9000-9002:7000-7002', '8088:80']\n    x-docker-firewall: 9001/tcp from 198.51.113.0/24\n";
    let files = [("compose.yaml", file)];
    let (_, open, _) = dry_run(&files, &[], HOST);
    assert_eq!(more(&open), [""; 0], "nobody named it");
    let (status, open, _) = dry_run(&files, &["-f", "compose.yaml"], HOST);
    assert_eq!(status, 0);
    assert_eq!(
        more(&open),
        [
            "8080/tcp web, to everyone who comes in by eth0 and eth1, v4",
            "9001/tcp range, to everyone who comes in by eth0, v4, and to 198.51.113.0/24 by eth1, v4"
        ]
    );
}

#[test]
fn labels_let_in_only_where_the_policy_trusts_them() {
    let host = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(HOST).unwrap() {
        let path = entry.unwrap().path();
        let mut text = std::fs::read_to_string(&path).unwrap();
        if path.ends_with("inspect.json") {
            let mut containers: Value = serde_json::from_str(&text).unwrap();
            for container in containers.as_array_mut().unwrap() {
                let label = if container["Name"] == "/web" { "8080/tcp in eth0; 8088/tcp" } else { "what is this" };
                container["Config"]["Labels"]["docker-firewall.allow"] = label.into();
            }
            text = containers.to_string();
        }
        std::fs::write(host.path().join(path.file_name().unwrap()), text).unwrap();
    }
    let host = host.path().to_str().unwrap();
    for (policy, wanted) in [
        ("allow: []\n", &[][..]),
        ("trust-labels: false\n", &[]),
        ("trust-labels: true\n", &["8080/tcp web, to everyone who comes in by eth0, v4"]),
    ] {
        let (status, open, complaint) = dry_run(&[("docker-firewall.yaml", policy)], &[], host);
        assert_eq!((status, more(&open)), (0, wanted.to_vec()), "{policy}: {complaint}");
    }
}

#[test]
fn a_mistake_in_what_is_to_be_let_in_stops_the_lock() {
    for (files, arguments, words) in [
        (&[("docker-firewall.yaml", "allow: [8O80/tcp]\n")][..], &[][..], "docker-firewall.yaml"),
        (&[("docker-firewall.yaml", "allow: [\n")], &[], "docker-firewall.yaml"),
        (&[], &["--policy", "none.yaml"], "none.yaml cannot be read"),
        (&[("a.yaml", "services: {a: {image: b, ports: ['99999:80']}}\n")], &["-f", "a.yaml"], "a.yaml"),
        (&[("a.yaml", "services: [\n")], &["-f", "a.yaml"], "a.yaml"),
        (&[], &["-f", "none.yaml"], "none.yaml"),
        (&[], &["--allow", "http"], "http"),
        (&[], &["--for", "soon"], "write a number and its unit"),
        (&[], &["--for", "0s"], "no time at all"),
        (&[], &["--for", "40d"], "31 days"),
    ] {
        let (status, open, complaint) = dry_run(files, arguments, HOST);
        assert_eq!((status, open.len()), (2, 0), "{arguments:?}: {complaint}");
        assert!(complaint.contains(words), "{arguments:?}: {complaint}");
    }
}

#[test]
fn without_root_nothing_is_locked_and_that_is_said() {
    let Some(mut command) = as_nobody() else { return };
    let output = command.args([env!("CARGO_BIN_EXE_docker-firewall"), "lock"]).output().unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(complaint.contains("takes root"), "{complaint}");
}

/// A command that another one follows, run by nobody; None where that cannot be had.
fn as_nobody() -> Option<Command> {
    let nobody = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--clear-groups", "--"]);
        command
    };
    let is_able =
        nobody().args([env!("CARGO_BIN_EXE_docker-firewall"), "--version"]).output().is_ok_and(|it| it.status.success());
    if !is_able {
        println!("skipped: root, setpriv and a binary that nobody may run are needed");
    }
    is_able.then(nobody)
}
