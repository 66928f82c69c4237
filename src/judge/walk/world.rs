//! One way that a packet can look and have come.

use crate::judge::plan::About;
use crate::judge::sources::groups::Groups;
use crate::model::packet::{Family, Protocol, Target};
use crate::model::ruleset::ct_state;
use crate::model::verdict::Hop;
use std::net::IpAddr;

/// A packet on its way, from each of some groups of senders.
#[derive(Clone, Debug)]
pub(crate) struct World<'a> {
    /// What rules can look at, but for the sender.
    pub(crate) state: State<'a>,
    /// Whose packet it is.
    pub(crate) groups: Groups,
    /// How it came; None where nobody asks.
    pub(crate) story: Option<Box<Story>>,
}

/// How a packet came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    /// What happened to it, in order.
    pub(crate) hops: Vec<Hop>,
    /// The rules that it cannot be told of whether they fit.
    pub(crate) doubts: Vec<String>,
}

/// What rules can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State<'a> {
    /// The family.
    pub(crate) family: Family,
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// True after the sender was translated to something not known.
    pub(crate) is_masked: bool,
    /// The receiver.
    pub(crate) destination: IpAddr,
    /// The receiver's port; None after it was translated to one of several.
    pub(crate) port: Option<u16>,
    /// The receiver and its port before any translation.
    pub(crate) original: (IpAddr, u16),
    /// The incoming interface; empty for a packet of the host itself.
    pub(crate) input: Device<'a>,
    /// The outgoing interface; empty until a route is chosen.
    pub(crate) output: Device<'a>,
    /// The bridge whose own rules are asked; None for all others.
    pub(crate) bridge: Device<'a>,
    /// What connection tracking says.
    pub(crate) tracking: Tracking,
    /// The packet's mark.
    pub(crate) mark: u32,
    /// The connection's mark.
    pub(crate) ct_mark: u32,
    /// Which addresses are translated.
    pub(crate) nat: Ends,
    /// Which translations the nat chains were asked for: each is chosen once.
    pub(crate) asked: Ends,
    /// True if a nat chain of this hook has chosen: the later ones are not asked.
    pub(crate) is_mapped: bool,
}

/// The name of an interface; None where it is not known, as for the port of a bridge.
pub(crate) type Device<'a> = Option<&'a str>;

/// The two ends of a packet's way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    /// The receiver's.
    pub(crate) destination: bool,
    /// The sender's.
    pub(crate) source: bool,
}

/// What connection tracking says of the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tracking {
    /// It has not been asked yet: rules read the state as invalid (net/netfilter/nft_ct.c, `nft_ct_get_eval`).
    NotYet,
    /// A new connection.
    New,
    /// An answer in a connection that a container opened: its addresses are translated back, its port is the container's own choice.
    Answer,
    /// Not tracked: no translation, either.
    Untracked,
    /// It cannot be told.
    Unknown,
}

impl<'a> World<'a> {
    /// A packet before the first rule, from each of some groups.
    pub(crate) fn of(groups: Groups, interface: &'a str, to: Target) -> Self {
        let state = State {
            family: Family::of(to.address),
            protocol: to.protocol,
            is_masked: false,
            destination: to.address,
            port: Some(to.port),
            original: (to.address, to.port),
            input: Some(interface),
            output: Some(""),
            bridge: None,
            tracking: Tracking::NotYet,
            mark: 0,
            ct_mark: 0,
            nat: Ends::default(),
            asked: Ends::default(),
            is_mapped: false,
        };
        Self { state, groups, story: None }
    }

    /// The same way, for other groups.
    pub(crate) fn with(&self, groups: Groups) -> Self {
        Self { state: self.state, groups, story: self.story.clone() }
    }

    /// The same way for these groups; None for no group.
    pub(crate) fn parted<const N: usize>(&self, parts: [Groups; N]) -> [Option<Self>; N] {
        parts.map(|groups| (!groups.is_empty()).then(|| self.with(groups)))
    }

    /// Notes something that happened.
    pub(crate) fn tell(&mut self, hop: impl FnOnce() -> Hop) {
        if let Some(story) = &mut self.story {
            story.hops.push(hop());
        }
    }

    /// Notes something that the network stack did, not a rule.
    pub(crate) fn note(&mut self, hook: &'static str, effect: impl FnOnce() -> String) {
        self.tell(|| Hop { hook, table: String::new(), chains: Vec::new(), rule: String::new(), effect: effect() });
    }

    /// Notes something that stands in the way of a certain verdict.
    pub(crate) fn doubt(&mut self, text: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            let text = text();
            if !story.doubts.contains(&text) {
                story.doubts.push(text);
            }
        }
    }
}

/// Puts a world among others; where one looks the same, its groups only.
///
/// How it came is told of the one that was there first.
// Law: the-verdict-of-a-group-is-that-of-each-of-its-members
pub(crate) fn join<'a, K: PartialEq>(worlds: &mut Vec<(K, World<'a>)>, kind: K, world: World<'a>) {
    match worlds.iter_mut().find(|(own, seen)| *own == kind && seen.state == world.state) {
        Some((_, seen)) => seen.groups = seen.groups.or(&world.groups),
        None => worlds.push((kind, world)),
    }
}

impl State<'_> {
    /// Takes the packet out of connection tracking; too late once it is tracked.
    pub(crate) fn untrack(&mut self) {
        if self.tracking == Tracking::NotYet {
            self.tracking = Tracking::Untracked;
        }
    }

    /// The connection's state, one of [`ct_state`]; None where it cannot be told.
    pub(crate) fn connection(&self) -> Option<u32> {
        match self.tracking {
            Tracking::NotYet => Some(ct_state::INVALID),
            Tracking::New => Some(ct_state::NEW),
            Tracking::Answer => Some(ct_state::ESTABLISHED),
            Tracking::Untracked => Some(ct_state::UNTRACKED),
            Tracking::Unknown => None,
        }
    }

    /// What a chain's rules are found by.
    pub(crate) fn about(&self) -> About<'_> {
        let (destination, port, original_port) = (self.destination, self.port, self.original.1);
        About { destination, port, original_port, input: self.input, output: self.output }
    }
}
