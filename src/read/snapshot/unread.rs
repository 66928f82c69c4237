//! `unread.json`: what a look at a host could not read, and why.

use crate::model::host::{Part, Unread};
use crate::model::snapshot::{Reason, Snapshot, UNREAD, command};
use serde_json::Value;
use std::collections::BTreeMap;

impl Snapshot {
    /// What could not be read, by file. A file that is only incomplete is here too.
    pub fn unread(&self) -> BTreeMap<String, Reason> {
        let entries = self.text(UNREAD).and_then(|text| serde_json::from_str::<BTreeMap<String, Value>>(text).ok());
        let reason = |(file, entry): (String, Value)| {
            let text = |key: &str| entry[key].as_str().map(str::to_owned);
            let reason = Reason {
                why: text("why").unwrap_or_else(|| missing(&file)),
                command: text("command").unwrap_or_else(|| command(&file).to_owned()),
            };
            (file, reason)
        };
        entries.unwrap_or_default().into_iter().map(reason).collect()
    }

    /// The note of a file that is missing, or not whole, with the reason that was given for it.
    pub(super) fn note(&self, part: Part, file: &str) -> Unread {
        let reason = self.unread().remove(file);
        let reason = reason.unwrap_or_else(|| Reason { why: missing(file), command: command(file).to_owned() });
        Unread { part, command: reason.command, why: reason.why }
    }
}

fn missing(file: &str) -> String {
    format!("{file} is missing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packet::Family;

    fn snapshot(unread: &str) -> Snapshot {
        Snapshot { files: BTreeMap::from([(UNREAD.to_owned(), unread.to_owned())]) }
    }

    #[test]
    fn what_could_not_be_read_is_noted_with_the_reason_and_the_command() {
        let saved = snapshot(r#"{"ss.txt": {"why": "ss is not on this host", "command": "ss -l"}, "sysctl.txt": {}}"#);
        let unread = saved.host().unread;
        let of = |part: Part| unread.iter().find(|unread| unread.part == part).map(|unread| (&*unread.why, &*unread.command));
        assert_eq!(of(Part::Listeners), Some(("ss is not on this host", "ss -l")));
        assert_eq!(of(Part::Settings), Some(("sysctl.txt is missing", "sysctl net.ipv4 net.ipv6 net.bridge")));
        assert_eq!(of(Part::Addresses), Some(("ip-addr.json is missing", "ip -j addr")));
    }

    #[test]
    fn a_list_of_containers_that_is_not_whole_is_noted_though_it_is_there() {
        let mut saved = snapshot(r#"{"inspect.json": {"why": "container 1: broken", "command": "docker inspect 1"}}"#);
        for (file, text) in [("inspect.json", "[]"), ("networks.json", "[]"), ("version.json", r#"{"Version":"28.0.0"}"#)] {
            saved.files.insert(file.to_owned(), text.to_owned());
        }
        let unread = saved.host().unread;
        let notes: Vec<_> = unread.iter().filter(|unread| unread.part == Part::Containers).collect();
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert_eq!((&*notes[0].why, &*notes[0].command), ("container 1: broken", "docker inspect 1"));
    }

    #[test]
    fn what_iptables_leaves_out_is_unread_unless_nft_shows_it() {
        let unread = |listing: &str| {
            let mut saved = snapshot("{}");
            for file in ["ip6tables-save.txt", "ip6tables-legacy-save.txt"] {
                saved.files.insert(file.to_owned(), String::new());
            }
            saved.files.insert("iptables-save.txt".to_owned(), "# Table `filter' is incompatible, use 'nft' tool.\n".to_owned());
            saved.files.insert("iptables-legacy-save.txt".to_owned(), String::new());
            saved.files.insert("nft-ruleset.json".to_owned(), listing.to_owned());
            let unread = saved.host().unread;
            unread.into_iter().filter(|unread| matches!(unread.part, Part::Rules(_))).collect::<Vec<_>>()
        };
        let notes = unread("");
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert_eq!((notes[0].part, &*notes[0].command), (Part::Rules(Some(Family::V4)), "sudo nft -j list ruleset"));
        assert_eq!(notes[0].why, "iptables-save.txt leaves out what only nft shows, and nft was not asked");
        assert!(unread(r#"{"nftables": []}"#).is_empty());
    }

    #[test]
    fn a_text_that_is_no_object_gives_no_reasons() {
        assert!(snapshot("nothing").unread().is_empty() && snapshot("[]").unread().is_empty());
    }
}
