//! One rule of the engine: what it asks and what it does, as iptables-save or nft would print it, with the steps that make it up.
//!
//! The parts of a rule stand in the order in which the tool prints them. The steps are those that the readers of the two languages make
//! of the same text; a test compares the two for every rule of the saved hosts.

use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Action, Decision, Key, Rule, Selector, Set, Span, Step, Target, Test, Translation, ct_state};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// What a part of a rule asks of a packet.
#[derive(Clone, Debug)]
pub(super) enum Ask<'a> {
    /// It comes from this prefix.
    From(IpNet),
    /// It is for this prefix.
    To(IpNet),
    /// It came in by this interface.
    In(&'a str),
    /// It came in by one of these interfaces (nft only).
    InAny(Vec<&'a str>),
    /// It leaves by this interface.
    Out(&'a str),
    /// It is for this port.
    Port(Protocol, u16),
    /// It is ICMP of its family.
    Icmp(Family),
    /// It belongs to a connection that somebody else opened, or is announced by one.
    Replies,
    /// Its sender is the host.
    FromHost,
    /// Its receiver is the host.
    ToHost,
    /// It bears this mark, under this mask.
    Mark(u32, u32),
}

/// A part of a rule: what it asks, and whether that must not hold.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    ask: Ask<'a>,
    negated: bool,
}

/// The part that holds where `ask` holds.
pub(super) fn is(ask: Ask<'_>) -> Part<'_> {
    Part { ask, negated: false }
}

/// The part that holds where `ask` does not.
pub(super) fn not(ask: Ask<'_>) -> Part<'_> {
    Part { ask, negated: true }
}

/// What a rule does.
#[derive(Clone, Debug)]
pub(super) enum Do<'a> {
    /// The packet passes.
    Accept,
    /// It ends here.
    Drop,
    /// The chain that jumped here goes on.
    Return,
    /// Another chain is asked.
    Jump(&'a str),
    /// It gets another receiver.
    To(SocketAddr),
    /// It gets the host's address as its sender.
    Masquerade,
    /// It gets this address as its sender.
    From(IpAddr),
}

/// A rule for a chain of iptables, with its text as `iptables-save` prints it.
pub(super) fn iptables(chain: &str, parts: &[Part<'_>], does: &Do<'_>) -> Rule {
    let mut text = format!("-A {chain}");
    let mut steps = Vec::new();
    for part in parts {
        let negation = if part.negated { "! " } else { "" };
        text = format!("{text} {negation}{}", part.ask.iptables());
        steps.extend(part.steps_iptables());
    }
    let target = match does {
        Do::Accept => "ACCEPT".to_owned(),
        Do::Drop => "DROP".to_owned(),
        Do::Return => "RETURN".to_owned(),
        Do::Jump(chain) => (*chain).to_owned(),
        Do::To(socket) => format!("DNAT --to-destination {socket}"),
        Do::Masquerade => "MASQUERADE".to_owned(),
        Do::From(address) => format!("SNAT --to-source {address}"),
    };
    steps.push(Step::Act(does.action()));
    Rule { text: format!("{text} -j {target}").into(), steps: steps.into() }
}

/// A rule for a chain of nftables, with its text as `nft list ruleset` prints it, without its counter.
pub(super) fn nft(parts: &[Part<'_>], does: &Do<'_>, comment: &str) -> Rule {
    let mut words: Vec<String> = parts.iter().map(Part::nft).collect();
    let mut steps: Vec<Step> = parts.iter().flat_map(Part::steps_nft).collect();
    words.push(match does {
        Do::Accept => "accept".to_owned(),
        Do::Drop => "drop".to_owned(),
        Do::Return => "return".to_owned(),
        Do::Jump(chain) => format!("jump {chain}"),
        Do::To(socket) => format!("dnat to {socket}"),
        Do::Masquerade => "masquerade".to_owned(),
        Do::From(address) => format!("snat to {address}"),
    });
    if !comment.is_empty() {
        words.push(format!("comment \"{comment}\""));
    }
    steps.push(Step::Act(does.action()));
    Rule { text: words.join(" ").into(), steps: steps.into() }
}

impl Do<'_> {
    fn action(&self) -> Action {
        match self {
            Self::Accept => Action::Decide(Decision::Accept),
            Self::Drop => Action::Decide(Decision::Drop),
            Self::Return => Action::Decide(Decision::Return),
            Self::Jump(chain) => Action::Decide(Decision::Jump((*chain).into())),
            Self::To(socket) => Action::Translate(Translation::Destination(vec![Target {
                when: Vec::new(),
                address: Some(socket.ip()),
                ports: Some((socket.port(), socket.port())),
            }])),
            Self::Masquerade | Self::From(_) => Action::Translate(Translation::Source),
        }
    }
}

impl Ask<'_> {
    fn iptables(&self) -> String {
        match self {
            Self::From(net) => format!("-s {net}"),
            Self::To(net) => format!("-d {net}"),
            Self::In(name) => format!("-i {name}"),
            Self::InAny(names) => format!("-i {}", names.join(",")),
            Self::Out(name) => format!("-o {name}"),
            Self::Port(protocol, port) => format!("-p {protocol} -m {protocol} --dport {port}"),
            Self::Icmp(family) => format!("-p {}", icmp(*family)),
            Self::Replies => "-m conntrack --ctstate RELATED,ESTABLISHED".to_owned(),
            Self::FromHost => "-m addrtype --src-type LOCAL".to_owned(),
            Self::ToHost => "-m addrtype --dst-type LOCAL".to_owned(),
            Self::Mark(value, u32::MAX) => format!("-m mark --mark {value:#x}"),
            Self::Mark(value, mask) => format!("-m mark --mark {value:#x}/{mask:#x}"),
        }
    }
}

impl Part<'_> {
    fn nft(&self) -> String {
        let operator = if self.negated { "!= " } else { "" };
        match &self.ask {
            Ask::From(net) => format!("{} saddr {operator}{}", family_word(*net), bare(*net)),
            Ask::To(net) => format!("{} daddr {operator}{}", family_word(*net), bare(*net)),
            Ask::In(name) => format!("iifname {operator}{name}"),
            Ask::InAny(names) => format!("iifname {operator}{{ {} }}", names.join(", ")),
            Ask::Out(name) => format!("oifname {operator}{name}"),
            Ask::Port(protocol, port) => format!("{protocol} dport {operator}{port}"),
            Ask::Icmp(Family::V4) => format!("ip protocol {operator}icmp"),
            Ask::Icmp(Family::V6) => format!("meta l4proto {operator}ipv6-icmp"),
            Ask::Replies => format!("ct state {operator}established,related"),
            Ask::FromHost => format!("fib saddr type {operator}local"),
            Ask::ToHost => format!("fib daddr type {operator}local"),
            Ask::Mark(value, u32::MAX) => format!("meta mark {operator}{value}"),
            Ask::Mark(value, mask) => format!("meta mark & {mask} {operator}{value}"),
        }
    }

    fn steps_iptables(&self) -> Vec<Step> {
        match &self.ask {
            Ask::Port(protocol, port) => {
                let protocol = || one(Key::Protocol, Span::number(protocol.0.into()), false);
                vec![protocol(), protocol(), one(Key::DestinationPort, Span::number((*port).into()), self.negated)]
            }
            Ask::Replies => vec![self.test(Key::CtStateOrNat, Span::AnyBit(ct_state::RELATED | ct_state::ESTABLISHED))],
            _ => vec![self.plain()],
        }
    }

    fn steps_nft(&self) -> Vec<Step> {
        let guard = |key, number| one(key, Span::number(number), false);
        match &self.ask {
            Ask::From(net) | Ask::To(net) => vec![guard(Key::Family, Family::of(net.addr()).number()), self.plain()],
            Ask::Icmp(Family::V4) => vec![guard(Key::Family, Family::V4.number()), self.plain()],
            Ask::Port(protocol, port) => {
                vec![guard(Key::Protocol, protocol.0.into()), self.test(Key::DestinationPort, Span::number((*port).into()))]
            }
            Ask::Replies => vec![self.test(Key::CtState, Span::AnyBit(ct_state::RELATED | ct_state::ESTABLISHED))],
            _ => vec![self.plain()],
        }
    }

    /// The test that both languages have in common.
    fn plain(&self) -> Step {
        let protocol = |protocol: Protocol| Span::number(protocol.0.into());
        match &self.ask {
            Ask::From(net) => self.test(Key::Source, (*net).into()),
            Ask::To(net) => self.test(Key::Destination, (*net).into()),
            Ask::In(name) => self.test(Key::InInterface, Span::Name((*name).into())),
            Ask::InAny(names) => {
                let among = Set::of(names.iter().map(|name| Span::Name((*name).into())));
                Step::Test(Test::field(Key::InInterface, among, self.negated))
            }
            Ask::Out(name) => self.test(Key::OutInterface, Span::Name((*name).into())),
            Ask::Port(_, port) => self.test(Key::DestinationPort, Span::number((*port).into())),
            Ask::Icmp(Family::V4) => self.test(Key::Protocol, protocol(Protocol::ICMP)),
            Ask::Icmp(Family::V6) => self.test(Key::Protocol, protocol(Protocol::ICMPV6)),
            Ask::Replies => self.test(Key::CtState, Span::AnyBit(ct_state::RELATED | ct_state::ESTABLISHED)),
            // RTN_LOCAL of linux/rtnetlink.h.
            Ask::FromHost => self.test(Key::SourceType, Span::number(2)),
            Ask::ToHost => self.test(Key::DestinationType, Span::number(2)),
            Ask::Mark(value, mask) => self.test(Selector { key: Key::Mark, mask: Some(*mask) }, Span::number(*value)),
        }
    }

    fn test(&self, key: impl Into<Selector>, span: Span) -> Step {
        one(key, span, self.negated)
    }
}

fn one(key: impl Into<Selector>, span: Span, negated: bool) -> Step {
    Step::Test(Test::field(key, Set::of([span]), negated))
}

fn icmp(family: Family) -> &'static str {
    match family {
        Family::V4 => "icmp",
        Family::V6 => "ipv6-icmp",
    }
}

fn family_word(net: IpNet) -> &'static str {
    if net.addr().is_ipv4() { "ip" } else { "ip6" }
}

/// nft leaves the length of a whole address away.
fn bare(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}
