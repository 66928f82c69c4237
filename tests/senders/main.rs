//! Random hosts: what is judged of groups of senders at once, against what is judged of their members one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../kernel/dice.rs"]
#[allow(dead_code)]
mod dice;
mod host;
#[path = "../common/hosts.rs"]
mod hosts;
#[path = "../kernel/iptables.rs"]
mod iptables;
mod rules;

use dice::Dice;
use docker_firewall::judge::court::{Court, Sender, packet};
use docker_firewall::model::packet::{Family, Target};
use docker_firewall::model::verdict::Verdict;
use hosts::saved_hosts;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u32::from(v4).into(),
        IpAddr::V6(v6) => v6.into(),
    }
}

fn address(number: u128, family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from(u32::try_from(number).unwrap()).into(),
        Family::V6 => Ipv6Addr::from(number).into(),
    }
}

/// The address that stands for a group, and others of it: the ends of a span, and one in between.
fn members(sender: &Sender, dice: &mut Dice) -> Vec<IpAddr> {
    let (first, last) = sender.spans[dice.below(sender.spans.len())];
    let between = number(first) + (number(last) - number(first)) / (1 + dice.below(9) as u128);
    vec![sender.representative, first, last, address(between, Family::of(first))]
}

/// Asks for all packets to a target by an interface, at once and one by one. The number of verdicts that were compared.
fn compare(court: &Court, interface: &str, to: Target, dice: &mut Dice) -> usize {
    let senders = court.senders(interface, Family::of(to.address));
    let rulings = court.rule_on(interface, to);
    let mut ruled: Vec<usize> = rulings.iter().flat_map(|ruling| ruling.senders.iter().copied()).collect();
    ruled.sort_unstable();
    assert_eq!(ruled, (0..senders.len()).collect::<Vec<_>>(), "each group has its place in one ruling");
    let interface: Arc<str> = interface.into();
    let mut compared = 0;
    for ruling in &rulings {
        for sender in ruling.senders.iter().map(|at| &senders[*at]) {
            for source in members(sender, dice) {
                let one = packet(&interface, source, to);
                let assessment = court.assess(&one);
                let singly = (assessment.actual.verdict, assessment.intended.verdict);
                assert_eq!(
                    (ruling.actual, ruling.intended),
                    singly,
                    "{one}, one of {:?}\nactual {:#?}\nintended {:#?}",
                    sender.spans,
                    assessment.actual,
                    assessment.intended
                );
                compared += 1;
            }
        }
    }
    compared
}

/// Groups share no address, and nobody who is left out gets in.
fn covers(court: &Court, interface: &str, to: Target, dice: &mut Dice) {
    let family = Family::of(to.address);
    let senders = court.senders(interface, family);
    let mut spans: Vec<(u128, u128)> =
        senders.iter().flat_map(|sender| &sender.spans).map(|(first, last)| (number(*first), number(*last))).collect();
    spans.sort_unstable();
    assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "groups share addresses: {senders:?}");
    assert!(senders.iter().filter(|sender| sender.is_stranger).count() <= 1);
    let (bridge, name): (bool, Arc<str>) = (court.host().link(interface).unwrap().kind.is_some(), interface.into());
    for pair in spans.windows(2).filter(|pair| pair[0].1 + 1 < pair[1].0) {
        let gap = address(pair[0].1 + 1 + dice.below(2) as u128 % (pair[1].0 - pair[0].1 - 1), family);
        let verdict = court.assess(&packet(&name, gap, to)).actual.verdict;
        assert!(interface == "lo" || bridge || verdict != Verdict::Open, "{gap} by {interface} is left out, and gets in");
    }
}

proptest! {
    // PROPTEST_CASES says how many hosts.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_verdict_of_a_group_is_that_of_each_of_its_members(seed: u64) {
        let mut dice = Dice::of(seed);
        let court = Court::of(&host::random(&mut dice));
        for _ in 0..12 {
            let interface = dice.pick(&["eth0", "eth0", "eth1", "br0", "docker0", "lo"]);
            let to = host::target(&mut dice);
            compare(&court, interface, to, &mut dice);
            covers(&court, interface, to, &mut dice);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_an_index_leaves_out_does_not_fit(seed: u64) {
        let mut dice = Dice::of(seed);
        let host = host::random(&mut dice);
        let (found, gone_through) = (Court::of(&host), Court::of(&host::without_indexes(&host)));
        for _ in 0..20 {
            let to = host::target(&mut dice);
            let source = if to.address.is_ipv4() { dice.pick(&["10.9.0.2", "203.0.113.7"]) } else { dice.pick(&["fd09::2", "2001:db8::7"]) };
            let one = packet(&dice.pick(&["eth0", "eth1"]).into(), source.parse().unwrap(), to);
            let traces = [&found, &gone_through].map(|court| format!("{:#?}", court.assess(&one).actual));
            prop_assert_eq!(&traces[0], &traces[1], "{}", one);
        }
    }
}

#[test]
fn the_groups_of_every_saved_host_are_judged_as_their_members() {
    let mut dice = Dice::of(1);
    let mut compared = 0;
    for (_, snapshot) in saved_hosts() {
        let probes: serde_json::Value = serde_json::from_str(&snapshot.files["probes.json"]).unwrap();
        let court = Court::of(&snapshot.host());
        for probe in probes["probes"].as_array().unwrap() {
            let Some(interface) = probe["iif"].as_str() else { continue };
            let address: IpAddr = probe["dst"].as_str().unwrap().parse().unwrap();
            let port = u16::try_from(probe["port"].as_u64().unwrap()).unwrap();
            let protocol = docker_firewall::model::packet::Protocol::named(probe["proto"].as_str().unwrap()).unwrap();
            compared += compare(&court, interface, Target { address, port, protocol }, &mut dice);
        }
    }
    println!("{compared} verdicts compared");
    assert!(compared > 1000);
}
