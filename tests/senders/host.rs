//! Random hosts: two links to the outside, the engine's bridge and another one, routes of many kinds.

use super::dice::Dice;
use super::{iptables, rules};
use docker_firewall::model::host::Host;
use docker_firewall::model::packet::Target;
use docker_firewall::model::ruleset::{Action, Step, Test};
use docker_firewall::model::snapshot::{FILES, Snapshot};
use std::sync::Arc;

const ADDRESSES: &str = r#"[{"ifname":"lo","flags":["LOOPBACK"],"addr_info":[{"local":"127.0.0.1","prefixlen":8},{"local":"::1","prefixlen":128}]},
{"ifname":"eth0","addr_info":[{"local":"10.9.0.1","prefixlen":24,"broadcast":"10.9.0.255"},{"local":"fd09::1","prefixlen":64},{"local":"fe80::1","prefixlen":64}]},
{"ifname":"eth1","addr_info":[{"local":"10.8.0.1","prefixlen":16,"broadcast":"10.8.255.255"},{"local":"fd08::1","prefixlen":64}]},
{"ifname":"br0","addr_info":[{"local":"10.7.0.1","prefixlen":24},{"local":"fd07::1","prefixlen":64}]},
{"ifname":"docker0","addr_info":[{"local":"172.31.0.1","prefixlen":24},{"local":"fd31::1","prefixlen":64}]}]"#;

const KINDS: &str =
    r#"[{"ifname":"br0","linkinfo":{"info_kind":"bridge"}},{"ifname":"docker0","linkinfo":{"info_kind":"bridge"}}]"#;

const NETWORKS: &str = r#"[{"Id":"1","Name":"bridge","Driver":"bridge","Options":{"com.docker.network.bridge.name":"docker0"},
"IPAM":{"Config":[{"Subnet":"172.31.0.0/24"},{"Subnet":"fd31::/64"}]}}]"#;

const SETS: &str = "create lab-nets hash:net\nadd lab-nets 10.9.0.0/25\nadd lab-nets 172.31.0.0/30\ncreate lab-pairs hash:ip,port\n\
add lab-pairs 10.8.0.2,tcp:1002\nadd lab-pairs 10.9.0.2,udp:1003\ncreate lab-ports bitmap:port range 1000-1010\nadd lab-ports 1004\n\
create lab-seen hash:ip\nadd lab-seen 10.8.0.2\n";

/// A host with rules of the one tool, of the other, or of both.
pub fn random(dice: &mut Dice) -> Host {
    let mut snapshot = Snapshot::default();
    for (file, _) in FILES {
        snapshot.files.insert(file.to_owned(), String::new());
    }
    let (rules4, rules6) = (iptables::ruleset(dice, false), iptables::ruleset(dice, true));
    let with_iptables = dice.below(3) > 0;
    let files = [
        ("ip-addr.json", ADDRESSES.to_owned()),
        ("ip-link.json", KINDS.to_owned()),
        ("networks.json", NETWORKS.to_owned()),
        ("ipset-save.txt", SETS.to_owned()),
        ("iptables-save.txt", if with_iptables { rules4 } else { String::new() }),
        ("ip6tables-save.txt", if with_iptables { rules6 } else { String::new() }),
        ("ip-route.json", routes(dice, false)),
        ("ip6-route.json", routes(dice, true)),
        ("ip-rule.json", policy(dice, false)),
        ("ip6-rule.json", policy(dice, true)),
        ("sysctl.txt", settings(dice)),
    ];
    snapshot.files.extend(files.map(|(file, text)| (file.to_owned(), text)));
    let mut host = snapshot.host();
    if !with_iptables || dice.one_in(2) {
        host.ruleset.tables.extend(rules::random(dice));
    }
    host
}

/// The same host, with rules that are gone through one by one: all bits of a field are looked at as they are without a mask, but a field
/// under a mask is put in no index.
pub fn without_indexes(host: &Host) -> Host {
    let mut host = host.clone();
    let chains = host.ruleset.tables.iter_mut().flat_map(|table| table.chains.values_mut());
    for step in chains.flat_map(|chain| &mut chain.rules).flat_map(|rule| Arc::make_mut(&mut rule.steps)) {
        if let Step::Test(Test::Fields { selectors, .. }) | Step::Act(Action::Lookup { selectors, .. }) = step {
            selectors.iter_mut().filter(|selector| selector.mask.is_none()).for_each(|selector| selector.mask = Some(u32::MAX));
        }
    }
    host
}

/// An address of the host, of a container or of somebody else, and a port.
pub fn target(dice: &mut Dice) -> Target {
    let address = dice.pick(&[
        "10.9.0.1",
        "10.9.0.1",
        "10.8.0.1",
        "172.31.0.2",
        "172.31.0.2",
        "10.7.0.9",
        "127.0.0.1",
        "10.9.0.255",
        "192.0.2.7",
        "[fd09::1]",
        "[fd31::2]",
        "[fd31::2]",
        "[fd07::9]",
        "[::1]",
        "[fe80::1]",
    ]);
    let (port, protocol) = (1001 + dice.below(5), dice.pick(&["tcp", "tcp", "udp"]));
    format!("{address}:{port}/{protocol}").parse().unwrap()
}

fn routes(dice: &mut Dice, v6: bool) -> String {
    let (v4_routes, v6_routes) = (
        [
            r#"{"dst":"default","dev":"eth0"}"#,
            r#"{"dst":"10.9.0.0/24","dev":"eth0"}"#,
            r#"{"dst":"10.8.0.0/16","dev":"eth1"}"#,
            r#"{"dst":"10.7.0.0/24","dev":"br0"}"#,
            r#"{"dst":"172.31.0.0/24","dev":"docker0"}"#,
            r#"{"dst":"192.168.0.0/16","dev":"eth1"}"#,
            r#"{"type":"unreachable","dst":"192.0.2.0/24"}"#,
            r#"{"table":"7","dst":"default","dev":"eth1"}"#,
            r#"{"table":"7","type":"blackhole","dst":"203.0.113.0/25"}"#,
            r#"{"table":"local","type":"local","dst":"10.66.0.0/24","dev":"eth0"}"#,
        ],
        [
            r#"{"dst":"default","dev":"eth0"}"#,
            r#"{"dst":"fd09::/64","dev":"eth0"}"#,
            r#"{"dst":"fd08::/64","dev":"eth1"}"#,
            r#"{"dst":"fd07::/64","dev":"br0"}"#,
            r#"{"dst":"fd31::/64","dev":"docker0"}"#,
            r#"{"dst":"2001:db8:8::/48","dev":"eth1"}"#,
            r#"{"type":"unreachable","dst":"2001:db8:9::/48"}"#,
            r#"{"table":"7","dst":"default","dev":"eth1"}"#,
            r#"{"table":"7","type":"throw","dst":"fd31::/65"}"#,
            r#"{"table":"local","type":"local","dst":"fd66::/64","dev":"eth0"}"#,
        ],
    );
    let all = if v6 { v6_routes } else { v4_routes };
    let kept: Vec<&str> = all.into_iter().filter(|_| !dice.one_in(6)).collect();
    format!("[{}]", kept.join(","))
}

fn policy(dice: &mut Dice, v6: bool) -> String {
    let mut rules = Vec::new();
    if dice.one_in(2) {
        let (from, to) = if v6 { ("fd09::", "fd31::") } else { ("10.9.0.0", "172.31.0.0") };
        let length = if v6 { 65 } else { 26 };
        let of = [
            format!(r#"{{"priority":10,"src":"{from}","srclen":{length},"table":"7"}}"#),
            r#"{"priority":20,"fwmark":"0x1","fwmask":"0x3","table":"7"}"#.to_owned(),
            format!(r#"{{"priority":30,"dst":"{to}","dstlen":{length},"table":"7"}}"#),
            r#"{"priority":40,"iif":"eth1","table":"7"}"#.to_owned(),
            format!(r#"{{"priority":50,"src":"{from}","srclen":{length},"uidrange":"1-2","table":"7"}}"#),
            r#"{"priority":60,"table":"main","suppress_prefixlen":0}"#.to_owned(),
        ];
        rules.extend(of.into_iter().filter(|_| dice.one_in(3)));
        rules.push(r#"{"priority":32766,"src":"all","table":"main"}"#.to_owned());
    }
    format!("[{}]", rules.join(","))
}

fn settings(dice: &mut Dice) -> String {
    let mut text = "net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n".to_owned();
    for interface in ["all", "eth0", "eth1", "br0", "docker0", "lo"] {
        for (name, most) in [("rp_filter", 3), ("route_localnet", 2), ("accept_local", 2), ("src_valid_mark", 2)] {
            // Mostly off, sometimes not known.
            let value = if dice.one_in(3) { dice.below(most) } else { 0 };
            if !dice.one_in(40) {
                text.extend(["net.ipv4.conf.", interface, ".", name, " = ", &value.to_string(), "\n"]);
            }
        }
    }
    if dice.one_in(3) {
        text += "net.bridge.bridge-nf-call-iptables = 1\nnet.bridge.bridge-nf-call-ip6tables = 1\n";
    }
    text
}
