//! Texts that nobody wrote: cut, mixed up and huge listings of rules are read without a panic, and in time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use docker_firewall::model::host::Host;
use docker_firewall::model::ruleset::{Step, Test};
use docker_firewall::model::snapshot::Snapshot;
use proptest::prelude::*;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn fixtures() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut texts = Vec::new();
    for folder in folders.into_iter().filter(|path| path.is_dir()) {
        for file in ["iptables-save.txt", "ip6tables-save.txt", "iptables-legacy-save.txt", "nft-ruleset.json", "ipset-save.txt"]
        {
            let text = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
            if text.len() > 200 {
                texts.push((file.to_owned(), text));
            }
        }
    }
    texts
}

thread_local! {
    static FIXTURES: std::rc::Rc<Vec<(String, String)>> = std::rc::Rc::new(fixtures());
}

fn host(files: &[(&str, &str)]) -> Host {
    let mut snapshot = Snapshot::default();
    for file in
        ["iptables-save.txt", "ip6tables-save.txt", "iptables-legacy-save.txt", "ip6tables-legacy-save.txt", "nft-ruleset.json"]
    {
        snapshot.files.insert(file.to_owned(), String::new());
    }
    snapshot.files.extend(files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())));
    snapshot.host()
}

/// The text without the bytes from `at` on, or with others in their place.
fn mangled(text: &str, cuts: &[(usize, usize, String)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, count, instead) in cuts {
        let from = at % bytes.len().max(1);
        let to = (from + count).min(bytes.len());
        bytes.splice(from..to, instead.bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mangled_listing_never_panics(
        which in 0_usize..1000,
        cuts in proptest::collection::vec((any::<usize>(), 0_usize..40, "[-!\\[\\]{}\":,/@0-9a-z \n*#+\\\\]{0,12}"), 1..6),
        end in any::<usize>(),
    ) {
        let texts = FIXTURES.with(std::clone::Clone::clone);
        let (file, text) = &texts[which % texts.len()];
        let text = mangled(text, &cuts);
        let cut: String = text.chars().take(end % (text.len() + 1)).collect();
        for text in [&text, &cut] {
            host(&[(file, text)]);
        }
    }

    #[test]
    fn any_text_is_read_as_rules_without_a_panic(line in "\\PC{0,80}", options in "(-[a-z]|--[a-z-]{2,12}| |!|[0-9./:,-]{1,9}|\"|\\\\){0,30}") {
        let save = format!("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {options}\n{line}\n-A INPUT {line}\nCOMMIT\n");
        let sets = format!("create a hash:net\nadd a {line}\nadd a {options}\n{line}\ncreate b {options}\nadd b {line}");
        host(&[("iptables-save.txt", &save), ("ip6tables-save.txt", &save), ("ipset-save.txt", &sets), ("ip-addr.json", &line)]);
    }

    #[test]
    fn any_json_is_read_as_a_listing_without_a_panic(value in json(5)) {
        let listing = format!(
            r#"{{"nftables":[{{"table":{{"family":"inet","name":"t"}}}},{{"chain":{{"family":"inet","table":"t","name":"c","hook":"input","prio":0}}}},
            {{"rule":{{"family":"inet","table":"t","chain":"c","expr":[{value},{{"match":{{"op":"==","left":{value},"right":{value}}}}},
            {{"vmap":{{"key":{value},"data":{value}}}}},{{"dnat":{value}}},{{"mangle":{{"key":{{"meta":{{"key":"mark"}}}},"value":{value}}}}},
            {{"set":{value}}}]}}}},{{"set":{value}}},{{"map":{value}}}]}}"#
        );
        host(&[("nft-ruleset.json", &listing)]);
    }
}

/// Values of the words that listings are made of.
fn json(depth: u32) -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "null",
        "true",
        "-1",
        "4294967296",
        "18446744073709551615",
        "\"@s\"",
        "\"10.0.0.1\"",
        "\"::/0\"",
        "\"*\"",
        "\"tcp\"",
        "\"\"",
        "80",
    ]);
    let key = prop::sample::select(vec![
        "meta", "payload", "ct", "fib", "concat", "&", "|", "set", "map", "elem", "val", "range", "prefix", "key", "protocol",
        "field", "dir", "flags", "result", "data", "addr", "port", "len", "op", "left", "right", "target", "accept", "jump",
        "limit", "numgen", "mod", "offset",
    ]);
    word.prop_map(str::to_owned).prop_recursive(depth, 60, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|parts| format!("[{}]", parts.join(","))),
            proptest::collection::vec((key.clone(), inner), 0..3).prop_map(|pairs| {
                let pairs: Vec<String> = pairs.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", pairs.join(","))
            }),
        ]
    })
}

#[test]
fn values_within_values_have_an_end() {
    for (open, close) in [("[", "]"), (r#"{"&":["#, ",1]}"), (r#"{"concat":["#, "]}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let host = host(&[("nft-ruleset.json", &format!(r#"{{"nftables":[{{"rule":{{"expr":[{deep}]}}}}]}}"#))]);
        assert!(host.unread.iter().any(|unread| unread.why.contains("JSON")), "{open}");
    }
}

/// A build for tests is some ten times slower than one for use; what grows with the square of its input takes minutes.
const PATIENCE: Duration = Duration::from_secs(8);

/// The time that this thread has had on a processor (proc(5), `schedstat`): others on the machine play no part.
fn worked() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0))
}

fn in_time(what: &str, files: &[(&str, &str)]) -> Host {
    let begin = worked();
    let host = host(files);
    let took = worked().saturating_sub(begin);
    println!("{what}: {} ms", took.as_millis());
    assert!(took < PATIENCE, "{what} took {took:?}");
    host
}

#[test]
fn ten_thousand_rules_and_a_set_of_a_hundred_thousand_are_read_in_time() {
    let address = |at: u32| std::net::Ipv4Addr::from(0x0b00_0000 + at * 3);
    let mut save = String::from("*filter\n:INPUT ACCEPT [0:0]\n");
    let mut rules = String::new();
    for at in 0..10_000_u32 {
        let _ = writeln!(
            save,
            "[1:60] -A INPUT -s {}/32 -p tcp -m set --match-set big src -m tcp --dport {} -j DROP",
            address(at),
            at
        );
        let _ = write!(
            rules,
            r#",{{"rule":{{"family":"inet","table":"t","chain":"c","expr":[{{"match":{{"op":"==","left":{{"payload":{{"protocol":"ip","field":"saddr"}}}},"right":"@{}"}}}},{{"vmap":{{"key":{{"payload":{{"protocol":"tcp","field":"dport"}}}},"data":"@m"}}}}]}}}}"#,
            if at % 2 == 0 { "big" } else { "odd" },
        );
    }
    save.push_str("COMMIT\n");
    let mut sets = String::from("create big hash:net family inet\n");
    let (mut members, mut map) = (Vec::new(), Vec::new());
    for at in 0..100_000 {
        let _ = writeln!(sets, "add big {} timeout 60 comment \"a b\"", address(at));
        members.push(format!(r#"{{"elem":{{"val":"{}","timeout":60}}}}"#, address(at)));
        if at < 65_536 {
            map.push(format!(r#"[{at},{{"accept":null}}]"#));
        }
    }
    let members = members.join(",");
    // The last member of `odd` is not understood: that is found out once, not for each rule.
    let listing = format!(
        r#"{{"nftables":[{{"table":{{"family":"inet","name":"t"}}}},{{"chain":{{"family":"inet","table":"t","name":"c"}}}},
        {{"set":{{"family":"inet","table":"t","name":"big","elem":[{members}]}}}},{{"set":{{"family":"inet","table":"t","name":"odd","elem":[{members},"?"]}}}},
        {{"map":{{"family":"inet","table":"t","name":"m","elem":[{}]}}}}{rules}]}}"#,
        map.join(",")
    );
    let host = in_time("10,000 rules of iptables, a set of 100,000", &[("iptables-save.txt", &save), ("ipset-save.txt", &sets)]);
    assert_eq!(host.ruleset.tables[0].chains["INPUT"].rules.len(), 10_000);
    let host = in_time("10,000 rules of nft, sets of 100,000, a map of 65,536", &[("nft-ruleset.json", &listing)]);
    let rules = &host.ruleset.tables[0].chains["c"].rules;
    assert_eq!(rules.len(), 10_000);
    let is_unknown = |at: usize| rules[at].steps.iter().any(|step| matches!(step, Step::Test(Test::Unknown(_))));
    assert!(!is_unknown(0) && is_unknown(1));
}

#[test]
fn many_tables_and_chains_are_read_in_time() {
    let mut objects = Vec::new();
    for table in 0..1000 {
        objects.push(format!(r#"{{"table":{{"family":"ip","name":"t{table}"}}}}"#));
        for chain in 0..20 {
            objects.push(format!(r#"{{"chain":{{"family":"ip","table":"t{table}","name":"c{chain}"}}}}"#));
            objects
                .push(format!(r#"{{"rule":{{"family":"ip","table":"t{table}","chain":"c{chain}","expr":[{{"drop":null}}]}}}}"#));
        }
    }
    let text = format!(r#"{{"nftables":[{}]}}"#, objects.join(","));
    let mut people = String::new();
    for table in 0..1000 {
        let _ = writeln!(
            people,
            "table ip t{table} {{\n\tchain c0 {{\n\t\ttype filter hook input priority 0; policy accept;\n\t}}\n}}"
        );
    }
    let host = in_time("1,000 tables of 20 chains", &[("nft-ruleset.json", &text), ("nft-ruleset.txt", &people)]);
    assert_eq!(host.ruleset.tables.len(), 1000);
}

#[test]
fn holes_in_a_large_set_and_lists_of_sets_are_read_in_time() {
    let mut sets = String::from("create holes hash:net\n");
    for at in 0..50_000_u32 {
        let net = std::net::Ipv4Addr::from(0x0a00_0000 + at * 256);
        let _ = writeln!(sets, "add holes {net}/24\nadd holes {net}/28 nomatch");
    }
    let _ = writeln!(sets, "create list list:set\nadd list holes");
    let save = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m set --match-set list src -j DROP\nCOMMIT\n";
    let host = in_time("50,000 prefixes with a hole each", &[("iptables-save.txt", save), ("ipset-save.txt", &sets)]);
    let steps = &host.ruleset.tables[0].chains["INPUT"].rules[0].steps;
    assert!(
        matches!(&steps[0], Step::Test(Test::Fields { among, .. }) if among.members.len() == 50_000 && among.exceptions.is_empty())
    );
}
