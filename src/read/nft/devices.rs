//! The devices of ingress and egress chains from the listing for people: nft 1.0.6 (Debian 12) leaves them out of its JSON.

use crate::model::ruleset::{Table, TableFamily};

/// Fills in the devices of base chains that have none, as far as `nft list ruleset` shows them.
pub(in crate::read) fn fill(tables: &mut [Table], text: &str) {
    let mut table: Option<(TableFamily, &str)> = None;
    let mut chain = "";
    for line in text.lines().map(str::trim) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["table", family, name, ..] => table = TableFamily::named(family).map(|family| (family, *name)),
            ["chain", name, "{"] => chain = name,
            ["type", _, "hook", _, rest @ ..] => {
                let Some((family, name)) = table else { continue };
                let own = tables.iter_mut().find(|table| table.family == family && table.name == name);
                let base = own.and_then(|table| table.chains.get_mut(chain)).and_then(|chain| chain.base.as_mut());
                if let Some(base) = base.filter(|base| base.devices.is_empty()) {
                    base.devices = named(rest);
                }
            }
            _ => {}
        }
    }
}

/// `device "eth0" priority 0; …`, `devices = { "eth0", "eth1" } priority 0; …`
fn named(words: &[&str]) -> Vec<String> {
    let bare = |word: &&str| word.trim_matches(['"', ',', '{', '}']).to_owned();
    match words {
        ["device", name, ..] => vec![bare(name)],
        ["devices", "=", rest @ ..] => {
            rest.iter().take_while(|word| **word != "priority").map(bare).filter(|name| !name.is_empty()).collect()
        }
        _ => Vec::new(),
    }
}
