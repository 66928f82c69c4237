//! Rules that refuse connections which are there already, for as long as a client may go on with them.
//!
//! In: the connections. Out: a text that is loaded with the table, one that adds more of them, and the host without these rules. Not here:
//! which connections.
//!
//! The connection table alone cannot end one: where the server sends next, its packet begins a connection outwards, and the client's
//! packets answer that one. So its packets are refused by their ends, before anything is asked of their state; what the server sends, too,
//! except with TCP: there it is told, and tells the client, by the end of its socket ([`crate::act::cut`]).
//!
//! These rules are no part of what a lock lets in. They stand in no model and no digest: a new connection of such a client by the very same
//! port would be refused for a while, and whether that is so nobody can ask.

use super::{PRIORITY, load};
use crate::judge::ours;
use crate::model::flow::{Direction, Flow};
use crate::model::host::Host;
use crate::model::lock::{Load, TABLE};
use crate::model::packet::Family;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

/// How long their packets are refused: longer than docker-proxy keeps the client of a UDP port (90 s without a packet, moby
/// `cmd/docker-proxy/udp_proxy_linux.go`), and the kernel a connection of UDP.
const PATIENCE: Duration = Duration::from_secs(600);

/// The chain that is there with these rules alone.
pub(super) const CHAIN: &str = "cut";

/// The sets, with the words for addresses: as the client's packets have them where they are filtered.
const SETS: [(&str, Family, &str, &str); 2] = [("cut4", Family::V4, "ip", "ipv4_addr"), ("cut6", Family::V6, "ip6", "ipv6_addr")];

/// The load of a table, with these rules behind it in the same transaction. `lasts`: how long the lock does.
pub fn with(table: &Load, flows: &[Flow], lasts: Option<Duration>) -> Load {
    load(format!("{}{}", table.text, text(flows, lasts)))
}

fn text(flows: &[Flow], lasts: Option<Duration>) -> String {
    let timeout = lasts.map_or(PATIENCE, |lasts| lasts.clamp(Duration::from_secs(1), PATIENCE)).as_secs();
    let mut text = format!("table inet {TABLE} {{\n\t# Connections that are ended (--cut).\n");
    for (set, family, _, address) in SETS {
        let kind = format!("{address} . inet_service . {address} . inet_service . inet_proto");
        let elements = elements(flows, family).map(|elements| format!(" elements = {{ {elements} }};")).unwrap_or_default();
        let _ = writeln!(text, "\tset {set} {{ type {kind}; flags timeout; timeout {timeout}s;{elements} }}");
    }
    let _ = writeln!(text, "\tchain {CHAIN} {{\n\t\ttype filter hook output priority {PRIORITY}; policy accept;");
    for (set, _, ip, _) in SETS {
        let _ = writeln!(text, "\t\t{}", from_server(set, ip));
    }
    text.push_str("\t}\n}\n");
    for (set, _, ip, _) in SETS {
        let _ = writeln!(text, "insert rule inet {TABLE} forward {}", from_server(set, ip));
        for chain in ["forward", "input"] {
            let _ = writeln!(text, "insert rule inet {TABLE} {chain} {}", from_client(set, ip));
        }
    }
    text
}

fn from_client(set: &str, ip: &str) -> String {
    format!("{ip} saddr . th sport . {ip} daddr . th dport . meta l4proto @{set} counter drop")
}

fn from_server(set: &str, ip: &str) -> String {
    format!("meta l4proto != tcp {ip} daddr . th dport . {ip} saddr . th sport . meta l4proto @{set} counter drop")
}

/// What adds more of them to a table that has these rules; None: they are none.
pub fn more(flows: &[Flow]) -> Option<Load> {
    let mut text = String::new();
    for (set, family, ..) in SETS {
        if let Some(elements) = elements(flows, family) {
            let _ = writeln!(text, "add element inet {TABLE} {set} {{ {elements} }}");
        }
    }
    (!text.is_empty()).then(|| load(text))
}

/// None: there are none of this family.
fn elements(flows: &[Flow], family: Family) -> Option<String> {
    let is_of = |flow: &&Flow| flow.family() == family && Family::of(flow.reply.source) == family;
    let elements: BTreeSet<String> = flows.iter().filter(is_of).map(element).collect();
    (!elements.is_empty()).then(|| Vec::from_iter(elements).join(", "))
}

/// The client's packets behind the translation of their destination, which is before every filter; their source is translated after it.
fn element(flow: &Flow) -> String {
    let Direction { source, source_port, .. } = flow.original;
    let Direction { source: server, source_port: port, .. } = flow.reply;
    format!("{source} . {source_port} . {server} . {port} . {}", flow.protocol.0)
}

/// Takes these rules off a host that has our table: they are none of what a lock lets in, and would make each answer about a client of
/// such a connection unsure.
pub fn strip(host: &mut Host) {
    for table in host.ruleset.tables.iter_mut().filter(|table| ours::is_table(table)) {
        table.chains.remove(CHAIN);
        for chain in table.chains.values_mut() {
            chain.rules.retain(|rule| !SETS.iter().any(|(set, ..)| rule.text.contains(&format!("@{set} "))));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::packet::Protocol;

    fn flow(client: &str, asked: &str, server: &str, protocol: Protocol) -> Flow {
        let end = |text: &str| -> std::net::SocketAddr { text.parse().unwrap() };
        let packets = |from: &str, to: &str| {
            let (from, to) = (end(from), end(to));
            Direction { source: from.ip(), destination: to.ip(), source_port: from.port(), destination_port: to.port() }
        };
        let (original, reply) = (packets(client, asked), packets(server, client));
        Flow { protocol, original, reply, is_answered: true, zone: 0, id: None }
    }

    #[test]
    fn a_connection_is_named_by_the_client_and_by_the_container_that_it_is_translated_to() {
        let flows = [
            flow("192.0.2.7:50000", "192.0.2.1:8080", "172.17.0.2:80", Protocol::TCP),
            flow("[2001:db8::7]:50001", "[2001:db8::1]:53", "[2001:db8::1]:53", Protocol::UDP),
        ];
        let more = more(&flows).unwrap();
        assert_eq!(
            more.text,
            "add element inet docker_firewall cut4 { 192.0.2.7 . 50000 . 172.17.0.2 . 80 . 6 }\n\
             add element inet docker_firewall cut6 { 2001:db8::7 . 50001 . 2001:db8::1 . 53 . 17 }\n"
        );
        assert!(super::more(&[]).is_none());
        let text = text(&flows[1..], None);
        assert!(text.contains("timeout 600s; }\n") && text.contains("elements = { 2001:db8::7 . 50001 . "), "{text}");
    }

    #[test]
    fn packets_are_refused_no_longer_than_the_lock_lasts() {
        let lasting = |seconds| text(&[], Some(Duration::from_secs(seconds)));
        assert!(lasting(30).contains("timeout 30s;") && lasting(3600).contains("timeout 600s;"));
        assert!(lasting(0).contains("timeout 1s;"), "no time at all would be for ever");
    }
}
