//! The right side of a match, and the members of sets and maps.

use super::Scope;
use super::fields::Fields;
use super::names;
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Set, Span, ct_state};
use crate::read::values;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// IP addresses.
    Address,
    /// IP addresses as they are under a mask.
    AddressUnder(IpAddr),
    /// Names of interfaces.
    Interface,
    /// Plain numbers: ports, marks.
    Number,
    /// Transport protocols.
    Protocol,
    /// `ipv4`, `ipv6`
    Family,
    /// `ip`, `ip6`, and what is neither.
    EtherType,
    /// 4 or 6.
    Version,
    /// Bits of a connection's state.
    CtState,
    /// Bits of a connection's status.
    CtStatus,
    /// `original`, `reply`
    CtDirection,
    /// Bits of the TCP header.
    TcpFlags,
    /// `host`, `broadcast`, `multicast`
    PacketType,
    /// `local`, `unicast` …
    AddressType,
    /// `echo-request` …
    IcmpType,
    /// The same of v6.
    Icmpv6Type,
    /// `port-unreachable` …
    IcmpCode,
    /// The same of v6.
    Icmpv6Code,
    /// `true`, `false`; 0 for "missing".
    Truth,
    /// Nothing that can be read.
    Opaque,
}

impl Kind {
    /// True if values are bits that nft tests by itself with `in`.
    pub(super) fn is_bits(self) -> bool {
        matches!(self, Self::CtState | Self::CtStatus | Self::TcpFlags)
    }

    /// True if values are numbers that a mask may be laid on.
    pub(super) fn is_numeric(self) -> bool {
        !matches!(self, Self::Address | Self::AddressUnder(_) | Self::Interface | Self::Truth | Self::Opaque)
    }

    /// The number behind a word.
    fn named(self, word: &str) -> Option<u32> {
        let names: &[(&str, u32)] = match self {
            Self::Protocol => return Protocol::named(word).map(|protocol| protocol.0.into()),
            Self::Family => &[("ipv4", 2), ("ipv6", 10)],
            Self::EtherType => match word {
                "ip" => return Some(Family::V4.number()),
                "ip6" => return Some(Family::V6.number()),
                _ => return Some(0),
            },
            Self::CtState => &[
                ("invalid", ct_state::INVALID),
                ("established", ct_state::ESTABLISHED),
                ("related", ct_state::RELATED),
                ("new", ct_state::NEW),
                ("untracked", ct_state::UNTRACKED),
            ],
            // IPS_* of linux/netfilter/nf_conntrack_common.h, under nft's names (src/ct.c, ct_status_tbl).
            Self::CtStatus => &[
                ("expected", 1),
                ("seen-reply", 2),
                ("assured", 4),
                ("confirmed", 8),
                ("snat", 16),
                ("dnat", 32),
                ("dying", 512),
            ],
            Self::CtDirection => &[("original", 0), ("reply", 1)],
            Self::TcpFlags => {
                &[("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128)]
            }
            Self::PacketType => &[("host", 0), ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("other", 3)],
            Self::AddressType => &[
                ("unspec", 0),
                ("unicast", 1),
                ("local", 2),
                ("broadcast", 3),
                ("anycast", 4),
                ("multicast", 5),
                ("blackhole", 6),
                ("unreachable", 7),
                ("prohibit", 8),
            ],
            // nft 0.9.0 shows ports by their names.
            Self::IcmpType => names::ICMP_TYPES,
            Self::Icmpv6Type => names::ICMPV6_TYPES,
            Self::IcmpCode => names::ICMP_CODES,
            Self::Icmpv6Code => names::ICMPV6_CODES,
            Self::Number => return values::number(word).or_else(|| names::port(word)),
            _ => &[],
        };
        names.iter().find(|(name, _)| *name == word).map(|&(_, number)| number)
    }
}

/// A single number of a kind.
fn number(kind: Kind, value: &Value) -> Option<u32> {
    let number = match value {
        Value::Number(number) => u32::try_from(number.as_u64()?).ok()?,
        Value::Bool(truth) => return (kind == Kind::Truth).then(|| u32::from(*truth)),
        Value::String(word) => kind.named(word)?,
        _ => return None,
    };
    Some(match (kind, number) {
        (Kind::Version, 4) => Family::V4.number(),
        (Kind::Version, 6) => Family::V6.number(),
        (Kind::Version, _) => return None,
        // ETH_P_IP and ETH_P_IPV6 of linux/if_ether.h.
        (Kind::EtherType, 0x0800) if value.is_number() => Family::V4.number(),
        (Kind::EtherType, 0x86dd) if value.is_number() => Family::V6.number(),
        (Kind::EtherType, _) if value.is_number() => 0,
        // Anything but "missing" names one interface of many.
        (Kind::Truth, number) if number != 0 => return None,
        (_, number) => number,
    })
}

/// Bits, joined from one value, a list or `|` operators.
pub(super) fn bits(kind: Kind, value: &Value) -> Option<u32> {
    let list = value.get("|").unwrap_or(value);
    match list.as_array() {
        Some(parts) => parts.iter().try_fold(0, |all, part| Some(all | bits(kind, part)?)),
        None => number(kind, list),
    }
}

/// One value or range.
pub(super) fn span(kind: Kind, value: &Value) -> Option<Span> {
    if value.as_str() == Some("*") {
        return Some(Span::Any);
    }
    if let Some([first, last]) = value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        return match kind {
            Kind::Address => {
                let (first, last): (IpAddr, IpAddr) = (first.as_str()?.parse().ok()?, last.as_str()?.parse().ok()?);
                (first.is_ipv4() == last.is_ipv4()).then_some(Span::Address(first, last))
            }
            _ => Some(Span::Number(number(kind, first)?, number(kind, last)?)),
        };
    }
    match kind {
        Kind::Address => match value.get("prefix") {
            Some(prefix) => values::net(&format!("{}/{}", prefix["addr"].as_str()?, prefix["len"].as_u64()?)).map(Span::from),
            None => values::net(value.as_str()?).map(Span::from),
        },
        Kind::AddressUnder(mask) => {
            let bits: IpAddr = value.as_str()?.parse().ok()?;
            (bits.is_ipv4() == mask.is_ipv4()).then_some(Span::AddressBits(bits, mask))
        }
        Kind::Interface => Some(values::interface(value.as_str()?, '*')),
        // It may be the one.
        Kind::Opaque => Some(Span::number(0)),
        _ if kind.is_bits() => bits(kind, value).map(Span::number),
        _ => number(kind, value).map(Span::number),
    }
}

/// The spans of a set's member, one for each kind.
fn member(kinds: &[Kind], value: &Value) -> Option<Vec<Span>> {
    let value = match value.get("elem") {
        // A member that carries a limit or a quota fits only sometimes.
        Some(element) if ["limit", "quota", "ct count"].iter().any(|state| element.get(state).is_some()) => return None,
        Some(element) => &element["val"],
        None => value,
    };
    if value.as_str() == Some("*") {
        return Some(vec![Span::Any; kinds.len()]);
    }
    match value.get("concat").and_then(Value::as_array) {
        Some(parts) if parts.len() == kinds.len() => kinds.iter().zip(parts).map(|(kind, part)| span(*kind, part)).collect(),
        Some(_) => None,
        None => match kinds {
            [kind] => Some(vec![span(*kind, value)?]),
            _ => None,
        },
    }
}

/// A set: written in the rule, or named. None if one of its members is not understood.
pub(super) fn set(kinds: &[Kind], value: &Value, scope: &Scope<'_>) -> Option<Arc<Set>> {
    let Some(name) = value.as_str().and_then(|text| text.strip_prefix('@')) else {
        let members: Option<Vec<_>> = words_of_set(value)?.iter().map(|value| member(kinds, value)).collect();
        return Some(Arc::new(Set { members: members?, exceptions: Vec::new() }));
    };
    scope.set(name, kinds, || {
        let listed = scope.listed(name)?;
        let members: Option<Vec<_>> = elements(listed)?.iter().map(|value| member(kinds, value)).collect();
        Some(Arc::new(Set { members: members?, exceptions: Vec::new() }))
    })
}

/// The members of a set that is written in a rule: a list, or, of one, that alone.
fn words_of_set(value: &Value) -> Option<&[Value]> {
    let members = value.get("set")?;
    Some(members.as_array().map_or(std::slice::from_ref(members), Vec::as_slice))
}

/// The keys and values of a map: written in the rule, or named. What fits anything comes last.
///
/// Under a key that is not understood each entry may be the one. If they are all that it can be (`numgen random mod 2`), one of them is.
pub(super) fn map<'a>(fields: &Fields, key: &Value, value: &'a Value, scope: &Scope<'a>) -> Option<Vec<(Vec<Span>, &'a Value)>> {
    let pairs = match value.as_str().and_then(|text| text.strip_prefix('@')) {
        Some(name) => elements(scope.listed(name)?)?,
        None => words_of_set(value)?,
    };
    let kinds = fields.kinds();
    let is_opaque = kinds == [Kind::Opaque];
    let mut entries = Vec::new();
    for pair in pairs {
        let [key, value] = pair.as_array()?.as_slice() else { return None };
        let key = if is_opaque { vec![Span::number(0)] } else { member(&kinds, key)? };
        entries.push((key, value));
    }
    if is_opaque && is_exhausted(key, pairs) {
        entries.last_mut().into_iter().for_each(|(key, _)| *key = vec![Span::Any]);
    }
    entries.sort_by_key(|(key, _)| key.iter().all(|span| *span == Span::Any));
    Some(entries)
}

/// True if a map has an entry for every number that a generator or a hash can give.
fn is_exhausted(key: &Value, pairs: &[Value]) -> bool {
    let Some(generator) = ["numgen", "jhash", "symhash"].into_iter().find_map(|name| key.get(name)) else { return false };
    let offset = generator["offset"].as_u64().unwrap_or(0);
    let Some(modulus) = generator["mod"].as_u64().filter(|modulus| *modulus <= pairs.len() as u64) else { return false };
    let has = |number: u64| {
        pairs.iter().any(|pair| match &pair[0] {
            Value::Number(own) => own.as_u64() == Some(number),
            own => own["range"].as_array().is_some_and(|ends| {
                let end = |at: usize| ends.get(at).and_then(Value::as_u64);
                end(0).zip(end(1)).is_some_and(|(first, last)| (first..=last).contains(&number))
            }),
        })
    };
    (offset..offset.saturating_add(modulus)).all(has)
}

/// The members of a set; None where they carry something that lets them fit only sometimes.
fn elements(listed: &Value) -> Option<&[Value]> {
    let only_counts = |statement: &Value| statement.get("counter").is_some() || statement.get("last").is_some();
    let statements = listed.get("stmt").and_then(Value::as_array);
    if statements.is_some_and(|statements| !statements.iter().all(only_counts)) {
        return None;
    }
    Some(match listed.get("elem") {
        Some(Value::Array(members)) => members,
        Some(member) => std::slice::from_ref(member),
        None => &[],
    })
}
