//! Later layers that mean to change a published port, and add one instead.
//!
//! Compose appends the `ports` of every layer; what the layers have in common is found by address, host port, container port and
//! protocol together (compose-go `override/uncity.go`), so that an entry with another address or host port is one more entry.

use crate::model::origin::{Hop, Origin};
use crate::model::project::{Ineffective, Project, Service, Trap};
use crate::model::publication::{PortRange, Publication};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

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

/// The empty `ports` of later layers, which do nothing, by service. A list that is empty because its items are tagged `!reset` is not
/// among them: that is a trap of its own.
pub fn empty_lists(project: &Project) -> HashMap<&str, Vec<&Ineffective>> {
    let in_file = |it: &Ineffective| (Arc::clone(&it.service), it.at.path().to_owned());
    let of = |wanted: fn(&Trap) -> bool| project.ineffective.iter().filter(move |it| wanted(&it.trap));
    let with_items: HashSet<_> = of(|trap| matches!(trap, Trap::ResetItem)).map(in_file).collect();
    let mut lists: HashMap<&str, Vec<&Ineffective>> = HashMap::new();
    for list in of(|trap| matches!(trap, Trap::EmptyOverride)).filter(|it| !with_items.contains(&in_file(it))) {
        lists.entry(&list.service).or_default().push(list);
    }
    lists
}

/// True if an entry was there when `ineffective` was merged: it stands in another file, or further up in the same one.
pub fn is_before(entry: &Origin, ineffective: &Ineffective) -> bool {
    let is_same_file = entry.place.path() == ineffective.at.path();
    !is_same_file || entry.place.span.start < ineffective.at.span.start
}
