//! nftables' messages (`linux/netfilter/nf_tables.h`): the tables, chains and rules that the kernel holds.
//!
//! In: bodies of answers. Out: a table's name, where a chain is called, the expressions of a rule as far as the tools of iptables write such.
//! Not here: what they do to a packet.

use super::{attribute, attributes, find};
use crate::model::ruleset::TableFamily;
use std::ffi::CStr;

/// What asks for all tables, chains or rules: the subsystem's number, and what is asked.
pub const TABLES: u16 = 10 << 8 | 1;
/// See [`TABLES`].
pub const CHAINS: u16 = 10 << 8 | 4;
/// See [`TABLES`].
pub const RULES: u16 = 10 << 8 | 7;

/// What takes a table away; see [`TABLES`].
pub const DELETE_TABLE: u16 = 10 << 8 | 2;
/// A condition of that: nothing is in it (`NLM_F_NONREC`; `net/netfilter/nf_tables_api.c`, `nf_tables_deltable`).
pub const IF_EMPTY: u16 = 0x100;

/// `struct nfgenmsg`: every family, a version, nothing.
pub const EVERY_FAMILY: [u8; 4] = [0; 4];

/// The verdict register, the first of the expression `immediate`'s.
const VERDICT: u32 = 0;

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Which packets it sees.
    pub family: TableFamily,
    /// Its name.
    pub name: String,
    /// `NFT_TABLE_F_…`; 0: in force, and everybody's.
    pub flags: u32,
}

/// A chain.
#[derive(Debug, PartialEq, Eq)]
pub struct Chain {
    /// The family of its table.
    pub family: TableFamily,
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// Where the kernel calls it; None where only other chains do.
    pub place: Option<Place>,
    /// True if what leaves the chain at its end is dropped.
    pub drops: bool,
    /// True if it is a part of one rule, and has a name only in there (`NFT_CHAIN_BINDING`).
    pub is_anonymous: bool,
}

/// Where the kernel calls a chain.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    /// `NF_INET_PRE_ROUTING`, 0, to `NF_INET_POST_ROUTING`, 4; in families without IP hooks, numbers of their own.
    pub hook: u32,
    /// Lower runs first.
    pub priority: i32,
    /// `filter`, `nat`, `route`.
    pub kind: String,
}

/// A rule.
#[derive(Debug)]
pub struct Rule<'a> {
    /// The family of its table.
    pub family: TableFamily,
    /// Its table.
    pub table: &'a str,
    /// Its chain.
    pub chain: &'a str,
    expressions: &'a [u8],
}

/// A part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression<'a> {
    /// A match of iptables.
    Match,
    /// A target of iptables.
    Target,
    /// Counts.
    Counter,
    /// Fits so many times in a while.
    Limit,
    /// Logs.
    Log,
    /// Puts a part of the packet, or what is known of it, into a register.
    Load(Field, u32),
    /// Leaves the bits of a mask in a register.
    Mask(&'a [u8], u32),
    /// Fits if a register passes the test.
    Test(Test<'a>, u32),
    /// Decides, by the kernel's number.
    Verdict(i32),
    /// Anything else.
    Other,
}

/// What a rule may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `NFT_META_…`
    Meta(u32),
    /// Bytes of the packet.
    Payload {
        /// `NFT_PAYLOAD_…_HEADER`
        base: u32,
        /// From the beginning of that header, in bytes.
        offset: u32,
        /// In bytes.
        length: u32,
    },
}

/// A test of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test<'a> {
    /// By `NFT_CMP_…` and a value in network byte order.
    Compare(u32, &'a [u8]),
    /// Whether it is in a range, ends included, or, by true, outside.
    Range(bool, &'a [u8], &'a [u8]),
}

/// The families' numbers: `NFPROTO_…`, `linux/netfilter.h`.
const FAMILIES: [(TableFamily, u8); 6] = [
    (TableFamily::Inet, 1),
    (TableFamily::Ip, 2),
    (TableFamily::Arp, 3),
    (TableFamily::Netdev, 5),
    (TableFamily::Bridge, 7),
    (TableFamily::Ip6, 10),
];

/// What names a table.
pub fn named(family: TableFamily, name: &str) -> Vec<u8> {
    let number = FAMILIES.iter().find(|(own, _)| *own == family).map_or(0, |(_, number)| *number);
    [vec![number, 0, 0, 0], attribute(1, &[name.as_bytes(), &[0]].concat())].concat()
}

/// Reads a table; None: it is not told as we know it.
pub fn table(body: &[u8]) -> Option<Table> {
    let (family, inner) = split(body)?;
    Some(Table { family, name: text(find(inner, 1)?)?.to_owned(), flags: number_or_none(inner, 2)? })
}

/// Reads a chain; None: it is not told as we know it.
pub fn chain(body: &[u8]) -> Option<Chain> {
    let (family, inner) = split(body)?;
    let place = match find(inner, 4) {
        Some(hook) => Some(Place {
            hook: number(hook, 1)?,
            priority: number(hook, 2)?.cast_signed(),
            kind: text(find(inner, 7)?)?.to_owned(),
        }),
        None => None,
    };
    Some(Chain {
        family,
        table: text(find(inner, 1)?)?.to_owned(),
        name: text(find(inner, 3)?)?.to_owned(),
        // NF_DROP is 0.
        drops: place.is_some() && number(inner, 5)? != 1,
        is_anonymous: number_or_none(inner, 10)? & 4 != 0,
        place,
    })
}

/// Reads a rule; None: it is not told as we know it.
pub fn rule(body: &[u8]) -> Option<Rule<'_>> {
    let (family, inner) = split(body)?;
    let (table, chain) = (text(find(inner, 1)?)?, text(find(inner, 2)?)?);
    Some(Rule { family, table, chain, expressions: find(inner, 4).unwrap_or_default() })
}

impl<'a> Rule<'a> {
    /// Its parts, in order.
    pub fn expressions(&self) -> Vec<Expression<'a>> {
        attributes(self.expressions).map(|(_, inner)| expression(inner).unwrap_or(Expression::Other)).collect()
    }
}

fn expression(inner: &[u8]) -> Option<Expression<'_>> {
    let data = find(inner, 2).unwrap_or_default();
    Some(match text(find(inner, 1)?)? {
        "match" => Expression::Match,
        "target" => Expression::Target,
        "counter" => Expression::Counter,
        "limit" => Expression::Limit,
        "log" => Expression::Log,
        "immediate" if number(data, 1)? == VERDICT => Expression::Verdict(number(find(find(data, 2)?, 2)?, 1)?.cast_signed()),
        // One without a register to load into writes.
        "meta" => Expression::Load(Field::Meta(number(data, 2)?), number(data, 1)?),
        "payload" => {
            let field = Field::Payload { base: number(data, 2)?, offset: number(data, 3)?, length: number(data, 4)? };
            Expression::Load(field, number(data, 1)?)
        }
        "bitwise" => mask(data)?,
        "cmp" => Expression::Test(Test::Compare(number(data, 2)?, value(data, 3)?), number(data, 1)?),
        "range" => Expression::Test(Test::Range(number(data, 2)? != 0, value(data, 3)?, value(data, 4)?), number(data, 1)?),
        _ => Expression::Other,
    })
}

/// `register = register & mask ^ 0`, of all that bitwise does.
fn mask(data: &[u8]) -> Option<Expression<'_>> {
    let register = number(data, 1)?;
    let is_mask = number_or_none(data, 6)? == 0 && number(data, 2)? == register && value(data, 5)?.iter().all(|byte| *byte == 0);
    is_mask.then_some(Expression::Mask(value(data, 4)?, register))
}

/// `struct nfgenmsg` and the attributes behind it.
fn split(body: &[u8]) -> Option<(TableFamily, &[u8])> {
    let (head, inner) = body.split_at_checked(EVERY_FAMILY.len())?;
    let (family, _) = FAMILIES.iter().find(|(_, number)| Some(number) == head.first())?;
    Some((*family, inner))
}

/// A text that ends with a zero, or where it ends.
fn text(value: &[u8]) -> Option<&str> {
    match CStr::from_bytes_until_nul(value) {
        Ok(text) => text.to_str().ok(),
        Err(_) => std::str::from_utf8(value).ok(),
    }
}

fn number(bytes: &[u8], kind: u16) -> Option<u32> {
    find(bytes, kind).and_then(|value| value.try_into().ok()).map(u32::from_be_bytes)
}

/// A number that is 0 where it is not told.
fn number_or_none(bytes: &[u8], kind: u16) -> Option<u32> {
    find(bytes, kind).map_or(Some(0), |value| value.try_into().ok().map(u32::from_be_bytes))
}

/// The bytes in a `NFTA_DATA_VALUE`.
fn value(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    find(find(bytes, kind)?, 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::attribute;
    use super::*;

    fn number_of(kind: u16, number: u32) -> Vec<u8> {
        attribute(kind, &number.to_be_bytes())
    }

    fn body(family: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        [vec![family, 0, 0, 0], attributes.concat()].concat()
    }

    fn expression_of(name: &str, data: &[Vec<u8>]) -> Vec<u8> {
        attribute(1, &[attribute(1, format!("{name}\0").as_bytes()), attribute(2, &data.concat())].concat())
    }

    fn read(expression: &[u8]) -> Expression<'_> {
        let (_, inner) = attributes(expression).next().unwrap();
        super::expression(inner).unwrap_or(Expression::Other)
    }

    #[test]
    fn a_chain_is_read_with_its_place_and_its_policy() {
        let hook = attribute(4, &[number_of(1, 1), number_of(2, (-10_i32).cast_unsigned())].concat());
        let parts = [attribute(1, b"filter\0"), attribute(3, b"foo\0"), hook, number_of(5, 0), attribute(7, b"filter\0")];
        let whole = body(2, &parts);
        let read = chain(&whole).unwrap();
        assert_eq!((read.family, &*read.table, &*read.name, read.drops), (TableFamily::Ip, "filter", "foo", true));
        assert_eq!(read.place.unwrap(), Place { hook: 1, priority: -10, kind: "filter".to_owned() });
        let called = chain(&body(10, &parts[..2])).unwrap();
        assert_eq!((called.family, called.place, called.drops), (TableFamily::Ip6, None, false));
    }

    #[test]
    fn what_is_not_told_as_we_know_it_is_nothing() {
        let whole = body(1, &[attribute(1, b"firewalld\0"), number_of(2, 1)]);
        assert_eq!(
            table(&named(TableFamily::Ip6, "filter")).unwrap(),
            Table { family: TableFamily::Ip6, name: "filter".to_owned(), flags: 0 }
        );
        assert_eq!(table(&whole).unwrap(), Table { family: TableFamily::Inet, name: "firewalld".to_owned(), flags: 1 });
        assert_eq!(table(&body(77, &[attribute(1, b"x\0")])), None, "of an unknown family");
        assert_eq!(table(&body(1, &[attribute(1, b"x\0"), attribute(2, &[1])])), None, "half a number");
        let base = body(2, &[attribute(1, b"t\0"), attribute(3, b"c\0"), attribute(4, &number_of(1, 1))]);
        assert_eq!(chain(&base), None, "a hook without a priority");
        assert!(rule(&base[..12]).is_none() && table(&whole[..3]).is_none());
    }

    #[test]
    fn a_mask_keeps_bits_and_any_other_bitwise_is_something_else() {
        let value = |kind, bytes: &[u8]| attribute(kind, &attribute(1, bytes));
        let with = |to, changed: &[u8], operation| {
            expression_of(
                "bitwise",
                &[number_of(1, 1), number_of(2, to), value(4, &[255, 0]), value(5, changed), number_of(6, operation)],
            )
        };
        assert_eq!(read(&with(1, &[0, 0], 0)), Expression::Mask(&[255, 0], 1));
        for other in [with(2, &[0, 0], 0), with(1, &[0, 1], 0), with(1, &[0, 0], 1)] {
            assert_eq!(read(&other), Expression::Other);
        }
    }

    #[test]
    fn what_writes_into_a_packet_is_no_load() {
        let place = [number_of(2, 1), number_of(3, 12), number_of(4, 4)].concat();
        let load = expression_of("payload", &[number_of(1, 1), place.clone()]);
        assert_eq!(read(&load), Expression::Load(Field::Payload { base: 1, offset: 12, length: 4 }, 1));
        assert_eq!(read(&expression_of("payload", &[number_of(5, 1), place])), Expression::Other);
        assert_eq!(read(&expression_of("meta", &[number_of(2, 3), number_of(3, 1)])), Expression::Other);
    }

    #[test]
    fn a_verdict_is_told_from_a_value() {
        let verdict = attribute(2, &attribute(2, &number_of(1, (-3_i32).cast_unsigned())));
        assert_eq!(read(&expression_of("immediate", &[number_of(1, 0), verdict])), Expression::Verdict(-3));
        let value = attribute(2, &attribute(1, &[1]));
        assert_eq!(read(&expression_of("immediate", &[number_of(1, 1), value])), Expression::Other);
        assert_eq!(read(&expression_of("objref", &[])), Expression::Other);
    }
}
