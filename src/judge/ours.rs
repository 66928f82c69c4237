//! What of a host's rules is a lock of ours. It is never anybody's intent, and never in the way of judging the host without it.
//!
//! In: a host. Out: what is ours, or the host without it. A table is ours by its name and family; a chain of iptables by its name and the
//! comment of its first rule, and an empty one by its name: somebody flushed it. Not here: what is in a lock.

use crate::model::host::Host;
use crate::model::lock::TABLE;
use crate::model::packet::Family;
use crate::model::ruleset::{Action, Chain, Decision, Rule, Step, Table, TableFamily};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The chain of ours in the table `filter` of iptables that forwarded packets enter; the names of all others begin with it and a dash.
pub const CHAIN: &str = "DFW";

/// The word that the comments of our rules begin with.
pub const MARK: &str = "docker-firewall ";

/// True for a table of our name.
pub fn is_table(table: &Table) -> bool {
    table.family == TableFamily::Inet && table.name == TABLE
}

/// True for a name that our chains have.
pub fn is_chain_name(name: &str) -> bool {
    name.strip_prefix(CHAIN).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// True for a chain of ours in a table of iptables.
pub fn is_chain(chain: &Chain) -> bool {
    is_chain_name(&chain.name) && chain.rules.first().is_none_or(|rule| rule.text.contains(MARK))
}

/// The family of a table `filter` of iptables, in either of its forms; None for every other table.
pub fn family(table: &Table) -> Option<Family> {
    match table.family {
        TableFamily::Ip if table.name == "filter" => Some(Family::V4),
        TableFamily::Ip6 if table.name == "filter" => Some(Family::V6),
        _ => None,
    }
}

/// The tables `filter` of iptables, of both families and both of its forms.
pub fn filters(host: &Host) -> impl Iterator<Item = (Family, &Table)> {
    host.ruleset.tables.iter().filter_map(|table| Some((family(table)?, table)))
}

/// The names of our chains in a table of iptables.
pub fn chains(table: &Table) -> BTreeSet<Arc<str>> {
    table.chains.values().filter(|chain| is_chain(chain)).map(|chain| Arc::clone(&chain.name)).collect()
}

/// Takes every lock of ours off a host.
pub fn strip(host: &mut Host) {
    host.ruleset.tables.retain(|table| !is_table(table));
    for table in host.ruleset.tables.iter_mut().filter(|table| family(table).is_some()) {
        let gone = chains(table);
        if gone.is_empty() {
            continue;
        }
        table.chains.retain(|name, _| !gone.contains(name));
        for chain in table.chains.values_mut() {
            chain.rules.retain(|rule| !leads_to(rule).is_some_and(|name| gone.contains(name)));
        }
    }
}

/// The chain that a rule jumps or goes to.
fn leads_to(rule: &Rule) -> Option<&Arc<str>> {
    rule.steps.iter().find_map(|step| match step {
        Step::Act(Action::Decide(Decision::Jump(target) | Decision::Goto(target))) => Some(target),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_ours_by_its_name_and_its_comment() {
        let chain = |name: &str, rules: &[&str]| Chain {
            name: name.into(),
            base: None,
            rules: rules.iter().map(|text| Rule { text: (*text).into(), steps: Arc::default() }).collect(),
            unread: None,
        };
        let marked = ["-A DFW -m comment --comment \"docker-firewall 0123456789abcdef\" -j RETURN", "-A DFW -j DROP"];
        assert!(is_chain(&chain("DFW", &marked)) && is_chain(&chain("DFW-1", &marked)) && is_chain(&chain("DFW", &[])));
        assert!(!is_chain(&chain("DFW", &marked[1..])) && !is_chain(&chain("DFWX", &marked)) && !is_chain(&chain("INPUT", &[])));
    }
}
