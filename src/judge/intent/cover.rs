//! Which allowances match a publication, and how much of it they allow together.
//!
//! In: a publication and the grants whose scope holds it. Out: a [`Cover`]. Not here: what becomes of a finding.

use crate::model::policy::{Allowance, Grant, PortSelector};
use crate::model::publication::{PortRange, Publication, Published};
use std::fmt::Write;

/// How much of a publication is allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cover<'a> {
    /// None of it.
    Nothing,
    /// Some of a range: the ports that are left, in words, and what allows the rest.
    Partly {
        /// `8005-8010/tcp`
        left: String,
        /// What allows the others.
        grants: Vec<&'a Grant>,
    },
    /// All of it, but at least in part only from some sources or through one interface.
    Limited(Vec<&'a Grant>),
    /// All of it, to everyone.
    Whole(Vec<&'a Grant>),
}

/// True if an allowance names one of the publication's host ports. A host port that is not known before the container starts, or that
/// is no port, is matched by `any` alone.
pub(super) fn matches(allowance: &Allowance, publication: &Publication) -> bool {
    match &allowance.ports {
        PortSelector::Any => true,
        PortSelector::Ports { ports, protocol } => {
            host_ports(publication).is_some_and(|range| range.overlaps(*ports))
                && publication.protocol.eq_ignore_ascii_case(protocol)
        }
    }
}

/// What the grants, each of which matches, allow together.
pub(super) fn cover<'a>(publication: &Publication, grants: &[&'a Grant]) -> Cover<'a> {
    let unlimited: Vec<&Grant> = grants.iter().copied().filter(|grant| !grant.allowance.is_limited()).collect();
    if grants.is_empty() {
        return Cover::Nothing;
    }
    if left_by(publication, &unlimited).is_empty() {
        return Cover::Whole(unlimited);
    }
    let left = left_by(publication, grants);
    if left.is_empty() {
        return Cover::Limited(grants.to_vec());
    }
    let mut words = String::new();
    for (index, range) in left.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(words, "{}{range}/{}", if index == 0 { "" } else { ", " }, publication.protocol);
    }
    Cover::Partly { left: words, grants: grants.to_vec() }
}

/// The host ports that no grant names. For a host port that is not known: 0-0 as long as no grant is for any port.
fn left_by(publication: &Publication, grants: &[&Grant]) -> Vec<PortRange> {
    let mut left = vec![host_ports(publication).unwrap_or(PortRange::single(0))];
    for grant in grants {
        match &grant.allowance.ports {
            PortSelector::Any => return Vec::new(),
            PortSelector::Ports { ports, .. } => left = left.into_iter().flat_map(|range| without(range, *ports)).collect(),
        }
    }
    left
}

/// What stays of a range when another is cut out of it: none, one or two ranges.
fn without(range: PortRange, cut: PortRange) -> impl Iterator<Item = PortRange> {
    let below = PortRange { first: range.first, last: range.last.min(cut.first.saturating_sub(1)) };
    let above = PortRange { first: range.first.max(cut.last.saturating_add(1)), last: range.last };
    let kept = if range.overlaps(cut) { [below, above] } else { [range, PortRange { first: 1, last: 0 }] };
    kept.into_iter().filter(|range| range.first <= range.last)
}

fn host_ports(publication: &Publication) -> Option<PortRange> {
    match publication.published {
        Published::Ports(range) | Published::OneOf(range) => Some(range),
        Published::Ephemeral | Published::Unchecked(_) => None,
    }
}
