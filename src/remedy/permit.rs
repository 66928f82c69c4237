//! The ways out of a finding about a host: the commands of its own firewall that make what is real what is meant.
//!
//! In: findings, and the host that they are about. Out: a trial, a copy of the host on which every proposed command is carried out; and,
//! once its ways in are judged, a line of help for each command that did what it is for and nothing else. Not here: running any of them.
//!
//! One trial stands for all: each command is about a port that no other command changes.

mod commands;

use crate::judge::doors::{Door, Way};
use crate::judge::hosts::{self, HostCase, Sight};
use crate::model::engine::Binding;
use crate::model::finding::{Finding, View};
use crate::model::firewall::Firewalld;
use crate::model::host::Host;
use crate::model::packet::Protocol;
use crate::model::verdict::Verdict;
use commands::Command;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The rules whose findings have such ways out.
const BYPASS: &str = "bypasses-host-firewall";
const LOOPBACK: &str = "loopback-publication-exposed";
const STRICT: &str = "strict-forward-ports";

/// A host on which what is proposed has been done.
pub struct Trial {
    /// The host.
    pub host: Host,
    /// The ways in that have to be judged there.
    pub doors: Vec<Door>,
    proposals: Vec<Proposal>,
}

/// What is proposed for a finding.
struct Proposal {
    /// Its position among the findings.
    finding: usize,
    commands: Vec<Command>,
}

/// Carries out on a copy of the host what is proposed for some findings. None: there is nothing to propose.
pub fn trial(findings: &[Finding], case: &HostCase) -> Option<Trial> {
    let mut proposals = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        let views = finding.on_host.as_ref().map_or(&[][..], |on_host| &on_host.views);
        let commands: Vec<Command> = match finding.rule {
            BYPASS => commands::permit(case.host(), views),
            LOOPBACK => commands::guard_loopback(case.host()).into_iter().collect(),
            STRICT => commands::forward(case.host(), finding).into_iter().collect(),
            _ => Vec::new(),
        };
        if !commands.is_empty() {
            proposals.push(Proposal { finding: at, commands });
        }
    }
    if proposals.is_empty() {
        return None;
    }
    let (mut host, mut done) = (case.host().clone(), BTreeSet::new());
    for command in proposals.iter().flat_map(|proposal| &proposal.commands) {
        if done.insert(command.text.clone()) {
            command.carry_out(&mut host);
        }
    }
    Some(Trial { host, doors: case.sights.iter().map(|sight| sight.door.clone()).collect(), proposals })
}

impl Trial {
    /// Adds to the findings what is proven. `sights` are the ways in of the trial, judged there, in their order.
    pub fn advise(&self, findings: &mut [Finding], case: &HostCase, sights: &[Sight]) {
        let firewalld = case.host().firewalld.as_ref();
        let (mut unfit, mut widened) = (HashSet::new(), HashSet::new());
        for (before, after) in case.sights.iter().zip(sights).filter(|(before, after)| before.rulings != after.rulings) {
            let about: Vec<&Command> = self.commands().filter(|command| command.is_about(&before.door, firewalld)).collect();
            if about.is_empty() {
                // Nobody meant this: none of them can be trusted.
                return;
            }
            unfit.extend(about.iter().filter(|it| !it.may_make(before, after)).map(|it| it.text.as_str()));
            let is_open = |sight: &Sight| sight.rulings.iter().any(|ruling| ruling.actual == Verdict::Open);
            if before.door.to.address.is_ipv6() && !is_open(before) && is_open(after) {
                widened.extend(about.iter().map(|command| command.text.as_str()));
            }
        }
        let after: HashMap<Spot, &Sight> = sights.iter().map(|sight| (spot(&sight.door), sight)).collect();
        for proposal in &self.proposals {
            let finding = &mut findings[proposal.finding];
            let views = finding.on_host.as_ref().map_or(&[][..], |on_host| &on_host.views);
            let is_reached = |command: &Command| {
                let mut own = views.iter().filter(|view| command.is_about_view(view, firewalld)).peekable();
                own.peek().is_some() && own.all(|view| after.get(&spot_of(view)).is_some_and(|sight| command.has_done(sight)))
            };
            let proven: Vec<&Command> =
                proposal.commands.iter().filter(|it| !unfit.contains(it.text.as_str()) && is_reached(it)).collect();
            let opens_v6 = proven.iter().any(|command| widened.contains(command.text.as_str()));
            finding.help.extend(commands::help(&proven, opens_v6));
        }
    }

    fn commands(&self) -> impl Iterator<Item = &Command> {
        self.proposals.iter().flat_map(|proposal| &proposal.commands)
    }
}

/// What tells a way in from another, whoever is behind it.
type Spot = (String, std::net::IpAddr, u16, Protocol);

fn spot(door: &Door) -> Spot {
    (door.interface.to_string(), door.to.address, door.to.port, door.to.protocol)
}

fn spot_of(view: &View) -> Spot {
    (view.interface.clone(), view.address, view.port, view.protocol)
}

/// The bindings to loopback that are a way out, in words.
pub fn bind(findings: &mut [Finding], host: &Host) {
    let release = host.engine.as_ref().and_then(|engine| engine.release);
    for finding in findings.iter_mut().filter(|finding| finding.rule == BYPASS) {
        let Some(entry) = finding.on_host.as_ref().and_then(|on_host| bound_to_loopback(&on_host.bindings)) else { continue };
        // moby#49325
        let but = if release.is_some_and(|release| release < (28, 0, 0)) {
            "; engines before 28.0 leave it open to neighbours all the same"
        } else {
            ""
        };
        finding.help.push(format!("publish it as `{entry}` if only this host needs it{but}"));
    }
}

/// An entry that publishes on loopback what some bindings publish, of one port or of a range: `127.0.0.1:8080:80`.
fn bound_to_loopback(bindings: &[Binding]) -> Option<String> {
    let protocol = match bindings.first()?.protocol {
        Protocol::TCP => String::new(),
        other => format!("/{other}"),
    };
    let port = hosts::range(bindings.iter().filter_map(|binding| binding.port))?;
    let target = hosts::range(bindings.iter().map(|binding| binding.target))?;
    Some(format!("127.0.0.1:{port}:{target}{protocol}"))
}

/// The zone of an interface.
fn zone_of<'a>(firewalld: Option<&'a Firewalld>, interface: &str) -> Option<&'a str> {
    firewalld.filter(|it| it.is_running)?.zone_of(interface).map(|(name, _)| name)
}

/// True for a way in that a bypass can be at.
fn is_published(door: &Door) -> bool {
    door.way == Way::Host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_for_loopback_has_the_ports_of_the_publication() {
        let binding = |address: [u8; 4], port: Option<u16>, target: u16, protocol: Protocol| Binding {
            address: address.into(),
            port,
            target,
            protocol,
        };
        let range: Vec<Binding> = (0..3).map(|at| binding([0, 0, 0, 0], Some(9000 + at), 7000 + at, Protocol::TCP)).collect();
        assert_eq!(bound_to_loopback(&range).as_deref(), Some("127.0.0.1:9000-9002:7000-7002"));
        let one = [binding([192, 0, 2, 1], Some(53), 53, Protocol::UDP)];
        assert_eq!(bound_to_loopback(&one).as_deref(), Some("127.0.0.1:53:53/udp"));
        assert_eq!(bound_to_loopback(&[binding([0, 0, 0, 0], None, 80, Protocol::TCP)]), None);
    }
}
