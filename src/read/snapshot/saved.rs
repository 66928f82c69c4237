//! The rules that a host loads at boot: what iptables-persistent, iptables-services and nftables.service keep in files.
//!
//! Files of iptables are read as its own output is. Files of nft are programs in nft's language, with includes and variables: their text is
//! kept as it is.

use crate::model::firewall::SavedRules;
use crate::model::packet::Family;
use crate::model::ruleset::Origin;
use crate::model::snapshot::Snapshot;
use crate::read::ipset::IpSet;
use crate::read::iptables::{self, Context};
use std::collections::BTreeMap;

/// The files: their names in a snapshot, where they are on the host, and the family of those that iptables loads.
const FILES: [(&str, &str, Option<Family>); 6] = [
    ("rules.v4", "/etc/iptables/rules.v4", Some(Family::V4)),
    ("rules.v6", "/etc/iptables/rules.v6", Some(Family::V6)),
    ("sysconfig-iptables", "/etc/sysconfig/iptables", Some(Family::V4)),
    ("sysconfig-ip6tables", "/etc/sysconfig/ip6tables", Some(Family::V6)),
    ("nftables.conf", "/etc/nftables.conf", None),
    ("sysconfig-nftables.conf", "/etc/sysconfig/nftables.conf", None),
];

/// The files that are there and hold something.
pub(super) fn read(snapshot: &Snapshot, sets: Option<&BTreeMap<String, Option<IpSet>>>) -> Vec<SavedRules> {
    let mut saved = Vec::new();
    for (name, path, family) in FILES {
        let Some(text) = snapshot.text(name).filter(|text| !text.trim().is_empty()) else { continue };
        let tables = family.map(|family| iptables::read(text, Origin::Iptables, &Context { family, sets }).tables);
        saved.push(SavedRules { path, text: text.to_owned(), tables: tables.unwrap_or_default() });
    }
    saved
}
