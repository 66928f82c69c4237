//! reachable-by-direct-routing: a container's own address and port are open to whoever has a route there.

use super::Rule;
use crate::judge::court::Ruling;
use crate::judge::doors::{self, Way};
use crate::judge::hosts::gathered::{Gathered, gather};
use crate::judge::hosts::{self, HostCase, Sight};
use crate::judge::words;
use crate::model::finding::{Finding, Level};
use crate::model::host::Network;
use crate::model::packet::Family;
use crate::model::verdict::Verdict;
use std::net::IpAddr;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "reachable-by-direct-routing",
    summary: "a container's own address is open to whoever has a route to it, although the port is meant to be closed",
    level: Level::Error,
    allowable: true,
    page: include_str!("../../../docs/rules/reachable-by-direct-routing.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let is_open = |sight: &Sight, ruling: &Ruling| {
        ruling.actual == Verdict::Open && (ruling.intended == Verdict::Closed || is_kept_in(case, sight))
    };
    gather(case, Way::Direct, is_open).into_iter().map(|found| finding(case, found)).collect()
}

/// True for a port that its owner keeps from others: bound to loopback, or not published, where that is meant to say something.
fn is_kept_in(case: &HostCase, sight: &Sight) -> bool {
    let publisher = case.publisher(&sight.door);
    let port = (sight.door.to.port, sight.door.to.protocol);
    let mut bindings = publisher.bindings.iter().filter(|binding| (binding.target, binding.protocol) == port);
    bindings.all(|binding| binding.address.is_loopback()) && mode_at(case, sight.door.publisher, sight.door.to.address).is_none()
}

/// The gateway mode that opens an address by design: `routed`, `nat-unprotected`; None for others.
fn mode_at<'a>(case: &HostCase<'a>, publisher: usize, address: IpAddr) -> Option<(&'a Network, &'a str)> {
    let host = case.host();
    let (network, _) = doors::at(host, &host.publishers[publisher]).find(|(_, own)| *own == address)?;
    let mode = network.gateway_mode(Family::of(address))?;
    ["routed", "nat-unprotected"].contains(&mode).then_some((network, mode))
}

fn finding(case: &HostCase, found: Gathered) -> Finding {
    let host = case.host();
    let at = host.publishers.iter().position(|publisher| std::ptr::eq(publisher, found.publisher)).unwrap_or_default();
    let mut addresses: Vec<IpAddr> = found.views.iter().map(|view| view.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let modes: Vec<_> = addresses.iter().filter_map(|address| mode_at(case, at, *address)).collect();
    let is_designed = modes.len() == addresses.len();
    let is_refused = found.views.iter().any(|view| view.intended == Verdict::Closed);
    let why = match (is_refused, found.bindings.is_empty()) {
        (true, _) => found.refusal(),
        (false, true) => "it is not published".to_owned(),
        (false, false) => "it is published on loopback only".to_owned(),
    };
    let places = words::list(&addresses.iter().map(ToString::to_string).collect::<Vec<_>>());
    let (own, audience) =
        (if addresses.len() == 1 { "its own address" } else { "its own addresses" }, hosts::audience(&found.views));
    let message = format!("{} {} open at {own} {places} {audience}, given a route there; {why}", found.subject(), found.is());
    let level = if is_refused && !is_designed { RULE.level } else { Level::Warn };
    let is_published = !found.bindings.is_empty();
    let mut finding = found.finding(&RULE, level, message);
    for (network, mode) in modes {
        finding.help.push(by_design(network, mode));
    }
    if !is_designed {
        finding.help.push(advice(case, is_published));
    }
    finding.help.dedup();
    finding
}

fn by_design(network: &Network, mode: &str) -> String {
    let what = if mode == "routed" {
        "published ports are open at the container's own address"
    } else {
        "every port is open at the container's own address, published or not"
    };
    format!("network {} has gateway mode {mode}: {what}", network.name)
}

fn advice(case: &HostCase, is_published: bool) -> String {
    let release = case.host().engine.as_ref().and_then(|engine| engine.release);
    match release {
        Some(release) if release < (28, 0, 0) => {
            "engines before 28.0 do not guard the addresses of containers: upgrade, or refuse packets from outside to them in DOCKER-USER".to_owned()
        }
        _ if is_published => "the engine's guard for this address is missing or switched off (`allow-direct-routing`, trusted_host_interfaces, \
                              DOCKER_INSECURE_NO_IPTABLES_RAW)"
            .to_owned(),
        _ => "the engine's guard for this address is missing or switched off".to_owned(),
    }
}
