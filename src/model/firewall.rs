//! The programs that write a host's filter rules, in their own words. No verdict hangs on these: they make the words better.

use super::ruleset::Table;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// firewalld, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewalld {
    /// True if it runs.
    pub is_running: bool,
    /// Its version: `2.3.1`.
    pub version: Option<String>,
    /// The zone of interfaces that are in none.
    pub default_zone: Option<String>,
    /// `nftables` or `iptables`; None: not known.
    pub backend: Option<String>,
    /// True if forwarded packets with a translated destination need a forward-port (`StrictForwardPorts`, firewalld 2.3).
    pub is_strict: bool,
    /// The zones by name.
    pub zones: BTreeMap<String, Zone>,
    /// The policies by name.
    pub policies: BTreeMap<String, ZonePolicy>,
    /// The ports of the services that the zones name.
    pub services: BTreeMap<String, Vec<PortWord>>,
    /// Direct rules, chains and passthroughs that it keeps; None: not known.
    pub direct_rules: Option<u64>,
    /// True if its zones have priorities (firewalld 2.0 and newer); None: not known.
    pub has_zone_priorities: Option<bool>,
    /// What could not be read of it, with why.
    pub unread: Vec<String>,
}

/// A zone: what packets from its interfaces and sources may reach on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// `default`, `ACCEPT`, `DROP`, `%%REJECT%%`
    pub target: String,
    /// Interfaces bound to it.
    pub interfaces: Vec<String>,
    /// Sources bound to it: prefixes, `ipset:NAME`, MAC addresses.
    pub sources: Vec<String>,
    /// Services that are let in.
    pub services: Vec<String>,
    /// Ports that are let in.
    pub ports: Vec<PortWord>,
    /// Forward-ports as firewalld writes them: `port=8080:proto=tcp:toport=80:toaddr=172.17.0.2`.
    pub forward_ports: Vec<String>,
    /// Rich rules as firewalld writes them.
    pub rich_rules: Vec<String>,
    /// True if the permanent configuration says something else; None: not known.
    pub differs_from_permanent: Option<bool>,
}

/// A policy between zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZonePolicy {
    /// `CONTINUE`, `ACCEPT`, `DROP`, `REJECT`
    pub target: String,
    /// Zones that packets come from.
    pub ingress: Vec<String>,
    /// Zones that packets go to.
    pub egress: Vec<String>,
}

/// A port as firewalld and ufw write it: `8000-8010` and `tcp`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortWord {
    /// A port, or two with a dash between.
    pub ports: String,
    /// The protocol.
    pub protocol: String,
}

/// ufw's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ufw {
    /// True if it is switched on.
    pub is_active: bool,
}

/// Rules that are kept in a file and loaded at boot.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedRules {
    /// The file.
    pub path: &'static str,
    /// What stands in it.
    pub text: String,
    /// The tables that it holds; none for a file of nft.
    pub tables: Vec<Table>,
}

impl PortWord {
    /// True if a port is among these.
    pub fn holds(&self, port: u16) -> bool {
        let (first, last) = self.ports.split_once('-').unwrap_or((&self.ports, &self.ports));
        let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse()) else { return false };
        (first..=last).contains(&port)
    }
}

impl Firewalld {
    /// The two first numbers of the version.
    pub fn release(&self) -> Option<(u32, u32)> {
        let mut numbers = self.version.as_deref()?.split('.');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    }

    /// True if a reload leaves the rules of others in place: firewalld 2.0 and newer (commit b7faa74d) with its nftables backend, as long
    /// as it has no direct rules of its own. None: not known.
    pub fn keeps_others_rules(&self) -> Option<bool> {
        let is_new = self.release().map(|release| release >= (2, 0)).or(self.has_zone_priorities)?;
        let is_nftables = self.backend.as_deref().is_none_or(|backend| backend == "nftables");
        Some(is_new && is_nftables && self.direct_rules.is_none_or(|rules| rules == 0))
    }

    /// Whether a zone names a port among those that it lets in; None: it names services of which the ports are not known. Rich rules have no
    /// say in it: they are for some senders.
    pub fn permits(&self, zone: &str, port: u16, protocol: &str) -> Option<bool> {
        let zone = self.zones.get(zone)?;
        let is_it = |word: &PortWord| word.protocol == protocol && word.holds(port);
        let services = || zone.services.iter().map(|service| self.services.get(service));
        if zone.target == "ACCEPT" || zone.ports.iter().any(is_it) || services().flatten().flatten().any(is_it) {
            return Some(true);
        }
        services().all(|ports| ports.is_some()).then_some(false)
    }

    /// The zone of an interface: the one that it is bound to, or the default one.
    pub fn zone_of(&self, interface: &str) -> Option<(&str, &Zone)> {
        let bound = self.zones.iter().find(|(_, zone)| zone.interfaces.iter().any(|own| own == interface));
        let default = || self.zones.get_key_value(self.default_zone.as_deref()?);
        bound.or_else(default).map(|(name, zone)| (name.as_str(), zone))
    }

    /// The zone of packets from a source by an interface: sources come before interfaces (firewalld.zones(5)). None where it hangs on a
    /// set or on a hardware address.
    pub fn zone_for(&self, interface: &str, source: IpAddr) -> Option<(&str, &Zone)> {
        let nets = |zone: &Zone| -> Vec<Option<IpNet>> { zone.sources.iter().map(|text| net(text)).collect() };
        let holds = |zone: &Zone| nets(zone).into_iter().flatten().any(|net| net.contains(&source));
        if let Some((name, zone)) = self.zones.iter().find(|(_, zone)| holds(zone)) {
            return Some((name, zone));
        }
        if self.zones.values().any(|zone| nets(zone).contains(&None)) {
            return None;
        }
        self.zone_of(interface)
    }
}

/// `192.0.2.0/24`, `192.0.2.1`; None for what is no prefix.
fn net(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_chooses_the_zone_before_the_interface_does_and_a_set_leaves_it_open() {
        let zone = |interfaces: &[&str], sources: &[&str]| Zone {
            interfaces: interfaces.iter().map(ToString::to_string).collect(),
            sources: sources.iter().map(ToString::to_string).collect(),
            ..Zone::default()
        };
        let mut firewalld = Firewalld { default_zone: Some("public".into()), ..Firewalld::default() };
        firewalld.zones.insert("public".into(), zone(&["eth0"], &[]));
        firewalld.zones.insert("office".into(), zone(&[], &["192.0.2.0/24", "198.51.100.7"]));
        let name =
            |firewalld: &Firewalld, source: [u8; 4]| firewalld.zone_for("eth0", source.into()).map(|(name, _)| name.to_owned());
        assert_eq!(name(&firewalld, [192, 0, 2, 9]).as_deref(), Some("office"));
        assert_eq!(name(&firewalld, [198, 51, 100, 7]).as_deref(), Some("office"));
        assert_eq!(name(&firewalld, [203, 0, 113, 1]).as_deref(), Some("public"));
        firewalld.zones.insert("banned".into(), zone(&[], &["ipset:bad"]));
        assert_eq!(name(&firewalld, [203, 0, 113, 1]), None);
    }
}
