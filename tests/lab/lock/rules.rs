//! All rules of a host as texts, to see what changed: of both kinds of iptables, of nftables, and the sets of ipset.
//!
//! In: a host. Out: [`Rules`] without what moves by itself: counters, handles, the time that elements have left; and what one has that
//! another has not. The commands only read: `iptables -L` of the old kind would make the tables that it lists.
//!
//! It knows no rule.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::hosts::Argv;
use crate::island::Island;

/// What prints rules.
const LISTS: &[(&str, Argv)] = &[
    ("nft", &["nft", "-s", "list", "ruleset"]),
    ("iptables-nft", &["iptables-nft-save"]),
    ("ip6tables-nft", &["ip6tables-nft-save"]),
    ("iptables-legacy", &["iptables-legacy-save"]),
    ("ip6tables-legacy", &["ip6tables-legacy-save"]),
    ("ipset", &["ipset", "save"]),
];

/// Words that stand before a number which moves by itself.
const MOVING: [&str; 2] = ["expires", "timeout"];

/// A host's rules, by what printed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules(BTreeMap<&'static str, Vec<String>>);

impl Rules {
    /// Reads a host's.
    ///
    /// # Errors
    ///
    /// One of the commands fails where it is there at all.
    pub(crate) fn of(island: &Island) -> Result<Self> {
        let read = |(name, argv): &(&'static str, Argv)| {
            let text = if island.run(&["which", argv[0]]).is_ok() { island.run(argv)? } else { String::new() };
            Ok((*name, text.lines().filter_map(still).collect()))
        };
        Ok(Self(LISTS.iter().map(read).collect::<Result<_>>()?))
    }

    /// Lines that the other has not, each with what printed it; a line that stands twice here and once there counts once.
    pub(crate) fn beyond(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, lines) in &self.0 {
            let mut there: BTreeMap<&str, usize> = BTreeMap::new();
            other.0[name].iter().for_each(|line| *there.entry(line).or_default() += 1);
            for line in lines {
                match there.get_mut(line.as_str()) {
                    Some(count) if *count > 0 => *count -= 1,
                    _ => found.push(format!("{name}: {}", line.trim())),
                }
            }
        }
        found
    }

    /// What one has and the other has not, both ways, with a sign; where the lines are the same in another order, that.
    pub(crate) fn against(&self, before: &Self) -> Vec<String> {
        let mut lines: Vec<_> = self.beyond(before).into_iter().map(|line| format!("+ {line}")).collect();
        lines.extend(before.beyond(self).into_iter().map(|line| format!("- {line}")));
        if lines.is_empty() && self != before {
            lines.push("the same lines in another order".to_owned());
        }
        lines
    }

    /// The same without what the lock puts there: its table, its chains, its jumps.
    pub(crate) fn of_others(&self) -> Self {
        Self(self.0.iter().map(|(name, lines)| (*name, of_others(lines))).collect())
    }

    /// The names of the texts in which two differ.
    pub(crate) fn differing(&self, other: &Self) -> Vec<&'static str> {
        self.0.keys().filter(|name| self.0[**name] != other.0[**name]).copied().collect()
    }
}

/// What begins a block of the lock's, as nft prints it, and the line that ends it.
const BLOCKS: [(&str, &str); 2] = [("table inet docker_firewall {", "}"), ("\tchain DFW", "\t}")];
/// What is in a line about a chain of the lock's.
const NAMES: [&str; 5] = [":DFW", "-A DFW", "-j DFW", "jump DFW", "goto DFW"];

/// The lines that are not the lock's.
fn of_others(lines: &[String]) -> Vec<String> {
    let mut end = None;
    let mut kept = Vec::new();
    for line in lines {
        if let Some(last) = end {
            end = Some(last).filter(|last| line != last);
        } else if let Some((_, last)) = BLOCKS.iter().find(|(first, _)| line.starts_with(first)) {
            end = Some(*last);
        } else if !NAMES.iter().any(|name| line.contains(name)) {
            kept.push(line.clone());
        }
    }
    kept
}

/// True for a line that iptables writes for a table that it makes: the table, its base chains, nothing in them.
pub(crate) fn is_base(line: &str) -> bool {
    let said = line.split_once(": ").map_or(line, |(_, said)| said);
    let begins = ["*filter", "COMMIT", "table ip filter {", "table ip6 filter {", "type filter hook ", "}"];
    begins.iter().any(|begin| said.starts_with(begin))
        || ["INPUT", "FORWARD", "OUTPUT"]
            .iter()
            .any(|name| said == format!("chain {name} {{") || said == format!(":{name} ACCEPT"))
}

/// A line without what moves by itself; nothing where it only says when and by whom it was printed.
fn still(line: &str) -> Option<String> {
    if line.starts_with('#') || line.trim().is_empty() {
        return None;
    }
    // `:INPUT ACCEPT [12:3456]`
    let line = line.strip_prefix(':').and_then(|rest| Some(format!(":{}", rest.split_once(" [")?.0))).unwrap_or(line.to_owned());
    let mut words: Vec<&str> = Vec::new();
    for word in line.split(' ') {
        let moves = words.last().is_some_and(|last| MOVING.contains(last));
        words.push(if moves { "…" } else { word });
    }
    Some(words.join(" "))
}
