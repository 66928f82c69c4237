//! The filter rules of this machine, in both languages and both forms.
//!
//! Out: what the tools print. To read must not change: `iptables-legacy-save` may load kernel modules and make empty tables, and so is run
//! only where the kernel says that it has such tables; the tools of nftables and ipset load the modules of theirs, and are not run
//! where those are not loaded. A tool without the right to read prints nothing, which is never taken for "no rules". Where nft is not on the
//! host, its listing is empty only if the kernel says that iptables shows all there is.

use super::tables::{self, Saves};
use super::{Seen, sudo};
use crate::model::snapshot::command;
use crate::model::system::reason;
use crate::tool::{self, Said};
use std::fs;
use std::io;
use std::path::Path;
use std::thread;

/// One family's files and tools.
struct Tools {
    save: &'static str,
    legacy: &'static str,
    nft: &'static str,
    /// Where the kernel lists its legacy tables.
    names: &'static str,
}

const FAMILIES: [Tools; 2] = [
    Tools {
        save: "iptables-save.txt",
        legacy: "iptables-legacy-save.txt",
        nft: "iptables-nft-save.txt",
        names: "/proc/net/ip_tables_names",
    },
    Tools {
        save: "ip6tables-save.txt",
        legacy: "ip6tables-legacy-save.txt",
        nft: "ip6tables-nft-save.txt",
        names: "/proc/net/ip6_tables_names",
    },
];

/// What nft lists, for programs and for people.
const NFT: [&str; 2] = ["nft-ruleset.json", "nft-ruleset.txt"];

/// All files of this part but the version of iptables.
const RULES: [&str; 10] = [
    FAMILIES[0].save,
    FAMILIES[0].legacy,
    FAMILIES[0].nft,
    FAMILIES[1].save,
    FAMILIES[1].legacy,
    FAMILIES[1].nft,
    NFT[0],
    NFT[1],
    "ipset-save.txt",
    "ufw-status.txt",
];

/// Looks at the rules.
pub(super) fn look() -> Vec<Seen> {
    if tool::may_administer_network() {
        return rules();
    }
    let unread = RULES.map(|file| Seen::needs_root(file, "reading it takes root (CAP_NET_ADMIN)"));
    unread.into_iter().chain([Seen::text("iptables-version.txt", version())]).collect()
}

/// What plain iptables is; empty: it is not on this host.
fn version() -> String {
    let says = |tool| match tool::run(&[tool, "--version"]) {
        Said::Text(text) => Some(text),
        Said::Missing | Said::Failed(_) => None,
    };
    says("iptables").or_else(|| says("iptables-save")).unwrap_or_default()
}

fn rules() -> Vec<Seen> {
    let (mut seen, listings, plain_is_legacy) = thread::scope(|scope| {
        let listings = NFT.map(|file| scope.spawn(move || nft(file)));
        let version = version();
        // Versions before 1.8 say nothing, and know one form.
        let plain_is_legacy = !version.is_empty() && !version.contains("(nf_tables)");
        let saves = FAMILIES.each_ref().map(|tools| scope.spawn(move || saves(tools, plain_is_legacy)));
        let saves = saves.into_iter().filter_map(|part| part.join().ok()).flatten();
        let seen: Vec<Seen> = saves.chain([Seen::text("iptables-version.txt", version)]).collect();
        let listings: Vec<_> = listings.into_iter().filter_map(|part| part.join().ok()).collect();
        (seen, listings, plain_is_legacy)
    });
    match listings.into_iter().collect::<Option<Vec<Seen>>>() {
        Some(listings) => seen.extend(listings),
        None => seen.extend(without_nft(&seen, plain_is_legacy)),
    }
    seen.extend([ipset(&seen), ufw(&seen)]);
    seen
}

/// What the iptables of one family know.
fn saves(tools: &Tools, plain_is_legacy: bool) -> [Seen; 3] {
    let legacy_tables = legacy_tables(tools.names);
    let main = match legacy_tables {
        Ok(false) if plain_is_legacy => Seen::nothing(tools.save),
        _ if plain_is_legacy => print_or(tools.save, hides_legacy),
        // Whether it would show anything, nft's listing says.
        _ => print(tools.save),
    };
    let legacy = match legacy_tables {
        // The plain files are the legacy tables, read once.
        _ if plain_is_legacy => Seen::nothing(tools.legacy),
        Ok(false) => Seen::nothing(tools.legacy),
        Ok(true) => print_or(tools.legacy, hides_legacy),
        Err(error) => Seen::needs_root(tools.legacy, format!("{}: {}", tools.names, reason(&error))),
    };
    let nft = if plain_is_legacy && may_hold_nft_tables() { print(tools.nft) } else { Seen::nothing(tools.nft) };
    [main, legacy, nft]
}

/// What stands for legacy tables whose tool is missing.
fn hides_legacy(file: &'static str) -> Seen {
    let tool = command(file).split(' ').next().unwrap_or_default();
    Seen::unread(
        file,
        format!("{tool} is not on this host (the package iptables has it), and the kernel holds legacy tables"),
        sudo(file),
    )
}

/// True if the kernel has legacy tables, by the list that it shows to root alone. No list: the module is not loaded.
fn legacy_tables(names: &str) -> io::Result<bool> {
    match fs::read_to_string(names) {
        Ok(text) => Ok(!text.trim().is_empty()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// False if the kernel has nftables as a module and has not loaded it: then there are no tables, and to ask would load it. A module that is
/// built in shows in neither place.
pub(super) fn may_hold_nft_tables() -> bool {
    if Path::new("/sys/module/nf_tables").exists() {
        return true;
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let folder = Path::new("/lib/modules").join(release.trim()).join("kernel/net/netfilter");
    !["", ".xz", ".zst", ".gz"].iter().any(|packed| folder.join(format!("nf_tables.ko{packed}")).exists())
}

/// What nft lists; None: it is not on this host, and there may be something.
fn nft(file: &'static str) -> Option<Seen> {
    if !may_hold_nft_tables() {
        return Some(Seen::nothing(file));
    }
    tool::find("nft").map(|_| print(file))
}

/// What stands for nft's listings where there is no nft: nothing, if the tools of iptables show all there is.
fn without_nft(saves: &[Seen], plain_is_legacy: bool) -> [Seen; 2] {
    let text = |tools: &Tools| {
        let file = if plain_is_legacy { tools.nft } else { tools.save };
        saves.iter().find(|seen| seen.file == file).and_then(|seen| seen.text.as_deref()).unwrap_or_default()
    };
    let hidden = tables::hidden(&Saves { v4: text(&FAMILIES[0]), v6: text(&FAMILIES[1]) });
    NFT.map(|file| match &hidden {
        Some(what) => Seen::unread(file, format!("nft is not on this host, and {what}"), sudo(file)),
        None => Seen::nothing(file),
    })
}

/// The sets that rules of iptables name. Without the module there are none.
fn ipset(seen: &[Seen]) -> Seen {
    let file = "ipset-save.txt";
    if !Path::new("/sys/module/ip_set").exists() {
        return Seen::nothing(file);
    }
    let is_asked_for = seen.iter().filter_map(|seen| seen.text.as_deref()).any(|text| text.contains("--match-set"));
    print_or(file, |file| {
        if is_asked_for {
            Seen::unread(file, "the rules ask for sets, and ipset is not on this host", sudo(file))
        } else {
            Seen::nothing(file)
        }
    })
}

/// Whether ufw is on, by what it goes by itself: its chain in the table of plain iptables. It is not run: it would ask iptables for that
/// chain, which may make the table, and takes longer than all the rest.
fn ufw(seen: &[Seen]) -> Seen {
    let file = "ufw-status.txt";
    if tool::find("ufw").is_none() {
        return Seen::nothing(file);
    }
    match seen.iter().find(|seen| seen.file == FAMILIES[0].save).and_then(|seen| seen.text.as_deref()) {
        Some(text) if text.contains("\n:ufw-user-input ") => Seen::text(file, "Status: active\n"),
        Some(_) => Seen::text(file, "Status: inactive\n"),
        None => Seen::needs_root(file, "the rules are not known"),
    }
}

/// What the tool of a file prints; nothing where the host has no such tool.
fn print(file: &'static str) -> Seen {
    print_or(file, Seen::nothing)
}

fn print_or(file: &'static str, missing: impl Fn(&'static str) -> Seen) -> Seen {
    match tool::run(&command(file).split(' ').collect::<Vec<_>>()) {
        Said::Text(text) => Seen::text(file, text),
        Said::Missing => missing(file),
        Said::Failed(why) => Seen::needs_root(file, why),
    }
}
