//! The rules that a host loads at boot: what iptables-persistent, iptables-services and nftables.service keep in files.
//!
//! Files of iptables are read as its own output is. Files of nft are programs in nft's language, with includes and variables: their text is
//! kept as it is.

use crate::model::firewall::SavedRules;
use crate::model::packet::Family;
use crate::model::ruleset::Origin;
use crate::model::snapshot::Snapshot;
use crate::read::changes::Changes;
use crate::read::ipset::IpSets;
use crate::read::iptables::{self, Context};

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
pub(super) fn read(snapshot: &Snapshot, sets: Option<&IpSets>) -> Vec<SavedRules> {
    let mut saved = Vec::new();
    for (name, path, family) in FILES {
        let Some(text) = snapshot.text(name).filter(|text| !text.trim().is_empty()) else { continue };
        // They are held against the running rules, not asked about packets: what changes a set plays no part.
        let changes = Changes::default();
        let context = |family| Context { family, sets, changes: &changes, save: name, moment: None };
        let tables = family.map(|family| iptables::read(text, Origin::Iptables, &context(family)).tables);
        saved.push(SavedRules { path, text: text.to_owned(), tables: tables.unwrap_or_default() });
    }
    saved
}
