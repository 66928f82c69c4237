//! `lock --persist` under systemd as the first process of a host: what it installs is started by it, at a boot before the engine.
//!
//! In: a host of the lab, whose firewall and engine are units of its packages. Out: claims on a [`Sheet`]: that the units are there and
//! active, that a boot loads the policy before the engine starts and no refused door answers through it, that the watcher follows firewall
//! and engine in the sandbox of its unit, and that all of it goes again.
//!
//! No packet is sent from inside of containers: their networks are mounted where only systemd's processes see them.
//!
//! [`Sheet`]: crate::lock::sheet::Sheet

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::hosts::Host;
use crate::lock::boot::{self, LOADER, WATCHER, holds_in_a_while};
use crate::lock::program::{self, BACKENDS, Done};
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;
use crate::lock::windows;
use crate::probe::Knocker;

/// What ends with a machine: memory, and what is in the kernel.
const ENDS: &str = "find /run -xdev -mindepth 1 -delete; for link in $(ls /sys/class/net); do case $link in docker0|br-[0-9a-f]*) \
    ip link delete $link;; esac; done";

/// Locks a host for good and boots it; true when every claim held.
pub(crate) fn boot(host: &'static Host) -> Result<bool> {
    let mut stand = Stand::under_systemd(host, "systemd on")?;
    stand.populate()?;
    // A boot starts them again.
    program::script(&stand.site.island, "docker update --restart always $(docker ps -q)")?;
    stand.rest()?;
    let words = [&stand.words(BACKENDS[0])[..], &["--persist"]].concat();
    stand.ends("lock --persist", &words, 0)?;
    are(&mut stand, "after lock --persist", "active")?;
    stand.ends("status after lock --persist", &["status"], 0)?;
    booted(&mut stand)?;
    watched(&mut stand)?;
    removed(&mut stand)?;
    Ok(stand.sheet.end())
}

/// Claims that both units are in a state.
fn are(stand: &mut Stand, when: &str, state: &str) -> Result<()> {
    let start = Instant::now();
    let mut done = program::run(&stand.site.island, &["systemctl", "is-active", LOADER, WATCHER])?;
    let all = |done: &Done| done.printed.lines().count() == 2 && done.printed.lines().all(|line| line == state);
    while !all(&done) && start.elapsed() < boot::PATIENCE {
        thread::sleep(Duration::from_millis(200));
        done = program::run(&stand.site.island, &["systemctl", "is-active", LOADER, WATCHER])?;
    }
    let all = all(&done);
    let said = journal(stand);
    stand.sheet.claim(all, || format!("{when}: {state} expected, {done}\n{said}"));
    Ok(())
}

/// What the units said.
fn journal(stand: &Stand) -> String {
    let argv = ["journalctl", "--no-pager", "-o", "cat", "-n", "30", "-u", LOADER, "-u", WATCHER];
    stand.site.island.run(&argv).unwrap_or_default()
}

/// A boot, through which a neighbour knocks.
fn booted(stand: &mut Stand) -> Result<()> {
    let doors = windows::doors(&stand.site);
    stand.site.island.run(&["conntrack", "-F"])?;
    let knocker: Knocker = stand.site.knock(&doors)?;
    program::run(&stand.site.island, &["systemctl", "reboot"])?;
    stand.site.island.await_end_of_systemd()?;
    program::script(&stand.site.island, boot::REBOOT)?;
    program::script(&stand.site.island, ENDS)?;
    stand.site.boot_systemd()?;
    stand.site.settle()?;
    boot::answered(stand, &doors, &knocker.stop()?);
    are(stand, "after a boot", "active")?;
    let [loaded, started] = [(LOADER, "ActiveEnterTimestampMonotonic"), ("docker.service", "ExecMainStartTimestampMonotonic")]
        .map(|(unit, stamp)| moment(stand, unit, stamp));
    let (loaded, started) = (loaded?, started?);
    fact(format_args!("at boot the policy was there {} ms before the engine started", started.saturating_sub(loaded) / 1000));
    stand
        .sheet
        .claim(0 < loaded && loaded <= started, || format!("the policy was there at {loaded}, the engine started at {started}"));
    holds_in_a_while(stand, "a boot", &journal)
}

/// A time stamp of a unit, in microseconds.
fn moment(stand: &Stand, unit: &str, stamp: &str) -> Result<u64> {
    let text = stand.site.island.run(&["systemctl", "show", "--value", "-p", stamp, unit])?;
    text.trim().parse().with_context(|| format!("{unit} has no {stamp}: {text}"))
}

/// The watcher, in the sandbox of its unit.
fn watched(stand: &mut Stand) -> Result<()> {
    let script = |stand: &Stand, text: &str| -> Result<()> {
        let done = program::script(&stand.site.island, text)?;
        ensure!(done.is(0), "{text}: {done}");
        Ok(())
    };
    script(stand, "nft delete table inet docker_firewall")?;
    holds_in_a_while(stand, "the table was taken away", &journal)?;
    if stand.host.has_firewalld() {
        script(stand, "firewall-cmd -q --permanent --zone=public --add-port=8080/tcp && firewall-cmd -q --reload")?;
        boot::opens(stand, 8080)?;
        script(stand, "systemctl restart firewalld")?;
        holds_in_a_while(stand, "firewalld was started anew", &journal)?;
    }
    script(stand, "systemctl restart docker")?;
    holds_in_a_while(stand, "the engine was started anew", &journal)?;
    script(stand, &format!("systemctl kill -s KILL {WATCHER}; sleep 4"))?;
    are(stand, "after the watcher was killed", "active")
}

/// Locks no more.
fn removed(stand: &mut Stand) -> Result<()> {
    stand.ends("unlock --persist", &["unlock", "--persist"], 0)?;
    are(stand, "after unlock --persist", "inactive")?;
    stand.ends("status after unlock --persist", &["status"], 3)?;
    boot::nothing_is_left(stand)
}
