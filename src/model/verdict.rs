//! What is judged of a packet: whether it gets through, by which way and by which rules.

use std::net::IpAddr;
use std::sync::Arc;

/// Whether a packet gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The filters let it reach the host or the container, whether anything listens there or not.
    Open,
    /// A rule or the routing refuses it.
    Closed,
    /// It cannot be told.
    Unsure,
}

impl Verdict {
    /// The word used on the screen and in our JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Unsure => "unsure",
        }
    }
}

/// The way that a packet took, as far as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Refused before its way was chosen.
    Nowhere,
    /// To a process of the host.
    Input,
    /// Through the host, with its own destination.
    Forward,
    /// Through the host, to a translated destination.
    Translated,
    /// Between two ports of a bridge.
    Bridge,
    /// Past every hook of the host.
    Beside,
}

impl Path {
    /// The word used on the screen and in our JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nowhere => "nowhere",
            Self::Input => "input",
            Self::Forward => "forward",
            Self::Translated => "dnat-forward",
            Self::Bridge => "bridge",
            Self::Beside => "beside",
        }
    }
}

/// One thing that happened to the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// `prerouting`, `forward` …; `routing` for what is no rule.
    pub hook: &'static str,
    /// `inet firewalld`; empty where no rule did it.
    pub table: String,
    /// The chain, after those that called it; empty where no rule did it.
    pub chains: Vec<Arc<str>>,
    /// The rule as its tool writes it, or `policy`.
    pub rule: String,
    /// `accept`, `drop`, `dnat to 172.17.0.2:80`
    pub effect: String,
}

/// A chain that a hook calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseChain {
    /// The title of its table: `inet firewalld`.
    pub table: String,
    /// Its name.
    pub name: Arc<str>,
}

/// What becomes of a packet, and why.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Whether it gets through.
    pub verdict: Verdict,
    /// The way that it took.
    pub path: Path,
    /// What happened to it on the way, in order; where the verdict is Unsure, one of the possible ways.
    pub hops: Vec<Hop>,
    /// Where the verdict is Unsure: what stands in the way of a certain one, and what would settle it.
    pub doubts: Vec<String>,
    /// Where it is delivered, after translation (port None: to one of several); None where it is not.
    pub delivered: Option<(IpAddr, Option<u16>)>,
}

impl Trace {
    /// Where in the hops it is decided: the one that stops the packet, or else the one that sends it on its way (a translation), or else
    /// the last rule that lets it pass; None where nothing is certain, and where nothing happened.
    pub fn decisive(&self) -> Option<usize> {
        let last = |such: &dyn Fn(&Hop) -> bool| self.hops.iter().rposition(such);
        let is_rule = |hop: &Hop| !hop.table.is_empty();
        match self.verdict {
            Verdict::Open => self
                .hops
                .iter()
                .position(|hop| is_rule(hop) && hop.effect.starts_with("dnat to"))
                .or_else(|| last(&|hop| is_rule(hop) && !hop.is_policy()))
                .or_else(|| last(&is_rule)),
            // Where no rule stopped it last, the routing did.
            Verdict::Closed => None,
            Verdict::Unsure => return None,
        }
        .or_else(|| self.hops.len().checked_sub(1))
    }
}

impl Hop {
    /// The base chain; None where no rule did it.
    pub fn base(&self) -> Option<BaseChain> {
        Some(BaseChain { table: self.table.clone(), name: Arc::clone(self.chains.first()?) })
    }

    /// The chain, after those that called it: `FORWARD > DOCKER-USER`.
    pub fn chain(&self) -> String {
        self.chains.join(" > ")
    }

    /// True if no rule fitted and the chain's policy spoke.
    pub fn is_policy(&self) -> bool {
        self.rule == "policy"
    }
}

/// Whether anything on the host listens where the packet is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something does: the program's name, where it may be seen.
    Yes(Option<String>),
    /// Nothing does.
    No,
    /// It is not delivered to the host itself, or listeners are unread.
    Unknown,
}

/// What is real and what is meant.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The packet on the host as it is.
    pub actual: Trace,
    /// The packet on the host without the engine's rules: what an ordinary process on the same port would get.
    pub intended: Trace,
    /// Whether anything listens there.
    pub listener: Heard,
}

impl Assessment {
    /// True if the packet gets through although the host's filters mean to refuse it.
    pub fn is_bypass(&self) -> bool {
        self.actual.verdict == Verdict::Open && self.intended.verdict == Verdict::Closed
    }
}
