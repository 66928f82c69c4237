//! What `iptables-restore --noflush` makes of a table that is there.
//!
//! In: the table, and a text of one table. Out: the table with it. Commands are those that keep what others wrote: declared chains of the
//! text's own, `-A`, `-I CHAIN 1`, `-D` by the whole rule, `-F` and `-X` of one chain. Not here: whether the tool would take the text.

use super::{Context, appended, base, place, steps};
use crate::model::packet::Family;
use crate::model::ruleset::{Chain, Policy, Rule, Table, TableFamily};
use crate::read::changes::Changes;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Applies a text. `moment`: when its rules are asked, in seconds since 1970-01-01 UTC.
pub(crate) fn restore(table: &mut Table, text: &str, moment: Option<u64>) {
    let family = if table.family == TableFamily::Ip6 { Family::V6 } else { Family::V4 };
    let context = Context { family, sets: None, changes: &Changes::default(), save: "", moment };
    let lines = || text.lines().map(str::trim_end);
    for name in lines().filter_map(|line| line.strip_prefix(':')?.split(' ').next()) {
        table.chains.insert(name.into(), empty(name));
    }
    let names: BTreeSet<Arc<str>> = table.chains.keys().cloned().collect();
    for line in lines() {
        let Some((command, rest)) = line.split_once(' ').filter(|(command, _)| command.starts_with('-')) else { continue };
        let (name, words) = rest.split_once(' ').unwrap_or((rest, ""));
        let words = words.strip_prefix("1 ").unwrap_or(words);
        let text = format!("-A {name} {words}");
        match command {
            "-A" | "-I" => {
                let Some((Some(line), _)) = appended(&text) else { continue };
                let chain = built_in(table, name);
                let at = if command == "-I" { 0 } else { chain.rules.len() };
                let steps = steps(&line, &names, &place("", "filter", chain, at), &context);
                chain.rules.insert(at, Rule { text: text.into(), steps: steps.into() });
            }
            "-D" => {
                let Some(chain) = table.chains.get_mut(name) else { continue };
                if let Some(at) = chain.rules.iter().position(|rule| *rule.text == *text) {
                    chain.rules.remove(at);
                }
            }
            "-F" => {
                table.chains.entry(name.into()).and_modify(|chain| chain.rules.clear());
            }
            "-X" => drop(table.chains.remove(name)),
            _ => {}
        }
    }
}

/// A chain that only others call.
fn empty(name: &str) -> Chain {
    Chain { name: name.into(), base: None, rules: Vec::new(), unread: None }
}

/// A chain of a table; a built-in one is made where it is not there.
fn built_in<'a>(table: &'a mut Table, name: &str) -> &'a mut Chain {
    let place = base(&table.name, name, Policy::Accept, table.origin);
    table.chains.entry(name.into()).or_insert_with(|| Chain { base: place, ..empty(name) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::ruleset::Origin;
    use crate::read::iptables::read;

    fn table(text: &str) -> Table {
        let context = Context { family: Family::V4, sets: None, changes: &Changes::default(), save: "", moment: None };
        read(text, Origin::Legacy, &context).tables.remove(0)
    }

    fn texts(table: &Table) -> Vec<String> {
        table.chains.values().flat_map(|chain| chain.rules.iter().map(|rule| rule.text.to_string())).collect()
    }

    #[test]
    fn a_text_without_a_chain_keeps_what_is_in_it() {
        let mut host = table("*filter\n:USER - [0:0]\n:OWN - [0:0]\n-A OWN -j DROP\n-A USER -j LOG\n-A USER -j RETURN\nCOMMIT\n");
        restore(
            &mut host,
            "*filter\n:OWN - [0:0]\n# why\n-A OWN -i eth0 -j DROP\n-I USER 1 -j OWN\n-I INPUT 1 -j OWN\nCOMMIT\n",
            None,
        );
        let wanted = ["-A INPUT -j OWN", "-A OWN -i eth0 -j DROP", "-A USER -j OWN", "-A USER -j LOG", "-A USER -j RETURN"];
        assert_eq!(texts(&host), wanted);
        assert!(host.chains["INPUT"].base.is_some());
        restore(&mut host, "*filter\n-D USER -j OWN\n-D INPUT -j OWN\n-F OWN\n-X OWN\n-X INPUT\nCOMMIT\n", None);
        assert_eq!(texts(&host), ["-A USER -j LOG", "-A USER -j RETURN"]);
        assert_eq!(host.chains.keys().map(|name| &**name).collect::<Vec<_>>(), ["USER"]);
    }
}
