//! Layers over layers (compose-go `override/merge.go`): mappings key by key, lists appended, anything else replaced, null changes nothing.

use super::shape::LABEL;
use super::value::{Data, Key, Map, Value};
use crate::model::origin::Hop;
use crate::model::project::{Problem, ProblemKind};

/// Lays `over` over `base`. Where the two cannot be merged, Compose refuses the project: that is said, and `base` stays.
pub fn merge(base: &mut Value, over: Value, problems: &mut Vec<Problem>) {
    match (&mut base.data, over.data) {
        (_, Data::Null | Data::Unread) => {}
        (Data::Map(base), Data::Map(over)) => merge_maps(base, over, problems),
        (Data::List(items), Data::List(more)) => items.extend(more),
        (Data::Map(_) | Data::List(_), data) => problems.push(mismatch(base, &Value { data, ..over })),
        (_, data) => {
            let replaced = base.origin.place.clone();
            *base = Value { data, ..over };
            base.origin.hops.insert(0, Hop::Override { replaced });
        }
    }
}

/// Lays a mapping over another one.
pub fn merge_maps(base: &mut Map, over: Map, problems: &mut Vec<Problem>) {
    for (key, value) in over {
        match base.get_mut(&key.text) {
            Some(old) => merge(old, value, problems),
            None => base.set(key, value),
        }
    }
}

/// A list of names as the mapping that it stands for, so that `networks` of both forms can be merged.
pub fn names_to_map(value: &mut Value) {
    let Data::List(items) = &mut value.data else { return };
    let mut map = Map::default();
    for item in std::mem::take(items) {
        let Some(name) = item.as_text().map(str::to_owned) else { continue };
        let key = Key { text: name, origin: item.origin.clone() };
        map.set(key, Value { data: Data::Null, ..item });
    }
    value.data = Data::Map(map);
}

/// Our label out of a list of labels as the mapping that it stands for: a later layer may write the other form (compose-go
/// `override/merge.go`, mergeToSequence).
pub fn labels_to_map(value: &mut Value) {
    let Data::List(items) = &mut value.data else { return };
    let mut map = Map::default();
    for mut item in std::mem::take(items) {
        let Data::Text(text) = &mut item.data else { continue };
        let (name, label) = text.content.split_once('=').unwrap_or((&text.content, ""));
        if name == LABEL {
            text.content = label.to_owned();
            map.set(Key { text: LABEL.to_owned(), origin: item.origin.clone() }, item);
        }
    }
    value.data = Data::Map(map);
}

/// `external: {name: N}`, the old way to write it, as `external: true` and `name: N` (compose-go `transform/external.go`).
pub fn name_of_external(network: &mut Value) {
    let Data::Map(network) = &mut network.data else { return };
    let Some(external) = network.get_mut("external").filter(|external| external.as_map().is_some()) else { return };
    let Data::Map(parts) = std::mem::replace(&mut external.data, Data::Boolean(true)) else { return };
    if let Some((key, name)) = parts.into_iter().find(|(key, _)| key.text == "name")
        && network.get("name").is_none()
    {
        network.set(key, name);
    }
}

fn mismatch(base: &Value, over: &Value) -> Problem {
    let message = format!("{} cannot be laid over {} of an earlier layer", over.kind(), base.kind());
    let place = over.origin.place.clone();
    Problem { kind: ProblemKind::Refused, message, path: place.path().to_owned(), place: Some(place), service: None }
}
