//! Why an opening is as it is, in a few words: what lets the packet in or refuses it, by the name that the admin knows it by.

use crate::judge::hosts::zones::is_of_ufw;
use crate::model::host::{Host, Part};
use crate::model::opening::{OpeningKind, Reason, Weight};
use crate::model::verdict::{Assessment, Hop, Path, Trace, Verdict};
use std::net::IpAddr;

/// Why some senders get what they get.
pub(super) fn of(host: &Host, assessment: &Assessment, bind: Option<IpAddr>) -> Reason {
    let Assessment { actual, intended, .. } = assessment;
    let new = |weight, phrase: &str, subject| Reason { weight, phrase: phrase.to_owned(), subject };
    match (actual.verdict, intended.verdict) {
        (Verdict::Unsure, _) => new(Weight::Otherwise, &doubt(actual), String::new()),
        (Verdict::Open, Verdict::Closed) => {
            let way = match actual.path {
                Path::Translated => "bypass: DNAT before",
                Path::Forward => "bypass: forwarded past",
                Path::Bridge => "bypass: bridged past",
                Path::Beside => "bypass: on the wire, beside",
                Path::Input | Path::Nowhere => "bypass: let in before",
            };
            new(Weight::Bypass, way, decider(host, intended))
        }
        (_, Verdict::Unsure) => {
            let what = format!("{}; what is meant is not certain: {}", actual.verdict.name(), doubt(intended));
            new(Weight::Otherwise, &what, String::new())
        }
        (Verdict::Open, Verdict::Open) => match permitting(intended) {
            Some(hop) => new(Weight::AsMeant, "permitted by", name(host, hop)),
            None => new(Weight::AsMeant, "no rule refuses it", String::new()),
        },
        (Verdict::Closed, Verdict::Open) => new(Weight::Otherwise, "meant to be open, refused by", decider(host, actual)),
        (Verdict::Closed, Verdict::Closed) if is_loopback(bind) => of_loopback(),
        (Verdict::Closed, Verdict::Closed) => new(Weight::AsMeant, "refused by", decider(host, actual)),
    }
}

/// Why nobody is there to ask.
pub(super) fn of_nobody(host: &Host, bind: Option<IpAddr>) -> Reason {
    if is_loopback(bind) {
        return of_loopback();
    }
    let phrase = match host.unread(|part| part == Part::Addresses) {
        Some(unread) => format!("not certain: {}; `{}` shows it", unread.why, unread.command),
        None => "no interface leads outside".to_owned(),
    };
    Reason { weight: Weight::Otherwise, phrase, subject: String::new() }
}

/// Why nothing can be judged.
pub(super) fn of_kind(kind: OpeningKind) -> Reason {
    let phrase = match kind {
        OpeningKind::HostNetwork => "listens on the host itself, behind its firewall",
        _ => "in the network outside by itself, past the host's firewall",
    };
    Reason { weight: Weight::Otherwise, phrase: phrase.to_owned(), subject: String::new() }
}

fn of_loopback() -> Reason {
    Reason { weight: Weight::AsMeant, phrase: "only this host reaches loopback".to_owned(), subject: String::new() }
}

fn is_loopback(bind: Option<IpAddr>) -> bool {
    bind.is_some_and(|bind| bind.is_loopback())
}

fn doubt(trace: &Trace) -> String {
    trace.doubts.first().cloned().unwrap_or_else(|| "not certain".to_owned())
}

fn decider(host: &Host, trace: &Trace) -> String {
    trace.decisive().and_then(|at| trace.hops.get(at)).map_or_else(|| "nothing that is known".to_owned(), |hop| name(host, hop))
}

/// The rule that lets a packet to the host itself in; None where no rule speaks about it.
fn permitting(trace: &Trace) -> Option<&Hop> {
    let is_filter = |hop: &&Hop| matches!(hop.hook, "input" | "forward") && !hop.table.is_empty() && !hop.is_policy();
    trace.hops.iter().rev().find(is_filter)
}

/// Who stands behind a rule: a zone of firewalld, ufw, or a chain.
pub(super) fn name(host: &Host, hop: &Hop) -> String {
    if hop.table.is_empty() {
        return hop.effect.clone();
    }
    let chains = &hop.chains;
    if let Some(zone) = chains.iter().rev().find_map(|chain| zone(host, chain)) {
        return format!("zone {zone}");
    }
    let last = chains.last().map_or("", |chain| chain);
    let is_ufws = chains.iter().any(|chain| is_of_ufw(chain));
    if is_ufws || host.ufw.as_ref().is_some_and(|ufw| ufw.is_active) && hop.is_policy() && last == "INPUT" {
        return "ufw".to_owned();
    }
    if hop.table.ends_with(" firewalld") {
        return "firewalld".to_owned();
    }
    if hop.is_policy() { format!("the policy of {last}") } else { format!("{} {last}", hop.table) }
}

/// The zone that firewalld made a chain for: `filter_IN_public_allow`, `IN_public` (firewalld `src/firewall/core/fw_policy.py`).
fn zone<'a>(host: &Host, chain: &'a str) -> Option<&'a str> {
    let rest = chain.strip_prefix("filter_").unwrap_or(chain).strip_prefix("IN_")?;
    let ends = ["_pre", "_log", "_deny", "_allow", "_post", "_to_HOST"];
    let parent = |name: &'a str| ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let zone = parent(parent(rest));
    let is_known =
        host.firewalld.as_ref().is_none_or(|firewalld| firewalld.zones.is_empty() || firewalld.zones.contains_key(zone));
    (is_known && !rest.starts_with("policy_")).then_some(zone)
}
