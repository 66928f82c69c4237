//! `ipset save` to sets. Ethernet addresses are not followed: what hangs on one may fit or not.

mod exceptions;

use super::values;
use crate::model::packet::Protocol;
use crate::model::ruleset::{Key, Selector, Set, Span};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The ipsets of a host by their names; None for one whose members are not wholly understood.
pub(super) type IpSets = BTreeMap<String, Option<IpSet>>;

/// An ipset.
#[derive(Clone, Debug)]
pub(super) struct IpSet {
    form: Form,
    set: Arc<Set>,
    /// Of a list of sets, their names.
    pub(super) parts: Vec<String>,
}

/// What the members of a set mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Form {
    dimensions: Vec<Dimension>,
    /// The mask that a mark is looked at through.
    mark_mask: Option<u32>,
    /// The mask that an address is looked at through.
    address_mask: Option<IpAddr>,
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
    /// An Ethernet address.
    Ethernet,
}

impl IpSet {
    /// The selectors and the values of a `--match-set NAME directions`; None if the directions are not understood.
    ///
    /// With too few directions nothing is in the set (net/netfilter/ipset/ip_set_core.c, `ip_set_test`).
    pub(super) fn lookup(&self, directions: &str) -> Option<(Vec<Selector>, Arc<Set>)> {
        let directions: Vec<&str> = directions.split(',').collect();
        if directions.iter().any(|direction| !matches!(*direction, "src" | "dst")) {
            return None;
        }
        if directions.len() < self.form.dimensions.len() {
            return Some((vec![Key::Protocol.into()], Set::of([])));
        }
        let mut selectors = Vec::new();
        for (dimension, direction) in self.form.dimensions.iter().zip(directions) {
            let pick = |source: Key, destination: Key| if direction == "src" { source } else { destination };
            match dimension {
                Dimension::Address => selectors.push(pick(Key::Source, Key::Destination).into()),
                Dimension::ProtocolPort => {
                    selectors.push(Key::Protocol.into());
                    selectors.push(pick(Key::SourcePort, Key::DestinationPort).into());
                }
                Dimension::Port => selectors.push(pick(Key::SourcePort, Key::DestinationPort).into()),
                Dimension::Interface => selectors.push(pick(Key::InInterface, Key::OutInterface).into()),
                Dimension::Mark => selectors.push(Selector { key: Key::Mark, mask: self.form.mark_mask }),
                Dimension::Ethernet => selectors.push(Key::Opaque.into()),
            }
        }
        Some((selectors, self.set.clone()))
    }
}

/// The sets of an `ipset save`.
pub(super) fn read(text: &str) -> IpSets {
    let mut forms: BTreeMap<&str, Option<Form>> = BTreeMap::new();
    let mut unions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut members: BTreeMap<&str, Option<Set>> = BTreeMap::new();
    for line in text.lines() {
        let words = without_comment(line);
        match words.as_slice() {
            ["create", name, "list:set", ..] => {
                unions.insert(name, Vec::new());
            }
            ["create", name, kind, options @ ..] => {
                forms.insert(name, form(kind, options));
                members.insert(name, Some(Set::default()));
            }
            ["add", name, member, options @ ..] => {
                if let Some(union) = unions.get_mut(name) {
                    union.push(member);
                } else if let Some(slot) = members.get_mut(name) {
                    let spans = forms.get(name).and_then(Option::as_ref).and_then(|form| spans(form, member, options));
                    add(slot, spans, options.contains(&"nomatch"));
                }
            }
            _ => {}
        }
    }
    let mut sets = BTreeMap::new();
    for (name, set) in members {
        let whole = forms.remove(name).flatten().zip(set).map(|(form, set)| {
            let set = if form.dimensions == [Dimension::Address] { exceptions::resolved(set) } else { set };
            IpSet { form, set: Arc::new(set), parts: Vec::new() }
        });
        sets.insert(name.to_owned(), whole);
    }
    for (name, parts) in unions {
        let union = unite(&parts, &sets);
        sets.insert(name.to_owned(), union);
    }
    sets
}

/// The words of a line; a comment may hold any text but a quote (ipset(8), "comment").
fn without_comment(line: &str) -> Vec<&str> {
    match line.split_once(" comment \"") {
        Some((before, rest)) => {
            let after = rest.split_once('"').map_or("", |(_, after)| after);
            before.split_whitespace().chain(after.split_whitespace()).collect()
        }
        None => line.split_whitespace().collect(),
    }
}

fn add(slot: &mut Option<Set>, spans: Option<Vec<Span>>, is_exception: bool) {
    match (slot.as_mut(), spans) {
        (Some(set), Some(spans)) if is_exception => set.exceptions.push(spans),
        (Some(set), Some(spans)) => set.members.push(spans),
        _ => *slot = None,
    }
}

fn unite(parts: &[&str], sets: &IpSets) -> Option<IpSet> {
    let mut form = None;
    let mut union = Set::default();
    for part in parts {
        let set = sets.get(*part)?.as_ref()?;
        if *form.get_or_insert_with(|| set.form.clone()) != set.form || !set.set.exceptions.is_empty() {
            return None;
        }
        union.members.extend(set.set.members.iter().cloned());
    }
    let parts = parts.iter().copied().map(str::to_owned).collect();
    Some(IpSet { form: form.unwrap_or_default(), set: Arc::new(union), parts })
}

/// The form of a set from its type and the options of its creation.
fn form(kind: &str, options: &[&str]) -> Option<Form> {
    let (method, parts) = kind.split_once(':')?;
    let parts = parts.split(',').map(|part| {
        Some(match (method, part) {
            (_, "ip" | "net") => Dimension::Address,
            ("bitmap", "port") => Dimension::Port,
            (_, "port") => Dimension::ProtocolPort,
            (_, "iface") => Dimension::Interface,
            (_, "mark") => Dimension::Mark,
            (_, "mac") => Dimension::Ethernet,
            _ => return None,
        })
    });
    let value = |name: &str| options.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1]);
    let mark_mask = value("markmask").map_or(Some(None), |mask| values::number(mask).map(Some))?;
    let is_v6 = value("family") == Some("inet6");
    let address_mask = match (value("netmask"), value("bitmask")) {
        (Some(length), None) => {
            let all = if is_v6 { "::" } else { "0.0.0.0" };
            Some(values::net(&format!("{all}/{length}"))?.netmask())
        }
        (None, Some(mask)) => Some(mask.parse().ok()?),
        (None, None) => None,
        (Some(_), Some(_)) => return None,
    };
    Some(Form { dimensions: parts.collect::<Option<_>>()?, mark_mask, address_mask })
}

fn spans(form: &Form, member: &str, options: &[&str]) -> Option<Vec<Span>> {
    let parts: Vec<&str> = member.split(',').collect();
    let missing = form.dimensions.len().checked_sub(parts.len())?;
    // Only the Ethernet address of `bitmap:ip,mac` may be left out: any fits until one is seen.
    if missing > 1 || missing == 1 && form.dimensions.last() != Some(&Dimension::Ethernet) {
        return None;
    }
    let mut spans = Vec::new();
    for (dimension, part) in form.dimensions.iter().zip(parts) {
        match dimension {
            Dimension::Address => spans.push(address(form, part)?),
            Dimension::Port => spans.push(values::port_span(part, '-')?),
            Dimension::Interface if part.starts_with("physdev:") => return None,
            Dimension::Interface if options.contains(&"wildcard") => spans.push(Span::NamePrefix(part.into())),
            Dimension::Interface => spans.push(Span::Name(part.into())),
            Dimension::Mark => spans.push(Span::number(values::number(part)?)),
            Dimension::Ethernet => spans.push(Span::number(0)),
            Dimension::ProtocolPort => {
                let (protocol, port) = part.split_once(':').unwrap_or(("tcp", part));
                let protocol = Protocol::named(protocol)?;
                spans.push(Span::number(protocol.0.into()));
                spans.push(if protocol.has_ports() { values::port_span(port, '-')? } else { Span::Any });
            }
        }
    }
    spans.extend((0..missing).map(|_| Span::Any));
    Some(spans)
}

/// An address. Where the set looks at addresses through a mask, it holds what is left of them.
fn address(form: &Form, text: &str) -> Option<Span> {
    match form.address_mask {
        Some(mask) => values::net_span(&format!("{text}/{mask}")),
        None => values::addresses(text),
    }
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
        assert_eq!((set.members.len(), set.exceptions.len()), (2, 0), "both sides of the hole");
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
    fn what_hangs_on_an_ethernet_address_may_fit() {
        let sets = read(
            "create m hash:ip,mac\nadd m 192.0.2.1,01:02:03:04:05:06\ncreate b bitmap:ip,mac range 10.0.0.0/24\nadd b 10.0.0.1\n",
        );
        let (selectors, set) = sets["m"].as_ref().unwrap().lookup("src,src").unwrap();
        assert_eq!(selectors, [Key::Source.into(), Key::Opaque.into()]);
        assert_eq!(set.members[0][1], Span::number(0));
        assert_eq!(sets["b"].as_ref().unwrap().set.members[0][1], Span::Any);
    }

    #[test]
    fn with_too_few_directions_nothing_is_in_a_set() {
        let sets = read("create both hash:ip,port\nadd both 192.0.2.1,80\n");
        assert!(sets["both"].as_ref().unwrap().lookup("src").unwrap().1.members.is_empty());
        assert!(sets["both"].as_ref().unwrap().lookup("src,here").is_none());
    }

    #[test]
    fn a_comment_is_no_option() {
        let sets = read(
            "create a hash:net comment\nadd a 10.0.0.0/8 comment \"nomatch of ours\"\nadd a 10.1.0.0/16 comment \"x\" nomatch\n",
        );
        assert_eq!(sets["a"].as_ref().unwrap().set.members.len(), 2, "both sides of the hole");
    }

    #[test]
    fn addresses_marks_and_names_are_looked_at_as_the_set_does() {
        let sets = read(
            "create n hash:ip family inet netmask 24\nadd n 10.1.2.0\ncreate b hash:ip family inet bitmask 255.0.0.255\nadd b 10.0.0.1\n\
             create k hash:mark markmask 0xff\nadd k 0x1\ncreate i hash:net,iface\nadd i 10.0.0.0/8,eth wildcard\n",
        );
        let member = |name: &str| sets[name].as_ref().unwrap().set.members[0].clone();
        assert_eq!(member("n"), [Span::Address("10.1.2.0".parse().unwrap(), "10.1.2.255".parse().unwrap())]);
        assert_eq!(member("b"), [Span::AddressBits("10.0.0.1".parse().unwrap(), "255.0.0.255".parse().unwrap())]);
        assert_eq!(member("i")[1], Span::NamePrefix("eth".into()));
        let (selectors, _) = sets["k"].as_ref().unwrap().lookup("src").unwrap();
        assert_eq!(selectors, [Selector { key: Key::Mark, mask: Some(0xff) }]);
    }
}
