//! Later layers that mean to change a published port, and add one instead.
//!
//! Compose appends the `ports` of every layer; what the layers have in common is found by address, host port, container port and
//! protocol together (compose-go `override/uncity.go`), so that an entry with another address or host port is one more entry.

use crate::model::origin::{Hop, Origin};
use crate::model::project::{Ineffective, Project, Service, Trap};
use crate::model::publication::{PortRange, Publication};
use std::collections::HashMap;

/// Two entries of one service for the same container port, from different layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The index of the earlier entry, which stays.
    pub earlier: usize,
    /// The index of the first later one.
    pub later: usize,
}

/// The pairs of a service, in the order of their earlier entries.
pub fn pairs(service: &Service) -> impl Iterator<Item = Pair> {
    let mut last: HashMap<(PortRange, &str), Vec<usize>> = HashMap::new();
    for (index, publication) in service.publications.iter().enumerate() {
        last.entry((publication.target, publication.protocol.as_str())).or_default().push(index);
    }
    let mut found = Vec::new();
    for mut group in last.into_values() {
        group.sort_by_key(|index| (layer(&service.publications[*index]), *index));
        for (at, earlier) in group.iter().enumerate() {
            let rank = layer(&service.publications[*earlier]);
            let next = group[at..].partition_point(|index| layer(&service.publications[*index]) == rank);
            found.extend(group.get(at + next).map(|later| Pair { earlier: *earlier, later: *later }));
        }
    }
    found.sort_by_key(|pair| pair.earlier);
    found.into_iter()
}

/// Layers in the order in which they are merged. What was inherited or included is there before the layer's own entries are.
fn layer(publication: &Publication) -> (u32, std::cmp::Reverse<usize>) {
    let hops = &publication.entry.origin.hops;
    let earlier = hops.iter().filter(|hop| matches!(hop, Hop::Extends { .. } | Hop::Include { .. })).count();
    (publication.entry.layer, std::cmp::Reverse(earlier))
}

/// True if a later layer of the service has an empty `ports`, which does nothing.
pub fn is_emptied(project: &Project, service: &Service, publication: &Publication) -> bool {
    let mut empty = project.ineffective.iter().filter(|it| it.service == service.name && is_empty_list(project, it));
    empty.any(|it| is_before(&publication.entry.origin, it))
}

/// True for an empty `ports`; not for a list that is empty because its items are tagged `!reset`, which is a trap of its own.
pub fn is_empty_list(project: &Project, ineffective: &Ineffective) -> bool {
    let mut items = project.ineffective.iter().filter(|it| matches!(it.trap, Trap::ResetItem));
    let is_beside = |it: &Ineffective| it.service == ineffective.service && it.at.path() == ineffective.at.path();
    matches!(ineffective.trap, Trap::EmptyOverride) && !items.any(is_beside)
}

/// True if an entry was there when `ineffective` was merged: it stands in another file, or further up in the same one.
pub fn is_before(entry: &Origin, ineffective: &Ineffective) -> bool {
    let is_same_file = entry.place.path() == ineffective.at.path();
    !is_same_file || entry.place.span.start < ineffective.at.span.start
}
