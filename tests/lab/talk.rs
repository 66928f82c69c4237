//! Conversations that go on, and connections made one after the other: what a lock cuts, and what it costs.
//!
//! In: doors, on standard input as the probers have them. Out: how long ago the last word was answered, or how many connections a door
//! took in a while.
//!
//! It judges nothing.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::net::sockopt;
use serde::{Deserialize, Serialize};

use crate::probe::{self, Probe};

/// How long a word waits for its answer, and how long the next one waits then.
const PATIENCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(20);

/// What came of a conversation.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Heard {
    /// Words that were answered.
    pub(crate) answers: usize,
    /// How long ago the last was, in milliseconds, when the conversation was ended.
    pub(crate) silent_for: u64,
}

/// Conversations under way.
pub(crate) struct Talker {
    process: Child,
    answers: Box<dyn Read>,
}

/// Begins one conversation at each door from the network of `command`.
pub(crate) fn begin(command: Command, doors: &[Probe]) -> Result<Talker> {
    let (process, answers) = probe::talk(command, "--talk", doors)?;
    Ok(Talker { process, answers: Box::new(answers) })
}

impl Talker {
    /// Ends them, and gives what came of them, in the order of the doors.
    pub(crate) fn stop(mut self) -> Result<Vec<Heard>> {
        drop(self.process.stdin.take());
        let heard = serde_json::from_reader(&mut self.answers)?;
        self.process.wait()?;
        Ok(heard)
    }
}

/// Mode `--talk`: one word after the other at each door, over one connection, until its input ends.
pub(crate) fn talker() -> Result<()> {
    let doors = probe::told()?;
    let over = AtomicBool::new(false);
    let heard: Vec<Heard> = thread::scope(|scope| {
        let talks: Vec<_> = doors.iter().map(|door| scope.spawn(|| converse(door, &over).unwrap_or_default())).collect();
        io::stdin().read_to_end(&mut Vec::new()).ok();
        over.store(true, Ordering::Relaxed);
        talks.into_iter().map(|talk| talk.join().unwrap_or_default()).collect()
    });
    println!("{}", serde_json::to_string(&heard)?);
    Ok(())
}

/// Talks at one door. A connection that breaks is not made again.
fn converse(door: &Probe, over: &AtomicBool) -> io::Result<Heard> {
    let to = SocketAddr::new(door.dst, door.port);
    let mut say: Box<dyn FnMut() -> io::Result<usize>> = if door.proto == "udp" {
        let socket = UdpSocket::bind(SocketAddr::new(door.src, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Box::new(move || socket.send_to(b"?\n", to).and_then(|_| socket.recv(&mut [0; 64])))
    } else {
        let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Box::new(move || stream.write_all(b"?\n").and_then(|()| stream.read(&mut [0; 64])))
    };
    let (mut answers, mut last) = (0, Instant::now());
    while !over.load(Ordering::Relaxed) {
        if say().is_ok_and(|length| length > 0) {
            (answers, last) = (answers + 1, Instant::now());
        }
        thread::sleep(PAUSE);
    }
    Ok(Heard { answers, silent_for: u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX) })
}

/// How long connections are made, and how many hands make them.
const WHILE: Duration = Duration::from_millis(1_500);
const HANDS: usize = 4;

/// Makes connections at one door, from the network of `command`, and gives how many a second were answered.
pub(crate) fn rate(command: Command, door: &Probe) -> Result<u64> {
    let (mut process, mut answers) = probe::talk(command, "--rate", std::slice::from_ref(door))?;
    let rate = serde_json::from_reader(&mut answers)?;
    process.wait()?;
    Ok(rate)
}

/// Mode `--rate`: one connection after the other, of several hands, for a while.
pub(crate) fn rater() -> Result<()> {
    let door = probe::told()?.pop().context("no door")?;
    let to = SocketAddr::new(door.dst, door.port);
    let start = Instant::now();
    let connect = || {
        let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(1))?;
        // Broken off, so that no port is left in TIME_WAIT: the search for free ones would soon cost more than the connections.
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.read(&mut [0; 64])
    };
    let hand = || {
        let mut number = 0_u64;
        while start.elapsed() < WHILE {
            number += u64::from(connect().is_ok_and(|length: usize| length > 0));
        }
        number
    };
    let number: u64 = thread::scope(|scope| {
        let hands: Vec<_> = (0..HANDS).map(|_| scope.spawn(hand)).collect();
        hands.into_iter().filter_map(|hand| hand.join().ok()).sum()
    });
    println!("{}", number * 1_000 / u64::try_from(start.elapsed().as_millis())?.max(1));
    Ok(())
}
