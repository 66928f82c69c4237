//! The connections of this moment, as the kernel keeps track of them.
//!
//! Out: those of protocols with ports, in both families. Where the kernel tracks nothing there are none. Not here: which of them matter.

use crate::model::flow::Flow;
use crate::model::packet::Family;
use crate::model::system::reason;
use crate::netlink::conntrack::{self, Entry};
use crate::netlink::{Channel, Subsystem};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// How often one begins again because connections came and went meanwhile.
const TRIES: usize = 3;

/// Where the engine keeps its containers' network namespaces (libnetwork `osl/namespace_linux.go`).
const NAMESPACES: &str = "/run/docker/netns";

/// Why the connections are not known.
#[derive(Debug, Error)]
pub enum FlowsError {
    /// We may not.
    #[error("the connections of this host are shown to root alone (CAP_NET_ADMIN)")]
    NotRoot,
    /// The kernel does not show them, or not as we know it.
    #[error("the kernel does not show the connections of this host: {}", reason(.0))]
    System(#[source] io::Error),
}

impl FlowsError {
    /// The command that shows them.
    pub fn command(&self) -> &'static str {
        "sudo conntrack -L"
    }
}

/// The connections of this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// Those of protocols with ports.
    pub flows: Vec<Flow>,
    /// How many are told in a way that we do not know.
    pub unknown: usize,
}

/// Looks at the connections of both families.
///
/// # Errors
/// [`FlowsError`].
pub fn flows() -> Result<Flows, FlowsError> {
    let listed = Channel::open(Subsystem::Netfilter).and_then(|mut channel| {
        let mut flows = list(&mut channel, Family::V4)?;
        flows.extend(list(&mut channel, Family::V6)?);
        Ok(flows)
    });
    let bodies = listed.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied => FlowsError::NotRoot,
        _ => FlowsError::System(error),
    })?;
    let mut flows = Flows::default();
    for body in bodies {
        match conntrack::entry(&body) {
            Entry::Flow(flow) => flows.flows.push(flow),
            Entry::Portless => {}
            Entry::Unknown => flows.unknown += 1,
        }
    }
    Ok(flows)
}

fn list(channel: &mut Channel, family: Family) -> io::Result<Vec<Vec<u8>>> {
    for _ in 0..TRIES {
        if let (bodies, true) = channel.list(conntrack::GET, &conntrack::all(family))? {
            return Ok(bodies);
        }
    }
    Err(io::Error::new(io::ErrorKind::Interrupted, "they changed all the time"))
}

/// The network namespaces of the engine's containers; none where the engine keeps none, or keeps them elsewhere.
pub fn namespaces() -> Vec<PathBuf> {
    in_folder(Path::new(NAMESPACES))
}

fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_namespaces_are_the_files_of_the_engines_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b", "a"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(in_folder(folder.path()), [folder.path().join("a"), folder.path().join("b")]);
        assert!(in_folder(&folder.path().join("none")).is_empty());
    }
}
