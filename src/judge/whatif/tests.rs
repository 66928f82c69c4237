#![allow(clippy::unwrap_used)]
use super::*;
use crate::judge::path::trace;
use crate::model::packet::Packet;
use crate::model::snapshot::{FILES, Snapshot};
use crate::model::verdict::Verdict;

#[test]
fn chains_of_the_zone_docker_are_told_from_those_of_other_zones() {
    for name in [
        "filter_IN_docker",
        "filter_IN_docker_allow",
        "filter_FWD_docker_to_public",
        "filter_FWD_public_to_docker",
        "nat_PRE_docker_dispatch",
        "filter_FWD_policy_docker-forwarding_pre",
        "FWD_docker_allow",
    ] {
        assert!(is_firewalld_chain(name), "{name}");
    }
    for name in [
        "filter_IN_public",
        "filter_IN_docker-lan_allow",
        "filter_IN_dockers",
        "filter_FWD_public_to_HOST",
        "DOCKER-USER",
        "filter_INPUT",
    ] {
        assert!(!is_firewalld_chain(name), "{name}");
    }
}

/// A host with an engine's bridge and these rules of iptables.
fn host(rules: &str) -> Host {
    let mut snapshot = Snapshot::default();
    snapshot.files.extend(FILES.iter().map(|(file, _)| ((*file).to_owned(), String::new())));
    let addresses = r#"[{"ifname":"eth0","addr_info":[{"local":"192.0.2.1","prefixlen":24}]},{"ifname":"docker0","addr_info":[{"local":"172.17.0.1","prefixlen":16}]}]"#;
    let routes = r#"[{"dst":"192.0.2.0/24","dev":"eth0"},{"dst":"172.17.0.0/16","dev":"docker0"}]"#;
    let networks = r#"[{"Id":"1","Name":"bridge","Driver":"bridge","Options":{"com.docker.network.bridge.name":"docker0"},"IPAM":{"Config":[{"Subnet":"172.17.0.0/16"}]}}]"#;
    let settings = "net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.route_localnet = 0\nnet.ipv4.conf.eth0.route_localnet = 0\n";
    let files = [
        ("iptables-save.txt", rules),
        ("ip-addr.json", addresses),
        ("ip-route.json", routes),
        ("networks.json", networks),
        ("sysctl.txt", settings),
    ];
    snapshot.files.extend(files.map(|(file, text)| (file.to_owned(), text.to_owned())));
    snapshot.host()
}

/// What is real and what is meant of a packet from outside to a port of the host.
fn verdicts(rules: &str, port: u16) -> (Verdict, Verdict) {
    let host = host(rules);
    let (source, destination) = ("192.0.2.9".parse().unwrap(), "192.0.2.1".parse().unwrap());
    let packet = Packet { interface: "eth0".into(), source, destination, port, protocol: crate::model::packet::Protocol::TCP };
    (trace(&host, &packet).verdict, trace(&without_engine(&host), &packet).verdict)
}

const ENGINE: &str = "*nat\n:PREROUTING ACCEPT\n:DOCKER -\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n{nat}\
    -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n\
    *filter\n:INPUT {input}\n:FORWARD DROP\n:DOCKER -\n:DOCKER-USER -\n-A FORWARD -j DOCKER-USER\n-A FORWARD -o docker0 -j DOCKER\n\
    -A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n{forward}-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n";

fn engine(nat: &str, input: &str, forward: &str) -> String {
    ENGINE.replace("{nat}", nat).replace("{input}", input).replace("{forward}", forward)
}

#[test]
fn a_published_port_is_meant_as_the_input_rules_say() {
    assert_eq!(verdicts(&engine("", "DROP", ""), 8080), (Verdict::Open, Verdict::Closed));
    assert_eq!(verdicts(&engine("", "ACCEPT", ""), 8080), (Verdict::Open, Verdict::Open));
}

#[test]
fn a_translation_by_hand_is_meant() {
    let by_hand = "-A PREROUTING -i eth0 -p tcp -m tcp --dport 9000 -j DNAT --to-destination 172.17.0.2:80\n";
    assert_eq!(verdicts(&engine(by_hand, "DROP", ""), 9000), (Verdict::Open, Verdict::Open));
}

#[test]
fn a_policy_of_forward_that_others_have_rules_beside_is_theirs() {
    let by_hand = "-A PREROUTING -i eth0 -p tcp -m tcp --dport 9000 -j DNAT --to-destination 172.17.0.2:80\n";
    let others = "-A FORWARD -s 203.0.113.0/24 -j ACCEPT\n";
    assert_eq!(verdicts(&engine(by_hand, "DROP", others), 9000), (Verdict::Open, Verdict::Closed));
}

#[test]
fn only_the_engines_own_rules_go_from_the_built_in_chains() {
    let host = host(&engine("", "DROP", "-A FORWARD -i docker0 -o wg0 -d 203.0.113.0/24 -j ACCEPT\n"));
    let stripped = without_engine(&host);
    let filter = stripped.ruleset.tables.iter().find(|table| table.name == "filter").unwrap();
    let left: Vec<&str> = filter.chains["FORWARD"].rules.iter().map(|rule| &*rule.text).collect();
    assert_eq!(left, ["-A FORWARD -j DOCKER-USER", "-A FORWARD -i docker0 -o wg0 -d 203.0.113.0/24 -j ACCEPT"]);
    assert!(!filter.chains.contains_key("DOCKER") && filter.chains.contains_key("DOCKER-USER"));
}
