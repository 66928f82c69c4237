//! The saved hosts, with what was really sent to them.

use docker_firewall::judge::bypass;
use docker_firewall::judge::court::Court;
use docker_firewall::model::host::Host;
use docker_firewall::model::packet::{Packet, Protocol, Target};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::model::verdict::{Heard, Verdict};
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;

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
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    let mut folders: Vec<_> = std::fs::read_dir(hosts).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let read = |folder: &Path| {
        let mut snapshot = Snapshot::default();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            snapshot.files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
        Saved {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            host: snapshot.host(),
            containers: serde_json::from_str(&snapshot.files["inspect.json"]).unwrap(),
            probes: serde_json::from_str(&snapshot.files["probes.json"]).unwrap(),
        }
    };
    folders.iter().map(|folder| read(folder)).collect()
}

fn packet(host: &Host, probe: &Value) -> Packet {
    let address: IpAddr = probe["dst"].as_str().unwrap().parse().unwrap();
    let port = u16::try_from(probe["port"].as_u64().unwrap()).unwrap();
    let protocol = Protocol::named(probe["proto"].as_str().unwrap()).unwrap();
    let from_host = probe["from_host"].as_bool() == Some(true);
    let source: IpAddr = if from_host { address } else { probe["src"].as_str().unwrap().parse().unwrap() };
    bypass::packet(host, Target { address, port, protocol }, Some(source), probe["iif"].as_str()).unwrap()
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
