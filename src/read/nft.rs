//! `nft -j list ruleset` to tables (libnftables-json(5)), read as plain JSON: an object or a key that is not known does not stop the
//! reading, it makes its rule unknown.
//!
//! Expressions that belong to iptables show as `xt` without their contents; which tables have them is reported, so that these are
//! read from `iptables-save`.

mod devices;
mod fields;
mod statements;
mod text;
mod value;

pub(super) use devices::fill as fill_devices;

use crate::model::ruleset::{Base, Chain, ChainKind, Hook, Origin, Policy, Rule, Set, Table, TableFamily};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a listing holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The tables.
    pub(super) tables: Vec<Table>,
    /// Those with iptables' expressions in them, by family and name.
    pub(super) foreign: BTreeSet<(TableFamily, String)>,
}

/// The sets and maps of a table, as they are listed.
struct Scope<'a> {
    listed: BTreeMap<&'a str, &'a Value>,
    read: RefCell<BTreeMap<String, Arc<Set>>>,
}

/// Reads a listing.
///
/// # Errors
/// The text is no JSON object with an `nftables` list.
pub(super) fn read(text: &str) -> Result<Listing, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("nft's listing is no JSON: {error}"))?;
    let objects = document["nftables"].as_array().ok_or("nft's listing has no `nftables` list")?;
    let mut listing = Listing::default();
    // The chains of a dormant table are not called (nft(8), TABLES).
    let mut dormant = BTreeSet::new();
    for table in objects.iter().filter_map(|object| object.get("table")) {
        let family = TableFamily::named(str_of(table, "family"))
            .ok_or_else(|| format!("nft lists a table of an unknown family: {table}"))?;
        let name = str_of(table, "name").to_owned();
        if table["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "dormant")) {
            dormant.insert((family, name.clone()));
        }
        listing.tables.push(Table { family, name, origin: Origin::Nft, chains: BTreeMap::new() });
    }
    for chain in objects.iter().filter_map(|object| object.get("chain")) {
        if let Some(table) = table_of(&mut listing.tables, chain) {
            let chain = read_chain(chain, dormant.contains(&(table.family, table.name.clone())));
            table.chains.insert(chain.name.clone(), chain);
        }
    }
    for at in 0..listing.tables.len() {
        let scope = Scope::of(objects, &listing.tables[at]);
        for rule in objects.iter().filter_map(|object| object.get("rule")) {
            add_rule(&mut listing, at, rule, &scope);
        }
    }
    Ok(listing)
}

impl<'a> Scope<'a> {
    fn of(objects: &'a [Value], table: &Table) -> Self {
        let sets = objects.iter().filter_map(|object| object.get("set").or_else(|| object.get("map")));
        let own = sets.filter(|set| belongs(set, table)).map(|set| (str_of(set, "name"), set));
        Self { listed: own.collect(), read: RefCell::default() }
    }
}

fn str_of<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

fn belongs(object: &Value, table: &Table) -> bool {
    str_of(object, "table") == table.name && TableFamily::named(str_of(object, "family")) == Some(table.family)
}

fn table_of<'t>(tables: &'t mut [Table], object: &Value) -> Option<&'t mut Table> {
    tables.iter_mut().find(|table| belongs(object, table))
}

/// A chain. A base chain whose place is not understood is still called: somewhere, and its rules are unknown.
fn read_chain(chain: &Value, is_dormant: bool) -> Chain {
    let name: Arc<str> = str_of(chain, "name").into();
    let Some(hook) = chain.get("hook").and_then(Value::as_str).filter(|_| !is_dormant) else {
        return Chain { name, base: None, rules: Vec::new(), unread: None };
    };
    let devices = match &chain["dev"] {
        Value::String(device) => vec![device.clone()],
        Value::Array(devices) => devices.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let (place, priority) = (Hook::named(hook), chain["prio"].as_i64().and_then(|priority| i32::try_from(priority).ok()));
    let unread = (place.is_none() || priority.is_none()).then(|| format!("where it is called is not understood: {chain}"));
    let kind = match str_of(chain, "type") {
        "nat" => ChainKind::Nat,
        "route" => ChainKind::Route,
        _ => ChainKind::Filter,
    };
    let policy = if str_of(chain, "policy") == "drop" { Policy::Drop } else { Policy::Accept };
    let base = Base { hook: place.unwrap_or(Hook::Prerouting), kind, priority: priority.unwrap_or(0), policy, devices };
    Chain { name, base: Some(base), rules: Vec::new(), unread }
}

fn add_rule(listing: &mut Listing, at: usize, rule: &Value, scope: &Scope<'_>) {
    let table = &mut listing.tables[at];
    if !belongs(rule, table) {
        return;
    }
    let Some(expressions) = rule["expr"].as_array() else { return };
    if mentions_xt(&rule["expr"]) {
        listing.foreign.insert((table.family, table.name.clone()));
    }
    let text = text::rule(expressions, rule.get("comment").and_then(Value::as_str));
    let steps = statements::steps(expressions, scope);
    if let Some(chain) = table.chains.get_mut(str_of(rule, "chain")) {
        chain.rules.push(Rule { text: text.into(), steps });
    }
}

/// True if one of iptables' own expressions is in it, at any depth: `{"xt": {"type": "match", "name": "addrtype"}}`.
fn mentions_xt(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.contains_key("xt") || object.values().any(mentions_xt),
        Value::Array(values) => values.iter().any(mentions_xt),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
