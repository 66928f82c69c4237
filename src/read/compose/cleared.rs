//! What `!reset` and `!override` clear in earlier layers (compose-go `loader/reset.go`).
//!
//! In: the paths of tagged values. Out: a mapping without what stands at those paths. The paths are kept as a tree, so that clearing
//! costs as much as there are paths, whatever the size of the mapping.

use super::value::{Data, Map};
use std::collections::{HashMap, HashSet};

/// Paths from the top of a document down; a `*` among the keys matches any key (compose-go `tree/path.go`).
#[derive(Clone, Debug, Default)]
pub struct Cleared {
    is_end: bool,
    below: HashMap<String, Cleared>,
}

impl Cleared {
    /// Adds a path.
    pub fn add(&mut self, path: &[String]) {
        let mut node = self;
        for key in path {
            node = node.below.entry(key.clone()).or_default();
        }
        node.is_end = true;
    }

    /// True if this very path was added.
    pub fn names(&self, path: &[&str]) -> bool {
        let end = path.iter().try_fold(self, |node, key| node.below.get(*key));
        end.is_some_and(|node| node.is_end)
    }

    /// The paths of at least `keys` keys.
    pub fn of_at_least(&self, keys: usize) -> Self {
        let below = |(key, node): (&String, &Self)| (key.clone(), node.of_at_least(keys.saturating_sub(1)));
        Self { is_end: self.is_end && keys == 0, below: self.below.iter().map(below).collect() }
    }

    /// Takes out of `map`, which stands at `path`, what is cleared there and below.
    pub fn clear(&self, map: &mut Map, path: &[&str]) {
        let mut nodes = vec![self];
        for key in path {
            nodes = nodes.into_iter().flat_map(|node| node.under(key)).collect();
        }
        clear(map, &nodes);
    }

    /// What is said about a key: under its name, and under `*`.
    fn under<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a Self> + use<'a> {
        [self.below.get(key), self.below.get("*").filter(|_| key != "*")].into_iter().flatten()
    }
}

fn clear(map: &mut Map, nodes: &[&Cleared]) {
    let mut keys: Vec<String> = nodes.iter().flat_map(|node| node.below.keys().cloned()).collect();
    if keys.iter().any(|key| key == "*") {
        keys = map.iter().map(|(key, _)| key.text.clone()).collect();
    }
    let mut gone = Vec::new();
    for key in keys {
        let below: Vec<&Cleared> = nodes.iter().flat_map(|node| node.under(&key)).collect();
        match map.get_mut(&key) {
            Some(_) if below.iter().any(|node| node.is_end) => gone.push(key),
            Some(value) => {
                if let Data::Map(inner) = &mut value.data {
                    clear(inner, &below);
                }
            }
            None => {}
        }
    }
    if !gone.is_empty() {
        let gone: HashSet<String> = gone.into_iter().collect();
        map.retain(|key| !gone.contains(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_known_by_all_of_its_keys_and_only_deep_paths_outlive_an_include() {
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
        let mut cleared = Cleared::default();
        cleared.add(&path("services.a.ports"));
        cleared.add(&path("services.b"));
        assert!(cleared.names(&["services", "a", "ports"]) && cleared.names(&["services", "b"]));
        assert!(!cleared.names(&["services", "a"]) && !cleared.names(&["services", "b", "ports"]));
        let deep = cleared.of_at_least(3);
        assert!(deep.names(&["services", "a", "ports"]) && !deep.names(&["services", "b"]));
    }
}
