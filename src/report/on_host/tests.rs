#![allow(clippy::unwrap_used)]
use super::*;
use crate::model::finding::Summary;
use crate::report::Format;
use crate::report::sample::{finding, on_host, place, view, written};
use crate::report::style::Style;
use serde_json::Value;

fn report(format: Format, style: Style) -> String {
    written(&on_host(), Summary::default(), format, &Style { quiet: true, ..style })
}

#[test]
fn a_screen_points_at_the_container_and_names_the_rules() {
    insta::assert_snapshot!(report(Format::Text, Style::default()), @r#"
    note[coverage-gap]: the host firewall refuses nothing on eth1
    --> interface eth1

    error[published-on-all-interfaces]: port 8080/tcp of container web is open to everyone who comes in by eth0, v4 and v6
    --> container web, *:8080->80/tcp
     |
     = note: open, meant to be closed: eth0 v4 and v6
     = note: open to 10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12 and 1 more, meant to be closed: eth1 v4
     = note: closed, as meant: eth1 v4
     = note: let in by ip nat PREROUTING > DOCKER: -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
     = note: meant to be refused by inet firewalld filter_INPUT > filter_IN_public: reject with icmpx admin-prohibited
     = note: refused by ip nat PREROUTING > DOCKER: -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
     = help: bind it to 127.0.0.1
    "#);
}

#[test]
fn a_terminal_folds_the_rules() {
    insta::assert_snapshot!(report(Format::Text, Style { is_terminal: true, width: 60, ..Style::default() }), @r#"
    note[coverage-gap]: the host firewall refuses nothing on
                        eth1
    --> interface eth1

    error[published-on-all-interfaces]:
        port 8080/tcp of container web is open to everyone who
        comes in by eth0, v4 and v6
    --> container web, *:8080->80/tcp
     |
     = note: open, meant to be closed: eth0 v4 and v6
     = note: open to 10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12
             and 1 more, meant to be closed: eth1 v4
     = note: closed, as meant: eth1 v4
     = note: let in by ip nat PREROUTING > DOCKER: -A DOCKER -p
             tcp -m tcp --dport 8080 -j DNAT --to-destination
             172.17.0.2:80
     = note: meant to be refused by inet firewalld filter_INPUT
             > filter_IN_public: reject with icmpx
             admin-prohibited
     = note: refused by ip nat PREROUTING > DOCKER: -A DOCKER
             -p tcp -m tcp --dport 8080 -j DNAT
             --to-destination 172.17.0.2:80
     = help: bind it to 127.0.0.1
    "#);
}

#[test]
fn a_rule_longer_than_anybody_reads_is_cut_on_a_terminal_only() {
    let mut long = on_host().remove(0);
    let rule = format!("ip saddr {{ {} }} accept", vec!["192.0.2.1,"; 200].join(" "));
    long.on_host.as_mut().unwrap().views[0].decided_by = Some(rule.clone());
    let shown = |style| written(std::slice::from_ref(&long), Summary::default(), Format::Text, &style);
    let terminal = Style { is_terminal: true, ..Style::default() };
    assert!(shown(terminal).lines().count() < 24 && shown(terminal).contains('…'), "{}", shown(terminal));
    assert!(shown(Style::default()).contains(&rule));
}

#[test]
fn sides_are_named_where_they_differ_and_not_where_the_message_says_it_all() {
    let both = [
        view("a", "192.0.2.1", (Verdict::Open, Verdict::Closed), &[]),
        view("b", "192.0.2.2", (Verdict::Open, Verdict::Closed), &[]),
    ];
    assert_eq!(sides(&both), Vec::<String>::new());
    let other = view("b", "2001:db8::1", (Verdict::Unsure, Verdict::Open), &[]);
    let all = [both[0].clone(), both[1].clone(), other];
    assert_eq!(sides(&all), ["open, meant to be closed: a v4, b v4", "cannot be told, meant to be open: b v6"]);
}

#[test]
fn a_log_of_sarif_has_a_logical_location_for_what_is_in_no_file() {
    let log: Value = serde_json::from_str(&report(Format::Sarif, Style::default())).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let names: Vec<&Value> =
        results.iter().map(|result| &result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]).collect();
    assert_eq!(names, ["interface eth1", "container web, *:8080->80/tcp"]);
    for result in results {
        // 3.28.3 and 3.28.4: of the two kinds of location there is the logical one alone.
        assert!(result["locations"][0].get("physicalLocation").is_none());
        assert!(result["partialFingerprints"]["dockerFirewall/v1"].is_string());
    }
    let notifications = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notifications[0]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "interface eth1");
}

#[test]
fn annotations_of_a_workflow_and_cases_of_a_build_server_say_where_without_a_file() {
    insta::assert_snapshot!(report(Format::Github, Style::default()), @r#"
    ::notice title=coverage-gap::the host firewall refuses nothing on eth1
    ::error title=published-on-all-interfaces::port 8080/tcp of container web is open to everyone who comes in by eth0, v4 and v6%0Aopen, meant to be closed: eth0 v4 and v6%0Aopen to 10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12 and 1 more, meant to be closed: eth1 v4%0Aclosed, as meant: eth1 v4%0Alet in by ip nat PREROUTING > DOCKER: -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80%0Ameant to be refused by inet firewalld filter_INPUT > filter_IN_public: reject with icmpx admin-prohibited%0Arefused by ip nat PREROUTING > DOCKER: -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80%0Abind it to 127.0.0.1
    "#);
    insta::assert_snapshot!(report(Format::Junit, Style::default()), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="docker-firewall" tests="2" failures="1">
      <testsuite name="interface eth1" tests="1" failures="0">
        <testcase classname="interface eth1" name="coverage-gap">
          <system-out>interface eth1: the host firewall refuses nothing on eth1</system-out>
        </testcase>
      </testsuite>
      <testsuite name="container web, *:8080-&gt;80/tcp" tests="1" failures="1">
        <testcase classname="container web, *:8080-&gt;80/tcp" name="published-on-all-interfaces">
          <failure type="published-on-all-interfaces" message="port 8080/tcp of container web is open to everyone who comes in by eth0, v4 and v6">container web, *:8080-&gt;80/tcp: port 8080/tcp of container web is open to everyone who comes in by eth0, v4 and v6
    open, meant to be closed: eth0 v4 and v6
    open to 10.0.0.0/8, 192.168.0.0/16, 172.16.0.0/12 and 1 more, meant to be closed: eth1 v4
    closed, as meant: eth1 v4
    let in by ip nat PREROUTING &gt; DOCKER: -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
    meant to be refused by inet firewalld filter_INPUT &gt; filter_IN_public: reject with icmpx admin-prohibited
    refused by ip nat PREROUTING &gt; DOCKER: -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
    help: bind it to 127.0.0.1</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn two_containers_with_the_same_finding_have_different_fingerprints_that_do_not_hang_on_their_order() {
    let prints = |findings: &[crate::model::finding::Finding]| -> Vec<String> {
        let issues: Value =
            serde_json::from_str(&written(findings, Summary::default(), Format::Gitlab, &Style::default())).unwrap();
        issues.as_array().unwrap().iter().map(|issue| issue["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    let web = on_host().remove(0);
    let mut other = web.clone();
    other.on_host.as_mut().unwrap().container = Some("a".into());
    other.message = "another".into();
    let both = prints(&[web.clone(), other.clone()]);
    assert!(both.contains(&prints(&[web])[0]) && both.contains(&prints(&[other])[0]) && both[0] != both[1], "{both:?}");
    assert_eq!(
        lines(&finding(&place("a.yml", "«80»"), "web", "open", "")),
        Vec::<String>::new(),
        "a file's finding says nothing of a host"
    );
}
