#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::packet::Protocol;
use crate::model::verdict::Path;
use crate::report::visible::is_hidden;
use proptest::prelude::*;

fn packet() -> Packet {
    let (source, destination) = ("198.51.100.7".parse().unwrap(), "192.0.2.1".parse().unwrap());
    Packet { interface: "eth0".into(), source, destination, port: 8080, protocol: Protocol::TCP }
}

fn hop(hook: &'static str, place: (&str, &str), rule: &str, effect: &str) -> Hop {
    Hop {
        hook,
        table: place.0.into(),
        chains: place.1.split(" > ").map(Into::into).collect(),
        rule: rule.into(),
        effect: effect.into(),
    }
}

/// A port that the engine lets in and the zone means to refuse; the rules' text is `rule`.
fn bypass(rule: &str) -> Assessment {
    let actual = Trace {
        verdict: Verdict::Open,
        path: Path::Translated,
        hops: vec![
            hop("prerouting", ("ip raw", "PREROUTING"), "policy", "accept"),
            hop("prerouting", ("ip nat", "PREROUTING > DOCKER"), rule, "dnat to 172.17.0.2:80"),
            hop("forward", ("ip filter", "FORWARD > DOCKER"), "-A DOCKER -d 172.17.0.2/32 -p tcp --dport 80 -j ACCEPT", "accept"),
        ],
        doubts: Vec::new(),
        delivered: Some(("172.17.0.2".parse().unwrap(), Some(80))),
    };
    let hops = vec![hop("input", ("inet firewalld", "filter_INPUT > filter_IN_public"), "reject", "reject")];
    let intended = Trace { verdict: Verdict::Closed, path: Path::Input, hops, doubts: Vec::new(), delivered: None };
    Assessment { actual, intended, listener: Heard::Unknown }
}

fn drawn(assessment: &Assessment, style: Style) -> String {
    let scene = Scene { zone: Some("public".into()), publisher: Some("container web".into()) };
    let mut out = Vec::new();
    write(&packet(), &scene, assessment, &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

const RULE: &str = "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80";

#[test]
fn the_hop_that_decides_has_a_mark_and_the_packet_its_zone_and_its_container() {
    insta::assert_snapshot!(drawn(&bypass(RULE), Style::default()), @r#"
    198.51.100.7 via eth0 to 192.0.2.1:8080/tcp (zone public, container web)

    as it is: open (dnat-forward, delivered to 172.17.0.2:80)
      prerouting    accept                 ip raw PREROUTING
    * prerouting    dnat to 172.17.0.2:80  ip nat PREROUTING > DOCKER
                                           -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
      forward       accept                 ip filter FORWARD > DOCKER
                                           -A DOCKER -d 172.17.0.2/32 -p tcp --dport 80 -j ACCEPT
      listener: unknown

    as it is meant: closed (input)
    * input         reject  inet firewalld filter_INPUT > filter_IN_public
                            reject

    bypass: the host's own rules mean to refuse this packet, and it gets through
    "#);
}

#[test]
fn a_narrow_terminal_has_the_rules_below_what_they_did() {
    insta::assert_snapshot!(drawn(&bypass(RULE), Style { is_terminal: true, width: 60, ..Style::default() }), @r#"
    198.51.100.7 via eth0 to 192.0.2.1:8080/tcp (zone public,
    container web)

    as it is: open (dnat-forward, delivered to 172.17.0.2:80)
      prerouting    accept
          ip raw PREROUTING
    * prerouting    dnat to 172.17.0.2:80
          ip nat PREROUTING > DOCKER
          -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j
          DNAT --to-destination 172.17.0.2:80
      forward       accept
          ip filter FORWARD > DOCKER
          -A DOCKER -d 172.17.0.2/32 -p tcp --dport 80 -j ACCEPT
      listener: unknown

    as it is meant: closed (input)
    * input         reject  inet firewalld filter_INPUT >
                            filter_IN_public
                            reject

    bypass: the host's own rules mean to refuse this packet, and
    it gets through
    "#);
}

#[test]
fn a_bypass_is_red_what_is_meant_green_and_a_doubt_yellow() {
    let colours = |assessment: &Assessment| drawn(assessment, Style { colour: true, ..Style::default() });
    let red = colours(&bypass(RULE));
    assert!(red.contains("as it is: \u{1b}[31mopen\u{1b}[0m") && red.contains("\u{1b}[31mbypass: "), "{red}");
    let mut meant = bypass(RULE);
    meant.intended.verdict = Verdict::Open;
    assert!(colours(&meant).contains("as it is: \u{1b}[32mopen\u{1b}[0m") && !colours(&meant).contains("bypass"));
    let mut doubtful = bypass(RULE);
    doubtful.actual.verdict = Verdict::Unsure;
    doubtful.actual.doubts.push("ip filter: -m recent: it cannot be told whether this fits".into());
    let yellow = colours(&doubtful);
    assert!(
        yellow.contains("as it is: \u{1b}[33munsure\u{1b}[0m") && yellow.contains("\u{1b}[33mnot certain: ip filter"),
        "{yellow}"
    );
    assert_eq!(yellow.lines().filter(|line| line.starts_with('*')).count(), 1, "no hop decides what is not certain");
}

#[test]
fn the_listener_is_told_in_words() {
    let words = |listener: Heard| drawn(&Assessment { listener, ..bypass(RULE) }, Style::default());
    assert!(words(Heard::Yes(Some("nginx".into()))).contains("  listener: nginx\n"));
    assert!(words(Heard::Yes(None)).contains("  listener: something listens there\n"));
    assert!(words(Heard::No).contains("  listener: nothing listens there\n"));
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_rule_steers_it(
        rule in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f\u{202e}a ]){0,80}", columns in 30_usize..160,
    ) {
        let assessment = bypass(&rule);
        let text = drawn(&assessment, Style { is_terminal: true, width: columns, ..Style::default() });
        for line in text.lines() {
            prop_assert!(!line.contains(is_hidden) && width(line) <= columns, "{columns}: {line}");
        }
        let mut out = Vec::new();
        write_json(&packet(), &assessment, &mut out).unwrap();
        let json = String::from_utf8(out).unwrap();
        prop_assert!(!json.chars().any(|character| character != '\n' && is_hidden(character)));
    }
}
