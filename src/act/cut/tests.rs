//! A host with one client outside and one container, each in a network namespace of its own; real connections, and the real kernel.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::look::flows::{Flows, flows};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const HOST: &str = "10.9.0.1";
const HOST_V6: &str = "fd09::1";
const CONTAINER: &str = "172.31.0.2";

/// The kernel is given so long to do nothing.
const MOMENT: Duration = Duration::from_millis(400);
/// And so long to do something.
const PATIENCE: Duration = Duration::from_secs(10);

const LINKS: &str = "
host: ip link add eth0 type veth peer name eth0 netns CLIENT
host: ip link add ctr0 type veth peer name eth0 netns CONTAINER
host: ip addr add 10.9.0.1/24 dev eth0
host: ip addr add fd09::1/64 dev eth0 nodad
host: ip addr add 172.31.0.1/24 dev ctr0
host: ip link set lo up
host: ip link set eth0 up
host: ip link set ctr0 up
host: sysctl -qw net.ipv4.ip_forward=1
client: ip addr add 10.9.0.2/24 dev eth0
client: ip addr add fd09::2/64 dev eth0 nodad
client: ip link set eth0 up
container: ip addr add 172.31.0.2/24 dev eth0
container: ip link set eth0 up
container: ip route add default via 172.31.0.1";

/// Ports 80 and 53 of the host are the container's; the host's own connections are followed, too.
const PUBLISHED: &str = "
table ip nat {
    chain before {
        type nat hook prerouting priority -100
        iifname eth0 meta l4proto { tcp, udp } th dport { 53, 80 } dnat to 172.31.0.2
    }
    chain after {
        type nat hook postrouting priority 100
        oifname eth0 ip saddr 172.31.0.0/24 masquerade
    }
}
table inet follow {
    chain in {
        type filter hook input priority 0
        ct state established accept
    }
}";

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

struct Island {
    children: Vec<Child>,
}

impl Drop for Island {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Island {
    /// None, with a word, where that cannot be made.
    fn make() -> Option<Self> {
        let mut island = Self { children: Vec::new() };
        for _ in 0..3 {
            let words = ["--net", "sh", "-c", "echo made; exec sleep 120"];
            let mut child = Command::new("unshare").args(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
            let is_made = child.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).is_ok();
            island.children.push(child);
            if !is_made {
                println!("skipped: network namespaces take root");
                return None;
            }
        }
        for line in LINKS.trim().lines() {
            let (place, command) = line.split_once(": ").unwrap();
            let pid = |at: usize| island.children[at].id().to_string();
            let command = command.replace("CLIENT", &pid(1)).replace("CONTAINER", &pid(2));
            island.run(["host", "client", "container"].iter().position(|name| *name == place).unwrap(), &command, "");
        }
        island.run(0, "nft -f -", PUBLISHED);
        Some(island)
    }

    fn run(&self, place: usize, command: &str, input: &str) {
        let namespace = format!("--net={}", self.namespace(place).display());
        let mut child = Command::new("nsenter").arg(namespace).args(command.split(' ')).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{command}");
    }

    fn namespace(&self, place: usize) -> PathBuf {
        format!("/proc/{}/ns/net", self.children[place].id()).into()
    }

    fn inside<T: Send>(&self, place: usize, doing: impl FnOnce() -> T + Send) -> T {
        let file = std::fs::File::open(self.namespace(place)).unwrap();
        thread::scope(|scope| {
            let inside = || {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                doing()
            };
            scope.spawn(inside).join().unwrap()
        })
    }

    fn host<T: Send>(&self, doing: impl FnOnce() -> T + Send) -> T {
        self.inside(0, doing)
    }

    /// A connection from the client to a port of the host: the server's end and the client's.
    fn connect(&self, listener: &TcpListener, to: SocketAddr) -> (TcpStream, TcpStream) {
        let client = self.inside(1, || TcpStream::connect_timeout(&to, PATIENCE).unwrap());
        let (server, _) = listener.accept().unwrap();
        for end in [&server, &client] {
            end.set_read_timeout(Some(MOMENT)).unwrap();
        }
        (server, client)
    }

    fn listen(&self, place: usize, on: &str) -> TcpListener {
        self.inside(place, || TcpListener::bind(on).unwrap())
    }

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

fn to(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse::<IpAddr>().unwrap(), port)
}

/// True if what one end sends comes to the other.
fn arrives(mut from: &TcpStream, mut to: &TcpStream) -> bool {
    from.write_all(b"x").is_ok() && to.read(&mut [0; 8]).is_ok_and(|read| read > 0)
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
    let (_, from) = asks().unwrap();
    server.send_to(b"y", from).unwrap();
    thread::sleep(Duration::from_millis(50));
    let udp = |flow: &Flow| flow.protocol == Protocol::UDP && flow.original.destination_port == 53;
    let flow = island.flows().into_iter().find(udp).unwrap();
    assert!(flow.is_answered);
    island.run(0, "nft -f -", SHUT);
    assert!(asks().is_ok(), "rules alone let it go on");
    let done = island.host(|| cut(std::slice::from_ref(&flow), &[island.namespace(2)]));
    assert_eq!(done, Cut { forgotten: vec![flow], ..Cut::default() });
    assert!(asks().is_err());
    island.run(0, "nft delete table inet shut", "");
    assert!(asks().is_ok(), "the server still listens");
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
