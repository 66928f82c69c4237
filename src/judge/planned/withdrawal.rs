//! A container taken off its host: without what the engine wrote for it, opened for it, and knew of it.
//!
//! In: a host and a container's identifier. Out: the host as it is when the container is removed. Its networks stay.

use super::habits::{NFT_TABLE, single_addresses};
use crate::model::engine::{Binding, Publisher};
use crate::model::host::{Host, Listener};
use crate::model::ruleset::{Action, Key, Rule, Span, Step, Test, Translation};
use std::net::IpAddr;

/// Takes a container off the host; nothing happens where there is none of that identifier.
pub(super) fn withdraw(host: &mut Host, id: &str) {
    let Some(at) = host.publishers.iter().position(|publisher| publisher.id == id) else { return };
    let gone = host.publishers.remove(at);
    let addresses: Vec<IpAddr> =
        host.endpoints.iter().filter(|it| it.container == gone.name).flat_map(|it| it.addresses.iter().copied()).collect();
    host.endpoints.retain(|endpoint| endpoint.container != gone.name);
    host.listeners.retain(|listener| !serves(listener, &gone));
    for table in &mut host.ruleset.tables {
        let name = table.name.clone();
        for chain in table.chains.values_mut().filter(|chain| is_engines(&name, &chain.name)) {
            chain.rules.retain(|rule| !is_for(rule, &addresses) && !guards(&name, rule, &gone.bindings));
        }
    }
}

/// The chains that have rules of single containers in them.
fn is_engines(table: &str, chain: &str) -> bool {
    table == NFT_TABLE || matches!((table, chain), ("filter" | "nat", "DOCKER") | ("raw", "PREROUTING") | ("nat", "POSTROUTING"))
}

/// True for a socket that docker-proxy, or the engine itself, holds for one of the container's ports.
fn serves(listener: &Listener, gone: &Publisher) -> bool {
    let is_engines = listener.program.as_deref().is_none_or(|program| ["docker-proxy", "dockerd"].contains(&program));
    let is_it = |binding: &Binding| {
        let address = (!binding.address.is_unspecified()).then_some(binding.address);
        let family = if binding.address.is_ipv4() { listener.v4 } else { listener.v6 };
        family
            && listener.v4 != listener.v6
            && Some(listener.port) == binding.port
            && listener.address == address
            && listener.protocol == binding.protocol
    };
    is_engines && gone.bindings.iter().any(is_it)
}

/// True for a rule about one of these addresses.
fn is_for(rule: &Rule, addresses: &[IpAddr]) -> bool {
    let is_among = |address: &IpAddr| addresses.contains(address);
    rule.steps.iter().any(|step| match step {
        Step::Test(test) => looks_at(test, &[Key::Source, Key::Destination]) && single_addresses(test).iter().any(is_among),
        Step::Act(Action::Translate(Translation::Destination(targets))) => {
            targets.iter().filter_map(|target| target.address.as_ref()).any(is_among)
        }
        Step::Act(_) => false,
    })
}

/// True for the rule that keeps remote packets away from a port of the container that is published on loopback.
fn guards(table: &str, rule: &Rule, bindings: &[Binding]) -> bool {
    let tests = || rule.steps.iter().filter_map(|step| if let Step::Test(test) = step { Some(test) } else { None });
    let asks = |key: Key, span: &dyn Fn(&Test) -> bool| tests().any(|test| looks_at(test, &[key]) && span(test));
    let is_it = |binding: &Binding| {
        let port = binding.port.map(|port| Span::number(port.into()));
        binding.address.is_loopback()
            && asks(Key::Destination, &|test| single_addresses(test) == [binding.address])
            && asks(Key::DestinationPort, &|test| spans(test).eq(port.as_ref()))
    };
    matches!(table, "raw" | NFT_TABLE) && bindings.iter().any(is_it)
}

fn spans(test: &Test) -> impl Iterator<Item = &Span> {
    let members = if let Test::Fields { among, .. } = test { among.members.as_slice() } else { &[] };
    members.iter().flatten()
}

fn looks_at(test: &Test, keys: &[Key]) -> bool {
    matches!(test, Test::Fields { selectors, .. } if selectors.iter().all(|selector| keys.contains(&selector.key)))
}
