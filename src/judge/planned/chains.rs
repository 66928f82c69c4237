//! Changes of a rule set, as the engine makes them: append, insert, put a jump first, add to a verdict map.
//!
//! A rule that is already there is not written again (moby `iptables.Rule.Append` and `Insert`).

use super::habits::{NFT_TABLE, table_family, with_chain};
use super::rule::{self, Do, Part};
use crate::model::packet::Family;
use crate::model::ruleset::{
    Action, Base, Chain, ChainKind, Decision, Hook, Key, Origin, Policy, Rule, Ruleset, Selector, Span, Step, Table,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The tables of one family that the engine writes to.
pub(super) struct Sheet<'r> {
    ruleset: &'r mut Ruleset,
    family: Family,
    origin: Origin,
}

impl<'r> Sheet<'r> {
    /// The tables of a family. Of two sets of iptables' tables, the one that has the engine's chains counts.
    pub(super) fn of(ruleset: &'r mut Ruleset, family: Family) -> Self {
        let origin = with_chain(ruleset, family, "nat", "DOCKER").map_or(Origin::Iptables, |table| table.origin);
        Self { ruleset, family, origin }
    }

    /// Adds a rule at the end of a chain of iptables.
    pub(super) fn append(&mut self, table: &str, chain: &str, parts: &[Part<'_>], does: &Do<'_>) {
        let (rules, rule) = self.spelled(table, chain, parts, does);
        if !rules.iter().any(|other| other.text == rule.text) {
            rules.push(rule);
        }
    }

    /// Adds a rule at the beginning of a chain of iptables.
    pub(super) fn insert(&mut self, table: &str, chain: &str, parts: &[Part<'_>], does: &Do<'_>) {
        let (rules, rule) = self.spelled(table, chain, parts, does);
        if !rules.iter().any(|other| other.text == rule.text) {
            rules.insert(0, rule);
        }
    }

    /// Puts a jump to a chain at the beginning of another, wherever it stood (moby `IPTable.EnsureJumpRule`).
    pub(super) fn put_first(&mut self, chain: &str, target: &str) {
        let (rules, rule) = self.spelled("filter", chain, &[], &Do::Jump(target));
        rules.retain(|other| other.text != rule.text);
        rules.insert(0, rule);
    }

    /// A chain's rules, and a rule for it as the table's reader would have it: a table in which iptables needs none of its own
    /// expressions is read from nft.
    fn spelled(&mut self, table: &str, chain: &str, parts: &[Part<'_>], does: &Do<'_>) -> (&mut Vec<Rule>, Rule) {
        let table = self.table(table);
        let rule = match table.origin {
            Origin::Nft => rule::nft(parts, does, ""),
            Origin::Iptables | Origin::Legacy => rule::iptables(chain, parts, does),
        };
        let base = base(&table.name, chain);
        (&mut chain_of(table, chain, base).rules, rule)
    }

    /// Sets the policy of FORWARD to drop.
    pub(super) fn drop_forwarding(&mut self) {
        if let Some(base) = self.chain("filter", "FORWARD").base.as_mut() {
            base.policy = Policy::Drop;
        }
    }

    /// The rules of a chain of iptables; an empty chain, and its table, are made where there are none.
    pub(super) fn rules(&mut self, table: &str, chain: &str) -> &mut Vec<Rule> {
        &mut self.chain(table, chain).rules
    }

    fn chain(&mut self, table: &str, chain: &str) -> &mut Chain {
        let table = self.table(table);
        let base = base(&table.name, chain);
        chain_of(table, chain, base)
    }

    fn table(&mut self, name: &str) -> &mut Table {
        let (family, origin) = (table_family(self.family), self.origin);
        let is_it = |table: &Table| {
            table.family == family && table.name == name && (table.origin == Origin::Legacy) == (origin == Origin::Legacy)
        };
        let at = self.ruleset.tables.iter().position(is_it).unwrap_or_else(|| {
            self.ruleset.tables.push(Table { family, name: name.to_owned(), origin, chains: BTreeMap::new() });
            self.ruleset.tables.len() - 1
        });
        &mut self.ruleset.tables[at]
    }
}

fn chain_of<'t>(table: &'t mut Table, chain: &str, base: Option<Base>) -> &'t mut Chain {
    let name: Arc<str> = chain.into();
    table.chains.entry(Arc::clone(&name)).or_insert_with(|| Chain { name, base, rules: Vec::new(), unread: None })
}

/// Where the kernel calls the built-in chains that the engine is the first to use: with `raw` it may be (`linux/netfilter_ipv4.h`).
fn base(table: &str, chain: &str) -> Option<Base> {
    let is_raw = table == "raw" && chain == "PREROUTING";
    let base =
        Base { hook: Hook::Prerouting, kind: ChainKind::Filter, priority: -300, policy: Policy::Accept, devices: Vec::new() };
    is_raw.then_some(base)
}

/// The engine's own table of one family, with the nftables backend.
pub(super) struct Bridges<'r> {
    table: &'r mut Table,
}

impl<'r> Bridges<'r> {
    /// The table of a family; None where it is not there.
    pub(super) fn of(ruleset: &'r mut Ruleset, family: Family) -> Option<Self> {
        let family = table_family(family);
        let table = ruleset.tables.iter_mut().find(|table| table.family == family && table.name == NFT_TABLE)?;
        Some(Self { table })
    }

    /// The rules of a chain; an empty chain is made where there is none.
    pub(super) fn rules(&mut self, chain: &str) -> &mut Vec<Rule> {
        &mut chain_of(self.table, chain, None).rules
    }

    /// Adds a rule at the end of a chain, unless it is there.
    pub(super) fn append(&mut self, chain: &str, rule: Rule) {
        let rules = self.rules(chain);
        if !rules.iter().any(|other| other.text == rule.text) {
            rules.push(rule);
        }
    }

    /// Adds a rule before the last one of a chain, unless it is there.
    pub(super) fn append_before_last(&mut self, chain: &str, rule: Rule) {
        let rules = self.rules(chain);
        if !rules.iter().any(|other| other.text == rule.text) {
            rules.insert(rules.len().saturating_sub(1), rule);
        }
    }

    /// Lets the verdict map of a chain that looks at `key` send packets of an interface to a chain.
    pub(super) fn dispatch(&mut self, chain: &str, key: Key, interface: &str, target: &str) {
        let entry = (vec![Span::Name(interface.into())], Decision::Jump(target.into()));
        let steps = self.rules(chain).iter_mut().flat_map(|rule| Arc::make_mut(&mut rule.steps));
        for step in steps {
            let Step::Act(Action::Lookup { selectors, map }) = step else { continue };
            if *selectors == [Selector::from(key)] && !map.contains(&entry) {
                Arc::make_mut(map).push(entry.clone());
            }
        }
    }
}
