//! A large host, as the tools print it: bridges full of containers, and a host firewall that knows many sources.
//!
//! In two forms: the engine and the host firewall write iptables, or both write nftables.

use docker_firewall::model::snapshot::{FILES, Snapshot};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How large a host is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Bridges of the engine.
    pub(crate) bridges: usize,
    /// Containers on each; each publishes one port in both families.
    pub(crate) containers: usize,
    /// Prefixes that the host firewall lets in to some ports.
    pub(crate) prefixes: usize,
    /// Members of the set of addresses that it refuses.
    pub(crate) refused: usize,
    /// Ports that each prefix is let in to by a rule of its own.
    pub(crate) ports: usize,
}

/// 1,000 publications, about 10,000 rules.
pub(crate) const LARGE: Size = Size { bridges: 50, containers: 20, prefixes: 50, refused: 5000, ports: 7 };

/// 20 publications.
pub(crate) const SMALL: Size = Size { bridges: 2, containers: 10, prefixes: 3, refused: 20, ports: 3 };

/// One container.
struct Container {
    bridge: usize,
    number: usize,
    port: usize,
}

impl Container {
    fn v4(&self) -> String {
        format!("172.20.{}.{}", self.bridge, self.number + 2)
    }

    fn v6(&self) -> String {
        format!("fd20:{:x}::{:x}", self.bridge, self.number + 2)
    }
}

impl Size {
    fn all(self) -> impl Iterator<Item = Container> {
        (0..self.bridges * self.containers).map(move |at| Container {
            bridge: at / self.containers,
            number: at % self.containers,
            port: 10_000 + at,
        })
    }

    fn prefix(at: usize, v6: bool) -> String {
        if v6 { format!("2a01:{at:x}::/32") } else { format!("185.{at}.{}.0/22", at * 4 % 256) }
    }

    fn refused(self, v6: bool) -> impl Iterator<Item = String> {
        let address = move |at: usize| {
            if v6 {
                format!("2a02:{:x}::{at:x}", at * 7)
            } else {
                format!("{}.{}.{}.{}", 45 + at % 100, at / 100, at * 7 % 256, at * 13 % 254 + 1)
            }
        };
        (0..self.refused).map(address)
    }
}

fn bridge(at: usize) -> String {
    format!("br-{at:012x}")
}

/// The host, with rules of iptables.
pub(crate) fn iptables(size: Size) -> Snapshot {
    let mut snapshot = facts(size);
    let mut sets = String::new();
    for (name, family, v6) in [("refused", "inet", false), ("refused6", "inet6", true)] {
        let _ = writeln!(sets, "create {name} hash:ip family {family} hashsize 4096 maxelem 65536");
        size.refused(v6).for_each(|member| {
            let _ = writeln!(sets, "add {name} {member}");
        });
    }
    let files = [
        ("ipset-save.txt", sets),
        ("iptables-version.txt", "iptables v1.8.11 (nf_tables)\n".to_owned()),
        ("iptables-save.txt", save(size, false)),
        ("ip6tables-save.txt", save(size, true)),
    ];
    snapshot.files.extend(files.map(|(file, text)| (file.to_owned(), text)));
    snapshot
}

/// All tables of one family, as Engine 28 and a script for the host write them.
fn save(size: Size, v6: bool) -> String {
    let (mut raw, mut filter, mut nat, mut hairpin) = (String::new(), String::new(), String::new(), String::new());
    let (length, set) = if v6 { (128, "refused6") } else { (32, "refused") };
    for chain in ["INPUT", "DOCKER-USER"] {
        let _ = writeln!(filter, "-A {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN");
        let _ = writeln!(filter, "-A {chain} -m set --match-set {set} src -j DROP");
        for at in 0..size.prefixes {
            for port in 0..size.ports {
                let port =
                    if chain == "INPUT" { format!("--dport {}", 10_000 + at + port * 100) } else { "--dport 443".to_owned() };
                let verdict = if chain == "INPUT" { "ACCEPT" } else { "RETURN" };
                let _ =
                    writeln!(filter, "-A {chain} -s {} -i eth{} -p tcp -m tcp {port} -j {verdict}", Size::prefix(at, v6), at % 2);
            }
        }
    }
    filter.push_str("-A INPUT -i lo -j ACCEPT\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n");
    for chain in ["DOCKER-CT", "DOCKER-ISOLATION-STAGE-1", "DOCKER-BRIDGE"] {
        let _ = writeln!(filter, "-A DOCKER-FORWARD -j {chain}");
    }
    for container in size.all() {
        let (own, bridge, port) = (if v6 { container.v6() } else { container.v4() }, bridge(container.bridge), container.port);
        let target = if v6 { format!("[{own}]:80") } else { format!("{own}:80") };
        let _ = writeln!(raw, "-A PREROUTING -d {own}/{length} ! -i {bridge} -j DROP");
        let _ = writeln!(nat, "-A DOCKER ! -i {bridge} -p tcp -m tcp --dport {port} -j DNAT --to-destination {target}");
        let _ = writeln!(hairpin, "-A POSTROUTING -s {own}/{length} -d {own}/{length} -p tcp -m tcp --dport 80 -j MASQUERADE");
        let _ = writeln!(filter, "-A DOCKER -d {own}/{length} ! -i {bridge} -o {bridge} -p tcp -m tcp --dport 80 -j ACCEPT");
    }
    for at in 0..size.bridges {
        let (name, net) = (bridge(at), if v6 { format!("fd20:{at:x}::/64") } else { format!("172.20.{at}.0/24") });
        let _ = writeln!(nat, "-A POSTROUTING -s {net} ! -o {name} -j MASQUERADE");
        let _ = writeln!(filter, "-A DOCKER ! -i {name} -o {name} -j DROP\n-A DOCKER-BRIDGE -o {name} -j DOCKER");
        let _ = writeln!(filter, "-A DOCKER-CT -o {name} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
        let _ = writeln!(filter, "-A DOCKER-FORWARD -i {name} -j ACCEPT");
        let _ = writeln!(filter, "-A DOCKER-ISOLATION-STAGE-1 -i {name} ! -o {name} -j DOCKER-ISOLATION-STAGE-2");
        let _ = writeln!(filter, "-A DOCKER-ISOLATION-STAGE-2 -o {name} -j DROP");
    }
    let own = [
        "DOCKER",
        "DOCKER-BRIDGE",
        "DOCKER-CT",
        "DOCKER-FORWARD",
        "DOCKER-ISOLATION-STAGE-1",
        "DOCKER-ISOLATION-STAGE-2",
        "DOCKER-USER",
    ];
    let chains = own.map(|chain| format!(":{chain} - [0:0]\n")).concat();
    format!(
        "# Generated by iptables-save v1.8.11 (nf_tables)\n*raw\n:PREROUTING ACCEPT [0:0]\n{raw}COMMIT\n\
         *filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n{chains}{filter}COMMIT\n\
         *nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n\
         -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n{nat}{hairpin}COMMIT\n"
    )
}

/// The host, with rules of nftables.
pub(crate) fn nftables(size: Size) -> Snapshot {
    let mut listing = Listing(Vec::new());
    for v6 in [false, true] {
        engine(&mut listing, size, v6);
    }
    firewall(&mut listing, size);
    let mut snapshot = facts(size);
    snapshot.files.insert("nft-ruleset.json".to_owned(), json!({ "nftables": listing.0 }).to_string());
    snapshot
}

/// What `nft -j list ruleset` lists, object by object.
struct Listing(Vec<Value>);

impl Listing {
    fn table(&mut self, family: &str, table: &str) {
        self.0.push(json!({"table": {"family": family, "name": table}}));
    }

    /// A chain; `hook`: its type, hook, priority and policy.
    fn chain(&mut self, family: &str, table: &str, name: &str, hook: Option<(&str, &str, i32, &str)>) {
        let mut chain = json!({"family": family, "table": table, "name": name});
        if let Some((kind, hook, priority, policy)) = hook {
            for (key, value) in
                [("type", json!(kind)), ("hook", json!(hook)), ("prio", json!(priority)), ("policy", json!(policy))]
            {
                chain[key] = value;
            }
        }
        self.0.push(json!({ "chain": chain }));
    }

    fn rule(&mut self, family: &str, table: &str, chain: &str, expressions: &[Value]) {
        self.0.push(json!({"rule": {"family": family, "table": table, "chain": chain, "expr": expressions}}));
    }
}

fn is(op: &str, left: &Value, right: &Value) -> Value {
    json!({"match": {"op": op, "left": left, "right": right}})
}

fn meta(key: &str) -> Value {
    json!({"meta": {"key": key}})
}

fn payload(protocol: &str, field: &str) -> Value {
    json!({"payload": {"protocol": protocol, "field": field}})
}

fn jump(chain: &str) -> Value {
    json!({"jump": {"target": chain}})
}

/// The engine's table of one family, as Engine 29 writes it.
fn engine(listing: &mut Listing, size: Size, v6: bool) {
    let (family, table) = (if v6 { "ip6" } else { "ip" }, "docker-bridges");
    let counter = || json!({"counter": {"packets": 0, "bytes": 0}});
    let established = || is("in", &json!({"ct": {"key": "state"}}), &json!(["established", "related"]));
    listing.table(family, table);
    listing.chain(family, table, "filter-FORWARD", Some(("filter", "forward", 0, "accept")));
    listing.chain(family, table, "raw-PREROUTING", Some(("filter", "prerouting", -300, "accept")));
    listing.chain(family, table, "nat-PREROUTING", Some(("nat", "prerouting", -100, "accept")));
    listing.chain(family, table, "nat-POSTROUTING", Some(("nat", "postrouting", 100, "accept")));
    listing.chain(family, table, "nat-prerouting-and-output", None);
    let local = is("==", &json!({"fib": {"result": "type", "flags": ["daddr"]}}), &json!("local"));
    listing.rule(family, table, "nat-PREROUTING", &[local, counter(), jump("nat-prerouting-and-output")]);
    for (map, chain, key) in [
        ("filter-forward-in", "filter-FORWARD", "oifname"),
        ("filter-forward-out", "filter-FORWARD", "iifname"),
        ("nat-postrouting-out", "nat-POSTROUTING", "iifname"),
    ] {
        let element = |at| json!([bridge(at), jump(&format!("{map}__{}", bridge(at)))]);
        let elements: Vec<Value> = (0..size.bridges).map(element).collect();
        let name = format!("{map}-jumps");
        listing.0.push(json!({"map": {"family": family, "table": table, "name": name, "type": "ifname", "map": "verdict", "elem": elements}}));
        listing.rule(family, table, chain, &[json!({"vmap": {"key": meta(key), "data": format!("@{name}")}})]);
        (0..size.bridges).for_each(|at| listing.chain(family, table, &format!("{map}__{}", bridge(at)), None));
    }
    for at in 0..size.bridges {
        let (into, out) = (format!("filter-forward-in__{}", bridge(at)), format!("filter-forward-out__{}", bridge(at)));
        listing.rule(family, table, &into, &[established(), counter(), json!({"accept": null})]);
        listing.rule(family, table, &into, &[is("==", &meta("iifname"), &json!(bridge(at))), counter(), json!({"accept": null})]);
        listing.rule(family, table, &out, &[counter(), json!({"accept": null})]);
    }
    for container in size.all() {
        let (own, bridge) = (if v6 { container.v6() } else { container.v4() }, bridge(container.bridge));
        let (to, elsewhere) = (is("==", &payload(family, "daddr"), &json!(own)), is("!=", &meta("iifname"), &json!(bridge)));
        let port = |port: usize| is("==", &payload("tcp", "dport"), &json!(port));
        let dnat = json!({"dnat": {"addr": own, "port": 80}});
        listing.rule(family, table, "raw-PREROUTING", &[to.clone(), elsewhere.clone(), counter(), json!({"drop": null})]);
        listing.rule(family, table, "nat-prerouting-and-output", &[elsewhere, port(container.port), counter(), dnat]);
        let into = format!("filter-forward-in__{bridge}");
        listing.rule(family, table, &into, &[to.clone(), port(80), counter(), json!({"accept": null})]);
        let source = is("==", &payload(family, "saddr"), &json!(own));
        let hairpin = [source, to, port(80), counter(), json!({"masquerade": null})];
        listing.rule(family, table, &format!("nat-postrouting-out__{bridge}"), &hairpin);
    }
    for at in 0..size.bridges {
        listing.rule(family, table, &format!("filter-forward-in__{}", bridge(at)), &[counter(), json!({"drop": null})]);
    }
}

/// The host firewall: a table for both families.
fn firewall(listing: &mut Listing, size: Size) {
    let (family, table) = ("inet", "filter");
    listing.table(family, table);
    for (name, kind, v6) in [("refused4", "ipv4_addr", false), ("refused6", "ipv6_addr", true)] {
        let members: Vec<String> = size.refused(v6).collect();
        listing.0.push(json!({"set": {"family": family, "table": table, "name": name, "type": kind, "elem": members}}));
    }
    listing.chain(family, table, "input", Some(("filter", "input", 0, "drop")));
    listing.chain(family, table, "forward", Some(("filter", "forward", -1, "accept")));
    for chain in ["input", "forward"] {
        let established = is("in", &json!({"ct": {"key": "state"}}), &json!(["established", "related"]));
        listing.rule(family, table, chain, &[established, json!({"accept": null})]);
        for (protocol, set) in [("ip", "@refused4"), ("ip6", "@refused6")] {
            listing.rule(family, table, chain, &[is("==", &payload(protocol, "saddr"), &json!(set)), json!({"drop": null})]);
        }
        for at in 0..size.prefixes * size.ports {
            let port = if chain == "input" { 10_000 + at } else { 443 };
            for (protocol, v6) in [("ip", false), ("ip6", true)] {
                let text = Size::prefix(at % size.prefixes, v6);
                let (address, length) = text.split_once('/').unwrap_or_default();
                let prefix = json!({"prefix": {"addr": address, "len": length.parse::<u8>().unwrap_or_default()}});
                let tests = [
                    is("==", &meta("iifname"), &json!(format!("eth{}", at % 2))),
                    is("==", &payload(protocol, "saddr"), &prefix),
                    is("==", &payload("tcp", "dport"), &json!(port)),
                    json!({"accept": null}),
                ];
                listing.rule(family, table, chain, &tests);
            }
        }
    }
}

/// Addresses, routes, settings, networks and containers.
fn facts(size: Size) -> Snapshot {
    let own = |name: &str, v4: String, v6: String, kind: Option<&str>| {
        let addresses = json!([{"local": v4, "prefixlen": 24}, {"local": v6, "prefixlen": 64}]);
        json!({"ifname": name, "flags": ["UP"], "addr_info": addresses, "linkinfo": {"info_kind": kind}})
    };
    let loopback = json!([{"local": "127.0.0.1", "prefixlen": 8}, {"local": "::1", "prefixlen": 128}]);
    let mut links = vec![
        json!({"ifname": "lo", "flags": ["LOOPBACK"], "addr_info": loopback}),
        own("eth0", "198.18.0.1".to_owned(), "2001:2::1".to_owned(), None),
        own("eth1", "10.0.0.1".to_owned(), "fd10::1".to_owned(), None),
    ];
    let mut routes = vec![
        json!({"dst": "default", "dev": "eth0"}),
        json!({"dst": "198.18.0.0/24", "dev": "eth0"}),
        json!({"dst": "10.0.0.0/24", "dev": "eth1"}),
    ];
    let mut routes6 = vec![
        json!({"dst": "default", "dev": "eth0"}),
        json!({"dst": "2001:2::/64", "dev": "eth0"}),
        json!({"dst": "fd10::/64", "dev": "eth1"}),
    ];
    let mut networks = Vec::new();
    for at in 0..size.bridges {
        let (v4, v6) = (format!("172.20.{at}"), format!("fd20:{at:x}::"));
        links.push(own(&bridge(at), format!("{v4}.1"), format!("{v6}1"), Some("bridge")));
        routes.push(json!({"dst": format!("{v4}.0/24"), "dev": bridge(at)}));
        routes6.push(json!({"dst": format!("{v6}/64"), "dev": bridge(at)}));
        let config = json!([{"Subnet": format!("{v4}.0/24")}, {"Subnet": format!("{v6}/64")}]);
        let id = format!("{at:012x}{:052}", 0);
        networks.push(
            json!({"Id": id, "Name": format!("net{at}"), "Driver": "bridge", "EnableIPv6": true, "IPAM": {"Config": config}}),
        );
    }
    let containers = size.all().map(|container| {
        let binding = |host: &str| json!({"HostIp": host, "HostPort": container.port.to_string()});
        let place = json!({"NetworkID": networks[container.bridge]["Id"], "IPAddress": container.v4(), "GlobalIPv6Address": container.v6()});
        json!({"Id": container.port.to_string(), "Name": format!("/app-{}", container.port), "HostConfig": {"NetworkMode": "net"},
            "Config": {"Image": "app", "Labels": {}},
            "NetworkSettings": {"Ports": {"80/tcp": [binding("0.0.0.0"), binding("::")]}, "Networks": {"net": place}}})
    });
    let containers: Vec<Value> = containers.collect();
    let settings = "net.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\nnet.ipv4.conf.all.rp_filter = 0\n\
        net.ipv4.conf.eth0.rp_filter = 2\nnet.ipv4.conf.eth1.rp_filter = 2\nnet.ipv4.conf.all.route_localnet = 0\n\
        net.ipv4.conf.eth0.route_localnet = 0\nnet.ipv4.conf.eth1.route_localnet = 0\n";
    let files = [
        ("ip-addr.json", json!(links).to_string()),
        ("ip-link.json", json!(links).to_string()),
        ("ip-route.json", json!(routes).to_string()),
        ("ip6-route.json", json!(routes6).to_string()),
        ("networks.json", json!(networks).to_string()),
        ("inspect.json", json!(containers).to_string()),
        ("sysctl.txt", settings.to_owned()),
    ];
    let mut snapshot = Snapshot::default();
    snapshot.files.extend(FILES.map(|(file, _)| (file.to_owned(), String::new())));
    snapshot.files.extend(files.map(|(file, text)| (file.to_owned(), text)));
    snapshot
}
