//! The base chains at one hook, in the order in which the kernel calls them.

use super::{Journey, Outcome};
use crate::judge::plan::{Called, Idle, Moment};
use crate::judge::walk::world::{Tracking, World, join};
use crate::judge::walk::{BOUND, End, crowded, walk};
use crate::model::ruleset::{Base, ChainKind, Hook};
use crate::model::verdict::{Path, Verdict};

/// Connection tracking looks at a packet at this priority (NF_IP_PRI_CONNTRACK, `linux/netfilter_ipv4.h`).
const CONNTRACK: i32 = -200;

impl<'a> Journey<'a> {
    /// Passes the chains of a hook. Drops become outcomes; what comes back passed them all.
    ///
    /// Accept ends only its own base chain; drop ends the packet.
    pub(super) fn hook(&mut self, hook: Hook, path: Path, mut worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        let Some(family) = worlds.first().map(|world| world.state.family) else { return worlds };
        let tracks = matches!(hook, Hook::Prerouting | Hook::Output);
        for moment in self.scene.plan.orders.at(hook, family) {
            if tracks && moment.at >= CONNTRACK {
                worlds.iter_mut().for_each(track);
            }
            worlds = self.moment(moment, path, worlds);
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

    /// Passes the chains at a device: before all IP hooks, or after them.
    pub(super) fn device(&mut self, hook: Hook, device: &str, path: Path, mut worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        let is_here = |base: &Base| {
            base.devices.iter().any(|own| own == device || own.strip_suffix('*').is_some_and(|own| device.starts_with(own)))
        };
        let (plan, all) = (self.scene.plan, self.scene.plan.orders.devices(hook));
        let (unplaced, placed): (Vec<Called>, Vec<Called>) =
            all.partition(|called| plan.base(*called).is_none_or(|base| base.devices.is_empty()));
        let here: Vec<Called> = placed.into_iter().filter(|called| plan.base(*called).is_some_and(is_here)).collect();
        for moment in plan.moments(&here) {
            worlds = self.moment(&moment, path, worlds);
        }
        for called in unplaced {
            worlds = self.may_pass(called, path, worlds);
        }
        worlds
    }

    /// Passes a chain of which it is not known whether it is called: followed both ways.
    fn may_pass(&mut self, called: Called, path: Path, mut worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        let (table, chain) = self.scene.plan.called(called);
        for world in &mut worlds {
            world.doubt(|| format!("the device of {} {} is unread; `nft list ruleset` shows it", table.title, chain.name));
        }
        let passed = self.in_order(&[called], path, worlds.clone());
        merged(worlds.into_iter().chain(passed))
    }

    /// Passes the chains of one moment, in each order in which they may run.
    pub(super) fn moment(&mut self, moment: &Moment, path: Path, worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        if let [order] = moment.orders.as_slice() {
            return self.in_order(order, path, worlds);
        }
        let orders = moment.orders.iter();
        merged(orders.flat_map(|order| self.in_order(order, path, worlds.clone())).collect::<Vec<_>>())
    }

    fn in_order(&mut self, order: &[Called], path: Path, mut worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        for called in order {
            let (table, chain) = self.scene.plan.called(*called);
            let Some(base) = chain.base.as_ref().filter(|_| !self.is_idle(*called)) else { continue };
            let (asked, mut passed): (Vec<_>, Vec<_>) = worlds.into_iter().partition(|world| is_asked(base, world));
            for (end, mut world) in walk(self.scene, table, chain, base, asked) {
                match end {
                    End::Accept => passed.push(world),
                    End::Drop => self.note(Verdict::Closed, path, world),
                    End::Lost(why) => {
                        world.doubt(|| why.into_owned());
                        self.note(Verdict::Unsure, path, world);
                    }
                }
            }
            worlds = self.bound(path, self.unsettled(passed));
        }
        worlds
    }

    /// True if a chain can be passed over.
    fn is_idle(&self, called: Called) -> bool {
        !self.is_told && (called.idle == Idle::Always || called.idle == Idle::AtTheEnd && !self.is_own)
    }

    /// Notes an end.
    pub(super) fn note(&mut self, verdict: Verdict, path: Path, world: World<'a>) {
        if verdict == Verdict::Unsure {
            self.unsure = self.unsure.or(&world.groups);
        }
        self.outcomes.push(Outcome { verdict, path, world });
    }

    /// The worlds of those of whom it is not yet certain that nothing is certain. Where somebody asks what else stands in the way of a
    /// verdict, all.
    fn unsettled(&self, mut worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        if !self.is_told && !self.unsure.is_empty() {
            for world in &mut worlds {
                world.groups = world.groups.without(&self.unsure);
            }
            worlds.retain(|world| !world.groups.is_empty());
        }
        worlds
    }

    /// Gives up those senders from whom there are too many different ways.
    fn bound(&mut self, path: Path, mut worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        if worlds.len() <= BOUND {
            return worlds;
        }
        let crowded = crowded(self.scene, worlds.iter());
        for world in &mut worlds {
            let lost = world.groups.and(&crowded);
            if !lost.is_empty() && !lost.without(&self.unsure).is_empty() {
                let mut lost = world.with(lost);
                lost.doubt(|| "too many possibilities".to_owned());
                self.note(Verdict::Unsure, path, lost);
            }
            world.groups = world.groups.without(&crowded);
        }
        worlds.retain(|world| !world.groups.is_empty());
        worlds
    }
}

/// Worlds that look the same as one.
fn merged<'a>(worlds: impl IntoIterator<Item = World<'a>>) -> Vec<World<'a>> {
    let mut kept = Vec::new();
    worlds.into_iter().for_each(|world| join(&mut kept, (), world));
    kept.into_iter().map(|((), world)| world).collect()
}

/// Whether a chain is called for a packet: a nat chain only until one has chosen, and never for what is not tracked.
fn is_asked(base: &Base, world: &World<'_>) -> bool {
    let state = &world.state;
    let is_chosen = match base.hook {
        Hook::Prerouting | Hook::Output => state.asked.destination,
        _ => state.asked.source,
    };
    base.kind != ChainKind::Nat || !state.is_mapped && !is_chosen && state.tracking == Tracking::New
}

/// Connection tracking takes note of the packet: a new connection.
fn track(world: &mut World<'_>) {
    if world.state.tracking == Tracking::NotYet {
        world.state.tracking = Tracking::New;
    }
}
