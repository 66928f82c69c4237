//! rule-never-matches: a rule of the owner in `DOCKER-USER` that no packet to a container can fit.

use super::Rule;
use crate::judge::docker_user::{self, Effect, Place};
use crate::judge::hosts::HostCase;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::ruleset::{Chain, Rule as Entry};
use std::sync::Arc;

mod order;
mod words;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "rule-never-matches",
    summary: "a rule in DOCKER-USER never fits the packets that it is meant for",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/rule-never-matches.md"),
    project: None,
    host: Some(check),
};

/// Why a rule never fits.
struct Fault {
    /// How much it matters.
    level: Level,
    /// The end of the sentence that the rule begins.
    why: String,
    /// What to write instead.
    help: Vec<String>,
}

fn check(case: &HostCase) -> Vec<Finding> {
    let mut findings = Vec::new();
    for place in docker_user::places(case.host()) {
        for chain in &place.chains {
            findings.extend(order::below_the_end(chain).map(|(rules, end)| dead(&place, chain, rules, end)));
            let mut above = order::Above::default();
            for entry in chain.rules.iter().take(order::end(chain)) {
                let fault = words::fault(case, &place, entry).or_else(|| above.shadow(entry));
                findings.extend(fault.map(|fault| finding(&place, chain, entry, fault)));
                above.add(entry);
            }
        }
    }
    findings
}

fn finding(place: &Place, chain: &Chain, entry: &Entry, fault: Fault) -> Finding {
    let message = format!("rule `{}` for {} {}", entry.text, place.family_name(), fault.why);
    let mut finding = RULE.on_host(fault.level, message, on_host(place, chain));
    finding.help = fault.help;
    finding
}

fn on_host(place: &Place, chain: &Chain) -> OnHost {
    OnHost { part: Some(place.part(&chain.name)), ..OnHost::default() }
}

/// Rules below one that takes every packet.
fn dead(place: &Place, chain: &Chain, rules: &[Entry], end: &Entry) -> Finding {
    let texts: Vec<&Arc<str>> =
        rules.iter().filter(|entry| !docker_user::is_plain_return(entry)).map(|entry| &entry.text).collect();
    let what = match texts.as_slice() {
        [one] => format!("rule `{one}` for {} stands", place.family_name()),
        many => format!("{} rules of {} for {} stand", many.len(), chain.name, place.family_name()),
    };
    let message = format!("{what} below `{}`, which every packet leaves the chain by", end.text);
    let stops = rules.iter().any(|entry| docker_user::effect(entry) == Effect::Stops);
    let mut finding = RULE.on_host(if stops { Level::Error } else { RULE.level }, message, on_host(place, chain));
    if texts.len() > 1 {
        finding.help.extend(texts.iter().take(3).map(|text| format!("never asked: {text}")));
    }
    finding.help.push(format!(
        "insert at the top (`-I {}`) where it appends (`-A`); the engine before 28.2.2 ends DOCKER-USER with a `RETURN`",
        chain.name
    ));
    finding
}
