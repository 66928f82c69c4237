//! What the tools of iptables hide, against the kernel and the tools of this machine, in network namespaces of their own.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::thread;

/// A network namespace; it goes when this does.
struct Place(Child);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Place {
    /// None, with a word, where that cannot be made.
    fn make() -> Option<Self> {
        let words =
            ["--net", "sh", "-c", "iptables-nft-save && ip6tables-nft-save && nft list ruleset && echo made && exec sleep 120"];
        let mut place = Self(Command::new("unshare").args(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?);
        let is_made = place.0.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).is_ok();
        if !is_made {
            println!("skipped: root, iptables-nft and nft are needed");
        }
        is_made.then_some(place)
    }

    fn run(&self, command: &str, input: &str) -> String {
        let namespace = format!("--net=/proc/{}/ns/net", self.0.id());
        let words = [&*namespace, "sh", "-c", command];
        let mut child = Command::new("nsenter").args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command}: {input}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn load(&self, rules: &str) {
        self.run("nft -f -", rules);
    }

    /// What is hidden from these saves.
    fn hidden_from(&self, v4: &str, v6: &str) -> Option<String> {
        let file = std::fs::File::open(format!("/proc/{}/ns/net", self.0.id())).unwrap();
        let asking = move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            hidden(&Saves { v4, v6 })
        };
        thread::scope(|scope| scope.spawn(asking).join().unwrap())
    }

    fn hidden(&self) -> Option<String> {
        self.hidden_from(&self.run("iptables-nft-save", ""), &self.run("ip6tables-nft-save", ""))
    }
}

/// What iptables writes in all its own ways, `%` for an address of the family and `^` for a prefix of it.
const RULES: &str = "
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -d % ! -i docker0 -j DROP
-A OUTPUT -j CT --notrack
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A OUTPUT -m mark ! --mark 0x1/0xf -j MARK --set-mark 5
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s ^ ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination %
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER-USER - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -i lo -j ACCEPT
-A INPUT -i eth+ -s % -p tcp -m tcp --dport 22 --syn -j ACCEPT
-A INPUT ! -s ^ -p udp -m udp --sport 53 --dport 1024:65535 -j ACCEPT
-A INPUT -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A INPUT -p tcp -m tcp ! --dport :1023 ! --sport 5:6 -j DROP
-A INPUT -p tcp -m multiport --dports 80,443 -m comment --comment \"the site's\" -j ACCEPT
-A INPUT -m limit --limit 5/min -j LOG
-A INPUT -m mark --mark 7 -j NFLOG --nflog-group 3
-A INPUT ! -p tcp -g DOCKER-USER
-A FORWARD -i eth0 -o docker0 -j DOCKER-USER
-A DOCKER-USER -p tcp -m conntrack --ctorigdstport 8080 --ctdir ORIGINAL -j DROP
-A DOCKER-USER -j REJECT
-A DOCKER-USER -j RETURN
COMMIT
*security
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --tcp-flags ALL NONE -j DROP
COMMIT
";

#[test]
fn nothing_is_hidden_of_what_iptables_writes() {
    let Some(place) = Place::make() else { return };
    assert_eq!(place.hidden_from("", ""), None, "there is nothing at all");
    let rules = |address, prefix| RULES.replace('%', address).replace('^', prefix);
    place.run("iptables-nft-restore", &rules("192.0.2.7", "10.0.0.0/8"));
    for prefix in ["172.16.0.0/12", "192.0.2.0/255.0.255.0"] {
        place.run("iptables-nft-restore --noflush", &format!("*filter\n-A INPUT -s {prefix} -f -j DROP\nCOMMIT\n"));
    }
    place.run("ip6tables-nft-restore", &rules("2001:db8::7", "2001:db8::/37"));
    assert_eq!(place.hidden(), None);
    assert_eq!(
        place.hidden_from("", &place.run("ip6tables-nft-save", "")),
        Some("its kernel holds the table ip raw, which iptables-save does not show".to_owned())
    );
}

#[test]
fn tables_of_others_are_hidden_unless_they_change_nothing() {
    let Some(place) = Place::make() else { return };
    place.run("iptables-nft -A INPUT -j ACCEPT && arptables-nft -A INPUT -j DROP", "");
    place.load("table inet empty { chain input { type filter hook input priority 0; policy accept; }; set ports { type inet_service; }; }");
    place.load("table bridge filter { chain FORWARD { type filter hook forward priority -200; policy accept; }; }");
    assert_eq!(place.hidden(), None);
    for (rules, table) in [
        ("table inet firewalld { chain input { type filter hook input priority 10; policy drop; }; }", "inet firewalld"),
        ("table bridge filter { chain FORWARD { ether saddr 00:11:22:33:44:55 drop; }; }", "bridge filter"),
        ("table ip mine { chain input { type filter hook input priority 10; tcp dport 22 accept; }; }", "ip mine"),
        (
            "table netdev in { chain in { type filter hook ingress device lo priority 0; ip saddr 192.0.2.1 drop; }; }",
            "netdev in",
        ),
    ] {
        place.load(rules);
        assert_eq!(place.hidden(), Some(format!("its kernel holds the table {table}, which iptables-save does not show")));
        place.load(&format!("delete table {table}"));
        assert_eq!(place.hidden(), None);
    }
}

#[test]
fn a_chain_that_iptables_would_not_call_so_is_hidden_in_its_tables() {
    let Some(place) = Place::make() else { return };
    let odd = |why: &str| Some(format!("iptables-save does not show the table ip filter as it is: {why}"));
    for (chain, name) in [
        ("chain foo { type filter hook input priority -10; policy drop; }", "foo"),
        ("chain INPUT { type filter hook input priority 5; policy drop; }", "INPUT"),
        ("chain FORWARD { type filter hook input priority 0; policy drop; }", "FORWARD"),
        ("chain PREROUTING { type filter hook prerouting priority 0; policy drop; }", "PREROUTING"),
        ("chain OUTPUT { type route hook output priority 0; policy drop; }", "OUTPUT"),
        ("chain INPUT { tcp dport 22 drop; }", "INPUT"),
        ("chain DROP { tcp dport 22 accept; }", "DROP"),
    ] {
        place.load(&format!("table ip filter {{ {chain}; }}"));
        assert_eq!(place.hidden(), odd(&format!("iptables makes no chain such as {name}")));
        place.load("delete table ip filter");
    }
    place.load("table ip filter { chain INPUT { type filter hook input priority 0; jump { tcp dport 22 drop; }; }; }");
    assert!(place.hidden().unwrap().contains("iptables makes no chain such as __chain"), "{:?}", place.hidden());
    place.load("delete table ip filter");
    place.load("table ip filter { flags dormant; chain INPUT { type filter hook input priority 0; policy drop; }; }");
    assert_eq!(place.hidden(), odd("it has the flags 0x1"));
}

/// Rules of nft that iptables-save prints as what they are, and what it prints.
const SHOWN: [(&str, &str); 14] = [
    ("tcp dport 22 accept", "-p tcp -m tcp --dport 22 -j ACCEPT"),
    ("tcp dport != 22 drop", "-p tcp -m tcp ! --dport 22 -j DROP"),
    ("udp sport <= 22 drop", "-p udp -m udp --sport 0:22 -j DROP"),
    ("tcp dport > 22 drop", "-p tcp -m tcp --dport 23:65535 -j DROP"),
    ("ip saddr 10.0.0.0/8 ip daddr != 192.0.2.1 drop", "-s 10.0.0.0/8 ! -d 192.0.2.1/32 -j DROP"),
    ("ip saddr & 255.0.255.255 == 10.0.0.1 drop", "-s 10.0.0.1/255.0.255.255 -j DROP"),
    ("iifname \"eth0\" oifname \"br-*\" counter", "-i eth0 -o br-+"),
    ("iifname != \"wg0\" jump bar", "! -i wg0 -j bar"),
    ("meta mark & 0x7 == 0x5 return", "-m mark --mark 0x5/0x7 -j RETURN"),
    ("tcp flags & (syn | ack) == syn goto bar", "-p tcp -m tcp --tcp-flags SYN,ACK SYN -g bar"),
    ("ip protocol 47 accept comment \"gre\"", "-p gre -m comment --comment gre -j ACCEPT"),
    ("meta l4proto != udp drop", "! -p udp -j DROP"),
    ("limit rate 5/second accept", "-m limit --limit 5/sec -j ACCEPT"),
    ("ip frag-off & 0x1fff != 0 drop", "-f -j DROP"),
];

/// Rules of nft that it prints as something else, or as nothing, or of which it says that it does not print them.
const HIDDEN: [&str; 41] = [
    "tcp dport { 80, 443 } drop",
    "tcp dport vmap { 22 : accept, 23 : drop }",
    "ip saddr . tcp dport { 192.0.2.1 . 80 } drop",
    "ip saddr 10.0.0.0-10.0.0.5 drop",
    "ip saddr < 10.0.0.0 drop",
    "ip saddr & 255.0.0.0 > 10.0.0.0 drop",
    "ip saddr & 255.0.0.0 == 10.0.0.1 drop",
    "ip saddr 10.0.0.1 ip saddr 10.0.0.2 drop",
    "meta l4proto { 6, 17 } drop",
    "ip protocol > 6 drop",
    "ip protocol 0 drop",
    "meta l4proto tcp meta l4proto udp drop",
    "tcp dport 80 tcp dport 443 drop",
    "ip protocol != tcp @th,16,16 80 drop",
    "@th,16,16 80 drop",
    "meta l4proto 132 @th,16,16 80 drop",
    "ip saddr 10.0.0.1 tcp dport & 5 == 5 drop",
    "tcp dport >= 1024 drop",
    "tcp dport 80-90 tcp sport > 65535 drop",
    "tcp dport 80 ip saddr 10.0.0.1 drop",
    "tcp flags & (syn | ack) > 2 drop",
    "iifname > \"a\" drop",
    "iifname \"eth+\" drop",
    "iifname \"a b\" drop",
    "iifname { \"eth0\", \"eth1\" } drop",
    "iif lo drop",
    "meta mark & 0x7 > 0x5 drop",
    "meta mark & 0x7 == 0x8 drop",
    "meta mark set 5",
    "meta mark or 0x1 == 0x5 drop",
    "ip ttl 5 drop",
    "ip saddr set 192.0.2.1",
    "ct state new drop",
    "fib saddr type local drop",
    "numgen random mod 2 0 drop",
    "meta pkttype broadcast drop",
    "reject",
    "notrack",
    "continue",
    "dup to 192.0.2.1",
    "log prefix \"x\" drop",
];

#[test]
fn a_rule_of_nft_is_hidden_unless_iptables_prints_it_as_what_it_is() {
    let Some(place) = Place::make() else { return };
    place.load("table ip filter { chain bar { }; chain INPUT { type filter hook input priority 0; }; }");
    let with = |rule: &str| {
        place.load(&format!("flush chain ip filter INPUT; add rule ip filter INPUT {rule}"));
        // It may fail on what it does not know.
        let save = place.run("iptables-nft-save || true", "");
        (place.hidden_from(&save, ""), save)
    };
    for (rule, printed) in SHOWN {
        let (hidden, save) = with(rule);
        assert_eq!(hidden, None, "{rule}");
        assert!(save.contains(&format!("\n-A INPUT {printed}\n")), "{rule}: {save}");
    }
    for rule in HIDDEN {
        let (hidden, save) = with(rule);
        assert!(hidden.is_some_and(|why| why.contains("the table ip filter")), "{rule}: {save}");
    }
}

#[test]
fn a_version_that_does_not_read_what_later_ones_write_hides_it() {
    let Some(place) = Place::make() else { return };
    let by = |version: &str| place.hidden_from(&format!("# Generated by iptables-save {version} on Sat\n*filter\nCOMMIT\n"), "");
    for (rule, last, first) in [
        ("-s 192.0.2.1 -i eth0 -m conntrack --ctstate NEW -j ACCEPT", "v1.8.1 (nf_tables)", "v1.8.2 (nf_tables)"),
        ("-s 10.0.0.0/8 -j ACCEPT", "v1.8.6 (nf_tables)", "v1.8.7 (nf_tables)"),
        ("-p tcp --dport 22 -j ACCEPT", "v1.8.7 (nf_tables)", "v1.8.8 (nf_tables)"),
        ("-m mark --mark 1 -j ACCEPT", "v1.8.7 (nf_tables)", "v1.8.8 (nf_tables)"),
        ("-s 192.0.2.1 -j ACCEPT", "v1.8.9", "v1.8.10 (nf_tables)"),
    ] {
        place.run(&format!("iptables-nft -F INPUT && iptables-nft -A INPUT {rule}"), "");
        assert!(by(last).is_some(), "{last}: {rule}");
        assert_eq!(by(first), None, "{first}: {rule}");
    }
}
