//! Random rule sets in a real kernel, real packets, and what is judged of them.
//!
//! Needs root, network namespaces, nft and iptables; without them it says so and passes. Each run prints its seed. The environment:
//! KERNEL_SEED repeats a run, KERNEL_SETS says how many rule sets (100 without it).
//!
//! The listener behind every probed port is the truth: a packet was let through where a connection came about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod dice;
mod iptables;
mod lab;
mod nft;
mod roles;

use dice::Dice;
use docker_firewall::judge::bypass;
use docker_firewall::judge::court::{Court, Sender};
use docker_firewall::judge::path::trace;
use docker_firewall::model::host::Host;
use docker_firewall::model::packet::{Packet, Target};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::model::verdict::Verdict;
use lab::{Lab, Probe};

/// What came of a run.
#[derive(Default)]
struct Score {
    loaded: usize,
    refused: usize,
    mixed: usize,
    right: usize,
    open: usize,
    unsure: usize,
    wrong: Vec<String>,
}

#[test]
fn the_kernel_never_contradicts_a_verdict() {
    let Some(mut lab) = Lab::build() else { return };
    let seed = std::env::var("KERNEL_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(dice::seed);
    let sets: u64 = std::env::var("KERNEL_SETS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    println!("seed {seed}, {sets} rule sets");
    let mut score = Score::default();
    for at in 0..sets {
        let mut dice = Dice::of(seed.wrapping_add(at));
        one_set(&mut lab, &mut dice, seed.wrapping_add(at), &mut score);
        assert!(score.wrong.len() < 5, "{}", score.wrong.join("\n"));
    }
    println!(
        "{} rule sets loaded, {} refused by the tools, {} rules of nft among those of iptables; {} verdicts right ({} open), {} unsure, {} wrong",
        score.loaded,
        score.refused,
        score.mixed,
        score.right,
        score.open,
        score.unsure,
        score.wrong.len()
    );
    assert!(score.wrong.is_empty(), "{}", score.wrong.join("\n"));
    assert!(sets < 20 || score.mixed > 0, "no rule of nft got among those of iptables");
    assert!(score.loaded >= score.refused, "most rule sets were refused: the generator is of no use");
    assert!(score.open * 10 >= score.right, "nearly nothing was let through: the rule sets are of no use");
}

/// What the group that a packet's sender is in gets.
fn of_group(court: &Court, packet: &Packet) -> Option<Verdict> {
    let has = |sender: &Sender| sender.spans.iter().any(|(first, last)| (*first..=*last).contains(&packet.source));
    let group = court.senders(&packet.interface, packet.family()).iter().position(has)?;
    let to = Target { address: packet.destination, port: packet.port, protocol: packet.protocol };
    let rulings = court.rule_on(&packet.interface, to);
    rulings.into_iter().find(|ruling| ruling.senders.contains(&group)).map(|ruling| ruling.actual)
}

/// Loads one rule set, sends packets, and compares.
fn one_set(lab: &mut Lab, dice: &mut Dice, seed: u64, score: &mut Score) {
    lab.flush();
    let (nft, rules4, rules6) = match dice.below(4) {
        0 => (nft::ruleset(dice), None, None),
        1 => (nft::ruleset(dice), Some(iptables::ruleset(dice, false)), Some(iptables::ruleset(dice, true))),
        _ => (String::new(), Some(iptables::ruleset(dice, false)), Some(iptables::ruleset(dice, true))),
    };
    let legacy = rules4.is_some() && nft.is_empty() && dice.one_in(3);
    if !lab.load(&nft, rules4.as_deref(), rules6.as_deref(), legacy) {
        score.refused += 1;
        return;
    }
    // Hands of more than one tool in the same tables.
    let beside = if legacy || rules4.is_none() { String::new() } else { nft::beside(dice) };
    score.mixed += beside.lines().filter(|rule| lab.load(rule, None, None, false)).count();
    score.loaded += 1;
    let snapshot: Snapshot = lab.snapshot();
    let host: Host = snapshot.host();
    assert!(host.unread.is_empty(), "{:?}", host.unread);
    let probes = Lab::probes(dice);
    let results = lab.send(&probes, 150);
    let court = Court::of(&host);
    for (probe, result) in probes.iter().zip(results) {
        let packet = bypass::packet(&host, probe.target, Some(probe.source), Some(probe.interface)).unwrap();
        let judged = trace(&host, &packet);
        assert_eq!(of_group(&court, &packet), Some(judged.verdict), "seed {seed}: {packet}, with all that are judged like it");
        let agrees = |open: bool| judged.verdict == if open { Verdict::Open } else { Verdict::Closed };
        if judged.verdict == Verdict::Unsure {
            score.unsure += 1;
        } else if agrees(result) || agrees(again(lab, probe)) {
            score.right += 1;
            score.open += usize::from(judged.verdict == Verdict::Open);
        } else {
            let hops: Vec<String> = judged.hops.iter().map(|hop| format!("{hop:?}")).collect();
            let sets =
                [nft.as_str(), rules4.as_deref().unwrap_or_default(), rules6.as_deref().unwrap_or_default(), &beside].join("\n");
            score.wrong.push(format!(
                "seed {seed}: {packet} is judged {}\n{}\nlegacy: {legacy}\n{sets}",
                judged.verdict.name(),
                hops.join("\n")
            ));
        }
    }
}

/// A machine under load may answer late: what seems wrong is asked once more, with patience.
fn again(lab: &mut Lab, probe: &Probe) -> bool {
    lab.send(std::slice::from_ref(probe), 1500)[0]
}

/// Not a test: the listening and connecting processes in their namespaces.
#[test]
#[ignore = "a process of the test above"]
fn role() {
    roles::play();
}
