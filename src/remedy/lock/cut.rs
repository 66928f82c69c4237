//! Which connections of this moment a lock is against.
//!
//! In: the host without the lock and with it, and the connections of this moment. Out: those that could be opened before and cannot any
//! more, as their clients began them. Not here: the ending of them.

use crate::judge::bypass;
use crate::judge::court::Court;
use crate::model::flow::{Direction, Flow};
use crate::model::host::Host;
use crate::model::packet::{Packet, Target};
use crate::model::verdict::Verdict;
use std::collections::HashMap;

/// The connections that a lock refuses. Rules let through what is established, so that they go on until they are ended.
pub fn refused(before: &Host, after: &Host, flows: &[Flow]) -> Vec<Flow> {
    let (was, is) = (Court::of(before), Court::of(after));
    let verdict = |court: &Court, packet: &Packet| court.assess(packet).actual.verdict;
    let mut known = HashMap::new();
    let mut is_refused = |flow: &Flow| {
        let asked = flow.original;
        let key = (asked.source, asked.destination, asked.destination_port, flow.protocol);
        *known.entry(key).or_insert_with(|| {
            let to = Target { address: asked.destination, port: asked.destination_port, protocol: flow.protocol };
            // The connection table does not say by which interface it came in: it is the one that leads to its sender.
            let Ok(packet) = bypass::packet(before, to, Some(asked.source), None) else { return false };
            verdict(&was, &packet) != Verdict::Closed && verdict(&is, &packet) == Verdict::Closed
        })
    };
    let flows = flows.iter().map(|flow| if is_turned(before, flow) { turned(flow) } else { flow.clone() });
    flows.filter(|flow| is_refused(flow)).collect()
}

/// True if a published port of the host sends, which the kernel takes for a connection outwards: it began to keep track of it, or forgot
/// it, when the client had sent and was not answered yet. Whoever serves a port begins nothing there.
fn is_turned(host: &Host, flow: &Flow) -> bool {
    let Direction { source, source_port, .. } = flow.original;
    let is_own = || host.links.iter().flat_map(|link| &link.addresses).any(|own| own.net.addr() == source);
    let mut bindings = host.publishers.iter().flat_map(|publisher| &publisher.bindings);
    flow.reply == flow.original.turned()
        && bindings.any(|binding| {
            let is_at = binding.address.is_unspecified() || binding.address == source;
            (binding.port, binding.protocol) == (Some(source_port), flow.protocol) && is_at
        })
        && is_own()
}

/// The same connection, begun by the other end.
fn turned(flow: &Flow) -> Flow {
    Flow { original: flow.reply, reply: flow.original, ..flow.clone() }
}
