//! D-Bus values as JSON: arrays and structures become lists, dictionaries objects, and a variant what it holds.

use serde_json::{Map, Value};
use zbus::Variant;

/// The value as JSON. A file descriptor or a signature, which firewalld does not send, is null.
pub(super) fn of(value: &Variant<'_>) -> Value {
    match value {
        Variant::Bool(value) => (*value).into(),
        Variant::U8(value) => (*value).into(),
        Variant::I16(value) => (*value).into(),
        Variant::U16(value) => (*value).into(),
        Variant::I32(value) => (*value).into(),
        Variant::U32(value) => (*value).into(),
        Variant::I64(value) => (*value).into(),
        Variant::U64(value) => (*value).into(),
        Variant::F64(value) => (*value).into(),
        Variant::Str(text) => text.as_str().into(),
        Variant::ObjectPath(path) => path.as_str().into(),
        Variant::Variant(value) => of(value),
        Variant::Array(list) => list.inner().iter().map(of).collect(),
        Variant::Structure(fields) => fields.fields().iter().map(of).collect(),
        Variant::Dict(entries) => entries.iter().map(|(key, value)| (key_of(key), of(value))).collect::<Map<_, _>>().into(),
        _ => Value::Null,
    }
}

/// A key as a member's name; firewalld has texts alone.
fn key_of(key: &Variant<'_>) -> String {
    match of(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn settings_are_told_in_the_shapes_that_firewalld_gives_them() {
        let ports = Variant::from(vec![("8084", "tcp"), ("5353", "udp")]);
        assert_eq!(of(&ports), json!([["8084", "tcp"], ["5353", "udp"]]));
        let settings = BTreeMap::from([("masquerade", Variant::from(true)), ("priority", Variant::from(-1_i32))]);
        assert_eq!(of(&Variant::from(settings)), json!({"masquerade": true, "priority": -1}));
    }
}
