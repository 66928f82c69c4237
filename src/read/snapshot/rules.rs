//! One rule set from several tools' views of it: each of the kernel's tables is there once.
//!
//! nft shows what iptables-nft wrote, but not the contents of iptables' own expressions (`xt`). The rules of a table that has such are read from
//! both, nft's listing and `iptables-save`, if that shows it; where and when its chains are called, nft knows. Every other table is read from nft. Legacy
//! tables hang on hooks of their own, beside those of nft. Where plain `iptables` is the legacy one, what the nft one saves is a file of its own,
//! and the reverse.

use super::{both, taken};
use crate::model::host::{Host, Part, Unread};
use crate::model::packet::Family;
use crate::model::ruleset::{Origin, Table, TableFamily};
use crate::model::snapshot::{Snapshot, command};
use crate::read::changes::Changes;
use crate::read::ipset::IpSets;
use crate::read::iptables::{self, Context};
use crate::read::nft::{self, Foreign, Listing};

/// Reads the rules of both families into the host.
pub(super) fn read(snapshot: &Snapshot, sets: Option<&IpSets>, host: &mut Host) {
    let listing = match snapshot.text("nft-ruleset.json") {
        Some(text) if text.trim().is_empty() => Listing::default(),
        text => taken(snapshot, text.map(nft::read), Part::Rules(None), "nft-ruleset.json", host).unwrap_or_default(),
    };
    let mut listing = listing;
    // Not needed but for what old versions leave out of their JSON.
    nft::fill_devices(&mut listing.tables, snapshot.text("nft-ruleset.txt").unwrap_or_default());
    let changes = changes(snapshot, sets);
    let mut saved = Vec::new();
    for family in [Family::V4, Family::V6] {
        saved.extend(saves(snapshot, family, sets, &changes, host));
    }
    unshown(snapshot, &listing.foreign, host);
    host.ruleset.tables = merge(listing, saved);
}

/// Notes that a table holds rules of iptables and that the tool which shows them is missing, once a family. A tool that is there prints
/// something of such a table.
fn unshown(snapshot: &Snapshot, foreign: &Foreign, host: &mut Host) {
    let version = snapshot.text("iptables-version.txt").unwrap_or_default();
    let plain_is_nft = version.trim().is_empty() || version.contains("(nf_tables)");
    for (family, of_family) in [(Family::V4, TableFamily::Ip), (Family::V6, TableFamily::Ip6)] {
        let [plain, _, nft] = files(family);
        let file = if plain_is_nft { plain } else { nft };
        let Some((_, table)) = foreign.keys().find(|(family, _)| *family == of_family) else { continue };
        if !snapshot.text(file).is_some_and(|text| text.trim().is_empty()) {
            continue;
        }
        let command = command(file);
        let tool = command.split(' ').next().unwrap_or_default();
        let title = format!("{} {table}", of_family.name());
        let why =
            format!("{tool} is not on this host (the package iptables has it), and the table {title} holds rules of iptables");
        host.unread.push(Unread { part: Part::Rules(Some(family)), why, command: format!("sudo {command}") });
    }
}

/// What iptables saves of one family: the plain one, iptables-legacy and iptables-nft.
fn files(family: Family) -> [&'static str; 3] {
    match family {
        Family::V4 => ["iptables-save.txt", "iptables-legacy-save.txt", "iptables-nft-save.txt"],
        Family::V6 => ["ip6tables-save.txt", "ip6tables-legacy-save.txt", "ip6tables-nft-save.txt"],
    }
}

/// What the rules of all saves do to the ipsets, which they share.
fn changes(snapshot: &Snapshot, sets: Option<&IpSets>) -> Changes {
    let mut all = Changes::default();
    for (family, save) in [Family::V4, Family::V6].into_iter().flat_map(|family| files(family).map(|save| (family, save))) {
        let text = snapshot.text(save).filter(|text| text.contains("-j SET "));
        if let Some((text, known)) = text.zip(sets) {
            let context = Context { family, sets, changes: &Changes::default(), save, moment: None };
            iptables::note_changes(save, &iptables::read(text, Origin::Iptables, &context).tables, known, &mut all);
        }
    }
    all
}

/// The tables that the iptables of one family know. Which of its two kinds plain `iptables` is, its version and its save say; the other
/// kind may have tables, too, beside them.
fn saves(snapshot: &Snapshot, family: Family, sets: Option<&IpSets>, changes: &Changes, host: &mut Host) -> Vec<Table> {
    let [main, legacy, nft] = files(family);
    let moment = host.moment;
    let read = |text: &str, origin, save| iptables::read(text, origin, &Context { family, sets, changes, save, moment });
    let version = snapshot.text("iptables-version.txt").unwrap_or_default();
    let origin = if version.contains("(nf_tables)") { Origin::Iptables } else { Origin::Legacy };
    let part = Part::Rules(Some(family));
    let Some(text) = snapshot.text(main) else {
        host.unread.push(snapshot.note(part, main));
        return Vec::new();
    };
    let mut save = read(text, origin, main);
    if !version.is_empty() || !save.tables.is_empty() {
        host.plain_iptables.insert(family, save.tables.first().map_or(origin, |table| table.origin));
    }
    let shows = |origin| save.tables.iter().any(|table| table.origin == origin);
    let (shows_legacy, shows_nft) = (version.contains("(legacy)") || shows(Origin::Legacy), shows(Origin::Iptables));
    if !shows_legacy {
        match snapshot.text(legacy) {
            Some(text) => save.tables.extend(read(text, Origin::Legacy, legacy).tables),
            None => host.unread.push(snapshot.note(part, legacy)),
        }
    }
    // Without it, nft still names the chains whose rules are not known.
    if let Some(text) = snapshot.text(nft).filter(|_| !shows_nft) {
        let other = read(text, Origin::Iptables, nft);
        save.leaves_out |= other.leaves_out;
        save.tables.extend(other.tables);
    }
    if save.leaves_out && snapshot.text("nft-ruleset.json").is_some_and(|text| text.trim().is_empty()) {
        let why = format!("{main} leaves out what only nft shows, and nft was not asked");
        host.unread.push(Unread { part, why, command: format!("sudo {}", command("nft-ruleset.json")) });
    }
    save.tables
}

/// One table for each of the kernel's.
fn merge(listing: Listing, mut saved: Vec<Table>) -> Vec<Table> {
    let mut tables = Vec::new();
    for table in listing.tables {
        let matching = saved
            .iter()
            .position(|save| save.origin == Origin::Iptables && save.family == table.family && save.name == table.name);
        let save = matching.map(|at| saved.swap_remove(at));
        tables.push(match save {
            Some(save) => from_both(table, save, &listing.foreign),
            // Nobody shows more of it: what nft does not show stays unknown, rule by rule.
            None => table,
        });
    }
    // What nft did not list: legacy tables, or all of them where there is no nft.
    saved.sort_by_key(|table| (table.family, table.origin == Origin::Legacy));
    tables.extend(saved);
    tables
}

/// A table that nft and iptables-save show. Where nft shows all of it, that is enough; a chain that iptables-save does not show keeps what nft shows.
fn from_both(listed: Table, save: Table, foreign: &Foreign) -> Table {
    let Some(mixed) = foreign.get(&(listed.family, listed.name.clone())) else { return listed };
    let family = if listed.family == TableFamily::Ip6 { Family::V6 } else { Family::V4 };
    let mut saved = save.chains;
    let chains = listed.chains.into_iter().map(|(name, chain)| {
        let chain = match saved.remove(&name) {
            Some(saved) => both::chain(chain, saved, |at| mixed.get(&(name.clone(), at)), family),
            None => chain,
        };
        (name, chain)
    });
    Table { origin: Origin::Iptables, chains: chains.collect(), ..listed }
}
