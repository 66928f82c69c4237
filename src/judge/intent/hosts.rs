//! What the owner means to be open, held against what is really open on a host.
//!
//! In: findings about a host, and the intent. Out: the findings that are left, and those that are answered. A limit (`from`, `in`) can
//! be judged here: an allowance answers what is open to those whom it names, and to nobody else. Not here: compose files.

use super::{Intent, Ledger, set_level};
use crate::judge::hosts::{self, HostCase};
use crate::judge::{Allowed, Judged};
use crate::model::engine::Publisher;
use crate::model::finding::{Finding, View};
use crate::model::policy::{Grant, PortSelector, Scope};
use crate::model::source::Place;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Takes away what is answered. Each finding comes with whether an allowance for its port answers it.
pub(in crate::judge) fn settle(case: &HostCase, intent: &Intent, found: impl Iterator<Item = (bool, Finding)>) -> Judged {
    let host = case.host();
    let mut judged = Judged { ledger: ledger(case, intent), ..Judged::default() };
    for (is_allowable, mut finding) in found {
        let mut by: Vec<Place> = set_level(&mut finding, intent).into_iter().collect();
        let container = finding.on_host.as_ref().and_then(|on_host| on_host.container.as_ref());
        let publisher = host.publishers.iter().position(|it| Some(&it.name) == container);
        if let Some(publisher) = publisher.filter(|_| is_allowable && by.is_empty()) {
            by = allowed_by(case, intent, publisher, &mut finding);
        }
        if by.is_empty() {
            judged.findings.push(finding);
        } else {
            judged.allowed.push(Allowed { finding, by });
        }
    }
    judged
}

/// Which grants name a port of a publisher of this host.
fn ledger(case: &HostCase, intent: &Intent) -> Ledger {
    let publishers = &case.host().publishers;
    let names = |grant: &Grant| {
        publishers.iter().filter(|publisher| holds(&grant.scope, publisher)).any(|publisher| {
            let protocol = |binding: &crate::model::engine::Binding| binding.protocol.to_string();
            publisher.bindings.iter().any(|binding| is_for(grant, binding.port, &protocol(binding)))
        })
    };
    Ledger {
        used_grants: intent.grants.iter().map(names).collect(),
        used_exceptions: vec![false; intent.exceptions.len()],
        services: publishers.iter().map(|publisher| Arc::from(service(publisher))).collect(),
        is_complete: true,
    }
}

/// The name by which the policy speaks of a publisher: its compose service; without one, its own name.
fn service(publisher: &Publisher) -> &str {
    publisher.compose.as_ref().map_or(&publisher.name, |compose| &compose.service)
}

pub(super) fn holds(scope: &Scope, publisher: &Publisher) -> bool {
    match scope {
        Scope::Project => true,
        Scope::Service(name) => name == service(publisher),
        Scope::Container(name) => *name == publisher.name,
        Scope::Publication(_) => false,
    }
}

/// True if a grant names a host port; one that is not known is named by `any` alone.
pub(super) fn is_for(grant: &Grant, port: Option<u16>, protocol: &str) -> bool {
    match &grant.allowance.ports {
        PortSelector::Any => true,
        PortSelector::Ports { ports, protocol: own } => {
            port.is_some_and(|port| ports.contains(port.into())) && own.eq_ignore_ascii_case(protocol)
        }
    }
}

/// The allowances that answer a finding whole; empty, with a word in the finding, where they answer a part of it.
fn allowed_by(case: &HostCase, intent: &Intent, publisher: usize, finding: &mut Finding) -> Vec<Place> {
    let it = &case.host().publishers[publisher];
    let in_scope: Vec<&Grant> = intent.grants.iter().filter(|grant| holds(&grant.scope, it)).collect();
    let Some(on_host) = finding.on_host.as_mut().filter(|_| !in_scope.is_empty()) else { return Vec::new() };
    let (mut used, mut left, mut beyond): (Vec<&Grant>, Vec<View>, Vec<IpNet>) = (Vec::new(), Vec::new(), Vec::new());
    for view in &on_host.views {
        let (port, protocol) = (host_port(case, it, view), view.protocol.to_string());
        let grants: Vec<&Grant> = in_scope.iter().copied().filter(|grant| is_for(grant, port, &protocol)).collect();
        if grants.is_empty() {
            left.push(view.clone());
            continue;
        }
        let rest = beyond_of(case, publisher, view, &grants);
        for grant in grants {
            if !used.contains(&grant) {
                used.push(grant);
            }
        }
        if !rest.is_empty() {
            left.push(view.clone());
            beyond.extend(rest);
        }
    }
    if used.is_empty() {
        return Vec::new();
    }
    if left.is_empty() {
        return used.iter().map(|grant| grant.place.clone()).collect();
    }
    let allowances: Vec<String> = used.iter().map(|grant| grant.allowance.to_string()).collect();
    finding.message = format!("{}; allowed: {}", finding.message, allowances.join("; "));
    finding.help.insert(0, format!("open beyond what is allowed: {}", words(&left, &case.whole(&beyond))));
    on_host.views = left;
    Vec::new()
}

/// The host port that a view is about. At a container's own address it is the one that the container port is published at.
fn host_port(case: &HostCase, publisher: &Publisher, view: &View) -> Option<u16> {
    let host = case.host();
    let is_own = host.endpoints.iter().any(|it| it.container == publisher.name && it.addresses.contains(&view.address));
    if !is_own {
        return Some(view.port);
    }
    let is_it = |binding: &&crate::model::engine::Binding| (binding.target, binding.protocol) == (view.port, view.protocol);
    publisher.bindings.iter().find(is_it).and_then(|binding| binding.port)
}

/// The senders to whom a view is open and whom no grant names.
fn beyond_of(case: &HostCase, publisher: usize, view: &View, grants: &[&Grant]) -> Vec<IpNet> {
    let here = |grant: &&&Grant| grant.allowance.interface.as_ref().is_none_or(|interface| *interface == view.interface);
    let mut allowed: Vec<(IpAddr, IpAddr)> = Vec::new();
    for grant in grants.iter().filter(here) {
        let nets = grant.allowance.from.iter().filter(|net| net.addr().is_ipv4() == view.address.is_ipv4());
        allowed.extend(nets.map(|net| (net.network(), net.broadcast())));
        if grant.allowance.from.is_empty() {
            allowed.push(whole(view.address.is_ipv4()));
        }
    }
    let mut left = case.senders_of(publisher, view);
    for (first, last) in allowed {
        left = left.into_iter().flat_map(|span| hosts::without(span, (first, last))).collect();
    }
    hosts::nets(&left).collect()
}

fn whole(is_v4: bool) -> (IpAddr, IpAddr) {
    if is_v4 {
        (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::BROADCAST.into())
    } else {
        (Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::from_bits(u128::MAX).into())
    }
}

/// Where and to whom it is open though nobody allowed it: `to everyone else by eth0`.
fn words(left: &[View], beyond: &[IpNet]) -> String {
    let mut ports: Vec<String> = left.iter().map(|view| format!("{}/{}", view.port, view.protocol)).collect();
    ports.dedup();
    let mut interfaces: Vec<&str> = left.iter().map(|view| view.interface.as_str()).collect();
    interfaces.sort_unstable();
    interfaces.dedup();
    // Half of all addresses and more are no list.
    let is_most = beyond.is_empty() || beyond.iter().any(|net| net.prefix_len() <= 1) || beyond.len() > 8;
    let names: Vec<String> = beyond.iter().map(ToString::to_string).collect();
    let whom = if is_most { "everyone else".to_owned() } else { hosts::some_of(&names) };
    format!("{} to {whom} by {}", ports.join(", "), crate::judge::words::list(&interfaces))
}
