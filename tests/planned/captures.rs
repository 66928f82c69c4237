//! Containers and networks taken off the saved hosts and planned anew: the rules must come out as the engine wrote them, and every
//! probe as it did.

use crate::saved::{Judged, Saved, saved, verdicts};
use docker_firewall::judge::planned::{self, HostPort, Joined, Place, Planned, Port, Wanted};
use docker_firewall::model::host::{Address, Host, Link};
use docker_firewall::model::packet::{Family, Protocol};
use docker_firewall::model::ruleset::{Action, Span, Step};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A container as its inspection shows that it was asked for, with the addresses that it got.
fn container(inspected: &Value) -> Planned {
    let name = inspected["Name"].as_str().unwrap().trim_start_matches('/').to_owned();
    let joined = inspected["NetworkSettings"]["Networks"].as_object().unwrap().iter().map(|(network, place)| {
        let addresses = ["IPAddress", "GlobalIPv6Address"].iter().filter_map(|key| place[*key].as_str()?.parse().ok()).collect();
        let network = Wanted { name: network.clone(), is_external: true, ..Wanted::default() };
        Joined { network, addresses, ..Joined::default() }
    });
    let is_host = inspected["HostConfig"]["NetworkMode"] == "host";
    Planned {
        service: name.as_str().into(),
        image: inspected["Config"]["Image"].as_str().unwrap().to_owned(),
        place: if is_host { Place::Host } else { Place::Networks(joined.collect()) },
        ports: ports(inspected),
        replaces: vec![inspected["Id"].as_str().unwrap().to_owned()],
        name,
        ..Planned::default()
    }
}

/// What was asked for; a port that the engine chose is asked for by its number, so that it comes out the same.
fn ports(inspected: &Value) -> Vec<Port> {
    let asked = inspected["HostConfig"]["PortBindings"].as_object().unwrap();
    let mut ports = Vec::new();
    for (index, (key, list)) in asked.iter().enumerate() {
        let (target, protocol) = key.split_once('/').unwrap();
        for binding in list.as_array().unwrap() {
            let chosen = &inspected["NetworkSettings"]["Ports"][key][0]["HostPort"];
            let number = binding["HostPort"].as_str().filter(|text| !text.is_empty()).or(chosen.as_str()).unwrap_or_default();
            ports.push(Port {
                publication: index,
                host: binding["HostIp"].as_str().and_then(|text| text.parse().ok()),
                port: number.parse().map_or(HostPort::Any, HostPort::Exactly),
                target: target.parse().unwrap(),
                protocol: Protocol::named(protocol).unwrap(),
            });
        }
    }
    ports
}

/// Every chain's rules by table and chain, each with its steps.
fn chains(host: &Host) -> BTreeMap<(String, String), Vec<String>> {
    let mut chains = BTreeMap::new();
    for table in &host.ruleset.tables {
        for chain in table.chains.values() {
            let rules = chain.rules.iter().map(|rule| format!("{}  {:?}", rule.text, sorted(&rule.steps))).collect();
            chains.insert((table.title(), format!("{} {:?}", chain.name, chain.base)), rules);
        }
    }
    chains
}

/// The order of a verdict map's entries has no meaning.
fn sorted(steps: &[Step]) -> Vec<String> {
    let shown = steps.iter().map(|step| match step {
        Step::Act(Action::Lookup { selectors, map }) => {
            let mut entries: Vec<String> = map.iter().map(|entry| format!("{entry:?}")).collect();
            entries.sort();
            format!("{selectors:?} {entries:?}")
        }
        other => format!("{other:?}"),
    });
    shown.collect()
}

/// What differs between the chains of two hosts, the order in the chain aside.
fn differences(before: &Host, after: &Host) -> Vec<String> {
    let (before, after) = (chains(before), chains(after));
    let mut found = Vec::new();
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        let (mut one, mut other) = (before.get(key).cloned().unwrap_or_default(), after.get(key).cloned().unwrap_or_default());
        one.sort();
        other.sort();
        found.extend(one.iter().filter(|rule| !other.contains(rule)).map(|rule| format!("{key:?} lacks {rule}")));
        found.extend(other.iter().filter(|rule| !one.contains(rule)).map(|rule| format!("{key:?} has {rule}")));
        if one.len() != other.len() {
            found.push(format!("{key:?} has {} rules, not {}", other.len(), one.len()));
        }
    }
    found
}

/// What the engine tells of its containers, and which sockets are held for them.
fn told(host: &Host) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for publisher in &host.publishers {
        let mut bindings = publisher.bindings.clone();
        bindings.sort();
        let text = format!("{bindings:?} {:?} {}", publisher.unopened, publisher.image);
        told.entry(publisher.name.clone()).or_default().push(text);
    }
    for endpoint in &host.endpoints {
        let network = &host.network(&endpoint.network).unwrap().name;
        told.entry(endpoint.container.clone()).or_default().push(format!("{network} {:?}", endpoint.addresses));
    }
    let sockets = host.listeners.iter().map(|listener| format!("{listener:?}"));
    told.insert("sockets".to_owned(), sockets.collect());
    let networks = host.networks.iter().map(|network| format!("{} {:?} {:?}", network.name, network.bridge, network.subnets));
    told.insert("networks".to_owned(), networks.collect());
    let links = host.links.iter().map(|link| format!("{} {:?} {:?}", link.name, link.kind, v4(link)));
    told.insert("links".to_owned(), links.filter(|link| !link.starts_with("veth")).collect());
    for lines in told.values_mut() {
        lines.sort();
    }
    told
}

/// The v4 addresses: in v6, the kernel adds one of the link.
fn v4(link: &Link) -> Vec<Address> {
    link.addresses.iter().copied().filter(|address| address.net.addr().is_ipv4()).collect()
}

fn assert_same(saved: &Saved, before: &[Judged], after: &Host, what: &str) {
    let found = differences(&saved.host, after);
    assert!(found.is_empty(), "{}: {what}: the rules differ:\n{}", saved.name, found.join("\n"));
    assert_eq!(told(&saved.host), told(after), "{}: {what}", saved.name);
    for (before, after) in before.iter().zip(&verdicts(saved, after)) {
        assert_eq!(before, after, "{}: {what}", saved.name);
    }
}

#[test]
fn a_container_that_is_taken_off_its_host_and_planned_anew_changes_nothing() {
    for saved in saved() {
        let before = verdicts(&saved, &saved.host);
        for inspected in &saved.containers {
            let planned = container(inspected);
            let without = planned::without(&saved.host, &planned.replaces[0]);
            let name = &planned.name;
            assert!(!without.publishers.iter().any(|publisher| publisher.name == *name), "{name} is gone");
            let programmed = planned::on(&saved.host, std::slice::from_ref(&planned));
            assert_same(&saved, &before, &programmed.host, name);
            assert_eq!(programmed.doubts, [], "{}: {name}", saved.name);
        }
    }
}

#[test]
fn all_containers_taken_off_their_host_and_planned_anew_change_nothing() {
    for saved in saved() {
        let before = verdicts(&saved, &saved.host);
        let planned: Vec<Planned> = saved.containers.iter().rev().map(container).collect();
        let programmed = planned::on(&saved.host, &planned);
        assert_same(&saved, &before, &programmed.host, "all containers");
        assert_eq!(programmed.doubts, [], "{}", saved.name);
        assert_eq!(in_order(&saved.host), in_order(&programmed.host), "{}", saved.name);
    }
}

/// Every chain's rules in their order, without those of one container: of its range of ports, old engines open one after the other in
/// an order of their own.
fn in_order(host: &Host) -> BTreeMap<(String, String), Vec<String>> {
    let range = host.endpoints.iter().find(|endpoint| endpoint.container == "range").unwrap().addresses[0].to_string();
    let is_of_range = |text: &str| text.split(['/', ':', ' ']).any(|word| word == range);
    let mut chains = BTreeMap::new();
    for table in &host.ruleset.tables {
        for chain in table.chains.values() {
            let texts = chain.rules.iter().map(|rule| rule.text.to_string()).filter(|text| !is_of_range(text));
            chains.insert((table.title(), chain.name.to_string()), texts.collect());
        }
    }
    chains
}

/// The host without one of its bridge networks: as it was before the network was made.
fn without_network(host: &Host, name: &str) -> Host {
    let mut host = host.clone();
    let at = host.networks.iter().position(|network| network.name == name).unwrap();
    let network = host.networks.remove(at);
    let bridge = network.bridge.unwrap();
    let is_about = |text: &str| text.split([' ', '"']).any(|word| word == bridge || word.ends_with(&format!("__{bridge}")));
    for table in &mut host.ruleset.tables {
        table.chains.retain(|name, _| !is_about(name));
        for chain in table.chains.values_mut() {
            chain.rules.retain(|rule| !is_about(&rule.text));
            for step in chain.rules.iter_mut().flat_map(|rule| Arc::make_mut(&mut rule.steps)) {
                if let Step::Act(Action::Lookup { map, .. }) = step {
                    Arc::make_mut(map).retain(|(key, _)| *key != [Span::Name(bridge.as_str().into())]);
                }
            }
        }
    }
    host.links.retain(|link| *link.name != *bridge);
    host.routes.retain(|route| route.devices.iter().all(|device| **device != *bridge));
    host.settings.retain(|key, _| !key.contains(&format!("/{bridge}/")));
    host
}

/// A network as it was asked for, under the name of the bridge that it got.
fn wanted(host: &Host, name: &str) -> Wanted {
    let network = host.networks.iter().find(|network| network.name == name).unwrap();
    let mut options = network.options.clone();
    options.insert("com.docker.network.bridge.name".to_owned(), network.bridge.clone().unwrap());
    Wanted {
        name: name.to_owned(),
        is_external: false,
        driver: Some("bridge".to_owned()),
        options,
        is_internal: network.is_internal,
        families: if network.has_v6 { vec![Family::V4, Family::V6] } else { vec![Family::V4] },
        subnets: network.subnets.clone(),
    }
}

#[test]
fn a_network_that_is_taken_off_its_host_and_planned_anew_changes_nothing() {
    for saved in saved() {
        let before = verdicts(&saved, &saved.host);
        let is_remade = |name: &&String| *name != "bridge";
        let bridges = saved.host.networks.iter().filter(|network| network.driver == "bridge").map(|network| &network.name);
        for name in bridges.filter(is_remade) {
            let inspected = saved.containers.iter().find(|it| it["NetworkSettings"]["Networks"].get(name).is_some()).unwrap();
            let mut planned = container(inspected);
            let Place::Networks(joined) = &mut planned.place else { panic!("{name} has networks") };
            joined[0].network = wanted(&saved.host, name);
            let without = without_network(&planned::without(&saved.host, &planned.replaces[0]), name);
            let programmed = planned::on(&without, &[planned]);
            assert_eq!(programmed.doubts, [], "{}: {name}", saved.name);
            assert_same(&saved, &before, &programmed.host, name);
            // The one that was made last also stands where it stood.
            if name == saved.host.networks.iter().find(|it| it.name == "unprot").map_or("inner", |it| &it.name) {
                let (before, after) = (in_order(&saved.host), in_order(&programmed.host));
                let engines = |chain: &&(String, String)| !chain.0.contains("firewalld");
                for chain in before.keys().filter(engines) {
                    assert_eq!(before[chain], after[chain], "{}: {name}: {chain:?}", saved.name);
                }
            }
        }
    }
}
