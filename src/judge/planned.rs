//! A host as its engine would make it: containers that are not started yet, with everything that the engine writes for them.
//!
//! In: a host, and containers. Out: the host with their networks, bridges, addresses, rules, firewalld's lines and docker-proxy's
//! sockets in it, so that it is judged like one on which they run. Not here: whether that is wanted. Where the outcome hangs on
//! something that is not known, a [`Doubt`] says so.
//!
//! How the engine does it hangs on its version and backend: `habits`; the sources are named there and where the rules are made.

mod address;
mod chains;
mod choice;
mod container;
mod firewalld;
mod habits;
mod iptables;
mod network;
mod nftables;
mod of;
mod ports;
mod rule;
mod terms;
mod withdrawal;

pub use of::of;

use crate::model::engine::{Binding, ComposeOrigin};
use crate::model::host::Host;
use crate::model::packet::{Family, Protocol};
use container::Work;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A container that is to be started.
#[derive(Clone, Debug, Default)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// The service that it is of; the container's name where there is none.
    pub service: Arc<str>,
    /// The image's name.
    pub image: String,
    /// The compose project that it is made from.
    pub compose: Option<ComposeOrigin>,
    /// Where it is in the network.
    pub place: Place,
    /// The ports that it asks to publish.
    pub ports: Vec<Port>,
    /// Identifiers of running containers that it takes the place of: what they open is closed first.
    pub replaces: Vec<String>,
}

/// Where a container is in the network.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the host's own: it listens there itself, at its container ports.
    Host,
    /// On networks of the engine.
    Networks(Vec<Joined>),
}

impl Default for Place {
    fn default() -> Self {
        Self::Networks(Vec::new())
    }
}

/// A network that a container joins.
#[derive(Clone, Debug, Default)]
pub struct Joined {
    /// The network.
    pub network: Wanted,
    /// `gw_priority`: the highest decides which network carries the published ports.
    pub priority: i64,
    /// The container's addresses there; for a family without one, the engine picks a free one.
    pub addresses: Vec<IpAddr>,
}

/// A network as it is asked for. One of its name that the engine has is taken as it is.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The name that the engine knows it by.
    pub name: String,
    /// True if it is made elsewhere: where it is not there, it will not be made.
    pub is_external: bool,
    /// The driver; None: a bridge.
    pub driver: Option<String>,
    /// The driver's options.
    pub options: BTreeMap<String, String>,
    /// True for a network without a way out.
    pub is_internal: bool,
    /// The families that it is made with.
    pub families: Vec<Family>,
    /// Its prefixes; for a family without one, the engine picks a free one.
    pub subnets: Vec<IpNet>,
}

/// A port that a container asks to publish.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// The publication that it is of, by its index in [`crate::model::project::Service::publications`].
    pub publication: usize,
    /// The host address; None: not named. Of v4 or v6, never v4 mapped into v6.
    pub host: Option<IpAddr>,
    /// The host port.
    pub port: HostPort,
    /// The container port.
    pub target: u16,
    /// The protocol.
    pub protocol: Protocol,
}

/// The host port that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostPort {
    /// This one.
    Exactly(u16),
    /// One of these, both ends inclusive, as the engine chooses.
    OneOf(u16, u16),
    /// Any that is free.
    Any,
}

/// The outcome.
#[derive(Clone, Debug)]
pub struct Programmed {
    /// The host with the containers on it.
    pub host: Host,
    /// The ports that were opened for them. Each stands among the bindings of the publisher of that name, too.
    pub opened: Vec<Opened>,
    /// What the outcome hangs on and is not known.
    pub doubts: Vec<Doubt>,
}

/// A port that the engine opens for a planned container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The container's name.
    pub container: String,
    /// Its service.
    pub service: Arc<str>,
    /// The publication, as in [`Port::publication`].
    pub publication: usize,
    /// What is opened.
    pub binding: Binding,
}

/// Something that the outcome hangs on and that is not known: verdicts on what it is about are unsure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The service; None: all of them.
    pub service: Option<Arc<str>>,
    /// The publication; None: all of the service's.
    pub publication: Option<usize>,
    /// What it is about.
    pub about: About,
    /// What is not known, and what would show it; lower case.
    pub reason: String,
}

impl Doubt {
    /// True if it is about a publication of a service.
    pub fn concerns(&self, service: &str, publication: usize) -> bool {
        self.service.as_deref().is_none_or(|own| own == service) && self.publication.is_none_or(|own| own == publication)
    }
}

/// What packets a doubt is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// All.
    Everything,
    /// Those that only the engine's guards in front of everything keep out: to containers' own addresses, and from outside to ports
    /// on 127.0.0.0/8.
    Guards,
}

/// The host with the containers on it.
pub fn on(host: &Host, planned: &[Planned]) -> Programmed {
    let mut work = Work::on(host);
    for id in planned.iter().flat_map(|container| &container.replaces) {
        withdrawal::withdraw(&mut work.programmed.host, id);
    }
    for container in planned {
        work.start(container);
    }
    work.programmed
}

/// The host without a container: without its rules, its ports and its addresses.
pub fn without(host: &Host, id: &str) -> Host {
    let mut host = host.clone();
    withdrawal::withdraw(&mut host, id);
    host
}
