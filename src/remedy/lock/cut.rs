//! Which connections of this moment a lock is against.
//!
//! In: the host without the lock and with it, and the connections that the kernel keeps track of. Out: those that could be opened before
//! and cannot any more. Not here: the ending of them.

use crate::judge::bypass;
use crate::judge::court::Court;
use crate::model::flow::Flow;
use crate::model::host::Host;
use crate::model::packet::{Packet, Target};
use crate::model::verdict::Verdict;
use std::collections::HashMap;

/// The connections that a lock refuses. Rules let through what is established, so that they go on until they are ended.
pub fn refused<'a>(before: &Host, after: &Host, flows: &'a [Flow]) -> Vec<&'a Flow> {
    let (was, is) = (Court::of(before), Court::of(after));
    let verdict = |court: &Court, packet: &Packet| court.assess(packet).actual.verdict;
    let mut known = HashMap::new();
    let mut is_refused = |flow: &&Flow| {
        let asked = flow.original;
        let key = (asked.source, asked.destination, asked.destination_port, flow.protocol);
        *known.entry(key).or_insert_with(|| {
            let to = Target { address: asked.destination, port: asked.destination_port, protocol: flow.protocol };
            // The connection table does not say by which interface it came in: it is the one that leads to its sender.
            let Ok(packet) = bypass::packet(before, to, Some(asked.source), None) else { return false };
            verdict(&was, &packet) != Verdict::Closed && verdict(&is, &packet) == Verdict::Closed
        })
    };
    flows.iter().filter(|flow| is_refused(flow)).collect()
}
