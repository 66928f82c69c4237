//! The rules: one file each, one line in [`TABLE`], one page in docs/rules.
//!
//! Who owns what, so that one entry is reported once: every publication that is open to others belongs to the first that fits of
//! dormant-publication, override-does-not-narrow, inherited-publication (where another service writes the entry and is reported for
//! it), fail-open-bind-variable, unset-port-variable, ephemeral-port-on-all-interfaces, sensitive-service-published and
//! published-on-all-interfaces ([`super::exposure`]). The other rules speak of other facts, and may point at the same entry:
//! a number that is not what it looks like, two entries for one host port, a loopback address that does not help.

mod beside_the_host_firewall;
mod bypasses_host_firewall;
pub mod cannot_tell;
mod coverage_gap;
mod docker_chains_missing;
mod docker_user_unreached;
mod dormant_publication;
pub mod drift;
mod duplicate_host_port;
mod engine_iptables_disabled;
mod ephemeral_port_on_all_interfaces;
mod fail_open_bind_variable;
mod families_differ;
mod firewalld_not_integrated;
mod host_network;
mod inherited_publication;
mod invalid_port;
mod loopback_is_not_enough;
mod loopback_publication_exposed;
mod no_host_firewall;
mod number_surprise;
mod override_does_not_narrow;
mod published_on_all_interfaces;
mod reachable_by_direct_routing;
mod reset_discards_value;
mod rule_breaks_egress;
mod rule_never_matches;
mod rules_lost_on_reload;
mod saved_rules_stale;
mod sensitive_service_published;
mod split_iptables;
pub mod stale_allow;
mod strict_forward_ports;
mod two_firewall_managers;
mod unmanaged_dnat;
mod unprotected_gateway_mode;
mod unset_port_variable;

use super::exposure::{self, Exposure};
use super::hosts::HostCase;
use super::intent::Intent;
use crate::model::finding::{Finding, Level};
use crate::model::project::Project;

/// A rule of the linter.
pub struct Rule {
    /// Its name: says what is wrong.
    pub name: &'static str,
    /// One line, lower case.
    pub summary: &'static str,
    /// The level that its findings start from.
    pub level: Level,
    /// True if its findings say that a port can be reached, so that an allowance for the port answers them.
    pub allowable: bool,
    /// Its page, in Markdown.
    pub page: &'static str,
    /// Looks at a project; None: it has nothing to say of one.
    pub project: Option<fn(&Case) -> Vec<Finding>>,
    /// Looks at a host; None: it has nothing to say of one.
    pub host: Option<fn(&HostCase) -> Vec<Finding>>,
}

/// What a rule looks at.
pub struct Case<'a> {
    /// The project.
    pub project: &'a Project,
    /// What is meant to be open.
    pub intent: &'a Intent,
    /// What the project opens.
    pub exposures: Vec<Exposure<'a>>,
}

impl<'a> Case<'a> {
    /// A project, with what is meant to be open.
    pub fn new(project: &'a Project, intent: &'a Intent) -> Self {
        Self { project, intent, exposures: exposure::of(project) }
    }
}

/// All rules, in the order of their names.
pub static TABLE: &[&Rule] = &[
    &beside_the_host_firewall::RULE,
    &bypasses_host_firewall::RULE,
    &cannot_tell::RULE,
    &coverage_gap::RULE,
    &docker_chains_missing::RULE,
    &docker_user_unreached::RULE,
    &dormant_publication::RULE,
    &drift::RULE,
    &duplicate_host_port::RULE,
    &engine_iptables_disabled::RULE,
    &ephemeral_port_on_all_interfaces::RULE,
    &fail_open_bind_variable::RULE,
    &families_differ::RULE,
    &firewalld_not_integrated::RULE,
    &host_network::RULE,
    &inherited_publication::RULE,
    &invalid_port::RULE,
    &loopback_is_not_enough::RULE,
    &loopback_publication_exposed::RULE,
    &no_host_firewall::RULE,
    &number_surprise::RULE,
    &override_does_not_narrow::RULE,
    &published_on_all_interfaces::RULE,
    &reachable_by_direct_routing::RULE,
    &reset_discards_value::RULE,
    &rule_breaks_egress::RULE,
    &rule_never_matches::RULE,
    &rules_lost_on_reload::RULE,
    &saved_rules_stale::RULE,
    &sensitive_service_published::RULE,
    &split_iptables::RULE,
    &stale_allow::RULE,
    &strict_forward_ports::RULE,
    &two_firewall_managers::RULE,
    &unmanaged_dnat::RULE,
    &unprotected_gateway_mode::RULE,
    &unset_port_variable::RULE,
];

/// The rule of a name.
pub fn find(name: &str) -> Option<&'static Rule> {
    TABLE.iter().copied().find(|rule| rule.name == name)
}
