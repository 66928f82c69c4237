//! strict-forward-ports: what `StrictForwardPorts` of firewalld closes although the zone permits it, and what it leaves open.

use super::Rule;
use crate::judge::court::Ruling;
use crate::judge::doors::Way;
use crate::judge::hosts::gathered::{Gathered, gather};
use crate::judge::hosts::{self, HostCase, Sight};
use crate::judge::words;
use crate::model::finding::{Finding, Level};
use crate::model::host::Host;
use crate::model::verdict::{Trace, Verdict};
use std::collections::BTreeSet;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "strict-forward-ports",
    summary: "firewalld's StrictForwardPorts closes a published port that its zone permits, or leaves one open that no zone permits",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/strict-forward-ports.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    if !is_strict(case.host()) {
        return Vec::new();
    }
    let by_strictness = |sight: &Sight, ruling: &Ruling| {
        let verdicts = (ruling.actual, ruling.intended);
        let differs = matches!(verdicts, (Verdict::Open, Verdict::Closed) | (Verdict::Closed, Verdict::Open));
        differs && case.assess(&sight.door, ruling).is_some_and(|it| decides(&it.actual))
    };
    let of =
        |actual: Verdict| gather(case, Way::Host, move |sight, ruling| ruling.actual == actual && by_strictness(sight, ruling));
    let closed = of(Verdict::Closed).into_iter().map(closed);
    closed.chain(of(Verdict::Open).into_iter().map(left_open)).collect()
}

/// True if firewalld has chains for translated packets, which it has with `StrictForwardPorts=yes` alone (firewalld 2.3,
/// `src/firewall/core/nftables.py`).
fn is_strict(host: &Host) -> bool {
    let is_its = |name: &str| name.ends_with("FORWARD_dnat");
    host.ruleset.tables.iter().any(|table| table.name == "firewalld" && table.chains.keys().any(|name| is_its(name)))
}

/// True if the chain for translated packets had a word in it.
fn decides(trace: &Trace) -> bool {
    trace.hops.iter().any(|hop| hop.chains.last().is_some_and(|chain| chain.ends_with("FORWARD_dnat")))
}

fn interfaces(found: &Gathered) -> String {
    let names: BTreeSet<&str> = found.views.iter().map(|view| view.interface.as_str()).collect();
    words::list(&names.into_iter().collect::<Vec<_>>())
}

fn closed(found: Gathered) -> Finding {
    let message = format!(
        "{} {} closed by {} although the zone permits it: StrictForwardPorts wants a forward-port for it",
        found.subject(),
        found.is(),
        interfaces(&found)
    );
    let mut finding = found.finding(&RULE, Level::Note, message);
    finding.help.push("`--add-port` opens the port for processes of the host, docker-proxy among them; a container's port is let in by a forward-port alone".to_owned());
    finding
}

fn left_open(found: Gathered) -> Finding {
    let message = format!(
        "{} {} open {}: StrictForwardPorts lets in a forward-port's number in every zone and over every protocol",
        found.subject(),
        found.is(),
        hosts::audience(&found.views)
    );
    let mut finding = found.finding(&RULE, RULE.level, message);
    // https://github.com/firewalld/firewalld/issues/1536
    finding.help.push("a forward-port of another zone, or for another protocol, has this number (firewalld#1536): give it a number that nothing else is published at".to_owned());
    finding
}
