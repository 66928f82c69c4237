//! A guard as chains in the table `filter` of iptables: for each family one text that `iptables-restore --noflush` takes whole or not at
//! all, and the same as our own reader of iptables makes of it.
//!
//! In: a [`Guard`] and the host that it is for. Out: a [`Script`]. Not here: what is to be let in ([`super::guard`]), and the loading.
//!
//! How it holds, beside what [`super::nftables`] says of both:
//! - One jump at the top of `DOCKER-USER`, the engine's chain for its owner, in both families. A family without that chain (engines up to
//!   22 have none in v6, later ones without `ip6tables`), or whose `FORWARD` has other rules before it (engines up to 27 put theirs there
//!   when firewalld has flushed them), has the jump at the top of `FORWARD`; to be judged twice is to be judged the same. One jump at the
//!   top of `INPUT`, for docker-proxy.
//! - In these chains RETURN lets pass and DROP refuses. They go to each other (`-g`), so that RETURN leads back to the chain that holds
//!   the jump, and the rules of others still judge.
//! - A declared chain (`:DFW`) is filled anew in one transaction of its family; chains of others are never declared, so never emptied. The
//!   two families are two transactions.
//! - One rule compares one port: what a packet is compared with is parted by protocol, interface and then, range by range, port, so that a
//!   thousand permitted ports cost some thirty comparisons.
//!
//! What differs from nftables:
//! - A network that the engine makes later has a bridge named `br-` and hexadecimal digits. iptables has no sets of names: here the
//!   first digit alone counts (`br-0+` to `br-f+`), so that a later bridge of somebody else, `br-dmz`, is taken for the engine's. Those
//!   that are there when the lock is made are known by name.
//! - iptables cannot ask what kind of interface a packet leaves by. A published port, or a container that has an address as the engine
//!   picks them, behind an interface that nobody had when this was made is judged as if the engine's, bridge or not; but not where its
//!   name begins as those of links and tunnels do (`eth`, `tun`, `wg` …). Interfaces and bridges of others that are there are known by
//!   name.
//! - Nor what kind of interface it entered by, but where br_netfilter is on (engines before 28 load it), a packet says whether it came by a
//!   port of a bridge (`-m physdev --physdev-is-in`): there what comes from such a bridge and an address as the engine picks them is a
//!   container's, and bridged frames, which pass the filters, too, go on. Where it is off, no such frame comes here, and what such a
//!   container sends to others is from outside until the next lock.
//! - A lock that ends by itself does so by the clock of the machine (`-m time`, in UTC): when that is set, the end moves with it. Its
//!   chains stay, and let everything pass.
//! - Who flushes the table takes the lock with it: see [`super::cautions`].
//!
//! Taken away, nothing of it stays. Built-in chains that iptables-nft made for it go where they are empty (`-X`, from 1.8.8 on; older ones
//! leave them, and the legacy tables have theirs always), and so does a table that it made. Which they are is noted in the comment of our
//! first rule.

mod chains;
mod permits;
mod seat;

use super::{Found, Script};
use crate::judge::ours;
use crate::model::guard::Guard;
use crate::model::host::{Host, Link};
use crate::model::lock::{Backend, Load, Refusal};
use crate::model::moment;
use crate::model::packet::Family;
use crate::model::ruleset::{Policy, Table, TableFamily};
use crate::read::iptables::restore;
use chains::Chains;
use seat::{INPUT, Seat};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// What a lock is made of beside its guard.
struct Place<'a> {
    /// Interfaces that are nobody's bridge, and do not say so by their names.
    others: Vec<&'a str>,
    /// When it ends by itself, as iptables writes it.
    end: Option<String>,
    /// Families whose frames pass the filters between the ports of a bridge: there a packet says whether it came by such a port. To ask it
    /// where they do not would make the kernel begin with it (net/netfilter/xt_physdev.c, `physdev_mt_check`).
    bridged: Vec<Family>,
}

impl Place<'_> {
    /// What hangs on the host and is written into the rules.
    fn signs(&self) -> Vec<&str> {
        let bridged = self.bridged.iter().map(|family| if *family == Family::V4 { "bridged v4" } else { "bridged v6" });
        self.others.iter().copied().chain(bridged).collect()
    }
}

/// Writes a guard down, and puts it on a host.
///
/// # Errors
/// [`Refusal::NoChain`]; [`Refusal::Name`]; [`Refusal::Unread`] where it is to end and nobody knows what time it is.
pub(super) fn script(guard: &Guard, host: &Host) -> Result<Script, Refusal> {
    let seats = seat::seats(host).ok_or(Refusal::NoChain)?;
    let others = others(host);
    if let Some(name) = others.iter().find(|name| !super::guard::is_plain(name)) {
        return Err(Refusal::Name((*name).to_owned()));
    }
    let end = match (guard.lasts, host.moment) {
        (None, _) => None,
        (Some(lasts), Some(now)) => Some(moment::written(now + lasts.as_secs().max(1))),
        (Some(_), None) => {
            let why = "what time it is, and so when the lock is to end, is not known".to_owned();
            return Err(Refusal::Unread(why, "date".to_owned()));
        }
    };
    let bridged = [Family::V4, Family::V6].into_iter().filter(|family| host.filters_bridges(*family)).collect();
    let place = Place { others, end, bridged };
    let digest = super::digest(guard, &place.signs());
    let mut texts: Vec<(usize, Load)> = Vec::new();
    let mut locked = host.clone();
    for seat in &seats {
        let chains = Chains::of(guard, &place, seat.family);
        let table = seat.table_in(&mut locked.ruleset);
        let load = seat.load(&text(seat, &locked.ruleset.tables[table], &chains, &digest));
        texts.push((table, load));
    }
    // Chains of ours in tables that are not its place any more.
    let last: Vec<_> = leftovers(&locked, &seats);
    for (table, load) in texts.iter().chain(&last) {
        restore(&mut locked.ruleset.tables[*table], &load.text, host.moment);
    }
    locked.ruleset.tables.retain(|table| !ours::is_table(table));
    let loads = texts.into_iter().chain(last).map(|(_, load)| load).collect();
    Ok(Script { backend: Backend::DockerUser, loads, digest, host: locked })
}

/// The interfaces that packets may be sent on by, that are no bridge and are not known as such by their names: what goes to a host behind
/// them is not ours to judge.
fn others(host: &Host) -> Vec<&str> {
    let is_bridge = |link: &Link| link.kind.as_deref() == Some("bridge");
    let is_port = |link: &Link| link.master.as_deref().and_then(|name| host.link(name)).is_some_and(is_bridge);
    let others = host.links.iter().filter(|link| !link.is_loopback && !is_bridge(link) && !is_port(link));
    let others = others.filter(|link| !chains::is_links(&link.name));
    others.map(|link| &*link.name).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The text that fills our chains, has them called, and takes away those that are not needed any more.
fn text(seat: &Seat, table: &Table, chains: &Chains, digest: &str) -> String {
    let made = seat.made(table).iter().fold(String::new(), |text, chain| format!("{text} +{chain}"));
    let mark = super::mark(digest);
    let mut text = String::from("*filter\n");
    for name in chains.names() {
        let _ = writeln!(text, ":{name} - [0:0]");
    }
    for (name, rules) in chains.all() {
        let note = if name == ours::CHAIN { &*made } else { "" };
        rules.write(name, &format!("{mark}{note}"), &mut text);
    }
    text.push_str("# Packets come here before the rules of others.\n");
    for (chain, target, is_wanted) in seat.jumps() {
        let there = seat::jumps_in(table, chain, target);
        if is_wanted && there == [0] {
            continue;
        }
        text.push_str(&format!("-D {chain} -j {target}\n").repeat(there.len()));
        if is_wanted {
            let _ = writeln!(text, "-I {chain} 1 -j {target}");
        }
    }
    let old: Vec<_> = ours::chains(table).into_iter().filter(|name| !chains.names().any(|new| new == &**name)).collect();
    text + &without(&old) + "COMMIT\n"
}

/// What takes our chains out of tables that are none of these seats, with the place of the table.
fn leftovers(host: &Host, seats: &[Seat]) -> Vec<(usize, Load)> {
    let left = host.ruleset.tables.iter().enumerate().filter_map(|(at, table)| {
        let (family, half) = (ours::family(table)?, seat::half(table.origin));
        let is_seat = seats.iter().any(|seat| (seat.family, seat.half) == (family, half));
        if is_seat { None } else { Some((at, seat::load(host, family, half, &taking(table)?))) }
    });
    left.collect()
}

/// The text that takes our chains and the jumps to them out of a table; None: there is nothing of ours.
fn taking(table: &Table) -> Option<String> {
    let own = ours::chains(table);
    let mut text = String::from("*filter\n");
    for (chain, target) in [("DOCKER-USER", ours::CHAIN), ("FORWARD", ours::CHAIN), ("INPUT", INPUT)] {
        if own.contains(target) {
            text.push_str(&format!("-D {chain} -j {target}\n").repeat(seat::jumps_in(table, chain, target).len()));
        }
    }
    let own: Vec<_> = own.into_iter().collect();
    (!own.is_empty()).then(|| text + &without(&own) + "COMMIT\n")
}

/// What takes chains away: all are emptied before the first goes, since they lead to each other.
fn without(chains: &[Arc<str>]) -> String {
    let each = |command: &str| chains.iter().fold(String::new(), |text, name| format!("{text}{command} {name}\n"));
    each("-F") + &each("-X")
}

/// The lock of ours that a host has: what tells its rules from others, as far as it says.
pub(super) fn found(host: &Host) -> Option<Found> {
    let chains = || ours::filters(host).flat_map(|(_, table)| table.chains.values()).filter(|chain| ours::is_chain(chain));
    chains().next()?;
    let digest = chains().find_map(|chain| super::digest_in(&chain.rules.first()?.text));
    Some(Found { backend: Backend::DockerUser, digest })
}

/// The table that lacks a part of the lock that a host has; None: there is none, or it is whole. It is loaded, and taken away, one family
/// after the other.
pub(super) fn missing(host: &Host) -> Option<String> {
    let digest = found(host)?.digest;
    let Some(seats) = seat::seats(host) else { return Some("ip filter".to_owned()) };
    let lacks = seats.into_iter().find(|seat| !seat.holds(host, digest.as_deref()))?;
    Some(if lacks.family == Family::V4 { "ip filter" } else { "ip6 filter" }.to_owned())
}

/// What takes it off the kernel; built-in chains that were made for it last, since another may have put a rule there meanwhile.
pub(super) fn removal(host: &Host) -> Vec<Load> {
    let made = ours::filters(host).filter_map(|(family, table)| {
        let chains = seat::noted(table).into_iter().filter(|name| is_empty_without_us(table, name));
        let text = chains.fold(String::new(), |text, name| format!("{text}-X {name}\n"));
        let half = seat::half(table.origin);
        (!text.is_empty()).then(|| seat::load(host, family, half, &format!("*filter\n{text}COMMIT\n")))
    });
    leftovers(host, &[]).into_iter().map(|(_, load)| load).chain(made).collect()
}

/// The tables `filter` that were made for it.
pub(super) fn made_tables(host: &Host) -> Vec<TableFamily> {
    ours::filters(host).filter(|(_, table)| seat::noted(table).contains(seat::TABLE)).map(|(_, table)| table.family).collect()
}

/// True for a built-in chain that lets everything pass and holds nothing but jumps of ours.
fn is_empty_without_us(table: &Table, name: &str) -> bool {
    let target = if name == "INPUT" { INPUT } else { ours::CHAIN };
    table.chains.get(name).is_some_and(|chain| {
        let is_open = chain.base.as_ref().is_some_and(|base| base.policy == Policy::Accept);
        is_open && chain.unread.is_none() && seat::jumps_in(table, name, target).len() == chain.rules.len()
    })
}

/// A chain that has the name of one of ours and is not ours.
pub(super) fn foreign(host: &Host) -> Option<String> {
    let chains = ours::filters(host).flat_map(|(_, table)| table.chains.values().map(move |chain| (table, chain)));
    let mut named = chains.filter(|(_, chain)| ours::is_chain_name(&chain.name));
    named.find(|(_, chain)| !ours::is_chain(chain)).map(|(table, chain)| format!("a chain {} in {}", chain.name, table.title()))
}
