//! Locks in the tables of iptables: what they close and leave open on the saved hosts, what the kernel makes of their rules in both forms
//! of iptables, and that nothing stays of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../common/hosts.rs"]
mod hosts;
mod island;
mod packets;
#[path = "../common/plans.rs"]
mod plans;
#[path = "../common/sent.rs"]
mod sent;

use docker_firewall::judge::court::Court;
use docker_firewall::judge::doors;
use docker_firewall::judge::whatif;
use docker_firewall::model::guard::Wish;
use docker_firewall::model::host::{Address, Host, Link, Network, Route};
use docker_firewall::model::lock::{Backend, Load, Refusal};
use docker_firewall::model::packet::{Packet, Protocol};
use docker_firewall::model::ruleset::{Chain, Origin, Policy, Table, TableFamily};
use docker_firewall::model::snapshot::Snapshot;
use docker_firewall::model::verdict::Verdict;
use docker_firewall::remedy::lock::{self, Found, Plan};
use hosts::saved_hosts;
use island::Island;
use plans::{allowing, sights};
use sent::packet;
use serde_json::Value;
use std::time::Duration;

fn try_plan(host: &Host, wish: &Wish) -> Result<Plan, Refusal> {
    plans::try_plan(host, wish, Backend::DockerUser)
}

fn plan(host: &Host, wish: &Wish) -> Plan {
    try_plan(host, wish).unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// When the saved hosts are taken to have been seen.
const NOW: &str = "1767225600\n";

/// The saved hosts whose engine writes iptables, with the form of it that they use.
fn iptables_hosts() -> impl Iterator<Item = (String, Snapshot, &'static str)> {
    saved_hosts().filter(|(name, _)| name.contains("-iptables-")).map(|(name, mut snapshot)| {
        snapshot.files.insert("clock.txt".to_owned(), NOW.to_owned());
        let form = if name.contains("-iptables-legacy-") { "legacy" } else { "nft" };
        (name, snapshot, form)
    })
}

#[test]
fn an_engine_that_writes_no_iptables_has_no_chain_for_the_lock() {
    let (_, snapshot) = saved_hosts().find(|(name, _)| name.contains("-nftables-")).unwrap();
    assert_eq!(try_plan(&snapshot.host(), &Wish::default()).unwrap_err(), Refusal::NoChain);
}

#[test]
fn both_backends_do_the_same_on_the_saved_hosts() {
    for (name, snapshot, _) in iptables_hosts() {
        let host = snapshot.host();
        for wish in [
            Wish::default(),
            Wish { refuses_all: true, is_curtain: true, ..Wish::default() },
            allowing(&["8080/tcp from 198.51.100.0/24, 2001:db8::/32", "8086/tcp in eth1"]),
        ] {
            let nft = lock::plan(&host, &wish, Backend::Nftables, &sights).unwrap();
            let iptables = plan(&host, &wish);
            assert_eq!(nft.account, iptables.account, "{name}");
            let [nft, iptables] = [nft, iptables].map(|plan| Court::of(&plan.script.host));
            let probes: Value = serde_json::from_str(&snapshot.files["probes.json"]).unwrap();
            for probe in ["probes", "inside"].iter().flat_map(|kind| probes[*kind].as_array().unwrap()) {
                let packet = packet(&host, probe);
                let [nft, iptables] = [&nft, &iptables].map(|court| court.assess(&packet).actual.verdict);
                assert_eq!(nft, iptables, "{name}: {packet}");
            }
        }
    }
}

#[test]
fn a_lock_is_nobodys_intent() {
    for (name, snapshot, _) in iptables_hosts() {
        let host = snapshot.host();
        let locked = plan(&host, &Wish { refuses_all: true, ..Wish::default() }).script.host;
        let [without, with] = [&host, &locked].map(|host| texts(&whatif::without_engine(host).ruleset.tables));
        assert_eq!(without, with, "{name}");
        assert_eq!(texts(&lock::unlocked(&locked).ruleset.tables), texts(&host.ruleset.tables), "{name}");
    }
}

/// Every rule, with where it stands; chains that the table need not have are left out where they are empty.
fn texts(tables: &[Table]) -> Vec<String> {
    let of_chain = |title: String, chain: &Chain| -> Vec<String> {
        chain.rules.iter().map(|rule| format!("{title} {}: {}", chain.name, rule.text)).collect()
    };
    tables.iter().flat_map(|table| table.chains.values().flat_map(move |chain| of_chain(table.title(), chain))).collect()
}

#[test]
fn a_chain_of_our_name_that_is_not_ours_is_named() {
    let (_, mut snapshot, _) = iptables_hosts().next().unwrap();
    let text = snapshot.files.get_mut("iptables-save.txt").unwrap();
    *text = text
        .replace(":DOCKER-USER - ", ":DFW-9 - [0:0]\n:DOCKER-USER - ")
        .replace("-A DOCKER-USER ", "-A DFW-9 -j DROP\n-A DOCKER-USER ");
    let foreign = lock::foreign(&snapshot.host()).unwrap();
    assert!(foreign.starts_with("a chain DFW-9 in "), "{foreign}");
    assert!(lock::found(&snapshot.host()).is_empty());
}

#[test]
fn where_the_engine_has_no_chain_in_v6_or_is_asked_too_late_forward_has_the_jump() {
    let jumps =
        |load: &Load| -> Vec<String> { load.text.lines().filter(|line| line.starts_with("-I ")).map(str::to_owned).collect() };
    let usual = ["-I DOCKER-USER 1 -j DFW", "-I INPUT 1 -j DFW-INPUT"];
    for (name, snapshot, _) in iptables_hosts() {
        let loads = plan(&snapshot.host(), &Wish::default()).script.loads;
        let v6 = if name.starts_with("engine-28") { usual } else { ["-I FORWARD 1 -j DFW", usual[1]] };
        assert_eq!(
            (jumps(&loads[0]), jumps(&loads[1])),
            (usual.map(str::to_owned).into(), v6.map(str::to_owned).into()),
            "{name}"
        );
        let mut late = snapshot.clone();
        let text = late.files.get_mut("iptables-save.txt").unwrap();
        *text = text.replace("[0:0] -A FORWARD", "-A FORWARD");
        let first = text.find("-A FORWARD").map(|at| text[..at].rfind('\n').unwrap() + 1).unwrap();
        text.insert_str(first, "-A FORWARD -o docker0 -j ACCEPT\n");
        let listing = late.files.get_mut("nft-ruleset.json").unwrap();
        *listing = with_first_rule(listing);
        let loads = plan(&late.host(), &Wish::default()).script.loads;
        assert_eq!(jumps(&loads[0]), [usual[0], "-I FORWARD 1 -j DFW", usual[1]], "{name}");
    }
}

/// nft's listing with the same rule before all others of FORWARD; without that chain, as it is.
fn with_first_rule(listing: &str) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(listing) else { return listing.to_owned() };
    let objects = document["nftables"].as_array_mut().unwrap();
    let is_of_forward = |object: &Value| {
        let rule = &object["rule"];
        (rule["family"].as_str(), rule["table"].as_str(), rule["chain"].as_str()) == (Some("ip"), Some("filter"), Some("FORWARD"))
    };
    if let Some(at) = objects.iter().position(is_of_forward) {
        let mut rule = objects[at].clone();
        let leaves = serde_json::json!({"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "docker0"}});
        rule["rule"]["expr"] = serde_json::json!([leaves, {"accept": null}]);
        objects.insert(at, rule);
    }
    document.to_string()
}

#[test]
fn the_lock_is_put_where_the_engines_chains_are_by_the_tool_of_that_form() {
    let tools = |snapshot: &Snapshot| plan(&snapshot.host(), &Wish::default()).script.loads.into_iter().map(|load| load.words);
    let words = |tool: &str| [tool, "-w", "5", "--noflush"].map(str::to_owned).to_vec();
    for (name, snapshot, form) in iptables_hosts() {
        assert!(tools(&snapshot).eq([words("iptables-restore"), words("ip6tables-restore")]), "{name}");
        // The same rules on a host whose plain iptables has the other form.
        let mut other = snapshot.clone();
        let version = if form == "legacy" { "iptables v1.8.9 (nf_tables)" } else { "iptables v1.8.9 (legacy)" };
        other.files.insert("iptables-version.txt".to_owned(), version.to_owned());
        for tool in ["iptables", "ip6tables"] {
            let text = other.files.insert(format!("{tool}-save.txt"), String::new()).unwrap();
            other.files.insert(format!("{tool}-{form}-save.txt"), text);
        }
        let long = [format!("iptables-{form}-restore"), format!("ip6tables-{form}-restore")];
        assert!(tools(&other).eq(long.map(|tool| words(&tool))), "{name}");
    }
}

#[test]
fn where_only_the_other_form_has_a_table_of_v6_the_lock_makes_none() {
    let (_, snapshot, _) = iptables_hosts().find(|(_, _, form)| *form == "legacy").unwrap();
    let mut host = snapshot.host();
    let is_filter = |table: &Table, family| table.family == family && table.name == "filter";
    let mut other = host.ruleset.tables.iter().find(|table| is_filter(table, TableFamily::Ip)).unwrap().clone();
    other.chains.retain(|_, chain| chain.base.is_some());
    other.chains.values_mut().for_each(|chain| chain.rules.clear());
    host.ruleset.tables.retain(|table| !is_filter(table, TableFamily::Ip6));
    host.ruleset.tables.push(Table { family: TableFamily::Ip6, origin: Origin::Iptables, ..other });
    let loads = plan(&host, &Wish { refuses_all: true, ..Wish::default() }).script.loads;
    let tools: Vec<&str> = loads.iter().map(|load| &*load.words[0]).collect();
    assert_eq!(tools, ["iptables-restore", "ip6tables-nft-restore"]);
}

/// The host with one more interface and the route by it.
fn with_link(host: &Host, name: &str, kind: &str, address: &str) -> Host {
    let mut host = host.clone();
    let net: ipnet::IpNet = address.parse().unwrap();
    host.links.push(Link {
        name: name.into(),
        kind: Some(kind.to_owned()),
        master: None,
        is_loopback: false,
        addresses: vec![Address { net, broadcast: None }],
        programs: Vec::new(),
    });
    host.routes.push(Route {
        table: "main".to_owned(),
        destination: net.trunc(),
        devices: vec![name.into()],
        metric: 0,
        kind: "unicast".to_owned(),
    });
    host
}

/// A host where nothing but the lock refuses anything.
fn unguarded(snapshot: &Snapshot) -> Host {
    let mut host = snapshot.host();
    host.ruleset.tables.retain(|table| table.family != TableFamily::Inet && table.name != "raw");
    for table in host.ruleset.tables.iter_mut().filter(|table| table.name == "filter") {
        for chain in table.chains.values_mut().filter(|chain| &*chain.name != "DOCKER-USER") {
            chain.rules.retain(|rule| rule.text.contains("-j DOCKER-USER"));
            chain.base.iter_mut().for_each(|base| base.policy = Policy::Accept);
        }
    }
    host.settings.insert("net/ipv4/ip_forward".to_owned(), "1".to_owned());
    host
}

/// Somebody by `eth0`.
fn neighbour(host: &Host) -> String {
    let own = host.link("eth0").unwrap().addresses.iter().find(|own| own.net.addr().is_ipv4()).unwrap().net;
    own.hosts().nth(1).unwrap().to_string()
}

/// The host with one more network of the engine's, on a bridge that its owner named.
fn with_network(host: &Host, bridge: &str, gateway: &str) -> Host {
    let mut host = with_link(host, bridge, "bridge", gateway);
    let network = host.networks.iter().find(|network| network.bridge.as_deref() == Some("docker0")).unwrap().clone();
    let subnets = vec![gateway.parse::<ipnet::IpNet>().unwrap().trunc()];
    host.networks.push(Network { id: bridge.to_owned(), bridge: Some(bridge.to_owned()), subnets, ..network });
    host
}

fn verdict(court: &Court, interface: &str, source: &str, destination: &str, port: u16) -> Verdict {
    let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
    court.assess(&Packet { interface: interface.into(), source, destination, port, protocol: Protocol::TCP }).actual.verdict
}

#[test]
fn an_interface_of_a_later_time_is_guarded_if_it_may_be_the_engines_and_works() {
    for (name, snapshot, _) in iptables_hosts() {
        let mut host = unguarded(&snapshot);
        for setting in ["rp_filter", "route_localnet"] {
            host.settings.insert(format!("net/ipv4/conf/br-lan/{setting}"), "0".to_owned());
        }
        let neighbour = neighbour(&host);
        let wish = Wish { refuses_all: true, ..allowing(&["8080/tcp"]) };
        let locked = plan(&with_link(&host, "br-lan", "bridge", "192.168.77.1/24"), &wish).script.host;
        for bridge in ["br-0a1b2c3d4e5f", "web0"] {
            let court = Court::of(&with_link(&locked, bridge, "bridge", "172.31.0.1/16"));
            assert_eq!(verdict(&court, "eth0", &neighbour, "172.31.0.2", 80), Verdict::Closed, "{name}: to {bridge}");
            assert_eq!(verdict(&court, bridge, "172.31.0.2", &neighbour, 443), Verdict::Open, "{name}: from {bridge}");
        }
        let court = Court::of(&with_link(&locked, "tun0", "tun", "172.31.0.1/16"));
        assert_eq!(verdict(&court, "eth0", &neighbour, "172.31.0.2", 80), Verdict::Open, "{name}: through a later tunnel");
        assert_eq!(verdict(&court, "eth0", &neighbour, "192.168.77.2", 80), Verdict::Open, "{name}: to somebody's bridge");
        assert_eq!(verdict(&court, "br-lan", "192.168.77.2", &neighbour, 80), Verdict::Open, "{name}: from somebody's bridge");
        assert_eq!(
            verdict(&court, "br-lan", "192.168.77.2", "172.17.0.2", 80),
            Verdict::Closed,
            "{name}: from it to a container"
        );
    }
}

#[test]
fn containers_behind_a_later_bridge_of_any_name_reach_each_other_whether_their_frames_pass_the_filters_or_not() {
    for (name, snapshot, _) in iptables_hosts() {
        let mut host = unguarded(&snapshot);
        let neighbour = neighbour(&host);
        for is_filtered in [true, false] {
            host.settings.insert("net/bridge/bridge-nf-call-iptables".to_owned(), u8::from(is_filtered).to_string());
            let script = plan(&host, &Wish { refuses_all: true, ..allowing(&["8080/tcp"]) }).script;
            assert_eq!(script.loads[0].text.contains("-m physdev"), is_filtered, "{name}: asking loads br_netfilter");
            let court = Court::of(&with_network(&script.host, "own0", "172.31.0.1/16"));
            assert_eq!(verdict(&court, "own0", "172.31.0.3", "172.31.0.2", 80), Verdict::Open, "{name}: within");
            assert_eq!(verdict(&court, "eth0", &neighbour, "172.31.0.2", 80), Verdict::Closed, "{name}: from outside");
            let court = Court::of(&with_link(&script.host, "lan0", "bridge", "192.168.77.1/24"));
            assert_eq!(verdict(&court, "lan0", "192.168.77.2", "172.17.0.2", 80), Verdict::Closed, "{name}: from a later LAN");
        }
    }
}

#[test]
fn a_thousand_permitted_ports_cost_a_packet_few_comparisons() {
    let (_, snapshot, _) = iptables_hosts().last().unwrap();
    let allowed: Vec<String> = (0..1000).map(|port| format!("{}/tcp", 10_000 + 2 * port)).collect();
    let wish = Wish { refuses_all: true, ..allowing(&allowed.iter().map(String::as_str).collect::<Vec<_>>()) };
    let host = plan(&snapshot.host(), &wish).script.host;
    let table = host.ruleset.tables.iter().find(|table| table.name == "filter" && table.family == TableFamily::Ip).unwrap();
    let is_numbered = |chain: &&Chain| chain.name.strip_prefix("DFW-").is_some_and(|rest| rest.parse::<u16>().is_ok());
    let lengths: Vec<usize> = table.chains.values().filter(is_numbered).map(|chain| chain.rules.len()).collect();
    assert!(lengths.iter().all(|length| *length <= 11), "{lengths:?}");
    // Published ports, and those of a network that is reached at its own addresses: each a thousand rules and few more.
    assert!(lengths.iter().sum::<usize>() < 2500, "{}", lengths.iter().sum::<usize>());
}

#[test]
fn the_kernel_makes_of_the_rules_what_is_judged_and_nothing_stays_of_them() {
    for (name, snapshot, form) in iptables_hosts() {
        for (at, wish) in [
            Wish { lasts: Some(Duration::from_secs(900)), ..allowing(&["8080/tcp from 198.51.100.0/24, 2001:db8::/32"]) },
            Wish { refuses_all: true, is_curtain: true, ..Wish::default() },
        ]
        .iter()
        .enumerate()
        {
            let Some(island) = Island::make() else { return };
            island.build(&snapshot, form);
            let before = island.saved(form);
            let seen = island.host(&snapshot, form);
            let planned = plan(&seen, wish);
            island.load(&planned.script.loads, form);
            let locked = island.host(&snapshot, form);
            assert_eq!(
                lock::found(&locked),
                [Found { backend: Backend::DockerUser, digest: Some(planned.script.digest.clone()) }],
                "{name}"
            );
            assert_eq!(own_steps(&planned.script.host), own_steps(&locked), "{name} {at}");
            let (model, real) = (Court::of(&planned.script.host), Court::of(&locked));
            for door in doors::of(&seen) {
                let [model, real] = [&model, &real].map(|court| court.rule_on(&door.interface, door.to));
                assert_eq!(model, real, "{name}: {door:?}");
            }

            let once = island.saved(form);
            let again = plan(&locked, wish);
            assert!(again.script.loads.iter().all(|load| !load.text.contains("\n-I ") && !load.text.contains("\n-D ")), "{name}");
            island.load(&again.script.loads, form);
            assert_eq!(island.saved(form), once, "{name}: replaced by itself");

            // Moved by somebody, and with other rules: it comes back to the top, and chains that are not needed go.
            island.run(&format!(
                "iptables-{form} -I DOCKER-USER 1 -s 192.0.2.1 -j RETURN; iptables-{form} -I INPUT 1 -s 192.0.2.1"
            ));
            let moved = island.host(&snapshot, form);
            island.load(&plan(&moved, &Wish { refuses_all: true, ..Wish::default() }).script.loads, form);
            let moved = island.host(&snapshot, form);
            let first = |chain: &str| moved_rule(&moved, chain);
            assert_eq!([first("DOCKER-USER"), first("INPUT")], ["-A DOCKER-USER -j DFW", "-A INPUT -j DFW-INPUT"], "{name}");
            island.run(&format!("iptables-{form} -D DOCKER-USER -s 192.0.2.1 -j RETURN; iptables-{form} -D INPUT -s 192.0.2.1"));

            island.unlock(&island.host(&snapshot, form), form);
            assert_eq!(island.saved(form), before, "{name}: after the lock");
            assert!(lock::found(&island.host(&snapshot, form)).is_empty() && lock::removal(&seen, None).is_empty(), "{name}");
        }
    }
}

#[test]
fn a_lock_that_is_there_in_one_family_only_does_not_hold() {
    for (name, snapshot, _) in iptables_hosts() {
        let host = snapshot.host();
        let whole = plan(&host, &Wish::default()).script.host;
        assert!(lock::holds(&whole, &Wish::default(), &sights).is_ok(), "{name}");
        for (family, table) in [(TableFamily::Ip, "ip filter"), (TableFamily::Ip6, "ip6 filter")] {
            let mut half = whole.clone();
            half.ruleset.tables.retain(|table| (&*table.name, table.family) != ("filter", family));
            let others = host.ruleset.tables.iter().filter(|table| (&*table.name, table.family) == ("filter", family));
            half.ruleset.tables.extend(others.cloned());
            let refusal = lock::holds(&half, &Wish::default(), &sights).unwrap_err();
            assert_eq!(refusal, Refusal::Half(table.to_owned()), "{name}");
        }
        let mut uncalled = whole.clone();
        for table in uncalled.ruleset.tables.iter_mut().filter(|table| table.family == TableFamily::Ip6 && table.name == "filter")
        {
            table.chains.get_mut("INPUT").unwrap().rules.retain(|rule| !rule.text.contains("DFW-INPUT"));
        }
        let refusal = lock::holds(&uncalled, &Wish::default(), &sights).unwrap_err();
        assert_eq!(refusal, Refusal::Half("ip6 filter".to_owned()), "{name}");
    }
}

#[test]
fn a_table_that_was_made_for_the_lock_stays_where_somebody_else_has_come_to_use_it() {
    let (_, snapshot, form) = iptables_hosts().find(|(name, ..)| name.starts_with("engine-20.10-iptables-nft")).unwrap();
    for theirs in ["set theirs { type ipv6_addr; }", "chain theirs"] {
        let Some(island) = Island::make() else { return };
        island.build(&snapshot, form);
        island.load(&plan(&island.host(&snapshot, form), &Wish::default()).script.loads, form);
        island.run(&format!("nft 'add {}'", theirs.replacen(' ', " ip6 filter ", 1)));
        island.unlock(&island.host(&snapshot, form), form);
        assert!(island.run("nft list table ip6 filter").contains("theirs"), "{theirs}");
    }
}

/// The first rule of a chain in `ip filter`.
fn moved_rule(host: &Host, chain: &str) -> String {
    let table = host.ruleset.tables.iter().find(|table| table.name == "filter" && table.family == TableFamily::Ip).unwrap();
    table.chains[chain].rules[0].text.to_string()
}

/// What the rules of our chains, and those that lead to them, ask and do; in which order a rule asks is the tool's choice.
fn own_steps(host: &Host) -> Vec<String> {
    let mut all = Vec::new();
    for table in host.ruleset.tables.iter().filter(|table| table.name == "filter" && table.family != TableFamily::Inet) {
        for chain in table.chains.values() {
            for (at, rule) in chain.rules.iter().enumerate() {
                let mut steps: Vec<String> = rule.steps.iter().map(|step| format!("{step:?}")).collect();
                steps.sort();
                steps.dedup();
                if chain.name.starts_with("DFW") || steps.iter().any(|step| step.contains("DFW")) {
                    all.push(format!("{} {} {at}: {steps:?}", table.title(), chain.name));
                }
            }
        }
    }
    all.sort();
    all
}
