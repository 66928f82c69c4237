//! Connections between the client, the host and the container of an [`Island`].

#![allow(clippy::unwrap_used, clippy::panic)]

use super::island::{Island, MOMENT, arrives, to};
use super::*;
use crate::look::flows::{Flows, flows};
use std::io::Read as _;
use std::net::{TcpStream, UdpSocket};
use std::thread;

const HOST: &str = "10.9.0.1";
const HOST_V6: &str = "fd09::1";
const CONTAINER: &str = "172.31.0.2";

/// Nothing new comes in.
const SHUT: &str = "
table inet shut {
    chain forward {
        type filter hook forward priority -5
        ct state established,related accept
        iifname eth0 drop
    }
    chain in {
        type filter hook input priority -5
        ct state established,related accept
        iifname eth0 meta l4proto { tcp, udp } drop
    }
}";

impl Island {
    fn flows(&self) -> Vec<Flow> {
        let Flows { flows, unknown } = self.host(|| flows().unwrap());
        assert_eq!(unknown, 0);
        flows
    }

    /// The flow that a client's socket began.
    fn flow_of(&self, client: &TcpStream) -> Flow {
        let (from, to) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
        let is_it = |flow: &Flow| flow.original.source_port == from.port() && flow.original.destination_port == to.port();
        self.flows().into_iter().find(is_it).unwrap_or_else(|| panic!("no flow {from} to {to}"))
    }
}

#[test]
fn a_connection_to_a_container_is_at_an_end_even_if_the_container_sends_next() {
    let Some(island) = Island::make() else { return };
    let listener = island.listen(2, "0.0.0.0:80");
    let (server, client) = island.connect(&listener, to(HOST, 80));
    let (kept_server, kept_client) = island.connect(&listener, to(HOST, 80));
    let flow = island.flow_of(&client);
    assert_eq!((flow.reply.source, flow.is_answered), (CONTAINER.parse().unwrap(), true));
    island.run(0, "nft -f -", SHUT);
    assert!(arrives(&client, &server), "rules alone let it go on");

    let namespaces = [island.namespace(2)];
    let done = island.host(|| cut(std::slice::from_ref(&flow), &namespaces));
    assert_eq!(done, Cut { closed: vec![flow.clone()], ..Cut::default() });
    assert_eq!((&client).read(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::ConnectionReset, "the client is told");
    assert!(!arrives(&server, &client) && !arrives(&client, &server));
    assert!(!island.flows().iter().any(|other| other.original.source_port == flow.original.source_port));

    assert!(arrives(&kept_client, &kept_server) && arrives(&kept_server, &kept_client), "the other one was not named");
    let again = island.host(|| cut(std::slice::from_ref(&flow), &namespaces));
    assert_eq!(again, Cut { gone: vec![flow], ..Cut::default() });
    island.run(0, "nft delete table inet shut", "");
    let (server, client) = island.connect(&listener, to(HOST, 80));
    assert!(arrives(&client, &server), "the container still listens");
}

#[test]
fn without_the_containers_namespace_the_client_is_refused_and_no_more_is_promised() {
    let Some(island) = Island::make() else { return };
    let listener = island.listen(2, "0.0.0.0:80");
    let (server, client) = island.connect(&listener, to(HOST, 80));
    let flow = island.flow_of(&client);
    island.run(0, "nft -f -", SHUT);
    let done = island.host(|| cut(std::slice::from_ref(&flow), &[]));
    assert_eq!(done, Cut { forgotten: vec![flow], ..Cut::default() });
    assert!(!arrives(&client, &server), "its packets are a new connection's");
    assert!(arrives(&server, &client), "and this is the container's own");
}

#[test]
fn a_connection_to_a_process_of_the_host_is_closed_and_the_process_listens_on() {
    let Some(island) = Island::make() else { return };
    // As docker-proxy does it: one socket for both families.
    let listener = island.listen(0, "[::]:8080");
    for address in [HOST, HOST_V6] {
        let (server, client) = island.connect(&listener, to(address, 8080));
        let (kept_server, kept_client) = island.connect(&listener, to(address, 8080));
        let flow = island.flow_of(&client);
        let done = island.host(|| cut(std::slice::from_ref(&flow), &[]));
        assert_eq!(done, Cut { closed: vec![flow], ..Cut::default() });
        assert!(!arrives(&client, &server) && !arrives(&server, &client));
        assert!(arrives(&kept_client, &kept_server) && arrives(&kept_server, &kept_client));
    }
}

#[test]
fn of_udp_the_record_goes_and_the_servers_socket_stays() {
    let Some(island) = Island::make() else { return };
    let server = island.inside(2, || UdpSocket::bind("0.0.0.0:53").unwrap());
    let client = island.inside(1, || UdpSocket::bind("0.0.0.0:0").unwrap());
    server.set_read_timeout(Some(MOMENT)).unwrap();
    let asks = || {
        client.send_to(b"x", to(HOST, 53)).unwrap();
        server.recv_from(&mut [0; 8])
    };
    // A machine that has much to do is late, or loses a datagram.
    let arrives = || (0..20).find_map(|_| asks().ok());
    let (_, from) = arrives().unwrap();
    server.send_to(b"y", from).unwrap();
    thread::sleep(Duration::from_millis(50));
    let udp = |flow: &Flow| flow.protocol == Protocol::UDP && flow.original.destination_port == 53;
    let flow = island.flows().into_iter().find(udp).unwrap();
    assert!(flow.is_answered);
    island.run(0, "nft -f -", SHUT);
    assert!(arrives().is_some(), "rules alone let it go on");
    let done = island.host(|| cut(std::slice::from_ref(&flow), &[island.namespace(2)]));
    assert_eq!(done, Cut { forgotten: vec![flow], ..Cut::default() });
    assert!(asks().is_err());
    island.run(0, "nft delete table inet shut", "");
    assert!(arrives().is_some(), "the server still listens");
}

#[test]
fn a_namespace_that_is_none_is_told_and_one_that_is_gone_is_not() {
    let Some(island) = Island::make() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let done = island.host(|| cut(&[], &[file.clone(), folder.path().join("gone")]));
    assert_eq!(done.unseen, [format!("the sockets in {}: invalid argument", file.display())]);
}
