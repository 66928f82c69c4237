//! What the lock costs: connections a second through a published port, and the time that `lock` itself takes.
//!
//! In: a host without a firewall. Out: two tables in the form of `docs/performance.md`. A claim is made of the second alone, and only of a
//! program that is built as it is shipped: `cargo test --release --test lab -- --lock-cost all`.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::engine::IMAGE;
use crate::hosts::Host;
use crate::island::Island;
use crate::lock::program::{self, BACKENDS};
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;
use crate::probe::{Origin, Probe};
use crate::talk;

/// The port that is asked, and how many others are let in beside it.
const PORT: u16 = 8084;
const BESIDE: [usize; 3] = [0, 10, 1_000];
/// How often each is measured; the middle one counts.
const ROUNDS: usize = 5;
/// Published ports of a large host, and what `lock` may take beyond reading it, in milliseconds.
const PUBLISHED: &str = "20000-20999:20000-20999";
const MAY_TAKE: u128 = 300;
const POLICY: &str = "/srv/cost/docker-firewall.yaml";
const SCRIPT: &str = "/srv/cost/hand.v4";

/// Measures one host; true when the lock took no longer than it may.
pub(crate) fn time(host: &'static Host) -> Result<bool> {
    let mut stand = Stand::whole(host, "cost on")?;
    connections(&mut stand)?;
    end_to_end(&mut stand)?;
    Ok(stand.sheet.end())
}

/// Rules of some kind.
struct Kind {
    name: &'static str,
    put: fn(&Island) -> Result<()>,
    take: fn(&Island) -> Result<()>,
}

const KINDS: [Kind; 4] = [
    Kind { name: "none", put: |_| Ok(()), take: |_| Ok(()) },
    Kind { name: "`lock`, nftables", put: |island| lock(island, BACKENDS[0]), take: unlock },
    Kind { name: "`lock`, docker-user", put: |island| lock(island, BACKENDS[1]), take: unlock },
    Kind { name: "a script's rules in DOCKER-USER", put: put_by_hand, take: take_by_hand },
];

/// Connections a second, with each kind of rules and each number of ports.
fn connections(stand: &mut Stand) -> Result<()> {
    let near = stand.site.neighbours[0].link;
    let (src, dst) = (near.sources()[0], near.host_addresses()[0]);
    let door = Probe::new("tcp", src, dst, PORT, Origin::Link(near.name.to_owned()));
    let mut rates = vec![[const { Vec::new() }; BESIDE.len()]; KINDS.len()];
    for _ in 0..ROUNDS {
        for (column, beside) in BESIDE.into_iter().enumerate() {
            write(&stand.site.island, beside)?;
            for (kind, rates) in KINDS.iter().zip(&mut rates) {
                (kind.put)(&stand.site.island).with_context(|| kind.name)?;
                stand.site.island.run(&["conntrack", "-F"])?;
                let exe = std::env::current_exe()?;
                rates[column].push(talk::rate(stand.site.neighbours[0].wire.command(exe), &door)?);
                (kind.take)(&stand.site.island)?;
            }
        }
    }
    fact("| connections a second through a published port | none beside | 10 ports beside | 1,000 ports beside |");
    fact("|---|---|---|---|");
    for (kind, rates) in KINDS.iter().zip(rates) {
        let [none, ten, thousand] = rates.map(middle);
        fact(format_args!("| {} | {none} | {ten} | {thousand} |", kind.name));
        stand.sheet.claim(none > 0 && ten > 0 && thousand > 0, || format!("{}: the port that is let in is shut", kind.name));
    }
    stand.unchanged("after all measuring the rules are not what they were")
}

/// The policy and the script that let so many ports in, and the one that is asked after them.
fn write(island: &Island, beside: usize) -> Result<()> {
    // With gaps: neighbours would be one range.
    let ports: Vec<_> = (0..beside).map(|number| 30_000 + 2 * number).chain([usize::from(PORT)]).collect();
    let lines: Vec<_> = ports.iter().map(|port| format!("  - {port}/tcp\n")).collect();
    island.write(POLICY, &format!("allow:\n{}", lines.concat()))?;
    let allowed =
        ports.iter().map(|port| format!("-A BY-HAND -p tcp -m conntrack --ctdir ORIGINAL --ctorigdstport {port} -j RETURN\n"));
    let rules = format!(
        "*filter\n:BY-HAND - [0:0]\n-A BY-HAND -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN\n\
         -A BY-HAND -i docker0 -j RETURN\n-A BY-HAND -i br-+ -j RETURN\n{}\
         -A BY-HAND -m conntrack --ctstate DNAT -j DROP\n-I DOCKER-USER 1 -j BY-HAND\nCOMMIT\n",
        allowed.collect::<String>()
    );
    island.write(SCRIPT, &rules)
}

fn lock(island: &Island, backend: &str) -> Result<()> {
    let done = program::firewall(island, &["lock", "--backend", backend, "--policy", POLICY])?;
    ensure!(done.is(0), "lock by {backend}: {done}");
    Ok(())
}

fn unlock(island: &Island) -> Result<()> {
    let done = program::firewall(island, &["unlock"])?;
    ensure!(done.is(0), "unlock: {done}");
    Ok(())
}

fn put_by_hand(island: &Island) -> Result<()> {
    island.run(&["iptables-restore", "--noflush", SCRIPT]).map(drop)
}

fn take_by_hand(island: &Island) -> Result<()> {
    island.run(&["iptables", "-D", "DOCKER-USER", "-j", "BY-HAND"])?;
    island.run(&["iptables", "-F", "BY-HAND"])?;
    island.run(&["iptables", "-X", "BY-HAND"]).map(drop)
}

/// `lock` with a thousand published ports, beside a command that reads the host and judges one packet. A lock reads it twice: before it
/// plans, and when its rules are loaded.
fn end_to_end(stand: &mut Stand) -> Result<()> {
    let island = &stand.site.island;
    let door = SocketAddr::new(stand.site.neighbours[0].link.host_addresses()[0], 20_000).to_string();
    let run = ["docker", "run", "--detach", "--name", "many", "--publish", PUBLISHED, IMAGE, "many", "tcp/20000"];
    island.run(&run)?;
    write(island, 0)?;
    let mut took = vec![Vec::new(); 1 + BACKENDS.len()];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let read = program::firewall(island, &["trace", &door])?;
        ensure!(read.is(0), "trace: {read}");
        took[0].push(start.elapsed().as_millis());
        for (backend, took) in BACKENDS.iter().zip(&mut took[1..]) {
            let start = Instant::now();
            lock(island, backend)?;
            took.push(start.elapsed().as_millis());
            unlock(island)?;
        }
    }
    let is_shipped = !cfg!(debug_assertions);
    let middles: Vec<_> = took.into_iter().map(middle).collect();
    fact("| of 1,000 published ports | takes | beyond reading twice |");
    fact("|---|---|---|");
    fact(format_args!("| `trace`, which reads once | {} ms | |", middles[0]));
    for (backend, took) in BACKENDS.iter().zip(&middles[1..]) {
        let beyond = took.saturating_sub(2 * middles[0]);
        fact(format_args!("| `lock`, {backend} | {took} ms | {beyond} ms |"));
        stand.sheet.claim(!is_shipped || beyond <= MAY_TAKE, || {
            format!("{backend}: lock takes {beyond} ms beyond reading the host twice")
        });
    }
    if !is_shipped {
        fact("built without optimisation: these times say nothing of the program as it is shipped");
    }
    Ok(())
}

/// The middle of some numbers.
fn middle<T: Ord + Copy + Default>(mut numbers: Vec<T>) -> T {
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
