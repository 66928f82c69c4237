//! The sets and maps of a table: each is read once for each way of looking at it.

use super::str_of;
use super::value::Kind;
use crate::model::ruleset::{Decision, Set, Span};
use crate::read::changes::Changes;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The decisions of a map.
type Decisions = Arc<Vec<(Vec<Span>, Decision)>>;

/// What was read of named sets or maps, by the name and the fields that they are asked for; None: not understood.
type Read<T> = RefCell<BTreeMap<String, Vec<(Vec<Kind>, Option<T>)>>>;

/// What the rules of a table can name.
#[derive(Default)]
pub(super) struct Scope<'a> {
    /// True if the table's chains are not called.
    pub(super) is_dormant: bool,
    /// What the table's rules do to its sets and maps.
    pub(super) changes: Changes,
    listed: BTreeMap<&'a str, &'a Value>,
    sets: Read<Arc<Set>>,
    decisions: Read<Decisions>,
}

impl<'a> Scope<'a> {
    /// A table without sets.
    pub(super) fn of(is_dormant: bool) -> Self {
        Self { is_dormant, ..Self::default() }
    }

    /// Adds a set or a map as it is listed.
    pub(super) fn add(&mut self, set: &'a Value) {
        self.listed.insert(str_of(set, "name"), set);
    }

    /// A set or a map as it is listed.
    pub(super) fn listed(&self, name: &str) -> Option<&'a Value> {
        self.listed.get(name).copied()
    }

    /// True if nothing more goes into a set, as far as its listing says.
    pub(super) fn is_full(&self, name: &str) -> bool {
        let Some(listed) = self.listed(name) else { return true };
        let count = listed.get("elem").and_then(Value::as_array).map_or(0, Vec::len);
        listed["size"].as_u64().is_some_and(|size| count as u64 >= size)
    }

    /// The members of a set, read at the first asking.
    pub(super) fn set(&self, name: &str, kinds: &[Kind], read: impl FnOnce() -> Option<Arc<Set>>) -> Option<Arc<Set>> {
        once(&self.sets, name, kinds, read)
    }

    /// The decisions of a map, read at the first asking.
    pub(super) fn decisions(&self, name: &str, kinds: &[Kind], read: impl FnOnce() -> Option<Decisions>) -> Option<Decisions> {
        once(&self.decisions, name, kinds, read)
    }
}

fn once<T: Clone>(cache: &Read<T>, name: &str, kinds: &[Kind], read: impl FnOnce() -> Option<T>) -> Option<T> {
    let known =
        cache.borrow().get(name).and_then(|views| views.iter().find(|(own, _)| own == kinds)).map(|(_, value)| value.clone());
    known.unwrap_or_else(|| {
        let value = read();
        cache.borrow_mut().entry(name.to_owned()).or_default().push((kinds.to_vec(), value.clone()));
        value
    })
}
