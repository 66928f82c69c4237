//! A new bridge in firewalld's zone `docker`, where the engine puts it (moby `libnetwork/iptables/firewalld.go`, `AddInterfaceFirewalld`).
//!
//! In: a rule set, and a bridge that is in the zone already. Out: the rule set with every line of firewalld's that speaks of the old
//! bridge written once more for the new one. So the new one goes the very way of the old one, whichever version of firewalld wrote it.

use crate::model::firewall::Firewalld;
use crate::model::ruleset::{Action, Decision, Key, Rule, Ruleset, Selector, Set, Span, Step, Table, Test};
use std::sync::Arc;

/// firewalld's own zone of the engine's bridges.
const ZONE: &str = "docker";

/// The first of `bridges` that firewalld has in the zone `docker`; None: the engine does not work with firewalld.
pub(super) fn member<'b>(ruleset: &Ruleset, bridges: impl IntoIterator<Item = &'b str>) -> Option<&'b str> {
    let is_member = |bridge: &&str| {
        let chains = ruleset.tables.iter().filter(|table| is_firewalld(table)).flat_map(|table| table.chains.values());
        chains.flat_map(|chain| &chain.rules).any(|rule| speaks_of(rule, bridge) && leads_to_zone(rule))
    };
    bridges.into_iter().find(is_member)
}

/// Puts a bridge where another one is.
pub(super) fn join(ruleset: &mut Ruleset, member: &str, bridge: &str) {
    for table in ruleset.tables.iter_mut().filter(|table| is_firewalld(table)) {
        let name = &table.name;
        for chain in table.chains.values_mut().filter(|chain| is_dispatch(name, &chain.name)) {
            chain.rules = chain.rules.iter().flat_map(|rule| with_copies(rule, member, bridge)).collect();
        }
    }
}

/// The same in what firewalld says of itself.
pub(super) fn list(firewalld: &mut Firewalld, bridge: &str) {
    if let Some(zone) = firewalld.zones.get_mut(ZONE)
        && !zone.interfaces.iter().any(|own| own == bridge)
    {
        zone.interfaces.push(bridge.to_owned());
    }
}

/// firewalld's table, or with its iptables backend one of those that all share.
fn is_firewalld(table: &Table) -> bool {
    table.name == "firewalld" || table.chains.keys().any(|name| name.ends_with("_ZONES"))
}

/// True for the chains by which firewalld sends packets to zones. In tables that all share, others' rules may speak of a bridge, too.
fn is_dispatch(table: &str, chain: &str) -> bool {
    table == "firewalld" || chain.ends_with("_ZONES") || is_of_zone(chain)
}

fn is_of_zone(chain: &str) -> bool {
    chain.split('_').any(|word| word == ZONE)
}

fn speaks_of(rule: &Rule, bridge: &str) -> bool {
    rule.steps.iter().any(|step| tested(step).is_some_and(|(_, name)| &**name == bridge))
}

/// True for a jump to a chain of the zone.
fn leads_to_zone(rule: &Rule) -> bool {
    rule.steps.iter().any(|step| match step {
        Step::Act(Action::Decide(Decision::Jump(chain) | Decision::Goto(chain))) => is_of_zone(chain),
        _ => false,
    })
}

/// The interface that a test asks for by name.
fn tested(step: &Step) -> Option<(Key, &Arc<str>)> {
    let Step::Test(Test::Fields { selectors, among, negated: false }) = step else { return None };
    match (selectors.as_slice(), among.members.as_slice()) {
        ([Selector { key: key @ (Key::InInterface | Key::OutInterface), .. }], [member]) => match member.as_slice() {
            [Span::Name(name)] => Some((*key, name)),
            _ => None,
        },
        _ => None,
    }
}

/// A rule, and after it its copies in which the new bridge stands for the old one: in each of its places, and in both.
fn with_copies(rule: &Rule, member: &str, bridge: &str) -> Vec<Rule> {
    let places: Vec<usize> = rule.steps.iter().enumerate().filter(|(_, step)| is_about(step, member)).map(|(at, _)| at).collect();
    let choices: &[&[usize]] = match places.len() {
        0 => &[],
        1 => &[&[0]],
        _ => &[&[0], &[1], &[0, 1]],
    };
    let copy = |chosen: &&[usize]| {
        let mut copy = rule.clone();
        for place in *chosen {
            if let Step::Test(Test::Fields { among, .. }) = &mut Arc::make_mut(&mut copy.steps)[places[*place]] {
                *among = Set::of([Span::Name(bridge.into())]);
            }
        }
        copy.text = renamed(&rule.text, member, bridge, chosen).into();
        copy
    };
    [rule.clone()].into_iter().chain(choices.iter().map(copy)).collect()
}

fn is_about(step: &Step, member: &str) -> bool {
    tested(step).is_some_and(|(_, name)| &**name == member)
}

/// A text in which `new` stands for the chosen ones of the places where `old` stands as a word.
fn renamed(text: &str, old: &str, new: &str, chosen: &[usize]) -> String {
    let mut seen = 0;
    let word = |word: &str| {
        if word.trim_matches('"') != old {
            return word.to_owned();
        }
        seen += 1;
        if chosen.contains(&(seen - 1)) { word.replace(old, new) } else { word.to_owned() }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_renamed() {
        assert_eq!(
            renamed("iifname docker0 oifname docker0 accept", "docker0", "br-1", &[1]),
            "iifname docker0 oifname br-1 accept"
        );
        assert_eq!(renamed("-A IN_docker0 -i docker0 -j IN", "docker0", "br-1", &[0]), "-A IN_docker0 -i br-1 -j IN");
    }
}
