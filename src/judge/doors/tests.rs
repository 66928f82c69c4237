#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::engine::{Engine, Seat};
use crate::model::field::{Key, Set, Span};
use crate::model::host::{Address, Endpoint, Route};
use crate::model::ruleset::{Action, Chain, Decision, Origin, Rule, Step, Table, TableFamily, Test};
use ipnet::IpNet;

fn link(name: &str, kind: Option<&str>, master: Option<&str>, addresses: &[&str]) -> Link {
    let address = |text: &&str| Address { net: text.parse().unwrap(), broadcast: None };
    Link {
        name: name.into(),
        kind: kind.map(str::to_owned),
        master: master.map(str::to_owned),
        is_loopback: name == "lo",
        programs: Vec::new(),
        addresses: addresses.iter().map(address).collect(),
    }
}

fn publisher(name: &str, bindings: &[(&str, u16)]) -> Publisher {
    let binding = |(address, port): &(&str, u16)| Binding {
        address: address.parse().unwrap(),
        port: Some(*port),
        target: 80,
        protocol: Protocol::TCP,
    };
    Publisher { name: name.to_owned(), bindings: bindings.iter().map(binding).collect(), ..Publisher::default() }
}

fn host(publishers: Vec<Publisher>) -> Host {
    Host {
        links: vec![
            link("lo", None, None, &["127.0.0.1/8", "::1/128"]),
            link("eth0", None, None, &["198.51.100.1/24", "198.51.100.9/24", "2001:db8::1/64", "fe80::1/64"]),
            link("eth1", None, None, &["10.20.0.1/16", "fe80::2/64"]),
            link("docker0", Some("bridge"), None, &["172.17.0.1/16"]),
        ],
        publishers,
        ..Host::default()
    }
}

fn asked(host: &Host) -> Vec<String> {
    of(host).into_iter().map(|door| format!("{} {}", door.interface, door.to.address)).collect()
}

/// A rule that drops what is sent to an address, from a port on.
fn with_rule(mut host: Host, address: &str) -> Host {
    let address: IpAddr = address.parse().unwrap();
    let among = Set::of([Span::Address(address, address)]);
    let test = Step::Test(Test::Fields { selectors: vec![Key::Destination.into()], among, negated: false });
    let rules = vec![Rule { text: "".into(), steps: [test, Step::Act(Action::Decide(Decision::Drop))].into() }];
    let chain = Chain { name: "INPUT".into(), base: None, rules, unread: None };
    let chains = std::iter::once((Arc::clone(&chain.name), chain)).collect();
    host.ruleset.tables.push(Table { family: TableFamily::Ip, name: "filter".to_owned(), origin: Origin::Iptables, chains });
    host
}

#[test]
fn addresses_that_no_rule_tells_apart_are_asked_for_once() {
    let host = host(vec![publisher("web", &[("0.0.0.0", 8080), ("::", 8080)])]);
    assert_eq!(asked(&host), ["eth0 198.51.100.1", "eth1 10.20.0.1", "eth0 2001:db8::1", "eth1 fe80::2"]);
}

#[test]
fn an_address_that_a_rule_tells_apart_is_asked_for_at_every_interface() {
    let host = with_rule(host(vec![publisher("web", &[("0.0.0.0", 8080)])]), "198.51.100.9");
    assert_eq!(asked(&host), ["eth0 198.51.100.1", "eth0 198.51.100.9", "eth1 10.20.0.1", "eth1 198.51.100.9"]);
}

#[test]
fn a_bound_address_is_asked_for_at_every_interface_whether_the_host_has_it_or_not() {
    let host =
        host(vec![publisher("web", &[("10.20.0.1", 1), ("192.0.2.9", 2), ("::ffff:10.20.0.1", 3), ("fe80::1", 4), ("::1", 5)])]);
    let each = |address: &str| [format!("eth0 {address}"), format!("eth1 {address}")];
    let mut expected: Vec<String> = ["10.20.0.1", "192.0.2.9", "10.20.0.1"].iter().flat_map(|address| each(address)).collect();
    // A link-local address is one of its link alone, and ::1 is on no wire.
    expected.push("eth0 fe80::1".to_owned());
    assert_eq!(asked(&host), expected);
}

#[test]
fn a_loopback_address_is_asked_for_from_the_wire() {
    let doors = of(&host(vec![publisher("web", &[("127.0.0.1", 8081)])]));
    assert!(doors.iter().all(|door| door.way == Way::Loopback));
    assert_eq!(doors.len(), 2);
}

#[test]
fn a_container_s_own_address_is_asked_for_unless_its_engine_is_elsewhere() {
    let mut host = host(vec![Publisher { exposed: vec![(9000, Protocol::TCP)], ..publisher("web", &[("127.0.0.1", 8081)]) }]);
    let network: Network = Network {
        id: "n".to_owned(),
        name: "bridge".to_owned(),
        driver: "bridge".to_owned(),
        bridge: Some("docker0".to_owned()),
        parent: None,
        mode: None,
        subnets: Vec::new(),
        gateways: Vec::new(),
        options: std::collections::BTreeMap::new(),
        is_internal: false,
        has_v6: false,
    };
    host.networks.push(network);
    let addresses = vec!["172.17.0.2".parse().unwrap()];
    host.endpoints.push(Endpoint { container: "web".to_owned(), network: "n".to_owned(), addresses });
    let direct = |host: &Host| -> Vec<u16> {
        of(host).iter().filter(|door| door.way == Way::Direct && &*door.interface == "eth0").map(|door| door.to.port).collect()
    };
    assert_eq!(direct(&host), [80, 9000]);
    host.engine = Some(Engine { seat: Seat::Rootless, ..Engine::default() });
    assert!(direct(&host).is_empty());
}

#[test]
fn packets_from_outside_come_in_by_wires_bridges_and_tunnels_and_not_by_their_ports() {
    let mut host = host(Vec::new());
    host.links.extend([
        link("bond0", Some("bond"), None, &["203.0.113.1/24"]),
        link("eth2", None, Some("bond0"), &[]),
        link("eth0.10", Some("vlan"), None, &["10.10.0.1/24"]),
        link("br-lan", Some("bridge"), None, &["192.168.1.1/24"]),
        link("eth3", None, Some("br-lan"), &[]),
        link("red", Some("vrf"), None, &["127.0.0.1/8"]),
        link("eth4", None, Some("red"), &["10.40.0.1/24"]),
        link("wg0", Some("wireguard"), None, &[]),
        link("idle0", None, None, &[]),
        link("veth1", Some("veth"), Some("docker0"), &["fe80::7/64"]),
        link("macvlan0", Some("macvlan"), None, &["198.51.100.7/24"]),
    ]);
    host.routes.push(Route {
        table: "main".to_owned(),
        destination: "10.99.0.0/16".parse::<IpNet>().unwrap(),
        devices: vec!["wg0".into()],
        metric: 0,
        kind: "unicast".to_owned(),
    });
    let names: Vec<&str> = outside(&host).iter().map(|link| &*link.name).collect();
    assert_eq!(names, ["eth0", "eth1", "bond0", "eth0.10", "br-lan", "eth4", "wg0", "macvlan0"]);
    host.links.push(link("eth5", None, Some("docker0"), &[]));
    assert!(outside(&host).iter().any(|link| &*link.name == "docker0"), "a wire is plugged into it");
}
