//! Who means to refuse a packet, in the words of the host's own firewall.
//!
//! In: the way of a packet on the host as it is meant. Out: `zone public (eth0)`, `ufw`. Not here: whether it is refused: that is the
//! rules' matter, and where the firewall's words say otherwise, they are not used.

use super::HostCase;
use crate::model::finding::View;
use crate::model::firewall::Firewalld;
use crate::model::verdict::{Path, Trace, Verdict};

impl HostCase<'_> {
    /// Who refuses a packet to the host itself; None: nobody does, or nothing better is known than that the rules do.
    pub fn refuser(&self, view: &View, intended: &Trace) -> Option<String> {
        if intended.verdict != Verdict::Closed || intended.path != Path::Input {
            return None;
        }
        let host = self.host();
        if let Some(firewalld) = host.firewalld.as_ref().filter(|firewalld| firewalld.is_running) {
            let zone = zone(firewalld, intended, &view.interface)?;
            let is_refused = firewalld.permits(zone, view.port, &view.protocol.to_string()) != Some(true);
            return is_refused.then(|| format!("zone {zone} ({})", view.interface));
        }
        let is_ufws = intended
            .hops
            .iter()
            .rev()
            .find(|hop| !hop.table.is_empty())
            .is_some_and(|hop| hop.chains.iter().any(|chain| is_of_ufw(chain)) || hop.rule == "policy");
        let is_active = host.ufw.as_ref().is_some_and(|ufw| ufw.is_active);
        (is_active && is_ufws).then(|| "ufw".to_owned())
    }
}

/// The zone whose chain a packet went through last; without one, the zone of its interface.
///
/// firewalld names the chains of a zone after it (firewalld `src/firewall/core/nftables.py`, `fw_zone.py`): `filter_IN_public`,
/// `filter_IN_public_allow`, `filter_IN_public_to_HOST`; with its iptables backend, `IN_public`.
pub fn zone<'a>(firewalld: &'a Firewalld, trace: &Trace, interface: &str) -> Option<&'a str> {
    let ends = ["", "_pre", "_log", "_deny", "_allow", "_post", "_to_HOST"];
    let is_of = |chain: &str, zone: &str| {
        let rest = chain.strip_prefix("filter_").unwrap_or(chain).strip_prefix("IN_");
        rest.and_then(|rest| rest.strip_prefix(zone)).is_some_and(|rest| ends.contains(&rest))
    };
    let chains = trace.hops.iter().rev().flat_map(|hop| hop.chains.iter().rev());
    let mut named = chains.filter_map(|chain| firewalld.zones.keys().find(|zone| is_of(chain, zone)));
    named.next().map(String::as_str).or_else(|| firewalld.zone_of(interface).map(|(name, _)| name))
}

/// True for a chain that ufw makes.
pub fn is_of_ufw(chain: &str) -> bool {
    chain.starts_with("ufw-") || chain.starts_with("ufw6-")
}
