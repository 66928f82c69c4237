#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::model::guard::{Place, Port, Ports};
use crate::model::packet::Packet;
use crate::model::ruleset::TableFamily;
use crate::model::snapshot::Snapshot;
use ipnet::IpNet;
use proptest::prelude::*;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// A saved host, on which nothing but the engine and a lock has a say.
fn host() -> Host {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hosts/engine-28.5-iptables-nft-firewalld-2.5");
    let mut snapshot = Snapshot::default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        snapshot.files.insert(name, std::fs::read_to_string(&path).unwrap());
    }
    let mut host = snapshot.host();
    host.ruleset.tables.retain(|table| table.family != TableFamily::Inet && table.name != "raw");
    host.moment = Some(1_767_225_600);
    host
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

const NETS: [&str; 8] = [
    "198.51.113.0/24",
    "198.51.113.2/32",
    "203.0.113.0/25",
    "203.0.113.0/24",
    "0.0.0.0/1",
    "2001:db8:14::/64",
    "2001:db8::/32",
    "fe80::/10",
];

const PORTS: [u16; 12] = [22, 80, 81, 5353, 8080, 8081, 8082, 8083, 8084, 8086, 8088, 32768];

fn nets() -> impl Strategy<Value = Vec<IpNet>> {
    prop::collection::btree_set(prop::sample::select(NETS.to_vec()), 0..4).prop_map(|texts| texts.into_iter().map(net).collect())
}

fn ports() -> impl Strategy<Value = Vec<(u16, u16)>> {
    let one = (prop::sample::select(PORTS.to_vec()), prop::sample::select(vec![0_u16, 0, 1, 4, 3000]));
    let some = prop::collection::btree_map(one.clone().prop_map(|(first, _)| first), one.prop_map(|(_, more)| more), 1..6);
    prop_oneof![
        1 => Just(vec![(1, u16::MAX)]),
        6 => some.prop_map(|some| {
            let mut ranges: Vec<(u16, u16)> = Vec::new();
            for (first, more) in some {
                match ranges.last_mut() {
                    Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(first + more),
                    _ => ranges.push((first, first + more)),
                }
            }
            ranges
        }),
    ]
}

fn protocol() -> impl Strategy<Value = Protocol> {
    prop_oneof![4 => Just(Protocol::TCP), 2 => Just(Protocol::UDP), 1 => Just(Protocol::SCTP)]
}

/// Permits as the judge and the command line make them: a prefix of containers has their own family.
fn permit(host: &Host) -> impl Strategy<Value = Permit> + use<> {
    let own: Vec<IpAddr> = doors::outside(host).iter().flat_map(|link| &link.addresses).map(|own| own.net.addr()).collect();
    let subnets: Vec<IpNet> = host.networks.iter().flat_map(|network| network.subnets.clone()).collect();
    let to = prop_oneof![
        4 => Just(Place::Host(None)),
        2 => prop::sample::select(own).prop_map(|address| Place::Host(Some(address))),
        2 => prop::sample::select(subnets).prop_map(Place::Containers),
    ];
    let from = prop_oneof![Just(From::Everyone), nets().prop_map(From::Only), nets().prop_map(From::AllBut)];
    let interface = prop::sample::select(vec![None, Some("eth0"), Some("eth1"), Some("wg9")]);
    let family = prop::sample::select(vec![None, None, Some(Family::V4), Some(Family::V6)]);
    (interface, family, from, to, protocol(), ports()).prop_map(|(interface, family, from, to, protocol, ports)| Permit {
        interface: interface.map(str::to_owned),
        family: match &to {
            Place::Containers(net) => Some(Family::of(net.addr())),
            Place::Host(_) => family,
        },
        from,
        to,
        protocol,
        ports,
    })
}

fn served() -> impl Strategy<Value = Ports> {
    let at = ["0.0.0.0/0", "::/0", "0.0.0.0/0", "::/0", "198.51.113.1/32", "127.0.0.1/32", "2001:db8:14::1/128"].map(net);
    let port = (prop::sample::select(at.to_vec()), protocol(), prop::sample::select(PORTS.to_vec()))
        .prop_map(|(at, protocol, port)| Port { at, protocol, port });
    (prop::collection::btree_set(port, 0..12), any::<bool>())
        .prop_map(|(ports, is_curtain)| if is_curtain { Ports::AllBut(ports) } else { Ports::Only(ports) })
}

fn guard(host: &Host) -> impl Strategy<Value = Guard> + use<> {
    let inside: BTreeSet<String> = doors::engine_bridges(host).into_iter().map(str::to_owned).collect();
    let lasts = prop::sample::select(vec![None, Some(Duration::from_secs(900))]);
    (prop::collection::vec(permit(host), 0..8), served(), lasts).prop_map(move |(permits, served, lasts)| Guard {
        inside: inside.clone(),
        foreign: BTreeSet::from(["br-lan".to_owned()]),
        pools: vec![net("172.16.0.0/12"), net("fd00::/8")],
        permits,
        served,
        lasts,
    })
}

/// Packets from outside to every door, and to ports that nobody publishes.
fn packets(host: &Host) -> Vec<Packet> {
    let mut packets = Vec::new();
    let sources = ["198.51.113.2", "198.51.113.9", "203.0.113.7", "203.0.113.200", "2001:db8:14::2", "2001:db8:99::9", "fe80::9"];
    for door in doors::of(host) {
        for source in sources.map(|text| text.parse::<IpAddr>().unwrap()) {
            if source.is_ipv4() == door.to.address.is_ipv4() {
                packets.push(crate::judge::court::packet(&door.interface, source, door.to));
                packets.push(Packet { port: door.to.port.wrapping_add(1), ..packets[packets.len() - 1].clone() });
            }
        }
    }
    packets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn both_backends_let_in_the_same(guard in guard(&host()), at in 0_usize..7) {
        let host = host();
        let [nft, iptables] = [Backend::Nftables, Backend::DockerUser].map(|backend| Court::of(&script(&guard, &host, backend).unwrap().host));
        for packet in packets(&host).iter().skip(at).step_by(7) {
            let verdicts = [&nft, &iptables].map(|court| court.assess(packet).actual.verdict);
            prop_assert_eq!(verdicts[0], verdicts[1], "{}", packet);
        }
    }
}
