//! What a rule found, and what would mend it.

use super::engine::Binding;
use super::packet::Protocol;
use super::source::Place;
use super::verdict::{BaseChain, Verdict};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much a finding matters; later variants matter more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Good to know; needs no change.
    Note,
    /// Probably not what was meant.
    Warn,
    /// Open to others although it should not be, or refused by Compose.
    Error,
}

impl Level {
    /// The word used on the command line and in our JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One finding of one rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// How much it matters here; the rule's own level is only where it starts from.
    pub level: Level,
    /// The file; empty: it is about the host, and no file is known for it.
    pub path: PathBuf,
    /// The very scalar; None where a file could not be read, and where there is none.
    pub place: Option<Place>,
    /// The service.
    pub service: Option<Arc<str>>,
    /// The publication: the service's entry that the finding is about.
    pub subject: Option<Subject>,
    /// One sentence, lower case, subject first; it stands alone.
    pub message: String,
    /// What stands under the caret: what is open to whom. May be empty.
    pub label: String,
    /// Other places that matter: the anchor, the `extends`, the .env line.
    pub related: Vec<Related>,
    /// One fact or way out a line.
    pub help: Vec<String>,
    /// What would mend it, proven; or why nothing is offered. Filled by the remedy stage; None: the rule has no fix.
    pub fix: Option<Result<Fix, Refusal>>,
    /// What the rule asks the remedy stage for.
    pub remedy: Option<Remedy>,
    /// What of the host it is about; None: a file alone.
    pub on_host: Option<OnHost>,
}

impl Finding {
    /// The file that it is about.
    pub fn file(&self) -> Option<&Path> {
        Some(self.path.as_path()).filter(|path| !path.as_os_str().is_empty())
    }

    /// What it is about, for people: its file, or else what of the host.
    pub fn whereabouts(&self) -> String {
        match (self.file(), &self.on_host) {
            (Some(path), _) => path.to_string_lossy().into_owned(),
            (None, Some(host)) => host.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// What of a host a finding is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnHost {
    /// The container, or the service of a swarm.
    pub container: Option<String>,
    /// Its binding as the docker client writes it: `0.0.0.0:8080->80/tcp`; `*` stands for every address of both families.
    pub publication: Option<String>,
    /// The bindings behind that, where it is about such.
    pub bindings: Vec<Binding>,
    /// The part of the host, where it is about no container: an interface, a chain, a file.
    pub part: Option<String>,
    /// What was judged, the worst first.
    pub views: Vec<View>,
}

impl fmt::Display for OnHost {
    /// `container web, *:8080->80/tcp`; `interface eth0`; `this host`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.container, &self.publication, &self.part) {
            (Some(container), Some(publication), _) => write!(f, "container {container}, {publication}"),
            (Some(container), None, _) => write!(f, "container {container}"),
            (None, _, Some(part)) => f.write_str(part),
            (None, _, None) => f.write_str("this host"),
        }
    }
}

/// What some senders get at one address and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The interface that their packets enter by.
    pub interface: String,
    /// The address that they send to.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The protocol.
    pub protocol: Protocol,
    /// Who they are; empty: everyone but [`Self::except`].
    pub from: Arc<[IpNet]>,
    /// Where `from` is empty: who gets something else.
    pub except: Arc<[IpNet]>,
    /// As the host is.
    pub actual: Verdict,
    /// As it is meant.
    pub intended: Verdict,
    /// The way that their packets take, as the host is.
    pub path: super::verdict::Path,
    /// The rule that lets the packet in, or stops it, as the host is: its table, its chains and its text; where that cannot be told, what
    /// stands in the way.
    pub decided_by: Option<String>,
    /// The same for what is meant.
    pub meant_by: Option<String>,
    /// The base chain in which that rule was met; None where no rule decides.
    pub meant_in: Option<BaseChain>,
}

/// The publication that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The service's name.
    pub service: Arc<str>,
    /// Its index in [`super::project::Service::publications`].
    pub publication: usize,
    /// `127.0.0.1:8080->80/tcp`
    pub text: String,
}

/// Another place that matters to a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The place.
    pub place: Place,
    /// What is there; one line, lower case.
    pub message: String,
}

/// A change that a rule would like to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Bind the publication to loopback.
    BindToLoopback,
    /// Give the variable in the address slot a safe default.
    DefaultToLoopback,
    /// Put `!override` before the list at this place, so that it replaces the earlier one.
    OverrideList(Place),
}

/// A proven change of one or more files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in the imperative: `bind to 127.0.0.1`.
    pub title: String,
    /// The replacements; they do not overlap.
    pub edits: Vec<Edit>,
}

/// The replacement of a range of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; an empty span inserts.
    pub place: Place,
    /// What stands there afterwards.
    pub replacement: String,
}

/// Why no fix is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One sentence, lower case.
    pub reason: String,
}

/// What a run saw, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Compose files that were given or found, read or not.
    pub files: usize,
    /// Services, dormant ones included.
    pub services: usize,
    /// Publications: entries of `ports` lists.
    pub publications: usize,
    /// Findings of level error.
    pub errors: usize,
    /// Findings of level warn.
    pub warnings: usize,
    /// Findings of level note.
    pub notes: usize,
    /// Findings that an allowance or an exception took away.
    pub allowed: usize,
    /// Findings that the baseline accepts.
    pub baselined: usize,
    /// Findings with a proven fix.
    pub fixable: usize,
    /// Files, or parts of a project, that could not be read.
    pub unread: usize,
    /// What was seen of a host; None: none was looked at.
    pub host: Option<HostSummary>,
}

/// What a host publishes, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostSummary {
    /// Containers, and services of a swarm, that publish a port.
    pub containers: usize,
    /// Published ports: a port that is bound to several addresses counts once.
    pub ports: usize,
    /// Those of them that are open to somebody although the host firewall means to refuse it.
    pub bypasses: usize,
    /// Those of them about which it cannot be told, and that are no bypass.
    pub unsure: usize,
}
