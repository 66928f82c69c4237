//! families-differ: the same publication is open over one address family and closed over the other.

use super::Rule;
use crate::judge::court::Ruling;
use crate::judge::doors::Way;
use crate::judge::hosts::gathered::{Gathered, gather};
use crate::judge::hosts::{HostCase, Sight};
use crate::judge::words;
use crate::model::address::is_link_local;
use crate::model::finding::{Finding, Level};
use crate::model::packet::Protocol;
use crate::model::verdict::{Path, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "families-differ",
    summary: "a published port is open over one of v4 and v6, and closed over the other",
    level: Level::Note,
    allowable: false,
    page: include_str!("../../../docs/rules/families-differ.md"),
    project: None,
    host: Some(check),
};

/// A port of a publisher, at one interface.
type Spot = (usize, Protocol, u16, u16, Arc<str>);

fn check(case: &HostCase) -> Vec<Finding> {
    let mut seen: BTreeMap<Spot, [BTreeSet<Verdict>; 2]> = BTreeMap::new();
    for sight in &case.sights {
        let Some(spot) = spot(sight) else { continue };
        let of_family = &mut seen.entry(spot).or_default()[usize::from(sight.door.to.address.is_ipv6())];
        of_family.extend(sight.rulings.iter().filter(|ruling| is_asked(case, sight, ruling)).map(|ruling| ruling.actual));
    }
    let differs = |sight: &Sight| {
        let verdicts = spot(sight).and_then(|spot| seen.get(&spot));
        let certain = |verdicts: &BTreeSet<Verdict>| if verdicts.len() == 1 { verdicts.first().copied() } else { None };
        verdicts.is_some_and(|[v4, v6]| {
            matches!(
                (certain(v4), certain(v6)),
                (Some(Verdict::Open), Some(Verdict::Closed)) | (Some(Verdict::Closed), Some(Verdict::Open))
            )
        })
    };
    let matters = |sight: &Sight, ruling: &_| differs(sight) && is_asked(case, sight, ruling);
    gather(case, Way::Host, matters).into_iter().map(|found| finding(case, found)).collect()
}

/// True for what most senders get who can hold a connection, unless they are neighbours with link-local addresses alone: v4 has nobody
/// like them.
fn is_asked(case: &HostCase, sight: &Sight, ruling: &Ruling) -> bool {
    case.is_rest(sight, ruling) && case.home_of(sight, ruling).iter().any(|(first, _)| !is_link_local(*first))
}

/// Where a sight belongs; None for what has no counterpart in the other family, as link-local addresses.
fn spot(sight: &Sight) -> Option<Spot> {
    let door = &sight.door;
    let binding = door.binding.filter(|_| door.way == Way::Host && !is_link_local(door.to.address))?;
    Some((door.publisher, door.to.protocol, door.to.port, binding.target, Arc::clone(&door.interface)))
}

fn finding(case: &HostCase, found: Gathered) -> Finding {
    let open_by = |is_v6: bool| -> Vec<&str> {
        let open = found.views.iter().filter(|view| view.actual == Verdict::Open && view.address.is_ipv6() == is_v6);
        open.map(|view| view.interface.as_str()).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let (v4, v6) = (open_by(false), open_by(true));
    let mut parts = Vec::new();
    for (open, closed, interfaces) in [("v4", "v6", &v4), ("v6", "v4", &v6)] {
        if !interfaces.is_empty() {
            parts.push(format!("open over {open} and closed over {closed} by {}", words::list(interfaces)));
        }
    }
    let message = format!("{} {} {}", found.subject(), found.is(), parts.join(", and "));
    let is_proxied = case.sights.iter().filter(|sight| std::ptr::eq(case.publisher(&sight.door), found.publisher)).any(|sight| {
        let is_it = sight.door.way == Way::Host && sight.door.to.address.is_ipv6() && sight.door.to.port == found.ports.0;
        is_it && sight.rulings.iter().any(|ruling| ruling.path == Path::Input)
    });
    // What the firewall closes over v4 is open to those who ask over v6: probably nobody thought of it.
    let level = if v6.is_empty() { RULE.level } else { Level::Warn };
    let mut finding = found.finding(&RULE, level, message);
    if is_proxied {
        let help = "over v6 a process of the host (docker-proxy) takes the packets, and the host firewall is asked; over v4 the engine forwards them";
        finding.help.push(help.to_owned());
    }
    finding
}
