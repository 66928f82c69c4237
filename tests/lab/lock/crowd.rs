//! Eight locks at once, beside another program that edits iptables all the while.
//!
//! In: a host without a lock. Out: claims that every rule of the other program is there, that the rules of the lock are those of one of
//! the eight, whole, and that all can be taken away.

use anyhow::Result;

use crate::lock::program::{self, Running};
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;

/// How many locks, each with an allowance of its own from this port on.
const LOCKS: u16 = 8;
const FIRST: u16 = 9_100;
/// What the other program writes: a rule for each of so many sources, in both families.
const EDITS: usize = 120;

/// Locks from all sides.
pub(super) fn crowd(stand: &mut Stand, backend: &'static str) -> Result<()> {
    // Built-in chains that its first rule makes stay for good: they are there before.
    program::script(&stand.site.island, "for tool in iptables ip6tables; do $tool -w 20 -I INPUT; $tool -w 20 -D INPUT 1; done")?;
    stand.rest()?;
    let island = &stand.site.island;
    let edit = format!(
        "for n in $(seq {EDITS}); do iptables -w 20 -A INPUT -s 203.0.113.$n -j DROP || echo failed; \
         ip6tables -w 20 -A INPUT -s 2001:db8:113::$n -j DROP || echo failed; done"
    );
    let mut shell = island.command(&["sh", "-c", &edit]);
    shell.env("LC_ALL", "C");
    let other = program::beside(shell)?;
    let mut running: Vec<Running> = Vec::new();
    for port in FIRST..FIRST + LOCKS {
        let allowance = format!("{port}/tcp");
        running.push(program::begin(island, &[&stand.words(backend)[..], &["--allow", &allowance]].concat())?);
    }
    let done: Vec<_> = running.into_iter().map(Running::end).collect::<Result<_>>()?;
    let edited = other.end()?;
    let now = stand.now()?;

    let failed: Vec<_> = done.iter().filter(|done| !done.is(0) && !done.is(2)).map(ToString::to_string).collect();
    let locked = done.iter().filter(|done| done.is(0)).count();
    fact(format_args!("{backend}: {locked} of {LOCKS} locks at once locked"));
    stand.sheet.none(&format!("{backend}: locks at once that ended badly"), &failed);
    stand.sheet.claim(locked > 0, || format!("{backend}: not one of {LOCKS} locks at once locked: {}", done[0]));
    stand.sheet.claim(!edited.says("failed"), || format!("{backend}: the other program failed: {edited}"));
    let others = now.of_others();
    stand.sheet.none(&format!("{backend}: eight locks at once lost rules"), &stand.rules.beyond(&others));
    let theirs = others
        .beyond(&stand.rules)
        .iter()
        .filter(|line| line.contains("-s 203.0.113.") || line.contains("2001:db8:113::"))
        .count();
    // Each is printed by the save of its family; those in tables of nftables are printed by nft in other words.
    stand
        .sheet
        .claim(theirs >= 2 * EDITS, || format!("{backend}: {theirs} of {} rules of the other program are there", 2 * EDITS));
    stand.ends(&format!("{backend}: status after eight locks at once"), &["status"], 0)?;
    let mend = format!(
        "for n in $(seq {EDITS}); do iptables -w 20 -D INPUT -s 203.0.113.$n -j DROP; \
         ip6tables -w 20 -D INPUT -s 2001:db8:113::$n -j DROP; done"
    );
    program::script(&stand.site.island, &mend)?;
    stand.unlock("eight locks at once")
}
