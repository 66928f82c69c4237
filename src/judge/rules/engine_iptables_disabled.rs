//! engine-iptables-disabled: the engine writes no packet filter rules.

use super::Rule;
use crate::judge::engine_rules::{self, Footing};
use crate::judge::hosts::HostCase;
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::host::{Host, Part};
use crate::model::packet::Family;
use crate::model::ruleset::{Hook, Policy};

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "engine-iptables-disabled",
    summary: "the engine writes no packet filter rules: docker-proxy serves the ports, and nothing separates networks",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/engine-iptables-disabled.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    let rules_are_unread = host.unread(|part| matches!(part, Part::Rules(_))).is_some();
    if !engine_rules::is_iptables(host) {
        return Vec::new();
    }
    let footing = engine_rules::footing(host);
    let message = match footing {
        Footing::SwitchedOff => "the engine writes no packet filter rules: daemon.json says `\"iptables\": false`",
        Footing::LooksSwitchedOff if !rules_are_unread && host.networks.iter().any(|network| network.bridge.is_some()) => {
            "the engine has no packet filter rules, as with `--iptables=false`"
        }
        _ => return Vec::new(),
    };
    let on_host = OnHost { part: Some("the engine".to_owned()), ..OnHost::default() };
    let mut finding = RULE.on_host(RULE.level, message.to_owned(), on_host);
    finding.help = vec![
        "docker-proxy serves published ports: packets come in by INPUT, where the host firewall decides".to_owned(),
        forwarding(host),
        "nothing separates the engine's networks from each other, and `internal` networks are not closed".to_owned(),
        "containers do not reach the outside unless rules of your own masquerade their addresses".to_owned(),
        "DOCKER-USER is not asked; to keep ports closed, bind them to an address or use the host firewall, and let the engine write its \
         rules again"
            .to_owned(),
    ];
    if footing == Footing::LooksSwitchedOff {
        finding
            .help
            .push("if it is meant to write rules, they are lost: `systemctl restart docker` writes them again".to_owned());
    }
    vec![finding]
}

/// What becomes of packets to a container's own address.
fn forwarding(host: &Host) -> String {
    let drops = host
        .ruleset
        .tables
        .iter()
        .filter(|table| table.family.sees(Family::V4))
        .flat_map(|table| table.chains.values())
        .any(|chain| chain.base.as_ref().is_some_and(|base| base.hook == Hook::Forward && base.policy == Policy::Drop));
    let why = if drops {
        "FORWARD's policy drops what nothing accepts"
    } else {
        "only rules of your own at the hook forward stop them"
    };
    format!("whoever has a route can send to a container's own address: {why}")
}
