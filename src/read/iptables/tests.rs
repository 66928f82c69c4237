#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::model::ruleset::{Decision, Mark, SetMark, Target, Translation};
use crate::read::ipset;

fn read_v4(text: &str) -> Save {
    let sets = ipset::read("create office hash:net family inet\nadd office 10.0.0.0/8\n");
    read(text, Origin::Legacy, &Context { family: Family::V4, sets: Some(&sets) })
}

/// The steps of one rule of the filter table.
fn steps(family: Family, rule: &str) -> Vec<Step> {
    let text = format!("*nat\n:IN - [0:0]\n:OTHER - [0:0]\n-A IN {rule}\nCOMMIT\n");
    let sets = ipset::read("create office hash:net family inet\nadd office 10.0.0.0/8\ncreate macs hash:mac\n");
    let save = read(&text, Origin::Legacy, &Context { family, sets: Some(&sets) });
    save.tables[0].chains["IN"].rules[0].steps.clone()
}

fn unknown(steps: &[Step]) -> Option<String> {
    steps.iter().find_map(|step| match step {
        Step::Test(Test::Unknown(text)) | Step::Act(Action::Unknown(text)) => Some(text.to_string()),
        _ => None,
    })
}

#[test]
fn matches_and_targets_of_common_firewalls_are_understood() {
    for rule in [
        "-s 10.0.0.0/8 -d 192.0.2.1/32 -i eth0 -o docker0 -p tcp -m tcp --sport 1024:65535 --dport 80 -j ACCEPT",
        "! -s 10.0.0.0/8 ! -i br-+ -p udp -m udp --dport 53 -j DROP",
        "-p tcp -m multiport --dports 80,443,8000:8010 -j ACCEPT",
        "-m iprange --src-range 10.0.0.1-10.0.0.9 -j RETURN",
        "-m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment \"a: b\" -j ACCEPT",
        "-p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL --ctorigdst 192.0.2.1 -j DROP",
        "-m conntrack ! --ctstate DNAT -j DROP",
        "-m state --state INVALID -j DROP",
        "-m addrtype --dst-type LOCAL -j OTHER",
        "-m addrtype --dst-type BROADCAST,MULTICAST -g OTHER",
        "-m mark --mark 0x1/0xff -m connmark ! --mark 0x2 -j ACCEPT",
        "-m set --match-set office src -j ACCEPT",
        "-m pkttype --pkt-type broadcast -j DROP",
        "-m physdev --physdev-is-bridged -j ACCEPT",
        "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT",
        "-m policy --dir in --pol ipsec -j ACCEPT",
        "-m rpfilter --validmark --invert -j DROP",
        "-f -j DROP",
        "-m rt --rt-type 0 -j DROP",
        "-j LOG --log-prefix \"[UFW BLOCK] \"",
        "-j CT --notrack",
        "-j MASQUERADE --random",
        "-p 47 -j ACCEPT",
        "",
    ] {
        assert_eq!(unknown(&steps(Family::V4, rule)), None, "{rule}");
    }
}

#[test]
fn what_is_not_wholly_understood_is_unknown_and_named() {
    for (rule, named) in [
        ("-m limit --limit 3/min -j ACCEPT", "-m limit --limit 3/min"),
        ("-m recent --update --seconds 30 --hitcount 6 --name DEFAULT --rsource -j DROP", "-m recent"),
        ("-p tcp -m tcp --dport 80 --tcp-option 2 -j ACCEPT", "-m tcp --dport 80 --tcp-option 2"),
        ("-m conntrack --ctstate NEW --ctexpire 5 -j ACCEPT", "-m conntrack"),
        ("-m set --match-set macs src -j ACCEPT", "-m set --match-set macs src"),
        ("-m set --match-set nowhere src -j ACCEPT", "-m set"),
        ("-m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT", "-m addrtype"),
        ("-p strange -j ACCEPT", "-p strange"),
        ("-s 10.0.0.1/255.0.255.0 -j ACCEPT", "-s 10.0.0.1/255.0.255.0"),
        ("-j NFQUEUE --queue-num 1", "-j NFQUEUE --queue-num 1"),
        ("-j TPROXY --on-port 1", "-j TPROXY"),
        ("-j DNAT --to-destination 10.0.0.1:80 --strange", "-j DNAT"),
        ("-j MARK --set-mark red", "-j MARK"),
    ] {
        let text = unknown(&steps(Family::V4, rule)).unwrap_or_default();
        assert!(text.starts_with(named), "{rule}: {text}");
    }
}

#[test]
fn in_v6_only_the_address_types_that_mean_the_same_are_understood() {
    assert_eq!(unknown(&steps(Family::V6, "-m addrtype --dst-type LOCAL -j ACCEPT")), None);
    assert!(unknown(&steps(Family::V6, "-m addrtype --dst-type UNICAST -j ACCEPT")).is_some());
    assert!(unknown(&steps(Family::V6, "-m addrtype --dst-type LOCAL,MULTICAST -j ACCEPT")).is_some());
}

fn destination(family: Family, rule: &str) -> Target {
    match steps(family, rule).pop() {
        Some(Step::Act(Action::Translate(Translation::Destination(mut targets)))) => targets.pop().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn destinations_are_read_with_and_without_ports() {
    let target = destination(Family::V4, "-p tcp -j DNAT --to-destination 172.17.0.2:80");
    assert_eq!((target.address, target.ports), ("172.17.0.2".parse().ok(), Some((80, 80))));
    let target = destination(Family::V6, "-p tcp -j DNAT --to-destination [fd00::2]:80-90");
    assert_eq!((target.address, target.ports), ("fd00::2".parse().ok(), Some((80, 90))));
    assert_eq!(destination(Family::V6, "-j DNAT --to-destination fd00::2").ports, None);
    assert_eq!(destination(Family::V4, "-p tcp -j DNAT --to-destination :81").address, None);
}

#[test]
fn marks_change_as_the_kernel_changes_them() {
    let change = |rule| match steps(Family::V4, rule).pop() {
        Some(Step::Act(Action::SetMark(change))) => change,
        other => panic!("{other:?}"),
    };
    let packet = |keep, flip| SetMark { target: Mark::Packet, keep, source: Mark::Packet, pick: 0, flip };
    assert_eq!(change("-j MARK --set-xmark 0x1/0xff"), packet(!0xff, 1));
    assert_eq!(change("-j MARK --or-mark 0x4"), packet(!4, 4));
    assert_eq!(change("-j MARK --and-mark 0x4"), packet(4, 0));
    let saved = change("-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xf0");
    assert_eq!((saved.target, saved.keep, saved.pick), (Mark::Connection, !0xf0, 0xf));
}

#[test]
fn built_in_chains_hang_on_their_hooks_with_their_policies() {
    let save = read_v4("*filter\n:INPUT DROP [1:2]\n:ufw-user-input - [0:0]\n[5:6] -A INPUT -j ufw-user-input\nCOMMIT\n");
    let table = &save.tables[0];
    let base = table.chains["INPUT"].base.as_ref().unwrap();
    assert_eq!((base.hook, base.priority, base.policy), (Hook::Input, 0, Policy::Drop));
    assert_eq!(table.chains["ufw-user-input"].base, None);
    assert_eq!(&*table.chains["INPUT"].rules[0].text, "-A INPUT -j ufw-user-input");
    assert!(matches!(&table.chains["INPUT"].rules[0].steps[..], [Step::Act(Action::Decide(Decision::Jump(_)))]));
}

#[test]
fn the_text_says_which_of_the_two_tools_wrote_it() {
    let modern = read_v4("# Generated by iptables-save v1.8.9 (nf_tables) on Sat\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n");
    let legacy = read_v4("# Generated by iptables-save v1.8.9 on Sat\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n");
    assert_eq!((modern.tables[0].origin, legacy.tables[0].origin), (Origin::Iptables, Origin::Legacy));
}

#[test]
fn a_line_that_cannot_be_split_is_an_unknown_rule_in_its_chain() {
    let save = read_v4("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m comment --comment \"open -j DROP\nCOMMIT\n");
    assert!(unknown(&save.tables[0].chains["INPUT"].rules[0].steps).is_some());
}
