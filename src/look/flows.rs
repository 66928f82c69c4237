//! The connections of this moment.
//!
//! Out: those of protocols with ports, in both families: what the kernel keeps track of, and what the sockets of servers say besides. Where
//! no rule asks for the state of connections, the kernel keeps track of none; and where it began to while a connection was there, it takes
//! the server for who began it, if that one sent next (`nf_conntrack_tcp_loose`). Sockets of UDP say nothing of their clients. Not here:
//! which connections matter.

use crate::model::flow::{Direction, Flow};
use crate::model::packet::{Family, Protocol};
use crate::model::system::reason;
use crate::netlink::conntrack::{self, Entry};
use crate::netlink::sockets::{self, Shown};
use crate::netlink::{Channel, Subsystem};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

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

/// Looks at the connections of both families, in this network namespace and in those of containers.
///
/// # Errors
/// [`FlowsError`].
pub fn flows() -> Result<Flows, FlowsError> {
    // The sockets first: of those that take a connection meanwhile, it is tracked already.
    let served = served(&namespaces());
    let listed = Channel::open(Subsystem::Netfilter).and_then(|mut channel| {
        let mut flows = Vec::new();
        for family in [Family::V4, Family::V6] {
            flows.extend(channel.list_whole(conntrack::GET, &conntrack::all(family))?);
        }
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
    flows.flows.extend(untracked(served, &flows.flows));
    Ok(flows)
}

/// Of what servers send, that of connections which the kernel does not track, or in which it takes the server for the client.
fn untracked(served: BTreeSet<Direction>, tracked: &[Flow]) -> Vec<Flow> {
    let tcp = tracked.iter().filter(|flow| flow.protocol == Protocol::TCP);
    let known: BTreeSet<Direction> = tcp.map(|flow| flow.reply).collect();
    let flow = |reply: Direction| Flow {
        protocol: Protocol::TCP,
        original: reply.turned(),
        reply,
        is_answered: true,
        zone: 0,
        id: None,
    };
    served.into_iter().filter(|reply| !known.contains(reply)).map(flow).collect()
}

/// What TCP servers of this network namespace and of these send. A kernel that does not show its sockets is one of which the connection
/// table says all that can be known.
fn served(namespaces: &[PathBuf]) -> BTreeSet<Direction> {
    let others = namespaces.iter().map(|path| Channel::open_in(Subsystem::Sockets, path));
    let channels = std::iter::once(Channel::open(Subsystem::Sockets)).chain(others).filter_map(Result::ok);
    let mut served = BTreeSet::new();
    for mut channel in channels {
        let mut list = |family| channel.list(sockets::SHOW, &sockets::all(family)).map(|(shown, _)| shown).unwrap_or_default();
        let shown = [list(Family::V4), list(Family::V6)].concat();
        served.extend(sent_by_servers(&shown.iter().filter_map(|shown| sockets::socket(shown)).collect::<Vec<_>>()));
    }
    served
}

/// What sockets send from ports that others of them wait for connections on, but for what stays inside.
fn sent_by_servers(sockets: &[Shown]) -> impl Iterator<Item = Direction> {
    let listening: BTreeSet<u16> =
        sockets.iter().filter(|socket| socket.is_listening).map(|socket| socket.packets.source_port).collect();
    let sent = sockets.iter().filter(|socket| !socket.is_listening).map(|socket| socket.packets);
    sent.filter(move |sent| {
        let stays = sent.destination.is_loopback() || sent.source == sent.destination;
        listening.contains(&sent.source_port) && !stays
    })
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

    fn packets(source: &str, source_port: u16, destination: &str, destination_port: u16) -> Direction {
        let address = |text: &str| text.parse().unwrap();
        Direction { source: address(source), destination: address(destination), source_port, destination_port }
    }

    #[test]
    fn what_a_server_sends_is_told_from_what_a_client_sends_by_the_port_that_somebody_waits_on() {
        let shown = |is_listening, packets| Shown { is_listening, packets };
        let answer = packets("192.0.2.1", 80, "192.0.2.7", 50000);
        let sockets = [
            shown(true, packets("0.0.0.0", 80, "0.0.0.0", 0)),
            shown(false, answer),
            shown(false, packets("192.0.2.1", 45000, "192.0.2.7", 80)),
            shown(false, packets("127.0.0.1", 80, "127.0.0.1", 45001)),
            shown(false, packets("192.0.2.1", 80, "192.0.2.1", 45002)),
        ];
        assert_eq!(sent_by_servers(&sockets).collect::<Vec<_>>(), [answer]);
    }

    #[test]
    fn a_socket_adds_a_connection_only_where_none_is_tracked_that_it_answers() {
        let answer = packets("2001:db8::1", 80, "2001:db8::7", 50000);
        let flow = |original: Direction, protocol| Flow {
            protocol,
            original,
            reply: original.turned(),
            is_answered: true,
            zone: 0,
            id: Some(7),
        };
        let added = |tracked: &[Flow]| untracked([answer].into(), tracked);
        assert_eq!(added(&[flow(answer.turned(), Protocol::TCP)]), []);
        let ours = Flow { id: None, ..flow(answer.turned(), Protocol::TCP) };
        for tracked in [&[][..], &[flow(answer, Protocol::TCP)], &[flow(answer.turned(), Protocol::UDP)]] {
            assert_eq!(added(tracked), std::slice::from_ref(&ours));
        }
    }

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
