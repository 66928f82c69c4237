//! What tables the kernel's nftables hold; and, on a host without nft, whether iptables-save shows all of it.
//!
//! In: what the iptables of both families showed. Out: what they did not, in words. The kernel is asked by netlink, and only where nftables is
//! loaded already. Not here: what the rules do.

#[cfg(all(test, target_os = "linux"))]
mod tests;

mod rule;

use crate::model::ruleset::TableFamily;
use crate::model::system::reason;
use crate::netlink::nftables::{self, Chain, Place, Rule, Table};
use crate::netlink::{Channel, Subsystem};
use std::io;

/// Of a program, as it prints it: `v1.8.9`.
type Version = [u16; 3];

/// How often one begins again because the rules changed meanwhile.
const TRIES: usize = 3;

/// What the tools of iptables say of the tables of nftables.
pub(super) struct Saves<'a> {
    /// Of `ip`.
    pub(super) v4: &'a str,
    /// Of `ip6`.
    pub(super) v6: &'a str,
}

/// What of the kernel's tables the tools of iptables do not show; None: they show all that may touch a packet of IP.
pub(super) fn hidden(saves: &Saves<'_>) -> Option<String> {
    match Held::ask() {
        Ok(None) => None,
        Ok(Some(held)) => held.hidden(saves),
        Err(error) => Some(format!("its kernel does not show its tables: {}", reason(&error))),
    }
}

/// Whether the kernel's nftables hold a table; None: it does not say.
pub fn holds(family: TableFamily, name: &str) -> Option<bool> {
    let listed = Channel::open(Subsystem::Netfilter).and_then(|mut channel| list(&mut channel, nftables::TABLES));
    let tables = known(&listed.ok()?, nftables::table).ok()?;
    Some(tables.iter().any(|table| table.family == family && table.name == name))
}

/// What the kernel holds.
struct Held {
    tables: Vec<Table>,
    chains: Vec<Chain>,
    /// Messages: there may be very many.
    rules: Vec<Vec<u8>>,
}

impl Held {
    /// None: the kernel has no nftables, or they hold nothing.
    fn ask() -> io::Result<Option<Self>> {
        let mut channel = match Channel::open(Subsystem::Netfilter) {
            // Without netfilter's netlink there is no nftables.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(None),
            channel => channel?,
        };
        let tables = match list(&mut channel, nftables::TABLES) {
            // Nobody answers for nftables (`net/netfilter/nfnetlink.c`, `nfnetlink_rcv_msg`): EINVAL.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(None),
            bodies => known(&bodies?, nftables::table)?,
        };
        if tables.is_empty() {
            return Ok(None);
        }
        let chains = known(&list(&mut channel, nftables::CHAINS)?, nftables::chain)?;
        Ok(Some(Self { tables, chains, rules: list(&mut channel, nftables::RULES)? }))
    }

    fn hidden(&self, saves: &Saves<'_>) -> Option<String> {
        let rules: Option<Vec<_>> = self.rules.iter().map(|body| nftables::rule(body)).collect();
        let Some(rules) = rules else { return Some("its kernel holds rules that are not told as we know it".to_owned()) };
        self.tables.iter().find_map(|table| {
            let chains: Vec<_> = self.chains.iter().filter(|it| it.family == table.family && it.table == table.name).collect();
            let rules: Vec<_> = rules.iter().filter(|it| it.family == table.family && it.table == table.name).collect();
            let changes_nothing = rules.is_empty() && !chains.iter().any(|chain| chain.drops);
            // ARP is not IP.
            if changes_nothing || table.family == TableFamily::Arp {
                return None;
            }
            let title = format!("{} {}", table.family.name(), table.name);
            let Some(version) = shown(table, saves) else {
                return Some(format!("its kernel holds the table {title}, which iptables-save does not show"));
            };
            let odd = odd(table, &chains, &rules, version)?;
            Some(format!("iptables-save does not show the table {title} as it is: {odd}"))
        })
    }
}

/// All there are of a kind, at one moment.
fn list(channel: &mut Channel, kind: u16) -> io::Result<Vec<Vec<u8>>> {
    for _ in 0..TRIES {
        let (bodies, is_whole) = channel.list(kind, &nftables::EVERY_FAMILY)?;
        if is_whole {
            return Ok(bodies);
        }
    }
    Err(io::Error::other("they change all the time"))
}

fn known<T>(bodies: &[Vec<u8>], read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Vec<T>> {
    bodies.iter().map(|body| read(body).ok_or_else(|| io::ErrorKind::InvalidData.into())).collect()
}

/// The version of the iptables-save that shows a table; None: none does.
fn shown(table: &Table, saves: &Saves<'_>) -> Option<Version> {
    let save = match table.family {
        TableFamily::Ip => saves.v4,
        TableFamily::Ip6 => saves.v6,
        _ => return None,
    };
    let has_it = save.lines().any(|line| line.strip_prefix('*') == Some(&table.name));
    let is_known = ["filter", "nat", "mangle", "raw", "security"].contains(&&*table.name);
    save.lines().find_map(version).filter(|_| has_it && is_known)
}

/// `# Generated by ip6tables-save v1.8.9 (nf_tables) on Sat …`, or by `ip6tables-nft-save`.
fn version(line: &str) -> Option<Version> {
    let (_, version) = line.strip_prefix("# Generated by ")?.split_once("-save v")?;
    let (version, _) = version.split_once(" (nf_tables)")?;
    let numbers: Result<Vec<u16>, _> = version.split('.').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

/// What of a table iptables would not have made, and does not show.
fn odd(table: &Table, chains: &[&Chain], rules: &[&Rule<'_>], version: Version) -> Option<String> {
    if version < rule::OLDEST {
        return Some("its version is too old".to_owned());
    }
    if table.flags != 0 {
        return Some(format!("it has the flags {:#x}", table.flags));
    }
    if let Some(chain) = chains.iter().find(|chain| !is_iptables_chain(chain)) {
        return Some(format!("iptables makes no chain such as {}", chain.name));
    }
    let odd = rules.iter().find(|it| !rule::is_shown(&it.expressions(), it.family, version));
    odd.map(|rule| format!("iptables writes no rule such as one in the chain {}", rule.chain))
}

/// True for one that is called as iptables has it called, or only by other chains and has a name of its own.
fn is_iptables_chain(chain: &Chain) -> bool {
    let is_named =
        chain.name.bytes().all(|byte| byte.is_ascii_graphic()) && !["ACCEPT", "DROP", "RETURN"].contains(&&*chain.name);
    is_named && !chain.is_anonymous && chain.place == built_in(&chain.table, &chain.name)
}

/// Where a built-in chain of iptables is called (`iptables/nft.c`, `xtables_ipv4`; the same in v6).
fn built_in(table: &str, chain: &str) -> Option<Place> {
    let hooks = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
    let hook = (0..).zip(hooks).find(|(_, name)| *name == chain)?.0;
    let (priority, kind) = match (table, hook) {
        ("raw", 0 | 3) => (-300, "filter"),
        ("mangle", 3) => (-150, "route"),
        ("mangle", _) => (-150, "filter"),
        ("nat", 0 | 3) => (-100, "nat"),
        ("nat", 1 | 4) => (100, "nat"),
        ("filter", 1..=3) => (0, "filter"),
        ("security", 1..=3) => (150, "filter"),
        _ => return None,
    };
    Some(Place { hook, priority, kind: kind.to_owned() })
}
