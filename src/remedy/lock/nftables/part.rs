//! One part of a rule, as nft writes it and as the evaluator reads it.

use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Action, Decision, Key, Selector, Set, Span, Step, Test, ct_state};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// A match or a statement.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) text: String,
    pub(super) steps: Vec<Step>,
}

/// IPS_DST_NAT of `linux/netfilter/nf_conntrack_common.h`.
const DST_NAT: u32 = 32;

impl Part {
    fn test(text: impl Into<String>, key: Key, among: Arc<Set>, negated: bool) -> Self {
        let selectors = vec![Selector::from(key)];
        Self { text: text.into(), steps: vec![Step::Test(Test::Fields { selectors, among, negated })] }
    }

    fn one(text: impl Into<String>, key: Key, span: Span) -> Self {
        Self::test(text, key, Set::of([span]), false)
    }

    fn decide(text: impl Into<String>, decision: Decision) -> Self {
        Self { text: text.into(), steps: vec![Step::Act(Action::Decide(decision))] }
    }

    fn guarded(mut self, guard: Self) -> Self {
        self.steps.splice(0..0, guard.steps);
        self
    }

    /// A set of names, for [`Self::entering`] and [`Self::leaving`].
    pub(super) fn interface(set: &str, names: &BTreeSet<String>) -> Self {
        let spans = names.iter().map(|name| Span::Name(name.as_str().into()));
        Self::test(format!("@{set}"), Key::InInterface, Set::of(spans), false)
    }

    /// A set of beginnings of names, for the same.
    pub(super) fn prefixes(set: &str, prefixes: impl Iterator<Item = String>) -> Self {
        let spans = prefixes.map(|prefix| Span::NamePrefix(prefix.into()));
        Self::test(format!("@{set}"), Key::InInterface, Set::of(spans), false)
    }

    /// A set of names as the incoming interface.
    pub(super) fn entering(&self) -> Self {
        Self { text: format!("iifname {}", self.text), steps: self.steps.clone() }
    }

    /// A set of names as the outgoing interface.
    pub(super) fn leaving(&self) -> Self {
        let turned = self.steps.iter().map(|step| match step {
            Step::Test(Test::Fields { among, negated, .. }) => {
                let selectors = vec![Selector::from(Key::OutInterface)];
                Step::Test(Test::Fields { selectors, among: Arc::clone(among), negated: *negated })
            }
            other => other.clone(),
        });
        Self { text: format!("oifname {}", self.text), steps: turned.collect() }
    }

    pub(super) fn enters_by(name: &str) -> Self {
        Self::one(format!("iifname \"{name}\""), Key::InInterface, Span::Name(name.into()))
    }

    pub(super) fn enters_by_bridge() -> Self {
        Self::one("meta iifkind \"bridge\"", Key::InKind, Span::Name("bridge".into()))
    }

    pub(super) fn leaves_by_bridge() -> Self {
        Self::one("meta oifkind \"bridge\"", Key::OutKind, Span::Name("bridge".into()))
    }

    pub(super) fn replies() -> Self {
        let states = ct_state::ESTABLISHED | ct_state::RELATED;
        Self::one("ct state established,related", Key::CtState, Span::AnyBit(states))
    }

    /// The destination was translated.
    pub(super) fn translated() -> Self {
        Self::one("ct status dnat", Key::CtStatus, Span::AnyBit(DST_NAT))
    }

    pub(super) fn family(family: Family) -> Self {
        let name = if family == Family::V4 { "ipv4" } else { "ipv6" };
        Self::one(format!("meta nfproto {name}"), Key::Family, Span::number(family.number()))
    }

    /// The family is not in a set that holds both as long as the lock lasts.
    pub(super) fn family_not_in(set: &str) -> Self {
        let families = [Family::V4, Family::V6].map(|family| Span::number(family.number()));
        Self::test(format!("meta nfproto != @{set}"), Key::Family, Set::of(families), true)
    }

    pub(super) fn protocol(protocol: Protocol) -> Self {
        Self::one(format!("meta l4proto {protocol}"), Key::Protocol, Span::number(protocol.0.into()))
    }

    /// The port that was asked for, before any translation.
    pub(super) fn asked_port(set: &str, ports: &[(u16, u16)]) -> Self {
        Self::test(format!("ct original proto-dst @{set}"), Key::CtDestinationPort, numbers(ports), false)
    }

    /// The port of the packet as it is now.
    pub(super) fn port(protocol: Protocol, set: &str, ports: &[(u16, u16)]) -> Self {
        Self::test(format!("{protocol} dport @{set}"), Key::DestinationPort, numbers(ports), false)
    }

    /// The address that was asked for, before any translation.
    pub(super) fn asked_for(address: IpAddr) -> Self {
        let name = if address.is_ipv4() { "ip" } else { "ip6" };
        let text = format!("ct original {name} daddr {address}");
        Self::one(text, Key::CtDestination, Span::Address(address, address)).guarded(Self::family(Family::of(address)))
    }

    pub(super) fn asked_for_loopback() -> Self {
        let (first, last) = (Ipv4Addr::new(127, 0, 0, 0), Ipv4Addr::new(127, 255, 255, 255));
        let span = Span::Address(first.into(), last.into());
        Self::one("ct original ip daddr 127.0.0.0/8", Key::CtDestination, span).guarded(Self::family(Family::V4))
    }

    /// A field of the header of a family: its name there, and what it is held against.
    fn of_header(family: Family, field: &str, key: Key, among: Arc<Set>, negated: bool) -> Self {
        let header = if family == Family::V4 { "ip" } else { "ip6" };
        Self::test(format!("{header} {field}"), key, among, negated).guarded(Self::family(family))
    }

    pub(super) fn sender(net: IpNet) -> Self {
        Self::of_header(Family::of(net.addr()), &format!("saddr {net}"), Key::Source, Set::of([net.into()]), false)
    }

    pub(super) fn destination(net: IpNet) -> Self {
        Self::of_header(Family::of(net.addr()), &format!("daddr {net}"), Key::Destination, Set::of([net.into()]), false)
    }

    pub(super) fn source(family: Family, set: &str, nets: &[IpNet], negated: bool) -> Self {
        let not = if negated { "!= " } else { "" };
        let among = Set::of(nets.iter().map(|net| Span::from(*net)));
        Self::of_header(family, &format!("saddr {not}@{set}"), Key::Source, among, negated)
    }

    /// Words that mean nothing.
    pub(super) fn comment(text: &str) -> Self {
        Self { text: format!("comment \"{text}\""), steps: Vec::new() }
    }

    pub(super) fn accept() -> Self {
        Self::decide("accept", Decision::Accept)
    }

    pub(super) fn drop() -> Self {
        Self::decide("counter drop", Decision::Drop)
    }

    pub(super) fn goto(chain: &str) -> Self {
        Self::decide(format!("goto {chain}"), Decision::Goto(chain.into()))
    }
}

fn numbers(ports: &[(u16, u16)]) -> Arc<Set> {
    Set::of(ports.iter().map(|(first, last)| Span::Number((*first).into(), (*last).into())))
}
