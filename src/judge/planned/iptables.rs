//! The rules that an engine writes by iptables: for a network, for a container on it, for a published port.
//!
//! In: a rule set, and what the rules are for. Out: the rule set with them, in the chains and at the places where the engine puts them.
//!
//! Sources: moby v20.10.24 `libnetwork/drivers/bridge/setup_ip_tables.go` and `libnetwork/iptables/iptables.go`; v26.1.5 and v27.5.1
//! `libnetwork/drivers/bridge/{setup_ip_tables_linux,port_mapping_linux}.go`; v28.0.0, v28.0.4 the same; v28.5.2
//! `libnetwork/drivers/bridge/internal/iptabler`; main of 2026-08 `daemon/libnetwork/drivers/bridge/internal/iptabler`.

use super::chains::Sheet;
use super::habits::Habits;
use super::ports::Bound;
use super::rule::{Ask, Do, is, not};
use super::terms::{Mode, Side, Terms};
use crate::model::packet::Family;
use crate::model::ruleset::{Ruleset, Span, Step, Test};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

const STAGE_1: &str = "DOCKER-ISOLATION-STAGE-1";
const STAGE_2: &str = "DOCKER-ISOLATION-STAGE-2";

/// Writes the rules of a new network in one family.
pub(super) fn network(ruleset: &mut Ruleset, habits: &Habits, terms: &Terms, family: Family) {
    let Some(side) = terms.side(family) else { return };
    if habits.release == (28, 0, 0) && !terms.is_internal {
        join_bridge_set(ruleset, family, side.prefix);
    }
    let mut sheet = Sheet::of(ruleset, family);
    if terms.is_internal {
        internal(&mut sheet, habits, terms, side.prefix);
    } else {
        translations(&mut sheet, habits, terms, side);
        if habits.since(28, 0, 0) {
            forwarding(&mut sheet, habits, terms, side, family);
        } else {
            forwarding_before_28(&mut sheet, habits, terms, family);
        }
        if !habits.since(29, 0, 0) {
            isolation(&mut sheet, habits, terms, side);
        }
    }
    if !habits.since(28, 0, 0) {
        sheet.put_first("FORWARD", STAGE_1);
    }
}

/// Before 28.0, each new network puts the owner's chain first again, in both families (`arrangeUserFilterRule`; v6 from 23.0 on).
pub(super) fn put_users_first(ruleset: &mut Ruleset, habits: &Habits) {
    for family in [Family::V4, Family::V6] {
        let has_chain = family == Family::V4 || habits.since(23, 0, 0);
        if habits.writes(family) && has_chain && !habits.since(28, 0, 0) {
            let mut sheet = Sheet::of(ruleset, family);
            sheet.append("filter", "DOCKER-USER", &[], &Do::Return);
            sheet.put_first("FORWARD", "DOCKER-USER");
        }
    }
}

/// What is sent out, and what must not be translated because it comes from the network itself.
fn translations(sheet: &mut Sheet<'_>, habits: &Habits, terms: &Terms, side: Side) {
    let bridge = terms.bridge.as_str();
    let translates = side.mode != Mode::Routed;
    let source = side.sender.map_or(Do::Masquerade, Do::From);
    if terms.masquerades && translates {
        sheet.insert("nat", "POSTROUTING", &[is(Ask::From(side.prefix)), not(Ask::Out(bridge))], &source);
    }
    let skips = match habits.release {
        (29.., ..) => false,
        (28, 0, 0) => !translates || terms.masquerades && habits.has_proxy,
        (28, ..) => terms.masquerades && habits.has_proxy,
        _ => translates && terms.masquerades && habits.has_proxy,
    };
    if skips {
        sheet.insert("nat", "DOCKER", &[is(Ask::In(bridge))], &Do::Return);
    }
    if !habits.has_proxy {
        sheet.insert("nat", "POSTROUTING", &[is(Ask::Out(bridge)), is(Ask::FromHost)], &source);
    }
}

/// The chain that says what containers may send: FORWARD itself in 28.0.0.
fn outgoing_chain(habits: &Habits) -> &'static str {
    if habits.since(28, 0, 1) { "DOCKER-FORWARD" } else { "FORWARD" }
}

/// What may pass from and to a network.
fn forwarding(sheet: &mut Sheet<'_>, habits: &Habits, terms: &Terms, side: Side, family: Family) {
    let (bridge, outgoing) = (terms.bridge.as_str(), outgoing_chain(habits));
    let mark = habits.options.accepted_mark.as_deref().filter(|_| habits.since(29, 0, 0)).and_then(mark);
    if let Some((value, mask)) = mark {
        sheet.insert("filter", outgoing, &[is(Ask::Mark(value, mask))], &Do::Accept);
    }
    if !terms.links_containers {
        sheet.append("filter", outgoing, &[is(Ask::In(bridge)), is(Ask::Out(bridge))], &Do::Drop);
    }
    if side.mode == Mode::Routed {
        sheet.append("filter", "DOCKER", &[is(Ask::Out(bridge)), is(Ask::Icmp(family))], &Do::Accept);
    }
    let sent = [is(Ask::In(bridge)), not(Ask::Out(bridge))];
    sheet.append("filter", outgoing, if terms.links_containers { &sent[..1] } else { &sent }, &Do::Accept);
    let default = if side.mode == Mode::Unprotected { Do::Accept } else { Do::Drop };
    sheet.append("filter", "DOCKER", &[not(Ask::In(bridge)), is(Ask::Out(bridge))], &default);
    if habits.since(28, 0, 1) {
        sheet.append("filter", "DOCKER-CT", &[is(Ask::Out(bridge)), is(Ask::Replies)], &Do::Accept);
        sheet.append("filter", "DOCKER-BRIDGE", &[is(Ask::Out(bridge))], &Do::Jump("DOCKER"));
    }
}

/// The same before 28.0: all of it in FORWARD, the last line first.
fn forwarding_before_28(sheet: &mut Sheet<'_>, habits: &Habits, terms: &Terms, family: Family) {
    let bridge = terms.bridge.as_str();
    let loopback = match family {
        Family::V4 => IpNet::new_assert(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
        Family::V6 => IpAddr::from(Ipv6Addr::LOCALHOST).into(),
    };
    let own = [not(Ask::To(loopback)), is(Ask::ToHost)];
    link_containers_before_28(sheet, terms);
    sheet.insert("filter", "FORWARD", &[is(Ask::In(bridge)), not(Ask::Out(bridge))], &Do::Accept);
    sheet.append("nat", "PREROUTING", &[is(Ask::ToHost)], &Do::Jump("DOCKER"));
    sheet.append("nat", "OUTPUT", if habits.has_proxy { &own } else { &own[1..] }, &Do::Jump("DOCKER"));
    sheet.insert("filter", "FORWARD", &[is(Ask::Out(bridge))], &Do::Jump("DOCKER"));
    sheet.insert("filter", "FORWARD", &[is(Ask::Out(bridge)), is(Ask::Replies)], &Do::Accept);
}

fn link_containers_before_28(sheet: &mut Sheet<'_>, terms: &Terms) {
    let both = [is(Ask::In(&terms.bridge)), is(Ask::Out(&terms.bridge))];
    if terms.links_containers {
        sheet.insert("filter", "FORWARD", &both, &Do::Accept);
    } else {
        sheet.append("filter", "FORWARD", &both, &Do::Drop);
    }
}

/// Keeps the bridges of the engine apart.
fn isolation(sheet: &mut Sheet<'_>, habits: &Habits, terms: &Terms, side: Side) {
    let bridge = terms.bridge.as_str();
    let leaves = [is(Ask::In(bridge)), not(Ask::Out(bridge))];
    if !habits.since(28, 0, 0) {
        sheet.insert("filter", STAGE_1, &leaves, &Do::Jump(STAGE_2));
        return sheet.insert("filter", STAGE_2, &[is(Ask::Out(bridge))], &Do::Drop);
    }
    if side.mode == Mode::Routed {
        sheet.insert("filter", STAGE_1, &[is(Ask::Out(bridge))], &Do::Return);
        sheet.insert("filter", STAGE_1, &[is(Ask::In(bridge)), is(Ask::Replies)], &Do::Accept);
    }
    sheet.append("filter", STAGE_1, &leaves, &Do::Jump(STAGE_2));
    sheet.insert("filter", STAGE_2, &[is(Ask::Out(bridge))], &Do::Drop);
}

/// A network without a way out.
fn internal(sheet: &mut Sheet<'_>, habits: &Habits, terms: &Terms, prefix: IpNet) {
    let bridge = terms.bridge.as_str();
    let chain = if habits.since(29, 0, 0) { "DOCKER-INTERNAL" } else { STAGE_1 };
    let (mut coming, mut going) = (vec![not(Ask::To(prefix)), is(Ask::In(bridge))], vec![not(Ask::From(prefix))]);
    // v6 neighbours are found by multicast, which stays on the bridge (moby 25.0).
    if !prefix.addr().is_ipv4() && habits.since(25, 0, 0) {
        coming.push(not(Ask::Out(bridge)));
        going.push(not(Ask::In(bridge)));
    }
    going.push(is(Ask::Out(bridge)));
    sheet.insert("filter", chain, &coming, &Do::Drop);
    sheet.insert("filter", chain, &going, &Do::Drop);
    if !habits.since(28, 0, 0) {
        return link_containers_before_28(sheet, terms);
    }
    let does = if terms.links_containers { Do::Accept } else { Do::Drop };
    sheet.append("filter", outgoing_chain(habits), &[is(Ask::In(bridge)), is(Ask::Out(bridge))], &does);
}

/// 28.0.0 knows its bridges by an ipset of their prefixes, `docker-ext-bridges-v4` and `-v6`.
fn join_bridge_set(ruleset: &mut Ruleset, family: Family, prefix: IpNet) {
    let mut sheet = Sheet::of(ruleset, family);
    let rules = sheet.rules("filter", "FORWARD").iter_mut().filter(|rule| rule.text.contains("docker-ext-bridges-"));
    for step in rules.flat_map(|rule| Arc::make_mut(&mut rule.steps)) {
        if let Step::Test(Test::Fields { among, .. }) = step
            && among.members.iter().flatten().any(|span| matches!(span, Span::Address(..)))
        {
            Arc::make_mut(among).members.push(vec![prefix.into()]);
        }
    }
}

/// Writes the guard of a container's address (28.2 and later).
pub(super) fn endpoint(ruleset: &mut Ruleset, habits: &Habits, terms: &Terms, address: IpAddr) {
    let family = Family::of(address);
    let is_guarded = terms.side(family).is_some_and(Side::is_guarded) && !terms.is_internal;
    if !is_guarded || !habits.guards_containers() || !habits.writes(family) {
        return;
    }
    let mut sheet = Sheet::of(ruleset, family);
    let to = || is(Ask::To(address.into()));
    for trusted in &terms.trusted {
        sheet.append("raw", "PREROUTING", &[to(), is(Ask::In(trusted))], &Do::Accept);
    }
    sheet.append("raw", "PREROUTING", &[to(), not(Ask::In(&terms.bridge))], &Do::Drop);
}

/// Writes the rules of a port that is bound.
pub(super) fn port(ruleset: &mut Ruleset, habits: &Habits, terms: &Terms, bound: &Bound) {
    let family = Family::of(bound.container);
    if !habits.writes(family) || terms.is_internal {
        return;
    }
    let mut sheet = Sheet::of(ruleset, family);
    guards(&mut sheet, habits, terms, bound);
    // From host v6 to a container's v4 address leads docker-proxy alone.
    if bound.host.is_ipv4() != bound.container.is_ipv4() {
        return;
    }
    let bridge = terms.bridge.as_str();
    let target = || Ask::Port(bound.protocol, bound.target);
    let own = || Ask::To(bound.container.into());
    if let Some(port) = bound.port {
        translate(&mut sheet, habits, bridge, bound, port);
        if !habits.has_proxy || !habits.since(28, 0, 0) {
            let from = Ask::From(bound.container.into());
            sheet.append("nat", "POSTROUTING", &[is(from), is(own()), is(target())], &Do::Masquerade);
        }
    }
    let parts = [is(own()), not(Ask::In(bridge)), is(Ask::Out(bridge)), is(target())];
    match habits.since(28, 0, 0) {
        true if terms.mode(family) == Mode::Unprotected => {}
        true => sheet.insert("filter", "DOCKER", &parts, &Do::Accept),
        false => sheet.append("filter", "DOCKER", &parts, &Do::Accept),
    }
}

/// The translation of one host port.
fn translate(sheet: &mut Sheet<'_>, habits: &Habits, bridge: &str, bound: &Bound, port: u16) {
    let mut parts = Vec::new();
    if !bound.container.is_ipv4() && habits.since(28, 0, 0) {
        parts.push(not(Ask::From(link_local())));
    }
    if !bound.host.is_unspecified() {
        parts.push(is(Ask::To(bound.host.into())));
    }
    if habits.has_proxy {
        parts.push(not(Ask::In(bridge)));
    }
    parts.push(is(Ask::Port(bound.protocol, port)));
    sheet.append("nat", "DOCKER", &parts, &Do::To((bound.container, bound.target).into()));
}

/// What keeps packets from outside away from a port that is meant for the host alone (28.0 and later), and from the container's own
/// address (28.0 and 28.1 only; later for each container).
fn guards(sheet: &mut Sheet<'_>, habits: &Habits, terms: &Terms, bound: &Bound) {
    if let Some(port) = bound.port.filter(|_| bound.host.is_ipv4() && bound.host.is_loopback() && habits.guards_loopback()) {
        let parts = [is(Ask::To(bound.host.into())), not(Ask::In("lo")), is(Ask::Port(bound.protocol, port))];
        sheet.append("raw", "PREROUTING", &parts, &Do::Drop);
    }
    let is_guarded = terms.side(Family::of(bound.container)).is_some_and(Side::is_guarded);
    if is_guarded && habits.guards_ports() {
        let own = Ask::To(bound.container.into());
        let parts = [is(own), not(Ask::In(&terms.bridge)), is(Ask::Port(bound.protocol, bound.target))];
        sheet.append("raw", "PREROUTING", &parts, &Do::Drop);
    }
}

/// `fe80::/10`
pub(super) fn link_local() -> IpNet {
    IpNet::new_assert(IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 0]), 10)
}

/// A mark with or without a mask, as `--bridge-accept-fwmark` takes it: decimal, octal or hexadecimal.
pub(super) fn mark(text: &str) -> Option<(u32, u32)> {
    let number = |text: &str| match (text.strip_prefix("0x"), text.strip_prefix('0')) {
        (Some(digits), _) => u32::from_str_radix(digits, 16).ok(),
        (None, Some(digits)) if !digits.is_empty() => u32::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    };
    match text.split_once('/') {
        Some((value, mask)) => Some((number(value)?, number(mask)?)),
        None => Some((number(text)?, u32::MAX)),
    }
}
