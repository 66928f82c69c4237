//! Is a closed port ever open? A neighbour knocks about every millisecond while the host goes through its day.
//!
//! In: a [`Host`]. Out: for each way of closing, how many of the knocks at refused doors were answered, and when. A table of one's own
//! before Docker's DNAT must let none through; rules in DOCKER-USER are measured and told:
//! firewalld before 2.0 wipes them, and on any reload the engine takes the jump to them away and puts it back seconds later.
//!
//! The rules are written by hand here: what is tested is the way, and the knocking.

use anyhow::Result;

use crate::day::{self, Deed, Knocked};
use crate::hosts::{Argv, Host};
use crate::probe::{Knocks, Origin, Probe};
use crate::roots;
use crate::site::Site;

/// A way of closing.
struct Closing {
    name: &'static str,
    path: &'static str,
    content: &'static str,
    apply: Argv,
    /// True: not one knock may be answered.
    holds: bool,
}

const CLOSINGS: &[Closing] = &[
    Closing {
        name: "a table of one's own",
        path: "/etc/guard.nft",
        content: include_str!("files/guard.nft"),
        apply: &["nft", "-f", "/etc/guard.nft"],
        holds: true,
    },
    Closing {
        name: "rules in DOCKER-USER",
        path: "/etc/refuse.v4",
        content: include_str!("files/refuse.v4"),
        apply: &["iptables-restore", "--noflush", "/etc/refuse.v4"],
        holds: false,
    },
];

/// A day, and how often each deed is done in it.
const DAY: &[(Deed, usize)] = &[
    (Deed::RestartContainer, 3),
    (Deed::NewNetwork, 3),
    (Deed::ReloadFirewalld, 3),
    (Deed::RestartFirewalld, 2),
    (Deed::RestartEngine, 2),
];

/// Boots the host once for each way of closing; true when all that must hold held.
pub(crate) fn measure(host: &'static Host) -> Result<bool> {
    let root = roots::root(host.suite)?;
    let mut good = true;
    for closing in CLOSINGS {
        let mut site = Site::boot(host, &root)?;
        site.engage(host)?;
        site.populate(host)?;
        site.island.write(closing.path, closing.content)?;
        site.island.run(closing.apply)?;
        println!("\n{}: closed by {} ({})", host.name, closing.name, root.versions);
        for (deed, times) in DAY {
            let answered = under_knocking(&mut site, host, *deed, *times)?;
            good &= answered == 0 || !closing.holds;
        }
    }
    Ok(good)
}

/// Does one thing some times while a neighbour knocks; gives how many knocks at the refused doors were answered.
fn under_knocking(site: &mut Site, host: &Host, deed: Deed, times: usize) -> Result<usize> {
    let doors = doors();
    let Knocked { took, doors: knocks } = day::knocked(site, host, deed, times, &doors)?;
    let took = took.as_millis();
    let (allowed, refused) = knocks.split_last().map_or((Knocks::default(), &[][..]), |(last, rest)| (*last, rest));
    let answered = refused.iter().map(|door| door.answered).sum();
    let tried: usize = refused.iter().map(|door| door.tried).sum();
    println!("  {:<28}{took:>6} ms  refused: {answered} of {tried} answered", format!("{deed:?} x {times}"));
    println!("  {:<28}{:>9}  allowed: {} of {} answered", "", "", allowed.answered, allowed.tried);
    for (door, found) in doors.iter().zip(refused).filter(|(_, found)| found.answered > 0) {
        println!("    OPEN {}:{}: {} times, between {:?} ms", door.dst, door.port, found.answered, found.between);
    }
    Ok(answered)
}

/// Doors that are refused, and last one that is allowed: the same port for the neighbour's second address.
fn doors() -> Vec<Probe> {
    let near = &crate::network::ETH0;
    let (first, second) = (near.sources()[0], near.sources()[1]);
    let host = near.host_addresses()[0];
    let from = |src, port| Probe::new("tcp", src, host, port, Origin::Link(near.name.to_owned()));
    vec![from(first, 8080), from(first, 8086), from(second, 8080)]
}
