//! firewalld-not-integrated: firewalld runs, and the engine does not know of it.

use super::Rule;
use crate::judge::doors;
use crate::judge::hosts::HostCase;
use crate::model::engine::{EngineKind, Seat};
use crate::model::finding::{Finding, Level, OnHost};
use crate::model::firewall::Firewalld;
use crate::model::host::Host;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "firewalld-not-integrated",
    summary: "firewalld runs and the engine does not work with it: it was started before firewalld",
    level: Level::Warn,
    allowable: false,
    page: include_str!("../../../docs/rules/firewalld-not-integrated.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let host = case.host();
    let Some(firewalld) = host.firewalld.as_ref().filter(|firewalld| firewalld.is_running) else { return Vec::new() };
    let Some(engine) = &host.engine else { return Vec::new() };
    // Podman has a zone of its own for this, and a rootless engine is none of firewalld's business (moby#43781).
    if engine.kind != EngineKind::Docker || engine.seat != Seat::Host || engine.writes_rules == Some(false) {
        return Vec::new();
    }
    let why = if engine.uses_firewalld == Some(false) {
        format!("engine {} says that it works without firewalld", engine.version)
    } else if let Some(bridge) = outside_zone(host, firewalld) {
        format!("bridge {bridge} is in no zone `docker`")
    } else {
        return Vec::new();
    };
    let message = format!("firewalld runs, and the engine does not work with it: {why}");
    let mut finding = RULE.on_host(RULE.level, message, OnHost { part: Some("firewalld".to_owned()), ..OnHost::default() });
    finding.help.push(
        "an engine looks for firewalld when it starts, and never again: what firewalld flushes then is not written again"
            .to_owned(),
    );
    finding.help.push("`systemctl restart docker` makes it look; `After=firewalld.service` keeps the order".to_owned());
    vec![finding]
}

/// A bridge of the engine that is there and that firewalld does not have in the zone `docker`. Where its zones could not be read, none.
fn outside_zone(host: &Host, firewalld: &Firewalld) -> Option<String> {
    if firewalld.zones.is_empty() {
        return None;
    }
    let own = firewalld.zones.get("docker").map_or(&[][..], |zone| &zone.interfaces);
    let is_in = |name: &str| own.iter().any(|interface| interface == name);
    let bridges: Vec<&str> = doors::engine_bridges(host).into_iter().filter(|name| host.link(name).is_some()).collect();
    // Older engines leave out the bridges of internal networks (moby#47293).
    let is_internal = |name: &&str| host.networks.iter().any(|it| it.is_internal && it.bridge.as_deref() == Some(name));
    let mut missing = bridges.into_iter().filter(|name| !is_in(name) && !is_internal(name));
    missing.next().map(str::to_owned)
}
