#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::ruleset::{Action, Key, Span, Step, Test, Translation};
use serde_json::json;

fn listing(rules: &[Value], more: &[Value]) -> Listing {
    let mut objects = vec![
        json!({"table": {"family": "inet", "name": "t"}}),
        json!({"chain": {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": -5, "policy": "drop"}}),
    ];
    objects.extend_from_slice(more);
    let rule = |expr: &Value| json!({"rule": {"family": "inet", "table": "t", "chain": "c", "expr": expr}});
    objects.extend(rules.iter().map(rule));
    read(&json!({ "nftables": objects }).to_string()).unwrap()
}

fn steps(expressions: &Value) -> Vec<Step> {
    listing(std::slice::from_ref(expressions), &[]).tables[0].chains["c"].rules[0].steps.to_vec()
}

fn is_unknown(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Test(Test::Unknown(_)) | Step::Act(Action::Unknown(_))))
}

fn compare(left: &Value, op: &str, right: &Value) -> Value {
    json!([{"match": {"op": op, "left": left, "right": right}}, {"accept": null}])
}

#[test]
fn matches_of_common_firewalls_are_understood() {
    let payload = |protocol: &str, field: &str| json!({"payload": {"protocol": protocol, "field": field}});
    let meta = |key: &str| json!({"meta": {"key": key}});
    for (left, op, right) in [
        (meta("iifname"), "!=", json!("docker0")),
        (meta("iifname"), "==", json!("br-*")),
        (meta("l4proto"), "==", json!({"set": ["icmp", "ipv6-icmp"]})),
        (meta("nfproto"), "==", json!("ipv6")),
        (meta("pkttype"), "==", json!("multicast")),
        (payload("ip", "saddr"), "==", json!({"prefix": {"addr": "10.0.0.0", "len": 8}})),
        (payload("ip6", "daddr"), "!=", json!({"set": ["fd00::1", {"range": ["fd00::5", "fd00::9"]}]})),
        (payload("tcp", "dport"), "==", json!({"set": [22, {"range": [8000, 8010]}]})),
        (payload("th", "dport"), "<", json!(1024)),
        (
            json!({"concat": [payload("ip", "saddr"), payload("tcp", "dport")]}),
            "==",
            json!({"set": [{"concat": ["10.0.0.1", 80]}]}),
        ),
        (json!({"ct": {"key": "state"}}), "in", json!(["established", "related"])),
        (json!({"ct": {"key": "status"}}), "in", json!("dnat")),
        (json!({"ct": {"key": "proto-dst", "dir": "original"}}), "==", json!(8080)),
        (json!({"ct": {"key": "ip daddr", "dir": "original"}}), "==", json!("192.0.2.1")),
        (json!({"fib": {"result": "type", "flags": ["daddr"]}}), "==", json!("local")),
        (json!({"fib": {"result": "oif", "flags": ["saddr", "mark", "iif"]}}), "==", json!(false)),
        (json!({"&": [meta("mark"), 255]}), "==", json!(1)),
        (json!({"&": [payload("tcp", "flags"), {"|": ["fin", "syn", "rst", "ack"]}]}), "==", json!("syn")),
    ] {
        assert!(!is_unknown(&steps(&compare(&left, op, &right))), "{left} {op} {right}");
    }
}

#[test]
fn what_is_not_understood_stays_unknown() {
    for (left, op, right) in [
        (json!({"rt": {"key": "nexthop"}}), "==", json!("10.0.0.1")),
        (json!({"meta": {"key": "skuid"}}), "==", json!(0)),
        (json!({"payload": {"protocol": "ip", "field": "dscp"}}), "==", json!(8)),
        (json!({"numgen": {"mode": "random", "mod": 2}}), "==", json!(0)),
        (json!({"meta": {"key": "iifname"}}), "==", json!("@not-there")),
        (json!({"ct": {"key": "state"}}), "~", json!("new")),
        (json!({"fib": {"result": "oifname", "flags": ["daddr"]}}), "==", json!("eth0")),
        (json!({"payload": {"protocol": "tcp", "field": "dport"}}), "==", json!("strange")),
    ] {
        assert!(is_unknown(&steps(&compare(&left, op, &right))), "{left} {op} {right}");
    }
    for statement in [
        json!({"limit": {"rate": 5}}),
        json!({"queue": null}),
        json!({"tproxy": {"port": 1}}),
        json!({"new-statement": {}}),
        json!({"ct count": {"val": 3}}),
    ] {
        assert!(is_unknown(&steps(&json!([statement, {"accept": null}]))), "{statement}");
    }
}

#[test]
fn what_only_counts_or_logs_has_no_steps() {
    for statement in [
        json!({"counter": {"packets": 1, "bytes": 2}}),
        json!({"log": {"prefix": "x"}}),
        json!({"ct helper": "ftp"}),
        json!({"counter": "by-name"}),
        json!({"mangle": {"key": {"ct": {"key": "zone"}}, "value": 1}}),
        json!({"xt": {"type": "match", "name": "comment"}}),
    ] {
        assert!(steps(&json!([statement])).is_empty(), "{statement}");
    }
}

#[test]
fn a_header_guards_its_fields_even_where_these_are_unknown() {
    let steps = steps(&compare(&json!({"payload": {"protocol": "icmpv6", "field": "max-delay"}}), "==", &json!(5)));
    assert!(matches!(&steps[..], [Step::Test(Test::Fields { .. }), Step::Test(Test::Unknown(_)), Step::Act(_)]), "{steps:?}");
}

#[test]
fn a_reject_is_for_the_packets_that_its_answer_is_for() {
    let reject = |content: Value| steps(&json!([{"reject": content}])).len();
    assert_eq!(reject(json!({"type": "icmp", "expr": "port-unreachable"})), 2);
    assert_eq!(reject(json!({"type": "tcp reset"})), 2);
    assert_eq!(reject(json!({"type": "icmpx", "expr": "admin-prohibited"})), 1);
    assert_eq!(reject(Value::Null), 1);
}

#[test]
fn a_dormant_table_calls_no_chain_and_a_chain_of_an_unknown_place_is_unread() {
    let chain =
        |more: &str| format!(r#"{{"chain":{{"family":"ip","table":"t","name":"c","type":"filter","policy":"drop",{more}}}}}"#);
    let read = |flags: &str, chain: String| {
        let text = format!(r#"{{"nftables":[{{"table":{{"family":"ip","name":"t"{flags}}}}},{chain}]}}"#);
        read(&text).unwrap().tables.remove(0).chains.remove("c").unwrap()
    };
    assert_eq!(read(r#","flags":["dormant"]"#, chain(r#""hook":"input","prio":0"#)).base, None);
    assert!(read("", chain(r#""hook":"input","prio":0"#)).base.is_some());
    assert!(read("", chain(r#""hook":"new","prio":0"#)).unread.is_some());
}

#[test]
fn a_plain_packet_has_no_extension_header() {
    let test = |left: Value, right: Value| steps(&compare(&json!({"exthdr": left}), "==", &right));
    assert!(!is_unknown(&test(json!({"name": "rt", "field": "type"}), json!(0))));
    assert!(!is_unknown(&test(json!({"name": "frag"}), json!(false))));
}

#[test]
fn named_sets_and_maps_are_looked_up_in_their_table() {
    let set = json!({"set": {"family": "inet", "table": "t", "name": "nets", "type": "ipv4_addr", "flags": ["interval", "timeout"],
        "elem": [{"prefix": {"addr": "10.0.0.0", "len": 8}}, {"elem": {"val": "192.0.2.1", "timeout": 60, "expires": 5}}]}});
    let map = json!({"map": {"family": "inet", "table": "t", "name": "jumps", "type": "ifname", "map": "verdict",
        "elem": [["*", {"drop": null}], ["docker0", {"jump": {"target": "in"}}]]}});
    let rules = [
        compare(&json!({"payload": {"protocol": "ip", "field": "saddr"}}), "==", &json!("@nets")),
        json!([{"vmap": {"key": {"meta": {"key": "oifname"}}, "data": "@jumps"}}]),
    ];
    let listing = listing(&rules, &[set, map]);
    let rules = &listing.tables[0].chains["c"].rules;
    assert!(matches!(&rules[0].steps[1], Step::Test(Test::Fields { among, .. }) if among.members.len() == 2));
    let Step::Act(Action::Lookup { map, .. }) = &rules[1].steps[0] else { unreachable!("{:?}", rules[1].steps) };
    assert_eq!(map.len(), 2);
    assert_eq!(map[1].0, [crate::model::ruleset::Span::Any], "what fits anything comes last");
}

#[test]
fn a_set_whose_members_are_limited_is_not_understood() {
    let set = json!({"set": {"family": "inet", "table": "t", "name": "meter", "type": "ipv4_addr", "stmt": [{"limit": {"rate": 5}}], "elem": ["10.0.0.1"]}});
    let rules = [compare(&json!({"payload": {"protocol": "ip", "field": "saddr"}}), "==", &json!("@meter"))];
    assert!(is_unknown(&listing(&rules, &[set]).tables[0].chains["c"].rules[0].steps));
}

#[test]
fn rules_with_iptables_own_expressions_are_named_with_what_else_is_in_them() {
    let mark = compare(&json!({"meta": {"key": "mark"}}), "==", &json!(1));
    let own = json!([{"xt": {"type": "match", "name": "addrtype"}}, mark[0], {"xt": null}]);
    let listing = listing(&[json!([{"accept": null}]), own], &[]);
    let mixed = &listing.foreign[&(TableFamily::Inet, "t".to_owned())][&("c".into(), 1)];
    assert_eq!(mixed.foreign, [super::Xt::Match("addrtype".to_owned()), super::Xt::Nameless]);
    assert!(matches!(mixed.native.as_slice(), [Step::Test(Test::Fields { .. })]));
    let rules = &listing.tables[0].chains["c"].rules;
    assert!(is_unknown(&rules[1].steps) && !is_unknown(&rules[0].steps));
    assert_eq!(listing.foreign.values().map(std::collections::BTreeMap::len).sum::<usize>(), 1);
}

#[test]
fn rules_are_shown_in_the_words_of_nft() {
    let rule = json!([{"match": {"op": "!=", "left": {"meta": {"key": "iifname"}}, "right": "docker0"}}, {"counter": null},
        {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [80, {"range": [90, 99]}]}}},
        {"dnat": {"family": "ip", "addr": "172.17.0.2", "port": 80}}]);
    let listing = listing(&[rule], &[]);
    assert_eq!(
        &*listing.tables[0].chains["c"].rules[0].text,
        "iifname != docker0 tcp dport { 80, 90-99 } dnat ip to 172.17.0.2:80"
    );
}

#[test]
fn what_is_no_listing_is_refused_in_words() {
    assert!(read("table inet t {}").unwrap_err().contains("no JSON"));
    assert!(read("{}").unwrap_err().contains("`nftables`"));
}

#[test]
fn a_rule_concerns_only_packets_that_have_what_its_statements_ask_for() {
    let saddr = json!({"payload": {"protocol": "ip", "field": "saddr"}});
    let seen =
        json!({"set": {"family": "inet", "table": "t", "name": "seen", "type": "ipv4_addr", "size": 2, "elem": ["10.0.0.1"]}});
    let full =
        json!({"set": {"family": "inet", "table": "t", "name": "full", "type": "ipv4_addr", "size": 1, "elem": ["10.0.0.1"]}});
    let add = |set: &str| json!([{"set": {"op": "add", "elem": saddr, "set": set}}, {"drop": null}]);
    let limited = json!([{"set": {"op": "add", "elem": {"elem": {"val": saddr, "timeout": 60}}, "set": "@seen",
        "stmt": [{"limit": {"rate": 5, "per": "minute", "inv": true}}]}}, {"drop": null}]);
    let clamp =
        json!([{"mangle": {"key": {"tcp option": {"name": "maxseg", "field": "size"}}, "value": {"rt": {"key": "mtu"}}}}]);
    let offload = json!([{"flow": {"op": "add", "flowtable": "@f"}}, {"accept": null}]);
    let listing = listing(&[add("@seen"), add("@full"), limited, clamp, offload], &[seen, full]);
    let rules = &listing.tables[0].chains["c"].rules;
    let unknown: Vec<bool> = rules.iter().map(|rule| is_unknown(&rule.steps)).collect();
    assert_eq!(unknown, [false, true, true, false, false]);
    let guard = |at: usize| match &rules[at].steps[0] {
        Step::Test(Test::Fields { selectors, among, .. }) => (selectors[0].key, among.members.clone()),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(guard(0), (Key::Family, vec![vec![Span::number(2)]]));
    assert_eq!(guard(2), (Key::Family, vec![vec![Span::number(2)]]));
    assert_eq!(guard(3), (Key::Protocol, vec![vec![Span::number(6)]]));
    assert_eq!(guard(4).1, Vec::<Vec<Span>>::new(), "a first packet is never taken up");
}

#[test]
fn what_a_generator_picks_cannot_be_told_but_that_it_picks_one() {
    let vmap = |modulus: u64| {
        json!([{"vmap": {"key": {"numgen": {"mode": "random", "mod": modulus, "offset": 0}},
            "data": {"set": [[0, {"drop": null}], [1, {"accept": null}]]}}}])
    };
    let spans = |modulus| match &steps(&vmap(modulus))[..] {
        [Step::Act(Action::Lookup { map, .. })] => map.iter().map(|(spans, _)| spans[0].clone()).collect::<Vec<_>>(),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(spans(2), [Span::number(0), Span::Any]);
    assert_eq!(spans(3), [Span::number(0), Span::number(0)], "with the third number, none");
}

#[test]
fn a_map_by_a_header_that_a_packet_has_not_is_not_asked() {
    let vmap = json!([{"vmap": {"key": {"payload": {"protocol": "icmpv6", "field": "type"}},
        "data": {"set": [["echo-request", {"accept": null}]]}}}]);
    assert!(
        matches!(&steps(&vmap)[..], [Step::Test(Test::Fields { selectors, .. }), Step::Act(_)] if selectors[0].key == Key::Protocol)
    );
}

#[test]
fn lists_of_one_are_words_in_new_versions_and_old_versions_have_other_names() {
    for (left, op, right) in [
        (json!({"fib": {"result": "type", "flags": "daddr"}}), "==", json!("local")),
        (json!({"fib": {"result": "oif", "flags": ["iif", "saddr"]}}), "==", json!(false)),
        (json!({"payload": {"name": "tcp", "field": "dport"}}), "==", json!("ssh")),
        (json!({"meta": "l4proto"}), "==", json!("tcp")),
        (json!({"ct": {"key": "saddr", "dir": "original", "family": "ip"}}), "==", json!("10.0.0.1")),
        (json!({"payload": {"base": "th", "offset": 16, "len": 16}}), "==", json!(80)),
        (json!({"&": [{"payload": {"protocol": "ip", "field": "saddr"}}, "255.0.0.255"]}), "==", json!("10.0.0.1")),
        (json!({"payload": {"protocol": "ip", "field": "saddr"}}), ">=", json!("10.0.0.1")),
        (json!({"payload": {"protocol": "ether", "field": "type"}}), "==", json!("ip")),
        (json!({"ct": {"key": "saddr", "dir": "reply"}}), "==", json!("10.0.0.1")),
        (json!({"meta": {"key": "ibrname"}}), "==", json!("br0")),
        (json!({"payload": {"protocol": "icmpv6", "field": "type"}}), "==", json!({"set": ["nd-router-advert", 143]})),
    ] {
        assert!(!is_unknown(&steps(&compare(&left, op, &right))), "{left} {op} {right}");
    }
    let implied = json!([{"match": {"left": {"ct": {"key": "state"}}, "right": "established"}}, {"accept": null}]);
    assert!(matches!(&steps(&implied)[0], Step::Test(Test::Fields { among, .. }) if among.members[0] == [Span::AnyBit(2)]));
}

#[test]
fn the_inner_packet_of_a_tunnel_is_not_taken_for_the_outer_one() {
    let inner = json!({"payload": {"tunnel": "vxlan", "protocol": "ip", "field": "saddr"}});
    let steps = steps(&compare(&inner, "==", &json!("10.0.0.1")));
    assert!(matches!(&steps[..], [Step::Test(Test::Fields { .. }), Step::Test(Test::Unknown(_)), Step::Act(_)]), "{steps:?}");
}

#[test]
fn destinations_are_read_as_ranges_maps_and_pairs() {
    let targets = |statement: Value| match steps(&json!([{ "dnat": statement }])).pop() {
        Some(Step::Act(Action::Translate(Translation::Destination(targets)))) => Some(targets),
        _ => None,
    };
    let range = targets(json!({"addr": {"range": ["10.0.0.1", "10.0.0.3"]}, "port": 80})).unwrap();
    assert_eq!((range.len(), range[2].when.len(), range[0].ports), (3, 0, Some((80, 80))));
    let pairs = json!({"family": "ip", "type_flags": ["concat"], "addr": {"map": {
        "key": {"concat": [{"payload": {"protocol": "ip", "field": "daddr"}}, {"payload": {"protocol": "tcp", "field": "dport"}}]},
        "data": {"set": [[{"concat": ["192.0.2.1", 80]}, {"concat": ["10.0.0.1", 8080]}]]}}}});
    let pairs = targets(pairs).unwrap();
    assert_eq!((pairs[0].when.len(), pairs[0].ports), (2, Some((8080, 8080))));
    let prefix = json!({"family": "ip", "type_flags": "prefix", "addr": {"prefix": {"addr": "10.0.0.0", "len": 30}}});
    assert_eq!(targets(prefix), None, "a prefix into a prefix is something else");
}

#[test]
fn a_rule_that_is_not_shown_may_do_anything() {
    let text = r#"{"nftables":[{"table":{"family":"ip","name":"t"}},{"chain":{"family":"ip","table":"t","name":"c"}},
        {"rule":{"family":"ip","table":"t","chain":"c","handle":4}}]}"#;
    assert!(is_unknown(&read(text).unwrap().tables[0].chains["c"].rules[0].steps));
}
