//! A table of the model to one of a plan, rule by rule.

use super::finder::Finder;
use super::index::Index;
use super::members::{Library, is_sender};
use super::{Action, Chain, Decision, Effect, Map, Rule, Step, Table, Target, Test, Translation};
use crate::model::ruleset::{self, Key};
use std::collections::HashMap;
use std::sync::Arc;

/// The numbers of the chains of a table.
type Numbers<'a> = HashMap<&'a str, usize>;

/// Prepares a table.
pub(super) fn table(table: &ruleset::Table, library: &mut Library) -> Table {
    let numbers: Numbers<'_> = table.chains.keys().enumerate().map(|(at, name)| (&**name, at)).collect();
    let mut chain = |chain: &ruleset::Chain| {
        let rules: Vec<Rule> = chain.rules.iter().map(|one| rule(one, &numbers, library)).collect();
        Chain {
            name: chain.name.clone(),
            base: chain.base.clone(),
            index: Index::of(&rules),
            rules,
            unread: chain.unread.clone(),
            effect: Effect::default(),
        }
    };
    Table { title: table.title(), family: table.family, chains: table.chains.values().map(&mut chain).collect() }
}

fn rule(rule: &ruleset::Rule, numbers: &Numbers<'_>, library: &mut Library) -> Rule {
    let step = |step: &ruleset::Step| match step {
        ruleset::Step::Test(ruleset::Test::Unknown(_)) => Step::Test(Test::Unknown),
        ruleset::Step::Test(ruleset::Test::Fields { selectors, among, negated }) => Step::Test(Test::Fields {
            selectors: selectors.as_slice().into(),
            among: library.members(among, selectors),
            negated: *negated,
        }),
        ruleset::Step::Act(one) => Step::Act(action(one, numbers, library)),
    };
    let mut steps: Vec<Step> = rule.steps.iter().map(step).collect();
    // All of them must hold, in whatever order they are asked: those that are the same for all senders come first.
    let tests = steps.iter().position(|step| matches!(step, Step::Act(_))).unwrap_or(steps.len());
    steps[..tests].sort_by_key(asks_for_sender);
    Rule { text: rule.text.clone(), steps }
}

fn asks_for_sender(step: &Step) -> bool {
    let is_about_sender = |key| is_sender(key) || matches!(key, Key::SourceType | Key::ReversePath { .. });
    matches!(step, Step::Test(Test::Fields { selectors, .. }) if selectors.iter().any(|selector| is_about_sender(selector.key)))
}

fn action(action: &ruleset::Action, numbers: &Numbers<'_>, library: &mut Library) -> Action {
    match action {
        ruleset::Action::Decide(word) => Action::Decide(decision(word, numbers)),
        ruleset::Action::Lookup { selectors, map } => {
            let entries: Vec<_> =
                map.iter().map(|(spans, word)| (library.member(spans, selectors), decision(word, numbers))).collect();
            let finder = Finder::of(selectors, &entries.iter().map(|(member, _)| member).collect::<Vec<_>>());
            Action::Lookup { selectors: selectors.as_slice().into(), map: Map { entries, finder } }
        }
        ruleset::Action::Translate(translation) => Action::Translate(translate(translation, library)),
        ruleset::Action::SetMark(change) => Action::SetMark(*change),
        ruleset::Action::Untrack => Action::Untrack,
        ruleset::Action::Unknown(text) => Action::Unknown(Arc::clone(text)),
    }
}

fn decision(word: &ruleset::Decision, numbers: &Numbers<'_>) -> Decision {
    match word {
        ruleset::Decision::Accept => Decision::Accept,
        ruleset::Decision::Drop => Decision::Drop,
        ruleset::Decision::Reject => Decision::Reject,
        ruleset::Decision::Return => Decision::Return,
        ruleset::Decision::Continue => Decision::Continue,
        ruleset::Decision::Jump(chain) => Decision::Jump(numbers.get(&**chain).copied()),
        ruleset::Decision::Goto(chain) => Decision::Goto(numbers.get(&**chain).copied()),
    }
}

fn translate(translation: &ruleset::Translation, library: &mut Library) -> Translation {
    match translation {
        ruleset::Translation::Source => Translation::Source,
        ruleset::Translation::Redirect(ports) => Translation::Redirect(*ports),
        ruleset::Translation::Prefix(net) => Translation::Prefix(*net),
        ruleset::Translation::Destination(targets) => {
            let target = |target: &ruleset::Target| Target {
                when: target.when.iter().map(|(selector, span)| (*selector, library.part(*selector, span))).collect(),
                address: target.address,
                ports: target.ports,
            };
            Translation::Destination(targets.iter().map(target).collect())
        }
    }
}
