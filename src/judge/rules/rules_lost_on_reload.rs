//! rules-lost-on-reload: the owner's rules in DOCKER-USER do not outlive a reload of firewalld.

use super::Rule;
use crate::judge::hosts::HostCase;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::firewall::Firewalld;
use crate::model::host::Host;
use crate::model::ruleset::{Action, Decision, Rule as NetfilterRule, Step};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "rules-lost-on-reload",
    summary: "rules in DOCKER-USER are gone when firewalld reloads",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/rules-lost-on-reload.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    let Some(firewalld) = host.firewalld.as_ref().filter(|firewalld| firewalld.is_running) else { return Vec::new() };
    let rules = owners_rules(host);
    if rules == 0 || firewalld.keeps_others_rules() != Some(false) {
        return Vec::new();
    }
    let (count, are) = if rules == 1 { ("rule".to_owned(), "is") } else { (format!("{rules} rules"), "are") };
    let message = format!("the {count} of the owner in DOCKER-USER {are} gone when firewalld reloads: {}", why(firewalld));
    let mut finding =
        RULE.on_host(RULE.level, message, OnHost { part: Some("chain DOCKER-USER".to_owned()), ..OnHost::default() });
    finding.help.push("the engine writes its own rules again after a reload, not those of others".to_owned());
    finding.help.push("keep the rules in an nftables table of your own: no reload touches it".to_owned());
    vec![finding]
}

/// Why a reload takes others' rules away (firewalld `src/firewall/core/fw.py`, `may_skip_flush_direct_backends`; `ipXtables.py`,
/// `build_flush_rules`).
fn why(firewalld: &Firewalld) -> String {
    let is_old = firewalld.release().map_or(firewalld.has_zone_priorities == Some(false), |release| release < (2, 0));
    let direct = firewalld.direct_rules.unwrap_or_default();
    if is_old {
        let version = firewalld.version.as_ref().map(|version| format!(" ({version})")).unwrap_or_default();
        format!("before version 2.0 it flushes all of iptables{version}")
    } else if firewalld.backend.as_deref() == Some("iptables") {
        "with its iptables backend it flushes all of iptables".to_owned()
    } else {
        let rules = if direct == 1 { "a direct rule" } else { "direct rules" };
        format!("it has {rules} of its own, and so flushes all of iptables")
    }
}

/// How many rules of the owner are in DOCKER-USER, of both families; a RETURN without conditions, with which older engines end the
/// chain, is none.
fn owners_rules(host: &Host) -> usize {
    let is_engines = |rule: &&NetfilterRule| matches!(&*rule.steps, [Step::Act(Action::Decide(Decision::Return))]);
    let chains = host.ruleset.tables.iter().filter_map(|table| table.chains.get("DOCKER-USER"));
    chains.flat_map(|chain| &chain.rules).filter(|rule| !is_engines(rule)).count()
}
