//! Ends that come at any instant: of the program, while it locks and unlocks, and of the engine beside it.
//!
//! In: a host without a lock. Out: claims that the rules are each time the old ones or the new ones, whole, that `status` says which,
//! and that the next lock works.
//!
//! By docker-user the two families are loaded one after the other, so that whole is meant of each; a host that is left between the two
//! is told, and `status` must not take it for locked.

use std::fmt;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::lock::program::{self, BACKENDS, Done, bare};
use crate::lock::rules::Rules;
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;

/// How often a lock is killed, and as often an unlock.
const TIMES: usize = 100;
/// How often the engine is stopped.
const STOPS: usize = 5;
/// How much longer a lock may take beside an engine that does not answer: what it waits for an answer, and slack for a busy machine.
const HELD_UP: Duration = Duration::from_secs(10 + 5);
/// A tool that the program had started may end its work after it: so long.
const ORPHANS: Duration = Duration::from_millis(150);

/// Numbers that nobody foresees.
struct Dice(u64);

impl Dice {
    fn new() -> Result<Self> {
        Ok(Self(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() & u128::from(u64::MAX))? | 1))
    }

    /// An instant before `end` (xorshift).
    fn before(&mut self, end: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        end.mul_f64(f64::from(u32::try_from(self.0 >> 40).unwrap_or_default()) / f64::from(1 << 24))
    }
}

/// The rules of a host without the lock and with it.
struct Ends {
    open: Rules,
    locked: Rules,
}

/// What a kill left.
#[derive(Default)]
struct Left {
    open: usize,
    locked: usize,
    between: usize,
    wrong: Vec<String>,
}

/// Kills locks and unlocks by one backend.
pub(super) fn kill(stand: &mut Stand, backend: &'static str) -> Result<()> {
    let Some(locked) = stand.lock(backend)? else { return Ok(()) };
    stand.unlock("a first lock")?;
    let words = stand.words(backend);
    let ends = Ends { open: stand.rules.clone(), locked };
    let mut deeds = [Deed::new(&words, &["unlock"], &ends.locked), Deed::new(&["unlock"], &words, &ends.open)];
    let (mut dice, mut left) = (Dice::new()?, Left::default());
    for number in 0..TIMES {
        for deed in &mut deeds {
            let at = deed.killed(stand, &mut dice, number % 2 == 0)?;
            let what = format!("{} killed after {} ms", deed.words[0], at.as_millis());
            judge(stand, backend, &ends, &what, &mut left)?;
            let done = program::firewall(&stand.site.island, &deed.words)?;
            let differing = stand.now()?.against(&deed.rules);
            if !done.is(0) || !differing.is_empty() {
                left.wrong.push(format!("{what}, then {}: {done}\n{}", deed.words[0], differing.join("\n")));
            }
        }
    }
    let Left { open, locked, between, wrong } = left;
    fact(format_args!("{backend}: {} kills: {open} left it open, {locked} locked, {between} between the families", 2 * TIMES));
    stand.sheet.none(&format!("{backend}: kills that left it otherwise"), &wrong);
    Ok(())
}

/// What is killed.
struct Deed {
    words: Vec<&'static str>,
    /// What undoes it.
    back: Vec<&'static str>,
    /// The rules when it has come to its end.
    rules: Rules,
    /// How long it takes at most.
    takes: Duration,
}

impl Deed {
    fn new(words: &[&'static str], back: &[&'static str], rules: &Rules) -> Self {
        Self { words: words.to_vec(), back: back.to_vec(), rules: rules.clone(), takes: Duration::from_secs(4) }
    }

    /// Kills it at some instant: alone, so that a tool which it started goes on, or with all its children. Where it had ended before, what
    /// it did is undone, and it is tried again at an earlier one.
    fn killed(&mut self, stand: &Stand, dice: &mut Dice, is_alone: bool) -> Result<Duration> {
        let alone = if is_alone { "--foreground" } else { "" };
        loop {
            let at = dice.before(self.takes);
            let command = format!("timeout {alone} -s KILL {:.4} {}", at.as_secs_f64().max(0.000_1), bare(&self.words));
            let start = Instant::now();
            let done = program::script(&stand.site.island, &command)?;
            if done.is(0) {
                self.takes = self.takes.min(start.elapsed());
                let undone = program::firewall(&stand.site.island, &self.back)?;
                ensure!(undone.is(0), "{} does not undo {}: {undone}", self.back[0], self.words[0]);
                continue;
            }
            thread::sleep(ORPHANS);
            return Ok(at);
        }
    }
}

/// Judges what a kill left.
fn judge(stand: &Stand, backend: &str, ends: &Ends, what: &str, left: &mut Left) -> Result<()> {
    // A tool that outlived the program may still be at it.
    let (now, status) = loop {
        let now = stand.now()?;
        let status = program::firewall(&stand.site.island, &["status"])?;
        if stand.now()? == now {
            break (now, status);
        }
    };
    let (is_open, is_locked) = (now == ends.open, now == ends.locked);
    let says_wrong = status.is(0) && !is_locked || status.is(3) && !is_open || !says_something(&status);
    let is_between = !is_open && !is_locked && backend == "docker-user" && families_are_whole(&now, ends);
    left.open += usize::from(is_open);
    left.locked += usize::from(is_locked);
    left.between += usize::from(is_between);
    if !(is_open || is_locked || is_between) {
        left.wrong
            .push(format!("{what}: the rules are neither the old ones nor the new:\n{}", now.against(&ends.open).join("\n")));
    }
    if says_wrong {
        left.wrong.push(format!("{what}, open: {is_open}, locked: {is_locked}: status says {status}"));
    }
    Ok(())
}

/// True if a status is one that a host without faults can have.
fn says_something(status: &Done) -> bool {
    [0, 1, 3].iter().any(|code| status.is(*code))
}

/// True if what each tool of iptables prints is one of the two.
fn families_are_whole(now: &Rules, ends: &Ends) -> bool {
    let (from_open, from_locked) = (now.differing(&ends.open), now.differing(&ends.locked));
    from_open.iter().filter(|name| **name != "nft").all(|name| !from_locked.contains(name))
}

/// When an engine is stopped that a lock runs beside.
enum Moment {
    /// So long after its beginning.
    After(Duration),
    /// When its table is there, before the host has been looked at again.
    Loaded,
}

impl Moment {
    /// What waits for it, as a script of the host.
    fn awaited(&self) -> String {
        match self {
            Self::After(time) => format!("sleep {:.3}", time.as_secs_f64()),
            Self::Loaded => {
                "for i in $(seq 4000); do nft list table inet docker_firewall >/dev/null 2>&1 && break; done".to_owned()
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(time) => write!(out, "{} ms into a lock", time.as_millis()),
            Self::Loaded => out.write_str("when a lock had just been loaded"),
        }
    }
}

/// Stops the engine at random instants of a lock: it ends in time, and leaves the old rules or the new ones and says which.
pub(super) fn stop_the_engine(stand: &mut Stand, backend: &'static str) -> Result<()> {
    let start = Instant::now();
    let Some(locked) = stand.lock(backend)? else { return Ok(()) };
    let takes = start.elapsed();
    stand.unlock("a first lock")?;
    let mut dice = Dice::new()?;
    let mut moments: Vec<Moment> = (0..STOPS).map(|_| Moment::After(dice.before(takes))).collect();
    if backend == BACKENDS[0] {
        moments.push(Moment::Loaded);
    }
    for moment in moments {
        // Without the docker client, which in version 20.10 asks the engine before it starts a plugin, and waits for ever.
        let lock = format!("exec timeout 120 {}", bare(&stand.words(backend)));
        let running = program::beside(stand.site.island.command(&["sh", "-c", &lock]))?;
        let start = Instant::now();
        program::script(&stand.site.island, &format!("{}; kill -STOP $(cat /run/docker.pid)", moment.awaited()))?;
        let done = running.end().context("a lock beside a stopped engine")?;
        let took = start.elapsed();
        program::script(&stand.site.island, "kill -CONT $(cat /run/docker.pid)")?;
        stand.site.island.resume()?;

        let what = format!("{backend}: the engine stopped {moment}");
        fact(format_args!("{what}: {} ms, {done}", took.as_millis()));
        stand.sheet.claim(done.is(0) || done.is(2), || format!("{what}: {done}"));
        stand.sheet.claim(took < takes + HELD_UP, || format!("{what}: it took {} ms", took.as_millis()));
        let is_in_force = done.is(0) || done.says("the lock is in force");
        let is_told = is_in_force && (done.is(0) || done.says("`docker firewall status` judges it"));
        stand.sheet.claim(is_told || matches!(moment, Moment::After(_)), || format!("{what}: {done}"));
        let found = stand.now()?.against(if is_in_force { &locked } else { &stand.rules });
        stand.sheet.none(&format!("{what}, the lock ended with {:?}", done.code), &found);
        stand.ends(&format!("{what}, and goes on: status"), &["status"], if is_in_force { 0 } else { 3 })?;
        stand.unlock("the engine stopped half-way")?;
    }
    Ok(())
}
