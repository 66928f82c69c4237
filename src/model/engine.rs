//! The engine and what it publishes, as its API tells.

use super::packet::Protocol;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// The engine of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engine {
    /// Its version as it writes it: `28.5.2+dfsg4`.
    pub version: String,
    /// The three numbers at the beginning of the version; None for a build that has none.
    pub release: Option<(u32, u32, u32)>,
    /// The newest version of its API: `(1, 51)`.
    pub api: Option<(u32, u32)>,
    /// Which program answers behind the socket.
    pub kind: EngineKind,
    /// Where its networks are.
    pub seat: Seat,
    /// Which rules it writes.
    pub backend: Backend,
    /// True if it works with firewalld; None where it does not say (before 28.1).
    pub uses_firewalld: Option<bool>,
    /// True if it writes packet filter rules at all (`iptables` of daemon.json); None where that is not known.
    pub writes_rules: Option<bool>,
    /// True if docker-proxy serves published ports (`userland-proxy`); None where that is not known.
    pub has_proxy: Option<bool>,
    /// What its configuration file says of networks.
    pub options: DaemonOptions,
    /// True if this node takes part in a swarm.
    pub is_in_swarm: bool,
    /// The name of the machine that it runs on.
    pub machine: String,
    /// The release of the kernel that it runs on.
    pub kernel: String,
}

/// What `daemon.json` says of the networks that the engine makes. None, or empty: it does not say. What stands on the command line of
/// the daemon is not seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaemonOptions {
    /// `ip6tables`: it writes v6 rules.
    pub writes_v6_rules: Option<bool>,
    /// `ip-forward`: it switches forwarding on.
    pub switches_forwarding: Option<bool>,
    /// `ip-forward-no-drop`: it leaves the policy of FORWARD when it switches forwarding on (28.0).
    pub keeps_forward_policy: Option<bool>,
    /// `allow-direct-routing`: containers may be reached at their own addresses (28.2).
    pub allows_direct_routing: Option<bool>,
    /// `bridge-accept-fwmark`: packets with this mark reach every port of every container (29.0). A number, perhaps with a mask.
    pub accepted_mark: Option<String>,
    /// `default-network-opts` of the driver `bridge`: options of networks that are made from now on (24.0).
    pub network_options: BTreeMap<String, String>,
    /// `default-address-pools`: where networks get their prefixes from, and how long these are.
    pub address_pools: Vec<(IpNet, u8)>,
}

/// Programs that speak the Engine API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// Docker Engine, or one that does not say otherwise.
    #[default]
    Docker,
    /// Podman's service.
    Podman,
}

/// Where an engine's networks and ports are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seat {
    /// In the network of the host whose rules are read.
    #[default]
    Host,
    /// In a network of its own (rootless): a process opens published ports on the host.
    Rootless,
    /// In a virtual machine (Docker Desktop): a process opens published ports on the host.
    VirtualMachine,
}

impl Seat {
    /// True if published ports are sockets of an ordinary process on the host, which its firewall sees as such.
    pub fn is_apart(self) -> bool {
        self != Self::Host
    }
}

/// Which rules an engine writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// iptables, as every engine before 29 does.
    #[default]
    Iptables,
    /// nftables.
    Nftables,
}

/// Something that publishes ports: a container, or a service of a swarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publisher {
    /// What it is.
    pub kind: PublisherKind,
    /// The engine's identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image's name.
    pub image: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// `bridge`, `host`, `none`, `container:ID`, or a network's name.
    pub network_mode: String,
    /// Ports of the host that the engine opened for it.
    pub bindings: Vec<Binding>,
    /// Ports that were asked for and that the engine did not open, as it does on internal networks.
    pub unopened: Vec<(u16, Protocol)>,
    /// Ports that its image or its configuration names, published or not.
    pub exposed: Vec<(u16, Protocol)>,
    /// The compose project that it was made from.
    pub compose: Option<ComposeOrigin>,
}

/// Kinds of publishers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublisherKind {
    /// A container of this engine.
    #[default]
    Container,
    /// A service whose ports every node of the swarm takes in.
    SwarmService,
}

impl PublisherKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::SwarmService => "swarm service",
        }
    }
}

/// One port that the engine opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Binding {
    /// The host address; unspecified: every address of its family.
    pub address: IpAddr,
    /// The host port; None where there is none, as on a `routed` network.
    pub port: Option<u16>,
    /// The container port.
    pub target: u16,
    /// The protocol.
    pub protocol: Protocol,
}

/// Where compose made a container from (labels `com.docker.compose.*`). Anybody who may start containers may write these labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComposeOrigin {
    /// The project's name.
    pub project: String,
    /// The service's name.
    pub service: String,
    /// The project directory.
    pub directory: PathBuf,
    /// The compose files, in order.
    pub files: Vec<PathBuf>,
    /// The env files that were named, in order.
    pub env_files: Vec<PathBuf>,
}
