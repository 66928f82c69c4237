//! Whether a host firewall is there, and where it has rules.
//!
//! In: a host without the engine's rules. Out: what is missing later if the firewall goes. Not here: what its rules say.

use crate::model::host::Host;
use crate::model::ruleset::{Action, Base, Chain, Decision, Hook, Origin, Policy, Rule, Step, Table};
use std::collections::BTreeSet;

/// Where the host firewall has rules that packets from outside meet: its tables and chains, chains that rules of iptables lead to and that do
/// something, and policies that drop. What is missing later is a firewall that has gone. (`ufw disable` empties its chains and leaves them,
/// the engine makes a DOCKER-USER in which a rule returns.)
pub fn of(meant: &Host) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for table in &meant.ruleset.tables {
        for chain in table.chains.values() {
            let Some(base) =
                chain.base.as_ref().filter(|base| matches!(base.hook, Hook::Prerouting | Hook::Input | Hook::Forward))
            else {
                continue;
            };
            let title = format!("{} {}", table.title(), chain.name);
            if base.policy == Policy::Drop && !is_shared(table, base) {
                found.insert(format!("{title} policy drop"));
            }
            if table.origin == Origin::Nft && !chain.rules.is_empty() {
                found.insert(title);
                continue;
            }
            for step in chain.rules.iter().flat_map(|rule| rule.steps.iter()) {
                match step {
                    Step::Act(Action::Decide(Decision::Jump(target) | Decision::Goto(target)))
                        if table.chains.get(target).is_none_or(does_something) =>
                    {
                        found.insert(format!("{title} to {target}"));
                    }
                    Step::Act(Action::Decide(Decision::Drop | Decision::Reject)) => drop(found.insert(title.clone())),
                    _ => {}
                }
            }
        }
    }
    found
}

/// True for the chain FORWARD of iptables, whose policy the engine sets, too; a firewall of the host has rules elsewhere.
fn is_shared(table: &Table, base: &Base) -> bool {
    table.origin != Origin::Nft && table.name == "filter" && base.hook == Hook::Forward
}

fn does_something(chain: &Chain) -> bool {
    let is_idle = |step: &Step| matches!(step, Step::Test(_) | Step::Act(Action::Decide(Decision::Return | Decision::Continue)));
    chain.unread.is_some() || chain.rules.iter().any(|rule| !rule.steps.iter().all(is_idle))
}

/// True if no rule that packets from outside may meet refuses anything: no firewall runs.
pub fn is_empty_of_refusals(meant: &Host) -> bool {
    let is_met = |base: &Base| matches!(base.hook, Hook::Ingress | Hook::Prerouting | Hook::Input | Hook::Forward);
    meant.ruleset.tables.iter().all(|table| {
        let mut chains = table.chains.values();
        chains.all(|chain| {
            let drops = chain.base.as_ref().is_some_and(|base| is_met(base) && base.policy == Policy::Drop);
            let is_other_hooks = chain.base.as_ref().is_some_and(|base| !is_met(base));
            !drops && chain.unread.is_none() && (is_other_hooks || !chain.rules.iter().any(may_refuse))
        })
    })
}

fn may_refuse(rule: &Rule) -> bool {
    let is_end = |decision: &Decision| matches!(decision, Decision::Drop | Decision::Reject);
    rule.steps.iter().any(|step| match step {
        Step::Act(Action::Decide(decision)) => is_end(decision),
        Step::Act(Action::Lookup { map, .. }) => map.iter().any(|(_, decision)| is_end(decision)),
        Step::Act(Action::Unknown(_)) => true,
        _ => false,
    })
}
