//! A packet through one base chain, from many senders at once: every end it can come to, each with the rule that brought it there.
//!
//! What enters: a base chain, the ways the packet can look by now. What leaves: the possible ends. Where a rule asks for the sender, a
//! way parts: the groups that fit go one way, the others another. Not here: which chains are called when, and where the packet goes
//! between them.

mod act;
mod fit;
pub(crate) mod scene;
mod test;
pub(crate) mod world;

use super::plan::{Action, Chain, Decision, Map, Rule, Step, Table, Translation};
use super::sources::groups::Groups;
use crate::model::ruleset::{Base, ChainKind, Policy, Selector};
use crate::model::truth::Truth;
use crate::model::verdict::Hop;
use act::Done;
use fit::Fit;
use scene::Scene;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use world::{World, join};

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
    Lost(Cow<'static, str>),
}

/// How a chain is left.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exit {
    End(End),
    Return,
}

/// The ways that lead on from a rule: to the next one, or out of the chain.
struct Ways<'a> {
    next: Vec<((), World<'a>)>,
    exits: Vec<(Exit, World<'a>)>,
}

/// Where a walk stands.
#[derive(Clone, Copy)]
struct Here<'a> {
    chain: &'a Chain,
    rule: &'a Rule,
}

/// A walk through the chains of one table.
struct Walk<'a> {
    scene: Scene<'a>,
    table: &'a Table,
    base: &'a Base,
    /// The chains that called each other, outermost first.
    path: Vec<&'a Chain>,
}

/// Walks a base chain in each of the worlds.
///
/// Doubt is resolved once for each rule, after negation: a rule that may fit is followed both ways.
pub(crate) fn walk<'a>(
    scene: Scene<'a>,
    table: &'a Table,
    chain: &'a Chain,
    base: &'a Base,
    worlds: Vec<World<'a>>,
) -> Vec<(End, World<'a>)> {
    let mut walk = Walk { scene, table, base, path: Vec::new() };
    let mut ends = Vec::new();
    for (exit, mut world) in walk.chain(chain, worlds.into_iter().map(|world| ((), world)).collect()) {
        let end = match exit {
            Exit::End(end) => end,
            Exit::Return => {
                let (end, effect) = if base.policy == Policy::Drop { (End::Drop, "drop") } else { (End::Accept, "accept") };
                world.tell(|| walk.hop(chain, "policy", effect));
                end
            }
        };
        join(&mut ends, end, world);
    }
    ends
}

impl<'a> Walk<'a> {
    fn hop(&self, chain: &Chain, rule: &str, effect: &str) -> Hop {
        let mut chains: Vec<Arc<str>> = self.path.iter().map(|chain| Arc::clone(&chain.name)).collect();
        if chains.last() != Some(&chain.name) {
            chains.push(Arc::clone(&chain.name));
        }
        Hop {
            hook: self.base.hook.name(),
            table: self.table.title.clone(),
            chains,
            rule: rule.to_owned(),
            effect: effect.to_owned(),
        }
    }

    /// Walks a chain in each of the worlds, from its first rule.
    fn chain(&mut self, chain: &'a Chain, worlds: Vec<((), World<'a>)>) -> Vec<(Exit, World<'a>)> {
        let too_deep = || (self.path.len() >= DEPTH).then(|| "chains call each other too deeply".into());
        // The kernel loads no such rules (net/netfilter/nf_tables_api.c, `nft_chain_validate`; ip_tables.c, `mark_source_chains`).
        let is_around = || self.path.iter().any(|caller| std::ptr::eq(*caller, chain));
        let in_a_circle = || is_around().then(|| "chains call each other in a circle".into());
        if let Some(why) = chain.unread.clone().map(Cow::Owned).or_else(in_a_circle).or_else(too_deep) {
            return worlds.into_iter().map(|((), world)| self.lost(chain, "", world, why.clone())).collect();
        }
        self.path.push(chain);
        let packets: Vec<_> = worlds.iter().map(|((), world)| world.state.about()).collect();
        let possible = chain.index.possible(&packets);
        let mut ways = Ways { next: worlds, exits: Vec::new() };
        for rule in possible.map(|number| &chain.rules[number]) {
            if ways.next.iter().all(|((), world)| self.is_passed_by(rule, world)) {
                continue;
            }
            for ((), world) in std::mem::take(&mut ways.next) {
                self.rule(Here { chain, rule }, 0, world, &mut ways);
            }
            if ways.next.len() + ways.exits.len() > BOUND {
                self.bound(chain, &mut ways);
            }
            if ways.next.is_empty() {
                break;
            }
        }
        ways.exits.extend(ways.next.into_iter().map(|((), world)| (Exit::Return, world)));
        self.path.pop();
        ways.exits
    }

    /// True if a rule surely does nothing: one of the tests before its first action fails for all senders.
    fn is_passed_by(&self, rule: &Rule, world: &World<'a>) -> bool {
        let mut fit = Fit::All(Truth::Yes);
        for step in &rule.steps {
            let Step::Test(test) = step else { return false };
            fit = fit.and(test::holds(self.scene, test, world));
            if fit.is_impossible(&world.groups) {
                return true;
            }
        }
        true
    }

    /// Loses the packets of those senders from whom there are too many different ways.
    fn bound(&self, chain: &Chain, ways: &mut Ways<'a>) {
        let next = ways.next.iter().map(|((), world)| world);
        let crowded = crowded(self.scene, next.chain(ways.exits.iter().map(|(_, world)| world)));
        for ((), world) in std::mem::take(&mut ways.next) {
            let (lost, left) = (world.groups.and(&crowded), world.groups.without(&crowded));
            if !lost.is_empty() {
                let (exit, world) = self.lost(chain, "", world.with(lost), "too many possibilities".into());
                ways.exits.push((exit, world));
            }
            if !left.is_empty() {
                ways.next.push(((), world.with(left)));
            }
        }
    }

    /// Loses the packet: what becomes of it cannot be told.
    fn lost(&self, chain: &Chain, rule: &str, mut world: World<'a>, why: Cow<'static, str>) -> (Exit, World<'a>) {
        let subject = if rule.is_empty() { &chain.name } else { rule };
        world.doubt(|| format!("{}: {subject}: {why}", self.table.title));
        world.tell(|| self.hop(chain, rule, &why));
        (Exit::End(End::Lost(why)), world)
    }

    /// Loses the packet at a rule.
    fn lose(&self, here: Here<'a>, world: World<'a>, why: impl Into<Cow<'static, str>>, ways: &mut Ways<'a>) {
        let (exit, world) = self.lost(here.chain, &here.rule.text, world, why.into());
        join(&mut ways.exits, exit, world);
    }

    /// Notes a rule of which it cannot be told whether it fits.
    fn doubt(&self, here: Here<'a>, world: &mut World<'a>) {
        world.doubt(|| format!("{}: {}", self.table.title, here.rule.text));
    }

    /// Applies a rule, from one of its steps on, in one world.
    fn rule(&mut self, here: Here<'a>, from: usize, world: World<'a>, ways: &mut Ways<'a>) {
        let mut fit = Fit::All(Truth::Yes);
        for (at, step) in here.rule.steps.iter().enumerate().skip(from) {
            match step {
                Step::Test(test) => {
                    fit = fit.and(test::holds(self.scene, test, &world));
                    if fit.is_impossible(&world.groups) {
                        break;
                    }
                }
                Step::Act(action) => {
                    let world = self.part(here, fit, world, ways);
                    for world in self.act(here, action, world, ways) {
                        self.rule(here, at + 1, world, ways);
                    }
                    return;
                }
            }
        }
        join(&mut ways.next, (), world);
    }

    /// Parts a world at a rule that fits for some: what comes back is done, the others pass the rule by. Where it may fit, both.
    fn part(&self, here: Here<'a>, fit: Fit, mut world: World<'a>, ways: &mut Ways<'a>) -> World<'a> {
        if fit == Fit::All(Truth::Yes) {
            return world;
        }
        let (yes, possible) = fit.sets(&world.groups);
        if yes != possible {
            self.doubt(here, &mut world);
        }
        let others = world.groups.without(&yes);
        if !others.is_empty() {
            join(&mut ways.next, (), world.with(others));
        }
        world.groups = possible;
        world
    }

    /// Does one action in one world. What comes back goes on in the same rule.
    fn act(&mut self, here: Here<'a>, action: &'a Action, mut world: World<'a>, ways: &mut Ways<'a>) -> Vec<World<'a>> {
        match action {
            Action::Decide(decision) => self.decide(here, *decision, world, ways),
            Action::Lookup { selectors, map } => self.look_up(here, selectors, map, world, ways),
            Action::Translate(translation) if self.base.kind == ChainKind::Nat => {
                self.translate(here, translation, world, ways);
                Vec::new()
            }
            Action::SetMark(change) => {
                act::set_mark(&mut world.state, *change);
                world.tell(|| self.hop(here.chain, &here.rule.text, "mark"));
                vec![world]
            }
            Action::Untrack => {
                world.state.untrack();
                world.tell(|| self.hop(here.chain, &here.rule.text, "notrack"));
                vec![world]
            }
            Action::Translate(_) => {
                self.lose(here, world, "it translates in a chain that is not of type nat", ways);
                Vec::new()
            }
            Action::Unknown(text) => {
                self.lose(here, world, format!("`{text}` is not understood"), ways);
                Vec::new()
            }
        }
    }

    /// Decides by a map in one world: the first entry that fits counts, and those before it that may. What comes back goes on in the same
    /// rule; where no entry fits, the rule ends and the next one is asked (net/netfilter/nft_lookup.c, `nft_lookup_eval`: `NFT_BREAK`).
    fn look_up(
        &mut self,
        here: Here<'a>,
        selectors: &[Selector],
        map: &'a Map,
        mut world: World<'a>,
        ways: &mut Ways<'a>,
    ) -> Vec<World<'a>> {
        let mut going = Vec::new();
        for (fit, decision) in test::fitting(self.scene, selectors, map, &world) {
            let (yes, possible) = fit.sets(&world.groups);
            if possible.is_empty() {
                continue;
            }
            let is_certain = yes == possible;
            let mut fitting = world.with(possible);
            if !is_certain {
                self.doubt(here, &mut fitting);
            }
            going.extend(self.decide(here, decision, fitting, ways));
            world.groups = world.groups.without(&yes);
            if world.groups.is_empty() {
                return going;
            }
        }
        join(&mut ways.next, (), world);
        going
    }

    /// Translates an address in one world, which ends the chain.
    fn translate(&self, here: Here<'a>, translation: &Translation, world: World<'a>, ways: &mut Ways<'a>) {
        for (mut world, done) in act::translate(self.scene, self.base.hook, translation, world) {
            if let Done::Lost(why) = done {
                self.lose(here, world, why, ways);
            } else {
                let state = world.state;
                world.tell(|| self.hop(here.chain, &here.rule.text, &done.effect(&state)));
                join(&mut ways.exits, Exit::End(End::Accept), world);
            }
        }
    }

    /// Decides in one world. What comes back goes on in the same rule.
    fn decide(&mut self, here: Here<'a>, decision: Decision, mut world: World<'a>, ways: &mut Ways<'a>) -> Vec<World<'a>> {
        match decision {
            Decision::Accept | Decision::Drop | Decision::Reject => {
                world.tell(|| self.hop(here.chain, &here.rule.text, &decision.to_string()));
                let end = if decision == Decision::Accept { End::Accept } else { End::Drop };
                join(&mut ways.exits, Exit::End(end), world);
            }
            Decision::Return => join(&mut ways.exits, Exit::Return, world),
            Decision::Continue => return vec![world],
            Decision::Jump(None) | Decision::Goto(None) => {
                self.lose(here, world, "the chain that it jumps to is not there", ways);
            }
            Decision::Jump(Some(target)) | Decision::Goto(Some(target)) => {
                let is_goto = matches!(decision, Decision::Goto(_));
                for (exit, world) in self.chain(&self.table.chains[target], vec![((), world)]) {
                    match exit {
                        Exit::Return if !is_goto => join(&mut ways.next, (), world),
                        exit => join(&mut ways.exits, exit, world),
                    }
                }
            }
        }
        Vec::new()
    }
}

/// The groups from which there are more different ways than are followed.
pub(crate) fn crowded<'w, 'a: 'w>(scene: Scene<'_>, worlds: impl Iterator<Item = &'w World<'a>>) -> Groups {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    worlds.flat_map(|world| world.groups.iter()).for_each(|group| *counts.entry(group).or_default() += 1);
    let mut crowded = scene.crowd.nobody();
    counts.into_iter().filter(|(_, count)| *count > BOUND).for_each(|(group, _)| crowded.insert(group));
    crowded
}
