//! What a publication really does in its network.
//!
//! In: a project and a service of it. Out: where the engine listens for each publication, or why it does not. Not here: whether that
//! is wanted, and anything about the host: the engine's own defaults (`daemon.json`) and the options of external networks are not in
//! a file.
//!
//! Sources: moby `daemon/libnetwork/sandbox.go` (`Endpoint.Less`), `default_gateway.go` (`getGatewayEndpoint`),
//! `drivers/bridge/port_mapping_linux.go` (`configurePortBindingIPv4` and 6), `drivers/bridge/labels.go` (the options' names),
//! `daemon/daemon_unix.go` (host network), `daemon/internal/runconfig/hostconfig.go` (shared network namespaces).

use crate::model::origin::Origin;
use crate::model::origin::Sourced;
use crate::model::project::{Network, Project, Service};
use crate::model::publication::{Publication, Reach};
use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address for bindings that name none.
pub const HOST_BINDING: &str = "com.docker.network.bridge.host_binding_ipv4";
/// How packets come in from outside, v4.
pub const GATEWAY_MODE_V4: &str = "com.docker.network.bridge.gateway_mode_ipv4";
/// How packets come in from outside, v6.
pub const GATEWAY_MODE_V6: &str = "com.docker.network.bridge.gateway_mode_ipv6";
/// Host interfaces, separated by colons, that reach published ports at the containers' own addresses (Engine 28.2).
pub const TRUSTED_INTERFACES: &str = "com.docker.network.bridge.trusted_host_interfaces";

/// What becomes of a service's `ports`.
#[derive(Clone, Copy, Debug)]
pub enum Stance<'a> {
    /// They are published through these networks.
    Published(Gateways<'a>),
    /// The service uses the host's network: its `ports` are ignored, and the host firewall applies.
    HostNetwork(&'a Origin),
    /// The service is on the local network by itself, past the host's firewall: its `ports` are ignored.
    BesideTheFirewall(&'a Network),
    /// Nothing is published.
    Nothing(Nothing),
    /// It uses the network of another service or container: the engine refuses `ports`.
    Refused(&'a Sourced<String>),
}

/// Why nothing is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// `network_mode: none`, or the external network `none`.
    NoNetwork,
    /// All its networks are internal: there is no gateway to publish through.
    InternalOnly,
    /// A provider makes the service: there is no container.
    Provided,
}

/// The networks that carry the published ports; None for a family that has no gateway.
#[derive(Clone, Copy, Debug)]
pub struct Gateways<'a> {
    /// For host addresses of v4.
    pub v4: Option<Gateway<'a>>,
    /// For host addresses of v6. Without it, docker-proxy carries v6 connections to the container's v4 address.
    pub v6: Option<Gateway<'a>>,
    /// A `routed` network among all of the service's: published container ports are open there to direct routing, v4.
    pub routed_v4: Option<&'a Sourced<String>>,
    /// The same for v6.
    pub routed_v6: Option<&'a Sourced<String>>,
    /// Interfaces of the host that reach the published ports at the container's own address.
    pub trusted: Option<&'a Sourced<String>>,
}

/// A network that carries published ports.
#[derive(Clone, Copy, Debug)]
pub enum Gateway<'a> {
    /// A bridge that is not in the project: the default bridge, Swarm's gateway bridge, a network by `network_mode`.
    Unlisted,
    /// A network of the project.
    Network(&'a Network),
}

/// Where the engine listens for one publication, and who else gets to it.
#[derive(Clone, Copy, Debug)]
pub struct Listening<'a> {
    /// The v4 address; unspecified: all of them; None: it does not listen on v4.
    pub v4: Option<Ipv4Addr>,
    /// The v6 address; unspecified: all of them; None: it does not listen on v6.
    pub v6: Option<Ipv6Addr>,
    /// The gateway mode `routed`, if it opens the container port to whoever has a route to the container.
    pub routed: Option<&'a Sourced<String>>,
    /// The trusted interfaces, if there are any.
    pub trusted: Option<&'a Sourced<String>>,
    /// The external network that carries it: its driver and options are not known from the file.
    pub external: Option<&'a Network>,
}

/// A service that is not started by a plain `docker compose up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dormant<'a> {
    /// None of its profiles is active.
    Profiles(&'a [String]),
    /// It is scaled to nothing.
    Scale(&'a Origin),
}

impl<'a> Stance<'a> {
    /// What becomes of the ports of `service`.
    pub fn of(project: &'a Project, service: &'a Service) -> Self {
        if service.is_provided {
            return Self::Nothing(Nothing::Provided);
        }
        match &service.network_mode {
            Some(mode) => Self::of_mode(mode),
            None => Self::of_networks(project, service),
        }
    }

    fn of_mode(mode: &'a Sourced<String>) -> Self {
        match mode.value.as_str() {
            "host" => Self::HostNetwork(&mode.origin),
            "none" => Self::Nothing(Nothing::NoNetwork),
            text if text.starts_with("service:") || text.starts_with("container:") => Self::Refused(mode),
            _ => Self::Published(Gateways::unlisted()),
        }
    }

    fn of_networks(project: &'a Project, service: &'a Service) -> Self {
        let mut candidates = Vec::new();
        let mut has_internal = false;
        for attachment in &service.networks {
            let Some(network) = project.networks.get(&attachment.network) else { continue };
            match (network.external, network.name.as_str()) {
                (true, "host") => return Self::HostNetwork(&attachment.origin),
                (true, "none") => return Self::Nothing(Nothing::NoNetwork),
                _ if is_internal(network) => has_internal = true,
                _ if driver(network) == "overlay" => {}
                _ => candidates.push((Reverse(attachment.gateway_priority), Reverse(families(network)), &network.name, network)),
            }
        }
        candidates.sort_by_key(|(priority, families, name, _)| (*priority, *families, *name));
        let networks: Vec<&Network> = candidates.into_iter().map(|(.., network)| network).collect();
        match networks.iter().find(|network| has_v4(network)).or(networks.first()) {
            Some(gateway) if is_beside_the_firewall(gateway) => Self::BesideTheFirewall(gateway),
            Some(_) => Self::Published(Gateways::among(&networks)),
            None if has_internal => Self::Nothing(Nothing::InternalOnly),
            None => Self::Published(Gateways::unlisted()),
        }
    }

    /// Where the engine listens for a publication; None where it does not at all.
    pub fn listening(&self, publication: &Publication) -> Option<Listening<'a>> {
        match self {
            Self::Published(gateways) => Some(gateways.listening(publication.host_ip.as_deref())),
            _ => None,
        }
    }
}

impl<'a> Gateways<'a> {
    fn unlisted() -> Self {
        Self { v4: Some(Gateway::Unlisted), v6: None, routed_v4: None, routed_v6: None, trusted: None }
    }

    /// `networks`: the best first, none of them internal.
    fn among(networks: &[&'a Network]) -> Self {
        let first = |wanted: fn(&Network) -> bool| networks.iter().copied().find(|network| wanted(network)).map(Gateway::Network);
        let setting = |key: &str, wanted: fn(&Network) -> bool| {
            let settings = networks.iter().copied().filter(|network| wanted(network));
            settings.filter_map(|network| option(network, key)).find(|mode| mode.value == "routed")
        };
        Self {
            v4: first(has_v4),
            v6: first(has_v6),
            routed_v4: setting(GATEWAY_MODE_V4, has_v4),
            routed_v6: setting(GATEWAY_MODE_V6, has_v6),
            trusted: networks.iter().filter_map(|network| option(network, TRUSTED_INTERFACES)).find(|it| !it.value.is_empty()),
        }
    }

    fn listening(&self, host_ip: Option<&str>) -> Listening<'a> {
        let asked = host_ip.and_then(|text| text.parse::<IpAddr>().ok()).map(|address| address.to_canonical());
        let is_invalid = host_ip.is_some() && asked.is_none();
        let wants_v4 = !is_invalid && !matches!(asked, Some(IpAddr::V6(_)));
        let wants_v6 = !is_invalid && !matches!(asked, Some(IpAddr::V4(_)));
        let v4 = self.v4.filter(|gateway| wants_v4 && gateway.mode(GATEWAY_MODE_V4) != Some("routed"));
        let v6 = self.v6.or(self.v4).filter(|gateway| wants_v6 && gateway.mode(GATEWAY_MODE_V6) != Some("routed"));
        let routed = self.routed_v4.filter(|_| wants_v4).or(self.routed_v6.filter(|_| wants_v6));
        Listening {
            v4: v4.and_then(|gateway| listener_v4(asked, gateway.host_binding())),
            v6: v6.and_then(|gateway| listener_v6(asked, gateway.host_binding())),
            routed,
            trusted: self.trusted,
            external: [self.v4, self.v6].into_iter().flatten().find_map(Gateway::external),
        }
    }
}

/// An omitted address is the network's default, if that is of this family.
fn listener_v4(asked: Option<IpAddr>, default: Option<IpAddr>) -> Option<Ipv4Addr> {
    match asked.or(default) {
        None => Some(Ipv4Addr::UNSPECIFIED),
        Some(IpAddr::V4(address)) => Some(address),
        Some(IpAddr::V6(_)) => None,
    }
}

/// The default `0.0.0.0` stands for v6 too; any other default of v4 leaves v6 closed.
fn listener_v6(asked: Option<IpAddr>, default: Option<IpAddr>) -> Option<Ipv6Addr> {
    match (asked, default) {
        (None, None) => Some(Ipv6Addr::UNSPECIFIED),
        (None, Some(IpAddr::V4(address))) => address.is_unspecified().then_some(Ipv6Addr::UNSPECIFIED),
        (Some(IpAddr::V6(address)), _) | (None, Some(IpAddr::V6(address))) => Some(address),
        (Some(IpAddr::V4(_)), _) => None,
    }
}

impl<'a> Gateway<'a> {
    fn mode(self, key: &str) -> Option<&'a str> {
        match self {
            Self::Unlisted => None,
            Self::Network(network) => option(network, key).map(|mode| mode.value.as_str()),
        }
    }

    fn host_binding(self) -> Option<IpAddr> {
        self.mode(HOST_BINDING).and_then(|text| text.parse::<IpAddr>().ok()).map(|address| address.to_canonical())
    }

    fn external(self) -> Option<&'a Network> {
        match self {
            Self::Network(network) if network.external => Some(network),
            _ => None,
        }
    }
}

impl Listening<'_> {
    /// Who may connect through the host's addresses, at most; None where the engine does not listen.
    pub fn reach(&self) -> Option<Reach> {
        let v4 = self.v4.map(|address| Reach::of(Some(&address.to_string())));
        let v6 = self.v6.map(|address| Reach::of(Some(&address.to_string())));
        match (v4, v6) {
            (Some(Reach::EveryV4), Some(Reach::EveryV6)) => Some(Reach::Everywhere),
            (Some(Reach::EveryV4), _) => Some(Reach::EveryV4),
            (_, Some(Reach::EveryV6)) => Some(Reach::EveryV6),
            (Some(Reach::Loopback), other) => other.or(Some(Reach::Loopback)),
            (v4, v6) => v4.or(v6),
        }
    }

    /// True if two publications of one host port and protocol want the same address.
    pub fn collides_with(&self, other: &Self) -> bool {
        let v4 = matches!((self.v4, other.v4), (Some(a), Some(b)) if a == b || a.is_unspecified() || b.is_unspecified());
        let v6 = matches!((self.v6, other.v6), (Some(a), Some(b)) if a == b || a.is_unspecified() || b.is_unspecified());
        v4 || v6
    }
}

impl<'a> Dormant<'a> {
    /// Why a service is not started; None for one that is.
    pub fn of(service: &'a Service) -> Option<Self> {
        match &service.scale {
            _ if !service.enabled => Some(Self::Profiles(&service.profiles)),
            Some(scale) if scale.value == 0 => Some(Self::Scale(&scale.origin)),
            _ => None,
        }
    }
}

/// An option of the driver. Compose makes no external network, so that what is written for one has no effect.
pub fn option<'a>(network: &'a Network, key: &str) -> Option<&'a Sourced<String>> {
    network.options.get(key).filter(|_| !network.external)
}

/// True for a network without a way out.
pub fn is_internal(network: &Network) -> bool {
    network.internal && !network.external
}

/// The driver's name; `bridge` where none is written.
pub fn driver(network: &Network) -> &str {
    network.driver.as_ref().map(|driver| driver.value.as_str()).filter(|name| !name.is_empty()).unwrap_or("bridge")
}

/// True for the drivers whose containers are on the local network by themselves: the host's packet filter never sees them.
pub fn is_beside_the_firewall(network: &Network) -> bool {
    !network.external && !is_internal(network) && matches!(driver(network), "macvlan" | "ipvlan")
}

/// True unless the network is made without v4.
pub fn has_v4(network: &Network) -> bool {
    network.ipv4 != Some(false)
}

/// True if the network is made with v6.
pub fn has_v6(network: &Network) -> bool {
    network.ipv6 == Some(true)
}

fn families(network: &Network) -> u8 {
    u8::from(has_v4(network)) + u8::from(has_v6(network))
}
