//! What a host publishes and what becomes of those who ask for it: the rows of `ports --host`.

use super::finding::View;
use super::packet::{Family, Protocol};
use super::verdict::Verdict;
use std::net::IpAddr;

/// One host address and port that leads to a container, or what a container has in place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Who is behind it.
    pub owner: Owner,
    /// What kind of way it is.
    pub kind: OpeningKind,
    /// The address that is asked; unspecified: every address of its family. None: no single one.
    pub bind: Option<IpAddr>,
    /// The port that is asked; None: any.
    pub port: Option<u16>,
    /// The port that the container listens on; None: it is not known.
    pub target: Option<u16>,
    /// The protocol; None: any.
    pub protocol: Option<Protocol>,
    /// What is judged, one side of the host each; empty where packets pass no rule that could be judged.
    pub sides: Vec<Side>,
    /// Why it is so, the phrases that matter most; each once.
    pub reasons: Vec<Reason>,
}

/// Who is behind an opening.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The container's name, or that of the service of a swarm; of what no record explains, the chain of the rule.
    pub name: String,
    /// Which of the two it is.
    pub is_swarm_service: bool,
    /// The compose project and its service; None: the container was not made by compose.
    pub compose: Option<(String, String)>,
}

/// Kinds of openings; in this order they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpeningKind {
    /// A port of the host that the engine opened.
    Published,
    /// A port at the container's own address, opened by the engine on a `routed` network.
    Routed,
    /// A port that a rule sends on of which no record of the engine knows.
    Unmanaged,
    /// A container that listens on the host itself, behind its firewall.
    HostNetwork,
    /// A container with an address of its own in the network outside, past the rules of the host.
    BesideTheHost,
}

impl OpeningKind {
    /// The word used in our JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Routed => "routed",
            Self::Unmanaged => "unmanaged",
            Self::HostNetwork => "host-network",
            Self::BesideTheHost => "beside-the-host",
        }
    }
}

/// An opening as it is asked for from one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The interface that the packets enter by.
    pub interface: String,
    /// Their family.
    pub family: Family,
    /// What the senders there get, all together, as the host is.
    pub actual: Answer,
    /// As it is meant.
    pub intended: Answer,
    /// Each group of senders by itself.
    pub views: Vec<View>,
}

impl Side {
    /// True if somebody gets through whom the host firewall means to refuse.
    pub fn is_bypass(&self) -> bool {
        self.views.iter().any(|view| view.actual == Verdict::Open && view.intended == Verdict::Closed)
    }

    /// True if for some senders it cannot be told.
    pub fn is_unsure(&self) -> bool {
        self.views.iter().any(|view| view.actual == Verdict::Unsure || view.intended == Verdict::Unsure)
    }
}

/// What the senders of one side get, all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// All are refused.
    Closed,
    /// Those on the link itself get through, others are refused.
    LanOnly,
    /// Some get through; most are refused.
    SomeSources,
    /// It cannot be told.
    Unsure,
    /// Most get through; single senders may be refused.
    Open,
}

impl Answer {
    /// The word used on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::LanOnly => "LAN only",
            Self::SomeSources => "some sources",
            Self::Unsure => "unsure",
            Self::Open => "open",
        }
    }

    /// The word used in our JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::LanOnly => "lan-only",
            Self::SomeSources => "some-sources",
            other => other.word(),
        }
    }
}

/// Why an opening is as it is: a phrase, and what it is about. Phrases of one kind are said together: `DNAT before zone a and zone b`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// How much it matters.
    pub weight: Weight,
    /// `bypass: DNAT before`, `refused by`
    pub phrase: String,
    /// `zone public`; may be empty.
    pub subject: String,
}

/// How much a reason matters; later ones matter more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It is as it is meant.
    AsMeant,
    /// It is not as it is meant, or cannot be told.
    Otherwise,
    /// It is open although it is meant to be closed.
    Bypass,
}

impl Opening {
    /// Why it is so, as one line.
    pub fn why(&self) -> String {
        why(&self.reasons)
    }
}

/// Reasons as one line: those with one phrase together, each once.
pub fn why(reasons: &[Reason]) -> String {
    let mut phrases: Vec<(&str, Vec<&str>)> = Vec::new();
    for Reason { phrase, subject, .. } in reasons {
        match phrases.iter_mut().find(|(own, _)| own == phrase) {
            Some((_, subjects)) if subjects.contains(&subject.as_str()) => {}
            Some((_, subjects)) => subjects.push(subject),
            None => phrases.push((phrase, vec![subject])),
        }
    }
    let lines = phrases.iter().map(|(phrase, subjects)| {
        let (zones, others): (Vec<&str>, Vec<&str>) = subjects.iter().partition(|subject| subject.starts_with("zone "));
        let names: Vec<&str> = zones.iter().filter_map(|zone| zone.strip_prefix("zone ")).collect();
        let zones = match names.as_slice() {
            [] | [_] => zones.concat(),
            [names @ .., last] => format!("zones {} and {last}", names.join(", ")),
        };
        let subjects = others.into_iter().chain(Some(zones.as_str()).filter(|zones| !zones.is_empty()));
        format!("{phrase} {}", subjects.collect::<Vec<_>>().join(", ")).trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("; ")
}
