//! Takes away tables of nftables that hold nothing: those that tools of iptables make and leave.
//!
//! In: a table's family and name. Out: whether it is gone. Not here: who made it.

use crate::model::ruleset::TableFamily;
use crate::netlink::{Channel, Subsystem, nftables};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Takes a table away if nothing is in it; false: there is something, or there is no such table. Who puts something in at this moment keeps
/// it: the kernel itself asks whether the table is empty. `namespace`: the file of another network namespace than this one's.
///
/// # Errors
/// The kernel's.
pub fn remove_empty(family: TableFamily, name: &str, namespace: Option<&Path>) -> io::Result<bool> {
    let mut channel = match namespace {
        Some(path) => Channel::open_in(Subsystem::Netfilter, path)?,
        None => Channel::open(Subsystem::Netfilter)?,
    };
    // Kernels before 4.14 do not ask.
    let chains = channel.list_whole(nftables::CHAINS, &nftables::EVERY_FAMILY)?;
    if chains.iter().filter_map(|body| nftables::chain(body)).any(|chain| chain.family == family && chain.table == name) {
        return Ok(false);
    }
    match channel.change(nftables::DELETE_TABLE, nftables::IF_EMPTY, &nftables::named(family, name)) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}
