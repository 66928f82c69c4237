//! Every probe of every saved host: what was really sent there, and what came back, against what is judged of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use docker_firewall::judge::bypass;
use docker_firewall::judge::court::Court;
use docker_firewall::model::host::Host;
use docker_firewall::model::packet::{Packet, Protocol, Target};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::model::verdict::{Assessment, Trace, Verdict};
use serde_json::Value;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// How many probes of one kind were judged right, unsurely and wrong.
#[derive(Default)]
struct Tally {
    right: usize,
    unsure: usize,
    wrong: Vec<String>,
}

fn folders() -> Vec<PathBuf> {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(hosts).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn snapshot(folder: &Path) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        snapshot.files.insert(name, std::fs::read_to_string(&path).unwrap());
    }
    snapshot
}

/// Let through: an answer, a reset that no rule of these hosts sends, or docker-proxy's own.
fn was_let_through(probe: &Value) -> bool {
    matches!(probe["result"].as_str().unwrap(), "open" | "refused" | "rejected:104")
}

/// The packet of a probe. Probes from inside name no interface: it is the one that leads to their container, or `lo`.
fn packet(host: &Host, probe: &Value) -> Packet {
    let address: IpAddr = probe["dst"].as_str().unwrap().parse().unwrap();
    let port = u16::try_from(probe["port"].as_u64().unwrap()).unwrap();
    let protocol = Protocol::named(probe["proto"].as_str().unwrap()).unwrap();
    let from_host = probe["from_host"].as_bool() == Some(true);
    let source: IpAddr = if from_host { address } else { probe["src"].as_str().unwrap().parse().unwrap() };
    bypass::packet(host, Target { address, port, protocol }, Some(source), probe["iif"].as_str()).unwrap()
}

fn explain(trace: &Trace) -> String {
    let hops =
        trace.hops.iter().map(|hop| format!("    {} {} {}: {} => {}", hop.hook, hop.table, hop.chain, hop.rule, hop.effect));
    hops.chain(trace.doubts.iter().map(|doubt| format!("    ? {doubt}"))).collect::<Vec<_>>().join("\n")
}

fn tally(host: &Host, probes: &Value, of: impl Fn(&Assessment) -> &Trace) -> Tally {
    let court = Court::of(host);
    let mut tally = Tally::default();
    for probe in probes.as_array().unwrap() {
        let packet = packet(host, probe);
        let exposure = court.assess(&packet);
        let trace = of(&exposure);
        match (trace.verdict, was_let_through(probe)) {
            (Verdict::Open, true) | (Verdict::Closed, false) => tally.right += 1,
            (Verdict::Unsure, _) => {
                tally.unsure += 1;
                println!("unsure: {packet}\n{}", explain(trace));
            }
            (verdict, _) => {
                tally.wrong.push(format!("{packet}: {} but {}\n{}", verdict.name(), probe["result"], explain(trace)));
            }
        }
    }
    tally
}

#[test]
fn no_probe_of_a_saved_host_is_judged_wrong_and_few_are_unsure() {
    let mut wrong = Vec::new();
    let (mut all, mut unsure) = (0, 0);
    println!("{:<46} {:>8} {:>6} {:>6} {:>6}", "host", "probes", "right", "unsure", "wrong");
    for folder in folders() {
        let snapshot = snapshot(&folder);
        let host = snapshot.host();
        assert!(host.unread.is_empty(), "{}: {:?}", folder.display(), host.unread);
        let probes: Value = serde_json::from_str(&snapshot.files["probes.json"]).unwrap();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        for kind in ["probes", "intended", "inside"] {
            let tally =
                tally(&host, &probes[kind], |exposure| if kind == "intended" { &exposure.intended } else { &exposure.actual });
            println!("{name:<46} {kind:>8} {:>6} {:>6} {:>6}", tally.right, tally.unsure, tally.wrong.len());
            all += tally.right + tally.unsure + tally.wrong.len();
            unsure += tally.unsure;
            wrong.extend(tally.wrong.into_iter().map(|text| format!("{name} {kind}: {text}")));
        }
    }
    assert!(wrong.is_empty(), "{} wrong verdicts:\n{}", wrong.len(), wrong.join("\n"));
    assert!(unsure * 50 <= all, "{unsure} of {all} verdicts are unsure");
}

/// `trace` as the command line has it, on one of the saved hosts.
fn traced(arguments: &[&str]) -> assert_cmd::assert::Assert {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts/engine-28.5-iptables-nft-firewalld-2.5");
    assert_cmd::Command::cargo_bin("docker-firewall").unwrap().arg("trace").args(arguments).arg("--snapshot").arg(host).assert()
}

#[test]
fn a_trace_is_one_object_that_fits_its_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugin-metadata/schemas/trace.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (target, verdict, path, listener, intended) in [
        ("198.51.113.1:8080", "open", "dnat-forward", "unknown", "closed"),
        ("198.51.113.1:22", "open", "input", "no", "open"),
        ("[2001:db8:14::1]:8084/tcp", "open", "input", "yes", "open"),
        ("172.17.0.12:80", "closed", "nowhere", "unknown", "closed"),
        ("198.51.113.50:80", "open", "beside", "unknown", "open"),
    ] {
        let from = if target.starts_with('[') { "2001:db8:14::2" } else { "198.51.113.2" };
        let done = traced(&["--from", from, "--in", "eth0", "--to", target, "--format", "json"]).success();
        let object: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
        assert!(validator.is_valid(&object), "{object:#}");
        let told = ["verdict", "path", "listener"].map(|key| object[key].as_str().unwrap());
        assert_eq!((told, object["intended"]["verdict"].as_str().unwrap()), ([verdict, path, listener], intended), "{target}");
    }
}

#[test]
fn a_trace_for_people_names_the_rules_that_decide() {
    let done = traced(&["198.51.113.1:8080", "--from", "198.51.113.2"]).success();
    let text = String::from_utf8(done.get_output().stdout.clone()).unwrap();
    for words in [
        "as it is: open",
        "--to-destination 172.17.0.2:80",
        "as it is meant: closed",
        "reject with icmpx admin-prohibited",
        "gets through",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_packet_that_cannot_be_is_refused_in_words() {
    for (arguments, words) in [
        (&["198.51.113.1:80", "--in", "eth9"][..], "the host has no interface eth9"),
        (&["198.51.113.1:80", "--from", "2001:db8::1"], "not of one family"),
        (&["198.51.113.1"], "ADDRESS:PORT[/PROTOCOL]"),
    ] {
        let done = traced(arguments).code(2);
        assert!(String::from_utf8_lossy(&done.get_output().stderr).contains(words), "{words}");
    }
}
