//! Engines of which no host is saved: what each version writes for one container on a new network, from its sources.
//!
//! Sources: moby at the tags named, `libnetwork/drivers/bridge`, and `integration/network/bridge/iptablesdoc` from 28.0.0 on.

use docker_firewall::judge::planned::{self, About, HostPort, Joined, Place, Planned, Port, Programmed, Wanted};
use docker_firewall::model::engine::DaemonOptions;
use docker_firewall::model::host::Host;
use docker_firewall::model::packet::{Family, Protocol};
use docker_firewall::model::ruleset::{Policy, TableFamily};
use docker_firewall::model::snapshot::{FILES, Snapshot};
use std::net::IpAddr;

/// The tables of an engine from 20.10 to 27 with no network but its first.
const BEFORE_28: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:DOCKER - [0:0]\n\
    :DOCKER-ISOLATION-STAGE-1 - [0:0]\n:DOCKER-ISOLATION-STAGE-2 - [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n\
    -A FORWARD -j DOCKER-ISOLATION-STAGE-1\n-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
    -A FORWARD -o docker0 -j DOCKER\n-A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n-A FORWARD -i docker0 -o docker0 -j ACCEPT\n\
    -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2\n-A DOCKER-ISOLATION-STAGE-1 -j RETURN\n\
    -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP\n-A DOCKER-ISOLATION-STAGE-2 -j RETURN\n-A DOCKER-USER -j RETURN\nCOMMIT\n\
    *nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n\
    -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER\n\
    -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n-A DOCKER -i docker0 -j RETURN\nCOMMIT\n";

/// The same of 28.0.0, which knows its bridges by ipsets.
const AT_28: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:DOCKER - [0:0]\n\
    :DOCKER-ISOLATION-STAGE-1 - [0:0]\n:DOCKER-ISOLATION-STAGE-2 - [0:0]\n:DOCKER-USER - [0:0]\n-A FORWARD -j DOCKER-USER\n\
    -A FORWARD -m set --match-set docker-ext-bridges-v4 dst -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
    -A FORWARD -j DOCKER-ISOLATION-STAGE-1\n-A FORWARD -m set --match-set docker-ext-bridges-v4 dst -j DOCKER\n\
    -A FORWARD -i docker0 -j ACCEPT\n-A DOCKER ! -i docker0 -o docker0 -j DROP\n\
    -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2\n\
    -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP\n-A DOCKER-USER -j RETURN\nCOMMIT\n\
    *nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n\
    -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER\n\
    -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n-A DOCKER -i docker0 -j RETURN\nCOMMIT\n";

/// The same from 29.0 on.
const FROM_29: &str = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:DOCKER - [0:0]\n\
    :DOCKER-BRIDGE - [0:0]\n:DOCKER-CT - [0:0]\n:DOCKER-FORWARD - [0:0]\n:DOCKER-INTERNAL - [0:0]\n:DOCKER-USER - [0:0]\n\
    -A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n-A DOCKER ! -i docker0 -o docker0 -j DROP\n\
    -A DOCKER-BRIDGE -o docker0 -j DOCKER\n-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
    -A DOCKER-FORWARD -j DOCKER-CT\n-A DOCKER-FORWARD -j DOCKER-INTERNAL\n-A DOCKER-FORWARD -j DOCKER-BRIDGE\n\
    -A DOCKER-FORWARD -i docker0 -j ACCEPT\nCOMMIT\n\
    *nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n\
    -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER\n\
    -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\nCOMMIT\n";

/// The v6 tables of the same: without rules of docker0, which has no v6.
fn v6(v4: &str) -> String {
    let without: Vec<&str> = v4.lines().filter(|line| !line.contains("docker0")).collect();
    format!("{}\n", without.join("\n")).replace("127.0.0.0/8", "::1/128").replace("bridges-v4", "bridges-v6")
}

fn host(version: &str, tables: &str, writes_v6: bool, daemon: &str) -> Host {
    let mut snapshot = Snapshot::default();
    snapshot.files.extend(FILES.iter().map(|(file, _)| ((*file).to_owned(), String::new())));
    let mut put = |file: &str, text: String| snapshot.files.insert(file.to_owned(), text);
    put("iptables-version.txt", "iptables v1.8.11 (nf_tables)".to_owned());
    put("iptables-save.txt", tables.to_owned());
    put("ip6tables-save.txt", if writes_v6 { v6(tables) } else { String::new() });
    put("version.json", format!(r#"{{"Version":"{version}"}}"#));
    put("daemon.json", daemon.to_owned());
    put(
        "sysctl.txt",
        "net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 0\nnet.ipv6.conf.default.forwarding = 0\n".to_owned(),
    );
    put(
        "ipset-save.txt",
        "create docker-ext-bridges-v4 hash:net family inet hashsize 1024 maxelem 65536\nadd docker-ext-bridges-v4 172.17.0.0/16\n\
         create docker-ext-bridges-v6 hash:net family inet6 hashsize 1024 maxelem 65536\nadd docker-ext-bridges-v6 fd00:17::/64\n"
            .to_owned(),
    );
    snapshot.host()
}

/// A container with `8080:80` on a new network of both families.
fn web(options: &[(&str, &str)]) -> Planned {
    let name = |key: &str| format!("com.docker.network.bridge.{key}");
    let mut options: std::collections::BTreeMap<String, String> =
        options.iter().map(|(key, value)| (name(key), (*value).to_owned())).collect();
    options.insert(name("name"), "br-shop".to_owned());
    let network = Wanted {
        name: "shop_default".to_owned(),
        options,
        families: vec![Family::V4, Family::V6],
        subnets: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8:1::/64".parse().unwrap()],
        ..Wanted::default()
    };
    let port = Port { publication: 0, host: None, port: HostPort::Exactly(8080), target: 80, protocol: Protocol::TCP };
    Planned {
        name: "web".to_owned(),
        place: Place::Networks(vec![Joined { network, ..Joined::default() }]),
        ports: vec![port],
        ..Planned::default()
    }
}

/// The same with a host address.
fn bound(mut planned: Planned, host: &str) -> Planned {
    planned.ports[0].host = host.parse().ok();
    planned
}

/// The rules that came, by their tables, in the order of the tables and chains.
fn added(before: &Host, done: &Programmed, family: TableFamily) -> Vec<String> {
    let all = |host: &Host| -> Vec<String> {
        let tables = host.ruleset.tables.iter().filter(|table| table.family == family);
        let rules = |name: &str, chain: &docker_firewall::model::ruleset::Chain| -> Vec<String> {
            chain.rules.iter().map(|rule| format!("{name} {}", rule.text)).collect()
        };
        tables.flat_map(|table| table.chains.values().flat_map(|chain| rules(&table.name, chain))).collect()
    };
    let old = all(before);
    all(&done.host).into_iter().filter(|rule| !old.contains(rule)).collect()
}

fn forward(host: &Host) -> Vec<&str> {
    let filter = host.ruleset.tables.iter().find(|table| table.name == "filter").unwrap();
    filter.chains["FORWARD"].rules.iter().map(|rule| &*rule.text).collect()
}

fn listeners(done: &Programmed) -> Vec<(Option<IpAddr>, bool, &str)> {
    let shown = |it| {
        let listener: &docker_firewall::model::host::Listener = it;
        (listener.address, listener.v6, listener.program.as_deref().unwrap_or_default())
    };
    done.host.listeners.iter().map(shown).collect()
}

#[test]
fn engine_27_translates_v6_as_it_does_v4_and_guards_nothing() {
    let host = host("27.5.1", BEFORE_28, true, "");
    let done = planned::on(&host, &[web(&[])]);
    assert_eq!(done.doubts, []);
    assert_eq!(
        added(&host, &done, TableFamily::Ip6),
        [
            "filter -A DOCKER -d 2001:db8:1::2/128 ! -i br-shop -o br-shop -p tcp -m tcp --dport 80 -j ACCEPT",
            "filter -A DOCKER-ISOLATION-STAGE-1 -i br-shop ! -o br-shop -j DOCKER-ISOLATION-STAGE-2",
            "filter -A DOCKER-ISOLATION-STAGE-2 -o br-shop -j DROP",
            "filter -A FORWARD -o br-shop -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "filter -A FORWARD -o br-shop -j DOCKER",
            "filter -A FORWARD -i br-shop ! -o br-shop -j ACCEPT",
            "filter -A FORWARD -i br-shop -o br-shop -j ACCEPT",
            "nat -A DOCKER -i br-shop -j RETURN",
            "nat -A DOCKER ! -i br-shop -p tcp -m tcp --dport 8080 -j DNAT --to-destination [2001:db8:1::2]:80",
            "nat -A POSTROUTING -s 2001:db8:1::/64 ! -o br-shop -j MASQUERADE",
            "nat -A POSTROUTING -s 2001:db8:1::2/128 -d 2001:db8:1::2/128 -p tcp -m tcp --dport 80 -j MASQUERADE",
        ]
    );
    assert_eq!(added(&host, &done, TableFamily::Ip).len(), 11);
    assert_eq!(done.host.setting("net/ipv6/conf/all/forwarding"), Some(1));
}

#[test]
fn engine_27_refuses_a_host_port_where_nothing_is_translated() {
    let routed = [("gateway_mode_ipv4", "routed"), ("gateway_mode_ipv6", "routed")];
    let doubts = |version: &str, tables: &str| planned::on(&host(version, tables, true, ""), &[web(&routed)]).doubts;
    assert!(doubts("27.5.1", BEFORE_28)[0].reason.contains("refuses a host port on a routed network"));
    assert_eq!(doubts("28.5.2", FROM_29), []);
}

#[test]
fn before_27_v6_is_left_to_docker_proxy_and_to_the_kernel() {
    let host = host("26.1.5", BEFORE_28, false, "");
    let done = planned::on(&host, &[web(&[])]);
    assert_eq!(added(&host, &done, TableFamily::Ip6), [""; 0]);
    assert_eq!(listeners(&done), [(None, false, "docker-proxy"), (None, true, "docker-proxy")]);
}

#[test]
fn before_28_a_new_network_puts_the_owners_chain_first_again() {
    // As it is after firewalld before 2.0 was reloaded.
    let jump = "-A FORWARD -j DOCKER-USER\n";
    let moved = BEFORE_28.replace(jump, "").replace("-A DOCKER-ISOLATION", &format!("{jump}-A DOCKER-ISOLATION"));
    let host = host("26.1.5", &moved, false, "");
    assert_ne!(forward(&host)[0], jump.trim());
    let mut on_old = web(&[]);
    on_old.place = Place::Networks(Vec::new());
    assert_ne!(forward(&planned::on(&host, &[on_old]).host)[0], jump.trim());
    let done = planned::on(&host, &[web(&[])]);
    assert_eq!(forward(&done.host)[..2], ["-A FORWARD -j DOCKER-USER", "-A FORWARD -j DOCKER-ISOLATION-STAGE-1"]);
    assert_eq!(forward(&done.host).iter().filter(|rule| **rule == jump.trim()).count(), 1);
}

#[test]
fn engine_28_0_0_knows_its_bridges_by_a_set_and_guards_each_port() {
    let host = host("28.0.0", AT_28, true, "");
    let done = planned::on(&host, &[bound(web(&[]), "127.0.0.1")]);
    assert_eq!(
        added(&host, &done, TableFamily::Ip),
        [
            "filter -A DOCKER -d 192.0.2.2/32 ! -i br-shop -o br-shop -p tcp -m tcp --dport 80 -j ACCEPT",
            "filter -A DOCKER ! -i br-shop -o br-shop -j DROP",
            "filter -A DOCKER-ISOLATION-STAGE-1 -i br-shop ! -o br-shop -j DOCKER-ISOLATION-STAGE-2",
            "filter -A DOCKER-ISOLATION-STAGE-2 -o br-shop -j DROP",
            "filter -A FORWARD -i br-shop -j ACCEPT",
            "nat -A DOCKER -i br-shop -j RETURN",
            "nat -A DOCKER -d 127.0.0.1/32 ! -i br-shop -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.2:80",
            "nat -A POSTROUTING -s 192.0.2.0/24 ! -o br-shop -j MASQUERADE",
            "raw -A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 8080 -j DROP",
            "raw -A PREROUTING -d 192.0.2.2/32 ! -i br-shop -p tcp -m tcp --dport 80 -j DROP",
        ]
    );
    let filter = done.host.ruleset.tables.iter().find(|table| table.family == TableFamily::Ip && table.name == "filter").unwrap();
    let named = filter.chains["FORWARD"].rules.iter().filter(|rule| rule.text.contains("docker-ext-bridges-v4"));
    for rule in named {
        assert!(format!("{:?}", rule.steps).contains("192.0.2.0"), "{}", rule.text);
    }
}

#[test]
fn engine_29_isolates_nothing_and_guards_each_container() {
    let host = host("29.5.0", FROM_29, true, r#"{"bridge-accept-fwmark": "0x10/0x30"}"#);
    let done = planned::on(&host, &[web(&[("trusted_host_interfaces", "eth1:wg0")])]);
    assert_eq!(done.doubts, []);
    assert_eq!(
        added(&host, &done, TableFamily::Ip6),
        [
            "filter -A DOCKER -d 2001:db8:1::2/128 ! -i br-shop -o br-shop -p tcp -m tcp --dport 80 -j ACCEPT",
            "filter -A DOCKER ! -i br-shop -o br-shop -j DROP",
            "filter -A DOCKER-BRIDGE -o br-shop -j DOCKER",
            "filter -A DOCKER-CT -o br-shop -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "filter -A DOCKER-FORWARD -m mark --mark 0x10/0x30 -j ACCEPT",
            "filter -A DOCKER-FORWARD -i br-shop -j ACCEPT",
            "nat -A DOCKER ! -s fe80::/10 ! -i br-shop -p tcp -m tcp --dport 8080 -j DNAT --to-destination [2001:db8:1::2]:80",
            "nat -A POSTROUTING -s 2001:db8:1::/64 ! -o br-shop -j MASQUERADE",
            "raw -A PREROUTING -d 2001:db8:1::2/128 -i eth1 -j ACCEPT",
            "raw -A PREROUTING -d 2001:db8:1::2/128 -i wg0 -j ACCEPT",
            "raw -A PREROUTING -d 2001:db8:1::2/128 ! -i br-shop -j DROP",
        ]
    );
}

#[test]
fn with_the_first_network_of_v6_a_newer_engine_closes_forwarding() {
    let policy = |version: &str, tables: &str, daemon: &str| {
        let tables = tables.replace("FORWARD DROP", "FORWARD ACCEPT");
        let done = planned::on(&host(version, &tables, true, daemon), &[web(&[])]);
        let v6 =
            done.host.ruleset.tables.iter().find(|table| table.family == TableFamily::Ip6 && table.name == "filter").unwrap();
        v6.chains["FORWARD"].base.as_ref().unwrap().policy
    };
    assert_eq!(policy("29.5.0", FROM_29, ""), Policy::Drop);
    assert_eq!(policy("29.5.0", FROM_29, r#"{"ip-forward-no-drop": true}"#), Policy::Accept);
    assert_eq!(policy("29.5.0", FROM_29, r#"{"ip-forward": false}"#), Policy::Accept);
    assert_eq!(policy("27.5.1", BEFORE_28, ""), Policy::Accept);
}

#[test]
fn without_docker_proxy_the_host_itself_is_translated_and_v6_to_a_v4_container_is_not_bound() {
    let tables = FROM_29.replace("! -d 127.0.0.0/8 ", "");
    let host = host("28.5.2", &tables, false, "");
    let mut planned = web(&[]);
    if let Place::Networks(joined) = &mut planned.place {
        joined[0].network.families = vec![Family::V4];
        joined[0].network.subnets.truncate(1);
    }
    let done = planned::on(&host, &[planned]);
    assert_eq!(listeners(&done), [(None, false, "dockerd")]);
    let added = added(&host, &done, TableFamily::Ip);
    for rule in [
        "nat -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.2:80",
        "nat -A POSTROUTING -o br-shop -m addrtype --src-type LOCAL -j MASQUERADE",
        "nat -A POSTROUTING -s 192.0.2.2/32 -d 192.0.2.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE",
    ] {
        assert!(added.iter().any(|other| other == rule), "{rule}: {added:#?}");
    }
    assert_eq!(done.host.setting("net/ipv4/conf/br-shop/route_localnet"), Some(1));
}

#[test]
fn an_engine_that_is_told_to_write_no_rules_writes_none() {
    for daemon in [r#"{"iptables": false}"#, ""] {
        let host = host("28.5.2", "", false, daemon);
        let done = planned::on(&host, &[web(&[])]);
        assert!(done.host.ruleset.tables.iter().all(|table| table.chains.values().all(|chain| chain.rules.is_empty())));
        assert_eq!(listeners(&done).len(), 2);
        // Without the word of its configuration, the chains may as well have been flushed.
        assert_eq!(done.doubts.iter().any(|doubt| doubt.reason.contains("chains are not there")), daemon.is_empty());
    }
}

#[test]
fn direct_routing_is_let_in_where_the_daemon_says_so() {
    let host = host("28.5.2", FROM_29, false, r#"{"allow-direct-routing": true}"#);
    let done = planned::on(&host, &[bound(web(&[]), "127.0.0.1")]);
    assert_eq!(done.doubts, []);
    let raw: Vec<String> = added(&host, &done, TableFamily::Ip).into_iter().filter(|rule| rule.starts_with("raw")).collect();
    assert_eq!(raw, ["raw -A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 8080 -j DROP"]);
}

#[test]
fn guards_that_other_containers_lack_are_doubted() {
    let host = host("28.5.2", FROM_29, false, "");
    let first = planned::on(&host, &[web(&[])]).host;
    let mut bare = first.clone();
    bare.ruleset.tables.retain(|table| table.name != "raw");
    let mut second = web(&[]);
    "other".clone_into(&mut second.name);
    second.ports[0].port = HostPort::Exactly(8081);
    assert_eq!(planned::on(&first, std::slice::from_ref(&second)).doubts, []);
    let done = planned::on(&bare, &[second]);
    assert_eq!(done.doubts.iter().map(|doubt| doubt.about).collect::<Vec<_>>(), [About::Guards]);
    assert!(done.host.ruleset.tables.iter().all(|table| table.name != "raw"));
}

#[test]
fn containers_that_may_not_talk_to_each_other_are_kept_apart() {
    for (version, tables, rule) in [
        ("27.5.1", BEFORE_28, "filter -A FORWARD -i br-shop -o br-shop -j DROP"),
        ("29.5.0", FROM_29, "filter -A DOCKER-FORWARD -i br-shop -o br-shop -j DROP"),
    ] {
        let host = host(version, tables, false, "");
        let added = added(&host, &planned::on(&host, &[web(&[("enable_icc", "false")])]), TableFamily::Ip);
        assert!(added.iter().any(|other| other == rule), "{added:#?}");
    }
}

#[test]
fn new_networks_take_the_daemons_options_and_pools() {
    let daemon = r#"{"default-network-opts": {"bridge": {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}},
        "default-address-pools": [{"base": "10.99.0.0/16", "size": 24}]}"#;
    let host = host("28.5.2", FROM_29, false, daemon);
    assert_ne!(host.engine.as_ref().unwrap().options, DaemonOptions::default());
    let mut planned = web(&[]);
    if let Place::Networks(joined) = &mut planned.place {
        joined[0].network.families = vec![Family::V4];
        joined[0].network.subnets.clear();
    }
    let done = planned::on(&host, &[planned]);
    let network = done.host.networks.last().unwrap();
    assert_eq!(network.subnets, ["10.99.0.0/24".parse().unwrap()]);
    assert_eq!(listeners(&done), [("127.0.0.1".parse().ok(), false, "docker-proxy")]);
    assert_eq!(done.host.endpoints[0].addresses, ["10.99.0.2".parse::<IpAddr>().unwrap()]);
}

#[test]
fn an_isolated_network_gives_the_host_no_address() {
    let host = host("28.5.2", FROM_29, false, "");
    let mut planned = web(&[("gateway_mode_ipv4", "isolated")]);
    let done = planned::on(&host, &[planned.clone()]);
    assert!(done.doubts[0].reason.contains("refuses the gateway mode isolated"), "{:?}", done.doubts);
    if let Place::Networks(joined) = &mut planned.place {
        joined[0].network.is_internal = true;
        joined[0].network.families = vec![Family::V4];
        joined[0].network.subnets.truncate(1);
    }
    let done = planned::on(&host, &[planned]);
    assert_eq!((done.doubts.len(), done.opened.len()), (0, 0));
    assert!(done.host.link("br-shop").unwrap().addresses.is_empty());
}

#[test]
fn a_routed_network_opens_its_ports_from_29_on_even_where_another_is_the_gateway() {
    for (version, tables, wanted) in [("28.5.2", FROM_29, false), ("29.5.0", FROM_29, true)] {
        let host = host(version, tables, false, "");
        let mut planned = web(&[]);
        let Place::Networks(joined) = &mut planned.place else { panic!("it has networks") };
        joined[0].priority = 1;
        let mut routed = joined[0].clone();
        routed.network.name = "routed".to_owned();
        routed.network.subnets = vec!["198.51.100.0/24".parse().unwrap()];
        routed.network.families = vec![Family::V4];
        let name = |key: &str| format!("com.docker.network.bridge.{key}");
        routed.network.options.insert(name("name"), "br-routed".to_owned());
        routed.network.options.insert(name("gateway_mode_ipv4"), "routed".to_owned());
        routed.priority = 0;
        joined.push(routed);
        let added = added(&host, &planned::on(&host, &[planned]), TableFamily::Ip);
        let rule = "filter -A DOCKER -d 198.51.100.2/32 ! -i br-routed -o br-routed -p tcp -m tcp --dport 80 -j ACCEPT";
        assert_eq!(added.iter().any(|other| other == rule), wanted, "{version}: {added:#?}");
    }
}
