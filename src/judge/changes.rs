//! Two looks at one host, held against each other.
//!
//! In: what was found and what was published, before and now. Out: the [`Change`]s: findings first, then ports, each in its own order.
//! Not here: when to look.

use crate::model::baseline::Fingerprint;
use crate::model::change::Change;
use crate::model::finding::Finding;
use crate::model::opening::{Answer, Opening, OpeningKind, Owner};
use crate::model::packet::{Family, Protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a look at a host has shown.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is published.
    pub openings: Vec<Opening>,
}

/// What an opening is known by.
type Place<'a> = (OpeningKind, &'a Owner, Option<IpAddr>, Option<u16>, Option<u16>, Option<Protocol>);

/// What is different now.
pub fn between(before: &Shown, now: &Shown) -> Vec<Change> {
    let (old, new) = (by_words(&before.findings), by_words(&now.findings));
    let gone = old.iter().filter(|(key, _)| !new.contains_key(*key)).map(|(_, finding)| Change::Gone(boxed(*finding)));
    let found = new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, finding)| Change::Found(boxed(*finding)));
    found.chain(gone).chain(ports(&before.openings, &now.openings)).collect()
}

fn boxed<T: Clone>(value: &T) -> Box<T> {
    Box::new(value.clone())
}

/// Findings by what they are known by, and by what they say: one that says something else is another one.
fn by_words(findings: &[Finding]) -> BTreeMap<(Fingerprint, &str), &Finding> {
    let key = |finding: &Finding| Fingerprint::of(finding, finding.path.to_string_lossy().into_owned());
    findings.iter().map(|finding| ((key(finding), finding.message.as_str()), finding)).collect()
}

fn ports(before: &[Opening], now: &[Opening]) -> Vec<Change> {
    let (old, new) = (by_place(before), by_place(now));
    let mut changes = Vec::new();
    for opening in now {
        match old.get(&place(opening)) {
            None => changes.push(Change::Published(boxed(opening))),
            Some(earlier) if answers(earlier) != answers(opening) => {
                changes.push(Change::Judged { before: boxed(*earlier), after: boxed(opening) });
            }
            Some(_) => {}
        }
    }
    let gone = before.iter().filter(|opening| !new.contains_key(&place(opening)));
    changes.extend(gone.map(|opening| Change::Unpublished(boxed(opening))));
    changes
}

fn by_place(openings: &[Opening]) -> BTreeMap<Place<'_>, &Opening> {
    openings.iter().map(|opening| (place(opening), opening)).collect()
}

fn place(opening: &Opening) -> Place<'_> {
    (opening.kind, &opening.owner, opening.bind, opening.port, opening.target, opening.protocol)
}

fn answers(opening: &Opening) -> Vec<(&str, Family, Answer, Answer, bool)> {
    opening.sides.iter().map(|side| (&*side.interface, side.family, side.actual, side.intended, side.is_bypass())).collect()
}

#[cfg(test)]
mod tests;
