//! Random rule sets for iptables-restore and ip6tables-restore.

use super::dice::Dice;
use std::fmt::Write;

/// All tables of one family.
pub fn ruleset(dice: &mut Dice, v6: bool) -> String {
    let mut text = String::new();
    let tables: [(&str, &[&str]); 4] = [
        ("raw", &["PREROUTING"]),
        ("mangle", &["PREROUTING", "INPUT", "FORWARD", "POSTROUTING"]),
        ("nat", &["PREROUTING", "POSTROUTING"]),
        ("filter", &["INPUT", "FORWARD"]),
    ];
    for (table, chains) in tables {
        if table != "filter" && dice.one_in(3) {
            continue;
        }
        let _ = writeln!(text, "*{table}");
        for chain in chains {
            let policy = if table == "filter" && dice.one_in(4) { "DROP" } else { "ACCEPT" };
            let _ = writeln!(text, ":{chain} {policy}");
        }
        for user in 0..3 {
            let _ = writeln!(text, ":U{user} -");
        }
        for user in 0..3 {
            rules(dice, &mut text, &format!("U{user}"), Place { table, chain: "", users: user, v6 });
        }
        for chain in chains {
            answers(&mut text, table, chain, v6);
            rules(dice, &mut text, chain, Place { table, chain, users: 3, v6 });
            if table == "filter" && !v6 && dice.one_in(4) {
                let _ = writeln!(text, "-A {chain} -m set ! --match-set lab-seen src -j DROP\n-A {chain} -j ACCEPT");
            }
        }
        let _ = writeln!(text, "COMMIT");
    }
    text
}

/// Answers pass: it is the first packet that is judged.
fn answers(text: &mut String, table: &str, chain: &str, v6: bool) {
    match (table, chain) {
        ("nat", "PREROUTING") => {
            let _ = writeln!(text, "-A {chain} -i ctr0 -j ACCEPT");
        }
        ("nat", _) => {}
        (_, "POSTROUTING") => {
            let _ = writeln!(text, "-A {chain} ! -o ctr0 -j ACCEPT");
            neighbours(text, chain, v6);
        }
        _ => {
            let _ = writeln!(text, "-A {chain} -i ctr0 -j ACCEPT");
            if table != "raw" {
                let _ = writeln!(text, "-A {chain} -m conntrack --ctdir REPLY -j ACCEPT");
            }
            neighbours(text, chain, v6);
        }
    }
}

/// Without neighbour discovery nobody reaches anybody.
fn neighbours(text: &mut String, chain: &str, v6: bool) {
    if v6 {
        let _ = writeln!(text, "-A {chain} -p ipv6-icmp -j ACCEPT");
    }
}

/// Where a rule stands; `chain` is empty in a chain of our own.
#[derive(Clone, Copy)]
struct Place {
    table: &'static str,
    chain: &'static str,
    users: usize,
    v6: bool,
}

fn rules(dice: &mut Dice, text: &mut String, chain: &str, place: Place) {
    for _ in 0..dice.below(5) {
        let tests: Vec<String> = (0..=dice.below(2)).map(|_| test(dice, place)).collect();
        let joined = tests.join(" ");
        // Options that a protocol's name must stand before, and that may stand once.
        let options = ["-p ", "-s ", "-d ", "-i ", "-o "];
        let names_input = joined.contains("-i ") && place.chain == "POSTROUTING";
        // All packets of a connection are tracked, or none.
        let tells_apart = joined.contains("--syn") && place.table == "raw";
        if names_input
            || tells_apart
            || options.iter().any(|option| format!(" {joined}").matches(&format!(" {option}")).count() > 1)
        {
            continue;
        }
        let _ = writeln!(text, "-A {chain} {joined} {}", target(dice, place, &joined));
    }
}

/// Tests of v6 packets.
const V6: &[&str] = &[
    "-s fd09::2",
    "! -s fd08::/64",
    "-d fd31::/64",
    "! -d fd31::2",
    "-m conntrack --ctorigdst fd09::1",
    "-s fd00::2/ff00::ffff",
    "-m conntrack --ctreplsrc fd31::2",
    "-m ipv6header --header prot",
    "-m ipv6header --header dst --soft",
    "-m ipv6header ! --header dst,prot",
    "-m frag --fragmore",
    "-m rt ! --rt-type 0",
    "-m addrtype --dst-type UNICAST",
    "-m addrtype ! --dst-type MULTICAST",
];

fn test(dice: &mut Dice, place: Place) -> String {
    let general = [
        "-i eth0",
        "! -i eth1",
        "-i eth+",
        "-p tcp --dport 1001",
        "-p tcp ! --dport 1002",
        "-p tcp --dport 1002:1004",
        "-p udp --dport 1001:1003",
        "-p tcp -m multiport --dports 1001,1004:1005",
        "-p tcp -m multiport ! --dports 1001,1002",
        "-p tcp --syn",
        "-p tcp ! --syn",
        "-p udp",
        "! -p udp",
        "-m mark --mark 1/3",
        "-m mark ! --mark 2",
        "-m connmark --mark 1",
        "-m conntrack --ctstate NEW",
        "-m conntrack ! --ctstate NEW",
        "-m conntrack --ctstate RELATED,ESTABLISHED",
        "-m conntrack --ctstate DNAT",
        "-m conntrack --ctstate INVALID,UNTRACKED",
        "-m conntrack --ctdir ORIGINAL --ctorigdstport 1001",
        "-m conntrack --ctorigdstport 1002:1003",
        "-m conntrack --ctdir REPLY",
        "-m state --state NEW",
        "-m addrtype --dst-type LOCAL",
        "-m addrtype ! --dst-type LOCAL",
        "-m physdev --physdev-is-bridged",
        "-m physdev ! --physdev-is-bridged",
        "-m physdev --physdev-is-in",
        "-m physdev ! --physdev-is-in",
        "-m pkttype --pkt-type unicast",
        "-m comment --comment \"a b\"",
        "-m limit --limit 100/sec",
        "-p tcp -m multiport --ports 1001,1003",
        "-m recent --set --name lab",
        "-m recent ! --set --name lab",
        "-m helper ! --helper ftp",
        "-m helper --helper ftp",
        "-m conntrack --ctreplsrcport 1002",
        "-m conntrack --ctproto 6",
        "-m physdev ! --physdev-in eth0",
        "-p 6",
        "",
    ];
    let v4 = [
        "-s 10.9.0.2",
        "-s 10.8.0.0/16",
        "! -s 10.9.0.0/24",
        "-d 172.31.0.2",
        "! -d 172.31.0.0/24",
        "-m iprange --src-range 10.8.0.1-10.8.0.9",
        "-m set --match-set lab-nets src",
        "-m set ! --match-set lab-nets dst",
        "-m set --match-set lab-pairs src,dst",
        "-m set --match-set lab-ports dst",
        "-m conntrack --ctorigdst 10.9.0.1",
        "-p tcp -s 10.9.0.0/24",
        "-s 10.0.0.2/255.0.0.255",
        "! -d 10.0.0.1/255.0.0.255",
        "-m conntrack --ctreplsrc 172.31.0.2",
        "-m conntrack ! --ctreplsrc 172.31.0.2",
        "-m conntrack --ctrepldst 10.9.0.2",
        "-m set --match-set lab-hole src",
        "-m set ! --match-set lab-hole src",
        "-m set --match-set lab-coarse src ! --update-counters",
        "-m set --match-set lab-link src,src",
        "-m set --match-set lab-span src",
        "-m set --match-set lab-lists src",
        "-m set ! --match-set lab-pairs src",
        "-m set ! --match-set lab-seen src",
        "-p icmp -m icmp --icmp-type 8",
        "-m addrtype --dst-type UNICAST,LOCAL",
    ];
    let out = ["-o ctr0", "! -o ctr0", "-m owner --uid-owner 0", "-m owner ! --uid-owner 0"];
    let here = ["-m addrtype --dst-type LOCAL --limit-iface-in", "-m addrtype ! --dst-type LOCAL --limit-iface-in"];
    let way_back = ["-m rpfilter", "-m rpfilter --invert", "-m rpfilter --validmark", "-m rpfilter --loose --validmark --invert"];
    match dice.below(6) {
        0 if place.chain == "FORWARD" => dice.pick(&out[..2]),
        0 if place.chain == "POSTROUTING" => dice.pick(&out),
        0 if matches!(place.chain, "PREROUTING" | "INPUT") => dice.pick(&here),
        1 if place.chain == "PREROUTING" && place.table != "nat" => dice.pick(&way_back),
        2 | 3 if place.v6 => dice.pick(V6),
        2 | 3 => dice.pick(&v4),
        _ => dice.pick(&general),
    }
    .to_owned()
}

fn target(dice: &mut Dice, place: Place, tests: &str) -> String {
    let destinations = if place.v6 {
        [
            "-j DNAT --to-destination [fd31::2]:1002",
            "-j DNAT --to-destination fd31::2",
            "-j REDIRECT --to-ports 1003",
            "-j NETMAP --to fd31::/64",
            "-j DNAT --to-destination [fd31::2]:1002-1004/1001",
        ]
    } else {
        [
            "-j DNAT --to-destination 172.31.0.2:1002",
            "-j DNAT --to-destination 172.31.0.2",
            "-j REDIRECT --to-ports 1003",
            "-j NETMAP --to 172.31.0.0/24",
            "-j DNAT --to-destination 172.31.0.2:1002-1004/1001",
        ]
    };
    let marks = ["-j MARK --set-mark 1", "-j MARK --or-mark 2", "-j MARK --set-xmark 0x3/0x1", "-j CONNMARK --set-mark 1"];
    let more_marks = ["-j CONNMARK --save-mark", "-j CONNMARK --restore-mark"];
    let names_port = (tests.contains("-p tcp") || tests.contains("-p udp")) && !tests.contains("! -p");
    match (dice.below(8), place.table, place.chain) {
        (0..=4, "nat", "PREROUTING") if names_port => match dice.pick(&destinations) {
            // A datagram to an address of the host on another link is answered from the address that leads back: it would be the answer
            // that gets lost.
            netmap if netmap.contains("NETMAP") && tests.contains("-p udp") => destinations[1].to_owned(),
            other => other.to_owned(),
        },
        (0, "nat", "POSTROUTING") if !tests.contains("-o ") => "-o ctr0 -j MASQUERADE".to_owned(),
        (0, "mangle", _) => dice.pick(&marks).to_owned(),
        (1, "mangle", _) => dice.pick(&more_marks).to_owned(),
        (0, "raw", "PREROUTING") => "-j CT --notrack".to_owned(),
        (2 | 3, _, _) if place.users > 0 => format!("-j U{}", dice.below(place.users)),
        (4, _, _) if place.users > 0 => format!("-g U{}", dice.below(place.users)),
        (5, "filter", _) => "-j REJECT".to_owned(),
        (_, "nat", _) => dice.pick(&["-j ACCEPT", "-j RETURN"]).to_owned(),
        (6, _, _) if !place.v6 && dice.one_in(2) => "-j SET --add-set lab-seen src".to_owned(),
        _ => dice.pick(&["-j ACCEPT", "-j DROP", "-j RETURN", ""]).to_owned(),
    }
}
