//! A host between two outside neighbours and one container, each in a namespace of its own.

use super::dice::Dice;
use docker_firewall::model::packet::Target;
use docker_firewall::model::snapshot::Snapshot;
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Everything listens on these.
pub const PORTS: [u16; 5] = [1001, 1002, 1003, 1004, 1005];

/// One packet to send.
pub struct Probe {
    /// The connecting neighbour: 0 behind eth0, 1 behind eth1.
    neighbour: usize,
    pub interface: &'static str,
    pub source: IpAddr,
    pub target: Target,
}

/// A process in a namespace, and its pipes.
struct Role {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

pub struct Lab {
    names: [String; 4],
    roles: Vec<Role>,
    fixed: Snapshot,
}

const NETWORK: &str = "
link add eth0 netns H type veth peer name eth0 netns A
link add eth1 netns H type veth peer name eth0 netns B
link add ctr0 netns H type veth peer name eth0 netns C
-n H addr add 10.9.0.1/24 dev eth0
-n H addr add fd09::1/64 dev eth0 nodad
-n H addr add 10.8.0.1/24 dev eth1
-n H addr add fd08::1/64 dev eth1 nodad
-n H addr add 172.31.0.1/24 dev ctr0
-n H addr add fd31::1/64 dev ctr0 nodad
-n A addr add 10.9.0.2/24 dev eth0
-n A addr add fd09::2/64 dev eth0 nodad
-n B addr add 10.8.0.2/24 dev eth0
-n B addr add fd08::2/64 dev eth0 nodad
-n C addr add 172.31.0.2/24 dev eth0
-n C addr add fd31::2/64 dev eth0 nodad";

const LINKS: &str = "
-n H link set lo up
-n H link set eth0 up
-n H link set eth1 up
-n H link set ctr0 up
-n A link set eth0 up
-n B link set eth0 up
-n C link set eth0 up
-n A route add default via 10.9.0.1
-n A -6 route add default via fd09::1
-n B route add default via 10.8.0.1
-n B -6 route add default via fd08::1
-n C route add default via 172.31.0.1
-n C -6 route add default via fd31::1
-n H rule add fwmark 1/1 to 10.8.0.0/15 lookup 7
-n H -6 rule add fwmark 1/1 to fd08::/15 lookup 7
-n H route add unreachable default table 7
-n H -6 route add unreachable default table 7";

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let done = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

impl Lab {
    /// Builds the namespaces; None, with a word, where that cannot be done.
    pub fn build() -> Option<Self> {
        let tag = std::process::id();
        let names = ["H", "A", "B", "C"].map(|name| format!("dfw{tag}{name}"));
        let tools = [("ip", "-V"), ("nft", "--version"), ("iptables", "--version"), ("ip6tables", "--version")];
        if let Some((tool, _)) = tools.iter().find(|(tool, flag)| !succeeds(tool, &[flag])) {
            println!("skipped: there is no {tool} here");
            return None;
        }
        if !names.iter().all(|name| succeeds("ip", &["netns", "add", name])) {
            println!("skipped: network namespaces need root");
            return None;
        }
        let mut lab = Self { names, roles: Vec::new(), fixed: Snapshot::default() };
        lab.wire();
        let sets = "create lab-nets hash:net\nadd lab-nets 10.9.0.0/25\nadd lab-nets 172.31.0.0/30\ncreate lab-pairs hash:ip,port\n\
                    add lab-pairs 10.8.0.2,tcp:1002\nadd lab-pairs 10.9.0.2,udp:1003\ncreate lab-ports bitmap:port range 1000-1010\nadd lab-ports 1004\n\
                    create lab-hole hash:net\nadd lab-hole 10.0.0.0/8\nadd lab-hole 10.9.0.0/16 nomatch\nadd lab-hole 10.9.0.2\n\
                    create lab-coarse hash:ip netmask 24\nadd lab-coarse 10.8.0.0\ncreate lab-link hash:net,iface\nadd lab-link 10.0.0.0/8,eth1\n\
                    create lab-span bitmap:ip range 10.9.0.0/24\nadd lab-span 10.9.0.1-10.9.0.5\n\
                    create lab-lists list:set\nadd lab-lists lab-nets\nadd lab-lists lab-coarse\n\
                    create lab-seen hash:ip\n";
        if !lab.feed("ipset restore", sets) {
            println!("there is no ipset here: rules with sets will be refused");
        }
        for (name, role) in [(0, "listen"), (3, "listen"), (1, "connect"), (2, "connect")] {
            let role = lab.start(name, role);
            lab.roles.push(role);
        }
        let files = [
            ("ip-addr.json", "ip -j addr"),
            ("ip-link.json", "ip -j -d link"),
            ("ip-route.json", "ip -j route show table all"),
            ("ip6-route.json", "ip -j -6 route show table all"),
            ("ip-rule.json", "ip -j rule"),
            ("ip6-rule.json", "ip -j -6 rule"),
            ("sysctl.txt", "sysctl -a"),
            ("iptables-version.txt", "iptables --version"),
        ];
        for (file, command) in files {
            let text = lab.print(command);
            lab.fixed.files.insert(file.to_owned(), text);
        }
        for file in ["ss.txt", "networks.json", "inspect.json"] {
            lab.fixed.files.insert(file.to_owned(), String::new());
        }
        lab.warm_up();
        Some(lab)
    }

    /// Neighbours must have found each other: until then packets are lost that no rule refuses.
    fn warm_up(&mut self) {
        for at in 0..30 {
            let probes = Self::probes(&mut Dice::of(at));
            if at > 3 && self.send(&probes, 500).iter().all(|open| *open) {
                return;
            }
        }
        panic!("without any rules, packets are lost");
    }

    fn wire(&self) {
        let name = |word: &str| match word {
            "H" => self.names[0].clone(),
            "A" => self.names[1].clone(),
            "B" => self.names[2].clone(),
            "C" => self.names[3].clone(),
            other => other.to_owned(),
        };
        for line in NETWORK.lines().chain(LINKS.lines()).filter(|line| !line.is_empty()) {
            let words: Vec<String> = line.split_whitespace().map(name).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert!(succeeds("ip", &words), "ip {line}");
        }
        for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0"] {
            assert!(succeeds("ip", &["netns", "exec", &self.names[0], "sysctl", "-qw", setting]), "{setting}");
        }
    }

    fn start(&self, at: usize, role: &str) -> Role {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.names[at]])
            .arg(program)
            .args(["--exact", "role", "--ignored", "--nocapture", "--quiet"])
            .env("KERNEL_ROLE", role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut role = Role { input: child.stdin.take().unwrap(), output: BufReader::new(child.stdout.take().unwrap()), child };
        assert_eq!(role.answer(), "ready");
        role
    }

    /// What a command prints in the host's namespace.
    fn print(&self, command: &str) -> String {
        let words = command.split_whitespace();
        let done = Command::new("ip").args(["netns", "exec", &self.names[0]]).args(words).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    }

    /// True if a command takes its input.
    fn feed(&self, command: &str, text: &str) -> bool {
        let words = command.split_whitespace();
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.names[0]])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(if std::env::var_os("KERNEL_LOUD").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait().unwrap().success()
    }

    /// Takes all rules away.
    pub fn flush(&self) {
        self.print("nft flush ruleset");
        self.print("ipset flush lab-seen");
        for tool in ["iptables-legacy-restore", "ip6tables-legacy-restore"] {
            let empty = |table: &str, chains: &[&str]| {
                let chains: Vec<String> = chains.iter().map(|chain| format!(":{chain} ACCEPT")).collect();
                format!("*{table}\n{}\nCOMMIT\n", chains.join("\n"))
            };
            let tables = [
                empty("raw", &["PREROUTING", "OUTPUT"]),
                empty("mangle", &["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]),
                empty("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"]),
                empty("filter", &["INPUT", "FORWARD", "OUTPUT"]),
            ];
            self.feed(tool, &tables.concat());
        }
    }

    /// True if the tools took the rules. Where they did not, what they did take stays until the next flush.
    pub fn load(&self, nft: &str, rules4: Option<&str>, rules6: Option<&str>, legacy: bool) -> bool {
        let restore = |family: &str| if legacy { format!("{family}-legacy-restore") } else { format!("{family}-nft-restore") };
        (nft.is_empty() || self.feed("nft -f -", nft))
            && rules4.is_none_or(|text| self.feed(&restore("iptables"), text))
            && rules6.is_none_or(|text| self.feed(&restore("ip6tables"), text))
    }

    /// The host as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.fixed.clone();
        let files = [
            ("nft-ruleset.json", "nft -j list ruleset"),
            ("nft-ruleset.txt", "nft list ruleset"),
            ("iptables-save.txt", "iptables-nft-save -c"),
            ("ip6tables-save.txt", "ip6tables-nft-save -c"),
            ("iptables-legacy-save.txt", "iptables-legacy-save"),
            ("ip6tables-legacy-save.txt", "ip6tables-legacy-save"),
            ("ipset-save.txt", "ipset save"),
        ];
        for (file, command) in files {
            snapshot.files.insert(file.to_owned(), self.print(command));
        }
        snapshot
    }

    /// A few packets from each neighbour. A datagram goes to addresses that are sure to answer from the same.
    pub fn probes(dice: &mut Dice) -> Vec<Probe> {
        let neighbours =
            [("eth0", "10.9.0.2", "fd09::2", ["10.9.0.1", "fd09::1"]), ("eth1", "10.8.0.2", "fd08::2", ["10.8.0.1", "fd08::1"])];
        let mut probes = Vec::new();
        for (neighbour, (interface, v4, v6, gateways)) in neighbours.into_iter().enumerate() {
            for _ in 0..10 {
                let protocol = if dice.one_in(4) { "udp" } else { "tcp" };
                let container = dice.pick(&["172.31.0.2", "fd31::2"]);
                let address = match dice.below(5) {
                    0 if protocol == "tcp" => dice.pick(&["10.9.0.1", "10.8.0.1", "172.31.0.1", "fd09::1", "fd08::1"]),
                    1 | 2 => container,
                    _ => gateways[dice.below(2)],
                };
                let port = PORTS[dice.below(PORTS.len())];
                let address: IpAddr = address.parse().unwrap();
                let text = if address.is_ipv6() {
                    format!("[{address}]:{port}/{protocol}")
                } else {
                    format!("{address}:{port}/{protocol}")
                };
                let source = if address.is_ipv6() { v6 } else { v4 };
                probes.push(Probe { neighbour, interface, source: source.parse().unwrap(), target: text.parse().unwrap() });
            }
        }
        probes
    }

    /// Sends the packets; true where one was let through.
    pub fn send(&mut self, probes: &[Probe], patience: u64) -> Vec<bool> {
        let mut results = vec![false; probes.len()];
        for neighbour in 0..2 {
            let mine: Vec<usize> = (0..probes.len()).filter(|at| probes[*at].neighbour == neighbour).collect();
            if mine.is_empty() {
                continue;
            }
            let words = mine.iter().map(|at| {
                let Target { address, port, protocol } = probes[*at].target;
                format!("{protocol} {}", std::net::SocketAddr::new(address, port))
            });
            let role = &mut self.roles[2 + neighbour];
            writeln!(role.input, "{patience} {}", words.collect::<Vec<_>>().join(" ")).unwrap();
            let answer = role.answer();
            for (at, digit) in mine.into_iter().zip(answer.chars()) {
                results[at] = digit == '1';
            }
        }
        results
    }
}

impl Role {
    /// The next line that is meant for us; the test harness prints others.
    fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "a process of the lab has ended");
            if let Some(answer) = line.split_once("> ") {
                return answer.1.trim().to_owned();
            }
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for role in &mut self.roles {
            let _ = role.child.kill();
            let _ = role.child.wait();
        }
        for name in &self.names {
            succeeds("ip", &["netns", "del", name]);
        }
    }
}
