//! What Compose asks the engine to publish.

use super::origin::{Certainty, Origin};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// One entry of a `ports` list, resolved: it asks for one host port or for a range of them.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The service that it belongs to.
    pub service: Arc<str>,
    /// The host address as Compose hands it on: without brackets, not normalised. None: omitted, which is every address, v4 and v6.
    pub host_ip: Option<String>,
    /// The host port.
    pub published: Published,
    /// The container port or ports.
    pub target: PortRange,
    /// `tcp`, `udp`, `sctp`; in the long syntax any word, since Compose checks none.
    pub protocol: String,
    /// `ingress` (the default) or `host`; only Swarm heeds it.
    pub mode: String,
    /// How it is written.
    pub entry: Entry,
}

/// How a `ports` entry is written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The entry: the scalar of a short entry, the mapping of a long one.
    pub origin: Origin,
    /// Which of the forms.
    pub form: Form,
    /// A short entry after substitution; of a long one, its canonical short text.
    pub text: String,
    /// Long syntax: the scalar after `host_ip:`, if there is one. None for short entries.
    pub host_ip: Option<Origin>,
    /// Long syntax: the scalar after `published:`, if there is one. None for short entries.
    pub published: Option<Origin>,
    /// Long syntax: the scalar after `target:`. None for short entries.
    pub target: Option<Origin>,
    /// Long syntax: what stands under `x-docker-firewall`.
    pub extension: Option<super::setting::Setting>,
    /// The key `ports` that it stands under.
    pub list_key: Option<super::source::Place>,
    /// Which layer wrote it: 0 for the first file's first document, counting up through documents and files. An inherited entry
    /// (`extends`) has the layer of the file that extends.
    pub layer: u32,
}

/// The forms of a `ports` entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A short entry that is a YAML number: `- 80`.
    Number,
    /// A short entry as a plain scalar: `- 8080:80`.
    Plain,
    /// A short entry in quotes (single or double).
    Quoted,
    /// A short entry in a block scalar, or in quotes with escapes: its bytes are not its value, so no edit is offered.
    Folded,
    /// The long syntax, block or flow style.
    Long,
}

/// The host port of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// Omitted, empty or 0: the engine picks a free port at each start.
    Ephemeral,
    /// As many host ports as container ports, in pairs.
    Ports(PortRange),
    /// One port of this range, chosen at start (a host range before a single container port).
    OneOf(PortRange),
    /// Long syntax only: a text that Compose lets through and the engine will refuse (`"abc"`, `99999`).
    Unchecked(String),
}

/// Ports from `first` to `last`, both inclusive. Container ports of the long syntax may exceed 65535: Compose lets them through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    /// The lowest port.
    pub first: u32,
    /// The highest port.
    pub last: u32,
}

impl PortRange {
    /// A single port.
    pub fn single(port: u32) -> Self {
        Self { first: port, last: port }
    }

    /// How many ports.
    pub fn count(self) -> u32 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// True if `port` is among them.
    pub fn contains(self, port: u32) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// True if the two have a port in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

/// Who may connect to a host address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every address of the host, v4 and v6: no host address is given.
    Everywhere,
    /// Every v4 address of the host (`0.0.0.0`).
    EveryV4,
    /// Every v6 address of the host (`::`).
    EveryV6,
    /// One address of the host that is not loopback.
    Address(IpAddr),
    /// Loopback: the host itself only.
    Loopback,
    /// A text that is no address: the engine will refuse it.
    Invalid,
}

impl Reach {
    /// What a host address means to the engine. `::ffff:a.b.c.d` is the v4 address (moby unmaps it).
    pub fn of(host_ip: Option<&str>) -> Self {
        let Some(text) = host_ip else { return Self::Everywhere };
        let Ok(address) = text.parse::<IpAddr>() else { return Self::Invalid };
        match address.to_canonical() {
            address if address.is_loopback() => Self::Loopback,
            IpAddr::V4(v4) if v4.is_unspecified() => Self::EveryV4,
            IpAddr::V6(v6) if v6.is_unspecified() => Self::EveryV6,
            address => Self::Address(address),
        }
    }

    /// True if it is every interface, in at least one family.
    pub fn is_wildcard(self) -> bool {
        matches!(self, Self::Everywhere | Self::EveryV4 | Self::EveryV6)
    }
}

impl Publication {
    /// Who may connect, from the host address alone.
    pub fn reach(&self) -> Reach {
        Reach::of(self.host_ip.as_deref())
    }

    /// How sure the entry is: as sure as its least sure variable.
    pub fn certainty(&self) -> Certainty {
        let parts = [&self.entry.host_ip, &self.entry.published, &self.entry.target];
        let of_parts = parts.into_iter().flatten().map(Origin::certainty);
        of_parts.chain([self.entry.origin.certainty()]).max().unwrap_or_default()
    }

    /// True for the long syntax.
    pub fn is_long(&self) -> bool {
        self.entry.form == Form::Long
    }
}

impl fmt::Display for Publication {
    /// `127.0.0.1:8080->80/tcp`, as the docker client writes it; `*` stands for every address, `?` for an ephemeral port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host_ip {
            None => write!(f, "*:")?,
            Some(address) if address.contains(':') => write!(f, "[{address}]:")?,
            Some(address) => write!(f, "{address}:")?,
        }
        match &self.published {
            Published::Ephemeral => write!(f, "?")?,
            Published::Ports(range) | Published::OneOf(range) => write!(f, "{range}")?,
            Published::Unchecked(text) => write!(f, "{}", text.escape_debug())?,
        }
        write!(f, "->{}/{}", self.target, self.protocol.escape_debug())
    }
}

/// One binding, as the loader prints it: a range is one binding for each pair of ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The publication it comes from, by its index in [`super::project::Service::publications`].
    pub publication: usize,
    /// The host port, in Compose's own words: absent, a port, a range to choose from, or an unchecked text.
    pub published: Option<String>,
    /// The container port.
    pub target: u32,
}
