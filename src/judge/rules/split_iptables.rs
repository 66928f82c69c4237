//! split-iptables: rules in iptables-legacy and in iptables-nft at once.

use super::Rule;
use crate::judge::engine_rules;
use crate::judge::hosts::HostCase;
use crate::judge::words;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::packet::Family;
use crate::model::ruleset::{Origin, Policy, Table, TableFamily};
use std::collections::BTreeSet;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "split-iptables",
    summary: "iptables-legacy and iptables-nft both hold rules: each tool shows half of them",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/split-iptables.md"),
    project: None,
    host: Some(check),
};

/// The tables that iptables knows.
const TABLES: [&str; 5] = ["filter", "mangle", "nat", "raw", "security"];

fn check(case: &HostCase) -> Vec<Finding> {
    [Family::V4, Family::V6].into_iter().filter_map(|family| finding(case, family)).collect()
}

fn finding(case: &HostCase, family: Family) -> Option<Finding> {
    let wanted = if family == Family::V4 { TableFamily::Ip } else { TableFamily::Ip6 };
    let tables =
        || case.host().ruleset.tables.iter().filter(|table| table.family == wanted && is_iptables(table) && speaks(table));
    let (legacy, nft): (Vec<&Table>, Vec<&Table>) = tables().partition(|table| table.origin == Origin::Legacy);
    if legacy.is_empty() || nft.is_empty() {
        return None;
    }
    let (name, tool) = if family == Family::V4 { ("v4", "iptables") } else { ("v6", "ip6tables") };
    let message = format!(
        "{name} rules are split between {tool}-legacy ({}) and {tool}-nft ({})",
        words::list(&writers(&legacy)),
        words::list(&writers(&nft))
    );
    let on_host = OnHost { part: Some(tool.to_owned()), ..OnHost::default() };
    let mut finding = RULE.on_host(RULE.level, message, on_host);
    finding.help = vec![
        "every packet passes both: a drop in either is final, an accept in one does not save it from the other".to_owned(),
        format!("`{tool}-legacy-save` and `{tool}-nft-save` each show their half"),
        format!(
            "choose one: `update-alternatives --set {tool} /usr/sbin/{tool}-nft`, then restart docker and what else writes rules, and \
             flush the tables of the other"
        ),
    ];
    Some(finding)
}

fn is_iptables(table: &Table) -> bool {
    TABLES.contains(&table.name.as_str())
}

/// True if the table does anything: it has rules, or a policy that drops.
fn speaks(table: &Table) -> bool {
    let drops = |policy: Policy| policy == Policy::Drop;
    table.chains.values().any(|chain| !chain.rules.is_empty() || chain.base.as_ref().is_some_and(|base| drops(base.policy)))
}

/// Who writes rules into some tables, by the names of the chains.
fn writers<'a>(tables: &[&Table]) -> Vec<&'a str> {
    let known = [
        (engine_rules::CHAIN_PREFIX, "the engine"),
        ("ufw", "ufw"),
        ("IN_", "firewalld"),
        ("f2b-", "fail2ban"),
        ("LIBVIRT", "libvirt"),
        ("KUBE-", "Kubernetes"),
        ("ts-", "Tailscale"),
        ("CROWDSEC", "CrowdSec"),
    ];
    let mut found = BTreeSet::new();
    for chain in tables.iter().flat_map(|table| table.chains.values()) {
        found.extend(known.iter().filter(|(prefix, _)| chain.name.starts_with(prefix)).map(|(_, name)| *name));
    }
    if found.is_empty() { vec!["rules in the built-in chains"] } else { found.into_iter().collect() }
}
