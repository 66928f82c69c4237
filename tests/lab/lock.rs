//! The lock judged: real hosts are locked by both backends, and everything is asked again.
//!
//! In: hosts of the lab. Out: for each a list of claims that do not hold, and whether all did.
//!
//!  - `--locks`: every packet of the scenario again, what comes after the lock, a second lock, and the way back;
//!  - `--lock-windows`: a neighbour knocks while a day goes by, with the lock and without it.
//!  - `--lock-faults`: kills at any instant, eight locks at once, a full disk, a stopped engine, a host firewall
//!    that goes, missing tools, foreign names.
//!  - `--lock-commands`: `lock -- CMD`, `--all`, `--for`, `--cut`.
//!  - `--lock-boot`: the units of `--persist`, run by hand in the order of a boot, and the watcher.
//!  - `--lock-systemd`: the same units, under systemd as the first process of a host, through a boot.
//!  - `--lock-cost`: what the rules cost a connection, and the lock itself, as tables.
//!
//! `all` stands for the hosts of `lock/cases.rs`; any other host of the lab can be named.

mod boot;
pub(crate) mod cases;
mod commands;
mod cost;
mod crowd;
mod cut;
mod faults;
mod gone;
mod kill;
mod later;
mod must;
mod passes;
pub(crate) mod program;
mod rules;
mod sheet;
mod stand;
mod systemd;
mod truth;
mod windows;

pub(crate) use boot::boot;
pub(crate) use commands::command;
pub(crate) use cost::time;
pub(crate) use faults::withstand;
pub(crate) use passes::judge;
pub(crate) use systemd::boot as boot_systemd;
pub(crate) use windows::measure as windows;
