//! `ipset save` to sets. Not read: types with Ethernet addresses; a rule that asks such a set stays unknown.

use super::values;
use crate::model::packet::Protocol;
use crate::model::ruleset::{Key, Selector, Set, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An ipset.
#[derive(Clone, Debug)]
pub(super) struct IpSet {
    dimensions: Vec<Dimension>,
    set: Arc<Set>,
}

/// What one part of a member means (ipset(8), "SET TYPES").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension {
    /// An address, a prefix or a range.
    Address,
    /// A protocol and a port.
    ProtocolPort,
    /// A port alone.
    Port,
    /// An interface.
    Interface,
    /// A packet mark.
    Mark,
}

impl IpSet {
    /// The selectors and the values of a `--match-set NAME directions`; None if the directions do not fit the set.
    pub(super) fn lookup(&self, directions: &str) -> Option<(Vec<Selector>, Arc<Set>)> {
        let directions: Vec<&str> = directions.split(',').collect();
        if directions.len() < self.dimensions.len() {
            return None;
        }
        let mut selectors = Vec::new();
        for (dimension, direction) in self.dimensions.iter().zip(directions) {
            let is_source = match direction {
                "src" => true,
                "dst" => false,
                _ => return None,
            };
            let pick = |source: Key, destination: Key| if is_source { source } else { destination };
            match dimension {
                Dimension::Address => selectors.push(pick(Key::Source, Key::Destination).into()),
                Dimension::ProtocolPort => {
                    selectors.push(Key::Protocol.into());
                    selectors.push(pick(Key::SourcePort, Key::DestinationPort).into());
                }
                Dimension::Port => selectors.push(pick(Key::SourcePort, Key::DestinationPort).into()),
                Dimension::Interface => selectors.push(pick(Key::InInterface, Key::OutInterface).into()),
                Dimension::Mark => selectors.push(Key::Mark.into()),
            }
        }
        Some((selectors, self.set.clone()))
    }
}

/// The sets of an `ipset save`; None for one whose members are not wholly understood.
pub(super) fn read(text: &str) -> BTreeMap<String, Option<IpSet>> {
    let mut kinds: BTreeMap<String, Option<Vec<Dimension>>> = BTreeMap::new();
    let mut unions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut members: BTreeMap<String, Option<Set>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["create", name, "list:set", ..] => {
                unions.insert((*name).to_owned(), Vec::new());
            }
            ["create", name, kind, ..] => {
                kinds.insert((*name).to_owned(), dimensions(kind));
                members.insert((*name).to_owned(), Some(Set::default()));
            }
            ["add", name, member, options @ ..] => {
                if let Some(union) = unions.get_mut(*name) {
                    union.push((*member).to_owned());
                } else if let Some(slot) = members.get_mut(*name) {
                    let spans = kinds.get(*name).and_then(Option::as_ref).and_then(|kind| spans(kind, member));
                    add(slot, spans, options.contains(&"nomatch"));
                }
            }
            _ => {}
        }
    }
    let mut sets = BTreeMap::new();
    for (name, set) in members {
        let kind = kinds.remove(&name).flatten();
        let whole = kind.zip(set).map(|(dimensions, set)| IpSet { dimensions, set: Arc::new(set) });
        sets.insert(name, whole);
    }
    for (name, parts) in unions {
        let union = unite(&parts, &sets);
        sets.insert(name, union);
    }
    sets
}

fn add(slot: &mut Option<Set>, spans: Option<Vec<Span>>, is_exception: bool) {
    match (slot.as_mut(), spans) {
        (Some(set), Some(spans)) if is_exception => set.exceptions.push(spans),
        (Some(set), Some(spans)) => set.members.push(spans),
        _ => *slot = None,
    }
}

fn unite(parts: &[String], sets: &BTreeMap<String, Option<IpSet>>) -> Option<IpSet> {
    let mut dimensions = None;
    let mut union = Set::default();
    for part in parts {
        let set = sets.get(part)?.as_ref()?;
        if *dimensions.get_or_insert_with(|| set.dimensions.clone()) != set.dimensions || !set.set.exceptions.is_empty() {
            return None;
        }
        union.members.extend(set.set.members.iter().cloned());
    }
    Some(IpSet { dimensions: dimensions.unwrap_or_default(), set: Arc::new(union) })
}

fn dimensions(kind: &str) -> Option<Vec<Dimension>> {
    let (method, parts) = kind.split_once(':')?;
    let parts = parts.split(',').map(|part| {
        Some(match (method, part) {
            (_, "ip" | "net") => Dimension::Address,
            ("bitmap", "port") => Dimension::Port,
            (_, "port") => Dimension::ProtocolPort,
            (_, "iface") => Dimension::Interface,
            (_, "mark") => Dimension::Mark,
            _ => return None,
        })
    });
    parts.collect()
}

fn spans(kind: &[Dimension], member: &str) -> Option<Vec<Span>> {
    let parts: Vec<&str> = member.split(',').collect();
    if parts.len() != kind.len() {
        return None;
    }
    let mut spans = Vec::new();
    for (dimension, part) in kind.iter().zip(parts) {
        match dimension {
            Dimension::Address => spans.push(values::addresses(part)?),
            Dimension::Port => spans.push(values::port_span(part, '-')?),
            Dimension::Interface if !part.starts_with("physdev:") => spans.push(Span::Name(part.into())),
            Dimension::Interface => return None,
            Dimension::Mark => spans.push(Span::number(values::number(part)?)),
            Dimension::ProtocolPort => {
                let (protocol, port) = part.split_once(':').unwrap_or(("tcp", part));
                let protocol = Protocol::named(protocol)?;
                spans.push(Span::number(protocol.0.into()));
                spans.push(if protocol.has_ports() { values::port_span(port, '-')? } else { Span::Any });
            }
        }
    }
    Some(spans)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn members_are_read_with_their_options() {
        let sets = read(
            "create allow hash:net family inet hashsize 1024 maxelem 65536 timeout 60\nadd allow 10.0.0.0/8 timeout 12\n\
             add allow 10.1.0.0/16 timeout 3 nomatch\ncreate both hash:ip,port family inet\nadd both 192.0.2.1,udp:53\n",
        );
        let (selectors, set) = sets["allow"].as_ref().unwrap().lookup("src").unwrap();
        assert_eq!(selectors, [Key::Source.into()]);
        assert_eq!((set.members.len(), set.exceptions.len()), (1, 1));
        let (selectors, set) = sets["both"].as_ref().unwrap().lookup("dst,dst").unwrap();
        assert_eq!(selectors.len(), 3);
        assert_eq!(set.members[0][1..], [Span::number(17), Span::number(53)]);
    }

    #[test]
    fn a_list_of_sets_holds_what_they_hold() {
        let sets =
            read("create a hash:ip\nadd a 192.0.2.1\ncreate b hash:ip\nadd b 192.0.2.2\ncreate l list:set\nadd l a\nadd l b\n");
        assert_eq!(sets["l"].as_ref().unwrap().lookup("src").unwrap().1.members.len(), 2);
    }

    #[test]
    fn a_set_of_ethernet_addresses_is_not_read() {
        assert!(read("create m hash:mac\nadd m 01:02:03:04:05:06\n")["m"].is_none());
    }

    #[test]
    fn too_few_directions_are_not_understood() {
        let sets = read("create both hash:ip,port\n");
        assert!(sets["both"].as_ref().unwrap().lookup("src").is_none());
    }
}
