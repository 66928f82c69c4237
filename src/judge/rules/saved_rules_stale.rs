//! saved-rules-stale: a file that is loaded at boot holds the engine's own rules, or flushes them.

use super::Rule;
use crate::judge::docker_user;
use crate::judge::doors;
use crate::judge::engine_rules;
use crate::judge::hosts::HostCase;
use crate::judge::words;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::firewall::SavedRules;
use crate::model::host::{Host, Part};
use crate::model::ruleset::{Key, Rule as Entry, Span, Table};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "saved-rules-stale",
    summary: "rules that are loaded at boot hold the engine's own, or flush them",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/saved-rules-stale.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    if !engine_rules::is_on_host(host) {
        return Vec::new();
    }
    host.saved_rules.iter().flat_map(|saved| [engines(host, saved), flushes(host, saved)]).flatten().collect()
}

/// The engine's own rules in a file.
fn engines(host: &Host, saved: &SavedRules) -> Option<Finding> {
    let own = saved.tables.iter().flat_map(|table| engine_entries(host, table));
    let entries: Vec<&Entry> = own.collect();
    let first = entries.first()?;
    let gone = gone(host, &entries);
    let line = line_of(&saved.text, &first.text);
    let count = if entries.len() == 1 { "a rule".to_owned() } else { format!("{} rules", entries.len()) };
    let message = match gone.as_slice() {
        [] => format!("{} holds {count} of the engine's own: at boot they come back beside the engine's new ones", saved.path),
        gone => format!(
            "{} holds {count} of the engine's own: at boot they come back, for {} that {} gone",
            saved.path,
            some(gone),
            if gone.len() == 1 { "is" } else { "are" }
        ),
    };
    let mut finding = RULE.on_host(RULE.level, message, on_host(saved));
    finding.help = vec![
        format!("the first is in line {line}: {}", first.text),
        "a translation that came back sends its port to whichever container has the address by then".to_owned(),
        "take the chains DOCKER, DOCKER-… and the rules that name the engine's bridges out of the file: the engine writes them itself"
            .to_owned(),
        "save only what is yours, before the engine starts, or keep your rules in a table of their own".to_owned(),
    ];
    Some(finding)
}

/// The rules of a saved table that the engine wrote: in its chains, leading to them, or about its bridges.
fn engine_entries<'a>(host: &'a Host, table: &'a Table) -> impl Iterator<Item = &'a Entry> {
    let bridges = doors::engine_bridges(host);
    let chains = table.chains.values().filter(|chain| &*chain.name != docker_user::NAME);
    chains.flat_map(move |chain| {
        let in_own = chain.name.starts_with(engine_rules::CHAIN_PREFIX);
        let bridges = bridges.clone();
        chain.rules.iter().filter(move |entry| {
            let leads_there = docker_user::target(entry)
                .is_some_and(|target| target.starts_with(engine_rules::CHAIN_PREFIX) && target != docker_user::NAME);
            let about = |name: &str| bridges.contains(name) || is_made_bridge(name);
            in_own && !docker_user::is_plain_return(entry) || leads_there || chain.base.is_some() && interfaces(entry).any(about)
        })
    })
}

/// True for the name that the engine gives to the bridge of a network: `br-` and twelve hexadecimal digits.
fn is_made_bridge(name: &str) -> bool {
    name.strip_prefix("br-").is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The interfaces that a rule names.
fn interfaces(entry: &Entry) -> impl Iterator<Item = &str> {
    let keys = [Key::InInterface, Key::OutInterface];
    let sets = docker_user::tests(entry).filter_map(move |test| keys.iter().find_map(|key| docker_user::about(test, *key)));
    sets.flat_map(|(among, _)| among.members.iter().flatten()).filter_map(|span| match span {
        Span::Name(name) => Some(&**name),
        _ => None,
    })
}

/// The bridges and container addresses that the rules name and that are not there now.
fn gone(host: &Host, entries: &[&Entry]) -> Vec<String> {
    let mut gone = BTreeSet::new();
    if host.unread(|part| part == Part::Addresses).is_none() {
        let named = entries.iter().flat_map(|entry| interfaces(entry)).filter(|name| is_made_bridge(name));
        gone.extend(named.filter(|name| host.link(name).is_none()).map(|name| format!("bridge {name}")));
    }
    if host.unread(|part| part == Part::Containers).is_none() {
        let is_taken = |address: &IpAddr| host.endpoints.iter().any(|endpoint| endpoint.addresses.contains(address));
        let targets = entries.iter().flat_map(|entry| engine_rules::destinations(entry)).filter_map(|target| target.address);
        gone.extend(targets.filter(|address| !is_taken(address)).map(|address| format!("container address {address}")));
    }
    gone.into_iter().collect()
}

/// The first three of a list.
fn some(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    match names.len() {
        0..=3 => words::list(&shown),
        count => format!("{} and {} more", shown.join(", "), count - 3),
    }
}

fn line_of(text: &str, wanted: &str) -> usize {
    text.lines().position(|line| line.ends_with(wanted)).map_or(1, |at| at + 1)
}

/// `flush ruleset` in a file of nftables whose tables are loaded: each reload of it takes the engine's rules away.
fn flushes(host: &Host, saved: &SavedRules) -> Option<Finding> {
    let words = |line: &str| -> Vec<String> {
        let code = line.split('#').next().unwrap_or_default();
        code.split([' ', '\t', ';', '{']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let mut lines = saved.text.lines().zip(1..).map(|(line, number)| (words(line), number));
    let flush = lines.clone().find(|(words, _)| words.len() >= 2 && words[0] == "flush" && words[1] == "ruleset")?.1;
    // Without a table of its own among those of the kernel nobody has loaded it.
    let is_loaded = |words: &[String]| match words {
        [keyword, family, name, ..] if keyword == "table" => {
            let is_it = |table: &Table| table.family.name() == family && table.name == *name;
            host.ruleset.tables.iter().any(|table| is_it(table) && !table.chains.is_empty())
        }
        _ => false,
    };
    lines.find(|(words, _)| is_loaded(words))?;
    let message =
        format!("{} begins with `flush ruleset`: each restart of nftables.service takes the engine's rules away", saved.path);
    let mut finding = RULE.on_host(RULE.level, message, on_host(saved));
    finding.help = vec![
        format!("it stands in line {flush}"),
        "flush your own tables instead: `table inet filter`, `delete table inet filter` before its definition".to_owned(),
        "after such a restart, `systemctl restart docker` writes the engine's rules again".to_owned(),
    ];
    Some(finding)
}

fn on_host(saved: &SavedRules) -> OnHost {
    OnHost { part: Some(format!("file {}", saved.path)), ..OnHost::default() }
}
