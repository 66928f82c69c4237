//! One host from cold to its truth: boot, ask an ordinary process, start the engine, ask the containers.
//!
//! In: a [`Host`]. Out: a [`Report`]: every probe with both answers, and the host's state. The same packets are sent twice: before
//! the engine starts, when an ordinary process listens on each port (what the firewall means), and with the containers (what is
//! real).
//!
//! It does not say what is right; `verdict` does.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use docker_firewall::model::verdict::Verdict;

use crate::commands::{self, Place, Traced};
use crate::hosts::Host;
use crate::island::Island;
use crate::probe::{Outcome, Probe};
use crate::said::Said;
use crate::site::Site;
use crate::verdict::Judge;
use crate::{arrival, capture, project, roots, scenario};

/// A probe and what was found.
pub(crate) struct Row {
    pub(crate) probe: Probe,
    /// What an ordinary process on the host got; nothing for a container's own address.
    pub(crate) intended: Option<Outcome>,
    pub(crate) actual: Outcome,
}

/// What the program said on the host itself.
pub(crate) struct Live {
    /// `check FILE --host`, before the file's containers were there.
    pub(crate) planned: Said,
    /// `check`
    pub(crate) check: Said,
    /// `trace`, by the probe's position.
    pub(crate) traces: Vec<(usize, Traced)>,
    /// `snapshot DIR`: texts by file name.
    pub(crate) snapshot: BTreeMap<String, String>,
}

/// Of so many probes one is asked with `trace` on the host, which looks at all of it each time.
const STRIDE: usize = 48;

impl Live {
    /// Asks the program on the host.
    fn ask(island: &Island, planned: Said, probes: &[Probe]) -> Result<Self> {
        let place = Place::Host(island);
        let asked = probes.iter().enumerate().step_by(STRIDE);
        let traces = asked.map(|(at, probe)| Ok((at, place.trace(probe)?))).collect::<Result<_>>()?;
        Ok(Self { planned, check: place.check(&[])?, traces, snapshot: commands::snapshot(island)? })
    }
}

/// All that one host showed.
pub(crate) struct Report {
    /// Packages and their versions.
    pub(crate) versions: String,
    pub(crate) rows: Vec<Row>,
    /// The host's state by file name, and the truth beside it: what `--snapshot` reads.
    pub(crate) state: BTreeMap<String, String>,
    pub(crate) live: Live,
    /// Until the firewall stood, until the containers ran, until the last answer.
    pub(crate) took: [Duration; 3],
}

/// Runs one host.
///
/// # Errors
///
/// A part of the host did not start; with what it said.
pub(crate) fn run(host: &Host) -> Result<Report> {
    let root = roots::root(host.suite)?;
    let start = Instant::now();
    let mut site = Site::boot(host, &root)?;
    let stood = start.elapsed();

    let asked = scenario::to_the_host(&site)?;
    let mut intended: HashMap<_, _> = {
        let plain = site.listen(&asked)?;
        ensure!(plain.held == 0, "{} ports are held before the engine starts", plain.held);
        asked.iter().cloned().zip(site.ask(&asked)?).collect()
    };
    intended.retain(|probe, _| !host.unmeant && !host.redirected.contains(&probe.port));

    site.engage(host)?;
    commands::install(&site.island)?;
    let planned = Place::Host(&site.island).check(&[project::FILE, "--host"])?;
    site.populate(host)?;
    // Where neither a container nor a proxy holds an address and port, an ordinary process does: silence is then the filters'.
    let _plain = site.listen(&asked)?;
    let running = start.elapsed();

    let mut probes = asked;
    probes.extend(scenario::to_containers(&site));
    probes.extend(scenario::from_inside(&site));
    let (mut state, actual) = at_rest(&site, &probes)?;
    let live = Live::ask(&site.island, planned, &probes)?;
    let row = |(probe, actual)| Row { intended: intended.get(&probe).cloned(), probe, actual };
    let rows: Vec<_> = probes.into_iter().zip(actual).map(row).collect();
    state.insert("probes.json".to_owned(), capture::probes(&site, &rows)?);
    Ok(Report { versions: root.versions, rows, state, live, took: [stood, running, start.elapsed()] })
}

/// How often a host is asked again because its rules moved meanwhile.
const TRIES: usize = 3;

/// Saves the host's state and asks, until the rules are the same afterwards as they were before.
fn at_rest(site: &Site, probes: &[Probe]) -> Result<(BTreeMap<String, String>, Vec<Outcome>)> {
    for _ in 0..TRIES {
        site.settle()?;
        let rules = site.rules();
        let state = capture::state(&site.island)?;
        let outcomes = ask(site, probes, &state)?;
        if site.rules() == rules {
            return Ok((state, outcomes));
        }
    }
    bail!("the rules change while the host is asked: what is saved is not what is true")
}

/// Asks; where the program says open and nobody answers, whether the packet arrived.
fn ask(site: &Site, probes: &[Probe], state: &BTreeMap<String, String>) -> Result<Vec<Outcome>> {
    let judge = Judge::read(state);
    let mut outcomes = site.ask(probes)?;
    for (probe, outcome) in probes.iter().zip(&mut outcomes).filter(|(_, outcome)| outcome.silent()) {
        if judge.ask(probe)?.actual.verdict == Verdict::Open {
            *outcome = arrival::ask(site, probe)?;
        }
    }
    Ok(outcomes)
}
