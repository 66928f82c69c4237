//! Where in the tables of a host the chains of a lock are put, and which tool puts them there.
//!
//! In: a host. Out: one [`Seat`] a family. Not here: what is in the chains.

use crate::judge::ours;
use crate::model::host::Host;
use crate::model::lock::Load;
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Chain, Decision, Origin, Rule, Ruleset, Step, Table, TableFamily};
use std::collections::{BTreeMap, BTreeSet};

/// The chain of ours that packets to the host itself enter.
pub(super) const INPUT: &str = "DFW-INPUT";

/// The engine's chain for its owner.
const OWNER: &str = "DOCKER-USER";

/// How it is noted that the table itself was made for the lock; no chain has such a name.
pub(super) const TABLE: &str = "*filter";

/// The place of the lock of one family.
pub(super) struct Seat {
    /// The family.
    pub(super) family: Family,
    /// Which of the two forms of iptables holds the engine's chains: [`Origin::Iptables`] or [`Origin::Legacy`].
    pub(super) half: Origin,
    /// The tool that loads, and its arguments.
    words: Vec<String>,
    /// True if the family has the engine's chain for its owner.
    has_owner: bool,
    /// True if forwarded packets may leave `FORWARD` before they come to that chain.
    is_late: bool,
    /// The built-in chains that are not there without a lock, and [`TABLE`] if that is not.
    missing: BTreeSet<&'static str>,
}

/// The form of iptables that a table belongs to: nft shows what iptables-nft wrote.
pub(super) fn half(origin: Origin) -> Origin {
    if origin == Origin::Legacy { Origin::Legacy } else { Origin::Iptables }
}

/// The seats of both families; None: v4 has no chain of the engine's for its owner. A host without v6 has one seat.
pub(super) fn seats(host: &Host) -> Option<Vec<Seat>> {
    let first = owner_half(host, Family::V4)?;
    let mut bare = host.clone();
    ours::strip(&mut bare);
    let mut seats = vec![Seat::of(&bare, Family::V4, first)];
    if has_v6(host) {
        let half = owner_half(host, Family::V6).or_else(|| table_half(host, Family::V6, first));
        seats.push(Seat::of(&bare, Family::V6, half.unwrap_or(first)));
    }
    Some(seats)
}

/// The form of iptables that holds the engine's chain of a family: the one that the engine calls, if both do.
fn owner_half(host: &Host, family: Family) -> Option<Origin> {
    let of_family = ours::filters(host).filter(|(own, table)| *own == family && table.chains.contains_key(OWNER));
    let halves: Vec<Origin> = of_family.map(|(_, table)| half(table.origin)).collect();
    let plain = host.plain_iptables.get(&family);
    halves.iter().find(|half| Some(*half) == plain).or(halves.first()).copied()
}

/// The form of iptables that has a table of a family already; `wanted`, if both do. A legacy table that is made stays as long as the kernel runs.
fn table_half(host: &Host, family: Family, wanted: Origin) -> Option<Origin> {
    let halves: Vec<Origin> =
        ours::filters(host).filter(|(own, _)| *own == family).map(|(_, table)| half(table.origin)).collect();
    halves.iter().find(|half| **half == wanted).or(halves.first()).copied()
}

/// False for a kernel that was started without v6: it has neither settings nor addresses of it (net/ipv6/af_inet6.c, `inet6_init`), and
/// ip6tables may not work there.
fn has_v6(host: &Host) -> bool {
    let mut addresses = host.links.iter().flat_map(|link| &link.addresses);
    host.settings.is_empty()
        || host.settings.keys().any(|name| name.starts_with("net/ipv6/"))
        || addresses.any(|own| own.net.addr().is_ipv6())
}

/// What loads a text of one family into one form of iptables. Where plain iptables has the other form, the tool is called by its long name.
pub(super) fn load(host: &Host, family: Family, half: Origin, text: &str) -> Load {
    let tool = if family == Family::V4 { "iptables" } else { "ip6tables" };
    let form = match half {
        _ if host.plain_iptables.get(&family).is_none_or(|plain| *plain == half) => "",
        Origin::Legacy => "-legacy",
        _ => "-nft",
    };
    let words = [format!("{tool}{form}-restore"), "-w".into(), "5".into(), "--noflush".into()];
    Load { words: words.into(), text: text.to_owned() }
}

/// The places in a chain where nothing but a jump to a chain of ours stands.
pub(super) fn jumps_in(table: &Table, chain: &str, target: &str) -> Vec<usize> {
    let text = format!("-A {chain} -j {target}");
    let rules = table.chains.get(chain).map_or(&[][..], |chain| &chain.rules);
    rules.iter().enumerate().filter(|(_, rule)| *rule.text == *text).map(|(at, _)| at).collect()
}

/// What is noted as made for the lock that a table holds, of built-in chains and itself:
/// `docker-firewall 0123456789abcdef +*filter +FORWARD +INPUT`.
pub(super) fn noted(table: &Table) -> BTreeSet<String> {
    let first = table.chains.get(ours::CHAIN).filter(|chain| ours::is_chain(chain)).and_then(|chain| chain.rules.first());
    let Some((_, rest)) = first.and_then(|rule| rule.text.split_once(ours::MARK)) else { return BTreeSet::new() };
    let comment = rest.split('"').next().unwrap_or_default();
    comment.split(' ').filter_map(|word| word.strip_prefix('+')).map(str::to_owned).collect()
}

impl Seat {
    /// A seat on a host without a lock.
    fn of(host: &Host, family: Family, half: Origin) -> Self {
        let table = ours::filters(host).find(|(own, table)| *own == family && self::half(table.origin) == half);
        let chains = table.map(|(_, table)| &table.chains);
        let forward = chains.and_then(|chains| chains.get("FORWARD"));
        let is_missing = |name: &&'static str| !chains.is_some_and(|chains| *name == TABLE || chains.contains_key(*name));
        Self {
            family,
            half,
            words: load(host, family, half, "").words,
            has_owner: chains.is_some_and(|chains| chains.contains_key(OWNER)),
            is_late: !forward.is_some_and(leads_to_owner_first),
            missing: ["FORWARD", "INPUT", TABLE].into_iter().filter(is_missing).collect(),
        }
    }

    pub(super) fn load(&self, text: &str) -> Load {
        Load { words: self.words.clone(), text: text.to_owned() }
    }

    /// The chains that may hold a jump to ours, the chain of ours, and whether there is to be one.
    pub(super) fn jumps(&self) -> [(&'static str, &'static str, bool); 3] {
        [(OWNER, ours::CHAIN, self.has_owner), ("FORWARD", ours::CHAIN, !self.has_owner || self.is_late), ("INPUT", INPUT, true)]
    }

    /// The built-in chains, and the table, that iptables makes for the lock, or made for the one that is there. Legacy tables have theirs
    /// always.
    pub(super) fn made(&self, table: &Table) -> BTreeSet<String> {
        if self.half == Origin::Legacy {
            return BTreeSet::new();
        }
        let needed = self.jumps().into_iter().filter(|(_, _, is_wanted)| *is_wanted).map(|(chain, ..)| chain);
        let made = needed.chain([TABLE]).filter(|chain| self.missing.contains(chain)).map(str::to_owned);
        made.chain(noted(table)).collect()
    }

    /// True if the chains of the lock with this digest are here, and packets come to them.
    pub(super) fn holds(&self, host: &Host, digest: Option<&str>) -> bool {
        let mut own = ours::filters(host).filter(|(family, table)| (*family, half(table.origin)) == (self.family, self.half));
        own.any(|(_, table)| {
            let first = table.chains.get(ours::CHAIN).and_then(|chain| chain.rules.first());
            let is_it = first.is_some_and(|rule| super::super::digest_in(&rule.text).as_deref() == digest);
            let is_called =
                |target: &str| self.jumps().iter().any(|(chain, to, _)| *to == target && !jumps_in(table, chain, to).is_empty());
            is_it && is_called(ours::CHAIN) && is_called(INPUT)
        })
    }

    /// The place of the table among a host's, where it is made if it is not there.
    pub(super) fn table_in(&self, ruleset: &mut Ruleset) -> usize {
        let wanted = if self.family == Family::V4 { TableFamily::Ip } else { TableFamily::Ip6 };
        let is_it = |table: &Table| table.name == "filter" && table.family == wanted && half(table.origin) == self.half;
        ruleset.tables.iter().position(is_it).unwrap_or_else(|| {
            ruleset.tables.push(Table { family: wanted, name: "filter".to_owned(), origin: self.half, chains: BTreeMap::new() });
            ruleset.tables.len() - 1
        })
    }
}

/// True if the first rule sends everything to the engine's chain for its owner.
fn leads_to_owner_first(forward: &Chain) -> bool {
    let leads = |rule: &Rule| matches!(&*rule.steps, [Step::Act(Action::Decide(Decision::Jump(to)))] if &**to == OWNER);
    forward.rules.first().is_some_and(leads)
}
