//! What is said of a finding on a host besides its message, one fact a line: what each side gets, and the rules that decide.

use crate::model::finding::{Finding, View};
use crate::model::packet::Family;
use crate::model::verdict::Verdict;
use ipnet::IpNet;

/// So many prefixes of senders are named.
const NAMED: usize = 3;

/// Interfaces, each with the families of its packets.
type Interfaces<'a> = Vec<(&'a str, Vec<&'static str>)>;

/// All lines of a finding.
pub(super) fn lines(finding: &Finding) -> Vec<String> {
    let views = finding.on_host.as_ref().map_or(&[][..], |host| &host.views);
    sides(views).into_iter().chain(deciders(views)).collect()
}

/// What each side gets, sides with the same answer together: `open, meant to be closed: eth0 v4 and v6, eth1 v4`. Nothing where all
/// interfaces are alike: the message says it.
fn sides(views: &[View]) -> Vec<String> {
    let mut answers: Vec<(String, Interfaces)> = Vec::new();
    for view in views {
        let answer = answer(view);
        let family = Family::of(view.address).name();
        let at = answers.iter().position(|(own, _)| *own == answer).unwrap_or_else(|| {
            answers.push((answer, Vec::new()));
            answers.len() - 1
        });
        let interfaces = &mut answers[at].1;
        match interfaces.iter_mut().find(|(interface, _)| *interface == view.interface) {
            Some((_, families)) if families.contains(&family) => {}
            Some((_, families)) => families.push(family),
            None => interfaces.push((&view.interface, vec![family])),
        }
    }
    if let [(_, interfaces)] = answers.as_slice()
        && interfaces.iter().all(|(_, families)| *families == interfaces[0].1)
    {
        return Vec::new();
    }
    let line = |(answer, interfaces): &(String, Interfaces)| {
        let words = interfaces.iter().map(|(interface, families)| format!("{interface} {}", families.join(" and ")));
        format!("{answer}: {}", words.collect::<Vec<_>>().join(", "))
    };
    answers.iter().map(line).collect()
}

fn answer(view: &View) -> String {
    let meant = match (view.actual, view.intended) {
        (actual, intended) if actual == intended => "as meant".to_owned(),
        (_, Verdict::Unsure) => "what is meant cannot be told".to_owned(),
        (_, intended) => format!("meant to be {}", intended.name()),
    };
    let actual = match view.actual {
        Verdict::Unsure => "cannot be told",
        certain => certain.name(),
    };
    let to = if view.from.is_empty() { String::new() } else { format!(" to {}", named(&view.from)) };
    format!("{actual}{to}, {meant}")
}

fn named(from: &[IpNet]) -> String {
    let first: Vec<String> = from.iter().take(NAMED).map(ToString::to_string).collect();
    let rest = from.len().saturating_sub(NAMED);
    first.join(", ") + &if rest > 0 { format!(" and {rest} more") } else { String::new() }
}

/// The rules that let packets in or stop them, and those that were to, each once.
fn deciders(views: &[View]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for view in views {
        let is_as_meant = view.decided_by == view.meant_by;
        let meant = view.meant_by.as_ref().filter(|_| !is_as_meant).map(|rule| format!("{} {rule}", meant_word(view.intended)));
        let actual = view.decided_by.as_ref().map(|rule| format!("{} {rule}", word(view.actual)));
        for line in actual.into_iter().chain(meant) {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "let in by",
        Verdict::Closed => "refused by",
        Verdict::Unsure => "not certain:",
    }
}

fn meant_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "meant to be let in by",
        Verdict::Closed => "meant to be refused by",
        Verdict::Unsure => "what is meant is not certain:",
    }
}

#[cfg(test)]
mod tests;
