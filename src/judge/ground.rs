//! What the host's addresses, routes and settings say of a packet. Pure: one [`Host`] in, answers out. Its rules play no part.

mod prefixes;
mod route;

use crate::model::address::is_link_local;
use crate::model::host::{Host, Link, Network, Part};
use crate::model::packet::Family;
use crate::model::truth::Truth;
use prefixes::Prefixes;
use route::Tables;
pub(crate) use route::Way;
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Types of addresses: RTN_* of `linux/rtnetlink.h`.
pub(crate) mod kind {
    /// Somebody else's.
    pub(crate) const UNICAST: u32 = 1;
    /// The host's own.
    pub(crate) const LOCAL: u32 = 2;
    /// Everybody's on a link.
    pub(crate) const BROADCAST: u32 = 3;
    /// A group's.
    pub(crate) const MULTICAST: u32 = 5;
}

/// A host that packets are judged on, its addresses and routes in the order in which they are looked for.
pub(crate) struct Ground<'h> {
    pub(crate) host: Cow<'h, Host>,
    /// Links, by their number, under their addresses; those of `lo` are whole prefixes.
    own: Prefixes,
    /// Links, by their number, under their broadcast addresses.
    broadcasts: HashMap<IpAddr, Vec<usize>>,
    /// Routes of the table `local`, by their number.
    local_routes: Prefixes,
    tables: Tables,
    /// Links, by their number, under their names.
    links: HashMap<Arc<str>, usize>,
    /// Under the names of links, those that carry programs which are not read: themselves, or one of their ports.
    programs: HashMap<Arc<str>, usize>,
    /// Networks, by their number, under the addresses of containers that have an address of their own on a link of the host.
    beside: HashMap<IpAddr, usize>,
}

impl<'h> Ground<'h> {
    /// Sorts what a host knows of addresses and routes.
    pub(crate) fn of(host: Cow<'h, Host>) -> Self {
        let (mut own, mut broadcasts): (Prefixes, HashMap<IpAddr, Vec<usize>>) = Default::default();
        for (at, link) in host.links.iter().enumerate() {
            for address in &link.addresses {
                own.insert(address.net.addr().into(), at);
                if link.is_loopback {
                    own.insert(address.net, at);
                }
                if let Some(broadcast) = address.broadcast {
                    broadcasts.entry(broadcast).or_default().push(at);
                }
            }
        }
        let mut local_routes = Prefixes::default();
        for (at, route) in host.routes.iter().enumerate().filter(|(_, route)| route.table == "local") {
            local_routes.insert(route.destination, at);
        }
        let tables = Tables::of(&host);
        let links = host.links.iter().enumerate().rev().map(|(at, link)| (link.name.clone(), at)).collect();
        let (programs, beside) = (programs(&host), beside(&host));
        Self { host, own, broadcasts, local_routes, tables, links, programs, beside }
    }

    /// The interface of a name.
    pub(crate) fn link(&self, name: &str) -> Option<&Link> {
        self.links.get(name).map(|at| &self.host.links[*at])
    }

    /// A program at an interface, or at one of its ports, that sees packets and is not read: where it sits, and what it is.
    pub(crate) fn program(&self, device: &str) -> Option<(&str, &str)> {
        let link = &self.host.links[*self.programs.get(device)?];
        Some((&link.name, link.programs.first()?))
    }

    /// The network of a container that has an address of its own on a link of the host.
    pub(crate) fn beside(&self, destination: IpAddr) -> Option<&Network> {
        self.beside.get(&destination).map(|at| &self.host.networks[*at])
    }

    /// The type of an address, or, with a device, the type that this device alone gives it. None: addresses are unread.
    ///
    /// Only the table `local` is asked (net/ipv4/fib_frontend.c, `inet_addr_type`).
    pub(crate) fn address_type(&self, address: IpAddr, device: Option<&str>) -> Option<u32> {
        let limited = matches!(address, IpAddr::V4(v4) if v4.is_broadcast() || v4.octets()[0] == 0);
        if address.is_multicast() || limited {
            return Some(if limited { kind::BROADCAST } else { kind::MULTICAST });
        }
        if self.host.unread(|part| part == Part::Addresses).is_some() {
            return None;
        }
        let here = |link: usize| device.is_none_or(|device| &*self.host.links[link].name == device);
        if self.own.containing(address).any(here) || self.has_local_route(address, device, "local") {
            return Some(kind::LOCAL);
        }
        let is_broadcast = self.broadcasts.get(&address).is_some_and(|links| links.iter().copied().any(here));
        if is_broadcast || self.has_local_route(address, device, "broadcast") {
            return Some(kind::BROADCAST);
        }
        Some(kind::UNICAST)
    }

    fn has_local_route(&self, address: IpAddr, device: Option<&str>, kind: &str) -> bool {
        self.local_routes
            .containing(address)
            .map(|at| &self.host.routes[at])
            .any(|route| route.kind == kind && device.is_none_or(|device| route.devices.iter().any(|own| &**own == device)))
    }

    /// True if the address is the host's own for a packet that comes in by `device`: link-local ones count on their link only.
    pub(crate) fn is_own(&self, address: IpAddr, device: &str) -> Option<bool> {
        let device = (is_link_local(address) && device != "lo").then_some(device);
        Some(self.address_type(address, device)? == kind::LOCAL)
    }

    /// Whether an answer to `source`, which asked for `destination`, would leave by `device`, or by any. Policy rules see the answer's own
    /// source, which is the destination as the packet has it by then; None: any (net/ipv4/fib_frontend.c, `__fib_validate_source`).
    pub(crate) fn leads_back(&self, source: IpAddr, destination: Option<IpAddr>, device: Option<&str>, mark: u32) -> Truth {
        if is_link_local(source) {
            return Truth::Yes;
        }
        match self.address_type(source, None) {
            None => return Truth::Maybe,
            Some(kind::LOCAL) => return Truth::from(device.is_none_or(|device| device == "lo")),
            Some(_) => {}
        }
        match self.route(source, destination, "", mark) {
            Way::Devices(devices) => Truth::from(device.is_none_or(|device| devices.contains(&device))),
            Way::Refused(_) => Truth::No,
            Way::Unknown(_) => Truth::Maybe,
        }
    }

    /// True if the way of a packet may hang on its source.
    pub(crate) fn chooses_by_source(&self, family: Family) -> bool {
        self.policy(family).any(|rule| rule.from.is_some())
    }

    /// True if packets by an interface have to have a way back for their mark (`src_valid_mark`).
    pub(crate) fn minds_marks(&self, interface: &str) -> bool {
        let setting = |device| self.interface_setting(Family::V4, device, "src_valid_mark");
        ["all", interface].into_iter().any(|device| setting(device).is_some_and(|value| value != 0))
    }

    /// The address that a redirected packet is sent to: the interface's first one (net/netfilter/nf_nat_redirect.c).
    pub(crate) fn own_address(&self, device: &str, family: Family) -> Option<IpAddr> {
        let addresses = || self.link(device).into_iter().flat_map(|link| &link.addresses).map(|own| own.net.addr());
        let of_family = |address: &IpAddr| Family::of(*address) == family;
        addresses().find(|address| of_family(address) && !is_link_local(*address)).or_else(|| addresses().find(of_family))
    }

    /// Whether br_netfilter shows the ports of a bridge to the rules, for what comes in by `input`.
    pub(crate) fn is_bridged(&self, input: &str, family: Family) -> Truth {
        if self.is_bridge(input) && self.filters_bridges(family) { Truth::Maybe } else { Truth::No }
    }

    /// Whether br_netfilter shows that what comes in by `input` came by a port of it: of all frames but those with a VLAN tag
    /// (net/bridge/br_netfilter_hooks.c, `br_nf_pre_routing`). On the bridges of the engine's networks a tagged frame comes to nobody.
    pub(crate) fn shows_port(&self, input: &str, family: Family) -> Truth {
        match self.is_bridged(input, family) {
            Truth::Maybe if self.host.networks.iter().any(|network| network.bridge.as_deref() == Some(input)) => Truth::Yes,
            other => other,
        }
    }

    /// True if an interface is a bridge.
    pub(crate) fn is_bridge(&self, name: &str) -> bool {
        self.link(name).is_some_and(|link| link.kind.as_deref() == Some("bridge"))
    }

    /// See [`Host::filters_bridges`].
    pub(crate) fn filters_bridges(&self, family: Family) -> bool {
        self.host.filters_bridges(family)
    }

    /// A setting of an interface, or of all. None: not known.
    pub(crate) fn interface_setting(&self, family: Family, device: &str, name: &str) -> Option<u32> {
        let family = if family == Family::V4 { "ipv4" } else { "ipv6" };
        self.host.setting(&format!("net/{family}/conf/{device}/{name}"))
    }
}

/// Where programs sit. A bond or a bridge passes on what its ports take in.
fn programs(host: &Host) -> HashMap<Arc<str>, usize> {
    let mut all = HashMap::new();
    for (at, link) in host.links.iter().enumerate().filter(|(_, link)| !link.programs.is_empty()) {
        all.insert(link.name.clone(), at);
        if let Some(master) = &link.master {
            all.entry(master.as_str().into()).or_insert(at);
        }
    }
    all
}

/// Whose addresses stand on a link of the host by themselves. Of several networks with one address, the first container's counts.
fn beside(host: &Host) -> HashMap<IpAddr, usize> {
    let networks: HashMap<&str, usize> =
        host.networks.iter().enumerate().rev().map(|(at, network)| (network.id.as_str(), at)).collect();
    let mut all = HashMap::new();
    for endpoint in host.endpoints.iter().rev() {
        for address in &endpoint.addresses {
            match networks.get(endpoint.network.as_str()) {
                Some(at) if host.networks[*at].is_beside() => all.insert(*address, *at),
                _ => all.remove(address),
            };
        }
    }
    all
}
