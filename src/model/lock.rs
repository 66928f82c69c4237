//! A lock: what is done to put it in force, what is remembered of it, and why there is none.

use super::guard::Permit;
use super::packet::Protocol;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The file that remembers a lock as long as the machine runs.
pub const REMEMBERED: &str = "/run/docker-firewall/lock.json";

/// The name of our table of nftables, in the family `inet`.
pub const TABLE: &str = "docker_firewall";

/// Whose rules a lock is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// A table of our own.
    Nftables,
    /// Chains of our own in the tables of iptables, with a jump from the engine's chain for its owner.
    DockerUser,
}

impl Backend {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::DockerUser => "docker-user",
        }
    }

    /// The tool that loads its rules of v4, and without which there is no lock by it.
    pub fn loader(self) -> &'static str {
        match self {
            Self::Nftables => "nft",
            Self::DockerUser => "iptables-restore",
        }
    }
}

/// Something that a tool of the host is to load, whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// The tool and its arguments.
    pub words: Vec<String>,
    /// What it reads.
    pub text: String,
}

/// A lock's own word of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The version that made it.
    pub version: String,
    /// When, in seconds since 1970-01-01 UTC.
    pub since: u64,
    /// When it ends by itself, in the same; None: it stays.
    pub until: Option<u64>,
    /// Whose rules it is written in.
    pub backend: Backend,
    /// True if it lets nothing in on the host firewall's word.
    pub refuses_all: bool,
    /// What its owner lets in, one allowance each.
    pub allowed: Vec<String>,
    /// True if labels of containers let in, too.
    pub trusts_labels: bool,
    /// What tells its rules from others: see [`digest`](crate::model::lock::Memory::digest).
    pub digest: String,
    /// Where the host firewall had rules when it was made.
    pub obeyed: BTreeSet<String>,
    /// What it lets in.
    pub permits: Vec<Permit>,
}

/// What a lock does, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What is open without it and closed by it.
    pub closed: Vec<Line>,
    /// What stays open.
    pub open: Vec<Line>,
    /// What no rule of the host reaches, in words.
    pub beside: Vec<String>,
}

/// A port that a lock is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Who publishes it.
    pub publisher: String,
    /// The port: of the host; of a container, where it is asked for at its own address.
    pub port: u16,
    /// Its protocol.
    pub protocol: Protocol,
    /// Where it is asked for, if that is no address of the host: `at its own address`.
    pub place: Option<String>,
    /// Who is concerned: `to everyone who comes in by eth0, v4 and v6`.
    pub whom: String,
}

/// How a lock stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose rules it is written in; more than one where a change of backend was broken off.
    pub backends: Vec<Backend>,
    /// What is remembered of it; None: nothing is.
    pub memory: Option<Memory>,
    /// What it does, if it holds; else what stands against it.
    pub holds: Result<Account, Refusal>,
    /// Why it is not the one that would be made today; None: it is.
    pub stale: Option<String>,
}

/// Why there is no lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The host firewall refuses nothing, and nobody said what is to be let in.
    NothingToObey,
    /// Rules of the host firewall have gone that a lock obeys: what it is to let in is not known without them.
    Bereft,
    /// Something could not be seen that the lock hangs on: why, and the command that shows it.
    Unread(String, String),
    /// A name cannot be written into a rule.
    Name(String),
    /// The host has no chain that the lock could be called from.
    NoChain,
    /// Only a part of it is there: where something is missing.
    Half(String),
    /// It does not prove: the packet, and what would become of it.
    Unproven(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingToObey => f.write_str("the host firewall refuses nothing: there is no rule that a lock could obey"),
            Self::Bereft => {
                f.write_str("rules of the host firewall that it obeys are gone, and with them what it is held against")
            }
            Self::Unread(why, _) => write!(f, "what the lock hangs on could not be seen: {why}"),
            Self::Name(name) => write!(f, "the interface name {} cannot be written into a rule", name.escape_debug()),
            Self::NoChain => f.write_str("the engine has no chain DOCKER-USER here"),
            Self::Half(place) => write!(f, "only a part of it is there: {place} has not what belongs there"),
            Self::Unproven(what) => write!(f, "the rules do not prove on a model of this host: {what}"),
        }
    }
}
