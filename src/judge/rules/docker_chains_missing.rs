//! docker-chains-missing: the engine runs containers with published ports, and its rules for them are gone.

use super::Rule;
use crate::judge::docker_user;
use crate::judge::doors;
use crate::judge::engine_rules::{self, Destinations, Footing, Translated};
use crate::judge::hosts::{self, HostCase};
use crate::judge::words;
use crate::model::engine::Backend;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::host::{Host, Part};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Step, Translation};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "docker-chains-missing",
    summary: "the engine's rules for published ports are gone: flushed, or lost with a firewall that was stopped",
    level: Level::Error,
    allowable: false,
    page: include_str!("../../../docs/rules/docker-chains-missing.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    if !engine_rules::is_on_host(host) || engine_rules::footing(host) != Footing::Writes {
        return Vec::new();
    }
    let is_unread = |family| {
        let of_family = |of: Option<Family>| of.is_none_or(|of| of == family);
        host.unread(|part| part == Part::Containers || matches!(part, Part::Rules(of) if of_family(of))).is_some()
    };
    let families = [Family::V4, Family::V6].into_iter().filter(|family| !is_unread(*family));
    families.filter_map(|family| finding(host, family)).collect()
}

fn finding(host: &Host, family: Family) -> Option<Finding> {
    // In v6 the engine translates from 27.0.1 on, and before that where it was told to: then it has chains there, too.
    let translates_v6 =
        || engine_rules::is_at_least(host, (27, 0, 1)) == Some(true) || engine_rules::has_chains(host, Family::V6);
    if family == Family::V6 && !translates_v6() {
        return None;
    }
    let all: Vec<Translated> = engine_rules::translated(host, family).collect();
    let there = Destinations::of(host, family);
    let lost: Vec<&Translated> = all.iter().filter(|it| !there.lead_to(it)).collect();
    let jumps = missing_jumps(host, family);
    if lost.is_empty() && (jumps.is_empty() || all.is_empty()) {
        return None;
    }
    let name = family.name();
    let message = match lost.as_slice() {
        [] => format!("the engine's chains for {name} are there, and nothing leads to them: {}", words::list(&texts(&jumps))),
        [one] => format!(
            "the engine's {name} rule for port {} of container {} is gone",
            one.binding.port.map_or(String::new(), |port| format!("{port}/{}", one.binding.protocol)),
            one.publisher.name
        ),
        many => format!("the engine's {name} rules for {} of {} published ports are gone", many.len(), all.len()),
    };
    let on_host = OnHost { part: Some(format!("the engine's {name} rules")), ..OnHost::default() };
    let mut finding = RULE.on_host(RULE.level, message, on_host);
    if lost.len() > 1 {
        let first = lost.iter().take(3).map(|it| format!("{} of {}", hosts::publication(&[it.binding]), it.publisher.name));
        let rest = lost.len().saturating_sub(3);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        finding.help.push(format!("without a rule: {}{more}", first.collect::<Vec<_>>().join(", ")));
    }
    if !lost.is_empty() {
        finding.help.extend(jumps.iter().map(|jump| format!("missing: {jump}")));
    }
    finding.help.extend(consequences(host, family));
    finding.help.push(repair(host));
    Some(finding)
}

fn texts(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

/// The jumps into the engine's chains that are missing, and the chains.
fn missing_jumps(host: &Host, family: Family) -> Vec<String> {
    if host.engine.as_ref().is_some_and(|engine| engine.backend == Backend::Nftables) {
        let is_there = host.ruleset.tables.iter().any(|table| table.name == "docker-bridges" && table.family.sees(family));
        let name = if family == Family::V4 { "ip docker-bridges" } else { "ip6 docker-bridges" };
        return if is_there { Vec::new() } else { vec![format!("the table {name}")] };
    }
    let leads = |table: &str, base: &str| {
        engine_rules::tables(host, table, family).any(|table| {
            let rules = table.chains.get(base).into_iter().flat_map(|chain| &chain.rules);
            let targets: Vec<&str> = rules.filter_map(docker_user::target).collect();
            targets.iter().any(|target| target.starts_with(engine_rules::CHAIN_PREFIX) && *target != docker_user::NAME)
        })
    };
    let mut missing = Vec::new();
    for (table, base) in [("nat", "PREROUTING"), ("filter", "FORWARD")] {
        if engine_rules::chain(host, table, family, "DOCKER").is_none() {
            missing.push(format!("the chain DOCKER in the table {table}"));
        } else if !leads(table, base) {
            missing.push(format!("the jump from {base} to the engine's chains in the table {table}"));
        }
    }
    missing
}

/// What holds while the rules are gone.
fn consequences(host: &Host, family: Family) -> Vec<String> {
    let has_proxy = host.engine.as_ref().and_then(|engine| engine.has_proxy) != Some(false);
    let mut lines = vec![if has_proxy {
        "docker-proxy answers on the published ports now: packets come in by INPUT, where the host firewall decides".to_owned()
    } else {
        "without docker-proxy nothing answers on the published ports".to_owned()
    }];
    if !is_masqueraded(host, family) {
        lines.push("containers do not reach the outside: nothing masquerades their addresses".to_owned());
    }
    let is_iptables = host.engine.as_ref().is_some_and(|engine| engine.backend == Backend::Iptables);
    if is_iptables && engine_rules::chain(host, "nat", family, "DOCKER").is_none() {
        lines.push("containers with published ports do not start: `No chain/target/match by that name`".to_owned());
    }
    lines
}

/// True if something translates the source of what containers send.
fn is_masqueraded(host: &Host, family: Family) -> bool {
    let tables = host.ruleset.tables.iter().filter(|table| table.family.sees(family));
    let is_source = |step: &Step| matches!(step, Step::Act(Action::Translate(Translation::Source)));
    let mut rules = tables.flat_map(|table| table.chains.values()).flat_map(|chain| &chain.rules);
    rules.any(|rule| rule.steps.iter().any(is_source))
}

/// What brings the rules back.
fn repair(host: &Host) -> String {
    let bridges = doors::engine_bridges(host);
    let zones = host.firewalld.iter().filter(|firewalld| firewalld.is_running).flat_map(|firewalld| firewalld.zones.values());
    let is_zoned = zones.flat_map(|zone| &zone.interfaces).any(|interface| bridges.contains(interface.as_str()));
    let uses_firewalld = host.engine.as_ref().and_then(|engine| engine.uses_firewalld);
    if uses_firewalld.unwrap_or(is_zoned) {
        "`firewall-cmd --reload` makes the engine write them again, and so does `systemctl restart docker`".to_owned()
    } else {
        "`systemctl restart docker` writes them again; it restarts the containers, unless `live-restore` is set".to_owned()
    }
}
