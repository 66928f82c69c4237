//! The units of systemd, run by hand as a boot runs them: the standing policy before the engine, then the engine, then the watcher.
//!
//! In: a host of the lab; its `systemctl` is a script that does nothing, since no systemd runs here. Out: claims on a [`Sheet`]. What the
//! units start is taken from the files that `lock --persist` installs, with no more capabilities than they leave.
//!
//! [`Sheet`]: crate::lock::sheet::Sheet

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::hosts::Host;
use crate::lock::must::{self, place};
use crate::lock::program::{self, BACKENDS};
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;
use crate::lock::{later, truth, windows};
use crate::probe::{Knocks, Probe};

/// The units.
const FOLDER: &str = "/etc/systemd/system";
pub(super) const LOADER: &str = "docker-firewall.service";
pub(super) const WATCHER: &str = "docker-firewall-watch.service";
/// Where the watcher's shell leaves its process id.
const PID: &str = "/run/watch.pid";
/// How long the watcher may take to see a change and to answer it.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// What a boot leaves of rules and of what is remembered in memory.
pub(super) const REBOOT: &str = "rm -rf /run/docker-firewall; nft flush ruleset; \
    for tool in iptables-legacy ip6tables-legacy; do for table in filter nat mangle raw; do \
    $tool -t $table -F; $tool -t $table -X; done; done 2>/dev/null; true";

/// Boots a host that is locked for good; true when every claim held.
pub(crate) fn boot(host: &'static Host) -> Result<bool> {
    let mut stand = Stand::whole(host, "boot of")?;
    later::begin(&mut stand.site)?;
    let inside = truth::ask(&stand.site, later::from_inside(&stand.site))?;
    later::end(&mut stand.site)?;
    install(&mut stand)?;
    started(&mut stand)?;
    watched(&mut stand, &inside)?;
    removed(&mut stand)?;
    Ok(stand.sheet.end())
}

/// Locks for good, and looks at the units.
fn install(stand: &mut Stand) -> Result<()> {
    let site = &stand.site;
    site.island.run(&["mkdir", "-p", "/run/systemd/system"])?;
    site.island.write("/usr/bin/systemctl-none", "#!/bin/sh\nexit 0\n")?;
    program::script(&site.island, "chmod +x /usr/bin/systemctl-none; mv /usr/bin/systemctl-none /usr/bin/systemctl")?;
    let words = [&stand.words(BACKENDS[0])[..], &["--persist"]].concat();
    stand.ends("lock --persist", &words, 0)?;
    let paths = [LOADER, WATCHER].map(|name| format!("{FOLDER}/{name}"));
    let verified = program::run(&stand.site.island, &["systemd-analyze", "verify", &paths[0], &paths[1]])?;
    // Units of others that are not installed here are not ours to be told of.
    stand.sheet.claim(verified.is(0) && !verified.says("docker-firewall"), || format!("systemd-analyze verify: {verified}"));
    Ok(())
}

/// A boot: firewall, standing policy, engine, containers; a neighbour knocks from the policy on.
fn started(stand: &mut Stand) -> Result<()> {
    let doors = windows::doors(&stand.site);
    stand.site.island.stop("/run/docker.pid")?;
    if stand.host.has_firewalld() {
        stand.site.island.stop("/run/firewalld.pid")?;
    }
    program::script(&stand.site.island, REBOOT)?;
    stand.site.guard_again(stand.host)?;
    let knocker = stand.site.knock(&doors)?;
    let loaded = program::script(&stand.site.island, &start_of(stand, LOADER)?)?;
    stand.sheet.claim(loaded.is(0), || format!("{LOADER} at boot: {loaded}"));
    stand.site.start_engine(stand.host)?;
    stand.site.settle()?;
    answered(stand, &doors, &knocker.stop()?);
    stand.ends("status after the boot", &["status"], 0).map(drop)
}

/// Claims that no refused door answered through a boot, and the allowed one, which is the last, did.
pub(super) fn answered(stand: &mut Stand, doors: &[Probe], knocks: &[Knocks]) {
    let refused = doors.len() - 1;
    let answered = doors.iter().zip(knocks).take(refused).filter(|(_, found)| found.answered > 0);
    let lines: Vec<_> = answered.map(|(door, found)| format!("{}: {} of {}", place(door), found.answered, found.tried)).collect();
    stand.sheet.none("doors that answered at boot", &lines);
    let (allowed, tried) = (knocks[refused].answered, knocks[refused].tried);
    stand.sheet.claim(allowed > 0, || format!("the allowed door answered none of {tried} knocks after the boot"));
}

/// The watcher: it puts back what is lost, and follows engine and firewall.
fn watched(stand: &mut Stand, inside: &[truth::Answered]) -> Result<()> {
    let command = format!("echo $$ >{PID}; exec {}", start_of(stand, WATCHER)?);
    stand.site.island.start("watcher", &["sh", "-c", &command])?;
    holds_in_a_while(stand, "the watcher began", &log)?;
    program::script(&stand.site.island, "nft delete table inet docker_firewall")?;
    holds_in_a_while(stand, "the table was taken away", &log)?;
    if stand.host.has_firewalld() {
        stand.site.restart_firewalld()?;
        holds_in_a_while(stand, "firewalld was started anew", &log)?;
    }

    later::begin(&mut stand.site)?;
    let start = Instant::now();
    let broken = loop {
        let answers = truth::again(&stand.site, inside)?;
        let broken: Vec<_> = answers.iter().filter_map(|(probe, before, now)| must::same(probe, before, now)).collect();
        if broken.is_empty() || start.elapsed() > PATIENCE {
            break broken;
        }
    };
    later::end(&mut stand.site)?;
    stand.sheet.none("what works inside of later networks has changed, watched", &broken);
    holds_in_a_while(stand, "networks came and went", &log)?;

    if stand.host.has_firewalld() {
        let permit = ["firewall-cmd", "-q", "--permanent", "--zone=public", "--add-port=8080/tcp"];
        stand.site.island.run(&permit)?;
        stand.site.island.run(&["firewall-cmd", "-q", "--reload"])?;
        opens(stand, 8080)?;
    }
    stand.site.restart_engine(stand.host)?;
    holds_in_a_while(stand, "the engine was started anew", &log)
}

/// Claims that a port which firewalld permits since is open before long.
pub(super) fn opens(stand: &mut Stand, port: u16) -> Result<()> {
    let door: Vec<_> = windows::doors(&stand.site).into_iter().filter(|door| door.port == port && door.dst.is_ipv4()).collect();
    let start = Instant::now();
    while !stand.site.ask(&door)?[0].open() && start.elapsed() < PATIENCE {}
    let now = stand.site.ask(&door)?.remove(0);
    stand.sheet.claim(now.open(), || format!("a port that firewalld permits since: {}", must::told(&door[0], &now)));
    Ok(())
}

/// Locks no more: the watcher lets it be.
fn removed(stand: &mut Stand) -> Result<()> {
    stand.ends("unlock --persist", &["unlock", "--persist"], 0)?;
    thread::sleep(Duration::from_secs(3));
    stand.ends("status after unlock --persist", &["status"], 3)?;
    nothing_is_left(stand)?;
    fact(format_args!("the watcher said: {}", log(stand).trim()));
    stand.site.island.stop(PID)
}

/// Claims that neither units nor rules of the lock are there.
pub(super) fn nothing_is_left(stand: &mut Stand) -> Result<()> {
    let left = [LOADER, WATCHER].map(|name| stand.site.island.path(&format!("{FOLDER}/{name}")));
    stand.sheet.claim(!left.iter().any(|path| path.exists()), || "unlock --persist leaves units".to_owned());
    let now = stand.now()?;
    stand.sheet.claim(now.of_others() == now, || "unlock --persist leaves rules".to_owned());
    Ok(())
}

/// What the watcher said.
fn log(stand: &Stand) -> String {
    stand.site.island.log("watcher")
}

/// What a unit starts, with the capabilities that it leaves.
fn start_of(stand: &Stand, unit: &str) -> Result<String> {
    let text = fs::read_to_string(stand.site.island.path(&format!("{FOLDER}/{unit}")))
        .with_context(|| format!("{unit} is not there"))?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("{unit} has no {key}"));
    let names = value("CapabilityBoundingSet=")?
        .split_whitespace()
        .map(|name| format!(",+{}", name.trim_start_matches("CAP_").to_lowercase()));
    Ok(format!("setpriv --bounding-set -all{} --no-new-privs {}", names.collect::<String>(), value("ExecStart=")?))
}

/// Claims that the lock holds after something, before long.
pub(super) fn holds_in_a_while(stand: &mut Stand, after: &str, said: &dyn Fn(&Stand) -> String) -> Result<()> {
    let start = Instant::now();
    let mut status = program::firewall(&stand.site.island, &["status"])?;
    while !status.is(0) && start.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(500));
        status = program::firewall(&stand.site.island, &["status"])?;
    }
    let log = said(stand);
    fact(format_args!("held {:.1} s after {after}", start.elapsed().as_secs_f32()));
    stand.sheet.claim(status.is(0), || format!("after {after}: status {status}\nthe watcher said: {log}"));
    Ok(())
}
