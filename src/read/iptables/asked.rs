//! Which ipsets rules ask or change, and whether a rule asks one that may have changed.

use super::words::{Group, Line};
use super::{Context, place};
use crate::model::ruleset::{Step, Table};
use crate::read::changes::{self, Change, Changes, Place};
use crate::read::ipset::IpSets;

/// Notes the changes that the rules of a save make to ipsets: `-j SET --add-set NAME src`. What is put into a list of sets goes into one
/// of them.
pub(in crate::read) fn note_changes(save: &str, tables: &[Table], sets: &IpSets, all: &mut Changes) {
    for (table, chain) in tables.iter().flat_map(|table| table.chains.values().map(move |chain| (table, chain))) {
        for (at, rule) in chain.rules.iter().enumerate().filter(|(_, rule)| rule.text.contains("SET")) {
            let target = Line::read(&rule.text).and_then(|line| line.target).filter(|target| target.name == "SET");
            for option in target.iter().flat_map(|target| &target.options) {
                let removes = option.name == "--del-set";
                let Some(name) = option.values.first().filter(|_| removes || option.name == "--add-set") else { continue };
                let change = || Change { place: place(save, &table.name, chain, at), removes };
                match sets.get(name).and_then(Option::as_ref) {
                    Some(set) => {
                        set.parts.iter().chain([name]).for_each(|name| all.add(Some(name), change()));
                    }
                    None => all.add(None, change()),
                }
            }
        }
    }
}

/// True for a match that asks an ipset which may hold something else than is listed. `targets`: what its rule does.
pub(super) fn is_in_doubt(group: &Group, targets: &[Step], place: &Place, context: &Context<'_>) -> bool {
    let Some(sets) = context.sets.filter(|_| group.name == "set" && !context.changes.is_empty()) else { return false };
    let mut asked = group.options.iter().filter(|option| option.name == "--match-set");
    asked.any(|option| {
        let only_stops = !option.negated && !targets.is_empty() && changes::only_stop(targets.iter());
        let named = option.values.first();
        let parts = named.and_then(|name| sets.get(name)?.as_ref()).map_or(&[][..], |set| &set.parts);
        named.into_iter().chain(parts).any(|name| context.changes.leave_doubt(name, place, only_stops))
    })
}
