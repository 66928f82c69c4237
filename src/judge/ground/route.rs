//! Which way a packet to another machine goes: policy rules and routes (ip-rule(8), ip-route(8)).

use super::Ground;
use crate::model::host::{Part, PolicyAction, PolicyRule, Route};
use crate::model::packet::Family;
use crate::model::truth::Truth;
use std::net::IpAddr;
use std::sync::Arc;

/// Where a packet is sent on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Out by one of these devices.
    Devices(Vec<Arc<str>>),
    /// Nowhere; the text says why.
    Refused(String),
    /// It cannot be told; the text says why.
    Unknown(String),
}

/// What the way of a packet is chosen by.
struct Query<'a> {
    family: Family,
    destination: IpAddr,
    source: Option<IpAddr>,
    input: &'a str,
    mark: u32,
}

impl Ground<'_> {
    /// The way to an address that is not the host's own. `source` None: not known, or the host's own choice.
    pub(crate) fn route(&self, destination: IpAddr, source: Option<IpAddr>, input: &str, mark: u32) -> Way {
        let family = Family::of(destination);
        if let Some(unread) = self.host.unread(|part| part == Part::Routes(family)) {
            return Way::Unknown(format!("the routes are unread: {}; `{}` shows them", unread.why, unread.command));
        }
        let query = Query { family, destination, source, input, mark };
        let rules: Vec<&PolicyRule> = self.host.policy.iter().filter(|rule| rule.family == family).collect();
        if rules.is_empty() {
            return self.table("main", &query, None).unwrap_or_else(no_route);
        }
        self.by_rules(&rules, &query)
    }

    /// Asks the rules in order. A rule that may fit is followed both ways; what both agree on is certain.
    fn by_rules(&self, rules: &[&PolicyRule], query: &Query<'_>) -> Way {
        let Some((rule, rest)) = rules.split_first() else { return no_route() };
        match fits(rule, query) {
            Truth::No => self.by_rules(rest, query),
            Truth::Yes => self.by_rule(rule, query).unwrap_or_else(|| self.by_rules(rest, query)),
            Truth::Maybe => {
                let without = self.by_rules(rest, query);
                let with = self.by_rule(rule, query).unwrap_or_else(|| without.clone());
                if with == without {
                    with
                } else {
                    Way::Unknown(format!("the policy rule of priority {} may or may not apply", rule.priority))
                }
            }
        }
    }

    fn by_rule(&self, rule: &PolicyRule, query: &Query<'_>) -> Option<Way> {
        match &rule.action {
            // The host's own addresses are asked for before.
            PolicyAction::Table(table) if table == "local" || table == "255" => None,
            PolicyAction::Table(table) => self.table(table, query, rule.suppress),
            PolicyAction::Refuse => Some(Way::Refused(format!("the policy rule of priority {} refuses it", rule.priority))),
            PolicyAction::Unknown(text) => Some(Way::Unknown(format!("a policy rule is not understood: {text}"))),
        }
    }

    /// The way by one table: longest prefix, then lowest metric. None: it has none.
    fn table(&self, table: &str, query: &Query<'_>, suppress: Option<u8>) -> Option<Way> {
        let name = match table {
            "254" => "main",
            "253" => "default",
            other => other,
        };
        let of_family = |route: &&Route| Family::of(route.destination.addr()) == query.family;
        let in_table = || self.host.routes.iter().filter(of_family).filter(|route| route.table == name);
        // A listing of one table names none; `ip route show table all` names `local`.
        let lists_all = self.host.routes.iter().filter(of_family).any(|route| route.table != "main");
        if in_table().next().is_none() && !lists_all && !["main", "default"].contains(&name) {
            return Some(Way::Unknown(format!("the routing table {name} is unread; `ip route show table all` shows it")));
        }
        let fitting = || in_table().filter(|route| route.destination.contains(&query.destination));
        let best = fitting().map(|route| (route.destination.prefix_len(), u32::MAX - route.metric)).max()?;
        if suppress.is_some_and(|length| best.0 <= length) {
            return None;
        }
        let mut devices: Vec<Arc<str>> = Vec::new();
        for route in fitting().filter(|route| (route.destination.prefix_len(), u32::MAX - route.metric) == best) {
            match route.kind.as_str() {
                "unicast" => devices.extend(route.devices.iter().cloned()),
                "throw" => return None,
                "unreachable" | "prohibit" | "blackhole" => {
                    return Some(Way::Refused(format!("the route to {} is {}", route.destination, route.kind)));
                }
                other => return Some(Way::Unknown(format!("a route of type {other} is not understood"))),
            }
        }
        devices.sort_unstable();
        devices.dedup();
        Some(Way::Devices(devices))
    }
}

fn no_route() -> Way {
    Way::Refused("there is no route to it".to_owned())
}

fn fits(rule: &PolicyRule, query: &Query<'_>) -> Truth {
    let mut truth = if rule.unknown { Truth::Maybe } else { Truth::Yes };
    if let Some(from) = rule.from {
        truth = truth.and(query.source.map_or(Truth::Maybe, |source| Truth::from(from.contains(&source))));
    }
    if let Some(to) = rule.to {
        truth = truth.and(Truth::from(to.contains(&query.destination)));
    }
    if let Some(interface) = &rule.interface {
        // Packets of the host itself count as coming from lo.
        let input = if query.input.is_empty() { "lo" } else { query.input };
        truth = truth.and(Truth::from(interface == input));
    }
    if let Some((mark, mask)) = rule.mark {
        truth = truth.and(Truth::from(query.mark & mask == mark));
    }
    truth.negate_if(rule.negated)
}
