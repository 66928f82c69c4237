//! override-does-not-narrow: merging appends, so a later entry does not close an earlier one.

use super::{Case, Rule};
use crate::judge::exposure::Exposure;
use crate::judge::overriding;
use crate::judge::words;
use crate::model::finding::{Finding, Level, Related, Remedy};
use crate::model::project::{Ineffective, Service, Trap};
use std::collections::HashMap;
use std::sync::Arc;

const WHY: &str = "Compose adds the `ports` of every layer up: an entry with another address or host port is one more entry";
const EMPTY: &str = "write `ports: !reset []` to publish nothing (Compose 2.24.4 and later)";
const HOW: &str =
    "write `ports: !override` in the later layer, so that its list replaces the earlier one (Compose 2.24.4 and later)";

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "override-does-not-narrow",
    summary: "a later layer means to change a published port, and the earlier entry stays",
    level: Level::Error,
    allowable: true,
    page: include_str!("../../../docs/rules/override-does-not-narrow.md"),
    project: Some(check),
    host: None,
};

fn check(case: &Case) -> Vec<Finding> {
    let open: HashMap<(&str, usize), &Exposure> =
        case.exposures.iter().map(|exposure| ((exposure.service.name.as_ref(), exposure.index), exposure)).collect();
    let mut findings = Vec::new();
    for service in &case.project.services {
        for pair in overriding::pairs(service) {
            if let Some(earlier) = open.get(&(service.name.as_ref(), pair.earlier)) {
                let later = open.get(&(service.name.as_ref(), pair.later)).copied();
                findings.push(stays_beside(service, earlier, pair.later, later));
            }
        }
    }
    let empty_lists = overriding::empty_lists(case.project).into_values().flatten();
    let changed_bases = case.project.ineffective.iter().filter(|it| matches!(it.trap, Trap::ExtendedEarlier { .. }));
    let mut of_service: HashMap<&str, Vec<&Exposure>> = HashMap::new();
    for exposure in &case.exposures {
        of_service.entry(&exposure.service.name).or_default().push(exposure);
    }
    findings.extend(empty_lists.chain(changed_bases).flat_map(|trap| without_effect(trap, &of_service)));
    findings
}

/// An earlier entry that stays beside a later one.
fn stays_beside(service: &Service, earlier: &Exposure, later: usize, open_later: Option<&Exposure>) -> Finding {
    let port = words::port(earlier.publication);
    let addresses = words::addresses(&earlier.listening);
    let (publication, place) = (&service.publications[later], words::scalar(&service.publications[later]));
    let message = format!("{port} of service {} stays published {addresses}: this entry does not replace it", service.name);
    let level = match open_later {
        // The later entry is open as well: it was to move the port, not to close it.
        Some(_) => earlier.sensitive.map_or(Level::Warn, |sensitive| sensitive.level()),
        None => RULE.level,
    };
    let label = format!("{} stays as well", earlier.publication);
    let mut finding = words::moved_to(place, RULE.about(service, earlier.index, level, message, label));
    finding.related.insert(0, stays(earlier));
    finding.help.extend([WHY.to_owned(), HOW.to_owned()]);
    if publication.published == earlier.publication.published {
        finding.help.push("as it is, the engine will refuse to start it: both entries want the same host port".to_owned());
    }
    finding.remedy = publication.entry.list_key.clone().map(Remedy::OverrideList);
    finding
}

/// A `ports` key without effect; one finding for each port that stays, since each may be allowed by itself.
fn without_effect(trap: &Ineffective, exposures: &HashMap<&str, Vec<&Exposure>>) -> Vec<Finding> {
    let heir = match &trap.trap {
        Trap::ExtendedEarlier { child } => child,
        _ => &trap.service,
    };
    let of_heir = exposures.get(heir.as_ref()).into_iter().flatten().copied();
    let kept: Vec<&Exposure> = of_heir.filter(|it| overriding::is_before(&it.publication.entry.origin, trap)).collect();
    match &trap.trap {
        Trap::ExtendedEarlier { .. } => vec![does_not_reach(trap, heir, &kept)],
        _ if kept.is_empty() => vec![takes_nothing_away(trap)],
        _ => kept.into_iter().map(|exposure| stays_open(trap, exposure)).collect(),
    }
}

/// New ports of a base service; what its heir publishes is reported by itself.
fn does_not_reach(trap: &Ineffective, heir: &Arc<str>, kept: &[&Exposure]) -> Finding {
    let base = &trap.service;
    let message = format!("these `ports` of service {base} do not reach {heir}, which extended it in an earlier file");
    let open: Vec<String> = kept.iter().map(|exposure| words::port(exposure.publication)).collect();
    let (level, label) = match open.as_slice() {
        [] => (Level::Note, format!("{heir} keeps what it has")),
        open => (Level::Warn, format!("{heir} keeps {}", words::list(open))),
    };
    let mut finding = RULE.at(&trap.at, level, message, label);
    finding.service = Some(Arc::clone(heir));
    finding.related = kept.iter().map(|exposure| stays(exposure)).collect();
    finding.help.push(format!("change the ports of {heir} here as well"));
    finding
}

/// An empty list over nothing that is open.
fn takes_nothing_away(trap: &Ineffective) -> Finding {
    let message = format!("an empty `ports` takes nothing away: service {} keeps its published ports", trap.service);
    let mut finding = RULE.at(&trap.at, Level::Note, message, "without effect");
    finding.service = Some(Arc::clone(&trap.service));
    finding.help.push(EMPTY.to_owned());
    finding
}

/// An empty list over an open port.
fn stays_open(trap: &Ineffective, exposure: &Exposure) -> Finding {
    let (publication, name) = (exposure.publication, &exposure.service.name);
    let (port, addresses) = (words::port(publication), words::addresses(&exposure.listening));
    let message = format!("{port} of service {name} stays published {addresses}: an empty `ports` takes nothing away");
    let label = format!("{publication} stays");
    let mut finding = words::moved_to(&trap.at, RULE.about(exposure.service, exposure.index, RULE.level, message, label));
    finding.related.insert(0, stays(exposure));
    finding.help.push(EMPTY.to_owned());
    finding.remedy = Some(Remedy::OverrideList(trap.at.clone()));
    finding
}

fn stays(exposure: &Exposure) -> Related {
    let place = words::scalar(exposure.publication).clone();
    Related { place, message: format!("this entry stays: published {}", words::addresses(&exposure.listening)) }
}
