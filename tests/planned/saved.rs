//! The saved hosts, with what was really sent to them.

use crate::hosts::saved_hosts;
use crate::sent::packet;
use docker_firewall::judge::court::Court;
use docker_firewall::model::host::Host;
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::model::verdict::{Heard, Verdict};
use serde_json::Value;

/// A saved host, with what the engine said of its containers and with the probes.
pub(crate) struct Saved {
    pub(crate) name: String,
    pub(crate) host: Host,
    pub(crate) containers: Vec<Value>,
    probes: Value,
}

/// A packet, whether it gets through as the host is and as it is meant, and whether something listens there.
pub(crate) type Judged = (String, Verdict, Verdict, bool);

pub(crate) fn saved() -> Vec<Saved> {
    let read = |(name, snapshot): (String, Snapshot)| Saved {
        name,
        host: snapshot.host(),
        containers: serde_json::from_str(&snapshot.files["inspect.json"]).unwrap(),
        probes: serde_json::from_str(&snapshot.files["probes.json"]).unwrap(),
    };
    saved_hosts().map(read).collect()
}

/// What is judged of every probe.
pub(crate) fn verdicts(saved: &Saved, host: &Host) -> Vec<Judged> {
    let court = Court::of(host);
    let kinds = ["probes", "intended", "inside"].iter().flat_map(|kind| saved.probes[*kind].as_array().unwrap());
    let judge = |probe: &Value| {
        // Asked on the saved host: what is meant must not hang on what stands where.
        let packet = packet(&saved.host, probe);
        let judged = court.assess(&packet);
        let hears = matches!(judged.listener, Heard::Yes(_));
        (packet.to_string(), judged.actual.verdict, judged.intended.verdict, hears)
    };
    kinds.map(judge).collect()
}
