//! What a lock lets in: in our words, whatever the rules that hold it are written in.

use super::packet::{Family, Protocol};
use super::policy::Allowance;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

/// Everything that decides what may come in to containers from outside. All that it does not permit is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// The engine's own bridges: what comes in by them is not from outside, and what goes out by them goes to a container.
    pub inside: BTreeSet<String>,
    /// Bridges of others, whatever their names look like.
    pub foreign: BTreeSet<String>,
    /// Prefixes that the engine takes for the networks that it makes.
    pub pools: Vec<IpNet>,
    /// What may come in.
    pub permits: Vec<Permit>,
    /// Ports of the host that docker-proxy serves or may come to serve: refused there, too, where nothing permits them.
    pub served: Ports,
    /// After so long it holds nothing any more; None: it stays.
    pub lasts: Option<Duration>,
}

/// Ports of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// These.
    Only(BTreeSet<Port>),
    /// Every other one of TCP, UDP and SCTP: programs of the host that listen on these keep them.
    AllBut(BTreeSet<Port>),
}

impl Default for Ports {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

/// A port of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// The addresses: one, or all of a family.
    pub at: IpNet,
    /// The protocol.
    pub protocol: Protocol,
    /// The port, 1 to 65535.
    pub port: u16,
}

/// Connections that may come in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Permit {
    /// The interface that they enter by; None: any.
    pub interface: Option<String>,
    /// Their family; None: both.
    pub family: Option<Family>,
    /// Who sends them.
    pub from: From,
    /// Where they go.
    pub to: Place,
    /// Their protocol.
    pub protocol: Protocol,
    /// Their ports: ranges, both ends inclusive, in order, not touching.
    pub ports: Vec<(u16, u16)>,
}

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum From {
    /// Everyone.
    Everyone,
    /// These prefixes.
    Only(Vec<IpNet>),
    /// Everyone else than these prefixes.
    AllBut(Vec<IpNet>),
}

/// Where a permitted connection goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// A published port of the host; the address None: any of its addresses but those of 127.0.0.0/8.
    Host(Option<IpAddr>),
    /// Containers in this prefix, at their own addresses and ports.
    Containers(IpNet),
}

/// What the owner wants of a lock.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// True: nothing is let in on the host firewall's word.
    pub refuses_all: bool,
    /// True: ports of the host that nobody listens on yet are refused, too, whoever takes them: until a deploy has ended well.
    pub is_curtain: bool,
    /// What is let in whatever the host firewall says.
    pub allowed: Vec<Allowance>,
    /// How long it is to last; None: until it is taken away.
    pub lasts: Option<Duration>,
}
