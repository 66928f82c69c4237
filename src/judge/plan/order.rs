//! Which base chains the kernel calls when.

use super::effect::Effect;
use super::{Action, Chain, Step, Table};
use crate::model::packet::Family;
use crate::model::ruleset::{Base, ChainKind, Hook, TableFamily};

/// A base chain: the number of its table, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) table: usize,
    pub(crate) chain: usize,
    /// Whether it may be passed over where nobody asks which rules were met.
    pub(crate) idle: Idle,
}

/// Whether a base chain can do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    /// It may end or change a packet.
    Never,
    /// It changes the source at most, and nothing that comes later before the packet leaves looks at that.
    AtTheEnd,
    /// It never does anything.
    Always,
}

/// Base chains that are called at the same moment.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// Earlier ones are lower.
    pub(crate) at: i32,
    /// The orders in which they may run; mostly one.
    pub(crate) orders: Vec<Vec<Called>>,
}

/// The base chains of a plan by where they are called.
#[derive(Debug)]
pub(crate) struct Orders {
    /// For each hook, the moments for v4 and for v6.
    hooks: Vec<[Vec<Moment>; 2]>,
    /// For each hook, the moments for frames of a bridge.
    frames: Vec<Vec<Moment>>,
    /// Chains at devices, before all hooks or after them.
    devices: Vec<(Hook, Called)>,
}

const HOOKS: [Hook; 7] =
    [Hook::Ingress, Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting, Hook::Egress];

impl Orders {
    /// Sorts the base chains of these tables.
    pub(super) fn of(tables: &[Table]) -> Self {
        let at_device = |hook| matches!(hook, Hook::Ingress | Hook::Egress);
        let devices: Vec<(Hook, Called)> = HOOKS
            .into_iter()
            .filter(|hook| at_device(*hook))
            .flat_map(|hook| {
                let sees = |family| matches!(family, TableFamily::Netdev | TableFamily::Inet);
                called(tables, hook, sees).into_iter().map(move |called| (hook, called))
            })
            .collect();
        let frames: Vec<Vec<Moment>> =
            HOOKS.iter().map(|hook| moments(tables, &called(tables, *hook, |family| family == TableFamily::Bridge))).collect();
        let looks_later = |hook| {
            let leaves = |hook| matches!(hook, Hook::Output | Hook::Postrouting);
            let mut frames = HOOKS.iter().zip(&frames).filter(|(hook, _)| leaves(**hook));
            hook == Hook::Postrouting
                && (devices.iter().any(|(hook, _)| *hook == Hook::Egress) || frames.any(|(_, moments)| !moments.is_empty()))
        };
        let hooks = HOOKS
            .iter()
            .map(|hook| {
                [Family::V4, Family::V6].map(|family| {
                    let mut chains = called(tables, *hook, |table| !at_device(*hook) && table.sees(family));
                    if !looks_later(*hook) && matches!(hook, Hook::Input | Hook::Postrouting) {
                        mark_idle_at_the_end(tables, &mut chains);
                    }
                    moments(tables, &chains)
                })
            })
            .collect();
        Self { hooks, frames, devices }
    }

    /// The moments of a hook, in order, for packets of a family.
    pub(crate) fn at(&self, hook: Hook, family: Family) -> &[Moment] {
        &self.hooks[number(hook)][usize::from(family == Family::V6)]
    }

    /// The moments of a hook, in order, for frames of a bridge.
    pub(crate) fn frames(&self, hook: Hook) -> &[Moment] {
        &self.frames[number(hook)]
    }

    /// True if there are rules about the frames of bridges.
    pub(crate) fn has_frames(&self) -> bool {
        self.frames.iter().any(|moments| !moments.is_empty())
    }

    /// The chains at devices before all hooks, or after them.
    pub(crate) fn devices(&self, hook: Hook) -> impl Iterator<Item = Called> {
        self.devices.iter().filter(move |(own, _)| *own == hook).map(|(_, called)| *called)
    }

    /// All base chains.
    pub(crate) fn all(&self) -> impl Iterator<Item = Called> {
        let moments = self.hooks.iter().flatten().chain(&self.frames).flatten();
        moments.flat_map(|moment| moment.orders.iter().flatten().copied()).chain(self.devices.iter().map(|(_, called)| *called))
    }
}

fn number(hook: Hook) -> usize {
    HOOKS.iter().position(|own| *own == hook).unwrap_or(0)
}

fn chain_of(tables: &[Table], called: Called) -> &Chain {
    &tables[called.table].chains[called.chain]
}

fn base_of(tables: &[Table], called: Called) -> Option<&Base> {
    chain_of(tables, called).base.as_ref()
}

/// When a base chain is called. Chains of type nat are all called from one place of their own, whatever they declare
/// (net/netfilter/nf_nat_core.c, `nf_nat_register_fn`; net/netfilter/nf_nat_proto.c).
fn moment(base: &Base) -> i32 {
    match (base.kind, base.hook) {
        (ChainKind::Nat, Hook::Prerouting | Hook::Output) => -100,
        (ChainKind::Nat, _) => 100,
        _ => base.priority,
    }
}

/// The base chains at a hook in tables of some families, in order.
fn called(tables: &[Table], hook: Hook, sees: impl Fn(TableFamily) -> bool) -> Vec<Called> {
    let mut all: Vec<(i32, i32, Called)> = Vec::new();
    for (table, own) in tables.iter().enumerate().filter(|(_, table)| sees(table.family)) {
        for (at, chain) in own.chains.iter().enumerate() {
            if let Some(base) = chain.base.as_ref().filter(|base| base.hook == hook) {
                let idle = if chain.effect == Effect::None { Idle::Always } else { Idle::Never };
                all.push((moment(base), base.priority, Called { table, chain: at, idle }));
            }
        }
    }
    all.sort_by_key(|(moment, priority, _)| (*moment, *priority));
    all.into_iter().map(|(_, _, called)| called).collect()
}

/// The nat chains behind which nothing looks at a packet.
fn mark_idle_at_the_end(tables: &[Table], chains: &mut [Called]) {
    for called in chains.iter_mut().rev() {
        let chain = chain_of(tables, *called);
        let is_nat = chain.base.as_ref().is_some_and(|base| base.kind == ChainKind::Nat);
        match (called.idle, chain.effect) {
            (Idle::Always, _) => {}
            (_, Effect::Source) if is_nat => called.idle = Idle::AtTheEnd,
            _ => return,
        }
    }
}

/// The chains of a hook by the moment of their call.
pub(super) fn moments(tables: &[Table], chains: &[Called]) -> Vec<Moment> {
    let at = |called: &Called| base_of(tables, *called).map_or(0, moment);
    let groups = chains.chunk_by(|one, other| at(one) == at(other));
    groups.map(|group| Moment { at: at(&group[0]), orders: orders(tables, group) }).collect()
}

/// The orders in which chains of one moment may run. Which of two of the same priority comes first depends on which was there first;
/// where that could matter, every order is followed (of more than three chains, every one in turn first, both ways round).
fn orders(tables: &[Table], group: &[Called]) -> Vec<Vec<Called>> {
    let speaks = |called: &&Called| !chain_of(tables, **called).rules.is_empty() || chain_of(tables, **called).unread.is_some();
    let is_nat = |called: &&Called| base_of(tables, **called).is_some_and(|base| base.kind == ChainKind::Nat);
    let priority = |called: &Called| base_of(tables, *called).map_or(0, |base| base.priority);
    let (nat, filter): (Vec<&Called>, Vec<&Called>) = group.iter().filter(speaks).partition(is_nat);
    let is_tied = nat.windows(2).any(|pair| priority(pair[0]) == priority(pair[1]));
    let is_mixed = !nat.is_empty() && !filter.is_empty();
    let is_marked = filter.len() > 1 && filter.iter().any(|called| marks(&tables[called.table]));
    if !is_tied && !is_mixed && !is_marked {
        return vec![group.to_vec()];
    }
    let mut orders = Vec::new();
    for first in 0..group.len() {
        let mut order: Vec<Called> = group[first..].iter().chain(&group[..first]).copied().collect();
        for _ in 0..2 {
            // Chains of type nat keep to their declared priorities.
            let mut in_priority: Vec<Called> = order.iter().filter(|called| is_nat(called)).copied().collect();
            in_priority.sort_by_key(priority);
            let mut nat = in_priority.into_iter();
            let in_turn = |called: &Called| if is_nat(&called) { nat.next() } else { Some(*called) };
            orders.push(order.iter().filter_map(in_turn).collect());
            order.reverse();
        }
    }
    orders
}

/// True if rules of a table change what rules of other chains look at.
fn marks(table: &Table) -> bool {
    let changes = |step: &Step| matches!(step, Step::Act(Action::SetMark(_) | Action::Untrack));
    table.chains.iter().flat_map(|chain| &chain.rules).any(|rule| rule.steps.iter().any(changes))
}
