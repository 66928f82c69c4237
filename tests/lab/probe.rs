//! Real packets: the prober that a neighbour runs, and the listeners of an ordinary process on the host.
//!
//! In and out: JSON over standard input and output, because both run as processes of their own in another network. An
//! answer is the truth, not an errno: a listener that says its own port stands behind every probed port, so whatever brings
//! no answer was stopped on its way.
//!
//! It judges nothing.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

/// How long a prober waits: above one second, so that one lost SYN is sent again.
const PATIENCE: Duration = Duration::from_millis(1_200);
/// Probes under way at a time.
const ABREAST: usize = 192;

/// Where a packet comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Origin {
    /// The neighbour on this interface of the host.
    Link(String),
    /// The container of this name.
    Container(String),
    /// The host itself.
    Host,
}

/// One packet to send.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Probe {
    /// `tcp` or `udp`.
    pub(crate) proto: String,
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) port: u16,
    pub(crate) origin: Origin,
}

impl Probe {
    pub(crate) fn new(proto: &str, src: IpAddr, dst: IpAddr, port: u16, origin: Origin) -> Self {
        Self { proto: proto.to_owned(), src, dst, port, origin }
    }

    /// The host's interface that the packet enters by, where it is an outside one.
    pub(crate) fn interface(&self) -> Option<&str> {
        match &self.origin {
            Origin::Link(name) => Some(name),
            Origin::Container(_) | Origin::Host => None,
        }
    }
}

/// The word for no answer.
const SILENT: &str = "filtered";
/// The word for no answer to a packet that did arrive.
const ARRIVED: &str = "arrived";
/// The word for a connection that stood and brought no answer: of a proxy whose own failed, of a socket that nobody serves.
const STOOD: &str = "stood";

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// `open`, `stood` (a connection without an answer), `arrived` (silence, but the packet did arrive), `refused` (a reset),
    /// `rejected:N` (errno N), `filtered` (silence).
    pub(crate) result: String,
    /// Who answered: the listener's name and port.
    pub(crate) by: String,
}

impl Outcome {
    /// Nothing on the way stopped the packet.
    pub(crate) fn open(&self) -> bool {
        ["open", STOOD, ARRIVED].contains(&self.result.as_str())
    }

    /// Somebody said who it is.
    pub(crate) fn answered(&self) -> bool {
        self.result == "open"
    }

    /// No answer, but it arrived.
    pub(crate) fn arrived() -> Self {
        Self { result: ARRIVED.to_owned(), by: String::new() }
    }

    /// Nothing came back at all.
    pub(crate) fn silent(&self) -> bool {
        self.result == SILENT
    }

    /// Nothing came back that tells who is there; a busy machine answers late.
    pub(crate) fn is_mute(&self) -> bool {
        self.silent() || self.result == STOOD
    }
}

/// Sends the probes from the network of `command`, and gives what came back, in their order.
pub(crate) fn send(command: Command, probes: &[Probe]) -> Result<Vec<Outcome>> {
    let (mut child, mut answers) = talk(command, "--probe", probes)?;
    let outcomes: Vec<Outcome> = serde_json::from_reader(&mut answers)?;
    child.wait()?;
    ensure!(outcomes.len() == probes.len(), "the prober lost probes");
    Ok(outcomes)
}

/// Ordinary processes that listen on the host; they end when this value does.
pub(crate) struct Listeners {
    process: Child,
    /// Places that another process holds; they are left to it.
    pub(crate) held: usize,
}

/// Listens on each of these addresses and ports, from the network of `command`.
pub(crate) fn listen(command: Command, places: &[Probe]) -> Result<Listeners> {
    let (process, mut answers) = talk(command, "--listen", places)?;
    let mut line = String::new();
    answers.read_line(&mut line)?;
    let bound: usize = line.trim().parse().context("the listeners did not start")?;
    Ok(Listeners { process, held: places.len() - bound })
}

impl Drop for Listeners {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

/// Starts this program in one of its modes and hands it the probes; its input stays open.
pub(crate) fn talk(mut command: Command, mode: &str, probes: &[Probe]) -> Result<(Child, BufReader<impl Read + use<>>)> {
    let mut child = command.arg(mode).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let input = child.stdin.as_mut().context("no input")?;
    writeln!(input, "{}", serde_json::to_string(probes)?)?;
    let out = child.stdout.take().context("no output")?;
    Ok((child, BufReader::new(out)))
}

/// The probes on the first line of standard input.
pub(crate) fn told() -> Result<Vec<Probe>> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// Mode `--probe`: reads probes, sends them, prints outcomes.
pub(crate) fn prober() -> Result<()> {
    let mut outcomes = Vec::new();
    for some in told()?.chunks(ABREAST) {
        let flying: Vec<_> = some.iter().cloned().map(|probe| thread::spawn(move || ask(&probe))).collect();
        for probe in flying {
            let outcome = probe.join().map_err(|_| anyhow!("a probe crashed"))?;
            outcomes.push(outcome.unwrap_or_else(|error| Outcome { result: named(&error), by: String::new() }));
        }
    }
    println!("{}", serde_json::to_string(&outcomes)?);
    Ok(())
}

/// Sends one probe and reads the answer.
fn ask(probe: &Probe) -> io::Result<Outcome> {
    ask_within(probe, PATIENCE)
}

/// Sends one probe and reads the answer, each within `patience`.
fn ask_within(probe: &Probe, patience: Duration) -> io::Result<Outcome> {
    let to = socket_address(probe.dst, probe.port)?;
    let mut answer = String::new();
    if probe.proto == "udp" {
        let socket = UdpSocket::bind(socket_address(probe.src, 0)?)?;
        // Not connected: a process on the wildcard address, as docker-proxy is, may answer from another address than the one asked.
        socket.set_read_timeout(Some(patience / 2))?;
        let mut datagram = [0; 64];
        let mut got = Err(ErrorKind::TimedOut.into());
        for _ in 0..2 {
            got = socket.send_to(b"?\n", to).and_then(|_| socket.recv(&mut datagram));
            if got.is_ok() {
                break;
            }
        }
        answer.push_str(&String::from_utf8_lossy(&datagram[..got?]));
    } else {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
        socket.bind(&socket_address(probe.src, 0)?.into())?;
        socket.connect_timeout(&to.into(), patience)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        BufReader::new(TcpStream::from(socket)).read_line(&mut answer).ok();
        if answer.trim().is_empty() {
            return Ok(Outcome { result: STOOD.to_owned(), by: String::new() });
        }
    }
    Ok(Outcome { result: "open".to_owned(), by: answer.trim().to_owned() })
}

/// The word for an error.
fn named(error: &io::Error) -> String {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::ConnectionRefused, _) => "refused".to_owned(),
        (ErrorKind::TimedOut | ErrorKind::WouldBlock, _) => SILENT.to_owned(),
        (_, Some(number)) => format!("rejected:{number}"),
        (kind, None) => format!("rejected:{kind}"),
    }
}

/// What came of knocking at one door again and again.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Knocks {
    /// Connections tried.
    pub(crate) tried: usize,
    /// Those that were answered.
    pub(crate) answered: usize,
    /// When the first and the last answer came, in milliseconds after the first knock.
    pub(crate) between: Option<(u64, u64)>,
}

/// A neighbour that knocks until it is told to stop.
pub(crate) struct Knocker {
    process: Child,
    answers: Box<dyn BufRead>,
}

/// Begins to knock at these doors from the network of `command`.
pub(crate) fn knock(command: Command, doors: &[Probe]) -> Result<Knocker> {
    let (process, answers) = talk(command, "--knock", doors)?;
    Ok(Knocker { process, answers: Box::new(answers) })
}

impl Knocker {
    /// Ends the knocking, and gives what came of it, in the order of the doors.
    pub(crate) fn stop(mut self) -> Result<Vec<Knocks>> {
        drop(self.process.stdin.take());
        let knocks = serde_json::from_reader(&mut self.answers)?;
        self.process.wait()?;
        Ok(knocks)
    }
}

/// How long one knock waits, and how many are under way at each door: together about one a millisecond.
const KNOCK: Duration = Duration::from_millis(16);
const HANDS: u64 = 16;

/// Mode `--knock`: knocks at each door about every millisecond until its input ends, and prints what came of it.
pub(crate) fn knocker() -> Result<()> {
    let doors = told()?;
    let (start, over) = (Instant::now(), AtomicBool::new(false));
    let hand = |door: &Probe| {
        let mut knocks = Knocks::default();
        while !over.load(Ordering::Relaxed) {
            let began = Instant::now();
            knocks.tried += 1;
            if ask_within(door, KNOCK).is_ok() {
                knocks.answered += 1;
                let now = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
                knocks.between = Some((knocks.between.map_or(now, |(first, _)| first), now));
            }
            thread::sleep(KNOCK.saturating_sub(began.elapsed()));
        }
        knocks
    };
    let knocks: Vec<Knocks> = thread::scope(|scope| {
        let hand = &hand;
        let at = |door| (0..HANDS).map(|_| scope.spawn(move || hand(door))).collect::<Vec<_>>();
        let hands: Vec<_> = doors.iter().map(at).collect();
        io::stdin().read_to_end(&mut Vec::new()).ok();
        over.store(true, Ordering::Relaxed);
        hands
            .into_iter()
            .map(|hands| hands.into_iter().filter_map(|hand| hand.join().ok()).fold(Knocks::default(), add))
            .collect()
    });
    println!("{}", serde_json::to_string(&knocks)?);
    Ok(())
}

/// What two hands at the same door found.
fn add(one: Knocks, other: Knocks) -> Knocks {
    let between = match (one.between, other.between) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    };
    Knocks { tried: one.tried + other.tried, answered: one.answered + other.answered, between }
}

/// Mode `--listen`: binds what is free, says how much, and answers until its input ends.
pub(crate) fn listener() -> Result<()> {
    let bound = told()?.iter().filter(|place| bind(place).is_ok()).count();
    println!("{bound}");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Binds one address and port, and answers there from a thread of its own. One socket for each address: a wildcard UDP
/// socket would answer from another address than the one asked.
fn bind(place: &Probe) -> io::Result<()> {
    let at = socket_address(place.dst, place.port)?;
    let answer = format!("host {}\n", place.port);
    if place.proto == "udp" {
        let socket = UdpSocket::bind(at)?;
        thread::spawn(move || {
            while let Ok((_, asker)) = socket.recv_from(&mut [0; 64]) {
                socket.send_to(answer.as_bytes(), asker).ok();
            }
        });
    } else {
        let listener = TcpListener::bind(at)?;
        thread::spawn(move || {
            for mut asker in listener.incoming().flatten() {
                asker.write_all(answer.as_bytes()).ok();
            }
        });
    }
    Ok(())
}

/// A socket address; link-local ones get the number of the link that has one, other than loopback.
fn socket_address(address: IpAddr, port: u16) -> io::Result<SocketAddr> {
    match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Ok(SocketAddrV6::new(v6, port, 0, scope(v6)?).into()),
        _ => Ok((address, port).into()),
    }
}

/// The interface number for a link-local address: of the link that carries it, else of `eth0`.
fn scope(address: Ipv6Addr) -> io::Result<u32> {
    let table = std::fs::read_to_string("/proc/self/net/if_inet6")?;
    let hex = format!("{:032x}", u128::from(address));
    let own = table.lines().find(|line| line.starts_with(&hex));
    let line = own.or_else(|| table.lines().find(|line| line.ends_with(" eth0")));
    let number = line.and_then(|line| line.split_whitespace().nth(1)).unwrap_or("0");
    u32::from_str_radix(number, 16).map_err(io::Error::other)
}
