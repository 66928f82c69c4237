//! What the owner of a host or a project means to be reachable. Shared by the linter and the lock.

use super::finding::Level;
use super::publication::PortRange;
use super::source::Place;
use ipnet::IpNet;
use std::fmt;

/// Everything that says what is meant to be open in a project. The sources add up: none takes away what another allows.
#[derive(Clone, Debug, Default)]
pub struct Intent {
    /// Allowances: extension fields, labels, policy files.
    pub grants: Vec<Grant>,
    /// Comments that switch a rule off at one place.
    pub exceptions: Vec<Exception>,
    /// What the policy file says of whole rules; at most one for each.
    pub levels: Vec<RuleLevel>,
    /// Whether the policy file trusts labels; None where it says nothing. The lock obeys labels only where this is true; the linter,
    /// for which a label is one more line under review, obeys them unless this is false.
    pub trusts_labels: Option<bool>,
    /// What was meant for us and could not be understood. It allows nothing.
    pub mistakes: Vec<Mistake>,
}

/// One allowance: which ports may be reached, from where, through which interface.
///
/// Written `443/tcp`, `8080/tcp from 10.0.0.0/8`, `53/udp in wg0`, `8000-8010/tcp from 10.0.0.0/8, 192.0.2.7 in eth1`, `any`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Which host ports.
    pub ports: PortSelector,
    /// Source prefixes; empty: from everywhere.
    pub from: Vec<IpNet>,
    /// The interface that packets enter by; None: any.
    pub interface: Option<String>,
}

impl Allowance {
    /// True if it limits who may connect; a limit that a compose file cannot express, so that only host rules can enforce it.
    /// `0.0.0.0/0` together with `::/0` limits nothing.
    pub fn is_limited(&self) -> bool {
        !self.is_from_everywhere() || self.interface.is_some()
    }

    /// True if it names no source, or all of them.
    pub fn is_from_everywhere(&self) -> bool {
        let is_whole = |is_v4| self.from.iter().any(|net| net.prefix_len() == 0 && net.addr().is_ipv4() == is_v4);
        self.from.is_empty() || (is_whole(true) && is_whole(false))
    }
}

/// Which host ports an allowance names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortSelector {
    /// `any`: every port and protocol.
    Any,
    /// Some ports of one protocol (`tcp`, `udp` or `sctp`).
    Ports {
        /// The ports, 1 to 65535.
        ports: PortRange,
        /// The protocol, lower case.
        protocol: String,
    },
}

/// An allowance, with where it was written and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What is allowed.
    pub allowance: Allowance,
    /// What it is about.
    pub scope: Scope,
    /// Why, in the owner's words.
    pub reason: Option<String>,
    /// Where it is written.
    pub place: Place,
    /// By which means.
    pub means: Means,
}

/// What a grant is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All services of the project.
    Project,
    /// One service.
    Service(String),
    /// One container of a host: what its label allows.
    Container(String),
    /// The one publication whose entry stands at this place.
    Publication(Place),
}

impl fmt::Display for Scope {
    /// `the project`, `web`, `the port at compose.yaml:4:9`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project => write!(f, "the project"),
            Self::Service(name) => write!(f, "{name}"),
            Self::Container(name) => write!(f, "container {name}"),
            Self::Publication(place) => write!(f, "the port at {place}"),
        }
    }
}

/// How a grant was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// `x-docker-firewall` in a compose file.
    Extension,
    /// The label `docker-firewall.allow`.
    Label,
    /// The policy file.
    PolicyFile,
}

/// A rule that is switched off at one place by a comment: `# docker-firewall: allow <rule> -- reason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The rule's name.
    pub rule: String,
    /// Why, in the owner's words; never empty.
    pub reason: String,
    /// The comment.
    pub place: Place,
    /// The line that it speaks about; the first line is 1.
    pub line: u32,
}

/// What the policy file says of a whole rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLevel {
    /// The rule's name, as written.
    pub rule: String,
    /// The level that all its findings get; None: it is switched off.
    pub level: Option<Level>,
    /// Why, in the owner's words; never empty where the rule is switched off.
    pub reason: Option<String>,
    /// The rule's name in the policy file.
    pub place: Place,
}

/// Something that was meant for us and could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is.
    pub place: Place,
    /// What is wrong; one sentence, lower case, subject first.
    pub message: String,
    /// What to write instead, if that is known; one line, lower case.
    pub help: Option<String>,
}

impl fmt::Display for Allowance {
    /// The grammar's own form; reading it back gives the same allowance.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ports {
            PortSelector::Any => write!(f, "any")?,
            PortSelector::Ports { ports, protocol } => write!(f, "{ports}/{protocol}")?,
        }
        for (index, prefix) in self.from.iter().enumerate() {
            write!(f, "{}{prefix}", if index == 0 { " from " } else { ", " })?;
        }
        match &self.interface {
            Some(interface) => write!(f, " in {interface}"),
            None => Ok(()),
        }
    }
}
