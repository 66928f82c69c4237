//! What allowances and comments take away from what the real rules find.

use super::*;
use docker_firewall::model::finding::Finding;

const ENTRIES: [(&str, &str); 7] = [
    ("published-on-all-interfaces", "image: nginx, ports: ['8080:80']"),
    ("published-on-all-interfaces", "image: nginx, ports: ['0.0.0.0:8080:80']"),
    ("published-on-all-interfaces", "image: nginx, ports: [{target: 80, published: '8080'}]"),
    ("fail-open-bind-variable", "image: nginx, ports: ['${BIND}:8080:80']"),
    ("sensitive-service-published", "image: postgres, ports: ['8080:5432']"),
    ("dormant-publication", "image: nginx, ports: ['8080:80'], profiles: [later]"),
    ("loopback-is-not-enough", "image: nginx, ports: ['127.0.0.1:8080:80'], networks: [routed]"),
];

const NETWORKS: &str = "networks: {routed: {driver_opts: {com.docker.network.bridge.gateway_mode_ipv4: routed}}}\n";

/// The project of one service, with some words of intent in all the ways there are.
fn ways(service: &str, allowance: &str) -> Vec<(&'static str, Files)> {
    let compose = |top: &str, own: &str| format!("{top}services:\n  web: {{{service}{own}}}\n{NETWORKS}");
    let plain = compose("", "");
    let one = |text: String| Files::of([("compose.yaml", &*text)]);
    let with = |policy: String| Files::of([("compose.yaml", &*plain), (POLICY, &*policy)]);
    vec![
        ("top level", one(compose(&format!("x-docker-firewall: {allowance}\n"), ""))),
        ("service", one(compose("", &format!(", x-docker-firewall: '{allowance}'")))),
        ("label", one(compose("", &format!(", labels: {{docker-firewall.allow: '{allowance}'}}")))),
        ("policy", with(format!("allow: {allowance}\n"))),
        ("policy for the service", with(format!("services: {{web: '{allowance}'}}\n"))),
    ]
}

fn of_rule<'a>(judged: &'a Judged, rule: &str) -> Option<&'a Finding> {
    judged.findings.iter().find(|finding| finding.rule == rule)
}

#[test]
fn an_allowance_answers_its_port_from_each_place_and_is_named() {
    for (rule, service) in ENTRIES {
        for (way, files) in ways(service, "8080/tcp") {
            let (_, judged) = files.judged();
            assert!(judged.findings.is_empty(), "{rule}, {way}: {:?}", said(&judged.findings));
            assert!(judged.allowed.iter().any(|allowed| allowed.finding.rule == rule && allowed.by.len() == 1), "{rule}, {way}");
        }
    }
}

#[test]
fn an_allowance_for_another_port_or_protocol_answers_nothing() {
    for (rule, service) in ENTRIES {
        for allowance in ["80/tcp", "8080/udp", "5432/tcp"] {
            for (way, files) in ways(service, allowance) {
                assert!(of_rule(&files.judged().1, rule).is_some(), "{rule}, {way}, {allowance}");
            }
        }
    }
}

#[test]
fn a_limited_allowance_leaves_a_note_that_no_fix_touches() {
    for (rule, service) in ENTRIES {
        for (way, files) in ways(service, "8080/tcp from 10.0.0.0/8 in wg0") {
            let (_, judged) = files.judged();
            let note = of_rule(&judged, rule).unwrap_or_else(|| panic!("{rule}, {way}"));
            assert_eq!((note.level, note.remedy.is_none()), (Level::Note, true), "{rule}, {way}");
            assert!(note.message.ends_with("allowed: 8080/tcp from 10.0.0.0/8 in wg0"), "{}", note.message);
        }
    }
}

#[test]
fn only_any_answers_a_port_that_nobody_knows() {
    for (rule, entry) in [("ephemeral-port-on-all-interfaces", "'80'"), ("unset-port-variable", "'${PORT}:80'")] {
        let service = format!("image: nginx, ports: [{entry}]");
        for (way, files) in ways(&service, "1-65535") {
            assert!(of_rule(&files.judged().1, rule).is_some(), "{rule}, {way}");
        }
        for (way, files) in ways(&service, "any") {
            assert!(files.judged().1.findings.is_empty(), "{rule}, {way}");
        }
    }
}

#[test]
fn an_allowance_in_a_long_entry_is_about_that_entry_alone() {
    let text = "services:\n  web:\n    image: nginx\n    ports:\n      - {target: 80, published: 8080, x-docker-firewall: allow}\n      \
                - {target: 81, published: 8081}\n";
    let (_, judged) = Files::of([("compose.yaml", text)]).judged();
    let left: Vec<u32> = judged.findings.iter().map(|finding| finding.place.as_ref().unwrap().line()).collect();
    assert_eq!(left, [6]);
}

#[test]
fn a_comment_answers_a_short_entry_and_a_long_one_from_each_of_its_lines() {
    let comment = "# docker-firewall: allow published-on-all-interfaces -- meant";
    for entry in [
        format!("      - 8080:80 {comment}\n"),
        format!("      {comment}\n      - 8080:80\n"),
        format!("      - target: 80 {comment}\n        published: 8080\n"),
        format!("      {comment}\n      - target: 80\n        published: 8080\n"),
        format!("      - mode: host\n        target: 80\n        published: 8080 {comment}\n"),
        format!("      - target: 80\n        published: 8080\n        protocol: tcp {comment}\n"),
        format!("      - target: 80\n        published: 8080 {comment}\n        host_ip: 0.0.0.0\n"),
        format!("      {comment}\n      -\n        target: 80\n        published: 8080\n"),
        format!("      {comment}\n\n      # the preview\n      - 8080:80\n"),
    ] {
        let files = Files::of([("compose.yaml", &*ports(&entry))]);
        let (_, judged) = files.judged();
        assert!(judged.findings.is_empty(), "{entry}: {:?}", said(&judged.findings));
        assert!(stale(&files).is_empty(), "{entry}");
    }
}

#[test]
fn a_mistaken_allowance_leaves_every_finding() {
    for (rule, service) in ENTRIES {
        for (way, files) in ways(service, "8080/tpc") {
            assert!(of_rule(&files.judged().1, rule).is_some(), "{rule}, {way}");
            assert_eq!(stale(&files).len(), 1, "{rule}, {way}");
        }
    }
}

#[test]
fn an_allowance_that_several_services_share_is_heeded_in_each_and_stale_only_if_none_uses_it() {
    let shared = "x-open: &open [8080/tcp, 9090/tcp, 7070/tcp]\nservices:\n  a: {image: i, ports: ['8080:80'], x-docker-firewall: *open}\n  \
                  b: {image: i, ports: ['9090:80'], x-docker-firewall: *open}\n";
    let extended = "services:\n  a: {image: i, ports: ['8080:80', '9090:81'], x-docker-firewall: [8080/tcp, 9090/tcp, 7070/tcp]}\n  \
                    b: {image: i, ports: !reset [], extends: {service: a}}\n";
    for text in [shared, extended] {
        let files = Files::of([("compose.yaml", text)]);
        let (_, judged) = files.judged();
        let left: Vec<_> = judged.findings.iter().filter(|finding| finding.rule == "published-on-all-interfaces").collect();
        assert!(left.is_empty(), "{left:?}");
        let stale = said(&stale(&files));
        assert!(stale.iter().all(|line| line.contains("7070/tcp")) && !stale.is_empty(), "{stale:?}");
    }
}

#[test]
fn an_allowance_for_a_service_on_the_hosts_network_is_not_called_stale() {
    let mode = "services:\n  web: {image: i, network_mode: host, x-docker-firewall: 80/tcp}\n";
    let external =
        "services:\n  web: {image: i, networks: [h], x-docker-firewall: 80/tcp}\nnetworks:\n  h: {external: true, name: host}\n";
    for text in [mode, external] {
        assert_eq!(said_of(text), [""; 0], "{text}");
    }
}

#[test]
fn a_mistaken_word_on_labels_lets_no_label_answer() {
    let compose = "services:\n  web: {image: nginx, ports: ['80:80'], labels: {docker-firewall.allow: 80/tcp}}\n";
    let files = Files::of([("compose.yaml", compose), (POLICY, "trust-labels: maybe\n")]);
    assert!(of_rule(&files.judged().1, "published-on-all-interfaces").is_some());
    let mistaken = said(&stale(&files));
    assert!(mistaken.iter().any(|line| line.contains("neither `true` nor `false`")), "{mistaken:?}");
}
