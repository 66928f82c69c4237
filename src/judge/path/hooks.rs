//! The base chains at one hook, in the order in which the kernel calls them.

use super::{Journey, Outcome};
use crate::judge::walk::world::{Tracking, World};
use crate::judge::walk::{BOUND, End, walk};
use crate::model::ruleset::{Action, Base, Chain, ChainKind, Hook, Step, Table, TableFamily};
use crate::model::verdict::{Path, Verdict};

/// Connection tracking looks at a packet at this priority (NF_IP_PRI_CONNTRACK, `linux/netfilter_ipv4.h`).
const CONNTRACK: i32 = -200;

/// A base chain and its table.
#[derive(Clone, Copy)]
struct Called<'a> {
    table: &'a Table,
    chain: &'a Chain,
    base: &'a Base,
}

impl Called<'_> {
    /// When it is called. Chains of type nat are all called from one place of their own, whatever they declare
    /// (net/netfilter/nf_nat_core.c, `nf_nat_register_fn`; net/netfilter/nf_nat_proto.c).
    fn moment(&self) -> i32 {
        match (self.base.kind, self.base.hook) {
            (ChainKind::Nat, Hook::Prerouting | Hook::Output) => -100,
            (ChainKind::Nat, _) => 100,
            _ => self.base.priority,
        }
    }
}

impl<'a> Journey<'a> {
    /// Passes the chains of a hook. Drops become outcomes; what comes back passed them all.
    ///
    /// Accept ends only its own base chain; drop ends the packet.
    pub(super) fn hook(&mut self, hook: Hook, path: Path, worlds: Vec<World>) -> Vec<World> {
        let Some(family) = worlds.first().map(|world| world.state.family) else { return worlds };
        let chains = self.chains(|table, base| base.hook == hook && table.family.sees(family));
        self.pass(&chains, hook, path, worlds)
    }

    /// Passes the chains at a device: before all IP hooks, or after them.
    pub(super) fn device(&mut self, hook: Hook, device: &str, path: Path, worlds: Vec<World>) -> Vec<World> {
        let here = |base: &Base| {
            base.devices.iter().any(|own| own == device || own.strip_suffix('*').is_some_and(|own| device.starts_with(own)))
        };
        let sees = |family| matches!(family, TableFamily::Netdev | TableFamily::Inet);
        let chains = self.chains(|table, base| base.hook == hook && sees(table.family) && here(base));
        let mut worlds = self.pass(&chains, hook, path, worlds);
        for called in self.chains(|table, base| base.hook == hook && sees(table.family) && base.devices.is_empty()) {
            worlds = self.may_pass(called, path, worlds);
        }
        worlds
    }

    /// Passes a chain of which it is not known whether it is called: followed both ways.
    fn may_pass(&mut self, called: Called<'a>, path: Path, mut worlds: Vec<World>) -> Vec<World> {
        for world in &mut worlds {
            world.doubt(format!(
                "the device of {} {} is unread; `nft list ruleset` shows it",
                called.table.title(),
                called.chain.name
            ));
        }
        let mut both = worlds.clone();
        for world in self.in_order(&[called], path, worlds) {
            if !both.iter().any(|seen| seen.state == world.state) {
                both.push(world);
            }
        }
        both
    }

    fn chains(&self, wanted: impl Fn(&Table, &Base) -> bool) -> Vec<Called<'a>> {
        let mut chains = Vec::new();
        for table in &self.ground.host.ruleset.tables {
            for chain in table.chains.values() {
                if let Some(base) = chain.base.as_ref().filter(|base| wanted(table, base)) {
                    chains.push(Called { table, chain, base });
                }
            }
        }
        chains.sort_by_key(|called| (called.moment(), called.base.priority));
        chains
    }

    fn pass(&mut self, chains: &[Called<'a>], hook: Hook, path: Path, mut worlds: Vec<World>) -> Vec<World> {
        let tracks = matches!(hook, Hook::Prerouting | Hook::Output);
        let mut rest = chains;
        while let Some(first) = rest.first() {
            let count = rest.iter().take_while(|called| called.moment() == first.moment()).count();
            let (group, later) = rest.split_at(count);
            rest = later;
            if tracks && first.moment() >= CONNTRACK {
                worlds.iter_mut().for_each(track);
            }
            worlds = self.group(group, path, worlds);
        }
        if tracks {
            worlds.iter_mut().for_each(track);
        }
        for world in &mut worlds {
            world.state.is_mapped = false;
            // A connection's destination and its source are each chosen once.
            match hook {
                Hook::Prerouting | Hook::Output => world.state.asked.destination = true,
                Hook::Input | Hook::Postrouting => world.state.asked.source = true,
                _ => {}
            }
        }
        worlds
    }

    /// Chains that are called at the same moment. Which of two of the same priority comes first depends on which was there first; where
    /// that could matter, every order is followed (of more than three chains, every one in turn first, both ways round).
    fn group(&mut self, group: &[Called<'a>], path: Path, worlds: Vec<World>) -> Vec<World> {
        let speaks = |called: &&Called<'_>| !called.chain.rules.is_empty() || called.chain.unread.is_some();
        let speaking: Vec<&Called<'a>> = group.iter().filter(speaks).collect();
        let (nat, filter): (Vec<&Called<'a>>, Vec<_>) =
            speaking.iter().copied().partition(|called| called.base.kind == ChainKind::Nat);
        let is_tied = nat.windows(2).any(|pair| pair[0].base.priority == pair[1].base.priority);
        let is_mixed = !nat.is_empty() && !filter.is_empty();
        let is_marked = filter.len() > 1 && filter.iter().any(|called| marks(called.table));
        if !is_tied && !is_mixed && !is_marked {
            return self.in_order(group, path, worlds);
        }
        let mut passed: Vec<World> = Vec::new();
        for order in orders(group) {
            for world in self.in_order(&order, path, worlds.clone()) {
                if !passed.iter().any(|seen| seen.state == world.state) {
                    passed.push(world);
                }
            }
        }
        passed
    }

    fn in_order(&mut self, chains: &[Called<'a>], path: Path, mut worlds: Vec<World>) -> Vec<World> {
        for called in chains {
            let (asked, mut passed): (Vec<_>, Vec<_>) = worlds.into_iter().partition(|world| is_asked(*called, world));
            for (end, mut world) in walk(self.ground, called.table, called.chain, called.base, asked) {
                match end {
                    End::Accept => passed.push(world),
                    End::Drop => self.outcomes.push(Outcome { verdict: Verdict::Closed, path, world }),
                    End::Lost(why) => {
                        world.doubt(why.to_string());
                        self.outcomes.push(Outcome { verdict: Verdict::Unsure, path, world });
                    }
                }
            }
            worlds = passed;
            if worlds.len() > BOUND {
                let lost = worlds.drain(BOUND..).next();
                self.outcomes.extend(lost.map(|world| Outcome { verdict: Verdict::Unsure, path, world }));
            }
        }
        worlds
    }
}

/// True if rules of a table change what rules of other chains look at.
fn marks(table: &Table) -> bool {
    let changes = |step: &Step| matches!(step, Step::Act(Action::SetMark(_) | Action::Untrack));
    table.chains.values().flat_map(|chain| &chain.rules).any(|rule| rule.steps.iter().any(changes))
}

/// The orders in which chains of one moment may run. Chains of type nat keep to their declared priorities.
fn orders<'a>(group: &[Called<'a>]) -> Vec<Vec<Called<'a>>> {
    let mut orders = Vec::new();
    for first in 0..group.len() {
        let mut order: Vec<Called<'a>> = group[first..].iter().chain(&group[..first]).copied().collect();
        for _ in 0..2 {
            let mut priorities: Vec<Called<'a>> =
                order.iter().filter(|called| called.base.kind == ChainKind::Nat).copied().collect();
            priorities.sort_by_key(|called| called.base.priority);
            let mut nat = priorities.into_iter();
            let in_turn = |called: &Called<'a>| if called.base.kind == ChainKind::Nat { nat.next() } else { Some(*called) };
            orders.push(order.iter().filter_map(in_turn).collect());
            order.reverse();
        }
    }
    orders
}

/// Whether a chain is called for a packet: a nat chain only until one has chosen, and never for what is not tracked.
fn is_asked(called: Called<'_>, world: &World) -> bool {
    let state = &world.state;
    let is_chosen = match called.base.hook {
        Hook::Prerouting | Hook::Output => state.asked.destination,
        _ => state.asked.source,
    };
    called.base.kind != ChainKind::Nat || !state.is_mapped && !is_chosen && state.tracking == Tracking::New
}

/// Connection tracking takes note of the packet: a new connection.
fn track(world: &mut World) {
    if world.state.tracking == Tracking::NotYet {
        world.state.tracking = Tracking::New;
    }
}

/// True if there are rules about frames between the ports of a bridge.
pub(super) fn filters_frames(tables: &[Table]) -> bool {
    tables.iter().filter(|table| table.family == TableFamily::Bridge).any(|table| {
        table.chains.values().any(|chain| chain.base.is_some() && (!chain.rules.is_empty() || chain.unread.is_some()))
    })
}
