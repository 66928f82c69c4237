#![allow(clippy::unwrap_used)]
use crate::judge::path::tests::{host, judged, nft};
use crate::model::verdict::{Path, Verdict};

const LINKS: &str = r#"[{"ifname":"docker0","linkinfo":{"info_kind":"bridge"}}]"#;

/// The verdict on a packet from eth0 to a container behind docker0, with one chain of the family `bridge`.
fn sent(hook: &str, rule: &str) -> Verdict {
    let host = host("", &nft("bridge", hook, "filter", 0, &[rule]), &[("ip-link.json", LINKS)]);
    judged(&host, "eth0", "192.0.2.9", "172.17.0.2:80").verdict
}

/// The same, from a container to its neighbour, and to the host.
fn taken(hook: &str, rule: &str) -> [Verdict; 2] {
    let host = host("", &nft("bridge", hook, "filter", 0, &[rule]), &[("ip-link.json", LINKS)]);
    ["172.17.0.3:80", "172.17.0.1:80"].map(|to| judged(&host, "docker0", "172.17.0.2", to).verdict)
}

fn dport(port: u16) -> String {
    format!(
        r#"{{"match":{{"op":"==","left":{{"payload":{{"protocol":"tcp","field":"dport"}}}},"right":{port}}}}},{{"drop":null}}"#
    )
}

#[test]
fn frames_that_the_host_sends_pass_output_and_postrouting_of_their_bridge() {
    for hook in ["output", "postrouting"] {
        assert_eq!((sent(hook, &dport(80)), sent(hook, &dport(81))), (Verdict::Closed, Verdict::Open), "{hook}");
    }
    for hook in ["prerouting", "input", "forward"] {
        assert_eq!(sent(hook, &dport(80)), Verdict::Open, "{hook}");
    }
}

#[test]
fn frames_that_a_port_takes_in_pass_forward_to_another_port_and_input_to_the_host() {
    let (open, closed) = (Verdict::Open, Verdict::Closed);
    assert_eq!(taken("prerouting", &dport(80)), [closed, closed]);
    assert_eq!(taken("forward", &dport(80)), [closed, open]);
    assert_eq!(taken("postrouting", &dport(80)), [closed, open]);
    assert_eq!(taken("input", &dport(80)), [open, closed]);
    assert_eq!(taken("output", &dport(80)), [open, open]);
}

#[test]
fn rules_about_other_frames_than_ip_do_not_matter() {
    let arp = r#"{"match":{"op":"==","left":{"meta":{"key":"protocol"}},"right":"arp"}},{"drop":null}"#;
    assert_eq!((sent("output", arp), taken("prerouting", arp)), (Verdict::Open, [Verdict::Open; 2]));
}

#[test]
fn which_port_a_frame_comes_by_is_not_known_nor_what_is_tracked_there() {
    let port = r#"{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"veth1"}},{"drop":null}"#;
    let state = r#"{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":"new"}},{"drop":null}"#;
    assert_eq!(taken("prerouting", port), [Verdict::Unsure; 2]);
    assert_eq!(sent("output", state), Verdict::Unsure);
    assert_eq!(sent("output", port), Verdict::Open, "what the host sends comes by no port");
}

#[test]
fn with_br_netfilter_frames_of_a_bridge_are_not_told_from_packets_that_go_back_to_it() {
    let settings = "net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\nnet.ipv4.conf.all.rp_filter = 0\n\
        net.ipv4.conf.docker0.rp_filter = 0\n";
    let with = |rules: &str| host("", rules, &[("ip-link.json", LINKS), ("sysctl.txt", settings)]);
    let verdict = |rules: &str| judged(&with(rules), "docker0", "172.17.0.2", "172.17.0.3:80");
    assert_eq!((verdict("").verdict, verdict("").path), (Verdict::Open, Path::Forward));
    assert_eq!(verdict(&nft("bridge", "output", "filter", 0, &[&dport(80)])).verdict, Verdict::Unsure);
}
