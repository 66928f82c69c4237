#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::model::finding::{Level, OnHost};
use crate::model::opening::Side;
use std::path::PathBuf;

fn finding(container: &str, message: &str) -> Finding {
    Finding {
        rule: "bypasses-host-firewall",
        level: Level::Error,
        path: PathBuf::new(),
        place: None,
        service: None,
        subject: None,
        message: message.into(),
        label: String::new(),
        related: Vec::new(),
        help: Vec::new(),
        fix: None,
        remedy: None,
        on_host: Some(OnHost { container: Some(container.into()), ..OnHost::default() }),
    }
}

fn opening(name: &str, actual: Answer) -> Opening {
    let side = Side { interface: "eth0".into(), family: Family::V4, actual, intended: Answer::Closed, views: Vec::new() };
    Opening {
        owner: Owner { name: name.into(), ..Owner::default() },
        kind: OpeningKind::Published,
        bind: "0.0.0.0".parse().ok(),
        port: Some(8080),
        target: Some(80),
        protocol: Some(Protocol::TCP),
        sides: vec![side],
        reasons: Vec::new(),
    }
}

/// `+ a`, `- a`, `published a` …
fn words(before: &Shown, now: &Shown) -> Vec<String> {
    let of = |finding: &Finding| format!("{} {}", finding.on_host.as_ref().unwrap().container.as_ref().unwrap(), finding.message);
    let word = |change: &Change| match change {
        Change::Found(finding) => format!("+ {}", of(finding)),
        Change::Gone(finding) => format!("- {}", of(finding)),
        Change::Published(opening) => format!("published {}", opening.owner.name),
        Change::Unpublished(opening) => format!("unpublished {}", opening.owner.name),
        Change::Judged { before, after } => {
            format!("{} {:?} {:?}", after.owner.name, before.sides[0].actual, after.sides[0].actual)
        }
    };
    between(before, now).iter().map(word).collect()
}

#[test]
fn what_is_new_what_is_gone_and_what_says_something_else_is_told_and_nothing_more() {
    let before = Shown {
        findings: vec![finding("a", "open"), finding("b", "open"), finding("c", "open by eth0")],
        openings: vec![opening("a", Answer::Open), opening("b", Answer::Open), opening("kept", Answer::Closed)],
    };
    let now = Shown {
        findings: vec![finding("c", "open by eth0 and eth1"), finding("d", "open"), finding("a", "open")],
        openings: vec![opening("kept", Answer::Closed), opening("b", Answer::Closed), opening("d", Answer::Open)],
    };
    let told = ["+ c open by eth0 and eth1", "+ d open", "- b open", "- c open by eth0"];
    let ports = ["b Open Closed", "published d", "unpublished a"];
    assert_eq!(words(&before, &now), [&told[..], &ports[..]].concat());
    assert_eq!(words(&now, &now), Vec::<String>::new());
}

#[test]
fn the_order_of_findings_and_ports_is_no_change() {
    let one = Shown {
        findings: vec![finding("a", "open"), finding("b", "open")],
        openings: vec![opening("a", Answer::Open), opening("b", Answer::Open)],
    };
    let mut other = one.clone();
    other.findings.reverse();
    other.openings.reverse();
    assert_eq!(words(&one, &other), Vec::<String>::new());
}
