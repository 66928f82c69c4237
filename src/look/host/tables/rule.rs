//! Whether iptables-save shows a rule of nftables as what it is.
//!
//! It was made for rules of iptables alone. Of others it leaves out what it does not know, without a word: `tcp dport { 80, 443 } drop` it
//! prints as `-p tcp -j DROP`, `ip saddr < 10.0.0.0 drop` as `-s 10.0.0.0/32 -j DROP`. So a rule is believed only if each of its expressions
//! stands as iptables writes it (iptables 1.8.2 to 1.8.11, `iptables/nft.c`, `nft-shared.c`), and in a form that the version at hand
//! reads (`nft-ruleparse.c`, before 1.8.9 in `nft-shared.c`). Not here: what the rule does.

use super::Version;
use crate::model::packet::Protocol;
use crate::model::ruleset::TableFamily;
use crate::netlink::nftables::{Expression, Field, Test};

/// The first version that reads the protocol out of `meta l4proto` in v4.
pub(super) const OLDEST: Version = [1, 8, 2];
/// The first that reads prefixes as the first bytes of an address.
const BYTES: Version = [1, 8, 7];
/// The first that reads ports, flags and marks without a match of iptables.
const NATIVE: Version = [1, 8, 8];

/// `NF_DROP`, `NF_ACCEPT`, `NFT_JUMP`, `NFT_GOTO`, `NFT_RETURN`.
const VERDICTS: [i32; 5] = [0, 1, -3, -4, -5];

/// `NFT_CMP_…`
const EQUAL: u32 = 0;
const UNEQUAL: u32 = 1;
const AT_MOST: u32 = 3;
const ABOVE: u32 = 4;

/// `NFT_META_…`
const MARK: u32 = 3;
const IN: u32 = 6;
const OUT: u32 = 7;
const PROTOCOL: u32 = 16;

/// `NFT_PAYLOAD_…_HEADER`
const NETWORK: u32 = 1;
const TRANSPORT: u32 = 2;

/// What a rule of iptables asks for once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Source,
    Destination,
    In,
    Out,
    Protocol,
    Fragment,
    Mark,
    Flags,
    SourcePort,
    DestinationPort,
}

/// One test of one field.
struct Condition<'a> {
    field: Field,
    mask: Option<&'a [u8]>,
    test: Test<'a>,
}

/// True if the iptables-save of this version shows such a rule as what it is.
pub(super) fn is_shown(rule: &[Expression<'_>], family: TableFamily, version: Version) -> bool {
    let mut seen: Vec<Part> = Vec::new();
    let mut protocol = None;
    let mut is_past_header = false;
    let mut rest = rule;
    loop {
        let (condition, behind) = match rest {
            [] | [Expression::Target] => return true,
            [Expression::Verdict(code)] => return VERDICTS.contains(code),
            [Expression::Log] => return version >= NATIVE,
            [Expression::Counter, behind @ ..] => (None, behind),
            [Expression::Match | Expression::Limit, behind @ ..] => {
                is_past_header = true;
                (None, behind)
            }
            [Expression::Load(field, at), Expression::Test(test, from), behind @ ..] if at == from => {
                (Some(Condition { field: *field, mask: None, test: *test }), behind)
            }
            [Expression::Load(field, at), Expression::Mask(mask, on), Expression::Test(test, from), behind @ ..]
                if at == on && at == from =>
            {
                (Some(Condition { field: *field, mask: Some(mask), test: *test }), behind)
            }
            _ => return false,
        };
        rest = behind;
        let Some(condition) = condition else { continue };
        let Some((parts, since)) = condition.parts(family, protocol) else { return false };
        // Versions before 1.8.9 carry a mask on to what comes next, unless it is in iptables' own order: first what heads the rule.
        let is_header = since < NATIVE;
        if version < since || parts.iter().any(|part| seen.contains(part)) || (is_header && is_past_header) {
            return false;
        }
        is_past_header |= !is_header;
        seen.extend(parts);
        if let (&[Part::Protocol], Test::Compare(EQUAL, &[number])) = (parts, condition.test) {
            protocol = Some(Protocol(number));
        }
    }
}

impl<'a> Condition<'a> {
    /// What it asks for, where it is told as iptables tells it, and since which version that is read. `protocol` is the one that the rule
    /// has asked for before.
    fn parts(&self, family: TableFamily, protocol: Option<Protocol>) -> Option<(&'static [Part], Version)> {
        match self.field {
            Field::Meta(IN) => self.is_interface().then_some((&[Part::In], OLDEST)),
            Field::Meta(OUT) => self.is_interface().then_some((&[Part::Out], OLDEST)),
            Field::Meta(PROTOCOL) => self.is_protocol().then_some((&[Part::Protocol], OLDEST)),
            Field::Meta(MARK) => self.is_value(4).then_some((&[Part::Mark], NATIVE)),
            Field::Payload { base: NETWORK, offset, length } => self.network(family, offset, length),
            Field::Payload { base: TRANSPORT, offset, length } => Some((self.transport(protocol?, offset, length)?, NATIVE)),
            Field::Meta(_) | Field::Payload { .. } => None,
        }
    }

    fn network(&self, family: TableFamily, offset: u32, length: u32) -> Option<(&'static [Part], Version)> {
        let (parts, whole): (&[Part], u32) = match (family, offset) {
            (TableFamily::Ip, 6) => {
                let is_fragment = length == 2 && self.mask == Some(&[0x1f, 0xff]) && self.equal() == Some(&[0, 0]);
                return is_fragment.then_some((&[Part::Fragment], OLDEST));
            }
            (TableFamily::Ip, 9) => return (length == 1 && self.is_protocol()).then_some((&[Part::Protocol], OLDEST)),
            (TableFamily::Ip, 12) => (&[Part::Source], 4),
            (TableFamily::Ip, 16) => (&[Part::Destination], 4),
            (TableFamily::Ip6, 8) => (&[Part::Source], 16),
            (TableFamily::Ip6, 24) => (&[Part::Destination], 16),
            _ => return None,
        };
        let is_whole = length == whole;
        let is_address = self.is_value(length) && (is_whole || (length < whole && self.mask.is_none()));
        is_address.then_some((parts, if is_whole { OLDEST } else { BYTES }))
    }

    fn transport(&self, protocol: Protocol, offset: u32, length: u32) -> Option<&'static [Part]> {
        if protocol != Protocol::TCP && protocol != Protocol::UDP {
            return None;
        }
        match (offset, length) {
            (0, 2) => self.is_port().then_some(&[Part::SourcePort]),
            (2, 2) => self.is_port().then_some(&[Part::DestinationPort]),
            (0, 4) => {
                let is_both = self.mask.is_none() && matches!(self.test, Test::Compare(EQUAL, &[_, _, _, _]));
                is_both.then_some(&[Part::SourcePort, Part::DestinationPort])
            }
            (13, 1) => {
                let is_flags = protocol == Protocol::TCP && self.mask.is_some() && self.is_value(1);
                is_flags.then_some(&[Part::Flags])
            }
            _ => None,
        }
    }

    /// The value that the field must be equal to, or must not.
    fn equal(&self) -> Option<&'a [u8]> {
        match self.test {
            Test::Compare(EQUAL | UNEQUAL, value) => Some(value),
            Test::Compare(..) | Test::Range(..) => None,
        }
    }

    /// True for one of so many bytes, none outside its mask: a value that never fits is not shown as such.
    fn is_value(&self, length: u32) -> bool {
        let Some(value) = self.equal().filter(|value| u32::try_from(value.len()) == Ok(length)) else { return false };
        self.mask.is_none_or(|mask| {
            let fits = value.iter().zip(mask).all(|(value, mask)| value & mask == *value);
            fits && mask.len() == value.len() && mask.iter().any(|byte| *byte != 0)
        })
    }

    /// 0 stands for every protocol.
    fn is_protocol(&self) -> bool {
        self.mask.is_none() && self.is_value(1) && self.equal() != Some(&[0])
    }

    fn is_port(&self) -> bool {
        self.mask.is_none()
            && match self.test {
                Test::Compare(EQUAL | UNEQUAL | AT_MOST, value) => value.len() == 2,
                Test::Compare(ABOVE, value) => value.len() == 2 && value != [0xff, 0xff],
                Test::Compare(..) => false,
                Test::Range(_, from, to) => from.len() == 2 && to.len() == 2,
            }
    }

    /// A name and a zero, or the beginning of a name. The tool prints a `+` behind a beginning, and has room for 15 bytes.
    fn is_interface(&self) -> bool {
        let Some(value) = self.equal().filter(|_| self.mask.is_none()) else { return false };
        let is_printed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:@/+".contains(byte);
        match value.iter().position(|byte| *byte == 0) {
            Some(end) => {
                let (name, padding) = value.split_at(end);
                let is_name = name.iter().all(is_printed) && name.last().is_some_and(|byte| *byte != b'+');
                is_name && value.len() <= 16 && padding.iter().all(|byte| *byte == 0)
            }
            None => (1..=14).contains(&value.len()) && value.iter().all(is_printed),
        }
    }
}
