//! Frames of a bridge: what its own rules (family `bridge`) do to them, and which of them stay on it.
//!
//! Which port a frame comes by or leaves by is not followed, nor what connection tracking makes of it there: rules that ask for either
//! may fit or not.

use super::Journey;
use crate::judge::ground::Way;
use crate::judge::walk::world::{Device, Tracking, World};
use crate::model::ruleset::Hook;
use crate::model::verdict::{Path, Verdict};

/// One of the ports of a bridge.
const SOME_PORT: Device<'static> = None;

/// No interface: there is none yet, or none any more.
const NOWHERE: Device<'static> = Some("");

impl<'a> Journey<'a> {
    /// Frames that a bridge takes in by one of its ports; those that go up to the host come back (net/bridge/br_input.c,
    /// `br_handle_frame_finish`, `br_pass_frame_up`).
    pub(super) fn taken_by_bridge(&mut self, bridge: &'a str, worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        if !self.scene.ground.is_bridge(bridge) {
            return worlds;
        }
        let worlds = self.frames(bridge, Hook::Prerouting, [SOME_PORT, NOWHERE], Path::Nowhere, worlds);
        let worlds = self.between_ports(bridge, worlds);
        self.frames(bridge, Hook::Input, [SOME_PORT, NOWHERE], Path::Nowhere, worlds)
    }

    /// Frames that the host sends out by a bridge (net/bridge/br_forward.c, `__br_forward`: NF_BR_LOCAL_OUT, then NF_BR_POST_ROUTING).
    pub(super) fn sent_by_bridge(&mut self, bridge: &'a str, path: Path, worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        if !self.scene.plan.orders.has_frames() || !self.scene.ground.is_bridge(bridge) {
            return worlds;
        }
        let mut sent = Vec::new();
        for mut world in worlds {
            if world.state.input != Some(bridge) {
                sent.push(world);
                continue;
            }
            // With br_netfilter, frames that stay on their bridge come here, too; they meet other rules than those that are sent.
            world.doubt(|| {
                format!("whether the frame is sent by the host or stays on {bridge} is not known; `nft list ruleset bridge` shows the rules")
            });
            self.note(Verdict::Unsure, path, world);
        }
        let sent = self.frames(bridge, Hook::Output, [NOWHERE, SOME_PORT], path, sent);
        self.frames(bridge, Hook::Postrouting, [NOWHERE, SOME_PORT], path, sent)
    }

    /// Frames that stay on their bridge: without br_netfilter no IP hook sees them. The others come back.
    fn between_ports(&mut self, bridge: &'a str, worlds: Vec<World<'a>>) -> Vec<World<'a>> {
        let mut up = Vec::new();
        for world in worlds {
            let (ground, state) = (self.scene.ground, world.state);
            if ground.is_own(state.destination, bridge) != Some(false) || ground.filters_bridges(state.family) {
                up.push(world);
                continue;
            }
            for (way, mut world) in self.ways(world, bridge, 0) {
                if way != Way::Devices(vec![bridge]) {
                    up.push(world);
                    continue;
                }
                world.note("routing", || format!("the frame stays on {bridge}: no IP hook sees it"));
                let worlds = self.frames(bridge, Hook::Forward, [SOME_PORT, SOME_PORT], Path::Bridge, vec![world]);
                for world in self.frames(bridge, Hook::Postrouting, [NOWHERE, SOME_PORT], Path::Bridge, worlds) {
                    self.open(Path::Bridge, world);
                }
            }
        }
        up
    }

    /// Passes the bridge's own chains of a hook, with the incoming and the outgoing port.
    fn frames(
        &mut self,
        bridge: &'a str,
        hook: Hook,
        ports: [Device<'a>; 2],
        path: Path,
        worlds: Vec<World<'a>>,
    ) -> Vec<World<'a>> {
        let moments = self.scene.plan.orders.frames(hook);
        if moments.is_empty() {
            return worlds;
        }
        let mut passed = Vec::new();
        for mut world in worlds {
            let before = world.state;
            [world.state.input, world.state.output] = ports;
            (world.state.bridge, world.state.tracking) = (Some(bridge), Tracking::Unknown);
            let mut going = vec![world];
            for moment in moments {
                going = self.moment(moment, path, going);
            }
            passed.extend(going.into_iter().map(|mut world| {
                (world.state.input, world.state.output) = (before.input, before.output);
                (world.state.bridge, world.state.tracking) = (None, before.tracking);
                world
            }));
        }
        passed
    }
}

#[cfg(test)]
mod tests;
