//! The schemas of the policy file and of the baseline, and the readers, take and refuse the same.

use super::*;
use docker_firewall::judge::rules::TABLE;
use docker_firewall::read::baseline;
use serde_json::Value;

fn validator(text: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::draft202012::meta::validate(&schema).expect("the schema is of draft 2020-12");
    jsonschema::validator_for(&schema).unwrap()
}

fn policy_schema() -> jsonschema::Validator {
    validator(include_str!("../../plugin-metadata/schemas/policy.schema.json"))
}

fn reader_takes(policy: &str) -> bool {
    intent(&Project::default(), Some(&Source::new(POLICY, policy))).mistakes.is_empty()
}

#[test]
fn the_policy_schema_and_the_reader_take_and_refuse_the_same() {
    let schema = policy_schema();
    let schema_takes = |policy: &str| schema.is_valid(&serde_yaml::from_str::<Value>(policy).unwrap_or(Value::Null));
    for (policy, takes) in [
        ("", true),
        ("# nothing yet\n", true),
        ("{}", true),
        ("allow: 443/tcp", true),
        ("allow: 443", true),
        ("allow: [443/tcp, 8000-8010/udp, any]", true),
        ("allow: []", true),
        ("allow: '8080/tcp from 10.0.0.0/8, 2001:db8::/32 in wg0; 53/udp@wg0'", true),
        ("allow: |\n  443/tcp\n  80/tcp in br-1@192.0.2.7\n", true),
        ("allow: {allow: 443/tcp, reason: shop}", true),
        ("allow: [{allow: [443/tcp, 80/tcp], reason: 4711}, 22/tcp]", true),
        ("services: {web: 443/tcp, db: {allow: 5432/tcp in wg0}, x: [{allow: any}]}", true),
        ("rules: {host-network: note, stale-allow: {level: error}}", true),
        ("rules: {host-network: {level: off, reason: known}}", true),
        ("trust-labels: true", true),
        ("[]", false),
        ("443/tcp", false),
        ("alow: 443/tcp", false),
        ("allow:", false),
        ("allow: ''", false),
        ("allow: 0", false),
        ("allow: 65536", false),
        ("allow: 65536/tcp", false),
        ("allow: true", false),
        ("allow: 443/TCP", false),
        ("allow: 443/icmp", false),
        ("allow: 443 to wg0", false),
        ("allow: 443 in wg+", false),
        ("allow: 443 in a-name-that-is-long", false),
        ("allow: 443/tcp from somewhere", false),
        ("allow: 443 in wg0 in wg1", false),
        ("allow: 80,443", false),
        ("allow: [[443/tcp]]", false),
        ("allow: {reason: shop}", false),
        ("allow: {allow: 443/tcp, reason: ''}", false),
        ("allow: {allow: 443/tcp, reason: null}", false),
        ("allow: {allow: {allow: 443/tcp}}", false),
        ("allow: {allow: 443/tcp, because: shop}", false),
        ("services: [web]", false),
        ("services: {web: {ports: 443/tcp}}", false),
        ("services:", false),
        ("rules: {host-network: off}", false),
        ("rules: {host-network: {level: off}}", false),
        ("rules: {host-network: {reason: x}}", false),
        ("rules: {host-network: warning}", false),
        ("rules: {host-network: [note]}", false),
        ("trust-labels: 'true'", false),
        ("trust-labels: yes", false),
    ] {
        assert_eq!((schema_takes(policy), reader_takes(policy)), (takes, takes), "schema, reader: {policy}");
    }
}

#[test]
fn what_only_the_reader_can_see_is_refused_by_the_reader() {
    for policy in ["allow: 80 from 10.0.0.1/8", "allow: 90-80", "allow: 80 from 1.2.3", "allow: 0443"] {
        assert!(!reader_takes(policy), "{policy}");
    }
    for policy in ["allow: 1\nallow: 2\n", "allow: !env PORT", "allow: *none", "--- {}\n--- {}\n", "allow: [", "? [a]\n: 1\n"] {
        assert!(!reader_takes(policy), "{policy}");
    }
}

#[test]
fn the_policy_schema_knows_every_rule() {
    let schema: Value = serde_json::from_str(include_str!("../../plugin-metadata/schemas/policy.schema.json")).unwrap();
    let names = schema["properties"]["rules"]["propertyNames"]["enum"].as_array().unwrap();
    for rule in TABLE {
        assert!(names.iter().any(|name| name == rule.name), "{}", rule.name);
    }
}

#[test]
fn what_is_written_as_a_baseline_is_of_its_schema_and_the_reader_agrees_with_it() {
    let schema = validator(include_str!("../../plugin-metadata/schemas/baseline.schema.json"));
    for (text, takes) in [
        (r#"{"version": 1, "accepted": []}"#, true),
        (
            r#"{"$schema": "x", "version": 1, "accepted": [{"rule": "a", "file": "b", "count": 2, "line": 1, "service": "é"}]}"#,
            true,
        ),
        (r#"{"version": 1, "accepted": [{"rule": "a", "file": "b", "publication": "*:1->1/tcp", "source": "\"1\""}]}"#, true),
        (r#"{"version": 2, "accepted": []}"#, false),
        (r#"{"version": 1}"#, false),
        (r#"{"version": 1, "accepted": [{"rule": "a"}]}"#, false),
        (r#"{"version": 1, "accepted": [{"rule": "a", "file": "b", "count": 0}]}"#, false),
        (r#"{"version": 1, "accepted": [{"rule": "a", "file": 1}]}"#, false),
        (r#"{"version": 1, "accepted": [{"rule": "a", "file": "b", "column": 1}]}"#, false),
        ("[]", false),
    ] {
        let by_schema = schema.is_valid(&serde_json::from_str(text).unwrap());
        assert_eq!((by_schema, baseline::read(&Source::new("b", text)).is_ok()), (takes, takes), "schema, reader: {text}");
    }
}
