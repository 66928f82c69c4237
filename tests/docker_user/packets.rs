//! Real packets to a locked host, through the rules of both backends: a neighbour, a container, and a virtual machine behind a bridge of
//! somebody else send to each other. Nobody listens: whom a packet comes to says so, and what is dropped is not answered.

use crate::island::Island;
use crate::{plan, sights};
use docker_firewall::model::guard::Wish;
use docker_firewall::model::lock::Backend;
use docker_firewall::model::moment;
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::remedy::lock;
use serde_json::json;
use std::time::Duration;

/// `eth0` to a neighbour N, `docker0` to a container C, `br-lan` to a virtual machine V.
const NETWORK: &str = "
set -e
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
for name in N C V; do ip netns add $name; ip -n $name link set lo up; done
ip link add eth0 type veth peer name eth0 netns N
for bridge in docker0:C br-lan:V; do
  ip link add ${bridge%:*} type bridge
  ip link set ${bridge%:*} up
  ip link add v${bridge#*:} type veth peer name eth0 netns ${bridge#*:}
  ip link set v${bridge#*:} master ${bridge%:*} up
done
ip link set eth0 up
join() { # interface, the host's addresses, namespace, its addresses
  ip addr add $2 dev $1; ip addr add $3 dev $1 nodad
  ip -n $4 addr add $5 dev eth0; ip -n $4 addr add $6 dev eth0 nodad; ip -n $4 link set eth0 up
  ip -n $4 route add default via ${2%/*}; ip -n $4 route add default via ${3%/*}
}
join eth0 198.51.100.1/24 2001:db8::1/64 N 198.51.100.2/24 2001:db8::2/64
join docker0 172.17.0.1/16 fd17::1/64 C 172.17.0.2/16 fd17::2/64
join br-lan 192.168.77.1/24 fd77::1/64 V 192.168.77.2/24 fd77::2/64
";

/// Networks of the engine's that are made after the lock: one with a container L, and one whose bridge its owner named, with O and P.
const LATER: &str = "
set -e
join() { # bridge, the host's address, namespace, its address
  ip netns add $3; ip -n $3 link set lo up
  ip link show $1 >/dev/null 2>&1 || { ip link add $1 type bridge; ip link set $1 up; ip addr add $2 dev $1; }
  ip link add v$3 type veth peer name eth0 netns $3; ip link set v$3 master $1 up
  ip -n $3 addr add $4 dev eth0; ip -n $3 link set eth0 up; ip -n $3 route add default via ${2%/*}
}
join br-0123456789ab 172.18.0.1/16 L 172.18.0.2/16
join own0 172.19.0.1/16 O 172.19.0.2/16
join own0 172.19.0.1/16 P 172.19.0.3/16
";

/// What then may be sent.
const SENT_LATER: [Sent; 10] = [
    ("N", "172.18.0.2", 80, false),
    ("V", "172.18.0.2", 80, false),
    ("L", "198.51.100.2", 443, true),
    ("N", "172.19.0.2", 80, false),
    ("V", "172.19.0.2", 80, false),
    ("O", "198.51.100.2", 443, true),
    // Bridged frames pass the filters here.
    ("O", "172.19.0.3", 80, true),
    ("P", "172.19.0.2", 80, true),
    ("O", "198.51.100.1", 8080, true),
    ("L", "198.51.100.1", 8080, true),
];

/// What the engine and the host firewall have loaded: 8080 and 8443 are published, 8443 and 22 are permitted.
fn tables(is_v6: bool) -> String {
    let (container, icmp) = if is_v6 { ("[fd17::2]:80", "-p ipv6-icmp") } else { ("172.17.0.2:80", "-p icmp") };
    format!(
        "*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination {container}
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8443 -j DNAT --to-destination {container}
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:DOCKER-USER - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT {icmp} -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22,8443 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -j RETURN
COMMIT
"
    )
}

/// What the engine says: a container that publishes both ports.
fn snapshot(island: &Island) -> Snapshot {
    let binding = |port: &str| ["0.0.0.0", "::"].map(|address| json!({ "HostIp": address, "HostPort": port }));
    let bindings: Vec<_> = binding("8080").into_iter().chain(binding("8443")).collect();
    let networks = json!([{
        "Name": "bridge", "Id": "b0", "Driver": "bridge", "EnableIPv6": true,
        "Options": { "com.docker.network.bridge.name": "docker0" },
        "IPAM": { "Config": [{ "Subnet": "172.17.0.0/16" }, { "Subnet": "fd17::/64" }] },
    }]);
    let inspected = json!([{
        "Name": "/web", "Id": "c0", "State": { "Running": true }, "Config": {}, "HostConfig": { "NetworkMode": "bridge" },
        "NetworkSettings": {
            "Ports": { "80/tcp": bindings },
            "Networks": { "bridge": { "NetworkID": "b0", "IPAddress": "172.17.0.2", "GlobalIPv6Address": "fd17::2" } },
        },
    }]);
    let mut snapshot = Snapshot::default();
    for (file, command) in [
        ("clock.txt", "date +%s"),
        ("ip-addr.json", "ip -j addr"),
        ("ip-link.json", "ip -j -d link"),
        ("ip-route.json", "ip -j -4 route show table all"),
        ("ip6-route.json", "ip -j -6 route show table all"),
        ("ip-rule.json", "ip -j -4 rule"),
        ("ip6-rule.json", "ip -j -6 rule"),
        ("sysctl.txt", "sysctl net.ipv4 net.ipv6 net.bridge 2>/dev/null"),
        ("nft-ruleset.json", "nft -j list ruleset"),
    ] {
        snapshot.files.insert(file.to_owned(), island.run(command));
    }
    for file in ["ss.txt", "iptables-version.txt", "iptables-legacy-save.txt", "ip6tables-legacy-save.txt", "ipset-save.txt"] {
        snapshot.files.insert(file.to_owned(), String::new());
    }
    snapshot.files.insert("networks.json".to_owned(), networks.to_string());
    snapshot.files.insert("inspect.json".to_owned(), inspected.to_string());
    snapshot
}

/// Who sends, to whom, which port, and whether the lock lets it come there.
type Sent = (&'static str, &'static str, u16, bool);

const SENT: [Sent; 22] = [
    // From outside to published ports, to containers themselves, to the host.
    ("N", "198.51.100.1", 8080, false),
    ("N", "198.51.100.1", 8443, true),
    ("N", "198.51.100.1", 22, true),
    ("N", "2001:db8::1", 8080, false),
    ("N", "2001:db8::1", 8443, true),
    ("N", "2001:db8::1", 22, true),
    ("N", "172.17.0.2", 80, false),
    ("N", "172.17.0.2", 443, false),
    ("N", "fd17::2", 80, false),
    ("V", "192.168.77.1", 8080, false),
    ("V", "fd77::1", 8080, false),
    ("V", "172.17.0.2", 80, false),
    // What is not the lock's: what others forward, and what containers send.
    ("N", "192.168.77.2", 80, true),
    ("N", "fd77::2", 80, true),
    ("V", "198.51.100.2", 443, true),
    ("V", "2001:db8::2", 443, true),
    ("C", "198.51.100.2", 443, true),
    ("C", "2001:db8::2", 443, true),
    ("C", "198.51.100.2", 8080, true),
    ("C", "192.168.77.2", 80, true),
    ("C", "fd77::2", 80, true),
    ("C", "172.17.0.1", 22, true),
];

/// Holds what becomes of packets against what should.
fn send(island: &Island, sent: &[Sent], title: &str) {
    let answers = knock(island, sent, 1);
    for (sent, came) in sent.iter().zip(answers) {
        let (from, to, port, comes) = sent;
        // A machine under load may answer late: who seems not to answer is asked once more, with patience.
        let came = came || *comes && knock(island, std::slice::from_ref(sent), 10)[0];
        assert_eq!(came, *comes, "{title}: {from} to {to} port {port}");
    }
}

/// True for each packet that came to somebody. `patience`: how long an answer is waited for, in seconds.
fn knock(island: &Island, sent: &[Sent], patience: u32) -> Vec<bool> {
    let knock = |(at, (from, to, port, _)): (usize, &Sent)| {
        format!("(ip netns exec {from} timeout {patience} bash -c ': < /dev/tcp/{to}/{port}' 2>/dev/null; echo $? {at}) &")
    };
    let said = island.run(&format!("{}\nwait", sent.iter().enumerate().map(knock).collect::<Vec<_>>().join("\n")));
    // 1: it was refused by whom it came to; 124: nobody answered.
    let came = |at| match said.lines().find_map(|line| line.strip_suffix(&format!(" {at}"))) {
        Some("1") => true,
        Some("124") => false,
        other => panic!("packet {at} came to {other:?}"),
    };
    (0..sent.len()).map(came).collect()
}

#[test]
fn packets_come_where_the_lock_lets_them_and_nowhere_else() {
    for form in ["nft", "legacy"] {
        for backend in [Backend::Nftables, Backend::DockerUser] {
            let title = format!("{} with iptables-{form}", backend.name());
            let Some(island) = Island::make() else { return };
            island.run(NETWORK);
            for (tool, is_v6) in [("iptables", false), ("ip6tables", true)] {
                island.feed(&format!("{tool}-{form}-restore"), &tables(is_v6));
            }
            let all = SENT.map(|(from, to, port, _)| (from, to, port, true));
            send(&island, &all, "without a lock");

            let host = island.host(&snapshot(&island), form);
            island.load(&lock::plan(&host, &Wish::default(), backend, &sights).unwrap().script.loads, form);
            send(&island, &SENT, &title);

            island.run(LATER);
            send(&island, &SENT_LATER, &title);

            // The host firewall is gone for a moment, and docker-proxy serves.
            for tool in ["iptables", "ip6tables"] {
                island.run(&format!("{tool}-{form} -P INPUT ACCEPT; {tool}-{form} -t nat -F"));
            }
            let proxied = ["198.51.100.1", "2001:db8::1"].map(|to| ("N", to, 8080, false));
            let others = ["198.51.100.1", "2001:db8::1"].map(|to| ("N", to, 9999, true));
            send(&island, &[proxied, others].concat(), &title);

            island.load(&lock::removal(&island.host(&snapshot(&island), form), None), form);
            send(&island, &proxied.map(|(from, to, port, _)| (from, to, port, true)), "after the lock");
        }
    }
}

#[test]
fn a_lock_for_a_while_ends_by_itself() {
    for form in ["nft", "legacy"] {
        let Some(island) = Island::make() else { return };
        island.run(NETWORK);
        for (tool, is_v6) in [("iptables", false), ("ip6tables", true)] {
            island.feed(&format!("{tool}-{form}-restore"), &tables(is_v6));
        }
        let refused = [("N", "198.51.100.1", 8080, false), ("N", "2001:db8::1", 8080, false)];
        let host = island.host(&snapshot(&island), form);
        let wish = Wish { lasts: Some(Duration::from_secs(900)), ..Wish::default() };
        let mut loads = plan(&host, &wish).script.loads;
        island.load(&loads, form);
        send(&island, &refused, form);
        // The same, when that time is over.
        for load in &mut loads {
            let (before, end) = load.text.split_once("--datestart ").unwrap();
            let (over, rest) = (moment::written(host.moment.unwrap() - 2), &end[19..]);
            let again = rest.replace(&end[..19], &over);
            load.text = format!("{before}--datestart {over}{again}");
        }
        island.load(&loads, form);
        send(&island, &refused.map(|(from, to, port, _)| (from, to, port, true)), form);
    }
}
