#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::judge::court::Court;
use crate::look::snapshot::snapshot;
use crate::model::firewall::{Firewalld, Ufw};
use crate::model::host::{Host, Part};
use crate::model::opening::{Weight, why};
use crate::model::packet::Protocol;
use crate::model::verdict::Path;
use serde_json::{Value, json};

fn host(name: &str) -> Host {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts").join(name);
    snapshot(&folder).unwrap().host()
}

fn openings(host: &Host) -> (Vec<Opening>, HostSummary) {
    let court = Court::of(host);
    let sights = doors::of(host).into_iter().map(|door| Sight { rulings: court.rule_on(&door.interface, door.to), door });
    let case = HostCase::new(&court, sights.collect());
    (of(&case), summary(&case))
}

/// `eth0 v4 open/closed`, as it is and as it is meant.
fn sides(openings: &[Opening], name: &str) -> Vec<String> {
    let of = openings.iter().filter(|opening| opening.owner.name == name).flat_map(|opening| &opening.sides);
    of.map(|side| format!("{} {} {}/{}", side.interface, side.family.name(), side.actual.name(), side.intended.name())).collect()
}

#[test]
fn each_side_of_a_real_host_says_what_is_real_and_what_is_meant() {
    let (openings, _) = openings(&host("engine-28.5-iptables-nft-firewalld-2.5"));
    assert_eq!(
        sides(&openings, "web"),
        ["eth0 v4 open/closed", "eth1 v4 open/closed", "eth0 v6 closed/closed", "eth1 v6 closed/closed"]
    );
    assert_eq!(
        sides(&openings, "remap"),
        ["eth0 v4 open/open", "eth1 v4 open/closed", "eth0 v6 open/open", "eth1 v6 closed/closed"]
    );
    assert_eq!(sides(&openings, "rich")[..2], ["eth0 v4 open/lan-only", "eth1 v4 open/closed"]);
    assert_eq!(sides(&openings, "loopback"), ["eth0 v4 closed/closed", "eth1 v4 closed/closed"]);
    assert_eq!(sides(&openings, "app")[2..], ["eth0 v6 open/closed", "eth1 v6 open/open"]);
}

#[test]
fn reasons_name_the_zones_that_were_to_refuse() {
    let (openings, _) = openings(&host("engine-28.5-iptables-nft-firewalld-2.5"));
    let why = |name: &str| openings.iter().find(|opening| opening.owner.name == name).unwrap().why();
    assert_eq!(why("web"), "bypass: DNAT before zones internal and public");
    assert_eq!(why("remap"), "bypass: DNAT before zone internal");
    assert_eq!(why("v6only"), "refused by firewalld, zones internal and public");
    assert_eq!(why("loopback"), "only this host reaches loopback");
    assert_eq!(why("routed"), "bypass: forwarded past firewalld");
}

#[test]
fn containers_without_a_binding_of_their_own_are_listed_with_what_they_are() {
    let (openings, _) = openings(&host("engine-28.5-iptables-nft-firewalld-2.5"));
    let find = |name: &str| openings.iter().find(|opening| opening.owner.name == name);
    assert_eq!(find("hostnet").unwrap().kind, OpeningKind::HostNetwork);
    let beside = find("lanhost").unwrap();
    assert_eq!((beside.kind, beside.bind, beside.sides.len()), (OpeningKind::BesideTheHost, "198.51.113.50".parse().ok(), 0));
    let routed = find("routed").unwrap();
    assert_eq!((routed.kind, routed.port, routed.target), (OpeningKind::Routed, Some(80), Some(80)));
    assert!(find("unpublished").is_none() && find("inner").is_none());
}

#[test]
fn the_numbers_count_a_port_once_whatever_it_is_bound_to() {
    let host = host("engine-28.5-iptables-nft-firewalld-2.5");
    let (openings, summary) = openings(&host);
    let ports: BTreeSet<_> = openings.iter().filter_map(|it| Some((&it.owner.name, it.port?, it.target))).collect();
    let bypasses: BTreeSet<_> = openings
        .iter()
        .filter(|it| it.sides.iter().any(Side::is_bypass))
        .map(|it| (&it.owner.name, it.port, it.target))
        .collect();
    assert_eq!((summary.ports, summary.bypasses, summary.unsure), (ports.len(), bypasses.len(), 0));
    assert_eq!(
        summary.containers,
        openings.iter().filter_map(|it| it.port.map(|_| &it.owner.name)).collect::<BTreeSet<_>>().len()
    );
}

#[test]
fn where_the_rules_are_unread_every_port_is_unsure_and_the_reason_is_the_command() {
    let mut host = host("engine-26.1-iptables-nft-firewalld-2.3");
    let unread =
        crate::model::host::Unread { part: Part::Rules(None), command: "nft -j list ruleset".into(), why: "no right".into() };
    host.unread.push(unread);
    let (openings, summary) = openings(&host);
    let published: Vec<&Opening> = openings.iter().filter(|it| it.kind == OpeningKind::Published).collect();
    assert!(published.iter().flat_map(|it| &it.sides).all(|side| side.actual == Answer::Unsure && side.is_unsure()));
    assert!(published[0].why().contains("`nft -j list ruleset` shows them"), "{}", published[0].why());
    assert_eq!((summary.bypasses, summary.unsure), (0, summary.ports));
}

#[test]
fn a_published_port_on_a_host_without_interfaces_says_why_nothing_is_judged() {
    let mut host = host("engine-26.1-iptables-nft-firewalld-2.3");
    host.links.clear();
    let why_of = |host: &Host| openings(host).0.into_iter().find(|opening| opening.owner.name == "web").unwrap().why();
    assert_eq!(why_of(&host), "no interface leads outside");
    let unread = crate::model::host::Unread { part: Part::Addresses, command: "ip -j addr".into(), why: "no right".into() };
    host.unread.push(unread);
    assert_eq!(why_of(&host), "not certain: no right; `ip -j addr` shows it");
}

fn seen(from: &[&str], actual: Verdict) -> View {
    View {
        interface: "eth0".into(),
        address: "192.0.2.1".parse().unwrap(),
        port: 80,
        protocol: Protocol::TCP,
        except: std::sync::Arc::default(),
        from: from.iter().map(|net| net.parse().unwrap()).collect(),
        actual,
        intended: Verdict::Closed,
        path: Path::Input,
        decided_by: None,
        meant_by: None,
        meant_in: None,
    }
}

#[test]
fn what_most_senders_get_decides_unless_they_are_refused_and_others_are_not() {
    let link = ["192.0.2.0/24".parse().unwrap()];
    let all = |views: &[View]| answer(views, |view| view.actual, &link);
    let (open, closed, unsure) = (Verdict::Open, Verdict::Closed, Verdict::Unsure);
    assert_eq!(all(&[seen(&[], open), seen(&["198.51.100.66/32"], closed)]), Answer::Open, "one banned sender changes nothing");
    assert_eq!(all(&[seen(&[], closed), seen(&["192.0.2.0/25"], open)]), Answer::LanOnly);
    assert_eq!(all(&[seen(&[], closed), seen(&["192.0.2.0/25", "198.51.100.0/24"], open)]), Answer::SomeSources);
    assert_eq!(all(&[seen(&[], closed), seen(&["192.0.0.0/16"], open)]), Answer::SomeSources, "the link is part of it");
    assert_eq!(all(&[seen(&[], closed), seen(&["192.0.2.7/32"], unsure)]), Answer::Unsure);
    assert_eq!(all(&[seen(&[], unsure), seen(&["192.0.2.7/32"], open)]), Answer::Unsure);
    assert_eq!(all(&[seen(&[], closed)]), Answer::Closed);
    assert_eq!(all(&[seen(&["192.0.2.7/32"], open)]), Answer::Unsure, "nobody asked for the others");
}

#[test]
fn rules_are_named_as_the_admin_knows_them() {
    let hop = |table: &str, chain: &str, rule: &str| crate::model::verdict::Hop {
        hook: "input",
        table: table.into(),
        chains: chain.split(" > ").map(Into::into).collect(),
        rule: rule.into(),
        effect: "drop".into(),
    };
    let name = |host: &Host, hop: crate::model::verdict::Hop| reason::name(host, &hop);
    let plain = Host::default();
    assert_eq!(
        name(&plain, hop("inet firewalld", "filter_INPUT > filter_IN_my_zone > filter_IN_my_zone_deny", "drop")),
        "zone my_zone"
    );
    assert_eq!(name(&plain, hop("ip filter", "INPUT > INPUT_ZONES > IN_public", "drop")), "zone public");
    assert_eq!(name(&plain, hop("ip filter", "INPUT > ufw-user-input", "-j DROP")), "ufw");
    assert_eq!(name(&plain, hop("ip filter", "INPUT", "policy")), "the policy of INPUT");
    assert_eq!(name(&plain, hop("inet filter", "input", "tcp dport 22 accept")), "inet filter input");
    let ufw = Host { ufw: Some(Ufw { is_active: true }), ..Host::default() };
    assert_eq!(name(&ufw, hop("ip filter", "INPUT", "policy")), "ufw");
    let zones = [("work".to_owned(), crate::model::firewall::Zone::default())].into();
    let known = Host { firewalld: Some(Firewalld { zones, ..Firewalld::default() }), ..Host::default() };
    assert_eq!(name(&known, hop("ip filter", "INPUT > IN_spam", "drop")), "ip filter IN_spam", "no zone of this host");
}

#[test]
fn reasons_of_one_kind_are_said_together_and_once() {
    let reason = |phrase: &str, subject: &str| Reason { weight: Weight::AsMeant, phrase: phrase.into(), subject: subject.into() };
    let reasons =
        [reason("refused by", "zone a"), reason("refused by", "zone b"), reason("refused by", "zone a"), reason("so it is", "")];
    assert_eq!(why(&reasons), "refused by zones a and b; so it is");
    assert_eq!(why(&[reason("refused by", "ufw"), reason("refused by", "zone b")]), "refused by ufw, zone b");
}

#[test]
fn a_port_that_a_hand_made_rule_sends_on_is_an_opening_of_its_chain() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts/engine-26.1-iptables-nft-firewalld-2.3");
    let mut saved = snapshot(&folder).unwrap();
    let rules = saved.files.get_mut("iptables-save.txt").unwrap();
    let ours = "-A PREROUTING -p tcp -m tcp --dport 8099 -j DNAT --to-destination 172.17.0.2:80\n-A DOCKER ";
    let at = rules.find("*nat").map(|nat| nat + rules[nat..].find("-A DOCKER ").unwrap()).unwrap();
    rules.replace_range(at..at + "-A DOCKER ".len(), ours);
    let listing = saved.files.get_mut("nft-ruleset.json").unwrap();
    let mut listed: Value = serde_json::from_str(listing).unwrap();
    let expr = json!([
        {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 8099}},
        {"xt": {"type": "target", "name": "DNAT"}}
    ]);
    let ours = json!({"rule": {"family": "ip", "table": "nat", "chain": "PREROUTING", "expr": expr}});
    listed["nftables"].as_array_mut().unwrap().push(ours);
    *listing = listed.to_string();
    let host = saved.host();
    let court = Court::of(&host);
    let sights = doors::of(&host).into_iter().map(|door| Sight { rulings: court.rule_on(&door.interface, door.to), door });
    let case = HostCase::new(&court, sights.collect());
    let found = unmanaged(&case, &crate::judge::judge_host(&case));
    let ours: Vec<&Opening> = found.iter().filter(|opening| opening.port == Some(8099)).collect();
    let [opening] = ours.as_slice() else { panic!("{found:#?}") };
    assert_eq!((opening.kind, opening.owner.name.as_str()), (OpeningKind::Unmanaged, "chain PREROUTING of ip nat"));
    assert_eq!(opening.bind, "0.0.0.0".parse().ok());
    assert!(opening.sides.iter().all(|side| !side.views.is_empty()) && !opening.sides.is_empty());
    assert!(opening.why().contains("sends port 8099/tcp on to container web"), "{}", opening.why());
    assert!(crate::judge::rules::find(UNMANAGED).is_some());
}
