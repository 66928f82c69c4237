//! What iptables put into a rule of nft: an expression of its own, `xt`, which nft's listing shows without its contents.

use crate::model::ruleset::{Step, TableFamily};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rules with such expressions: of each table that has any, by the rule's chain and its place in there, counted from 0.
pub(in crate::read) type Foreign = BTreeMap<(TableFamily, String), BTreeMap<(Arc<str>, usize), Mixed>>;

/// A rule that nft does not show wholly.
#[derive(Debug)]
pub(in crate::read) struct Mixed {
    /// What is iptables' own, in order.
    pub(in crate::read) foreign: Vec<Xt>,
    /// What the rest of it tests and does.
    pub(in crate::read) native: Vec<Step>,
}

/// One of iptables' own expressions.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::read) enum Xt {
    /// A match, `-m`, by its name in the kernel.
    Match(String),
    /// A target, `-j`, by its name in the kernel.
    Target(String),
    /// One or the other: before nft 1.0.6 the listing says no more than `{"xt": null}`.
    Nameless,
}

impl Xt {
    /// None for any other expression.
    pub(super) fn read(expression: &Value) -> Option<Self> {
        let content = expression.get("xt")?;
        Some(match (content["type"].as_str(), content["name"].as_str()) {
            (Some("match"), Some(name)) => Self::Match(name.to_owned()),
            (Some("target"), Some(name)) => Self::Target(name.to_owned()),
            _ => Self::Nameless,
        })
    }
}

/// True if one is in it, at any depth: `{"xt": {"type": "match", "name": "addrtype"}}`.
pub(super) fn is_in(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.contains_key("xt") || object.values().any(is_in),
        Value::Array(values) => values.iter().any(is_in),
        _ => false,
    }
}
