//! One way that a packet can look and have come.

use crate::model::packet::{Family, Packet, Protocol};
use crate::model::ruleset::{Rule, Table, ct_state};
use crate::model::verdict::Hop;
use std::net::IpAddr;
use std::sync::Arc;

/// A packet on its way, and how it came.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// What rules can look at.
    pub(crate) state: State,
    /// What happened to it, in order.
    pub(crate) trace: Vec<Hop>,
    /// The rules that it cannot be told of whether they fit.
    pub(crate) doubts: Vec<String>,
}

/// What rules can look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The family.
    pub(crate) family: Family,
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// The sender; None after it was translated to something not known.
    pub(crate) source: Option<IpAddr>,
    /// The receiver.
    pub(crate) destination: IpAddr,
    /// The receiver's port; None after it was translated to one of several.
    pub(crate) port: Option<u16>,
    /// The sender, receiver and receiver's port before any translation.
    pub(crate) original: (IpAddr, IpAddr, u16),
    /// The incoming interface; empty for a packet of the host itself.
    pub(crate) input: Arc<str>,
    /// The outgoing interface; empty until a route is chosen.
    pub(crate) output: Arc<str>,
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
    /// Set by an action that loses the packet.
    pub(crate) lost: Option<Arc<str>>,
}

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
    /// Not tracked: no translation, either.
    Untracked,
}

impl World {
    /// A packet before the first rule.
    pub(crate) fn of(packet: &Packet) -> Self {
        let state = State {
            family: packet.family(),
            protocol: packet.protocol,
            source: Some(packet.source),
            destination: packet.destination,
            port: Some(packet.port),
            original: (packet.source, packet.destination, packet.port),
            input: packet.interface.clone(),
            output: Arc::from(""),
            tracking: Tracking::NotYet,
            mark: 0,
            ct_mark: 0,
            nat: Ends::default(),
            asked: Ends::default(),
            is_mapped: false,
            lost: None,
        };
        Self { state, trace: Vec::new(), doubts: Vec::new() }
    }

    /// Notes something that stands in the way of a certain verdict.
    pub(crate) fn doubt(&mut self, text: String) {
        if !self.doubts.contains(&text) {
            self.doubts.push(text);
        }
    }

    /// The same world, with a rule of which it cannot be told whether it fits.
    pub(crate) fn doubting(&self, table: &Table, rule: &Rule) -> Self {
        let mut world = self.clone();
        world.doubt(format!("{}: {}", table.title(), rule.text));
        world
    }

    /// Notes something that the network stack did, not a rule.
    pub(crate) fn note(&mut self, hook: &'static str, effect: impl Into<String>) {
        self.trace.push(Hop { hook, table: String::new(), chain: String::new(), rule: String::new(), effect: effect.into() });
    }
}

impl State {
    /// Takes the packet out of connection tracking; too late once it is tracked.
    pub(crate) fn untrack(&mut self) {
        if self.tracking == Tracking::NotYet {
            self.tracking = Tracking::Untracked;
        }
    }

    /// The connection's state, one of [`ct_state`].
    pub(crate) fn connection(&self) -> u32 {
        match self.tracking {
            Tracking::NotYet => ct_state::INVALID,
            Tracking::New => ct_state::NEW,
            Tracking::Untracked => ct_state::UNTRACKED,
        }
    }
}
