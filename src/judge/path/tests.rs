#![allow(clippy::unwrap_used)]
mod changed_sets;

use super::*;
use crate::model::packet::Target;
use crate::model::snapshot::Snapshot;

const ADDRESSES: &str = r#"[{"ifname":"lo","flags":["LOOPBACK"],"addr_info":[{"local":"127.0.0.1","prefixlen":8},{"local":"::1","prefixlen":128}]},
    {"ifname":"eth0","flags":[],"addr_info":[{"local":"192.0.2.1","prefixlen":24,"broadcast":"192.0.2.255"},{"local":"2001:db8::1","prefixlen":64},
        {"local":"fe80::1","prefixlen":64}]},
    {"ifname":"eth1","flags":[],"addr_info":[{"local":"10.0.0.1","prefixlen":8,"broadcast":"10.255.255.255"},{"local":"fe80::2","prefixlen":64}]},
    {"ifname":"docker0","flags":[],"addr_info":[{"local":"172.17.0.1","prefixlen":16}]}]"#;

const ROUTES: &str = r#"[{"dst":"default","gateway":"192.0.2.254","dev":"eth0"},{"dst":"192.0.2.0/24","dev":"eth0"},{"dst":"10.0.0.0/8","dev":"eth1"},
    {"dst":"172.17.0.0/16","dev":"docker0"},{"type":"unreachable","dst":"198.18.0.0/15"}]"#;

const SETTINGS: &str =
    "net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.eth0.rp_filter = 0
net.ipv4.conf.eth1.rp_filter = 1\nnet.ipv4.conf.all.route_localnet = 0\nnet.ipv4.conf.eth0.route_localnet = 0\n";

/// A host with these v4 rules of iptables, these of nft, and files replaced or, where the text is `-`, missing.
pub(super) fn host(iptables: &str, nft: &str, files: &[(&str, &str)]) -> Host {
    let mut snapshot = Snapshot::default();
    for (file, _) in crate::model::snapshot::FILES {
        snapshot.files.insert(file.to_owned(), String::new());
    }
    let own = [
        ("iptables-save.txt", iptables),
        ("nft-ruleset.json", nft),
        ("ip-addr.json", ADDRESSES),
        ("ip-route.json", ROUTES),
        ("sysctl.txt", SETTINGS),
    ];
    for (file, text) in own.iter().chain(files) {
        if *text == "-" {
            snapshot.files.remove(*file);
        } else {
            snapshot.files.insert((*file).to_owned(), (*text).to_owned());
        }
    }
    snapshot.host()
}

pub(super) fn judged(host: &Host, interface: &str, from: &str, to: &str) -> Trace {
    let to: Target = to.parse().unwrap();
    trace(host, &crate::judge::bypass::packet(host, to, from.parse().ok(), Some(interface)).unwrap())
}

/// The verdict on a packet from eth0 to port 80 of the host, with these v4 filter and nat rules.
fn verdict(rules: &str) -> Verdict {
    judged(&host(rules, "", &[]), "eth0", "192.0.2.9", "192.0.2.1:80").verdict
}

fn input(rules: &str) -> Verdict {
    verdict(&format!("*filter\n:INPUT DROP\n:FORWARD ACCEPT\n:A -\n:B -\n{rules}\nCOMMIT\n"))
}

#[test]
fn the_first_rule_that_decides_counts_and_then_the_policy() {
    assert_eq!(input("-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT"), Verdict::Open);
    assert_eq!(input("-A INPUT -p tcp -m tcp --dport 81 -j ACCEPT"), Verdict::Closed);
    assert_eq!(input("-A INPUT -j REJECT\n-A INPUT -j ACCEPT"), Verdict::Closed);
}

#[test]
fn return_goes_back_to_the_caller_and_goto_does_not_come_back() {
    assert_eq!(input("-A INPUT -j A\n-A INPUT -j ACCEPT\n-A A -j RETURN\n-A A -j DROP"), Verdict::Open);
    assert_eq!(input("-A INPUT -g A\n-A INPUT -j ACCEPT\n-A A -j RETURN"), Verdict::Closed);
    assert_eq!(input("-A INPUT -j A\n-A INPUT -j ACCEPT\n-A A -g B\n-A A -j DROP"), Verdict::Open);
}

#[test]
fn chains_that_call_each_other_for_ever_are_not_judged() {
    assert_eq!(input("-A INPUT -j A\n-A A -j B\n-A B -j A"), Verdict::Unsure);
}

#[test]
fn doubt_is_resolved_once_for_each_rule_after_negation() {
    let limit = "-m limit --limit 1/sec";
    assert_eq!(input(&format!("-A INPUT {limit} -j ACCEPT")), Verdict::Unsure);
    assert_eq!(input(&format!("-A INPUT {limit} -j ACCEPT\n-A INPUT -j ACCEPT")), Verdict::Open, "both ways end the same");
    assert_eq!(input(&format!("-A INPUT -p udp {limit} -j ACCEPT")), Verdict::Closed, "another test fails for certain");
    assert_eq!(input(&format!("-A INPUT {limit} -j LOG\n-A INPUT -j ACCEPT")), Verdict::Open, "it only logs");
}

#[test]
fn what_stands_in_the_way_of_a_verdict_is_named() {
    let rules = "*filter\n:INPUT DROP\n-A INPUT -m recent --update --name x -j DROP\n-A INPUT -j ACCEPT\nCOMMIT\n";
    let trace = judged(&host(rules, "", &[]), "eth0", "192.0.2.9", "192.0.2.1:80");
    assert_eq!(trace.verdict, Verdict::Unsure);
    assert!(trace.doubts[0].contains("-m recent --update --name x"), "{:?}", trace.doubts);
}

#[test]
fn accept_ends_only_its_own_base_chain_and_drop_ends_the_packet() {
    let mangle = |target: &str| format!("*mangle\n:INPUT ACCEPT\n-A INPUT -j {target}\nCOMMIT\n*filter\n:INPUT {{}}\nCOMMIT\n");
    assert_eq!(verdict(&mangle("ACCEPT").replace("{}", "DROP")), Verdict::Closed);
    assert_eq!(verdict(&mangle("DROP").replace("{}", "ACCEPT")), Verdict::Closed);
    assert_eq!(verdict(&mangle("ACCEPT").replace("{}", "ACCEPT")), Verdict::Open);
}

/// A rule set of nft with one chain `c` at a hook, in a table of a family.
pub(super) fn nft(family: &str, hook: &str, kind: &str, priority: i32, rules: &[&str]) -> String {
    let chain = format!(
        r#"{{"chain":{{"family":"{family}","table":"t","name":"c","type":"{kind}","hook":"{hook}","prio":{priority},"policy":"accept"}}}}"#
    );
    let rule = |expr: &&str| format!(r#"{{"rule":{{"family":"{family}","table":"t","chain":"c","expr":[{expr}]}}}}"#);
    let rules: Vec<String> = rules.iter().map(rule).collect();
    let all: Vec<String> =
        [format!(r#"{{"table":{{"family":"{family}","name":"t"}}}}"#), chain].into_iter().chain(rules).collect();
    format!(r#"{{"nftables":[{}]}}"#, all.join(","))
}

#[test]
fn what_follows_a_map_is_for_the_packets_that_the_map_sends_on() {
    let port = r#"{"payload":{"protocol":"tcp","field":"dport"}}"#;
    for (of, does, then, next, verdict) in [
        (81, "accept", "drop", "accept", Verdict::Open),
        (81, "drop", "accept", "drop", Verdict::Closed),
        (80, "continue", "drop", "accept", Verdict::Closed),
        (80, "accept", "drop", "drop", Verdict::Open),
    ] {
        let rule = format!(r#"{{"vmap":{{"key":{port},"data":{{"set":[[{of},{{"{does}":null}}]]}}}}}},{{"{then}":null}}"#);
        let next = format!(r#"{{"{next}":null}}"#);
        let host = host("", &nft("inet", "input", "filter", 0, &[&rule, &next]), &[]);
        assert_eq!(judged(&host, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, verdict, "{of} : {does}, then {then}");
    }
}

#[test]
fn chains_that_call_each_other_in_a_circle_lose_the_packet_at_once() {
    assert_eq!(input("-A INPUT -j A\n-A A -j B\n-A A -j B\n-A B -j A\n-A B -j A"), Verdict::Unsure);
}

#[test]
fn a_field_that_the_packet_has_not_ends_the_rule_negated_or_not() {
    for op in ["==", "!="] {
        let rule = format!(
            r#"{{"match":{{"op":"{op}","left":{{"payload":{{"protocol":"ip6","field":"saddr"}}}},"right":"fd00::1"}}}},{{"drop":null}}"#
        );
        let host = host("", &nft("inet", "input", "filter", 0, &[&rule]), &[]);
        assert_eq!(judged(&host, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, Verdict::Open, "{op}");
    }
}

#[test]
fn before_connection_tracking_every_packet_is_invalid() {
    let rule = r#"{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":"invalid"}},{"drop":null}"#;
    let at = |priority| {
        judged(&host("", &nft("ip", "prerouting", "filter", priority, &[rule]), &[]), "eth0", "192.0.2.9", "192.0.2.1:80").verdict
    };
    assert_eq!((at(-300), at(-150)), (Verdict::Closed, Verdict::Open));
}

const DNAT: &str = "-j DNAT --to-destination 172.17.0.2:80";

#[test]
fn a_translated_packet_is_forwarded_and_keeps_its_first_destination() {
    let rules = format!(
        "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -m tcp --dport 8080 {DNAT}\nCOMMIT\n*filter\n:INPUT DROP\n:FORWARD DROP\n\
         -A FORWARD -d 172.17.0.2/32 -o docker0 -p tcp -m tcp --dport 80 -m conntrack --ctstate DNAT --ctorigdstport 8080 -j ACCEPT\nCOMMIT\n"
    );
    let host = host(&rules, "", &[]);
    let trace = judged(&host, "eth0", "192.0.2.9", "192.0.2.1:8080");
    assert_eq!(
        (trace.verdict, trace.path, trace.delivered),
        (Verdict::Open, Path::Translated, Some(("172.17.0.2".parse().unwrap(), Some(80))))
    );
    assert_eq!(judged(&host, "eth0", "192.0.2.9", "192.0.2.1:80").path, Path::Input);
    assert_eq!(judged(&host, "eth0", "192.0.2.9", "172.17.0.2:80").verdict, Verdict::Closed, "not translated");
}

#[test]
fn an_uncertain_translation_is_followed_both_ways() {
    let nat =
        format!("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -m statistic --mode random --probability 0.5 {DNAT}\nCOMMIT\n");
    let filter = |input: &str, forward: &str| format!("{nat}*filter\n:INPUT {input}\n:FORWARD {forward}\nCOMMIT\n");
    assert_eq!(verdict(&filter("DROP", "DROP")), Verdict::Closed);
    assert_eq!(verdict(&filter("ACCEPT", "ACCEPT")), Verdict::Open);
    assert_eq!(verdict(&filter("DROP", "ACCEPT")), Verdict::Unsure);
}

#[test]
fn the_nat_chain_of_lower_priority_maps_first_and_ends_the_rest() {
    let redirect = r#"{"redirect":{"port":1}}"#;
    let own = format!("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp {DNAT}\nCOMMIT\n");
    let path = |priority| {
        judged(&host(&own, &nft("ip", "prerouting", "nat", priority, &[redirect]), &[]), "eth0", "192.0.2.9", "192.0.2.1:80").path
    };
    assert_eq!((path(-101), path(-99)), (Path::Input, Path::Translated));
}

#[test]
fn nat_chains_of_one_priority_are_followed_in_both_orders() {
    let own =
        format!("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp {DNAT}\nCOMMIT\n*filter\n:INPUT DROP\n:FORWARD ACCEPT\nCOMMIT\n");
    let host = host(&own, &nft("ip", "prerouting", "nat", -100, &[r#"{"redirect":{"port":1}}"#]), &[]);
    assert_eq!(judged(&host, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, Verdict::Unsure);
}

#[test]
fn filters_of_one_priority_that_set_marks_are_followed_in_every_order() {
    let rules = "*filter\n:INPUT DROP\n-A INPUT -m mark --mark 0x1 -j ACCEPT\nCOMMIT\n";
    let set = r#"{"mangle":{"key":{"meta":{"key":"mark"}},"value":1}}"#;
    let at = |priority| {
        judged(&host(rules, &nft("ip", "input", "filter", priority, &[set]), &[]), "eth0", "192.0.2.9", "192.0.2.1:80").verdict
    };
    assert_eq!((at(-1), at(0), at(1)), (Verdict::Open, Verdict::Unsure, Verdict::Closed));
}

#[test]
fn marks_set_on_the_way_are_seen_later() {
    let rules = "*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -i eth0 -j MARK --set-xmark 0x1/0x3\n-A PREROUTING -j CONNMARK --save-mark\nCOMMIT\n\
                 *filter\n:INPUT DROP\n-A INPUT -m connmark --mark 0x1 -j ACCEPT\nCOMMIT\n";
    let host = host(rules, "", &[]);
    assert_eq!(judged(&host, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, Verdict::Open);
    assert_eq!(judged(&host, "eth1", "10.0.0.9", "192.0.2.1:80").verdict, Verdict::Closed);
}

#[test]
fn routing_refuses_what_it_has_no_way_for() {
    let open = host("", "", &[]);
    assert_eq!(judged(&open, "eth0", "192.0.2.9", "172.17.0.2:80").verdict, Verdict::Open);
    assert_eq!(judged(&open, "eth0", "192.0.2.9", "198.18.0.1:80").verdict, Verdict::Closed);
    assert_eq!(judged(&open, "eth0", "192.0.2.9", "127.0.0.1:80").verdict, Verdict::Closed);
    assert_eq!(judged(&open, "eth0", "192.0.2.1", "192.0.2.1:80").verdict, Verdict::Closed, "nobody else has the host's address");
    assert_eq!(judged(&open, "eth1", "192.0.2.9", "10.0.0.1:80").verdict, Verdict::Closed, "rp_filter of eth1");
    assert_eq!(judged(&open, "eth0", "10.0.0.9", "10.0.0.1:80").verdict, Verdict::Open, "no rp_filter on eth0");
    assert_eq!(judged(&open, "eth0", "fe80::9", "[fe80::1]:80").verdict, Verdict::Open);
    assert_eq!(judged(&open, "eth0", "fe80::9", "[fe80::2]:80").verdict, Verdict::Closed, "the address of another link");
    let still = host("", "", &[("sysctl.txt", &SETTINGS.replace("ip_forward = 1", "ip_forward = 0"))]);
    assert_eq!(judged(&still, "eth0", "192.0.2.9", "172.17.0.2:80").verdict, Verdict::Closed);
}

#[test]
fn a_link_local_sender_gets_to_the_host_but_not_through_it() {
    let rules =
        "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination [2001:db8:5::2]:80\nCOMMIT\n";
    let routes = r#"[{"dst":"2001:db8:5::/64","dev":"docker0"}]"#;
    let host = host("", "", &[("ip6tables-save.txt", rules), ("ip6-route.json", routes)]);
    assert_eq!(judged(&host, "eth0", "2001:db8::9", "[2001:db8::1]:80").verdict, Verdict::Open);
    assert_eq!(judged(&host, "eth0", "fe80::9", "[fe80::1]:80").verdict, Verdict::Closed);
    assert_eq!(judged(&host, "eth0", "fe80::9", "[fe80::1]:81").verdict, Verdict::Open, "the host itself");
}

#[test]
fn a_client_has_any_port_but_0() {
    assert_eq!(input("-A INPUT -p tcp -m tcp --sport 0 -j DROP\n-A INPUT -p tcp -j ACCEPT"), Verdict::Open);
    assert_eq!(input("-A INPUT -p tcp -m tcp --sport 0:1023 -j DROP\n-A INPUT -p tcp -j ACCEPT"), Verdict::Unsure);
    assert_eq!(input("-A INPUT -p tcp -m tcp --sport 1024:65535 -j ACCEPT"), Verdict::Open);
}

#[test]
fn the_way_back_is_chosen_by_the_source_that_the_answer_will_have() {
    let rules = r#"[{"priority":10,"src":"10.0.0.1","table":"7"},{"priority":20,"fwmark":"0x7","table":"7"},{"priority":32766,"src":"all","table":"main"}]"#;
    let routes = ROUTES.replace("[{", "[{\"table\":\"7\",\"dst\":\"default\",\"gateway\":\"10.0.0.2\",\"dev\":\"eth1\"},{");
    let marks = "*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -i eth1 -p tcp -m tcp --dport 81 -j MARK --set-xmark 0x7\nCOMMIT\n";
    let host = |settings: &str| {
        host(marks, "", &[("ip-rule.json", rules), ("ip-route.json", &routes), ("sysctl.txt", &format!("{SETTINGS}{settings}"))])
    };
    let strict = host("");
    assert_eq!(judged(&strict, "eth1", "203.0.113.9", "10.0.0.1:80").verdict, Verdict::Open);
    assert_eq!(judged(&strict, "eth1", "203.0.113.9", "192.0.2.1:80").verdict, Verdict::Closed);
    assert_eq!(
        judged(&strict, "eth1", "203.0.113.9", "172.17.0.2:80").verdict,
        Verdict::Closed,
        "a container's answer takes the main table"
    );
    assert_eq!(judged(&strict, "eth1", "203.0.113.9", "172.17.0.2:81").verdict, Verdict::Closed, "marks do not count");
    let marked = host("net.ipv4.conf.eth1.src_valid_mark = 1\n");
    assert_eq!(judged(&marked, "eth1", "203.0.113.9", "172.17.0.2:81").verdict, Verdict::Open, "marks count (src_valid_mark)");
}

#[test]
fn a_rule_that_asks_for_the_way_back_minds_the_mark_only_where_it_names_it() {
    let rules = r#"[{"priority":20,"fwmark":"0x7","table":"7"},{"priority":32766,"src":"all","table":"main"}]"#;
    let routes = ROUTES.replace("[{", "[{\"table\":\"7\",\"dst\":\"default\",\"gateway\":\"10.0.0.2\",\"dev\":\"eth1\"},{");
    let verdict = |asks: &str, fib: &[&str]| {
        let marks = format!("*raw\n:PREROUTING ACCEPT\n-A PREROUTING -j MARK --set-xmark 0x7\n{asks}\nCOMMIT\n");
        let nft = nft("inet", "prerouting", "filter", -150, fib);
        let host = host(&marks, &nft, &[("ip-rule.json", rules), ("ip-route.json", &routes)]);
        judged(&host, "eth0", "203.0.113.9", "192.0.2.1:80").verdict
    };
    assert_eq!(verdict("-A PREROUTING -m rpfilter --invert -j DROP", &[]), Verdict::Open);
    assert_eq!(verdict("-A PREROUTING -m rpfilter --validmark --invert -j DROP", &[]), Verdict::Closed);
    let fib = |flags: &str| {
        format!(
            r#"{{"match":{{"op":"==","left":{{"fib":{{"result":"oif","flags":[{flags}]}}}},"right":false}}}},{{"drop":null}}"#
        )
    };
    assert_eq!(verdict("", &[&fib(r#""saddr","iif""#)]), Verdict::Open);
    assert_eq!(verdict("", &[&fib(r#""saddr","mark","iif""#)]), Verdict::Closed);
}

#[test]
fn policy_rules_choose_the_table_by_mark_and_source() {
    let rules = r#"[{"priority":10,"src":"192.0.2.9","table":"7"},{"priority":20,"src":"192.0.2.10","table":"8"},{"priority":32766,"src":"all","table":"main"}]"#;
    let routes = ROUTES.replace(
        "[{\"dst\":\"default\"",
        "[{\"table\":\"7\",\"type\":\"unreachable\",\"dst\":\"172.17.0.0/16\"},{\"dst\":\"default\"",
    );
    let host = |routes: &str| host("", "", &[("ip-rule.json", rules), ("ip-route.json", routes)]);
    let to = "172.17.0.2:80";
    assert_eq!(judged(&host(&routes), "eth0", "192.0.2.9", to).verdict, Verdict::Closed);
    assert_eq!(judged(&host(&routes), "eth0", "192.0.2.11", to).verdict, Verdict::Open);
    assert_eq!(judged(&host(&routes), "eth0", "192.0.2.10", to).verdict, Verdict::Open, "table 8 is empty");
    assert_eq!(judged(&host(ROUTES), "eth0", "192.0.2.9", to).verdict, Verdict::Unsure, "table 7 was not listed");
}

#[test]
fn a_verdict_that_hangs_on_an_unread_file_is_unsure_and_names_the_command() {
    for (file, to, command) in [
        ("nft-ruleset.json", "192.0.2.1:80", "nft -j list ruleset"),
        ("iptables-save.txt", "192.0.2.1:80", "iptables-save"),
        ("iptables-legacy-save.txt", "192.0.2.1:80", "iptables-legacy-save"),
        ("ip-addr.json", "192.0.2.1:80", "ip -j addr"),
        ("ip-route.json", "172.17.0.2:80", "ip -j -4 route"),
        ("sysctl.txt", "172.17.0.2:80", "sysctl"),
    ] {
        let mut host = host("", "", &[(file, "-")]);
        if file == "iptables-legacy-save.txt" {
            host = self::host(
                "# (nf_tables) Generated by\n",
                "",
                &[(file, "-"), ("iptables-version.txt", "iptables v1.8.9 (nf_tables)")],
            );
        }
        let trace = trace(&host, &Packet { interface: "eth0".into(), source: "192.0.2.9".parse().unwrap(), ..packet(to) });
        assert_eq!(trace.verdict, Verdict::Unsure, "{file}");
        assert!(trace.doubts.iter().any(|doubt| doubt.contains(command)), "{file}: {:?}", trace.doubts);
    }
    let missing = host("", "", &[("ip6tables-save.txt", "-"), ("ss.txt", "-")]);
    assert_eq!(judged(&missing, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, Verdict::Open, "v4 does not hang on v6 rules");
}

fn packet(to: &str) -> Packet {
    let Target { address, port, protocol } = to.parse().unwrap();
    Packet { interface: "eth0".into(), source: address, destination: address, port, protocol }
}

#[test]
fn a_chain_that_only_nft_shows_is_unknown_in_a_table_of_iptables() {
    let of = |save: &str, rule: &str| {
        let listing = nft("ip", "input", "filter", 0, &[rule]);
        judged(&host(save, &listing.replace("\"t\"", "\"filter\""), &[]), "eth0", "192.0.2.9", "192.0.2.1:80").verdict
    };
    let verdict = |rule: &str| of("*filter\nCOMMIT\n", rule);
    assert_eq!(verdict(r#"{"xt":{"type":"match","name":"addrtype"}},{"drop":null}"#), Verdict::Unsure);
    assert_eq!(verdict(r#"{"xt":{"type":"target","name":"DNAT"}}"#), Verdict::Unsure);
    assert_eq!(verdict(r#"{"xt":null},{"accept":null}"#), Verdict::Unsure);
    assert_eq!(verdict(r#"{"xt":{"type":"match","name":"addrtype"}},{"accept":null}"#), Verdict::Open, "it passes either way");
    assert_eq!(of("", r#"{"xt":null},{"accept":null}"#), Verdict::Unsure, "no iptables");
}

#[test]
fn a_container_with_an_address_of_its_own_on_the_link_is_beside_all_hooks() {
    let networks = r#"[{"Id":"1","Name":"lan","Driver":"macvlan","Options":{"parent":"eth0"}}]"#;
    let inspect = r#"[{"Name":"/own","NetworkSettings":{"Networks":{"lan":{"NetworkID":"1","IPAddress":"192.0.2.50"}}}}]"#;
    let rules = "*filter\n:INPUT DROP\n:FORWARD ACCEPT\nCOMMIT\n";
    let host = host(rules, "", &[("networks.json", networks), ("inspect.json", inspect)]);
    let beside = judged(&host, "eth0", "192.0.2.9", "192.0.2.50:80");
    assert_eq!((beside.verdict, beside.path), (Verdict::Open, Path::Beside));
    assert_eq!(judged(&host, "eth1", "10.0.0.9", "192.0.2.50:80").verdict, Verdict::Closed, "its own host does not reach it");
}

#[test]
fn a_process_of_the_host_reaches_the_host_over_lo() {
    let rules = "*filter\n:INPUT DROP\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n";
    let host = host(rules, "", &[]);
    assert_eq!(judged(&host, "lo", "192.0.2.1", "192.0.2.1:80").verdict, Verdict::Open);
    assert_eq!(judged(&host, "lo", "127.0.0.1", "127.0.0.1:80").verdict, Verdict::Open);
}

#[test]
fn a_chain_at_the_device_comes_before_all_others() {
    let drop = nft("netdev", "ingress", "filter", 0, &[r#"{"drop":null}"#]).replace(r#""policy""#, r#""dev":"eth0","policy""#);
    let host = host("", &drop, &[]);
    assert_eq!(judged(&host, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, Verdict::Closed);
    assert_eq!(judged(&host, "eth1", "10.0.0.9", "192.0.2.1:80").verdict, Verdict::Open);
}

#[test]
fn a_device_that_the_json_leaves_out_is_read_from_the_text_or_doubted() {
    let drop = nft("netdev", "ingress", "filter", 0, &[r#"{"drop":null}"#]);
    let text = "table netdev t {\n\tchain c {\n\t\ttype filter hook ingress device \"eth0\" priority 0; policy accept;\n\t}\n}\n";
    let known = host("", &drop, &[("nft-ruleset.txt", text)]);
    assert_eq!(judged(&known, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, Verdict::Closed);
    assert_eq!(judged(&known, "eth1", "10.0.0.9", "192.0.2.1:80").verdict, Verdict::Open);
    assert_eq!(judged(&host("", &drop, &[]), "eth1", "10.0.0.9", "192.0.2.1:80").verdict, Verdict::Unsure);
}

#[test]
fn a_packet_that_meets_a_program_is_not_judged_open() {
    let links = |at: &str| format!(r#"[{{"ifname":"{at}","xdp":{{"mode":1,"prog":{{"id":7}}}}}}]"#);
    for (at, to) in [("eth0", "192.0.2.1:80"), ("docker0", "172.17.0.2:80")] {
        let met = judged(&host("", "", &[("ip-link.json", &links(at))]), "eth0", "192.0.2.9", to);
        assert_eq!(met.verdict, Verdict::Unsure);
        assert!(met.doubts[0].contains(&format!("at {at} may refuse")), "{:?}", met.doubts);
    }
    let elsewhere = host("", "", &[("ip-link.json", &links("eth1"))]);
    assert_eq!(judged(&elsewhere, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, Verdict::Open);
    let refused = host("*filter\n:INPUT DROP\nCOMMIT\n", "", &[("ip-link.json", &links("eth0"))]);
    assert_eq!(judged(&refused, "eth0", "192.0.2.9", "192.0.2.1:80").verdict, Verdict::Closed);
}
