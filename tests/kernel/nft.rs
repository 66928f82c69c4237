//! Random rule sets in nft's language. What they name exists in the lab, so that rules matter.

use super::dice::Dice;
use std::fmt::Write;

const PREROUTING: [&str; 5] = ["-310", "-150", "-110", "-90", "0"];
const LATER: [&str; 4] = ["-150", "-1", "0", "10"];

/// One or two tables.
pub fn ruleset(dice: &mut Dice) -> String {
    let mut text = String::new();
    for at in 0..=dice.below(2) {
        let family = dice.pick(&["ip", "ip6", "inet", "inet"]);
        let _ = writeln!(text, "table {family} t{at} {{");
        sets(&mut text, family);
        let depth = 1 + dice.below(3);
        // Chains may jump to those before them only: nothing loops.
        for chain in 0..depth {
            let _ = writeln!(text, "chain u{chain} {{");
            rules(dice, &mut text, family, Place { hook: "", later: false, chains: chain });
            let _ = writeln!(text, "}}");
        }
        for number in 0..=dice.below(3) {
            base(dice, &mut text, family, number, depth);
        }
        if dice.one_in(2) {
            nat(dice, &mut text, family);
        }
        let _ = writeln!(text, "}}");
    }
    if dice.one_in(3) {
        ingress(dice, &mut text);
    }
    text
}

/// Commands that put rules into the tables of iptables, one a line; those of chains that are not there are refused. Answers pass: only
/// what comes from the neighbours is looked at.
pub fn beside(dice: &mut Dice) -> String {
    let mut commands = String::new();
    for _ in 0..dice.below(5) {
        let family = dice.pick(&["ip", "ip", "ip6"]);
        let place = dice.pick(&[
            "add rule {} filter INPUT",
            "insert rule {} filter INPUT",
            "add rule {} filter FORWARD",
            "insert rule {} filter FORWARD",
            "add rule {} filter U0",
            "insert rule {} mangle PREROUTING",
        ]);
        let (net, container) = if family == "ip" { ("10.9.0.0", "172.31.0.2") } else { ("fd09::", "fd31::2") };
        let wanted = dice.pick(&[
            "tcp dport { 1001, 1003 }",
            "tcp dport != { 1001, 1003 }",
            "tcp dport > 1003",
            "udp dport 1002",
            "{} saddr < NET",
            "{} saddr > NET",
            "{} daddr CONTAINER",
            "meta l4proto . th dport { tcp . 1002, udp . 1004 }",
            "tcp flags syn tcp dport 1005",
            "meta mark & 0x1 == 0x1",
            "ct state new tcp dport 1004",
            "limit rate over 5 mbytes/second",
            "",
        ]);
        let action = dice.pick(&[
            "drop",
            "accept",
            "return",
            "counter",
            "meta mark set 1",
            "reject",
            "tcp dport vmap { 1001 : drop, 1002-1003 : accept, 1004 : return }",
        ]);
        let wanted = wanted.replace("NET", net).replace("CONTAINER", container).replace("{} ", &format!("{family} "));
        let _ = writeln!(commands, "{} iifname {{ \"eth0\", \"eth1\" }} {wanted} {action}", place.replace("{}", family));
    }
    commands
}

/// A chain at a device, before all others. There is neither a connection nor a route yet.
fn ingress(dice: &mut Dice, text: &mut String) {
    let device = dice.pick(&["eth0", "eth1"]);
    let _ = writeln!(
        text,
        "table netdev early {{\nchain i {{ type filter hook ingress device \"{device}\" priority 0; policy accept;"
    );
    let _ = writeln!(text, "meta l4proto ipv6-icmp accept");
    for _ in 0..=dice.below(3) {
        let condition = dice.pick(&[
            "ip saddr 10.9.0.0/24",
            "ip6 daddr fd31::2",
            "tcp dport 1001",
            "udp dport != 1002",
            "ip daddr 172.31.0.2 tcp dport 1002-1003",
            "ether type ip tcp dport 1004",
            "ether type { arp, ip6 }",
            "meta protocol ip udp dport 1003",
        ]);
        let action = dice.pick(&["drop", "accept", "meta mark set 1", "counter"]);
        let _ = writeln!(text, "{condition} {action}");
    }
    let _ = writeln!(text, "}}\n}}");
}

/// Where a rule stands.
#[derive(Clone, Copy)]
struct Place {
    hook: &'static str,
    /// True after connection tracking.
    later: bool,
    chains: usize,
}

fn sets(text: &mut String, family: &str) {
    let _ = writeln!(text, "set ports {{ type inet_service; flags interval; elements = {{ 1001, 1003-1004 }}; }}");
    let _ =
        writeln!(text, "set services {{ type inet_proto . inet_service; elements = {{ tcp . 1001, udp . 1002, tcp . 1005 }}; }}");
    let _ = writeln!(
        text,
        "map kinds {{ type inet_proto . inet_service : verdict; elements = {{ tcp . 1003 : drop, udp . 1001 : accept }}; }}"
    );
    let _ = writeln!(text, "counter hits {{ }}");
    let _ = writeln!(text, "set names {{ type ifname; elements = {{ \"eth1\", \"nothing\" }}; }}");
    let _ =
        writeln!(text, "map goes {{ type inet_service : verdict; elements = {{ 1001 : accept, 1002 : drop, 1004 : return }}; }}");
    if family != "ip6" {
        let _ = writeln!(text, "set seen4 {{ type ipv4_addr; size 4096; flags dynamic,timeout; timeout 1s; }}");
        let _ = writeln!(
            text,
            "map places4 {{ type inet_service : ipv4_addr . inet_service; elements = {{ 1001 : 172.31.0.2 . 1003, 1002 : 10.9.0.1 . 1004 }}; }}"
        );
        let _ = writeln!(text, "set nets4 {{ type ipv4_addr; flags interval; elements = {{ 10.9.0.0/25, 172.16.0.0/12 }}; }}");
        let _ = writeln!(
            text,
            "set pairs4 {{ type ipv4_addr . inet_service; flags interval; elements = {{ 10.9.0.0/24 . 1001-1003, 10.8.0.2 . 1005 }}; }}"
        );
    }
    if family != "ip" {
        let _ = writeln!(text, "set nets6 {{ type ipv6_addr; flags interval; elements = {{ fd09::/64, fd31::2 }}; }}");
    }
}

/// A base chain that lets answers through: it is the first packet that is judged.
fn base(dice: &mut Dice, text: &mut String, family: &str, number: usize, chains: usize) {
    let hook = dice.pick(&["prerouting", "input", "input", "forward", "forward", "postrouting"]);
    let priority = if hook == "prerouting" { dice.pick(&PREROUTING) } else { dice.pick(&LATER) };
    let policy = if dice.one_in(4) && hook != "postrouting" { "drop" } else { "accept" };
    let _ = writeln!(text, "chain b{number} {{ type filter hook {hook} priority {priority}; policy {policy};");
    if hook == "postrouting" {
        let _ = writeln!(text, "oifname != \"ctr0\" accept\nmeta l4proto ipv6-icmp accept");
    } else {
        let _ = writeln!(text, "iifname \"ctr0\" accept\nmeta l4proto ipv6-icmp accept");
    }
    let later = priority != "-310";
    if later {
        let _ = writeln!(text, "ct direction reply accept");
    }
    rules(dice, text, family, Place { hook, later, chains });
    if family != "ip6" && dice.one_in(4) {
        let _ = writeln!(text, "{}", dice.pick(&["ip saddr != @seen4 drop", "tcp dport 1001-1003 add @seen4 { ip saddr } drop"]));
    }
    let _ = writeln!(text, "}}");
}

fn nat(dice: &mut Dice, text: &mut String, family: &str) {
    let priority = dice.pick(&["-105", "-100", "-95"]);
    let _ = writeln!(text, "chain n {{ type nat hook prerouting priority {priority}; policy accept;\niifname \"ctr0\" accept");
    for _ in 0..=dice.below(3) {
        let condition = test(dice, family, Place { hook: "prerouting", later: true, chains: 0 });
        let v4 = if family == "inet" { "dnat ip to 172.31.0.2:1002" } else { "dnat to 172.31.0.2:1002" };
        let v6 = if family == "inet" { "dnat ip6 to [fd31::2]:1003" } else { "dnat to [fd31::2]:1003" };
        let action = match (dice.below(4), family) {
            (0, _) => "redirect to :1004",
            (1, "ip") => dice.pick(&[
                "dnat to tcp dport map { 1001 : 172.31.0.2, 1002 : 10.9.0.1 }",
                "dnat to tcp dport map @places4",
                "dnat to numgen inc mod 2 map { 0 : 172.31.0.2, 1 : 172.31.0.2 }",
            ]),
            (2, _) => "accept",
            (_, "ip") => v4,
            (_, "ip6") => v6,
            _ => dice.pick(&[v4, v6]),
        };
        let ports = dice.pick(&["tcp dport 1001", "tcp dport 1002-1003", "udp dport 1002", "tcp dport { 1004, 1005 }"]);
        let ports = if action.contains("map") { "tcp dport { 1001, 1002 }" } else { ports };
        append(text, &format!("{condition} {ports} {action}"));
    }
    let _ = writeln!(text, "}}");
    if dice.one_in(2) {
        let _ = writeln!(text, "chain m {{ type nat hook postrouting priority 100; oifname \"ctr0\" masquerade\n}}");
    }
}

fn rules(dice: &mut Dice, text: &mut String, family: &str, place: Place) {
    for _ in 0..=dice.below(6) {
        let tests: Vec<String> = (0..=dice.below(2)).map(|_| test(dice, family, place)).collect();
        // Before connection tracking, and in chains that are called there: all packets of a connection are tracked, or none.
        let tells_apart = !place.later && tests.iter().any(|test| test.contains("flags") || test.contains("tcp option"));
        if !tells_apart {
            append(text, &format!("{} {}", tests.join(" "), action(dice, family, place)));
        }
    }
}

/// Adds a rule, unless it contradicts itself: nft refuses such.
fn append(text: &mut String, rule: &str) {
    let has = |words: &[&str]| words.iter().any(|word| rule.contains(word));
    let tcp = has(&["tcp dport", "tcp flags", "tcp sport", "l4proto tcp", "l4proto { tcp", "nexthdr tcp"]);
    let udp = has(&["udp dport", "protocol udp"]);
    let icmp = has(&["icmp type", "icmpv6 type"]);
    let v4 = has(&[
        "ip saddr",
        "ip daddr",
        "ip protocol",
        "nfproto ipv4",
        "dnat ip ",
        "ip option",
        "ip ttl",
        "icmp type",
        "protocol ip ",
    ]);
    let v6 = has(&["ip6 ", "nfproto ipv6", "protocol ip6", "exthdr", "icmpv6 type"]);
    if !(tcp && udp || (tcp || udp) && icmp || v4 && v6) {
        let _ = writeln!(text, "{rule}");
    }
}

/// Tests that any table takes.
const GENERAL: &[&str] = &[
    "iifname \"eth0\"",
    "iifname != \"eth1\"",
    "iifname \"eth*\"",
    "iifname @names",
    "iifname { \"eth0\", \"lo\" }",
    "tcp dport 1001",
    "tcp dport != 1002",
    "tcp dport @ports",
    "tcp dport != @ports",
    "tcp dport 1002-1004",
    "tcp dport > 1003",
    "udp dport 1001-1003",
    "udp dport { 1004, 1005 }",
    "th dport { 1001, 1002 }",
    "meta l4proto tcp",
    "meta l4proto { tcp, sctp }",
    "meta l4proto != udp",
    "meta mark 1",
    "meta mark & 0x3 != 0",
    "tcp flags syn",
    "tcp flags & (fin | syn | rst | ack) == syn",
    "tcp sport 1024-65535",
    "iifname . tcp dport { \"eth0\" . 1001, \"eth1\" . 1002 }",
    "meta l4proto . th dport @services",
    "meta l4proto . th dport { tcp . 1002, udp . 1004 }",
    "@th,16,16 1003",
    "tcp flags syn / fin,syn,rst,ack",
    "tcp flags != syn",
    "tcp option maxseg exists",
    "icmp type echo-request",
    "icmpv6 type { nd-router-advert, echo-request }",
    "meta skuid 0",
    "meta protocol ip ",
    "counter name \"hits\"",
    "",
];

/// Tests of v4 packets.
const V4: &[&str] = &[
    "ip saddr 10.9.0.2",
    "ip saddr 10.8.0.0/16",
    "ip daddr 172.31.0.2",
    "ip daddr != 172.31.0.0/24",
    "ip saddr @nets4",
    "ip saddr != @nets4",
    "ip daddr 10.0.0.1-10.9.0.9",
    "ip saddr . tcp dport @pairs4",
    "ip protocol udp",
    "ip daddr { 10.9.0.1, 172.31.0.0/24 }",
    "ip saddr & 255.0.0.255 == 10.0.0.2",
    "ip saddr & 0.0.255.0 != 0.0.0.0",
    "ip saddr > 10.8.255.255",
    "ip daddr <= 10.9.0.1",
    "ip option lsrr missing",
    "ip ttl > 0",
    "add @seen4 { ip saddr }",
    "update @seen4 { ip saddr counter }",
    "ip saddr != @seen4",
    "ip saddr . meta l4proto . th dport { 10.9.0.2 . tcp . 1001-1003, 10.8.0.0/16 . udp . 1002 }",
];

fn test(dice: &mut Dice, family: &str, place: Place) -> String {
    let out = ["oifname \"ctr0\"", "oifname != \"ctr0\"", "oifname \"eth*\"", "oifname != \"eth0\""];
    let tracked = [
        "ct state new",
        "ct state established,related",
        "ct state { new, untracked }",
        "ct state invalid",
        "ct state != new",
        "ct status dnat",
        "ct direction original",
        "ct mark 1",
        "ct mark & 0x2 == 0x2",
        "meta l4proto tcp ct original proto-dst 1001",
        "meta l4proto tcp ct original proto-dst 1002-1003",
        "meta l4proto tcp ct reply proto-src 1002",
        "ct helper \"ftp\"",
        "ct state { new, established }",
    ];
    let routed = [
        "fib daddr . iif type local",
        "fib daddr . iif type != local",
        "fib daddr type local",
        "fib daddr type != local",
        "fib saddr . iif oif missing",
        "fib saddr . iif oif exists",
        "fib saddr . mark . iif oif missing",
        "fib saddr . mark oif exists",
    ];
    let v6 = [
        "exthdr frag exists",
        "exthdr frag missing",
        "ip6 saddr fd09::2",
        "ip6 daddr fd31::/64",
        "ip6 saddr @nets6",
        "ip6 daddr != fd31::2",
        "ip6 nexthdr tcp",
    ];
    let inet = [
        "ct reply ip saddr 172.31.0.2",
        "ct reply ip6 saddr != fd31::2",
        "meta nfproto ipv4",
        "meta nfproto ipv6",
        "ct original ip daddr 10.9.0.1",
        "meta protocol ip6",
    ];
    match dice.below(8) {
        0 if place.later => dice.pick(&tracked),
        1 if place.hook == "prerouting" => dice.pick(&routed),
        2 if matches!(place.hook, "forward" | "postrouting") => dice.pick(&out),
        3 | 4 if family == "ip" => dice.pick(V4),
        3 | 4 if family == "ip6" => dice.pick(&v6),
        3 if family == "inet" => dice.pick(V4),
        4 if family == "inet" => dice.pick(&v6),
        5 if family == "inet" && place.later => dice.pick(&inet),
        _ => dice.pick(GENERAL),
    }
    .to_owned()
}

fn action(dice: &mut Dice, family: &str, place: Place) -> String {
    let final_ones = ["accept", "drop", "return", "counter accept", "reject", "counter"];
    let marks = ["meta mark set 1", "meta mark set 2 accept", "meta mark set mark or 0x2", "meta mark set mark and 0xfffffffe"];
    let connection_marks = ["ct mark set mark", "meta mark set ct mark", "ct mark set 0x3"];
    let maps = [
        "tcp dport vmap @goes",
        "iifname vmap { \"eth0\" : drop, \"eth1\" : return }",
        "meta l4proto vmap { tcp : accept, udp : drop }",
        "meta l4proto . th dport vmap @kinds",
        "ct state vmap { established : accept, new : continue, invalid : drop }",
        "numgen inc mod 2 vmap { 0 : accept, 1 : accept }",
        "numgen random mod 2 vmap { 0 : drop, 1 : drop }",
        "icmpv6 type vmap { nd-router-advert : drop, echo-request : drop }",
        "tcp dport vmap { 1001-1002 : drop, 1004 : accept, * : continue }",
    ];
    match dice.below(10) {
        0 => dice.pick(&marks).to_owned(),
        1 if place.later => dice.pick(&connection_marks).to_owned(),
        2 => format!("{}{}", dice.pick(&maps), dice.pick(&["", "", " drop", " accept", " counter drop"])),
        3 if family != "ip6" => "ip saddr . tcp dport vmap { 10.9.0.2 . 1001 : accept, 10.8.0.2 . 1003 : drop }".to_owned(),
        4 | 5 if place.chains > 0 => format!("jump u{}", dice.below(place.chains)),
        6 if place.chains > 0 => format!("goto u{}", dice.below(place.chains)),
        7 if place.hook == "prerouting" && !place.later => "notrack".to_owned(),
        8 if dice.one_in(3) => "limit rate 5/second accept".to_owned(),
        // reject needs to know its hook; user chains are called from several.
        _ if place.hook.is_empty() || place.hook == "prerouting" || place.hook == "postrouting" => {
            dice.pick(&final_ones[..4]).to_owned()
        }
        _ => dice.pick(&final_ones).to_owned(),
    }
}
