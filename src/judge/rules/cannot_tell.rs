//! cannot-tell: whether a port is open where it should not be cannot be told from what was seen.

use super::Rule;
use crate::judge::court::Ruling;
use crate::judge::doors::Way;
use crate::judge::hosts::gathered::{Gathered, gather};
use crate::judge::hosts::{self, HostCase, Sight};
use crate::model::finding::{Finding, Level, OnHost, View};
use crate::model::host::{Host, Part, Unread};
use crate::model::packet::{Family, Protocol};
use crate::model::verdict::Verdict;

/// The rule. Its findings make a run fail as one that could not look.
pub static RULE: Rule = Rule {
    name: "cannot-tell",
    summary: "whether a port is open where it should not be cannot be told from what was seen",
    level: Level::Warn,
    allowable: true,
    page: include_str!("../../../docs/rules/cannot-tell.md"),
    project: None,
    host: Some(check),
};

/// A finding about a port that a compose project would publish: what the engine makes of it is not known.
pub fn planned(port: &str, service: &str, reason: &str) -> Finding {
    let message = format!("{port} of service {service} would be opened in a way that cannot be told on this host: {reason}");
    RULE.on_host(RULE.level, message, OnHost::default())
}

fn check(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    let mut findings: Vec<Finding> = unread(host).into_iter().map(of_unread).collect();
    for way in [Way::Host, Way::Loopback, Way::Direct] {
        let found = gather(case, way, |sight, ruling| is_doubtful(case, sight, ruling));
        findings.extend(found.into_iter().filter(|found| !hangs_on_unread(host, found)).map(of_port));
    }
    findings.extend(layer_three_children(host));
    findings
}

/// True if the port may be open although it is meant to be closed.
fn is_doubtful(case: &HostCase, sight: &Sight, ruling: &Ruling) -> bool {
    let is_unsure = ruling.actual == Verdict::Unsure || ruling.intended == Verdict::Unsure;
    is_unsure && ruling.actual != Verdict::Closed && ruling.intended != Verdict::Open && case.leads_there(sight, ruling)
}

/// What was not seen and verdicts hang on, each once.
fn unread(host: &Host) -> Vec<&Unread> {
    let is_apart = host.engine.as_ref().is_some_and(|engine| engine.seat.is_apart());
    let decides = |part: Part| match part {
        Part::Firewall | Part::SavedRules => false,
        // Whether anything listens plays a part only where published ports are sockets of a process.
        Part::Listeners => is_apart,
        Part::Rules(_) | Part::Addresses | Part::Routes(_) | Part::Settings | Part::Containers => true,
    };
    let mut unread: Vec<&Unread> = Vec::new();
    for one in host.unread.iter().filter(|one| decides(one.part)) {
        if !unread.contains(&one) {
            unread.push(one);
        }
    }
    unread
}

fn of_unread(unread: &Unread) -> Finding {
    let part = words(unread.part);
    let message = format!("{part} are not known, and verdicts hang on them: {}", unread.why);
    let mut finding = RULE.on_host(RULE.level, message, OnHost { part: Some(part.to_owned()), ..OnHost::default() });
    finding.help.push(format!("`{}` shows them", unread.command));
    finding
}

fn words(part: Part) -> &'static str {
    match part {
        Part::Rules(None) => "the rules of the packet filter",
        Part::Rules(Some(Family::V4)) => "the v4 rules of the packet filter",
        Part::Rules(Some(Family::V6)) => "the v6 rules of the packet filter",
        Part::Addresses => "the host's addresses",
        Part::Routes(Family::V4) => "the v4 routes",
        Part::Routes(Family::V6) => "the v6 routes",
        Part::Settings => "the kernel's settings",
        Part::Listeners => "the listening sockets",
        Part::Containers => "the containers and their networks",
        Part::Firewall => "the firewall's own words",
        Part::SavedRules => "the rules that are loaded at boot",
    }
}

/// True if nothing but what was not read stands in the way: that is said once, and not for each port.
fn hangs_on_unread(host: &Host, found: &Gathered) -> bool {
    let is_of_unread = |doubt: &String| host.unread.iter().any(|unread| doubt.contains(&unread.why));
    !found.doubts.is_empty() && found.doubts.iter().all(is_of_unread)
}

fn of_port(found: Gathered) -> Finding {
    let message = format!("whether {} {} open {} cannot be told", found.subject(), found.is(), hosts::audience(&found.views));
    let doubts = found.doubts.iter().map(|doubt| format!("in doubt: {doubt}")).collect::<Vec<_>>();
    let settled = found.views.first().map(settled_by);
    let mut finding = found.finding(&RULE, RULE.level, message);
    finding.help.extend(doubts.into_iter().chain(settled));
    finding
}

/// What settles it: the same packet, really sent.
fn settled_by(view: &View) -> String {
    let udp = if view.protocol == Protocol::UDP { "u" } else { "" };
    format!("`nc -vz{udp} -w 3 {} {}` from a machine beyond {} settles it", view.address, view.port, view.interface)
}

/// Containers on an ipvlan network of mode l3s: some of the host's hooks see their packets (Documentation/networking/ipvlan.rst).
fn layer_three_children(host: &Host) -> Vec<Finding> {
    let networks = host.networks.iter().filter(|network| network.driver == "ipvlan" && network.mode.as_deref() == Some("l3s"));
    let of = |network: &crate::model::host::Network| -> Vec<Finding> {
        let endpoints = host.endpoints.iter().filter(|endpoint| endpoint.network == network.id && !endpoint.addresses.is_empty());
        let finding = |endpoint: &crate::model::host::Endpoint| {
            let message = format!(
                "whether the ports of container {} are open cannot be told: network {} is ipvlan of mode l3s",
                endpoint.container, network.name
            );
            RULE.on_host(RULE.level, message, OnHost { container: Some(endpoint.container.clone()), ..OnHost::default() })
        };
        endpoints.map(finding).collect()
    };
    networks.flat_map(of).collect()
}
