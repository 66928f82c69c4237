//! Whose a place is: how many values of a project are written in the same bytes.
//!
//! In: a project. Out: whether changing the bytes of a place changes one value only, or the reason why not. Not here: what is to be
//! changed, and whether the variables in it have other users.

use super::facts::Which;
use super::refuse;
use crate::model::finding::Refusal;
use crate::model::origin::{Hop, Origin};
use crate::model::project::Project;
use crate::model::publication::Publication;
use crate::model::source::{Place, Source, Span};
use crate::read::yaml::{self, Kind, NodeId, Tree};
use indexmap::IndexMap;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Aliases are followed through at most this many others; beyond, a place counts as shared.
const MOST_ALIASES: usize = 1000;

/// How many owners are named in a refusal.
const NAMED: usize = 3;

/// Publications by path and span: the service, and the index in it; in the order of the services' names.
type Users<'a> = HashMap<(&'a Path, Span), Vec<(&'a Arc<str>, usize)>>;

/// The owners of all places of a project.
pub(super) struct Owners<'a> {
    /// The publications that stand at a place.
    publications: Users<'a>,
    /// Publications that another change takes away: they own nothing any more.
    dropped: RefCell<HashSet<Which>>,
    /// The aliases of each text that was asked about.
    aliases: RefCell<HashMap<PathBuf, Rc<Aliases>>>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(project: &'a Project) -> Self {
        let mut publications = Users::new();
        for service in &project.services {
            for (index, publication) in service.publications.iter().enumerate() {
                for place in places(publication) {
                    publications.entry((place.path(), place.span)).or_default().push((&service.name, index));
                }
            }
        }
        Self { publications, dropped: RefCell::default(), aliases: RefCell::default() }
    }

    /// Counts a publication no more, since a change that is planned already takes it away.
    pub(super) fn forget(&self, which: Which) {
        self.dropped.borrow_mut().insert(which);
    }

    /// Refuses where the bytes at the origin's place have more owners than one.
    pub(super) fn single(&self, origin: &Origin) -> Result<(), Refusal> {
        let place = &origin.place;
        if let Some(service) = base_service(origin) {
            return refuse(format!("the entry at {place} is inherited from the service {service} (extends): change it there"));
        }
        let users = self.publications.get(&(place.path(), place.span)).map_or(&[][..], Vec::as_slice);
        let dropped = self.dropped.borrow();
        let users = users.iter().filter(|(service, index)| !dropped.contains(&(Arc::clone(service), *index)));
        let users: Vec<&str> = users.map(|(service, _)| &***service).take(NAMED + 1).collect();
        if users.len() > 1 {
            return refuse(format!("the entry at {place} has several owners: {}", named(users)));
        }
        match self.aliases(&place.source).second_owner(place.span.start) {
            None => Ok(()),
            Some(line) => refuse(format!("the entry at {place} has several owners: an alias in line {line} uses it too")),
        }
    }

    fn aliases(&self, source: &Arc<Source>) -> Rc<Aliases> {
        let mut known = self.aliases.borrow_mut();
        Rc::clone(known.entry(source.path().to_owned()).or_insert_with(|| Rc::new(Aliases::of(source))))
    }
}

/// Some owners in words.
fn named(mut users: Vec<&str>) -> String {
    users.dedup();
    match users.as_slice() {
        [one] => format!("{one} (twice)"),
        [first @ .., last] if users.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        all => format!("{} and others", all[..NAMED].join(", ")),
    }
}

/// The service that the value was inherited from.
fn base_service(origin: &Origin) -> Option<&str> {
    origin.hops.iter().find_map(|hop| match hop {
        Hop::Extends { service, .. } => Some(service.as_str()),
        _ => None,
    })
}

fn places(publication: &Publication) -> impl Iterator<Item = &Place> {
    let entry = &publication.entry;
    [Some(&entry.origin), entry.host_ip.as_ref()].into_iter().flatten().map(|origin| &origin.place)
}

/// The aliases of one text.
struct Aliases {
    /// By the bytes that they take the meaning of: many aliases of one anchor take the same.
    uses: IndexMap<Span, Vec<Use>>,
    /// The values of the top level's `x-` keys, which act only where an alias takes them from there.
    fragments: Vec<Span>,
}

/// One alias.
#[derive(Clone, Copy)]
struct Use {
    /// Its first byte.
    at: u32,
    /// Its line.
    line: u32,
}

impl Aliases {
    fn of(source: &Source) -> Self {
        if !source.text().contains('*') {
            return Self { uses: IndexMap::new(), fragments: Vec::new() };
        }
        let tree = yaml::parse(source);
        let mut uses: IndexMap<Span, Vec<Use>> = IndexMap::new();
        let mut open = tree.documents.clone();
        while let Some(id) = open.pop() {
            match &tree.node(id).kind {
                Kind::Scalar(..) | Kind::Alias(_, None) => {}
                Kind::Sequence(items) => open.extend(items),
                Kind::Mapping(entries) => {
                    let merged = merge_values(&tree, entries);
                    let is_alias = |id: &NodeId| matches!(tree.node(*id).kind, Kind::Alias(..));
                    open.extend(merged.iter().filter(|value| !is_alias(value)));
                    open.extend(entries.iter().filter(|(key, _)| !is_merge(&tree, *key)).flat_map(|(key, value)| [*key, *value]));
                    for (alias, taken) in merge_uses(&tree, source, entries, &merged) {
                        for span in taken {
                            uses.entry(span).or_default().push(alias);
                        }
                    }
                }
                Kind::Alias(_, Some(target)) => {
                    uses.entry(tree.node(*target).span).or_default().push(Use::of(&tree, source, id));
                }
            }
        }
        Self { uses, fragments: fragments(&tree) }
    }

    /// The line of an alias that makes a second owner of the byte at `at`.
    fn second_owner(&self, at: u32) -> Option<u32> {
        let mut owners = usize::from(!self.is_fragment(at));
        let (mut seen, mut open) = (HashSet::new(), vec![at]);
        while let Some(at) = open.pop() {
            let taking = self.uses.iter().filter(|(span, _)| span.range().contains(&(at as usize)));
            for found in taking.flat_map(|(_, uses)| uses) {
                if !seen.insert(found.at) {
                    continue;
                }
                owners += usize::from(!self.is_fragment(found.at));
                if owners > 1 || seen.len() > MOST_ALIASES {
                    return Some(found.line);
                }
                open.push(found.at);
            }
        }
        None
    }

    fn is_fragment(&self, at: u32) -> bool {
        self.fragments.iter().any(|span| span.range().contains(&(at as usize)))
    }
}

impl Use {
    fn of(tree: &Tree, source: &Source, alias: NodeId) -> Self {
        let at = tree.node(alias).span.start;
        Self { at, line: source.line(at) }
    }
}

fn is_merge(tree: &Tree, key: NodeId) -> bool {
    tree.text(key) == Some("<<")
}

/// What stands after the merge keys of a mapping, alone or in a list.
fn merge_values(tree: &Tree, entries: &[(NodeId, NodeId)]) -> Vec<NodeId> {
    let values = entries.iter().filter(|(key, _)| is_merge(tree, *key)).flat_map(|(_, value)| match &tree.node(*value).kind {
        Kind::Sequence(items) => items.clone(),
        _ => vec![*value],
    });
    values.collect()
}

/// The aliases among the values that a mapping merges, each with the bytes that it takes: the entries that are not overridden.
fn merge_uses(tree: &Tree, source: &Source, entries: &[(NodeId, NodeId)], merged: &[NodeId]) -> Vec<(Use, Vec<Span>)> {
    let own = entries.iter().filter(|(key, _)| !is_merge(tree, *key)).filter_map(|(key, _)| tree.text(*key));
    let own: HashSet<&str> = own.collect();
    let uses = merged.iter().filter_map(|value| match tree.node(*value).kind {
        Kind::Alias(_, Some(target)) => Some((Use::of(tree, source, *value), not_overridden(tree, target, &own))),
        _ => None,
    });
    uses.collect()
}

/// The bytes of a mapping's entries whose keys are not among `own`; of anything else, all bytes.
fn not_overridden(tree: &Tree, target: NodeId, own: &HashSet<&str>) -> Vec<Span> {
    let Kind::Mapping(entries) = &tree.node(target).kind else { return vec![tree.node(target).span] };
    let taken = entries.iter().filter(|(key, _)| tree.text(*key).is_none_or(|key| !own.contains(key)));
    taken.map(|(key, value)| Span { start: tree.node(*key).span.start, end: tree.node(*value).span.end }).collect()
}

fn fragments(tree: &Tree) -> Vec<Span> {
    let mut spans = Vec::new();
    for root in &tree.documents {
        let Kind::Mapping(entries) = &tree.node(*root).kind else { continue };
        let is_fragment = |key: NodeId| tree.text(key).is_some_and(|key| key.starts_with("x-"));
        spans.extend(entries.iter().filter(|(key, _)| is_fragment(*key)).map(|(_, value)| tree.node(*value).span));
    }
    spans
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The line of the second owner of the first place where `needle` is written.
    fn second_owner(text: &str, needle: &str) -> Option<u32> {
        let source = Source::new("compose.yaml", text);
        Aliases::of(&source).second_owner(u32::try_from(text.find(needle).unwrap()).unwrap())
    }

    #[test]
    fn an_anchor_that_no_alias_uses_has_one_owner() {
        assert_eq!(second_owner("services: {a: &a {ports: [80], command: '*'}}\n", "80"), None);
    }

    #[test]
    fn an_alias_makes_a_second_owner_at_any_depth_and_through_others() {
        assert_eq!(second_owner("services:\n  a: &a {ports: [80]}\n  b: *a\n", "80"), Some(3));
        assert_eq!(second_owner("services:\n  a: {ports: &p [80]}\n  b: {expose: *p}\n", "80"), Some(3));
        assert_eq!(second_owner("x-p: &p [80]\nservices:\n  a: &a {ports: *p}\n  b: *a\n", "80"), Some(4));
        assert_eq!(second_owner("services:\n  a: &a {ports: [80]}\n  b: {<<: [*a]}\n", "80"), Some(3));
    }

    #[test]
    fn a_fragment_that_one_alias_takes_has_one_owner() {
        assert_eq!(second_owner("x-p: &p [80]\nservices:\n  a: {ports: *p}\n", "80"), None);
        assert_eq!(second_owner("x-p: &p [80]\nx-q: &q {ports: *p}\nservices:\n  a: *q\n", "80"), None);
    }

    #[test]
    fn a_merge_key_takes_nothing_that_the_mapping_has_itself() {
        let text = "services:\n  a: &a\n    ports: [80]\n    image: x\n  b:\n    <<: *a\n    ports: [81]\n";
        assert_eq!(second_owner(text, "80"), None);
        assert_eq!(second_owner(text, "x\n"), Some(6));
    }
}
