//! One test for each row of inputs that other compose linters are known to misjudge: who can connect, in truth.

use crate::memory::Files;
use docker_firewall::model::finding::{Finding, Level};

/// The rules that say a port is open now.
const OPEN: &[&str] = &[
    "published-on-all-interfaces",
    "sensitive-service-published",
    "fail-open-bind-variable",
    "unset-port-variable",
    "ephemeral-port-on-all-interfaces",
    "inherited-publication",
    "override-does-not-narrow",
];

fn one_service(ports: &str) -> Files {
    Files::of(&format!("services:\n  a:\n    image: x\n    ports:\n{ports}\n"))
}

fn entry(entry: &str) -> Files {
    one_service(&format!("      - {entry}"))
}

fn open(files: &Files) -> Vec<Finding> {
    let findings = files.findings().into_iter();
    findings.filter(|it| OPEN.contains(&it.rule) && it.level > Level::Note).collect()
}

fn rules(files: &Files) -> Vec<&'static str> {
    files.findings().into_iter().map(|it| it.rule).collect()
}

#[track_caller]
fn is_open(files: &Files) {
    assert_eq!(open(files).len(), 1, "{:#?}", files.findings());
}

#[track_caller]
fn is_clean(files: &Files) {
    assert!(files.findings().is_empty(), "{:#?}", files.findings());
}

#[test]
fn plain_entries_are_open() {
    for text in ["\"80:80\"", "80", "22:22", "\"80:80/udp\"", "\"8000-8010:8000-8010\"", "\"8000-8010:80\"", "8080:80"] {
        is_open(&entry(text));
    }
}

#[test]
fn wildcard_addresses_are_open_in_their_family() {
    for (text, family) in [
        ("\"0.0.0.0:80:80\"", "on every v4 address"),
        ("\"[::]:80:80\"", "on every v6 address"),
        ("\":::80:80\"", "on every v6 address"),
        ("\"0.0.0.0::85\"", "on every v4 address"),
        ("{target: 80, published: 80, host_ip: 0.0.0.0}", "on every v4 address"),
        ("\"80:80\"", "on every address, v4 and v6"),
    ] {
        let found = open(&entry(text));
        assert!(matches!(found.as_slice(), [one] if one.message.contains(family)), "{text}: {found:#?}");
    }
}

#[test]
fn loopback_is_closed_in_every_spelling() {
    for text in [
        "\"127.0.0.1:80:80\"",
        "\"127.0.0.1::80\"",
        "\"127.8.9.10:80:80\"",
        "{target: 80, published: 80, host_ip: 127.0.0.1}",
        "{target: 80, published: 80, host_ip: \"::1\"}",
        "\"[::1]:80:80\"",
        "\"::1:80:80\"",
        "\"::ffff:127.0.0.1:80:80\"",
    ] {
        is_clean(&entry(text));
    }
}

#[test]
fn safe_defaults_are_closed() {
    is_clean(&entry("\"${IP:-127.0.0.1}:80:80\""));
    is_clean(&entry("\"${IP-127.0.0.1}:80:80\""));
    is_clean(&entry("\"${IP:?}:80:80\""));
    is_clean(&entry("\"${IP:-127.0.0.1}:${PORT:-80}:80\""));
    is_clean(&entry("\"${IP}:80:80\"").with(".env", "IP=127.0.0.1\n"));
    is_clean(&entry("\"${IP}:80:80\"").variable("IP", "127.0.0.1"));
}

#[test]
fn an_unset_address_variable_fails_open() {
    for text in ["\"${IP}:80:80\"", "\"$IP:80:80\"", "\"$IP:$PORT:80\"", "\"${IP:-}:80:80\"", "\"${IP:+$IP:}80:80\""] {
        let files = entry(text);
        assert_eq!(rules(&files), ["fail-open-bind-variable"], "{text}");
        assert_eq!(open(&files)[0].level, Level::Error);
    }
}

#[test]
fn a_default_for_unset_only_fails_open_when_the_variable_is_empty() {
    assert_eq!(rules(&entry("\"${IP-127.0.0.1}:80:80\"").with(".env", "IP=\n")), ["fail-open-bind-variable"]);
}

#[test]
fn an_empty_address_in_the_long_syntax_fails_closed() {
    assert_eq!(rules(&entry("{target: 80, published: 80, host_ip: \"${IP}\"}")), ["invalid-port"]);
}

#[test]
fn a_plus_sign_is_open_and_named() {
    assert_eq!(rules(&entry("\"+80:80\"")), ["number-surprise", "published-on-all-interfaces"]);
}

const BASE: &str = "services:\n  a:\n    image: x\n    ports: [\"8080:80\"]\n";

#[test]
fn an_override_with_another_address_leaves_the_base_open() {
    let files = Files::of(BASE).with("compose.override.yaml", "services:\n  a:\n    ports: [\"127.0.0.1:8081:80\"]\n");
    assert_eq!(files.report(), ["compose.override.yaml:3 error override-does-not-narrow"]);
}

#[test]
fn an_empty_override_leaves_the_base_open() {
    for empty in ["ports: []", "ports:", "ports: null"] {
        let files = Files::of(BASE).with("compose.override.yaml", &format!("services:\n  a:\n    {empty}\n"));
        assert_eq!(files.report(), ["compose.override.yaml:3 error override-does-not-narrow"], "{empty}");
    }
}

#[test]
fn override_and_reset_tags_do_what_they_say() {
    let with = |tag: &str| Files::of(BASE).with("compose.override.yaml", &format!("services:\n  a:\n    ports: {tag}\n"));
    is_clean(&with("!override [\"127.0.0.1:8080:80\"]"));
    is_clean(&with("!reset []"));
    is_clean(&with("!reset null"));
}

#[test]
fn values_under_reset_publish_nothing_and_are_named() {
    let files = entry("\"80:80\"");
    is_open(&files);
    let files = Files::of("services:\n  a:\n    image: x\n    ports: !reset [\"80:80\"]\n");
    assert_eq!(files.report(), ["compose.yaml:4 warn  reset-discards-value"]);
}

#[test]
fn ports_that_come_by_merge_keys_extends_and_include_are_open() {
    is_open(&Files::of("x-b: &b\n  ports: [\"80:80\"]\nservices:\n  a:\n    <<: *b\n    image: x\n"));
    is_open(
        &Files::of("services:\n  a:\n    extends: {file: b.yaml, service: b}\n")
            .with("b.yaml", "services:\n  b:\n    image: x\n    ports: [\"80:80\"]\n"),
    );
    is_open(&Files::of("include: [b.yaml]\n").with("b.yaml", "services:\n  b:\n    image: x\n    ports: [\"80:80\"]\n"));
}

#[test]
fn ports_on_the_host_network_are_void_and_the_host_firewall_applies() {
    let by_mode = Files::of("services:\n  a:\n    image: x\n    network_mode: host\n    ports: [\"80:80\"]\n");
    assert_eq!(by_mode.report(), ["compose.yaml:4 note  host-network"]);
    for network in ["host: {external: true}", "outside: {external: true, name: host}"] {
        let key = network.split(':').next().unwrap();
        let text =
            format!("services:\n  a:\n    image: x\n    networks: [{key}]\n    ports: [\"80:80\"]\nnetworks:\n  {network}\n");
        assert_eq!(Files::of(&text).report(), ["compose.yaml:4 note  host-network"], "{network}");
    }
}

#[test]
fn ports_without_a_network_are_void() {
    is_clean(&Files::of("services:\n  a:\n    image: x\n    network_mode: none\n    ports: [\"80:80\"]\n"));
}

#[test]
fn ports_on_internal_networks_only_are_void() {
    let text = "services:\n  a:\n    image: x\n    networks: [in]\n    ports: [\"80:80\"]\nnetworks:\n  in: {internal: true}\n";
    is_clean(&Files::of(text));
    is_open(&Files::of(&text.replace("[in]", "[in, out]").replace("networks:\n  in:", "networks:\n  out:\n  in:")));
}

fn on_default_network(entry: &str, options: &str) -> Files {
    Files::of(&format!(
        "services:\n  a:\n    image: x\n    ports: [{entry}]\nnetworks:\n  default:\n    driver_opts:\n      {options}\n"
    ))
}

#[test]
fn a_default_binding_to_loopback_closes_entries_without_address() {
    let loopback = "com.docker.network.bridge.host_binding_ipv4: 127.0.0.1";
    is_clean(&on_default_network("\"80:80\"", loopback));
    is_open(&on_default_network("\"0.0.0.0:80:80\"", loopback));
    is_open(&on_default_network("\"[::]:80:80\"", loopback));
}

#[test]
fn loopback_on_a_routed_network_is_open_to_who_has_a_route() {
    let files = on_default_network("\"127.0.0.1:80:80\"", "com.docker.network.bridge.gateway_mode_ipv4: routed");
    assert_eq!(files.report(), ["compose.yaml:4 warn  loopback-is-not-enough"]);
}

#[test]
fn a_network_that_routes_v6_only_leaves_a_v4_loopback_closed() {
    let v6 = "com.docker.network.bridge.gateway_mode_ipv6: routed\n    enable_ipv6: true";
    is_clean(&on_default_network("\"127.0.0.1:80:80\"", v6));
    assert_eq!(on_default_network("\"[::1]:80:80\"", v6).report(), ["compose.yaml:4 warn  loopback-is-not-enough"]);
}

#[test]
fn an_unprotected_network_opens_all_ports_published_or_not() {
    let text = "services:\n  a:\n    image: x\nnetworks:\n  default:\n    driver_opts:\n      \
                com.docker.network.bridge.gateway_mode_ipv4: nat-unprotected\n";
    assert_eq!(Files::of(text).report(), ["compose.yaml:7 error unprotected-gateway-mode"]);
}

#[test]
fn loopback_in_a_stack_is_open_on_all_nodes() {
    let text = "services:\n  a:\n    image: x\n    ports: [\"127.0.0.1:80:80\"]\n    deploy:\n      placement:\n        \
                constraints: [node.role == manager]\n";
    assert_eq!(Files::of(text).report(), ["compose.yaml:4 warn  loopback-is-not-enough"]);
}

#[test]
fn dormant_services_open_nothing_now() {
    let text = "services:\n  a:\n    image: x\n    profiles: [debug]\n    ports: [\"80:80\"]\n";
    assert_eq!(Files::of(text).report(), ["compose.yaml:5 note  dormant-publication"]);
    is_open(&Files::of(text).profile("debug"));
    let text = "services:\n  a:\n    image: x\n    scale: 0\n    ports: [\"80:80\"]\n";
    assert_eq!(Files::of(text).report(), ["compose.yaml:5 note  dormant-publication"]);
}

#[test]
fn unused_fragments_open_nothing() {
    is_clean(&Files::of("x-p: [\"80:80\"]\nx-q: &q\n  ports: [\"81:81\"]\nservices:\n  a:\n    image: x\n"));
}

#[test]
fn one_port_in_two_families_or_two_protocols_is_no_duplicate() {
    for pair in [
        "[\"0.0.0.0:80:80\", \"[::]:80:80\"]",
        "[\"127.0.0.1:80:80\", \"[::1]:80:80\"]",
        "[\"53:53/tcp\", \"53:53/udp\"]",
        "[\"127.0.0.1:80:80\", \"127.0.0.2:80:80\"]",
    ] {
        let files = Files::of(&format!("services:\n  a:\n    image: x\n    ports: {pair}\n"));
        assert!(!rules(&files).contains(&"duplicate-host-port"), "{pair}: {:#?}", files.findings());
    }
}

#[test]
fn what_compose_or_the_engine_refuses_is_not_called_open() {
    for text in ["\"localhost:80:80\"", "\"80:99999\"", "{target: 80, published: abc}", "{target: 80, published: 99999}"] {
        assert_eq!(rules(&entry(text)), ["invalid-port"], "{text}");
    }
}
