//! What is seen of one container port at all its ways in, taken together, so that a rule says one thing about it.
//!
//! In: a host before the rules, and which rulings matter. Out: one [`Gathered`] for each port of a container; consecutive ports that are
//! seen alike are one range. Not here: what is wrong about them.

use super::{HostCase, Sight};
use crate::judge::court::Ruling;
use crate::judge::doors::Way;
use crate::model::engine::{Binding, Publisher};
use crate::model::finding::{Finding, OnHost, View};
use crate::model::packet::Protocol;
use std::collections::BTreeMap;

/// A container port, or a range of them, with what matters of it.
#[derive(Clone, Debug)]
pub struct Gathered<'a> {
    /// Whose it is.
    pub publisher: &'a Publisher,
    /// The bindings; none for a port that is not published.
    pub bindings: Vec<Binding>,
    /// The ports that are asked for, first and last, inclusive: of the host, or, at a container's own address, of the container.
    pub ports: (u16, u16),
    /// The protocol.
    pub protocol: Protocol,
    /// What some senders get.
    pub views: Vec<View>,
    /// Who means to refuse it: `zone public (eth0)`.
    pub refusers: Vec<String>,
    /// What stands in the way of a certain verdict.
    pub doubts: Vec<String>,
}

type Key = (usize, Protocol, u16, Option<u16>);

/// Gathers the rulings that matter of one kind of ways.
pub fn gather<'a>(case: &HostCase<'a>, way: Way, matters: impl Fn(&Sight, &Ruling) -> bool) -> Vec<Gathered<'a>> {
    let mut found: BTreeMap<Key, Gathered> = BTreeMap::new();
    for sight in case.sights.iter().filter(|sight| sight.door.way == way) {
        let (door, port) = (&sight.door, sight.door.to.port);
        for ruling in sight.rulings.iter().filter(|ruling| matters(sight, ruling)) {
            let target = door.binding.filter(|_| way != Way::Direct).map(|binding| binding.target);
            let gathered = found.entry((door.publisher, door.to.protocol, port, target)).or_insert_with(|| Gathered {
                publisher: case.publisher(door),
                bindings: Vec::new(),
                ports: (port, port),
                protocol: door.to.protocol,
                views: Vec::new(),
                refusers: Vec::new(),
                doubts: Vec::new(),
            });
            gathered.add(case, sight, ruling);
        }
    }
    let mut ranges: Vec<Gathered> = Vec::new();
    for next in found.into_values() {
        match ranges.last_mut().filter(|last| last.goes_on_in(&next)) {
            Some(last) => last.append(next),
            None => ranges.push(next),
        }
    }
    ranges
}

fn note(list: &mut Vec<String>, word: String) {
    if !list.contains(&word) {
        list.push(word);
    }
}

impl Gathered<'_> {
    fn add(&mut self, case: &HostCase, sight: &Sight, ruling: &Ruling) {
        let (view, assessment) = case.seen(sight, ruling);
        if let Some(binding) = sight.door.binding.filter(|binding| !self.bindings.contains(binding)) {
            self.bindings.push(binding);
        }
        if let Some(assessment) = assessment {
            let refuser = case.refuser(&view, &assessment.intended);
            let doubts = [assessment.actual, assessment.intended].into_iter().flat_map(|trace| trace.doubts);
            for doubt in doubts {
                note(&mut self.doubts, doubt);
            }
            if let Some(refuser) = refuser {
                note(&mut self.refusers, refuser);
            }
        }
        self.views.push(view);
    }

    /// True if the next port is the next of a range, and is seen alike.
    fn goes_on_in(&self, next: &Self) -> bool {
        let is_next = |one: u16, other: u16| one.checked_add(1) == Some(other);
        let of_last = |views: &[View], port: u16| -> Vec<View> {
            let views = views.iter().filter(|view| view.port == port);
            views.map(|view| View { port: 0, decided_by: None, meant_by: None, meant_in: None, ..view.clone() }).collect()
        };
        let bindings = |of: &Self, port: u16| -> Vec<Binding> {
            let is_of = |binding: &&Binding| binding.port == Some(port) || binding.target == port && binding.port.is_none();
            of.bindings.iter().filter(is_of).copied().collect()
        };
        let (here, there) = (bindings(self, self.ports.1), bindings(next, next.ports.0));
        let goes_on = |(one, other): (&Binding, &Binding)| one.address == other.address && is_next(one.target, other.target);
        std::ptr::eq(self.publisher, next.publisher)
            && self.protocol == next.protocol
            && is_next(self.ports.1, next.ports.0)
            && here.len() == there.len()
            && here.iter().zip(&there).all(goes_on)
            && self.refusers == next.refusers
            && self.doubts == next.doubts
            && of_last(&self.views, self.ports.1) == of_last(&next.views, next.ports.0)
    }

    fn append(&mut self, next: Self) {
        self.ports.1 = next.ports.1;
        self.bindings.extend(next.bindings);
        self.views.extend(next.views);
    }

    /// `port 8080/tcp of container web`, `ports 9000-9002/tcp of container range`
    pub fn subject(&self) -> String {
        let port = if self.ports.0 == self.ports.1 { "port" } else { "ports" };
        format!("{port} {} of {} {}", self.port(), self.publisher.kind.name(), self.publisher.name)
    }

    /// `is`, or `are` for a range.
    pub fn is(&self) -> &'static str {
        if self.ports.0 == self.ports.1 { "is" } else { "are" }
    }

    /// `8080/tcp`, `9000-9002/tcp`
    pub fn port(&self) -> String {
        match self.ports {
            (first, last) if first == last => format!("{first}/{}", self.protocol),
            (first, last) => format!("{first}-{last}/{}", self.protocol),
        }
    }

    /// `zone public (eth0) does not permit it`; `the host firewall means to refuse it` where nothing better is known.
    pub fn refusal(&self) -> String {
        match self.refusers.as_slice() {
            [] => "the host firewall means to refuse it".to_owned(),
            [one] => format!("{one} does not permit it"),
            many => format!("{} do not permit it", crate::judge::words::list(many)),
        }
    }

    /// The finding of a rule about it.
    pub(crate) fn finding(
        self,
        rule: &crate::judge::rules::Rule,
        level: crate::model::finding::Level,
        message: String,
    ) -> Finding {
        let publication = if self.bindings.is_empty() { self.port() } else { super::publication(&self.bindings) };
        let about = super::on_host(self.publisher, Some(publication), self.views);
        rule.on_host(level, message, OnHost { bindings: self.bindings, ..about })
    }
}
