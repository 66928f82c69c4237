//! Matches on what connection tracking knows, and on marks.

use super::super::words::Opt;
use super::{known, one, single};
use crate::model::packet::Protocol;
use crate::model::ruleset::{Key, Selector, Span, Step, ct_state};
use crate::read::values;

/// An option of `-m conntrack`.
pub(super) fn conntrack(option: &Opt) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let value = single(&arguments)?;
    let (key, span) = match name {
        "--ctstate" => return state(option, "--ctstate"),
        "--ctstatus" => return status(value, option.negated),
        "--ctproto" => (Key::Protocol, Span::number(Protocol::named(value)?.0.into())),
        "--ctorigsrc" => (Key::CtSource, values::net_span(value)?),
        "--ctorigdst" => (Key::CtDestination, values::net_span(value)?),
        "--ctreplsrc" => (Key::CtReplySource, values::net_span(value)?),
        "--ctrepldst" => (Key::CtReplyDestination, values::net_span(value)?),
        "--ctorigsrcport" => (Key::CtSourcePort, values::port_span(value, ':')?),
        "--ctorigdstport" => (Key::CtDestinationPort, values::port_span(value, ':')?),
        "--ctreplsrcport" => (Key::CtReplySourcePort, values::port_span(value, ':')?),
        "--ctrepldstport" => (Key::CtReplyDestinationPort, values::port_span(value, ':')?),
        "--ctdir" if value == "ORIGINAL" => (Key::CtDirection, Span::number(0)),
        "--ctdir" if value == "REPLY" => (Key::CtDirection, Span::number(1)),
        _ => return None,
    };
    Some(vec![one(key, span, option.negated)])
}

/// `--state NEW`, `--ctstate RELATED,ESTABLISHED`
pub(super) fn state(option: &Opt, name: &str) -> Option<Vec<Step>> {
    let (given, arguments) = option.parts();
    if given != name {
        return None;
    }
    let bits = single(&arguments)?.split(',').try_fold(0, |bits, state| {
        Some(
            bits | match state {
                "INVALID" => ct_state::INVALID,
                "ESTABLISHED" => ct_state::ESTABLISHED,
                "RELATED" => ct_state::RELATED,
                "NEW" => ct_state::NEW,
                "UNTRACKED" => ct_state::UNTRACKED,
                "SNAT" => ct_state::SNAT,
                "DNAT" => ct_state::DNAT,
                _ => return None,
            },
        )
    })?;
    Some(vec![one(Key::CtStateOrNat, Span::AnyBit(bits), option.negated)])
}

/// IPS_* of `linux/netfilter/nf_conntrack_common.h`; NONE stands for no bit and is left to the unknown.
fn status(value: &str, negated: bool) -> Option<Vec<Step>> {
    let bits = value.split(',').try_fold(0, |bits, status| {
        Some(
            bits | match status {
                "EXPECTED" => 1,
                "SEEN_REPLY" => 2,
                "ASSURED" => 4,
                "CONFIRMED" => 8,
                _ => return None,
            },
        )
    })?;
    Some(vec![one(Key::CtStatus, Span::AnyBit(bits), negated)])
}

/// A connection that no other one announced has no helper that asks for it (net/netfilter/xt_helper.c: without a master it fits only
/// where it is negated).
pub(super) fn helper(options: &[Opt]) -> Option<Vec<Step>> {
    match options {
        [option] if option.name == "--helper" => Some(known(option.negated)),
        _ => None,
    }
}

/// `--mark 0x1/0xff`
pub(super) fn mark(option: &Opt, key: Key) -> Option<Vec<Step>> {
    let (name, arguments) = option.parts();
    let (value, mask) = values::masked(single(&arguments)?)?;
    (name == "--mark").then(|| vec![one(Selector { key, mask: Some(mask) }, Span::number(value), option.negated)])
}
