//! Locks with `--cut`, in the real kernel: clients that talk to a container by way of a translation and of a relay.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::act::cut::island::{Island, MOMENT, PATIENCE, arrives, to};
use crate::model::engine::{Binding, Publisher};
use crate::model::guard::Wish;
use crate::model::host::{Address, Endpoint, Link, Network, Route};
use crate::model::packet::Protocol;
use crate::model::snapshot::Snapshot;
use crate::tool::{self, Said};
use std::net::{TcpListener, TcpStream, UdpSocket};

const HOST: &str = "10.9.0.1";
const HOST_V6: &str = "fd09::1";

/// A port of the container that is published under its own number, so that what the container sends leaves by that port, too.
const SAME: u16 = 53;
/// Ports that a relay serves: one that is refused, one that is permitted.
const RELAYED: u16 = 8080;
const PERMITTED: u16 = 8081;

/// The host of an island as the engine and the kernel would tell of it.
fn model(island: &Island) -> Host {
    let Said::Text(listing) = island.host(|| tool::run(&["nft", "-j", "list", "ruleset"])) else { panic!("nft lists") };
    let ruleset = Snapshot { files: [("nft-ruleset.json".to_owned(), listing)].into() }.host().ruleset;
    let link = |name: &str, kind: Option<&str>, nets: &[&str]| Link {
        name: name.into(),
        kind: kind.map(str::to_owned),
        master: None,
        is_loopback: false,
        addresses: nets.iter().map(|net| Address { net: net.parse().unwrap(), broadcast: None }).collect(),
        programs: Vec::new(),
    };
    let links = vec![link("eth0", None, &["10.9.0.1/24", "fd09::1/64"]), link("ctr0", Some("bridge"), &["172.31.0.1/24"])];
    let route = |(link, own): (&Link, &Address)| Route {
        table: "main".to_owned(),
        destination: own.net.trunc(),
        devices: vec![link.name.clone()],
        metric: 0,
        kind: "unicast".to_owned(),
    };
    let binding =
        |address: &str, port, protocol| Binding { address: address.parse().unwrap(), port: Some(port), target: port, protocol };
    let of = |device: &'static str| ["rp_filter", "route_localnet"].map(|name| format!("net/ipv4/conf/{device}/{name}"));
    let off = ["all", "eth0", "ctr0"].into_iter().flat_map(of).map(|name| (name, "0".to_owned()));
    let (tcp, udp) = (Protocol::TCP, Protocol::UDP);
    let bindings = [(SAME, udp), (SAME, tcp), (RELAYED, tcp), (RELAYED, udp), (PERMITTED, tcp), (PERMITTED, udp)];
    Host {
        ruleset,
        routes: links.iter().flat_map(|link| link.addresses.iter().map(move |own| (link, own))).map(route).collect(),
        links,
        settings: off.chain([("net/ipv4/ip_forward".to_owned(), "1".to_owned())]).collect(),
        networks: vec![Network {
            id: "n".to_owned(),
            name: "bridge".to_owned(),
            driver: "bridge".to_owned(),
            bridge: Some("ctr0".to_owned()),
            parent: None,
            mode: None,
            subnets: vec!["172.31.0.0/24".parse().unwrap()],
            gateways: vec!["172.31.0.1".parse().unwrap()],
            options: BTreeMap::new(),
            is_internal: false,
            has_v6: false,
        }],
        endpoints: vec![Endpoint {
            container: "talker".to_owned(),
            network: "n".to_owned(),
            addresses: vec!["172.31.0.2".parse().unwrap()],
        }],
        publishers: vec![Publisher {
            name: "talker".to_owned(),
            bindings: bindings.iter().flat_map(|(port, of)| ["0.0.0.0", "::"].map(|at| binding(at, *port, *of))).collect(),
            ..Publisher::default()
        }],
        ..Host::default()
    }
}

/// A lock that permits one port, and ends connections to the others.
fn lock_and_cut(island: &Island) -> (Host, Plan, Cut) {
    let host = model(island);
    let allowed = ["8081/tcp", "8081/udp"].iter().map(|text| text.parse().unwrap()).collect();
    let wish = Wish { refuses_all: true, allowed, ..Wish::default() };
    let plan = lock::plan(&host, &wish, Backend::Nftables, &judged_by).unwrap();
    let cut = island.host(|| put(&host, &plan, true)).unwrap().unwrap();
    assert_eq!((&cut.failed[..], &cut.unseen[..]), (&[][..], &[][..]));
    (host, plan, cut)
}

/// A conversation over UDP: the server's socket, the client's, and where the server sees the client.
struct Talk {
    server: UdpSocket,
    client: UdpSocket,
    client_at: std::net::SocketAddr,
}

impl Talk {
    fn begin(island: &Island, place: usize, on: &str, to: std::net::SocketAddr) -> Self {
        let server = island.inside(place, || UdpSocket::bind(on).unwrap());
        let client = island.inside(1, || UdpSocket::bind(if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).unwrap());
        client.connect(to).unwrap();
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        client.send(b"?").unwrap();
        let (_, client_at) = server.recv_from(&mut [0; 8]).unwrap();
        let talk = Self { server, client, client_at };
        talk.server.set_read_timeout(Some(MOMENT)).unwrap();
        talk.client.set_read_timeout(Some(MOMENT)).unwrap();
        assert!(talk.is_answered() && talk.is_asked());
        talk
    }

    /// True if what the server sends by itself comes to the client.
    fn is_answered(&self) -> bool {
        self.server.send_to(b"!", self.client_at).is_ok() && self.client.recv(&mut [0; 8]).is_ok()
    }

    /// True if what the client sends comes to the server.
    fn is_asked(&self) -> bool {
        self.client.send(b"?").is_ok() && self.server.recv_from(&mut [0; 8]).is_ok()
    }
}

#[test]
fn a_container_that_sends_by_itself_is_not_reached_again() {
    let Some(island) = Island::make() else { return };
    let talk = Talk::begin(&island, 2, "0.0.0.0:53", to(HOST, SAME));
    let (host, plan, cut) = lock_and_cut(&island);
    assert_eq!((cut.closed.len(), cut.forgotten.len()), (0, 1));
    for _ in 0..3 {
        assert!(!talk.is_answered(), "what the container sends is refused, too");
        assert!(!talk.is_asked());
    }
    // The rules of the lock alone take the container's packets for a connection outwards, and the client's for answers to it.
    island.host(|| load::load(&plan.script.loads)).unwrap();
    assert!(!talk.is_asked(), "the client alone begins nothing");
    assert!(talk.is_answered() && talk.is_asked());
    let again = island.host(|| put(&host, &plan, true)).unwrap().unwrap();
    assert_eq!(again.forgotten, [], "a connection outwards is the container's own");
}

#[test]
fn what_a_relay_serves_is_ended_though_the_kernel_kept_no_track_of_it() {
    let Some(island) = Island::make() else { return };
    // v6: nothing is translated and nobody asks for states.
    island.run(0, "nft delete table inet follow", "");
    let listen = |port| island.listen(0, &format!("[::]:{port}"));
    let (refused, permitted): (TcpListener, TcpListener) = (listen(RELAYED), listen(PERMITTED));
    let (server, client): (TcpStream, TcpStream) = island.connect(&refused, to(HOST_V6, RELAYED));
    let (kept_server, kept_client) = island.connect(&permitted, to(HOST_V6, PERMITTED));
    assert!(arrives(&client, &server) && arrives(&server, &client));
    let (_, plan, cut) = lock_and_cut(&island);
    assert_eq!(cut.closed.iter().map(|flow| flow.original.destination_port).collect::<Vec<_>>(), [RELAYED]);
    assert!(!arrives(&client, &server) && !arrives(&server, &client));
    assert!(arrives(&kept_server, &kept_client) && arrives(&kept_client, &kept_server), "the other one is permitted");

    // By now the kernel keeps track: of what the relay sends next as of a connection outwards.
    let talk = Talk::begin_under(&island, &plan);
    let cut = lock_and_cut(&island).2;
    assert_eq!(cut.forgotten.iter().map(|flow| flow.original.destination_port).collect::<Vec<_>>(), [RELAYED]);
    for _ in 0..3 {
        assert!(!talk.is_answered() && !talk.is_asked());
    }
}

impl Talk {
    /// One with a relay that the kernel began to track when the relay sent.
    fn begin_under(island: &Island, plan: &Plan) -> Self {
        island.run(0, "nft flush ruleset", "");
        let talk = Self::begin(island, 0, "[::]:8080", to(HOST_V6, RELAYED));
        island.host(|| {
            load::load(&plan.script.loads).unwrap();
        });
        assert!(talk.is_answered() && talk.is_asked(), "the lock alone lets it go on");
        talk
    }
}
