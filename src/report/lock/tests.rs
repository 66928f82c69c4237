#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::packet::Protocol;

fn port(port: u16, publisher: &str, place: Option<&str>) -> Line {
    let whom = "to everyone who comes in by eth0, v4".to_owned();
    Line { publisher: publisher.to_owned(), port, protocol: Protocol::TCP, place: place.map(str::to_owned), whom }
}

fn memory() -> Memory {
    Memory {
        version: "0.1.0".to_owned(),
        since: 1_000_000,
        until: Some(1_000_900),
        backend: Backend::Nftables,
        refuses_all: false,
        allowed: vec!["443/tcp".to_owned()],
        trusts_labels: false,
        digest: "0123456789abcdef".to_owned(),
        obeyed: ["inet firewalld filter_INPUT".to_owned()].into(),
        permits: Vec::new(),
    }
}

fn account() -> Account {
    Account {
        closed: vec![port(5432, "db", None), port(80, "web", Some("at its own address"))],
        open: vec![port(443, "web\u{1b}[2J", None)],
        beside: vec!["lan at 192.0.2.7, on the macvlan network wire".to_owned()],
    }
}

fn standings() -> Vec<Standing> {
    let standing = |memory, holds, stale: Option<&str>| Standing {
        backends: vec![Backend::Nftables],
        memory,
        holds,
        stale: stale.map(str::to_owned),
    };
    vec![
        standing(Some(memory()), Ok(account()), None),
        standing(Some(Memory { until: None, ..memory() }), Ok(account()), Some("the host has changed")),
        standing(None, Err(Refusal::Unproven("a packet".to_owned())), Some("nothing is remembered")),
        standing(Some(memory()), Err(Refusal::Unread("no engine".to_owned(), "docker ps".to_owned())), None),
    ]
}

#[test]
fn a_lock_whose_rules_somebody_took_away_is_told_from_none() {
    assert_eq!(not_locked(None, 1_000_060), "not locked\n");
    let told = not_locked(Some(&memory()), 1_000_060);
    assert_eq!(
        told,
        "not locked: the rules of the lock that was made 60 seconds ago are not there; `docker firewall lock` makes it anew\n"
    );
}

#[test]
fn every_standing_fits_the_schema() {
    let schema = serde_json::from_str(include_str!("../../../plugin-metadata/schemas/status.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let all = standings();
    for standing in all.iter().map(Some).chain([None]) {
        let mut text = Vec::new();
        write_status(standing, &mut text).unwrap();
        let value = serde_json::from_slice(&text).unwrap();
        assert!(validator.is_valid(&value), "{value:#}");
    }
}

#[test]
fn a_lock_is_told_by_port_and_what_comes_from_a_container_is_made_visible() {
    let account = account();
    let mut told = Told {
        backend: Backend::Nftables,
        account: &account,
        unsure: &[],
        how_to_open: Some("ufw allow PORT/PROTO"),
        is_done: true,
    };
    let text = super::told(&told, &Style::default());
    assert_eq!(
        text,
        "locked by a table of its own, inet docker_firewall\n\
         closed:\n\
         \x20 5432/tcp  db, to everyone who comes in by eth0, v4\n\
         \x20 80/tcp    web at its own address, to everyone who comes in by eth0, v4\n\
         open:\n\
         \x20 443/tcp  web␛[2J, to everyone who comes in by eth0, v4\n\
         out of the reach of any rule of the host: lan at 192.0.2.7, on the macvlan network wire\n\
         to open a port: permit it in the host firewall (`ufw allow PORT/PROTO`) and lock again, or `docker firewall lock --allow PORT/PROTO`\n"
    );
    told.is_done = false;
    assert!(super::told(&told, &Style::default()).starts_with("would lock "));
}

#[test]
fn a_status_says_since_when_and_what_stands_against_it() {
    let [holds, stale, unknown, unread] = &standings()[..] else { unreachable!() };
    let text = |standing| status(standing, 1_000_300, &Style::default());
    assert!(
        text(holds).starts_with("locked (nftables) by docker-firewall 0.1.0 5 minutes ago, for another 10 minutes\nit holds: ")
    );
    assert!(text(stale).ends_with("it is stale: the host has changed\n"));
    assert!(text(unknown).contains("by whom and since when is not known\nit does not hold: "));
    assert!(text(unread).contains("could not be seen: no engine"));
}

#[test]
fn only_what_has_changed_is_told_after_a_command() {
    let before = account();
    let mut after = account();
    after.open.push(port(8080, "new", None));
    assert_eq!(changed(&before, &before, &Style::default()), "");
    let told = changed(&before, &after, &Style::default());
    assert_eq!(told, "open now:\n  8080/tcp  new, to everyone who comes in by eth0, v4\n");
    assert_eq!(changed(&after, &before, &Style::default()), told.replace("open now", "no longer open"));
}

#[test]
fn a_time_span_is_told_in_its_largest_unit() {
    let of = |seconds: u64| span(seconds);
    let told = [of(1), of(90), of(900), of(10_000), of(600_000)];
    assert_eq!(told, ["1 second", "90 seconds", "15 minutes", "2 hours", "6 days"]);
}
