#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::model::ruleset::{Decision, Mark, SetMark, Span, Target, Translation};
use crate::read::ipset;

fn saved(text: &str, family: Family, sets: &IpSets) -> Save {
    read(text, Origin::Legacy, &Context { family, sets: Some(sets), changes: &Changes::default(), save: "", moment: None })
}

fn read_v4(text: &str) -> Save {
    let sets = ipset::read("create office hash:net family inet\nadd office 10.0.0.0/8\n");
    saved(text, Family::V4, &sets)
}

/// The steps of one rule of the filter table.
fn steps(family: Family, rule: &str) -> Vec<Step> {
    let text = format!("*nat\n:IN - [0:0]\n:OTHER - [0:0]\n-A IN {rule}\nCOMMIT\n");
    let sets = ipset::read("create office hash:net family inet\nadd office 10.0.0.0/8\ncreate macs hash:mac\n");
    saved(&text, family, &sets).tables[0].chains["IN"].rules[0].steps.to_vec()
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
        "-m physdev --physdev-is-in -j ACCEPT",
        "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT",
        "-m policy --dir in --pol ipsec -j ACCEPT",
        "-m rpfilter --validmark --invert -j DROP",
        "-f -j DROP",
        "-s 10.0.0.1/255.0.255.0 -j ACCEPT",
        "-p tcp -m multiport --ports 80,8000:8010 -j ACCEPT",
        "-p tcp -m conntrack --ctreplsrc 172.17.0.2/32 --ctreplsrcport 80 -j ACCEPT",
        "-m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT",
        "-m recent --set --name DEFAULT --mask 255.255.255.255 --rsource",
        "-m helper --helper ftp -j ACCEPT",
        "-m set --match-set macs src ! --update-counters -j ACCEPT",
        "-m physdev ! --physdev-in vnet0 -j ACCEPT",
        "-m owner ! --uid-owner 0 -j ACCEPT",
        "-m comment --comment -j -j ACCEPT",
        "-j DNAT --to-destination 10.0.0.1-10.0.0.4:80-90",
        "-j NETMAP --to 10.1.0.0/16",
        "-j CT --zone 1",
        "-p icmp -m icmp --icmp-type 8 -j ACCEPT",
        "-p icmp -m icmp ! --icmp-type 3/4 -j ACCEPT",
        "-p icmp -m icmp --icmp-type any -j ACCEPT",
        "-p udp -j DNAT --to-destination 10.88.0.2:5000-5010/6000",
        "-j CT --helper ftp",
        "-m rt --rt-type 0 -j DROP",
        "-j LOG --log-prefix \"[UFW BLOCK] \"",
        "-j CT --notrack",
        "-j MASQUERADE --random",
        "-p 47 -j ACCEPT",
        "-j SET --add-set office src --exist",
        "-j SET --map-set office src --map-prio",
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
        ("-m recent --set --rttl --name DEFAULT -j ACCEPT", "-m recent --set"),
        ("-m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip --hashlimit-name -x -j ACCEPT", "-m hashlimit"),
        ("-m set --match-set office src --return-nomatch -j ACCEPT", "-m set --match-set office src"),
        ("-j DNAT --to-destination 10.0.0.0-10.9.0.0", "-j DNAT"),
        ("-j SYNPROXY --sack-perm", "-j SYNPROXY"),
        ("-m set --match-set nowhere src -j ACCEPT", "-m set"),
        ("-m addrtype --src-type LOCAL --limit-iface-in -j ACCEPT", "-m addrtype"),
        ("-m addrtype --dst-type LOCAL --limit-iface-out -j ACCEPT", "-m addrtype"),
        ("-p strange -j ACCEPT", "-p strange"),
        ("-s 10.0.0.1/255.0.255.256 -j ACCEPT", "-s 10.0.0.1/255.0.255.256"),
        ("-j NFQUEUE --queue-num 1", "-j NFQUEUE --queue-num 1"),
        ("-j TPROXY --on-port 1", "-j TPROXY"),
        ("-j DNAT --to-destination 10.0.0.1:80 --strange", "-j DNAT"),
        ("-j MARK --set-mark red", "-j MARK"),
        ("-j SET --map-set office src --map-mark", "-j SET --map-set office src --map-mark"),
    ] {
        let text = unknown(&steps(Family::V4, rule)).unwrap_or_default();
        assert!(text.starts_with(named), "{rule}: {text}");
    }
}

#[test]
fn in_v6_of_several_address_types_all_must_fit() {
    assert_eq!(unknown(&steps(Family::V6, "-m addrtype --dst-type LOCAL -j ACCEPT")), None);
    assert_eq!(unknown(&steps(Family::V6, "-m addrtype --dst-type UNICAST -j ACCEPT")), None);
    assert!(unknown(&steps(Family::V6, "-m addrtype --dst-type BLACKHOLE -j ACCEPT")).is_some());
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
fn iptables_nft_has_the_table_security_asked_later() {
    let priority = |tool: &str| {
        let save = read_v4(&format!("# Generated by iptables-save v1.8.9{tool} on Sat\n*security\n:INPUT DROP [0:0]\nCOMMIT\n"));
        save.tables[0].chains["INPUT"].base.as_ref().unwrap().priority
    };
    assert_eq!((priority(""), priority(" (nf_tables)")), (50, 150));
}

#[test]
fn a_save_says_that_it_leaves_something_out() {
    let chains = "# Table `filter' contains incompatible base-chains, use 'nft' tool to list them.\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n";
    assert!(read_v4("# Table `nat' is incompatible, use 'nft' tool.\n").leaves_out && read_v4(chains).leaves_out);
    assert!(!read_v4("# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n").leaves_out);
}

#[test]
fn a_line_that_cannot_be_split_is_an_unknown_rule_in_its_chain() {
    let save = read_v4("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m comment --comment \"open -j DROP\nCOMMIT\n");
    assert!(unknown(&save.tables[0].chains["INPUT"].rules[0].steps).is_some());
}

#[test]
fn a_save_that_ends_early_says_so_of_its_last_table() {
    let save = read_v4("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 22 -j ACC");
    assert_eq!(save.tables[0].chains["PREROUTING"].unread, None);
    assert!(save.tables[1].chains["INPUT"].unread.as_ref().unwrap().contains("ends in the middle"));
    assert!(save.tables[1].chains["INPUT"].rules.is_empty());
}

#[test]
fn a_table_of_an_unknown_name_is_asked_at_a_time_that_is_not_known() {
    let save = read_v4(
        "*rawpost\n:POSTROUTING ACCEPT [0:0]\n:PREROUTING ACCEPT [0:0]\n-A POSTROUTING -j RAWSNAT --to-source 1.2.3.4\nCOMMIT\n",
    );
    let chains = &save.tables[0].chains;
    assert!(chains["POSTROUTING"].base.is_some() && chains["POSTROUTING"].unread.is_some());
    assert!(chains["PREROUTING"].base.is_none() && chains["PREROUTING"].unread.is_none(), "it has no rules");
}

#[test]
fn a_plain_v6_packet_has_its_protocol_header_alone() {
    let fits = |rule: &str| steps(Family::V6, rule).len() == 1;
    assert!(!fits("-m ipv6header --header dst --soft -j DROP"));
    assert!(fits("-m ipv6header --header proto -j DROP"));
    assert!(!fits("-m ipv6header --header hop,proto -j DROP"));
    assert!(fits("-m ipv6header ! --header hop,proto -j DROP"));
}

#[test]
fn the_kernel_chooses_one_of_several_destinations() {
    let targets = match steps(Family::V4, "-j DNAT --to-destination 10.0.0.1-10.0.0.3").pop() {
        Some(Step::Act(Action::Translate(Translation::Destination(targets)))) => targets,
        other => panic!("{other:?}"),
    };
    let sure: Vec<bool> = targets.iter().map(|target| target.when.is_empty()).collect();
    assert_eq!(sure, [false, false, true]);
}

#[test]
fn a_range_of_ports_is_moved_as_a_whole() {
    let targets = match steps(Family::V4, "-p udp -j DNAT --to-destination 10.88.0.2:5000-5010/6000").pop() {
        Some(Step::Act(Action::Translate(Translation::Destination(targets)))) => targets,
        other => panic!("{other:?}"),
    };
    assert_eq!(targets.len(), 11);
    assert_eq!((targets[3].when[0].1.clone(), targets[3].ports), (Span::number(6003), Some((5003, 5003))));
    assert!(unknown(&steps(Family::V4, "-p udp -j DNAT --to-destination 10.88.0.2:1-60000/1")).is_some());
    assert!(unknown(&steps(Family::V4, "-p udp -j DNAT --to-destination 10.88.0.2:1-10/65530")).is_some());
}

#[test]
fn a_rule_with_dates_alone_is_asked_at_the_moment_of_the_look() {
    let now = 1_767_225_600; // 2026-01-01T00:00:00
    let at = |rule: &str, moment: Option<u64>| {
        let text = format!("*filter\n:IN - [0:0]\n-A IN {rule} -j DROP\nCOMMIT\n");
        let save = read(
            &text,
            Origin::Legacy,
            &Context { family: Family::V4, sets: None, changes: &Changes::default(), save: "", moment },
        );
        let steps = save.tables[0].chains["IN"].rules[0].steps.clone();
        match &*steps {
            [Step::Act(_)] => "fits",
            [Step::Test(Test::Fields { among, .. }), Step::Act(_)] if among.members.is_empty() => "does not fit",
            _ => "unknown",
        }
    };
    let (passed, coming) = ("2025-12-31T23:59:00", "2026-01-01T00:15:00");
    for (rule, outcome) in [
        (format!("-m time --datestart {coming} --datestop 2038-01-19T03:14:07"), "does not fit"),
        (format!("-m time --datestart {passed} --datestop 2038-01-19T03:14:07"), "fits"),
        (format!("-m time --datestart {passed} --datestop {coming}"), "fits"),
        (format!("-m time --datestop {passed}"), "does not fit"),
        (format!("-m time --datestart {passed} --kerneltz"), "unknown"),
        (format!("-m time --datestart {coming} --weekdays Mon,Tue"), "unknown"),
        (format!("-m time --timestart 08:00:00 --timestop 18:00:00 --datestart {passed}"), "unknown"),
        (format!("-m time ! --datestart {passed}"), "unknown"),
        (format!("-m time --datestart {passed} --datestart {coming}"), "unknown"),
        ("-m time --datestart 2025-12".to_owned(), "unknown"),
        ("-m time --datestart 2026-01-01T00:00:01".to_owned(), "unknown"),
        ("-m time".to_owned(), "unknown"),
    ] {
        assert_eq!(at(&rule, Some(now)), outcome, "{rule}");
        assert_eq!(at(&rule, None), "unknown", "{rule}");
    }
}
