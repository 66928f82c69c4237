//! What a packet must be for an expression to have a value at all. Where it has none, the rule ends, whatever is asked of the value
//! (net/netfilter/nf_tables_core.c, NFT_BREAK); nft adds the tests for it silently and leaves them out of its listing.
//!
//! It serves the expressions that are not understood: their rules still concern no other packets.

use super::fields::{is, is_family, is_protocol};
use crate::model::packet::{Family, Protocol};
use crate::model::ruleset::{Key, Span, Step, Test};
use serde_json::Value;

/// The tests that an expression brings with it, at any depth.
pub(super) fn of(expression: &Value) -> Vec<Step> {
    let mut guards = Vec::new();
    collect(expression, &mut guards);
    guards
}

fn collect(expression: &Value, guards: &mut Vec<Step>) {
    match expression {
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, guards)),
        Value::Object(object) => {
            for (name, content) in object {
                match name.as_str() {
                    // The data of a map and the members of a set are values, not fields.
                    "set" | "data" | "right" => {}
                    "payload" => guards.extend(header(content)),
                    "meta" => guards.extend(meta(content.get("key").unwrap_or(content))),
                    "ct" => guards.extend(connection(content)),
                    "tcp option" | "osf" => guards.push(is_protocol(Protocol::TCP)),
                    "ip option" => guards.push(is_family(Family::V4)),
                    "exthdr" => guards.push(is_family(Family::V6)),
                    "sctp chunk" => guards.push(is_protocol(Protocol::SCTP)),
                    "dccp option" => guards.push(is_protocol(Protocol::DCCP)),
                    // A state of IPsec: the packets judged here come in the clear (net/netfilter/nft_xfrm.c).
                    "ipsec" if content["dir"] == "in" => guards.push(is(Key::Ipsec, 1)),
                    _ => collect(content, guards),
                }
            }
        }
        _ => {}
    }
}

/// The protocol or the family that a header belongs to.
fn header(content: &Value) -> Option<Step> {
    // Behind a tunnel's header, the inner packet has the fields.
    let protocol = match content.get("tunnel") {
        Some(_) => "udp",
        None => content.get("protocol").or_else(|| content.get("name"))?.as_str()?,
    };
    match protocol {
        "ip" => Some(is_family(Family::V4)),
        "ip6" => Some(is_family(Family::V6)),
        "th" | "ether" | "vlan" => None,
        "vxlan" | "geneve" => Some(is_protocol(Protocol::UDP)),
        "arp" | "igmp" | "ah" | "esp" | "comp" | "gre" | "gretap" => Some(Step::Test(Test::never())),
        _ => Protocol::named(protocol).map(is_protocol),
    }
}

/// The owner of a packet's socket is asked in vain for one from outside (net/netfilter/nft_meta.c, `nft_meta_get_eval_skugid`).
fn meta(key: &Value) -> Option<Step> {
    let from_here = || Step::Test(Test::within(Key::Owner, Span::Number(1, u32::MAX)));
    matches!(key.as_str(), Some("skuid" | "skgid" | "cgroup")).then(from_here)
}

/// A connection that no other one announced has no helper to ask for (net/netfilter/nft_ct.c, `nft_ct_get_eval`).
fn connection(content: &Value) -> Option<Step> {
    (content["key"] == "helper").then(|| Step::Test(Test::never()))
}
