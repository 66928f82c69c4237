//! Netfilter's rules in one form, whichever tool wrote them: tables of chains at hooks, with what is not understood kept as such.

pub use super::field::{Key, Selector, Set, Span, ct_state};
use super::packet::Family;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Every rule of a host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ruleset {
    /// The tables, in the order in which they were read.
    pub tables: Vec<Table>,
}

/// A table: chains that can jump to each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Which packets it sees.
    pub family: TableFamily,
    /// Its name.
    pub name: String,
    /// Which of the kernel's two sets of hooks it hangs on, and who read it.
    pub origin: Origin,
    /// The chains by their names.
    pub chains: BTreeMap<Arc<str>, Chain>,
}

/// The family of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableFamily {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
    /// Both.
    Inet,
    /// Frames between the ports of a bridge.
    Bridge,
    /// Every frame that a device takes in.
    Netdev,
    /// ARP.
    Arp,
}

impl TableFamily {
    /// The family of an nft name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ip" => Self::Ip,
            "ip6" => Self::Ip6,
            "inet" => Self::Inet,
            "bridge" => Self::Bridge,
            "netdev" => Self::Netdev,
            "arp" => Self::Arp,
            _ => return None,
        })
    }

    /// True if its chains at the IP hooks see packets of `family`.
    pub fn sees(self, family: Family) -> bool {
        matches!((self, family), (Self::Ip, Family::V4) | (Self::Ip6, Family::V6) | (Self::Inet, _))
    }

    /// The name that nft uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Inet => "inet",
            Self::Bridge => "bridge",
            Self::Netdev => "netdev",
            Self::Arp => "arp",
        }
    }
}

/// Where a table was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `nft -j list ruleset`.
    Nft,
    /// `iptables-save` of iptables-nft.
    Iptables,
    /// `iptables-save` of iptables-legacy: tables beside those of nftables.
    Legacy,
}

impl Table {
    /// `inet firewalld`, `legacy ip filter`
    pub fn title(&self) -> String {
        let legacy = if self.origin == Origin::Legacy { "legacy " } else { "" };
        format!("{legacy}{} {}", self.family.name(), self.name)
    }
}

/// A chain of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Its name.
    pub name: Arc<str>,
    /// Where the kernel calls it; None where only other chains do.
    pub base: Option<Base>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// Why the rules are not known, where they are not; `rules` is empty then.
    pub unread: Option<String>,
}

/// Where the kernel calls a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The hook.
    pub hook: Hook,
    /// The type.
    pub kind: ChainKind,
    /// Lower runs first.
    pub priority: i32,
    /// What becomes of a packet that leaves the chain at its end.
    pub policy: Policy,
    /// The devices of an ingress or egress chain.
    pub devices: Vec<String>,
}

/// The places where the kernel asks the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// A device has taken the frame in.
    Ingress,
    /// Before the route is chosen.
    Prerouting,
    /// To a process of the host.
    Input,
    /// Through the host.
    Forward,
    /// From a process of the host.
    Output,
    /// After the route is chosen.
    Postrouting,
    /// A device is about to send the frame.
    Egress,
}

impl Hook {
    /// The hook of an nft name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Ingress, Self::Prerouting, Self::Input, Self::Forward, Self::Output, Self::Postrouting, Self::Egress];
        all.into_iter().find(|hook| hook.name() == name)
    }

    /// The name that nft uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Output => "output",
            Self::Postrouting => "postrouting",
            Self::Egress => "egress",
        }
    }
}

/// The type of a base chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainKind {
    /// Filters.
    Filter,
    /// Sees the first packet of a connection and may translate addresses.
    Nat,
    /// Filters at output; a changed mark chooses another route.
    Route,
}

/// What becomes of a packet at the end of a base chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It passes on.
    Accept,
    /// It is dropped.
    Drop,
}

/// One rule; a copy shares all of it. Two are equal that do the same, in whatever words.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule as its tool writes it.
    pub text: Arc<str>,
    /// What it tests and does, in order; a test that fails ends the rule.
    pub steps: Arc<[Step]>,
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.steps == other.steps
    }
}

/// One part of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The rest is done only where this holds.
    Test(Test),
    /// Something is done.
    Act(Action),
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The selected fields of the packet are in a set, or, negated, are not. A field that the packet has not ends the rule either way.
    Fields {
        /// What is looked at; more than one: a concatenation.
        selectors: Vec<Selector>,
        /// The values.
        among: Arc<Set>,
        /// True if they must not be among them.
        negated: bool,
    },
    /// Not understood; the text says what.
    Unknown(Arc<str>),
}

impl Test {
    /// One field of the packet is in a set, or, negated, is not.
    pub fn field(selector: impl Into<Selector>, among: Arc<Set>, negated: bool) -> Self {
        Self::Fields { selectors: vec![selector.into()], among, negated }
    }

    /// One field of the packet is within a span.
    pub fn within(selector: impl Into<Selector>, span: Span) -> Self {
        Self::field(selector, Set::of([span]), false)
    }

    /// No packet fits.
    pub fn never() -> Self {
        Self::field(Key::Protocol, Set::of([]), false)
    }
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Decides about the packet.
    Decide(Decision),
    /// Decides by the fields of the packet; where none fits, the rule goes on.
    Lookup {
        /// The fields.
        selectors: Vec<Selector>,
        /// Values and their decisions.
        map: Arc<Vec<(Vec<Span>, Decision)>>,
    },
    /// Translates an address; ends the chain as accept does.
    Translate(Translation),
    /// Changes a mark.
    SetMark(SetMark),
    /// Takes the packet out of connection tracking.
    Untrack,
    /// Not understood: it may do anything.
    Unknown(Arc<str>),
}

/// A decision about the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ends this base chain; the later ones still see the packet.
    Accept,
    /// Ends the packet, silently.
    Drop,
    /// Ends the packet with an answer.
    Reject,
    /// Goes back to the chain that jumped here.
    Return,
    /// Goes on with the next step.
    Continue,
    /// Walks another chain, then goes on here.
    Jump(Arc<str>),
    /// Walks another chain in place of the rest of this one.
    Goto(Arc<str>),
}

/// A translation of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Translation {
    /// Another destination; the possible ones, of which the first whose spans fit is taken.
    Destination(Vec<Target>),
    /// To the host itself, at these ports (None: the port stays).
    Redirect(Option<(u16, u16)>),
    /// The same place in another prefix (NETMAP): of the destination before the route is chosen, of the source after it.
    Prefix(IpNet),
    /// Another source; which one plays no part here.
    Source,
}

/// A new destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The fields that must fit for it to be taken; empty: always.
    pub when: Vec<(Selector, Span)>,
    /// The address; None: it stays.
    pub address: Option<IpAddr>,
    /// The ports; None: the port stays. Two different ones: the kernel chooses.
    pub ports: Option<(u16, u16)>,
}

impl Target {
    /// One of several addresses; the kernel chooses, so which one cannot be told.
    pub fn any_of(addresses: Vec<IpAddr>, ports: Option<(u16, u16)>) -> Vec<Self> {
        let count = addresses.len();
        let may = || vec![(Key::Opaque.into(), Span::number(0))];
        let target =
            |(at, address)| Self { when: if at + 1 < count { may() } else { Vec::new() }, address: Some(address), ports };
        addresses.into_iter().enumerate().map(target).collect()
    }
}

/// A change of a mark: `target = (target & keep) ^ (source & pick) ^ flip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetMark {
    /// The mark that changes.
    pub target: Mark,
    /// The bits of it that stay.
    pub keep: u32,
    /// The mark that is copied.
    pub source: Mark,
    /// The bits of it that are copied.
    pub pick: u32,
    /// The bits that are flipped at the end.
    pub flip: u32,
}

/// The two marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The packet's.
    Packet,
    /// The connection's.
    Connection,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("accept"),
            Self::Drop => f.write_str("drop"),
            Self::Reject => f.write_str("reject"),
            Self::Return => f.write_str("return"),
            Self::Continue => f.write_str("continue"),
            Self::Jump(chain) => write!(f, "jump {chain}"),
            Self::Goto(chain) => write!(f, "goto {chain}"),
        }
    }
}
