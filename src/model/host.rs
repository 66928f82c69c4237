//! A host: what decides where a packet goes and who hears it.

use super::engine::{Binding, Engine, Publisher};
use super::firewall::{Firewalld, SavedRules, Ufw};
use super::packet::{Family, Protocol};
use super::ruleset::{Origin, Ruleset};
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// What was seen of a host at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    /// When it was seen, in seconds since 1970-01-01 UTC; None: it is not said.
    pub moment: Option<u64>,
    /// The filter rules.
    pub ruleset: Ruleset,
    /// Which form plain `iptables` and `ip6tables` have; without a family: the host has no such tool, or nobody looked.
    pub plain_iptables: BTreeMap<Family, Origin>,
    /// The interfaces.
    pub links: Vec<Link>,
    /// The routes of both families.
    pub routes: Vec<Route>,
    /// The policy rules, lowest priority first. Empty: the kernel's own three.
    pub policy: Vec<PolicyRule>,
    /// Kernel settings: `net/ipv4/ip_forward` → `1`.
    pub settings: BTreeMap<String, String>,
    /// Who listens.
    pub listeners: Vec<Listener>,
    /// The engine's networks.
    pub networks: Vec<Network>,
    /// The containers' addresses on those networks.
    pub endpoints: Vec<Endpoint>,
    /// The engine; None where it was not seen.
    pub engine: Option<Engine>,
    /// Who publishes ports, in the order in which the engine lists them.
    pub publishers: Vec<Publisher>,
    /// firewalld; None where nobody looked.
    pub firewalld: Option<Firewalld>,
    /// ufw; None where it is not there.
    pub ufw: Option<Ufw>,
    /// Rules that are loaded at boot.
    pub saved_rules: Vec<SavedRules>,
    /// What could not be seen.
    pub unread: Vec<Unread>,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: Arc<str>,
    /// What kind of virtual device it is: `bridge`, `veth`, `macvlan` …; None for a real one.
    pub kind: Option<String>,
    /// The bridge or bond that it is a port of.
    pub master: Option<String>,
    /// True for `lo`.
    pub is_loopback: bool,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// Programs that see its frames before or after all filters and are not read, in words: `XDP program 12`, `tc filters (clsact)`.
    pub programs: Vec<String>,
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address with the length of its prefix.
    pub net: IpNet,
    /// The broadcast address of a v4 prefix.
    pub broadcast: Option<IpAddr>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The table's name or number.
    pub table: String,
    /// Where to.
    pub destination: IpNet,
    /// The devices it leads through; more than one: the kernel chooses.
    pub devices: Vec<Arc<str>>,
    /// Lower is preferred.
    pub metric: u32,
    /// `unicast`, or a type that refuses: `unreachable`, `blackhole`, `prohibit`; `throw` goes on with the next table.
    pub kind: String,
}

/// A rule that chooses a routing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRule {
    /// The family that it speaks of.
    pub family: Family,
    /// Lower is asked first.
    pub priority: u32,
    /// The sources that it speaks of; None: all.
    pub from: Option<IpNet>,
    /// The destinations; None: all.
    pub to: Option<IpNet>,
    /// The incoming interface; `lo` means packets of the host itself.
    pub interface: Option<String>,
    /// The packet mark and its mask.
    pub mark: Option<(u32, u32)>,
    /// Routes of at most this prefix length count as none (`suppress_prefixlength`).
    pub suppress: Option<u8>,
    /// True if it is for all packets that the above does not fit.
    pub negated: bool,
    /// What it does: the table to ask, or a refusal.
    pub action: PolicyAction,
    /// Conditions that are not understood: it may fit or not.
    pub unknown: bool,
}

/// What a policy rule does where it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyAction {
    /// Asks this table.
    Table(String),
    /// Refuses the packet.
    Refuse,
    /// Something else, which is not understood.
    Unknown(String),
}

/// A socket that takes connections or datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its protocol.
    pub protocol: Protocol,
    /// The address; None: every address of the families.
    pub address: Option<IpAddr>,
    /// True if it takes v4.
    pub v4: bool,
    /// True if it takes v6.
    pub v6: bool,
    /// The interface that it is bound to.
    pub interface: Option<String>,
    /// The port.
    pub port: u16,
    /// The program's name, where it may be seen.
    pub program: Option<String>,
}

/// A network of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The engine's identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `bridge`, `macvlan`, `ipvlan`, `overlay`, `host` …
    pub driver: String,
    /// The host's bridge; None for drivers without one.
    pub bridge: Option<String>,
    /// The parent interface of a macvlan or ipvlan.
    pub parent: Option<String>,
    /// The mode of a macvlan or ipvlan, where it is written.
    pub mode: Option<String>,
    /// Its prefixes.
    pub subnets: Vec<IpNet>,
    /// The host's addresses on it, as far as they are configured.
    pub gateways: Vec<IpAddr>,
    /// The driver's options.
    pub options: BTreeMap<String, String>,
    /// True if it has no way out.
    pub is_internal: bool,
    /// True if it has v6.
    pub has_v6: bool,
}

impl Network {
    /// True if its containers have addresses of their own on a link of the host, past its hooks.
    pub fn is_beside(&self) -> bool {
        matches!(self.driver.as_str(), "macvlan" | "ipvlan")
    }
}

/// A container's place on a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The container's name.
    pub container: String,
    /// The identifier of its network.
    pub network: String,
    /// Its addresses there.
    pub addresses: Vec<IpAddr>,
}

/// Something that could not be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What it is.
    pub part: Part,
    /// The command that shows it.
    pub command: String,
    /// Why it is not known.
    pub why: String,
}

/// The parts of a host that verdicts hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Rules that packets of one family, or of both (None), pass.
    Rules(Option<Family>),
    /// Interfaces and addresses.
    Addresses,
    /// Routes and policy rules of one family.
    Routes(Family),
    /// Kernel settings.
    Settings,
    /// Listening sockets.
    Listeners,
    /// Containers and networks.
    Containers,
    /// What the host's firewall says of itself; no verdict hangs on it.
    Firewall,
    /// Rules that are loaded at boot; no verdict hangs on them.
    SavedRules,
}

impl Network {
    /// How its containers are reached in one family: `nat`, `nat-unprotected`, `routed`, `isolated`; None: the engine's default, `nat`.
    pub fn gateway_mode(&self, family: Family) -> Option<&str> {
        let option = match family {
            Family::V4 => "com.docker.network.bridge.gateway_mode_ipv4",
            Family::V6 => "com.docker.network.bridge.gateway_mode_ipv6",
        };
        self.options.get(option).map(String::as_str)
    }
}

impl Part {
    /// True if verdicts hang on it.
    pub fn bears_on_verdicts(self) -> bool {
        !matches!(self, Self::Firewall | Self::SavedRules | Self::Listeners)
    }
}

impl Host {
    /// The same host with no rule at all.
    pub fn without_rules(&self) -> Self {
        let Self { ruleset: _, links, routes, policy, settings, listeners, networks, endpoints, engine, publishers, .. } = self;
        Self {
            ruleset: Ruleset::default(),
            links: links.clone(),
            routes: routes.clone(),
            policy: policy.clone(),
            settings: settings.clone(),
            listeners: listeners.clone(),
            networks: networks.clone(),
            endpoints: endpoints.clone(),
            engine: engine.clone(),
            publishers: publishers.clone(),
            unread: self.unread.clone(),
            moment: self.moment,
            ..Self::default()
        }
    }

    /// The network of an identifier.
    pub fn network(&self, id: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.id == id)
    }

    /// The interface of a name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| &*link.name == name)
    }

    /// Who is published at an address and port of the host, or has this address.
    pub fn publisher_at(&self, address: IpAddr, port: u16, protocol: Protocol) -> Option<&Publisher> {
        let fits = |binding: &Binding| {
            let is_there =
                binding.address == address || binding.address.is_unspecified() && binding.address.is_ipv4() == address.is_ipv4();
            is_there && binding.port == Some(port) && binding.protocol == protocol
        };
        let has_address = |publisher: &&Publisher| {
            let own = self.endpoints.iter().filter(|endpoint| endpoint.container == publisher.name);
            own.flat_map(|endpoint| &endpoint.addresses).any(|own| *own == address)
        };
        let is_own = self.links.iter().flat_map(|link| &link.addresses).any(|own| own.net.addr() == address);
        let published = || self.publishers.iter().find(|publisher| publisher.bindings.iter().any(fits));
        self.publishers.iter().find(has_address).or_else(|| if is_own { published() } else { None })
    }

    /// The command that would show an unread part that `wanted` holds for.
    pub fn unread(&self, wanted: impl Fn(Part) -> bool) -> Option<&Unread> {
        self.unread.iter().find(|unread| wanted(unread.part))
    }

    /// What is hidden and bears on verdicts.
    pub fn gaps(&self) -> impl Iterator<Item = &Unread> {
        self.unread.iter().filter(|unread| unread.part.bears_on_verdicts())
    }

    /// A kernel setting as a number.
    pub fn setting(&self, name: &str) -> Option<u32> {
        self.settings.get(name)?.trim().parse().ok()
    }

    /// True if frames between the ports of a bridge pass the IP hooks: br_netfilter is there and on. Without it there is no such setting.
    pub fn filters_bridges(&self, family: Family) -> bool {
        let name = match family {
            Family::V4 => "net/bridge/bridge-nf-call-iptables",
            Family::V6 => "net/bridge/bridge-nf-call-ip6tables",
        };
        self.setting(name).is_some_and(|value| value != 0)
    }
}
