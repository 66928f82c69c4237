//! What happens to a host in a day: deploys, restarts, reloads; and a neighbour who knocks all the while.
//!
//! In: a running host and a deed. Out: how often each door was tried and answered meanwhile.
//!
//! It does not say which doors should have stayed shut.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::hosts::Host;
use crate::probe::{Knocks, Probe};
use crate::project;
use crate::site::Site;

/// What happens to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Services and a network taken down and brought up again, then one service made anew.
    Deploy,
    RestartContainer,
    /// One is made, and taken away.
    NewNetwork,
    ReloadFirewalld,
    RestartFirewalld,
    RestartEngine,
}

/// What a deploy takes down and brings up: the services behind most doors, one of them in a network of its own.
const DEPLOYED: [&str; 3] = ["web", "opened", "app"];
const NETWORK: &str = "appnet";

impl Deed {
    /// Does it once.
    fn run(self, site: &mut Site, host: &Host, number: usize) -> Result<()> {
        let network = format!("later{number}");
        match self {
            Self::Deploy => {
                project::down(&site.island, &DEPLOYED, &[NETWORK])?;
                site.project.up_again(&site.island, &DEPLOYED, &[NETWORK])?;
                project::down(&site.island, &DEPLOYED[..1], &[])?;
                site.project.up_again(&site.island, &DEPLOYED[..1], &[])
            }
            Self::RestartContainer => site.island.run(&["docker", "restart", "-t", "0", "web"]).map(drop),
            Self::NewNetwork => {
                site.island.run(&["docker", "network", "create", &network])?;
                site.island.run(&["docker", "network", "rm", &network]).map(drop)
            }
            Self::ReloadFirewalld => site.island.run(&["firewall-cmd", "--reload"]).map(drop),
            Self::RestartFirewalld => site.restart_firewalld(),
            Self::RestartEngine => site.restart_engine(host),
        }
    }

    /// Whose doing it is, in words of a caution.
    pub(crate) fn by(self) -> &'static str {
        match self {
            Self::Deploy | Self::NewNetwork => "network",
            Self::RestartContainer => "container",
            Self::ReloadFirewalld | Self::RestartFirewalld => "firewalld",
            Self::RestartEngine => "starts or makes",
        }
    }

    /// True: it is about firewalld, and means nothing on another host.
    pub(crate) fn is_of_firewalld(self) -> bool {
        matches!(self, Self::ReloadFirewalld | Self::RestartFirewalld)
    }
}

/// What came of the knocking while something was done some times.
pub(crate) struct Knocked {
    pub(crate) took: Duration,
    /// In the order of the doors.
    pub(crate) doors: Vec<Knocks>,
}

/// Does one thing some times while the neighbour of the first link knocks at all doors, until its after-effects are over.
pub(crate) fn knocked(site: &mut Site, host: &Host, deed: Deed, times: usize, doors: &[Probe]) -> Result<Knocked> {
    let knocker = site.knock(doors)?;
    let start = Instant::now();
    for number in 0..times {
        deed.run(site, host, number)?;
    }
    site.settle()?;
    let took = start.elapsed();
    Ok(Knocked { took, doors: knocker.stop()? })
}
