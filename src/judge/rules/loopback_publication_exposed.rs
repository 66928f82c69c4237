//! loopback-publication-exposed: a port that is published on 127.0.0.0/8 is open to neighbours.

use super::Rule;
use crate::judge::court::Ruling;
use crate::judge::doors::Way;
use crate::judge::hosts::gathered::{Gathered, gather};
use crate::judge::hosts::{HostCase, Sight};
use crate::judge::words;
use crate::model::engine::Engine;
use crate::model::finding::{Finding, Level};
use crate::model::verdict::Verdict;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "loopback-publication-exposed",
    summary: "a port that is published on loopback is open to neighbours on the local network",
    level: Level::Error,
    allowable: true,
    page: include_str!("../../../docs/rules/loopback-publication-exposed.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let is_open = |sight: &Sight, ruling: &Ruling| ruling.actual == Verdict::Open && case.leads_there(sight, ruling);
    gather(case, Way::Loopback, is_open).into_iter().map(|found| finding(case, found)).collect()
}

fn finding(case: &HostCase, found: Gathered) -> Finding {
    let mut interfaces: Vec<&str> = found.views.iter().map(|view| view.interface.as_str()).collect();
    interfaces.sort_unstable();
    interfaces.dedup();
    let (interfaces, verb) = (words::list(&interfaces), found.is());
    let message = format!("{} {verb} published on loopback and {verb} open to neighbours on {interfaces}", found.subject());
    let mut finding = found.finding(&RULE, RULE.level, message);
    finding.help.push("a neighbour sends packets for 127.0.0.1 to this host's link address; the engine translates them before the kernel refuses them".to_owned());
    finding.help.push(explanation(case.host().engine.as_ref()).to_owned());
    finding
}

/// Why the guard is not there. That it is not there is read from the rules; the version only explains it.
fn explanation(engine: Option<&Engine>) -> &'static str {
    match engine.and_then(|engine| engine.release) {
        // moby#49325
        Some(release) if release < (28, 0, 0) => "engines before 28.0 write no rule against this: upgrade the engine",
        // CVE-2025-54388, GHSA-x4rx-4gw3-53p4
        Some(release) if ((28, 2, 0)..=(28, 3, 2)).contains(&release) => {
            "engines 28.2.0 to 28.3.2 lose their rule against this when firewalld reloads (CVE-2025-54388): upgrade the engine"
        }
        _ => {
            "the engine's rule against this is gone, or switched off by DOCKER_INSECURE_NO_IPTABLES_RAW; restarting the engine writes it again"
        }
    }
}
