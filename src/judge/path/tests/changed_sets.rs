//! Sets that rules change while packets pass.

use super::*;

/// The verdict on a packet from 192.0.2.9, which is not in the set `seen`.
fn with_seen(chains: &[(&str, &str, &[&str])]) -> Verdict {
    from("192.0.2.9", chains)
}

/// The verdict on a packet to port 80 of the host, with a table of nft: a set `seen` with 198.51.100.9 in it, and chains with their places
/// and rules.
fn from(source: &str, chains: &[(&str, &str, &[&str])]) -> Verdict {
    let mut objects = vec![
        r#"{"table":{"family":"inet","name":"t"}}"#.to_owned(),
        r#"{"set":{"family":"inet","table":"t","name":"seen","type":"ipv4_addr","size":9,"elem":["198.51.100.9"]}}"#.to_owned(),
        r#"{"map":{"family":"inet","table":"t","name":"sorts","type":"ipv4_addr","map":"verdict","size":9}}"#.to_owned(),
    ];
    for (name, place, _) in chains {
        objects.push(format!(r#"{{"chain":{{"family":"inet","table":"t","name":"{name}"{place}}}}}"#));
    }
    for (name, _, rules) in chains {
        let rule = |rule: &&str| format!(r#"{{"rule":{{"family":"inet","table":"t","chain":"{name}","expr":[{rule}]}}}}"#);
        objects.extend(rules.iter().map(rule));
    }
    let nft = format!(r#"{{"nftables":[{}]}}"#, objects.join(","));
    judged(&host("", &nft, &[]), "eth0", source, "192.0.2.1:80").verdict
}

const SADDR: &str = r#"{"payload":{"protocol":"ip","field":"saddr"}}"#;
const INPUT: &str = r#","type":"filter","hook":"input","prio":0,"policy":"drop""#;
const OPEN_INPUT: &str = r#","type":"filter","hook":"input","prio":0,"policy":"accept""#;
const EARLY: &str = r#","type":"filter","hook":"prerouting","prio":-300,"policy":"accept""#;

fn change(operation: &str) -> String {
    format!(r#"{{"set":{{"op":"{operation}","elem":{SADDR},"set":"@seen"}}}}"#)
}

fn asked(operator: &str, then: &str) -> String {
    format!(r#"{{"match":{{"op":"{operator}","left":{SADDR},"right":"@seen"}}}},{{"{then}":null}}"#)
}

#[test]
fn a_port_that_a_knock_opens_is_not_called_closed() {
    let (add, accept) = (change("add"), asked("==", "accept"));
    assert_eq!(with_seen(&[("c", INPUT, &[&accept])]), Verdict::Closed, "no rule fills the set");
    assert_eq!(with_seen(&[("c", INPUT, &[&add, &accept])]), Verdict::Unsure, "the packet lets itself in");
    assert_eq!(with_seen(&[("c", INPUT, &[&accept, &add])]), Verdict::Unsure, "an earlier packet does");
    assert_eq!(with_seen(&[("c", INPUT, &[&accept]), ("early", EARLY, &[&add])]), Verdict::Unsure);
    let limited = add.replace(r#""@seen""#, r#""@seen","stmt":[{"limit":{"rate":1,"per":"day"}}]"#);
    assert_eq!(with_seen(&[("c", INPUT, &[&accept, &limited])]), Verdict::Unsure, "what is past its limit is in the set, too");
    let meter = format!(r#"{{"meter":{{"key":{SADDR},"stmt":{{"counter":null}},"size":9,"name":"seen"}}}}"#);
    assert_eq!(with_seen(&[("c", INPUT, &[&accept, &meter])]), Verdict::Unsure);
    assert_eq!(with_seen(&[("c", OPEN_INPUT, &[&add, &asked("!=", "drop")])]), Verdict::Unsure);
}

#[test]
fn a_list_of_the_refused_that_is_filled_later_counts_as_it_is() {
    let (add, drop) = (change("update"), asked("==", "drop"));
    assert_eq!(with_seen(&[("c", OPEN_INPUT, &[&drop, &add])]), Verdict::Open);
    assert_eq!(with_seen(&[("c", OPEN_INPUT, &[&add]), ("early", EARLY, &[&drop])]), Verdict::Open);
    assert_eq!(with_seen(&[("c", OPEN_INPUT, &[&add, &drop])]), Verdict::Unsure, "it may stand in it itself");
    assert_eq!(with_seen(&[("c", OPEN_INPUT, &[&drop]), ("early", EARLY, &[&add])]), Verdict::Unsure);
    let (jump, in_user) = (r#"{"jump":{"target":"u"}}"#, [drop.as_str(), add.as_str()]);
    assert_eq!(with_seen(&[("u", "", &in_user), ("c", OPEN_INPUT, &[jump, jump])]), Verdict::Unsure, "it comes by twice");
}

#[test]
fn a_set_from_which_rules_take_something_away_is_not_asked_for_certain() {
    let member = |rules: &[&str]| from("198.51.100.9", &[("c", OPEN_INPUT, rules)]);
    let drop = asked("==", "drop");
    assert_eq!(member(&[&drop]), Verdict::Closed);
    assert_eq!(member(&[&drop, &change("add")]), Verdict::Closed);
    assert_eq!(member(&[&drop, &change("delete")]), Verdict::Unsure);
}

#[test]
fn a_map_that_rules_fill_may_decide_otherwise() {
    let sorts = format!(r#"{{"vmap":{{"key":{SADDR},"data":"@sorts"}}}}"#);
    assert_eq!(with_seen(&[("c", INPUT, &[&sorts])]), Verdict::Closed);
    // As nft 1.0 writes it.
    let fills = r#""add @sorts { ip saddr : accept }""#;
    assert_eq!(with_seen(&[("c", INPUT, &[&sorts]), ("never", "", &[fills])]), Verdict::Unsure);
}

/// The verdict on a packet from 192.0.2.9 to port 80 of the host, with these v4 filter rules, and more rules in v6 ones.
fn with_ipset(rules: &str, v6: &str) -> Verdict {
    let table = |policy: &str, rules: &str| format!("*filter\n:INPUT {policy} [0:0]\n:KNOCK - [0:0]\n{rules}\nCOMMIT\n");
    let sets = "create seen hash:ip family inet\nadd seen 198.51.100.9\ncreate all list:set\nadd all seen\n";
    let policy = if rules.contains("-j DROP") { "ACCEPT" } else { "DROP" };
    let files = [("ipset-save.txt", sets), ("ip6tables-save.txt", &table("ACCEPT", v6))];
    judged(&host(&table(policy, rules), "", &files), "eth0", "192.0.2.9", "192.0.2.1:80").verdict
}

#[test]
fn an_ipset_that_rules_fill_is_not_asked_for_certain_but_by_rules_that_stop_what_is_in_it() {
    let accept = "-A INPUT -m set --match-set seen src -j ACCEPT\n";
    let knock = "-A KNOCK -p tcp -m tcp --dport 7 -j SET --add-set seen src\n";
    assert_eq!(with_ipset(accept, ""), Verdict::Closed);
    assert_eq!(with_ipset(&format!("{accept}{knock}"), ""), Verdict::Unsure);
    assert_eq!(with_ipset(accept, knock), Verdict::Unsure, "sets belong to all tables");
    let by_list = accept.replace("seen", "all");
    assert_eq!(with_ipset(&format!("{by_list}{knock}"), ""), Verdict::Unsure);
    assert_eq!(with_ipset(accept, &knock.replace("seen", "all")), Verdict::Unsure);
    assert_eq!(with_ipset(accept, &knock.replace("seen", "lost")), Verdict::Unsure, "a set that was not read");
    let (drop, fills) = (accept.replace("ACCEPT", "DROP"), "-A INPUT -j SET --add-set seen src --exist\n");
    assert_eq!(with_ipset(&format!("{drop}{fills}"), ""), Verdict::Open);
    assert_eq!(with_ipset(&format!("{fills}{drop}"), ""), Verdict::Unsure);
    assert_eq!(with_ipset(&format!("{drop}{knock}"), ""), Verdict::Unsure);
    assert_eq!(with_ipset(&format!("{drop}{}", fills.replace("--add-set", "--del-set")), ""), Verdict::Unsure);
}
