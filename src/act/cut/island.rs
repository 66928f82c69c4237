//! A host with one client outside and one container, each in a network namespace of its own; real connections, and the real kernel.
//!
//! Out: an [`Island`], which ends with its value. Places are numbered: 0 the host, 1 the client, 2 the container.

#![allow(clippy::unwrap_used, clippy::panic)]

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// The kernel is given so long to do nothing.
pub(crate) const MOMENT: Duration = Duration::from_millis(400);
/// And so long to do something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

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

pub(crate) struct Island {
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
    pub(crate) fn make() -> Option<Self> {
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

    pub(crate) fn run(&self, place: usize, command: &str, input: &str) {
        let namespace = format!("--net={}", self.namespace(place).display());
        let mut child = Command::new("nsenter").arg(namespace).args(command.split(' ')).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{command}");
    }

    pub(crate) fn namespace(&self, place: usize) -> PathBuf {
        format!("/proc/{}/ns/net", self.children[place].id()).into()
    }

    pub(crate) fn inside<T: Send>(&self, place: usize, doing: impl FnOnce() -> T + Send) -> T {
        let file = std::fs::File::open(self.namespace(place)).unwrap();
        thread::scope(|scope| {
            let inside = || {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                doing()
            };
            scope.spawn(inside).join().unwrap()
        })
    }

    pub(crate) fn host<T: Send>(&self, doing: impl FnOnce() -> T + Send) -> T {
        self.inside(0, doing)
    }

    /// A connection from the client to a port of the host: the server's end and the client's.
    pub(crate) fn connect(&self, listener: &TcpListener, to: SocketAddr) -> (TcpStream, TcpStream) {
        let client = self.inside(1, || TcpStream::connect_timeout(&to, PATIENCE).unwrap());
        let (server, _) = listener.accept().unwrap();
        for end in [&server, &client] {
            end.set_read_timeout(Some(MOMENT)).unwrap();
        }
        (server, client)
    }

    pub(crate) fn listen(&self, place: usize, on: &str) -> TcpListener {
        self.inside(place, || TcpListener::bind(on).unwrap())
    }
}

pub(crate) fn to(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse::<IpAddr>().unwrap(), port)
}

/// True if what one end sends comes to the other.
pub(crate) fn arrives(mut from: &TcpStream, mut to: &TcpStream) -> bool {
    from.write_all(b"x").is_ok() && to.read(&mut [0; 8]).is_ok_and(|read| read > 0)
}
