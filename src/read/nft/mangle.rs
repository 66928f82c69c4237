//! Statements that change a field of the packet or of its connection: marks are followed, what no rule here looks at has no effect.

use super::guards;
use crate::model::ruleset::{Action, Mark, SetMark, Step};
use serde_json::Value;

/// `mangle`. None for a change of something that rules look at.
pub(super) fn steps(content: &Value) -> Option<Vec<Step>> {
    let key = &content["key"];
    let mut steps = guards::of(key);
    let Some(target) = mark(key) else {
        // A value that a map gives is there or not; where it is not, the rule ends.
        return (is_harmless(key) && !has_map(&content["value"])).then_some(steps);
    };
    let (source, pick, flip) = arithmetic(&content["value"])?;
    steps.push(Step::Act(Action::SetMark(SetMark { target, keep: 0, source: source.unwrap_or(target), pick, flip })));
    Some(steps)
}

fn has_map(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.contains_key("map") || object.values().any(has_map),
        Value::Array(values) => values.iter().any(has_map),
        _ => false,
    }
}

fn mark(expression: &Value) -> Option<Mark> {
    let meta = &expression["meta"];
    match (meta.get("key").unwrap_or(meta).as_str(), expression["ct"]["key"].as_str()) {
        (Some("mark"), _) => Some(Mark::Packet),
        (_, Some("mark")) => Some(Mark::Connection),
        _ => None,
    }
}

fn is_harmless(key: &Value) -> bool {
    let meta = &key["meta"];
    let one_of = |value: &Value, names: &[&str]| value.as_str().is_some_and(|own| names.contains(&own));
    one_of(meta.get("key").unwrap_or(meta), &["priority", "nftrace", "secmark", "broute"])
        || one_of(&key["ct"]["key"], &["label", "event", "helper", "secmark", "zone"])
        || one_of(&key["payload"]["field"], &["dscp", "ecn", "ttl", "hoplimit", "flowlabel", "checksum", "id"])
        || key.get("tcp option").is_some()
}

/// A mark's new value as `(source & pick) ^ flip`; None for anything of another form.
fn arithmetic(value: &Value) -> Option<(Option<Mark>, u32, u32)> {
    if let Some(mark) = mark(value) {
        return Some((Some(mark), u32::MAX, 0));
    }
    if let Some(number) = value.as_u64() {
        return Some((None, 0, u32::try_from(number).ok()?));
    }
    let (operator, operands) = value.as_object()?.iter().next()?;
    let [left, right] = operands.as_array()?.as_slice() else { return None };
    let (source, pick, flip) = arithmetic(left)?;
    let (None, 0, number) = arithmetic(right)? else { return None };
    Some(match operator.as_str() {
        "&" => (source, pick & number, flip & number),
        "|" => (source, pick & !number, (flip & !number) | number),
        "^" => (source, pick, flip ^ number),
        _ => return None,
    })
}
