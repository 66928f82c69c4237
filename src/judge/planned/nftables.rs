//! The rules that an engine writes with its nftables backend, in its tables `ip docker-bridges` and `ip6 docker-bridges`.
//!
//! Source: moby main of 2026-08 and docker-v29.0.0, `daemon/libnetwork/drivers/bridge/internal/nftabler`.

use super::chains::Bridges;
use super::habits::Habits;
use super::iptables::{link_local, mark};
use super::ports::Bound;
use super::rule::{Ask, Do, Part, is, nft, not};
use super::terms::{Mode, Side, Terms};
use crate::model::packet::Family;
use crate::model::ruleset::{Key, Rule, Ruleset};
use std::net::IpAddr;

const RAW: &str = "raw-PREROUTING";
const TRANSLATIONS: &str = "nat-prerouting-and-output";

/// Writes the chains of a new network in one family, and sends its packets there.
pub(super) fn network(ruleset: &mut Ruleset, habits: &Habits, terms: &Terms, family: Family) {
    let (Some(side), Some(mut table)) = (terms.side(family), Bridges::of(ruleset, family)) else { return };
    let bridge = terms.bridge.as_str();
    let chain = |name: &str| format!("{name}__{bridge}");
    for (base, key, name) in [
        ("filter-FORWARD", Key::OutInterface, "filter-forward-in"),
        ("filter-FORWARD", Key::InInterface, "filter-forward-out"),
        ("nat-POSTROUTING", Key::OutInterface, "nat-postrouting-in"),
        ("nat-POSTROUTING", Key::InInterface, "nat-postrouting-out"),
    ] {
        table.rules(&chain(name));
        table.dispatch(base, key, bridge, &chain(name));
    }
    for rule in incoming(habits, terms, side, family) {
        table.append(&chain("filter-forward-in"), rule);
    }
    for rule in outgoing(terms) {
        table.append(&chain("filter-forward-out"), rule);
    }
    if !terms.is_internal {
        translations(&mut table, habits, terms, side);
    }
}

fn replies() -> Rule {
    nft(&[is(Ask::Replies)], &Do::Accept, "")
}

/// What may pass to a network.
fn incoming(habits: &Habits, terms: &Terms, side: Side, family: Family) -> Vec<Rule> {
    let mut rules = vec![replies()];
    let among = if terms.links_containers { Do::Accept } else { Do::Drop };
    if terms.is_internal {
        rules.push(nft(&[not(Ask::In(&terms.bridge))], &Do::Drop, "INTERNAL NETWORK INGRESS"));
        rules.push(nft(&[], &among, "ICC"));
        return rules;
    }
    if side.mode == Mode::Routed {
        rules.push(nft(&[is(Ask::Icmp(family))], &Do::Accept, "ICMP"));
    }
    if let Some((value, mask)) = habits.options.accepted_mark.as_deref().and_then(mark) {
        rules.push(nft(&[is(Ask::Mark(value, mask))], &Do::Accept, "ALLOW FW MARK"));
    }
    rules.push(nft(&[is(Ask::In(&terms.bridge))], &among, "ICC"));
    rules.push(match side.mode {
        Mode::Unprotected => nft(&[], &Do::Accept, "UNPROTECTED"),
        _ => nft(&[], &Do::Drop, "UNPUBLISHED PORT DROP"),
    });
    rules
}

/// What may pass from a network.
fn outgoing(terms: &Terms) -> [Rule; 2] {
    if terms.is_internal {
        return [replies(), nft(&[not(Ask::Out(&terms.bridge))], &Do::Drop, "INTERNAL NETWORK EGRESS")];
    }
    [replies(), nft(&[], &Do::Accept, "OUTGOING")]
}

fn translations(table: &mut Bridges<'_>, habits: &Habits, terms: &Terms, side: Side) {
    let bridge = terms.bridge.as_str();
    let (does, comment) = side.sender.map_or((Do::Masquerade, "MASQUERADE"), |address| (Do::From(address), "SNAT"));
    if terms.masquerades && side.mode != Mode::Routed {
        let parts = [not(Ask::Out(bridge)), is(Ask::From(side.prefix))];
        table.append(&format!("nat-postrouting-out__{bridge}"), nft(&parts, &does, comment));
    }
    if !habits.has_proxy {
        let comment = format!("{comment} FROM HOST");
        table.append(&format!("nat-postrouting-in__{bridge}"), nft(&[is(Ask::FromHost)], &does, &comment));
    }
}

/// Writes the guard of a container's address.
pub(super) fn endpoint(ruleset: &mut Ruleset, habits: &Habits, terms: &Terms, address: IpAddr) {
    let family = Family::of(address);
    let is_guarded = terms.side(family).is_some_and(Side::is_guarded) && !terms.is_internal;
    if !is_guarded || !habits.guards_containers() {
        return;
    }
    let Some(mut table) = Bridges::of(ruleset, family) else { return };
    let bridge = terms.bridge.as_str();
    let near: Vec<&str> = [bridge].into_iter().chain(terms.trusted.iter().map(String::as_str)).collect();
    let foreign = not(if near.len() == 1 { Ask::In(bridge) } else { Ask::InAny(near) });
    table.append(RAW, nft(&[is(Ask::To(address.into())), foreign], &Do::Drop, "DROP DIRECT ACCESS"));
}

/// Writes the rules of a port that is bound.
pub(super) fn port(ruleset: &mut Ruleset, habits: &Habits, terms: &Terms, bound: &Bound) {
    let family = Family::of(bound.container);
    if terms.is_internal || terms.side(family).is_none() {
        return;
    }
    let Some(mut table) = Bridges::of(ruleset, family) else { return };
    let bridge = terms.bridge.as_str();
    let target = || is(Ask::Port(bound.protocol, bound.target));
    let own = || is(Ask::To(bound.container.into()));
    if terms.mode(family) != Mode::Unprotected {
        table.append_before_last(&format!("filter-forward-in__{bridge}"), nft(&[own(), target()], &Do::Accept, ""));
    }
    let Some(port) = bound.port else { return };
    // From host v6 to a container's v4 address leads docker-proxy alone.
    if bound.host.is_ipv4() == bound.container.is_ipv4() {
        let does = Do::To((bound.container, bound.target).into());
        table.append(TRANSLATIONS, nft(&translated(habits, bridge, bound, port), &does, "DNAT"));
        if !habits.has_proxy {
            let parts = [is(Ask::From(bound.container.into())), own(), target()];
            table.append(&format!("nat-postrouting-in__{bridge}"), nft(&parts, &Do::Masquerade, "MASQ TO OWN PORT"));
        }
    }
    if family == Family::V4 && bound.host.is_ipv4() && bound.host.is_loopback() && habits.guards_loopback() {
        let parts = [not(Ask::In("lo")), is(Ask::To(bound.host.into())), is(Ask::Port(bound.protocol, port))];
        table.append(RAW, nft(&parts, &Do::Drop, "DROP REMOTE LOOPBACK"));
    }
}

/// Which packets a host port is translated for.
fn translated<'a>(habits: &Habits, bridge: &'a str, bound: &Bound, port: u16) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    if habits.has_proxy {
        parts.push(not(Ask::In(bridge)));
    }
    if !bound.container.is_ipv4() {
        parts.push(not(Ask::From(link_local())));
    }
    if !bound.host.is_unspecified() {
        parts.push(is(Ask::To(bound.host.into())));
    }
    parts.push(is(Ask::Port(bound.protocol, port)));
    parts
}
