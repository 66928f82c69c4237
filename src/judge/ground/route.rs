//! Which way a packet to another machine goes: policy rules and routes (ip-rule(8), ip-route(8)).

use super::Ground;
use super::prefixes::Prefixes;
use crate::model::host::{Host, Part, PolicyAction, PolicyRule};
use crate::model::packet::Family;
use crate::model::truth::Truth;
use std::collections::HashMap;
use std::net::IpAddr;

/// Where a packet is sent on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way<'g> {
    /// Out by one of these devices.
    Devices(Vec<&'g str>),
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

/// Routing tables by their names, of both families.
#[derive(Default)]
pub(super) struct Tables {
    /// Routes, by their number: v4, v6.
    tables: [HashMap<String, Prefixes>; 2],
    /// True for a family of which more than the table `main` is listed.
    is_complete: [bool; 2],
}

impl Tables {
    pub(super) fn of(host: &Host) -> Self {
        let mut all = Self::default();
        for (at, route) in host.routes.iter().enumerate() {
            let family = usize::from(route.destination.addr().is_ipv6());
            all.tables[family].entry(route.table.clone()).or_default().insert(route.destination, at);
            // A listing of one table names none; `ip route show table all` names `local`.
            all.is_complete[family] |= route.table != "main";
        }
        all
    }
}

impl Ground<'_> {
    /// The way to an address that is not the host's own. `source` None: not known, or the host's own choice.
    pub(crate) fn route(&self, destination: IpAddr, source: Option<IpAddr>, input: &str, mark: u32) -> Way<'_> {
        let family = Family::of(destination);
        if let Some(unread) = self.host.unread(|part| part == Part::Routes(family)) {
            return Way::Unknown(format!("the routes are unread: {}; `{}` shows them", unread.why, unread.command));
        }
        let query = Query { family, destination, source, input, mark };
        if self.policy(family).next().is_none() {
            return self.table("main", &query, None).unwrap_or_else(no_route);
        }
        self.by_rules(&self.host.policy, &query)
    }

    /// The policy rules of a family, in order.
    pub(crate) fn policy(&self, family: Family) -> impl Iterator<Item = &PolicyRule> {
        self.host.policy.iter().filter(move |rule| rule.family == family)
    }

    /// The way to an address where this policy rule chooses it; None: it does not.
    pub(crate) fn way_by(&self, rule: &PolicyRule, destination: IpAddr) -> Option<Way<'_>> {
        let query = Query { family: Family::of(destination), destination, source: None, input: "", mark: 0 };
        self.by_rule(rule, &query)
    }

    /// Asks the rules in order. A rule that may fit is followed both ways; what both agree on is certain.
    fn by_rules<'g>(&'g self, rules: &'g [PolicyRule], query: &Query<'_>) -> Way<'g> {
        let Some((rule, rest)) = rules.split_first() else { return no_route() };
        if rule.family != query.family {
            return self.by_rules(rest, query);
        }
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

    fn by_rule(&self, rule: &PolicyRule, query: &Query<'_>) -> Option<Way<'_>> {
        match &rule.action {
            // The host's own addresses are asked for before.
            PolicyAction::Table(table) if table == "local" || table == "255" => None,
            PolicyAction::Table(table) => self.table(table, query, rule.suppress),
            PolicyAction::Refuse => Some(Way::Refused(format!("the policy rule of priority {} refuses it", rule.priority))),
            PolicyAction::Unknown(text) => Some(Way::Unknown(format!("a policy rule is not understood: {text}"))),
        }
    }

    /// The way by one table: longest prefix, then lowest metric. None: it has none.
    fn table(&self, table: &str, query: &Query<'_>, suppress: Option<u8>) -> Option<Way<'_>> {
        let name = match table {
            "254" => "main",
            "253" => "default",
            other => other,
        };
        let family = usize::from(query.family == Family::V6);
        let Some(routes) = self.tables.tables[family].get(name) else {
            let is_listed = self.tables.is_complete[family] || ["main", "default"].contains(&name);
            let why = || format!("the routing table {name} is unread; `ip route show table all` shows it");
            return (!is_listed).then(|| Way::Unknown(why()));
        };
        let (length, fitting) = routes.by_length(query.destination).next()?;
        if suppress.is_some_and(|most| length <= most) {
            return None;
        }
        let fitting = || fitting.iter().map(|at| &self.host.routes[*at]);
        let metric = fitting().map(|route| route.metric).min()?;
        let mut devices: Vec<&str> = Vec::new();
        for route in fitting().filter(|route| route.metric == metric) {
            match route.kind.as_str() {
                "unicast" => devices.extend(route.devices.iter().map(AsRef::as_ref)),
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

fn no_route<'g>() -> Way<'g> {
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
