//! What this machine's kernel cannot do, and which rows of the lab are therefore missing.
//!
//! In: nothing; each part is tried in a network of its own. Out: lines for the reader of the table.
//!
//! It stops nothing: those rows are judged from real rule texts elsewhere.

use std::path::Path;

use anyhow::Result;

use crate::island::{Wire, output};

/// Kinds of links, and what would need them.
const LINKS: &[(&str, &str)] = &[
    ("ipvlan", "ipvlan networks"),
    ("vxlan", "overlay networks"),
    ("wireguard", "outside interfaces of a VPN"),
    ("vrf", "outside interfaces with tables of their own"),
    ("vlan", "outside interfaces of a tag"),
    ("bond", "outside interfaces of several cables"),
    ("dummy", "interfaces without a cable"),
];
/// Files that are there where the kernel has the part.
const FILES: &[(&str, &str, &str)] = &[
    ("/proc/net/ip_vs", "IPVS", "Swarm ingress"),
    ("/proc/net/sctp", "SCTP", "ports published over sctp"),
    ("/proc/sys/net/bridge", "br_netfilter", "bridged packets in FORWARD"),
];

/// The parts that are not there, one a line.
///
/// # Errors
///
/// No network can be made: root is needed.
pub(crate) fn lacks() -> Result<Vec<String>> {
    let wire = Wire::new()?;
    let near = ["link", "add", "near", "type", "veth", "peer", "name", "far"];
    output(wire.command("ip").args(near))?;
    let mut lines = Vec::new();
    for (kind, needed) in LINKS {
        let mut link = vec!["link", "add", "tried"];
        if ["ipvlan", "vlan"].contains(kind) {
            link.extend(["link", "near"]);
        }
        link.extend(["type", kind]);
        link.extend(match *kind {
            "vxlan" => &["id", "7", "dstport", "4789", "dev", "near"][..],
            "vlan" => &["id", "7"],
            "vrf" => &["table", "7"],
            _ => &[],
        });
        match output(wire.command("ip").args(link)) {
            Ok(_) => drop(output(wire.command("ip").args(["link", "delete", "tried"]))),
            Err(_) => lines.push(format!("{kind}: {needed} not tried")),
        }
    }
    let missing = FILES.iter().filter(|(file, ..)| !Path::new(file).exists());
    lines.extend(missing.map(|(_, part, needed)| format!("{part}: {needed} not tried")));
    Ok(lines)
}
