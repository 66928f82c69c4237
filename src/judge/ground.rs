//! What the host's addresses, routes and settings say of a packet. Pure: one [`Host`] in, answers out.

mod route;

use super::walk::world::State;
use crate::model::host::{Host, Link, Part};
use crate::model::packet::Family;
use crate::model::truth::Truth;
pub(crate) use route::Way;
use std::net::IpAddr;

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

/// A host that packets are judged on.
pub(crate) struct Ground<'a> {
    pub(crate) host: &'a Host,
}

impl Ground<'_> {
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
        let here = |link: &&Link| device.is_none_or(|device| &*link.name == device);
        let links = || self.host.links.iter().filter(here);
        let is_own = |link: &Link| {
            link.addresses.iter().any(|own| own.net.addr() == address || link.is_loopback && own.net.contains(&address))
        };
        if links().any(is_own) || self.local_route(address, device, "local") {
            return Some(kind::LOCAL);
        }
        let is_broadcast = |link: &Link| link.addresses.iter().any(|own| own.broadcast == Some(address));
        if links().any(is_broadcast) || self.local_route(address, device, "broadcast") {
            return Some(kind::BROADCAST);
        }
        Some(kind::UNICAST)
    }

    fn local_route(&self, address: IpAddr, device: Option<&str>, kind: &str) -> bool {
        let routes = self.host.routes.iter().filter(|route| route.table == "local" && route.kind == kind);
        let on_device =
            |route: &&crate::model::host::Route| device.is_none_or(|device| route.devices.iter().any(|own| &**own == device));
        routes.filter(on_device).any(|route| route.destination.contains(&address))
    }

    /// True if the address is the host's own for a packet that comes in by `device`: link-local ones count on their link only.
    pub(crate) fn is_own(&self, address: IpAddr, device: &str) -> Option<bool> {
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let device = (link_local && device != "lo").then_some(device);
        Some(self.address_type(address, device)? == kind::LOCAL)
    }

    /// Whether a packet to `source` would leave by `device`, or by any.
    pub(crate) fn leads_back(&self, source: IpAddr, device: Option<&str>, mark: u32) -> Truth {
        if matches!(source, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
            return Truth::Yes;
        }
        match self.address_type(source, None) {
            None => return Truth::Maybe,
            Some(kind::LOCAL) => return Truth::from(device.is_none_or(|device| device == "lo")),
            Some(_) => {}
        }
        match self.route(source, None, "", mark) {
            Way::Devices(devices) => Truth::from(device.is_none_or(|device| devices.iter().any(|way| &**way == device))),
            Way::Refused(_) => Truth::No,
            Way::Unknown(_) => Truth::Maybe,
        }
    }

    /// The address that a redirected packet is sent to: the interface's first one (net/netfilter/nf_nat_redirect.c).
    pub(crate) fn own_address(&self, device: &str, family: Family) -> Option<IpAddr> {
        let addresses = || self.host.link(device).into_iter().flat_map(|link| &link.addresses).map(|own| own.net.addr());
        let of_family = |address: &IpAddr| Family::of(*address) == family;
        let is_link_local = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        addresses().find(|address| of_family(address) && !is_link_local(address)).or_else(|| addresses().find(of_family))
    }

    /// Whether br_netfilter shows the packet's bridge ports to the rules.
    pub(crate) fn is_bridged(&self, state: &State) -> Truth {
        let is_bridge = self.host.link(&state.input).is_some_and(|link| link.kind.as_deref() == Some("bridge"));
        if is_bridge && self.filters_bridges(state.family) { Truth::Maybe } else { Truth::No }
    }

    /// True if frames between the ports of a bridge pass the IP hooks: br_netfilter is there and on. Without it there is no such setting.
    pub(crate) fn filters_bridges(&self, family: Family) -> bool {
        let name = match family {
            Family::V4 => "net/bridge/bridge-nf-call-iptables",
            Family::V6 => "net/bridge/bridge-nf-call-ip6tables",
        };
        self.host.setting(name).is_some_and(|value| value != 0)
    }

    /// A setting of an interface, or of all. None: not known.
    pub(crate) fn interface_setting(&self, family: Family, device: &str, name: &str) -> Option<u32> {
        let family = if family == Family::V4 { "ipv4" } else { "ipv6" };
        self.host.setting(&format!("net/{family}/conf/{device}/{name}"))
    }
}
