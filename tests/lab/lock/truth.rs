//! What is true on a host before it is locked: what each packet meant and got, and what works from inside.
//!
//! In: a [`Stand`] whose firewall is up. Out: the [`Truth`], with all that is later compared; the host's containers run then.
//!
//! It locks nothing.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use docker_firewall::model::verdict::Verdict;

use crate::lock::later;
use crate::lock::stand::Stand;
use crate::probe::{Listeners, Outcome, Probe};
use crate::site::Site;
use crate::verdict::Judge;
use crate::{capture, scenario};

/// A packet and its answer.
pub(crate) type Answered = (Probe, Outcome);

/// What is true without the lock.
pub(crate) struct Truth {
    /// What is asked, and what it got.
    pub(crate) asked: Vec<Answered>,
    /// What worked from inside of containers that will be started again later.
    pub(crate) inside_later: Vec<Answered>,
    /// How the program judges the host as it was; only ways to containers that the host's own firewall permits are taken from it.
    judge: Judge,
    /// What an ordinary process on the host got.
    meant: HashMap<Probe, Outcome>,
    /// Ordinary processes where no container listens.
    _plain: Listeners,
}

impl Truth {
    /// Starts the host's containers, asking everything before and after.
    ///
    /// # Errors
    ///
    /// A part of the host does not come up; its rules do not stand still.
    pub(crate) fn find(stand: &mut Stand) -> Result<Self> {
        let to_the_host = scenario::to_the_host(&stand.site)?;
        let mut meant = meant(&mut stand.site, &to_the_host)?;
        let host = stand.host;
        meant.retain(|probe, _| !host.unmeant && !host.redirected.contains(&probe.port));

        stand.populate()?;
        let plain = stand.site.listen(&to_the_host)?;
        later::begin(&mut stand.site)?;
        let inside_later = ask(&stand.site, later::from_inside(&stand.site))?;
        later::end(&mut stand.site)?;

        let mut probes = to_the_host;
        probes.extend(scenario::to_containers(&stand.site));
        probes.extend(scenario::from_inside(&stand.site));
        stand.rest()?;
        let asked = ask(&stand.site, probes)?;
        ensure!(stand.now()? == stand.rules, "the rules change while the host is asked");
        let judge = Judge::read(&capture::state(&stand.site.island)?);
        Ok(Self { asked, inside_later, judge, meant, _plain: plain })
    }

    /// What an ordinary process got; nothing where rules made by hand lead the packet elsewhere, and for containers themselves.
    pub(crate) fn meant(&self, probe: &Probe) -> Option<&Outcome> {
        self.meant.get(probe)
    }

    /// True if the host's firewall, by itself, lets a packet through to a container's own address.
    pub(crate) fn permits(&self, probe: &Probe) -> bool {
        self.judge.ask(probe).is_ok_and(|said| said.intended.verdict == Verdict::Open)
    }
}

/// Asks, and gives each packet with its answer.
pub(crate) fn ask(site: &Site, probes: Vec<Probe>) -> Result<Vec<Answered>> {
    let outcomes = site.ask(&probes)?;
    Ok(probes.into_iter().zip(outcomes).collect())
}

/// A packet, what it got before and what it gets now.
pub(crate) type Again<'a> = (&'a Probe, &'a Outcome, Outcome);

/// Asks again.
pub(crate) fn again<'a>(site: &Site, asked: &'a [Answered]) -> Result<Vec<Again<'a>>> {
    both(site, Vec::new(), asked).map(|(_, again)| again)
}

/// Asks some for the first time and some again, all at once.
pub(crate) fn both<'a>(site: &Site, probes: Vec<Probe>, asked: &'a [Answered]) -> Result<(Vec<Answered>, Vec<Again<'a>>)> {
    let all: Vec<_> = probes.iter().chain(asked.iter().map(|(probe, _)| probe)).cloned().collect();
    let mut now = site.ask(&all)?;
    let again = now.split_off(probes.len());
    let again = asked.iter().zip(again).map(|((probe, before), now)| (probe, before, now)).collect();
    Ok((probes.into_iter().zip(now).collect(), again))
}

/// What ordinary processes get before the engine runs: on the ports of the containers, those of later ones, and by an interface that
/// is plugged in for this alone.
fn meant(site: &mut Site, to_the_host: &[Probe]) -> Result<HashMap<Probe, Outcome>> {
    let mut probes = to_the_host.to_vec();
    probes.extend(later::to_the_host(site));
    later::plug(site)?;
    probes.extend(later::by_plugged(site));
    let plain = site.listen(&probes)?;
    ensure!(plain.held == 0, "{} ports are held before the engine starts", plain.held);
    let meant = ask(site, probes)?.into_iter().collect();
    drop(plain);
    later::unplug(site)?;
    Ok(meant)
}
