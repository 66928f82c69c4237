//! Every probe of every saved host: what was really sent there, and what came back, against what is judged of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/hosts.rs"]
mod hosts;
#[path = "common/sent.rs"]
mod sent;

use docker_firewall::judge::court::Court;
use docker_firewall::model::host::Host;
use docker_firewall::model::snapshot::FILES;
use docker_firewall::model::verdict::{Assessment, Trace, Verdict};
use hosts::saved_hosts;
use sent::packet;
use serde_json::Value;
use std::path::Path;

/// How many probes of one kind were judged right, unsurely and wrong.
#[derive(Default)]
struct Tally {
    right: usize,
    unsure: usize,
    wrong: Vec<String>,
}

/// Let through: an answer, a reset that no rule of these hosts sends, or docker-proxy's own.
fn was_let_through(probe: &Value) -> bool {
    matches!(probe["result"].as_str().unwrap(), "open" | "refused" | "rejected:104")
}

fn explain(trace: &Trace) -> String {
    let hops =
        trace.hops.iter().map(|hop| format!("    {} {} {}: {} => {}", hop.hook, hop.table, hop.chain(), hop.rule, hop.effect));
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
    for (name, snapshot) in saved_hosts() {
        let host = snapshot.host();
        assert!(host.unread.is_empty(), "{name}: {:?}", host.unread);
        let probes: Value = serde_json::from_str(&snapshot.files["probes.json"]).unwrap();
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

#[test]
fn an_empty_file_is_a_tool_that_the_host_has_not() {
    for (name, mut snapshot) in saved_hosts() {
        let told = snapshot.host().firewalld;
        for (file, _) in FILES {
            snapshot.files.entry((*file).to_owned()).or_default();
        }
        let host = snapshot.host();
        assert!(host.unread.is_empty(), "{name}: {:?}", host.unread);
        assert!(told.is_some() && host.firewalld == told, "{name}: {:?}", host.firewalld);
    }
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
