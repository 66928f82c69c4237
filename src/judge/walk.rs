//! One packet through one base chain: every end it can come to, each with the rule that brought it there.
//!
//! What enters: a table, its base chain, the ways the packet can look by now. What leaves: the possible ends. Not here: which chains
//! are called when, and where the packet goes between them.

mod act;
mod test;
pub(crate) mod world;

use super::ground::Ground;
use crate::model::ruleset::{Action, Base, Chain, ChainKind, Decision, Policy, Rule, Step, Table, Translation};
use crate::model::truth::Truth;
use crate::model::verdict::Hop;

use std::sync::Arc;
use world::World;

/// How many different ways of one packet are followed at a time; past that the verdict is Unsure.
pub(crate) const BOUND: usize = 64;

/// How deep chains may call each other (the kernel: NFT_JUMP_STACK_SIZE 16; iptables allows more).
const DEPTH: usize = 128;

/// What a base chain does with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It passes on to the next base chain.
    Accept,
    /// It is dropped or rejected.
    Drop,
    /// It cannot be told; the text says why.
    Lost(Arc<str>),
}

/// How a chain is left.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exit {
    End(End),
    Return,
}

/// The ways that lead on from a rule: to the next one, or out of the chain.
struct Ways {
    next: Vec<World>,
    exits: Vec<(Exit, World)>,
}

/// A walk through the chains of one table.
pub(crate) struct Walk<'a> {
    ground: &'a Ground<'a>,
    table: &'a Table,
    base: &'a Base,
    /// The chains that called each other, outermost first.
    path: Vec<Arc<str>>,
}

/// Walks a base chain in each of the worlds.
///
/// Doubt is resolved once for each rule, after negation: a rule that may fit is followed both ways.
pub(crate) fn walk<'a>(
    ground: &'a Ground<'a>,
    table: &'a Table,
    chain: &'a Chain,
    base: &'a Base,
    worlds: Vec<World>,
) -> Vec<(End, World)> {
    let mut walk = Walk { ground, table, base, path: Vec::new() };
    let exits = walk.chain(chain, worlds);
    let ends = exits.into_iter().map(|(exit, mut world)| match exit {
        Exit::End(end) => (end, world),
        Exit::Return => {
            let end = if base.policy == Policy::Drop { End::Drop } else { End::Accept };
            let effect = if end == End::Drop { "drop" } else { "accept" };
            world.trace.push(walk.hop(&chain.name, "policy", effect));
            (end, world)
        }
    });
    distinct(ends.collect(), |(end, world): &(End, World), (other, seen)| end == other && world.state == seen.state)
}

impl<'a> Walk<'a> {
    fn hop(&self, chain: &str, rule: &str, effect: &str) -> Hop {
        let mut path: Vec<&str> = self.path.iter().map(AsRef::as_ref).collect();
        if path.last() != Some(&chain) {
            path.push(chain);
        }
        Hop {
            hook: self.base.hook.name(),
            table: self.table.title(),
            chain: path.join(" > "),
            rule: rule.to_owned(),
            effect: effect.to_owned(),
        }
    }

    /// Walks a chain in each of the worlds, from its first rule.
    fn chain(&mut self, chain: &'a Chain, worlds: Vec<World>) -> Vec<(Exit, World)> {
        if let Some(why) = &chain.unread {
            return worlds.into_iter().map(|world| self.lost(&chain.name, "", world, why)).collect();
        }
        if self.path.len() >= DEPTH {
            let why = "chains call each other too deeply";
            return worlds.into_iter().map(|world| self.lost(&chain.name, "", world, why)).collect();
        }
        self.path.push(chain.name.clone());
        let mut ways = Ways { next: worlds, exits: Vec::new() };
        for rule in &chain.rules {
            let live = std::mem::take(&mut ways.next);
            for world in live {
                self.rule(rule, 0, world, &mut ways);
            }
            ways.next = distinct(ways.next, |world, other| world.state == other.state);
            ways.exits = distinct(ways.exits, |(exit, world), (other, seen)| exit == other && world.state == seen.state);
            if ways.next.len() + ways.exits.len() > BOUND {
                let live = std::mem::take(&mut ways.next);
                ways.exits.extend(live.into_iter().map(|world| self.lost(&chain.name, "", world, "too many possibilities")));
            }
            if ways.next.is_empty() {
                break;
            }
        }
        ways.exits.extend(ways.next.into_iter().map(|world| (Exit::Return, world)));
        self.path.pop();
        ways.exits
    }

    /// Loses the packet: what becomes of it cannot be told.
    fn lost(&self, chain: &str, rule: &str, mut world: World, why: &str) -> (Exit, World) {
        let subject = if rule.is_empty() { chain } else { rule };
        world.doubt(format!("{}: {subject}: {why}", self.table.title()));
        world.trace.push(self.hop(chain, rule, why));
        (Exit::End(End::Lost(why.into())), world)
    }

    /// Applies a rule, from one of its steps on, in one world.
    fn rule(&mut self, rule: &'a Rule, from: usize, world: World, ways: &mut Ways) {
        let mut truth = Truth::Yes;
        for (at, step) in rule.steps.iter().enumerate().skip(from) {
            match step {
                Step::Test(test) => truth = truth.and(test::holds(self.ground, test, &world)),
                Step::Act(_) if truth == Truth::No => break,
                Step::Act(action) => {
                    let world = if truth == Truth::Maybe {
                        let doubting = world.doubting(self.table, rule);
                        ways.next.push(doubting.clone());
                        doubting
                    } else {
                        world
                    };
                    for world in self.act(rule, action, world, ways) {
                        self.rule(rule, at + 1, world, ways);
                    }
                    return;
                }
            }
        }
        ways.next.push(world);
    }

    /// Does one action in one world. What comes back goes on in the same rule.
    fn act(&mut self, rule: &'a Rule, action: &'a Action, mut world: World, ways: &mut Ways) -> Vec<World> {
        let here = self.path.last().cloned().unwrap_or_default();
        match action {
            Action::Decide(decision) => self.decide(rule, decision, world, ways),
            Action::Lookup { selectors, map } => {
                let mut going = Vec::new();
                for (spans, decision) in map.iter() {
                    match test::all_fit(self.ground, selectors, spans, &world) {
                        Truth::No => {}
                        Truth::Yes => {
                            going.extend(self.decide(rule, decision, world, ways));
                            return going;
                        }
                        Truth::Maybe => going.extend(self.decide(rule, decision, world.doubting(self.table, rule), ways)),
                    }
                }
                going.push(world);
                going
            }
            Action::Translate(translation) if self.base.kind == ChainKind::Nat => {
                self.translate(rule, translation, world, ways);
                Vec::new()
            }
            Action::SetMark(change) => {
                act::set_mark(&mut world.state, *change);
                world.trace.push(self.hop(&here, &rule.text, "mark"));
                vec![world]
            }
            Action::Untrack => {
                world.state.untrack();
                world.trace.push(self.hop(&here, &rule.text, "notrack"));
                vec![world]
            }
            Action::Translate(_) => {
                ways.exits.push(self.lost(&here, &rule.text, world, "it translates in a chain that is not of type nat"));
                Vec::new()
            }
            Action::Unknown(text) => {
                ways.exits.push(self.lost(&here, &rule.text, world, &format!("`{text}` is not understood")));
                Vec::new()
            }
        }
    }

    /// Translates an address in one world, which ends the chain.
    fn translate(&self, rule: &Rule, translation: &Translation, world: World, ways: &mut Ways) {
        let here = self.path.last().cloned().unwrap_or_default();
        for (mut world, effect) in act::translate(self.ground, self.base.hook, translation, world) {
            if let Some(why) = world.state.lost.take() {
                ways.exits.push(self.lost(&here, &rule.text, world, &why));
            } else {
                world.trace.push(self.hop(&here, &rule.text, &effect));
                ways.exits.push((Exit::End(End::Accept), world));
            }
        }
    }

    /// Decides in one world. What comes back goes on in the same rule.
    fn decide(&mut self, rule: &'a Rule, decision: &'a Decision, mut world: World, ways: &mut Ways) -> Vec<World> {
        let here = self.path.last().cloned().unwrap_or_default();
        match decision {
            Decision::Accept | Decision::Drop | Decision::Reject => {
                world.trace.push(self.hop(&here, &rule.text, &decision.to_string()));
                let end = if *decision == Decision::Accept { End::Accept } else { End::Drop };
                ways.exits.push((Exit::End(end), world));
            }
            Decision::Return => ways.exits.push((Exit::Return, world)),
            Decision::Continue => return vec![world],
            Decision::Jump(target) | Decision::Goto(target) => {
                let Some(chain) = self.table.chains.get(target) else {
                    ways.exits.push(self.lost(&here, &rule.text, world, "the chain that it jumps to is not there"));
                    return Vec::new();
                };
                let is_goto = matches!(decision, Decision::Goto(_));
                for (exit, world) in self.chain(chain, vec![world]) {
                    match exit {
                        Exit::Return if !is_goto => ways.next.push(world),
                        exit => ways.exits.push((exit, world)),
                    }
                }
            }
        }
        Vec::new()
    }
}

/// The items without those that are the same as an earlier one.
fn distinct<T>(items: Vec<T>, same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(items.len());
    for item in items {
        if !kept.iter().any(|other| same(&item, other)) {
            kept.push(item);
        }
    }
    kept
}
