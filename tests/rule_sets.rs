//! What the products of this field write, loaded and saved by the real tools: every rule is read, and what is not understood of them is
//! what is known not to be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use docker_firewall::model::host::Host;
use docker_firewall::model::ruleset::{Action, Origin, Rule, Step, Table, Test};
use docker_firewall::model::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules");
    let entries = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> &str {
    folder.file_name().unwrap().to_str().unwrap()
}

fn snapshot(folder: &Path) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        snapshot.files.insert(name(&path).to_owned(), std::fs::read_to_string(&path).unwrap());
    }
    snapshot
}

fn rules(host: &Host) -> impl Iterator<Item = (&Table, &Rule)> {
    let tables = host.ruleset.tables.iter();
    tables.flat_map(|table| table.chains.values().flat_map(move |chain| chain.rules.iter().map(move |rule| (table, rule))))
}

/// What is not understood of a rule.
fn unknown(rule: &Rule) -> Vec<&str> {
    let text = |step| match step {
        &Step::Test(Test::Unknown(ref text)) | &Step::Act(Action::Unknown(ref text)) => Some(&**text),
        _ => None,
    };
    rule.steps.iter().filter_map(text).collect()
}

/// The rules of a table as its own tool shows them.
fn listed(snapshot: &Snapshot, table: &Table) -> usize {
    let of = |object: &Value| object["family"] == table.family.name() && object["table"] == *table.name;
    let appended = |files: &[&str]| {
        let text = |file: &&str| snapshot.files.get(*file).cloned().unwrap_or_default();
        let saves: Vec<String> = files.iter().map(text).collect();
        let own = |save: &String| {
            let start = format!("*{}", table.name);
            save.lines()
                .skip_while(|line| *line != start)
                .take_while(|line| *line != "COMMIT")
                .filter(|line| line.contains("-A "))
                .count()
        };
        saves.iter().map(own).max().unwrap_or(0)
    };
    match (table.origin, table.family.name()) {
        (Origin::Nft, _) => {
            let listing: Value = serde_json::from_str(&snapshot.files["nft-ruleset.json"]).unwrap();
            let rules = listing["nftables"].as_array().unwrap().iter().filter_map(|object| object.get("rule"));
            rules.filter(|rule| of(rule)).count()
        }
        (Origin::Iptables, "ip6") => appended(&["ip6tables-save.txt", "ip6tables-nft-save.txt"]),
        (Origin::Iptables, _) => appended(&["iptables-save.txt", "iptables-nft-save.txt"]),
        (Origin::Legacy, "ip6") => appended(&["ip6tables-legacy-save.txt", "ip6tables-save.txt"]),
        (Origin::Legacy, _) => appended(&["iptables-legacy-save.txt", "iptables-save.txt"]),
    }
}

#[test]
fn every_rule_of_a_product_is_read() {
    assert!(folders().len() > 20);
    for folder in folders() {
        let snapshot = snapshot(&folder);
        let host = snapshot.host();
        assert!(rules(&host).count() >= 5, "{}", name(&folder));
        for table in &host.ruleset.tables {
            let read: usize = table.chains.values().map(|chain| chain.rules.len()).sum();
            assert_eq!(read, listed(&snapshot, table), "{}: {}", name(&folder), table.title());
            for chain in table.chains.values() {
                assert_eq!(chain.unread, None, "{}: {}", name(&folder), chain.name);
            }
        }
    }
}

#[test]
fn what_is_not_understood_is_what_cannot_be_told() {
    let mut report = String::new();
    for folder in folders() {
        let host = snapshot(&folder).host();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rules_read = 0;
        let mut with_unknown = 0;
        for (_, rule) in rules(&host) {
            rules_read += 1;
            let texts = unknown(rule);
            with_unknown += usize::from(!texts.is_empty());
            for text in texts {
                *counts.entry(text).or_default() += 1;
            }
        }
        let _ = writeln!(report, "{}: {rules_read} rules, {with_unknown} with something that is not understood", name(&folder));
        for (text, count) in counts {
            let _ = writeln!(report, "    {count} × {text}");
        }
    }
    insta::assert_snapshot!(report);
}

#[test]
fn both_halves_of_a_split_iptables_are_read_once_each() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/rules");
    let (new, old) = (snapshot(&root.join("csf")), snapshot(&root.join("csf-legacy")));
    let mut legacy_first = old.clone();
    let mut nft_first = new.clone();
    for family in ["iptables", "ip6tables"] {
        let file = |kind: &str| format!("{family}{kind}-save.txt");
        legacy_first.files.insert(file("-nft"), new.files[&file("")].clone());
        nft_first.files.insert(file("-legacy"), old.files[&file("")].clone());
    }
    legacy_first.files.insert("nft-ruleset.json".to_owned(), new.files["nft-ruleset.json"].clone());
    let titles = |snapshot: &Snapshot| {
        let host = snapshot.host();
        let mut titles: Vec<String> = host.ruleset.tables.iter().map(Table::title).collect();
        titles.sort();
        let understood = rules(&host).filter(|(_, rule)| unknown(rule).is_empty()).count();
        (titles, understood)
    };
    let (both, understood) = titles(&legacy_first);
    assert_eq!((both.clone(), understood), titles(&nft_first), "whichever of the two plain `iptables` is");
    assert!(both.contains(&"ip filter".to_owned()) && both.contains(&"legacy ip filter".to_owned()), "{both:?}");
    assert!(both.windows(2).all(|pair| pair[0] != pair[1]), "{both:?}");
    assert_eq!(understood, titles(&new).1 + titles(&old).1);
}
