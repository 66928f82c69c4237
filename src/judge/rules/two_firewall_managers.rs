//! two-firewall-managers: more than one program means to decide what reaches the host.

use super::Rule;
use crate::judge::docker_user;
use crate::judge::hosts::HostCase;
use crate::judge::words;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Base, Chain, ChainKind, Decision, Hook, Policy, Step, Table};
use std::collections::BTreeMap;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "two-firewall-managers",
    summary: "more than one firewall decides what reaches the host: a port has to be opened in each",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/two-firewall-managers.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let of_both = [Family::V4, Family::V6].map(|family| managers(case, family));
    of_both.iter().find(|managers| managers.len() > 1).map(finding).into_iter().collect()
}

/// Who refuses packets of one family at the hook input, each with the first chain by which it does.
fn managers(case: &HostCase, family: Family) -> BTreeMap<&'static str, String> {
    let mut managers = BTreeMap::new();
    for table in case.host().ruleset.tables.iter().filter(|table| table.family.sees(family)) {
        for chain in table.chains.values() {
            let at_input = |base: &&Base| base.hook == Hook::Input && base.kind == ChainKind::Filter;
            let Some(base) = chain.base.as_ref().filter(at_input) else { continue };
            if refuses(chain, base) {
                let place = format!("{} {}", table.title(), chain.name);
                managers.entry(manager(table, chain)).or_insert(place);
            }
        }
    }
    managers
}

fn finding(managers: &BTreeMap<&'static str, String>) -> Finding {
    let names: Vec<&str> = managers.keys().copied().collect();
    let message = format!("{} each decide what reaches the host", words::list(&names));
    let on_host = OnHost { part: Some("hook input".to_owned()), ..OnHost::default() };
    let mut finding = RULE.on_host(RULE.level, message, on_host);
    finding.help = managers.iter().map(|(name, place)| format!("{name}: {place}")).collect();
    finding.help.push("a packet has to be accepted by each: what one opens, the other may refuse".to_owned());
    finding.help.push(
        "keep one, and switch the others off (`ufw disable`, `systemctl disable --now firewalld` or `nftables`)".to_owned(),
    );
    finding
}

/// True if the chain refuses what it does not know: by its policy, or by a last rule without a condition.
fn refuses(chain: &Chain, base: &Base) -> bool {
    let stops = |step: &Step| matches!(step, Step::Act(Action::Decide(Decision::Drop | Decision::Reject)));
    let last_stops = chain.rules.last().is_some_and(|rule| matches!(&*rule.steps, [step] if stops(step)));
    base.policy == Policy::Drop || last_stops
}

/// Whose chain it is, by what it jumps to.
fn manager(table: &Table, chain: &Chain) -> &'static str {
    let jumps = |such: &dyn Fn(&str) -> bool| chain.rules.iter().filter_map(docker_user::target).any(such);
    if table.name.starts_with("firewalld") || jumps(&|name| name == "INPUT_ZONES") {
        "firewalld"
    } else if jumps(&|name| name.starts_with("ufw")) {
        "ufw"
    } else if jumps(&|name| name.ends_with("2fw") || name.ends_with("-fw")) {
        "Shorewall"
    } else if table.name == "filter" && &*chain.name == "INPUT" {
        "iptables rules"
    } else {
        "nftables rules"
    }
}
