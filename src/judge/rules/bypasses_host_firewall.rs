//! bypasses-host-firewall: the host's own rules mean to refuse a port, and the engine lets it in.

use super::Rule;
use crate::judge::doors::Way;
use crate::judge::hosts::{self, HostCase, Sight};
use crate::model::engine::{Binding, Publisher};
use crate::model::finding::{Finding, Level, View};
use crate::model::verdict::Verdict;
use std::collections::BTreeMap;

/// The rule.
pub(super) static RULE: Rule = Rule {
    name: "bypasses-host-firewall",
    summary: "a published port is open although the host firewall means to refuse it",
    level: Level::Error,
    allowable: true,
    page: include_str!("../../../docs/rules/bypasses-host-firewall.md"),
    project: None,
    host: Some(check),
};

fn check(case: &HostCase) -> Vec<Finding> {
    let mut found: BTreeMap<_, (Vec<Binding>, Vec<View>)> = BTreeMap::new();
    for sight in case.sights.iter().filter(|sight| sight.door.way == Way::Host) {
        let Some(binding) = sight.door.binding else { continue };
        let views = bypasses(case, sight);
        if views.is_empty() {
            continue;
        }
        let key = (sight.door.publisher, binding.port, binding.target, binding.protocol);
        let (bindings, all) = found.entry(key).or_default();
        if !bindings.contains(&binding) {
            bindings.push(binding);
        }
        all.extend(views);
    }
    let publishers = &case.host().publishers;
    found.into_iter().map(|((at, ..), (bindings, views))| finding(&publishers[at], &bindings, views)).collect()
}

fn bypasses(case: &HostCase, sight: &Sight) -> Vec<View> {
    let is_bypass = |actual, intended| actual == Verdict::Open && intended == Verdict::Closed;
    let rulings = sight.rulings.iter().filter(|ruling| is_bypass(ruling.actual, ruling.intended));
    rulings.map(|ruling| case.view(sight, ruling)).collect()
}

fn finding(publisher: &Publisher, bindings: &[Binding], views: Vec<View>) -> Finding {
    let publication = hosts::publication(bindings);
    let port = bindings.first().and_then(|binding| binding.port).map_or(String::new(), |port| port.to_string());
    let protocol = bindings.first().map_or(String::new(), |binding| binding.protocol.to_string());
    let message = format!(
        "port {port}/{protocol} of {} {} is open {}; the host firewall means to refuse it",
        publisher.kind.name(),
        publisher.name,
        hosts::audience(&views)
    );
    RULE.on_host(RULE.level, message, hosts::on_host(publisher, Some(publication), views))
}
