//! Ends connections that the rules refuse from now on: rules say who may begin one, and let go on what has begun.
//!
//! In: the connections, and the network namespaces in which their servers may be. Out: what became of them. The server's socket is closed
//! first, which tells the client; then the kernel's record of the connection goes, so that its next packet is a new one's. The record alone
//! is not enough: where the container sends next, its packet begins a connection of its own, outwards, and the client's packets answer
//! that one (`nf_conntrack_tcp_loose`; seen with `80:80`, and where nothing is translated). Only sockets of TCP are closed: others serve
//! many clients with one. Not here: which connections; the rules, which come first, or the client is back at once; and those that refuse
//! the packets of connections which cannot be closed ([`crate::remedy::lock::loads_that_cut`]).

use crate::model::flow::{Direction, Flow};
use crate::model::packet::Protocol;
use crate::model::system::reason;
use crate::netlink::conntrack::{DELETE, one};
use crate::netlink::sockets::{DESTROY, SHOW, exactly, sender_of};
use crate::netlink::{Channel, Subsystem};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// After so many milliseconds each, answers that were under way are looked for.
const PAUSES: [u64; 4] = [5, 15, 30, 50];

/// What became of them. Each connection is in exactly one of `closed`, `forgotten`, `gone` and `failed`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Their socket is closed: they are at an end.
    pub closed: Vec<Flow>,
    /// The kernel does not know them any more, and their socket was not found or is none that may be closed: the client's packets are
    /// refused, until the server sends some by itself, if nothing else refuses those.
    pub forgotten: Vec<Flow>,
    /// They had ended already.
    pub gone: Vec<Flow>,
    /// They go on; why.
    pub failed: Vec<(Flow, String)>,
    /// Where nobody could look for sockets; why.
    pub unseen: Vec<String>,
}

impl Cut {
    /// The same, with what became of others.
    pub fn add(&mut self, others: Self) {
        let Self { closed, forgotten, gone, failed, unseen } = others;
        self.closed.extend(closed);
        self.forgotten.extend(forgotten);
        self.gone.extend(gone);
        self.failed.extend(failed);
        let new: Vec<String> = unseen.into_iter().filter(|why| !self.unseen.contains(why)).collect();
        self.unseen.extend(new);
    }
}

/// Ends connections.
pub fn cut(flows: &[Flow], namespaces: &[PathBuf]) -> Cut {
    let mut cut = Cut::default();
    let mut closed = BTreeSet::new();
    if let Err(error) = Channel::open(Subsystem::Sockets).and_then(|channel| close(channel, flows, &mut closed)) {
        cut.unseen.push(format!("the sockets of this host: {}", reason(&error)));
    }
    for namespace in namespaces {
        match Channel::open_in(Subsystem::Sockets, namespace).and_then(|channel| close(channel, flows, &mut closed)) {
            Ok(()) => {}
            // A container that has ended took its own along.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => cut.unseen.push(format!("the sockets in {}: {}", namespace.display(), reason(&error))),
        }
    }
    let mut channel = match Channel::open(Subsystem::Netfilter) {
        Ok(channel) => channel,
        Err(error) => {
            cut.failed = flows.iter().map(|flow| (flow.clone(), reason(&error))).collect();
            return cut;
        }
    };
    for (at, flow) in flows.iter().enumerate() {
        let is_closed = closed.contains(&at);
        match channel.ask(DELETE, &one(flow)) {
            _ if is_closed => cut.closed.push(flow.clone()),
            Ok(_) => cut.forgotten.push(flow.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => cut.gone.push(flow.clone()),
            Err(error) => cut.failed.push((flow.clone(), reason(&error))),
        }
    }
    forget_answers(&mut channel, &cut.forgotten);
    cut
}

/// An answer that was under way when its connection was forgotten has begun one outwards, which the client's packets would belong to: that
/// one is forgotten, too.
fn forget_answers(channel: &mut Channel, forgotten: &[Flow]) {
    for pause in PAUSES.map(Duration::from_millis) {
        if forgotten.is_empty() {
            return;
        }
        std::thread::sleep(pause);
        for flow in forgotten {
            // Mostly there is none.
            let _ = channel.ask(DELETE, &one(&outwards(flow)));
        }
    }
}

/// The connection that the server of another one begins with what it sends next.
fn outwards(flow: &Flow) -> Flow {
    let Direction { source, source_port, .. } = flow.original;
    let original = Direction { destination: source, destination_port: source_port, ..flow.reply };
    Flow { original, reply: original.turned(), id: None, ..flow.clone() }
}

/// Closes the servers' sockets of the channel's network namespace, and adds the places of their flows.
fn close(mut channel: Channel, flows: &[Flow], closed: &mut BTreeSet<usize>) -> io::Result<()> {
    for (at, flow) in flows.iter().enumerate().filter(|(_, flow)| flow.protocol == Protocol::TCP) {
        match close_one(&mut channel, flow) {
            Ok(true) => drop(closed.insert(at)),
            Ok(false) => {}
            // Not here, or closed in this moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Closes the server's socket of a connection; false: it is not here.
fn close_one(channel: &mut Channel, flow: &Flow) -> io::Result<bool> {
    let shown = channel.ask(SHOW, &sender_of(&flow.reply))?;
    let Some(request) = shown.iter().find_map(|shown| exactly(shown, &flow.reply)) else { return Ok(false) };
    channel.ask(DESTROY, &request)?;
    Ok(true)
}

#[cfg(all(test, target_os = "linux"))]
pub mod island;
#[cfg(all(test, target_os = "linux"))]
mod tests;
