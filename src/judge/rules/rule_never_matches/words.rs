//! Rules of which one word can be true of no packet to a container.

use super::Fault;
use crate::judge::docker_user::{self, Effect, Place, names, singles, wanted};
use crate::judge::doors;
use crate::judge::hosts::HostCase;
use crate::model::engine::Binding;
use crate::model::finding::Level;
use crate::model::host::{Host, Part};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Key, Rule, Span, ct_state};
use std::net::IpAddr;

/// Devices that come and go with what uses them.
const PASSING: [&str; 11] = ["br-", "docker", "ppp", "tailscale", "tap", "tun", "utun", "veth", "virbr", "vnet", "wg"];

/// What is wrong with a rule's words; the first that is.
pub(super) fn fault(case: &HostCase, place: &Place, rule: &Rule) -> Option<Fault> {
    if docker_user::effect(rule) == Effect::Other {
        return None;
    }
    let host = case.host();
    let knows_addresses = host.unread(|part| part == Part::Addresses).is_none();
    let absent = || absent_interface(host, rule);
    let own = || own_address(host, rule).or_else(|| foreign_original(host, rule));
    let port = || host_port(host, place, rule);
    if knows_addresses { absent().or_else(own).or_else(port) } else { port() }
}

/// `-i ens33` on a host that has no ens33.
fn absent_interface(host: &Host, rule: &Rule) -> Option<Fault> {
    for (key, option) in [(Key::InInterface, "-i"), (Key::OutInterface, "-o")] {
        for among in wanted(rule, key) {
            let spans = singles(among)?;
            let is_there = |span: &&Span| host.links.iter().any(|link| names(span, &link.name));
            if spans.is_empty() || spans.iter().any(is_there) {
                continue;
            }
            let (name, is_prefix) = match spans.first() {
                Some(Span::Name(name)) => (name, false),
                Some(Span::NamePrefix(name)) => (name, true),
                _ => continue,
            };
            let is_passing = PASSING.iter().any(|prefix| name.starts_with(prefix));
            let stops = docker_user::effect(rule) == Effect::Stops;
            let level = match (is_passing, stops) {
                (true, _) => Level::Note,
                (false, true) => Level::Error,
                (false, false) => Level::Warn,
            };
            let plus = if is_prefix { "+" } else { "" };
            return Some(Fault {
                level,
                why: format!("never fits: the host has no interface {name}{plus} (`{option} {name}{plus}`)"),
                help: vec!["`ip -br link` lists the interfaces; names change with hardware and with the distribution".to_owned()],
            });
        }
    }
    None
}

/// `-d` with an address of the host: the receiver is a container by now. `-s` with one: the host's own packets do not come here.
fn own_address(host: &Host, rule: &Rule) -> Option<Fault> {
    for (key, option) in [(Key::Destination, "-d"), (Key::Source, "-s")] {
        for among in wanted(rule, key) {
            let addresses: Option<Vec<IpAddr>> = singles(among)?.into_iter().map(own_single).collect();
            let addresses = addresses.unwrap_or_default();
            if addresses.is_empty() || !addresses.iter().all(|address| address.is_loopback() || is_own(host, *address)) {
                continue;
            }
            let address = addresses[0];
            let (why, help) = match key {
                Key::Destination => (
                    "the receiver is the container by now, no longer the host",
                    format!("ask for what the packet was sent to: `-m conntrack --ctdir ORIGINAL --ctorigdst {address}`"),
                ),
                _ => (
                    "the host's own packets do not come through this chain",
                    "the chain sees what passes through the host; name the senders outside that are meant".to_owned(),
                ),
            };
            return Some(Fault {
                level: Level::Warn,
                why: format!("never fits: {why} (`{option} {address}`)"),
                help: vec![help],
            });
        }
    }
    None
}

/// The address of a span of one; of loopback, any.
fn own_single(span: &Span) -> Option<IpAddr> {
    match span {
        Span::Address(first, last) if first == last || first.is_loopback() && last.is_loopback() => Some(*first),
        _ => None,
    }
}

/// True for an address of the host on its links outside and on its bridges.
fn is_own(host: &Host, address: IpAddr) -> bool {
    host.links.iter().flat_map(|link| &link.addresses).any(|own| own.net.addr() == address)
}

/// `--ctorigdst` with an address that is neither the host's nor a container's.
fn foreign_original(host: &Host, rule: &Rule) -> Option<Fault> {
    let is_container =
        |address: IpAddr| host.networks.iter().flat_map(|network| &network.subnets).any(|net| net.contains(&address));
    // Packets that a bridge sends out ask for addresses elsewhere.
    if is_from_containers(host, rule) {
        return None;
    }
    for among in wanted(rule, Key::CtDestination) {
        let addresses: Option<Vec<IpAddr>> = singles(among)?.into_iter().map(own_single).collect();
        let addresses = addresses.unwrap_or_default();
        if let Some(address) = addresses.first().filter(|_| addresses.iter().all(|it| !is_own(host, *it) && !is_container(*it))) {
            return Some(Fault {
                level: Level::Warn,
                why: format!(
                    "never fits: no packet to a container was sent to {address} (`--ctorigdst`), the host has no such address"
                ),
                help: vec!["`ip -br addr` lists the host's addresses".to_owned()],
            });
        }
    }
    None
}

/// True if the rule is only about what comes from containers.
fn is_from_containers(host: &Host, rule: &Rule) -> bool {
    let bridges = doors::engine_bridges(host);
    let of_engine = |span: &Span| match span {
        Span::Name(name) => bridges.contains(&**name),
        Span::NamePrefix(prefix) => ["br-", "docker"].contains(&&**prefix),
        _ => false,
    };
    wanted(rule, Key::InInterface).any(|among| singles(among).is_some_and(|spans| spans.into_iter().all(of_engine)))
}

/// True if a packet from outside to a container can fit the rule, as far as its interfaces, its receiver and its state go.
fn is_about_arrivals(host: &Host, rule: &Rule) -> bool {
    let bridges = doors::engine_bridges(host);
    let leads_in = |span: &Span| bridges.iter().any(|bridge| names(span, bridge));
    let subnets = || host.networks.iter().filter(|network| network.bridge.is_some()).flat_map(|network| &network.subnets);
    let overlaps = |span: &Span| match span {
        Span::Address(first, last) => {
            subnets().any(|net| net.contains(first) || net.contains(last) || (*first <= net.network() && net.network() <= *last))
        }
        _ => true,
    };
    let is_new = |span: &Span| !matches!(span, Span::AnyBit(bits) if bits & (ct_state::NEW | ct_state::DNAT) == 0);
    let all = |key: Key, such: &dyn Fn(&Span) -> bool| {
        wanted(rule, key).all(|among| singles(among).is_none_or(|spans| spans.into_iter().any(such)))
    };
    !is_from_containers(host, rule)
        && all(Key::OutInterface, &leads_in)
        && all(Key::Destination, &overlaps)
        && all(Key::CtStateOrNat, &is_new)
        && all(Key::CtDirection, &|span| *span == Span::number(0))
}

/// `--dport` with a port of the host that leads to another port of the container: here the container's port counts.
fn host_port(host: &Host, place: &Place, rule: &Rule) -> Option<Fault> {
    if host.publishers.is_empty() || !is_about_arrivals(host, rule) {
        return None;
    }
    let ports: Vec<u16> =
        wanted(rule, Key::DestinationPort).filter_map(|among| singles(among)).flatten().filter_map(single_port).collect();
    let fits = |protocol: Protocol| {
        wanted(rule, Key::Protocol)
            .all(|among| singles(among).is_none_or(|spans| spans.contains(&&Span::number(protocol.0.into()))))
    };
    let (port, binding) = ports.into_iter().find_map(|port| Some((port, mistaken(host, place.family, port, &fits)?)))?;
    let (target, protocol) = (binding.target, binding.protocol);
    let stops = docker_user::effect(rule) == Effect::Stops;
    Some(Fault {
        level: if stops { Level::Error } else { Level::Warn },
        why: format!(
            "does not fit packets to the published port {port}/{protocol}: they are on their way to container port {target} by now \
             (`--dport {port}`)"
        ),
        help: vec![
            format!("ask for the port that the packet was sent to: `-m conntrack --ctdir ORIGINAL --ctorigdstport {port}`"),
            format!("`--dport {target}` would fit every container that listens on {target}, whatever its port on the host"),
        ],
    })
}

fn single_port(span: &Span) -> Option<u16> {
    match span {
        Span::Number(first, last) if first == last => u16::try_from(*first).ok(),
        _ => None,
    }
}

/// The binding whose host port is taken for a container port; None where some container does use the port, or nobody publishes it.
fn mistaken(host: &Host, family: Family, port: u16, fits: &dyn Fn(Protocol) -> bool) -> Option<Binding> {
    let listens = |publisher: &crate::model::engine::Publisher| {
        let named = publisher.exposed.iter().chain(&publisher.unopened).any(|(own, protocol)| *own == port && fits(*protocol));
        named || publisher.bindings.iter().any(|binding| binding.target == port && fits(binding.protocol))
    };
    if host.publishers.iter().any(listens) {
        return None;
    }
    let bindings = host.publishers.iter().flat_map(|publisher| &publisher.bindings).copied();
    bindings.into_iter().find(|binding| {
        binding.port == Some(port)
            && Family::of(binding.address) == family
            && !binding.address.is_loopback()
            && fits(binding.protocol)
    })
}
