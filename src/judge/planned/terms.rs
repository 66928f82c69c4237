//! What a bridge network is to the rules: its bridge, its prefixes, its gateway modes.
//!
//! Options that an engine does not know it does not heed (moby `drivers/bridge/labels.go` and `networkConfiguration.fromLabels`): the
//! gateway mode `routed` came with 27.0, `nat-unprotected` and `isolated` with 28.0, trusted interfaces with 28.2.

use super::habits::Habits;
use crate::judge::context::{GATEWAY_MODE_V4, GATEWAY_MODE_V6, HOST_BINDING, TRUSTED_INTERFACES};
use crate::model::host::Network;
use crate::model::packet::Family;
use ipnet::IpNet;
use std::net::IpAddr;

/// The name of the bridge.
pub(super) const BRIDGE_NAME: &str = "com.docker.network.bridge.name";

/// How packets come in from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Host ports are translated; the containers' own addresses are closed.
    Nat,
    /// Host ports are translated; the containers' own addresses are open.
    Unprotected,
    /// Nothing is translated; the published ports are open at the containers' own addresses.
    Routed,
    /// The host has no address on the network.
    Isolated,
}

/// A bridge network, as the rules are made for it.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// The name of its bridge.
    pub(super) bridge: String,
    /// True if it has no way out.
    pub(super) is_internal: bool,
    /// True if its containers may talk to each other.
    pub(super) links_containers: bool,
    /// True if what its containers send out gets the host's address.
    pub(super) masquerades: bool,
    /// Interfaces from which containers may be reached at their own addresses.
    pub(super) trusted: Vec<String>,
    /// Host address for ports that name none.
    pub(super) host_binding: Option<IpAddr>,
    v4: Option<Side>,
    v6: Option<Side>,
}

/// What differs by family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    /// The prefix.
    pub(super) prefix: IpNet,
    /// The gateway mode.
    pub(super) mode: Mode,
    /// The address that what is sent out gets, in place of the outgoing interface's.
    pub(super) sender: Option<IpAddr>,
}

impl Terms {
    /// The terms of a network; None for one that has no bridge.
    pub(super) fn of(network: &Network, habits: &Habits) -> Option<Self> {
        let option = |key: &str| network.options.get(key).map(String::as_str);
        let is_on = |key: &str| option(key).is_none_or(|text| !matches!(text, "false" | "0" | "f" | "F" | "FALSE" | "False"));
        let prefix = |family| network.subnets.iter().find(|net| Family::of(net.addr()) == family).map(IpNet::trunc);
        let side = |family, mode: &str, sender: &str| {
            Some(Side {
                prefix: prefix(family)?,
                mode: mode_of(option(mode), habits),
                sender: option(sender).and_then(|text| text.parse().ok()),
            })
        };
        let trusted = option(TRUSTED_INTERFACES).filter(|_| habits.since(28, 2, 0)).unwrap_or_default();
        Some(Self {
            bridge: network.bridge.clone().filter(|_| network.driver == "bridge")?,
            is_internal: network.is_internal,
            links_containers: is_on("com.docker.network.bridge.enable_icc"),
            masquerades: is_on("com.docker.network.bridge.enable_ip_masquerade"),
            trusted: trusted.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            host_binding: option(HOST_BINDING).and_then(|text| text.parse::<IpAddr>().ok()).map(|it| it.to_canonical()),
            v4: side(Family::V4, GATEWAY_MODE_V4, "com.docker.network.host_ipv4"),
            v6: side(Family::V6, GATEWAY_MODE_V6, "com.docker.network.host_ipv6").filter(|_| network.has_v6),
        })
    }

    /// What holds for a family; None where the network has none of it.
    pub(super) fn side(&self, family: Family) -> Option<Side> {
        match family {
            Family::V4 => self.v4,
            Family::V6 => self.v6,
        }
    }

    /// The gateway mode of a family.
    pub(super) fn mode(&self, family: Family) -> Mode {
        self.side(family).map_or(Mode::Nat, |side| side.mode)
    }
}

fn mode_of(text: Option<&str>, habits: &Habits) -> Mode {
    match text {
        Some("routed") if habits.since(27, 0, 0) => Mode::Routed,
        Some("nat-unprotected") if habits.since(28, 0, 0) => Mode::Unprotected,
        Some("isolated") if habits.since(28, 0, 0) => Mode::Isolated,
        _ => Mode::Nat,
    }
}

impl Side {
    /// True if packets to the containers' own addresses are kept out.
    pub(super) fn is_guarded(self) -> bool {
        !matches!(self.mode, Mode::Unprotected | Mode::Routed)
    }
}
