//! `--cut`: conversations that were there before the lock end with it; without it they go on.
//!
//! In: a host without a lock. Out: claims about a conversation over TCP, one over UDP, and one through docker-proxy, where the host lets
//! them begin.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::engine::IMAGE;
use crate::lock::must::place;
use crate::lock::program;
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;
use crate::probe::{Origin, Probe};
use crate::talk::{self, Heard};

/// The port of the container that talks.
const PORT: u16 = 8140;
/// How long is talked after the lock, and how much of it may be left to one who goes on or not.
const AFTERWARDS: Duration = Duration::from_secs(2);
const BARELY: u64 = 800;

/// Talks, locks, and listens.
pub(super) fn cut(stand: &mut Stand, backend: &'static str) -> Result<()> {
    let tcp = format!("{PORT}:{PORT}");
    let udp = format!("{PORT}:{PORT}/udp");
    let talks = [format!("talk/{PORT}"), format!("udp/{PORT}")];
    let run = ["docker", "run", "--detach", "--name", "talker", "--publish", &tcp, "--publish", &udp, IMAGE, "talker"];
    stand.site.island.run(&[&run[..], &[talks[0].as_str(), talks[1].as_str()]].concat())?;
    stand.rest()?;
    let doors = doors(stand);
    for (more, is_cut) in [(&["--all"][..], false), (&["--all", "--cut"], true)] {
        let talker = talk::begin(stand.site.neighbours[0].wire.command(std::env::current_exe()?), &doors)?;
        thread::sleep(Duration::from_secs(1));
        let words = ["lock", "--backend", backend];
        let done = program::firewall(&stand.site.island, &[&words, more].concat())?;
        stand.sheet.claim(done.is(0), || format!("{backend}: lock {more:?}: {done}"));
        thread::sleep(AFTERWARDS);
        let heard = talker.stop()?;
        let mut is_right = true;
        for (door, heard) in doors.iter().zip(&heard) {
            if !is_cut && is_untracked(stand, door) {
                fact(format_args!(
                    "{backend}: {} under lock {more:?}: last answered {} ms before the end",
                    place(door),
                    heard.silent_for
                ));
                continue;
            }
            let ends = judge(stand, &format!("{backend}: {} under lock {more:?}", place(door)), heard, is_cut);
            is_right &= ends;
        }
        if !is_right {
            fact(format_args!("it had said: {done}"));
        }
        stand.unlock("lock --cut")?;
    }
    stand.site.island.run(&["docker", "rm", "-f", "talker"])?;
    stand.rest()
}

/// True if the kernel keeps no track of a conversation over UDP, since no rule asks for its state: its next packet under a lock counts as
/// a new one's, and whether it goes on is not the lock's to say (`docs/limits.md`).
fn is_untracked(stand: &Stand, door: &Probe) -> bool {
    stand.case.is_bare && door.proto == "udp" && door.dst.is_ipv6()
}

/// Claims that a conversation ended, or that it did not; true if the claim holds.
fn judge(stand: &mut Stand, what: &str, heard: &Heard, is_cut: bool) -> bool {
    let Heard { answers, silent_for } = *heard;
    if answers == 0 {
        fact(format_args!("{what}: it cannot begin here"));
        return true;
    }
    let ended = u128::from(silent_for) + u128::from(BARELY) > AFTERWARDS.as_millis();
    let holds = if is_cut { ended } else { silent_for < BARELY };
    stand
        .sheet
        .claim(holds, || format!("{what}: to end: {is_cut}; answered {answers} times, last {silent_for} ms before the end"));
    holds
}

/// One over each protocol and family.
fn doors(stand: &Stand) -> Vec<Probe> {
    let near = stand.site.neighbours[0].link;
    let mut doors = Vec::new();
    for own in near.host_addresses() {
        let Some(src) = near.sources().into_iter().find(|src| src.is_ipv4() == own.is_ipv4()) else { continue };
        doors.extend(["tcp", "udp"].map(|proto| Probe::new(proto, src, own, PORT, Origin::Link(near.name.to_owned()))));
    }
    doors
}
