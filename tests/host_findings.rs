//! What is found on the saved hosts, held against what was really sent there: a bypass is found where a probe was let through that an
//! ordinary process on the port would not have got, and nowhere else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/hosts.rs"]
mod hosts;

use docker_firewall::judge::court::Court;
use docker_firewall::judge::hosts::{HostCase, Sight};
use docker_firewall::judge::{doors, judge_host};
use docker_firewall::model::engine::Binding;
use docker_firewall::model::finding::Finding;
use docker_firewall::model::packet::Protocol;
use hosts::saved_hosts;
use serde_json::Value;
use std::net::IpAddr;

/// A probe that was sent from outside.
struct Probe {
    source: IpAddr,
    destination: IpAddr,
    port: u16,
    protocol: Protocol,
    interface: String,
    was_let_through: bool,
}

fn probes(list: &Value) -> Vec<Probe> {
    let probe = |probe: &Value| {
        let text = |key: &str| probe[key].as_str().unwrap();
        Probe {
            source: text("src").parse().unwrap(),
            destination: text("dst").parse().unwrap(),
            port: u16::try_from(probe["port"].as_u64().unwrap()).unwrap(),
            protocol: Protocol::named(text("proto")).unwrap(),
            interface: text("iif").to_owned(),
            was_let_through: matches!(text("result"), "open" | "refused" | "rejected:104"),
        }
    };
    list.as_array().unwrap().iter().map(probe).collect()
}

impl Probe {
    fn is_same(&self, other: &Self) -> bool {
        let key = |it: &Self| (it.source, it.destination, it.port, it.protocol);
        key(self) == key(other) && self.interface == other.interface
    }

    fn asks_for(&self, binding: &Binding) -> bool {
        let is_family = binding.address.is_ipv4() == self.destination.is_ipv4();
        let is_there = binding.address == self.destination || binding.address.is_unspecified() && is_family;
        is_there && (binding.port, binding.protocol) == (Some(self.port), self.protocol)
    }
}

/// True if a finding of a rule says that this probe gets through. At an address of the host, one address stands for those that nothing
/// tells apart.
fn is_found(case: &HostCase, findings: &[Finding], rule: &str, container: &str, probe: &Probe) -> bool {
    let publisher = case.host().publishers.iter().position(|it| it.name == container).unwrap();
    let is_of =
        |finding: &&Finding| finding.rule == rule && finding.on_host.as_ref().unwrap().container.as_deref() == Some(container);
    findings.iter().filter(is_of).flat_map(|finding| &finding.on_host.as_ref().unwrap().views).any(|view| {
        let is_it = view.interface == probe.interface && (view.port, view.protocol) == (probe.port, probe.protocol);
        let is_family = view.address.is_ipv4() == probe.destination.is_ipv4();
        let mut senders = case.senders_of(publisher, view).into_iter();
        is_it && is_family && senders.any(|(first, last)| (first..=last).contains(&probe.source))
    })
}

#[test]
fn what_is_found_on_the_saved_hosts_is_what_was_really_let_through() {
    let (mut wrong, mut held) = (Vec::new(), [0; 3]);
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        let court = Court::of(&host);
        let sights = doors::of(&host).into_iter().map(|door| Sight { rulings: court.rule_on(&door.interface, door.to), door });
        let case = HostCase::new(&court, sights.collect());
        let findings = judge_host(&case);
        let truth: Value = serde_json::from_str(&snapshot.files["probes.json"]).unwrap();
        let intended = probes(&truth["intended"]);
        for probe in probes(&truth["probes"]) {
            let mut compare = |kind: usize, rule: &str, container: &str, is_expected: bool| {
                held[kind] += 1;
                if is_found(&case, &findings, rule, container, &probe) != is_expected {
                    let Probe { source, interface, destination, port, .. } = &probe;
                    let but = if is_expected { "is not found" } else { "is found, and is none" };
                    wrong.push(format!("{name}: {rule} of {container}, {source} by {interface} to {destination}:{port}: {but}"));
                }
            };
            for publisher in &host.publishers {
                if let Some(binding) = publisher.bindings.iter().find(|binding| probe.asks_for(binding)) {
                    if probe.destination.is_loopback() {
                        // What is published on every address is no loopback publication.
                        let is_exposed = probe.was_let_through && binding.address.is_loopback();
                        compare(1, "loopback-publication-exposed", &publisher.name, is_exposed);
                    } else if let Some(meant) = intended.iter().find(|other| other.is_same(&probe)) {
                        let is_bypass = probe.was_let_through && !meant.was_let_through;
                        compare(0, "bypasses-host-firewall", &publisher.name, is_bypass);
                    }
                }
                let is_own = |(network, address): (&docker_firewall::model::host::Network, IpAddr)| {
                    network.bridge.is_some() && address == probe.destination
                };
                let is_known = publisher.bindings.iter().any(|it| (it.target, it.protocol) == (probe.port, probe.protocol));
                if is_known && doors::at(&host, publisher).any(is_own) {
                    compare(2, "reachable-by-direct-routing", &publisher.name, probe.was_let_through);
                }
            }
        }
    }
    println!("{held:?} probes at host addresses, at 127.0.0.1, at container addresses");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(held[0] > 300 && held[1] >= 5 && held[2] > 50, "{held:?}");
}
