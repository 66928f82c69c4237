//! What may go wrong under the lock: nothing half done, a clear word, and the next lock works.
//!
//! In: a host of the lab. Out: claims on a [`Sheet`]: how the command ended and what it said, that the rules are the old ones where it
//! could not and the new ones where it could, and that a lock works once the fault is over.
//!
//! [`Sheet`]: crate::lock::sheet::Sheet

use anyhow::{Result, ensure};

use crate::hosts::Host;
use crate::lock::program::{self, BACKENDS, bare};
use crate::lock::rules::{self, Rules};
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;
use crate::lock::{crowd, gone, kill};

/// Something wrong with a host.
struct Fault {
    name: &'static str,
    /// A script of the host that brings it about, and one that takes it away.
    brings: &'static str,
    mends: &'static str,
    /// What is put before the command.
    before: &'static str,
    words: &'static [&'static str],
    /// The statuses that it may end with.
    codes: &'static [i32],
    /// Words of which one must be said where it could not.
    says: &'static [&'static str],
    /// True: built-in chains that iptables makes for the lock may stay, empty. Without nft nobody sees whether they were there: docs/limits.md.
    leaves_chains: bool,
}

/// A lock, and nothing wrong.
const NONE: Fault =
    Fault { name: "", brings: "true", mends: "true", before: "", words: &["lock"], codes: &[2], says: &[], leaves_chains: false };
const AWAY: &str = "mkdir /usr/away; for tool in /usr/sbin/nft /usr/sbin/*tables*; do mv $tool /usr/away; done";
const BACK: &str = "mv /usr/away/* /usr/sbin; rmdir /usr/away";
const ENGINE: &str = "$(cat /run/docker.pid)";

const FAULTS: &[Fault] = &[
    Fault {
        name: "no nft, which is asked for",
        brings: "mv /usr/sbin/nft /usr/sbin/nft-away",
        mends: "mv /usr/sbin/nft-away /usr/sbin/nft",
        words: &["lock", "--backend", "nftables"],
        says: &["nft"],
        ..NONE
    },
    Fault {
        name: "no nft",
        brings: "mv /usr/sbin/nft /usr/sbin/nft-away",
        mends: "mv /usr/sbin/nft-away /usr/sbin/nft",
        codes: &[0, 2],
        says: &["nft"],
        leaves_chains: true,
        ..NONE
    },
    Fault {
        name: "no iptables, and docker-user asked for",
        brings: "mkdir /usr/away; for tool in /usr/sbin/*tables*; do mv $tool /usr/away; done",
        mends: BACK,
        words: &["lock", "--backend", "docker-user"],
        says: &["package iptables"],
        ..NONE
    },
    Fault {
        name: "no iptables",
        brings: "mkdir /usr/away; for tool in /usr/sbin/*tables*; do mv $tool /usr/away; done",
        mends: BACK,
        codes: &[0, 2],
        says: &["package iptables"],
        ..NONE
    },
    Fault {
        name: "check without iptables",
        brings: "mkdir /usr/away; for tool in /usr/sbin/*tables*; do mv $tool /usr/away; done",
        mends: BACK,
        words: &["check"],
        says: &["package iptables"],
        ..NONE
    },
    Fault { name: "neither nft nor iptables", brings: AWAY, mends: BACK, says: &["nft", "iptables"], ..NONE },
    Fault {
        name: "a foreign table of our name",
        brings: "nft add table inet docker_firewall; nft add chain inet docker_firewall theirs",
        mends: "nft delete table inet docker_firewall",
        words: &["lock", "--backend", "nftables"],
        says: &["docker_firewall"],
        ..NONE
    },
    Fault {
        name: "unlock beside a foreign table of our name",
        brings: "nft add table inet docker_firewall; nft add chain inet docker_firewall theirs",
        mends: "nft delete table inet docker_firewall",
        words: &["unlock"],
        codes: &[0, 2],
        ..NONE
    },
    Fault {
        name: "a foreign chain of our name",
        brings: "iptables -N DFW; iptables -A DFW -j RETURN",
        mends: "iptables -F DFW; iptables -X DFW",
        words: &["lock", "--backend", "docker-user"],
        says: &["dfw"],
        ..NONE
    },
    Fault {
        name: "unlock beside a foreign chain of our name",
        brings: "iptables -N DFW; iptables -A DFW -j RETURN",
        mends: "iptables -F DFW; iptables -X DFW",
        words: &["unlock"],
        codes: &[0, 2],
        ..NONE
    },
    Fault { name: "not root", before: "setpriv --reuid 65534 --regid 65534 --clear-groups", says: &["root"], ..NONE },
    Fault {
        name: "read-only /proc",
        before: "unshare --mount sh -c 'mount -o remount,bind,ro /proc; exec \"$@\"' -",
        codes: &[0, 2],
        ..NONE
    },
    Fault {
        name: "the engine does not answer",
        brings: "kill -STOP $(cat /run/docker.pid)",
        mends: "kill -CONT $(cat /run/docker.pid)",
        says: &["docker", "engine"],
        ..NONE
    },
    Fault {
        name: "another holds the lock of iptables",
        brings: "setsid flock /run/xtables.lock sleep 20 >/dev/null 2>&1 & echo $! >/tmp/holder; sleep 0.2",
        mends: "kill -- -$(cat /tmp/holder)",
        words: &["lock", "--backend", "docker-user"],
        codes: &[0, 2],
        says: &["iptables", "xtables"],
        ..NONE
    },
];

/// Brings every fault about; true when every claim held.
pub(crate) fn withstand(host: &'static Host) -> Result<bool> {
    let mut stand = Stand::whole(host, "faults on")?;
    for fault in FAULTS {
        fault.happen(&mut stand)?;
    }
    on_a_full_disk(&mut stand)?;
    without_an_engine(&mut stand)?;
    gone::vanish(&mut stand)?;
    for backend in program::backends() {
        kill::kill(&mut stand, backend)?;
        kill::stop_the_engine(&mut stand, backend)?;
        crowd::crowd(&mut stand, backend)?;
    }
    Ok(stand.sheet.end())
}

impl Fault {
    /// Brings it about on a host that is not locked, takes it away, and claims that all works again.
    fn happen(&self, stand: &mut Stand) -> Result<()> {
        self.befall(stand)?;
        let mut left = left_by_another(stand, self.name)?;
        if self.leaves_chains {
            left.retain(|line| !rules::is_base(line));
            stand.rest()?;
        }
        stand.sheet.none(&format!("after {} and unlock the rules are not what they were", self.name), &left);
        Ok(())
    }

    /// Brings it about, and takes it away.
    fn befall(&self, stand: &mut Stand) -> Result<()> {
        let brought = program::script(&stand.site.island, self.brings)?;
        ensure!(brought.is(0), "{}: {brought}", self.name);
        // With the fault there: a foreign table is one of the rules that must stay.
        let present = program::script(&stand.site.island, "command -v nft iptables >/dev/null")?.is(0);
        let before = if present { Some(stand.now()?) } else { None };
        let case = if self.words[0] == "lock" { stand.case.words() } else { Vec::new() };
        let command = format!("{} {}", self.before, bare(&[self.words, &case].concat()));
        let done = program::script(&stand.site.island, &command)?;
        let after = if present { Some(stand.now()?) } else { None };
        let mended = program::script(&stand.site.island, self.mends)?;
        stand.site.island.resume()?;
        ensure!(mended.is(0), "{}: {mended}", self.name);

        let name = self.name;
        fact(format_args!("{name}: {done}"));
        stand.sheet.claim(done.code.is_some_and(|code| self.codes.contains(&code)), || {
            format!("{name}: status {:?} expected, {done}", self.codes)
        });
        if !done.is(0) {
            let said = self.says.is_empty() || self.says.iter().any(|word| done.says(word));
            stand.sheet.claim(said, || format!("{name}: none of {:?} is said: {done}", self.says));
        }
        if let Some((before, after)) = before.zip(after) {
            let changed = after.against(&before);
            let may_change = done.is(0) && self.words[0] == "lock";
            stand.sheet.none(&format!("{name}: the rules changed"), if may_change { &[] } else { &changed });
        }
        Ok(())
    }
}

/// Claims that a lock and an unlock work after something, and leave nothing.
fn recovers(stand: &mut Stand, after: &str) -> Result<()> {
    let left = left_by_another(stand, after)?;
    stand.sheet.none(&format!("after {after} and unlock the rules are not what they were"), &left);
    Ok(())
}

/// Claims that a lock and an unlock work after something, and gives what the rules are not as they were in.
fn left_by_another(stand: &mut Stand, after: &str) -> Result<Vec<String>> {
    let words = [&["lock"][..], &stand.case.words()].concat();
    stand.ends(&format!("lock after {after}"), &words, 0)?;
    stand.ends(&format!("status after {after}"), &["status"], 0)?;
    stand.ends(&format!("unlock after {after}"), &["unlock"], 0)?;
    Ok(stand.now()?.against(&stand.rules))
}

/// A full disk, before a lock and under one: nothing is locked, and what is locked stays so or is locked anew, and can be unlocked.
fn on_a_full_disk(stand: &mut Stand) -> Result<()> {
    fill(stand)?;
    Fault { name: "disk full", says: &["no space"], ..NONE }.befall(stand)?;
    make_room(stand)?;
    recovers(stand, "disk full")?;
    for backend in program::backends() {
        let Some(locked) = stand.lock(backend)? else { continue };
        fill(stand)?;
        let again = program::firewall(&stand.site.island, &stand.words(backend))?;
        stand.sheet.claim(again.is(2) || again.is(0), || format!("{backend}: a second lock on a full disk: {again}"));
        let now = stand.now()?.against(&locked);
        stand.sheet.none(&format!("{backend}: a second lock on a full disk changed the rules"), &now);
        stand.unlock("a full disk")?;
        make_room(stand)?;
        recovers(stand, "a full disk")?;
    }
    Ok(())
}

/// Where a lock is remembered.
const MEMORY: &str = "/run/docker-firewall";

/// Leaves what is remembered of a lock where it is, and no room beside it.
fn fill(stand: &Stand) -> Result<()> {
    let island = &stand.site.island;
    program::script(island, &format!("mkdir -p {MEMORY}; cp -a {MEMORY} /tmp/kept"))?;
    island.lay(MEMORY, "size=16k,mode=0700")?;
    let filled = program::script(
        island,
        &format!("cp -a /tmp/kept/. {MEMORY}; dd if=/dev/zero of={MEMORY}/full bs=1k count=64; rm -r /tmp/kept"),
    )?;
    ensure!(filled.is(0) && filled.says("no space"), "the disk is not full: {filled}");
    Ok(())
}

fn make_room(stand: &Stand) -> Result<()> {
    stand.site.island.lift(MEMORY)?;
    program::script(&stand.site.island, &format!("rm -r {MEMORY}")).map(drop)
}

/// No engine: a lock that stands holds on, and can be taken away.
fn without_an_engine(stand: &mut Stand) -> Result<()> {
    let locked: Option<Rules> = stand.lock(BACKENDS[0])?;
    program::script(&stand.site.island, &format!("kill -STOP {ENGINE}"))?;
    let status = program::script(&stand.site.island, &bare(&["status"]))?;
    stand.sheet.claim(status.is(2), || format!("status while the engine does not answer: {status}"));
    let kept = stand.now()?.against(&locked.unwrap_or_else(|| stand.rules.clone()));
    stand.sheet.none("the rules changed while the engine did not answer", &kept);
    let unlocked = program::script(&stand.site.island, &bare(&["unlock"]))?;
    stand.sheet.claim(unlocked.is(0), || format!("unlock while the engine does not answer: {unlocked}"));
    program::script(&stand.site.island, &format!("kill -CONT {ENGINE}"))?;
    stand.site.island.resume()?;
    stand.unchanged("unlock while the engine did not answer left something")
}
