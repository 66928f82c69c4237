//! `nft -j list ruleset` to tables (libnftables-json(5)), read as plain JSON: an object or a key that is not known does not stop the
//! reading, it makes its rule unknown.
//!
//! Expressions that belong to iptables show as `xt` without their contents; which rules have them is reported, so that these are
//! read from `iptables-save`.

mod asked;
mod devices;
mod fields;
mod foreign;
mod guards;
mod mangle;
mod names;
mod priority;
mod scope;
mod statements;
mod text;
mod translate;
mod value;

pub(super) use devices::fill as fill_devices;
pub(super) use foreign::{Foreign, Mixed, Xt};
use scope::Scope;

use crate::model::ruleset::{Base, Chain, ChainKind, Hook, Origin, Policy, Rule, Table, TableFamily};
use crate::read::changes::{Change, Place};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a listing holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The tables.
    pub(super) tables: Vec<Table>,
    /// The rules with iptables' own expressions in them.
    pub(super) foreign: Foreign,
}

/// Reads a listing.
///
/// # Errors
/// The text is no JSON object with an `nftables` list.
pub(super) fn read(text: &str) -> Result<Listing, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("nft's listing is no JSON: {error}"))?;
    let objects = document["nftables"].as_array().ok_or("nft's listing has no `nftables` list")?;
    let mut listing = Listing::default();
    let mut scopes: Vec<Scope<'_>> = Vec::new();
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for table in objects.iter().filter_map(|object| object.get("table")) {
        let family = TableFamily::named(str_of(table, "family"))
            .ok_or_else(|| format!("nft lists a table of an unknown family: {table}"))?;
        places.insert((str_of(table, "family"), str_of(table, "name")), listing.tables.len());
        let name = str_of(table, "name").to_owned();
        listing.tables.push(Table { family, name, origin: Origin::Nft, chains: BTreeMap::new() });
        // The chains of a dormant table are not called (nft(8), TABLES).
        let is_dormant = words(&table["flags"]).is_some_and(|flags| flags.contains(&"dormant"));
        scopes.push(Scope::of(is_dormant));
    }
    let at = |object: &Value| places.get(&(str_of(object, "family"), str_of(object, "table"))).copied();
    for object in objects {
        let set = object.get("set").or_else(|| object.get("map"));
        if let Some((set, at)) = set.and_then(|set| Some((set, at(set)?))) {
            scopes[at].add(set);
        } else if let Some((chain, at)) = object.get("chain").and_then(|chain| Some((chain, at(chain)?))) {
            let chain = read_chain(chain, scopes[at].is_dormant);
            listing.tables[at].chains.insert(chain.name.clone(), chain);
        }
    }
    let rules: Vec<(usize, &Value)> =
        objects.iter().filter_map(|object| object.get("rule")).filter_map(|rule| Some((at(rule)?, rule))).collect();
    note_changes(&listing.tables, &rules, &mut scopes);
    for (at, rule) in rules {
        add_rule(&mut listing, at, rule, &scopes[at]);
    }
    Ok(listing)
}

/// Notes which rules change which sets.
fn note_changes(tables: &[Table], rules: &[(usize, &Value)], scopes: &mut [Scope<'_>]) {
    let mut counts: BTreeMap<(usize, &str), usize> = BTreeMap::new();
    for &(at, rule) in rules {
        let Some(chain) = tables[at].chains.get(str_of(rule, "chain")) else { continue };
        let count = counts.entry((at, str_of(rule, "chain"))).or_default();
        for (set, removes) in rule["expr"].as_array().into_iter().flatten().filter_map(asked::change) {
            scopes[at].changes.add(Some(set), Change { place: place(chain, *count), removes });
        }
        *count += 1;
    }
}

/// Where a rule of a chain stands.
fn place(chain: &Chain, rule: usize) -> Place {
    let base = chain.base.as_ref().filter(|_| chain.unread.is_none());
    Place { chain: chain.name.to_string(), hook: base.map(|base| base.hook), rule }
}

fn str_of<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

/// A list of words. From nft 1.1.4 on a list of one is that word alone; what is not there is an empty list.
fn words(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(word) => Some(vec![word]),
        Value::Array(words) => words.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// A chain. A base chain whose place is not understood is still called: somewhere, and its rules are unknown.
fn read_chain(chain: &Value, is_dormant: bool) -> Chain {
    let name: Arc<str> = str_of(chain, "name").into();
    let Some(hook) = chain.get("hook").and_then(Value::as_str).filter(|_| !is_dormant) else {
        return Chain { name, base: None, rules: Vec::new(), unread: None };
    };
    let devices = words(chain.get("dev").unwrap_or(&chain["devices"])).unwrap_or_default();
    let place = Hook::named(hook);
    let family = TableFamily::named(str_of(chain, "family"));
    let order = place.zip(family).and_then(|(hook, family)| priority::read(&chain["prio"], family, hook));
    let unread = (place.is_none() || order.is_none()).then(|| format!("where it is called is not understood: {chain}"));
    let kind = match str_of(chain, "type") {
        "nat" => ChainKind::Nat,
        "route" => ChainKind::Route,
        _ => ChainKind::Filter,
    };
    let policy = if str_of(chain, "policy") == "drop" { Policy::Drop } else { Policy::Accept };
    let devices = devices.into_iter().map(str::to_owned).collect();
    let base = Base { hook: place.unwrap_or(Hook::Prerouting), kind, priority: order.unwrap_or(0), policy, devices };
    Chain { name, base: Some(base), rules: Vec::new(), unread }
}

fn add_rule(listing: &mut Listing, at: usize, rule: &Value, scope: &Scope<'_>) {
    let table = &mut listing.tables[at];
    let Some(chain) = table.chains.get_mut(str_of(rule, "chain")).filter(|chain| chain.unread.is_none()) else { return };
    // A rule of which nothing is shown may do anything.
    let nothing = [Value::Null];
    let expressions = rule["expr"].as_array().map_or(&nothing[..], Vec::as_slice);
    let own = place(chain, chain.rules.len());
    if foreign::is_in(&rule["expr"]) {
        let native: Vec<Value> = expressions.iter().filter(|it| Xt::read(it).is_none()).cloned().collect();
        let foreign = expressions.iter().filter_map(Xt::read).collect();
        let mixed = Mixed { foreign, native: statements::steps(&native, &own, scope) };
        let of_table = listing.foreign.entry((table.family, table.name.clone())).or_default();
        of_table.insert((chain.name.clone(), own.rule), mixed);
    }
    let text = text::rule(expressions, rule.get("comment").and_then(Value::as_str));
    let steps = statements::steps(expressions, &own, scope);
    chain.rules.push(Rule { text: text.into(), steps: steps.into() });
}

#[cfg(test)]
mod tests;
