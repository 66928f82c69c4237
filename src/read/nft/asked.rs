//! Which sets an expression asks or changes by their names, and what becomes of a rule that asks one that may have changed.

use super::{Scope, guards, statements};
use crate::model::ruleset::Step;
use crate::read::changes::Place;
use serde_json::Value;

/// The set or the map that a statement changes, and whether it takes something out of it.
///
/// nft 1.0 shows a change of a map as text: `"update @m { ip saddr : ip daddr }"`.
pub(super) fn change(expression: &Value) -> Option<(&str, bool)> {
    if let Some(text) = expression.as_str() {
        let (word, rest) = text.split_once(" @")?;
        return Some((rest.split_whitespace().next()?, word == "delete"));
    }
    if let Some(meter) = expression.get("meter") {
        return Some((meter["name"].as_str()?, false));
    }
    let (kind, content) = ["set", "map"].into_iter().find_map(|kind| Some((kind, expression.get(kind)?)))?;
    Some((content[kind].as_str()?.strip_prefix('@')?, content["op"] == "delete"))
}

/// The steps of an expression that asks a set which may hold something else than is listed; None for any other.
pub(super) fn in_doubt(expression: &Value, place: &Place, scope: &Scope<'_>, only_stops: impl Fn() -> bool) -> Option<Vec<Step>> {
    let asks = || ["match", "vmap", "dnat"].into_iter().find_map(|kind| expression.get(kind));
    let content = asks().filter(|_| !scope.changes.is_empty())?;
    let is_match = expression.get("match").is_some();
    let mut sets = Vec::new();
    named(content, &mut sets);
    let stops_what_is_in = is_match && content["op"] != "!=" && !sets.is_empty() && only_stops();
    if !sets.iter().any(|set| scope.changes.leave_doubt(set, place, stops_what_is_in)) {
        return None;
    }
    Some(if is_match {
        statements::unknown_match(content)
    } else {
        guards::of(content).into_iter().chain([statements::unknown_action(expression)]).collect()
    })
}

/// The names of the sets that are asked for, at any depth.
fn named<'v>(value: &'v Value, names: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => names.extend(text.strip_prefix('@')),
        Value::Array(values) => values.iter().for_each(|value| named(value, names)),
        Value::Object(object) => object.values().for_each(|value| named(value, names)),
        _ => {}
    }
}
