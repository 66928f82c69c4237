//! Hosts without the program nft, or without those of iptables: what is read of their rules. The real program looks at the real kernel, in namespaces of its own that lack
//! tools.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use docker_firewall::judge::bypass::packet;
use docker_firewall::judge::path::trace;
use docker_firewall::model::host::Part;
use docker_firewall::model::ruleset::{Chain, Policy, Table};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::model::verdict::Verdict;
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Looks at a network in which the first commands were run, with tools as the second ones leave them in a layer over `/usr/sbin`; None, with
/// a word, where that cannot be had.
fn look(setup: &str, tools: &str) -> Option<Snapshot> {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "set -e; ip link set lo up; {setup}
        mount -t tmpfs tmpfs /mnt; mkdir /mnt/upper /mnt/work
        mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir=/mnt/upper,workdir=/mnt/work /usr/sbin
        cd /usr/sbin; {tools}
        cd /; echo made; {} snapshot {} >/dev/null || [ $? = 2 ]",
        env!("CARGO_BIN_EXE_docker-firewall"),
        folder.path().join("saved").display()
    );
    let output = Command::new("unshare").args(["--net", "--mount", "sh", "-c", &script]).output().unwrap();
    if !output.stdout.starts_with(b"made") {
        println!("skipped: root, overlayfs, iptables and nft are needed: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = fs::read_dir(folder.path().join("saved")).unwrap().map(|entry| entry.unwrap().path());
    let text =
        |path: std::path::PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap());
    Some(Snapshot { files: files.map(text).collect() })
}

/// Why rules are unread, as the saved host says it.
fn unread(snapshot: &Snapshot) -> Vec<String> {
    let unread = snapshot.host().unread.into_iter().filter(|unread| matches!(unread.part, Part::Rules(_)));
    unread.map(|unread| unread.why).collect()
}

fn titles(snapshot: &Snapshot) -> Vec<String> {
    snapshot.host().ruleset.tables.iter().map(Table::title).collect()
}

const FIREWALL: &str = "
    for it in iptables-nft ip6tables-nft; do
        $it -P INPUT DROP; $it -N DOCKER-USER; $it -A FORWARD -j DOCKER-USER
        $it -A DOCKER-USER -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL -j DROP
        $it -t nat -A PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 80
    done";

#[test]
fn a_host_whose_rules_are_all_of_iptables_is_read_as_with_nft() {
    let Some(with) = look(FIREWALL, "") else { return };
    let without = look(FIREWALL, "rm nft").unwrap();
    assert_eq!((&*without.files["nft-ruleset.json"], &*without.files["nft-ruleset.txt"]), ("", ""));
    assert_eq!(unread(&without), [""; 0]);
    assert_eq!(rules(&without), rules(&with));
}

/// Every chain that has rules or drops, with what its rules do. iptables-save also shows built-in chains that nobody has made yet.
fn rules(snapshot: &Snapshot) -> Vec<String> {
    let mut rules = Vec::new();
    for table in snapshot.host().ruleset.tables {
        for chain in table.chains.values() {
            let drops = chain.base.as_ref().is_some_and(|base| base.policy == Policy::Drop);
            if drops || !chain.rules.is_empty() {
                let steps: Vec<_> = chain.rules.iter().map(|rule| &rule.steps).collect();
                rules.push(format!("{} {}: {:?} {steps:?}", table.title(), chain.name, chain.base));
            }
        }
    }
    rules.sort();
    assert!(rules.len() >= 8, "{rules:?}");
    rules
}

#[test]
fn a_table_that_iptables_does_not_show_is_unread_by_its_name() {
    let setup = format!(
        "{FIREWALL}; nft add table inet firewalld; nft add chain inet firewalld in '{{ type filter hook input priority 10; policy drop; }}'"
    );
    let Some(snapshot) = look(&setup, "rm nft") else { return };
    let why = "nft is not on this host, and its kernel holds the table inet firewalld, which iptables-save does not show";
    assert_eq!(unread(&snapshot), [why]);
    let reasons: Value = serde_json::from_str(&snapshot.files["unread.json"]).unwrap();
    assert_eq!(reasons["nft-ruleset.json"]["command"], "sudo nft -j list ruleset");
}

#[test]
fn a_rule_that_iptables_misprints_makes_its_table_unread() {
    let Some(snapshot) = look(&format!("{FIREWALL}; nft add rule ip filter INPUT 'tcp dport {{ 80, 443 }} drop'"), "rm nft")
    else {
        return;
    };
    assert!(snapshot.files["iptables-save.txt"].contains("-A INPUT -p tcp -j DROP\n"), "as if all ports were closed");
    let why = "nft is not on this host, and iptables-save does not show the table ip filter as it is: iptables writes no rule such as one in \
        the chain INPUT";
    assert_eq!(unread(&snapshot), [why]);
}

#[test]
fn with_nft_a_rule_that_iptables_misprints_is_what_the_kernel_has() {
    let setup = format!(
        "ip link add eth0 type dummy; ip addr add 192.0.2.1/24 dev eth0; ip link set eth0 up
        {FIREWALL}; iptables-nft -P INPUT ACCEPT; iptables-nft -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
        nft add rule ip filter INPUT 'tcp dport {{ 80, 443 }} drop'"
    );
    let Some(snapshot) = look(&setup, "") else { return };
    assert!(snapshot.files["iptables-save.txt"].contains("-A INPUT -p tcp -j DROP\n"), "as if all ports were closed");
    let host = snapshot.host();
    let verdict = |to: &str| {
        let source = "192.0.2.9".parse().unwrap();
        trace(&host, &packet(&host, to.parse().unwrap(), Some(source), Some("eth0")).unwrap()).verdict
    };
    assert_eq!(unread(&snapshot), [""; 0]);
    assert_eq!([verdict("192.0.2.1:22/tcp"), verdict("192.0.2.1:443/tcp")], [Verdict::Open, Verdict::Closed]);
    let texts: Vec<String> = host.ruleset.tables.iter().flat_map(|table| table.chains.values()).flat_map(texts).collect();
    for text in
        ["tcp dport { 80, 443 } drop", "-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT", "-A FORWARD -j DOCKER-USER"]
    {
        assert!(texts.iter().any(|own| own == text), "{text}: {texts:?}");
    }
}

fn texts(chain: &Chain) -> Vec<String> {
    chain.rules.iter().map(|rule| rule.text.to_string()).collect()
}

#[test]
fn a_host_of_iptables_legacy_alone_is_read_without_nft() {
    let setup = "for it in iptables ip6tables; do $it-legacy -A INPUT -p tcp --dport 22 -j ACCEPT; done";
    let tools = "rm nft *tables-nft*; for it in iptables ip6tables; do
        ln -sf xtables-legacy-multi $it; ln -sf xtables-legacy-multi $it-save; done";
    let Some(snapshot) = look(setup, tools) else { return };
    assert!(snapshot.files["iptables-version.txt"].contains("(legacy)"));
    assert_eq!(unread(&snapshot), [""; 0]);
    assert_eq!(titles(&snapshot), ["legacy ip filter", "legacy ip6 filter"]);
}

#[test]
fn rules_of_iptables_without_iptables_are_unread_and_the_missing_package_is_named() {
    let Some(snapshot) = look(FIREWALL, "rm *tables*") else { return };
    let of = |tool: &str, family: &str| {
        format!("{tool} is not on this host (the package iptables has it), and the table {family} filter holds rules of iptables")
    };
    assert_eq!(unread(&snapshot), [of("iptables-save", "ip"), of("ip6tables-save", "ip6")]);
    let half = look(FIREWALL, "rm ip6tables*").unwrap();
    assert_eq!(unread(&half), [of("ip6tables-save", "ip6")]);
}

#[test]
fn legacy_tables_without_their_tool_are_unread_and_the_missing_package_is_named() {
    let setup = "for it in iptables ip6tables; do $it-legacy -A INPUT -p tcp --dport 22 -j ACCEPT; done";
    let of = |tool: &str| format!("{tool} is not on this host (the package iptables has it), and the kernel holds legacy tables");
    let Some(snapshot) = look(setup, "rm *tables*") else { return };
    assert_eq!(unread(&snapshot), ["iptables-legacy-save", "ip6tables-legacy-save"].map(of));
    let tools = "rm *tables*save*; for it in iptables ip6tables; do ln -sf xtables-legacy-multi $it; done";
    assert_eq!(unread(&look(setup, tools).unwrap()), ["iptables-save", "ip6tables-save"].map(of));
}

#[test]
fn a_host_without_any_tool_is_read_where_the_kernel_holds_nothing_and_else_is_not() {
    let tools = "rm nft *tables*";
    let Some(empty) = look("", tools) else { return };
    assert_eq!((unread(&empty), titles(&empty)), (vec![], vec![]));
    let unread = unread(&look("iptables-nft -A INPUT -j DROP", tools).unwrap());
    assert_eq!(unread, ["nft is not on this host, and its kernel holds the table ip filter, which iptables-save does not show"]);
}
