//! The lab: real engines and real firewalls in network namespaces, real packets, and the program held against them.
//!
//! In: `cargo test --test lab -- --hosts all` (or names, comma-separated; `--list` names them). Out: a table for each host
//! (probe, what an ordinary process got, what the containers got, what the program says), and exit code 1 on a wrong verdict.
//! `--capture DIR` keeps each host's state and truth in `DIR/NAME`, in the form of `fixtures/hosts`; else they are under `target/tmp`.
//!
//! `--brief` prints of each table only what is wrong or unsure.
//! `--unpack SUITES` builds the roots of these suites and does no more; a run builds what it needs itself.
//! `--windows NAMES` knocks at closed ports about every millisecond while firewall, engine and containers are restarted.
//! `--locks`, `--lock-commands`, `--lock-windows`, `--lock-faults`, `--lock-boot`, `--lock-systemd` and `--lock-cost`, each with names,
//! judge the lock; see `lock.rs`.
//! `--backend docker-user` judges it by one backend only.
//!
//! Needed: root, mmdebstrap, util-linux, iproute2, rustc with the static C library; the mirror of this machine's apt for the
//! first run. Roots stay in `$XDG_CACHE_HOME/docker-firewall-lab` or `/var/cache/docker-firewall-lab`.
//!
//! Traps that this house was built around:
//!  - `ip netns exec` mounts a bare `/sys` and hides the cgroups: dockerd then finds no controllers. `nsenter`, and the machine's
//!    cgroup tree bound into the host's root.
//!  - runc's `pivot_root` wants a root that is a mount point: each root is an overlay mount, not a folder to chroot into.
//!  - overlay on overlay is refused: `/var/lib/docker` is a tmpfs with the vfs driver.
//!  - Packets to `127.0.0.1` leave a neighbour only while its own `lo` is down and `route_localnet` is on.
//!  - The engine rewrites its rules for seconds after a reload of firewalld: nothing is asked before they stand still.
//!  - It reloads firewalld when it makes its zone for the first time: settings that are not permanent are lost.
//!  - A wildcard UDP socket answers from another address than the one asked; listeners bind each address.
//!  - Silence proves nothing where only the way back is shut: then the counters behind the last hooks are read.
//!
//! What this lab's kernel may lack, and rows that are then not here: IPVS (Swarm ingress), ipvlan, WireGuard, VLANs, bonds,
//! VRFs, dummy, SCTP, flowtables. Those are judged from real rule texts alone.

mod arrival;
mod bench;
mod capture;
mod commands;
mod day;
mod engine;
mod hosts;
mod island;
mod kernel;
mod lock;
mod network;
mod probe;
mod project;
mod roots;
mod said;
mod scenario;
mod site;
mod summary;
mod talk;
mod verdict;
mod window;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::hosts::Host;
use crate::summary::Line;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A way of looking at hosts, beside the comparison of verdicts with packets.
struct Look {
    flag: &'static str,
    /// The hosts that `all` stands for.
    all: fn() -> Vec<&'static Host>,
    /// Looks at one; true when nothing was wrong.
    run: fn(&'static Host) -> Result<bool>,
}

const LOOKS: &[Look] = &[
    Look { flag: "--windows", all: every, run: window::measure },
    Look { flag: "--locks", all: lock::cases::all, run: lock::judge },
    Look { flag: "--lock-windows", all: lock::cases::lived_through, run: lock::windows },
    Look { flag: "--lock-faults", all: lock::cases::faulted, run: lock::withstand },
    Look { flag: "--lock-commands", all: lock::cases::commanded, run: lock::command },
    Look { flag: "--lock-boot", all: lock::cases::booted, run: lock::boot },
    Look { flag: "--lock-systemd", all: lock::cases::under_systemd, run: lock::boot_systemd },
    Look { flag: "--lock-cost", all: lock::cases::timed, run: lock::time },
];

/// What was asked on the command line.
#[derive(Default)]
struct Wish {
    hosts: String,
    /// Ways of looking, each with its hosts.
    looks: Vec<(&'static Look, String)>,
    capture: Option<PathBuf>,
    /// True: of each table only what is wrong or unsure.
    brief: bool,
}

/// Does what the arguments say; true when no verdict was wrong.
fn run() -> Result<bool> {
    let mut wish = Wish::default();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} wants a value"));
        match word.as_str() {
            "--hold" => return island::hold().map(|()| true),
            "--probe" => return probe::prober().map(|()| true),
            "--knock" => return probe::knocker().map(|()| true),
            "--talk" => return talk::talker().map(|()| true),
            "--rate" => return talk::rater().map(|()| true),
            "--listen" => return probe::listener().map(|()| true),
            "--list" => return Ok(list()),
            "--unpack" => return roots::unpack(&value()?.split(',').collect::<Vec<_>>()).map(|()| true),
            "--brief" => wish.brief = true,
            "--backend" => lock::program::only(&value()?)?,
            "--hosts" => wish.hosts = value()?,
            "--capture" => wish.capture = Some(value()?.into()),
            _ => {
                // The rest is what `cargo test` hands to every test target.
                if let Some(look) = LOOKS.iter().find(|look| look.flag == word) {
                    wish.looks.push((look, value()?));
                }
            }
        }
    }
    if wish.hosts.is_empty() && wish.looks.is_empty() {
        println!("lab: skipped; it boots hosts only when asked: cargo test --test lab -- --hosts all");
        return Ok(true);
    }
    ensure!(std::fs::metadata("/proc/self")?.uid() == 0, "root is needed: namespaces, mounts and an engine");
    tidy_on_signals()?;
    island::sweep();
    let mut good = true;
    for (look, names) in &wish.looks {
        good &= look.at(names)?;
    }
    Ok(good && (wish.hosts.is_empty() || all(&wish)?))
}

impl Look {
    /// Looks at the hosts one after the other; one that does not come up is told and does not stop the rest.
    fn at(&self, names: &str) -> Result<bool> {
        let mut good = true;
        for host in chosen(names, self.all)? {
            good &= (self.run)(host).unwrap_or_else(|error| {
                println!("lab: {} {}: did not come to its end: {error:#}", self.flag, host.name);
                false
            });
        }
        Ok(good)
    }
}

/// Prints the hosts' names.
fn list() -> bool {
    for host in hosts::all() {
        println!("{:<30}{}: {}", host.name, host.suite, host.about);
    }
    true
}

/// Ctrl-C and its like end the namespaces, sweep, and leave.
fn tidy_on_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            island::end_all();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// Runs the hosts one after the other; one that does not come up is told and does not stop the rest.
fn all(wish: &Wish) -> Result<bool> {
    for line in kernel::lacks()? {
        println!("lab: this kernel lacks {line}");
    }
    let mut lines = Vec::new();
    let mut broken = Vec::new();
    for host in chosen(&wish.hosts, every)? {
        match one(host, wish) {
            Ok(line) => lines.push(line),
            Err(error) => broken.push(format!("{}: {error:#}", host.name)),
        }
    }
    let total = summary::print(&lines);
    for line in &broken {
        println!("lab: did not come up: {line}");
    }
    Ok(broken.is_empty() && total.good())
}

/// Runs one host, prints its table, and gives its line of the summary.
fn one(host: &'static Host, wish: &Wish) -> Result<Line> {
    let report = bench::run(host)?;
    let folders = wish.capture.clone().unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab"));
    let folder = folders.join(host.name);
    capture::save(&report.state, &folder)?;
    let tally = verdict::table(host, &report, &folder, wish.brief)?;
    Ok(Line::of(host, &report, tally))
}

/// Every host of the lab.
fn every() -> Vec<&'static Host> {
    hosts::all().collect()
}

/// The hosts of a comma-separated list of names; `all` as the way of looking means it.
fn chosen(names: &str, all: fn() -> Vec<&'static Host>) -> Result<Vec<&'static Host>> {
    if names == "all" {
        return Ok(all());
    }
    let find = |name: &str| match hosts::all().find(|host| host.name == name) {
        Some(host) => Ok(host),
        None => bail!("no host {name}; --list names them"),
    };
    names.split(',').filter(|name| !name.is_empty()).map(find).collect()
}
