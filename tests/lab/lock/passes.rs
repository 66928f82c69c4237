//! One host under the lock, by both backends: every packet again, what comes later, a second lock, and the way back.
//!
//! In: a host of the lab. Out: claims on a [`Sheet`]; what a packet must get, `must` says.
//!
//! [`Sheet`]: crate::lock::sheet::Sheet

use std::time::Instant;

use anyhow::Result;

use crate::hosts::Host;
use crate::lock::later;
use crate::lock::must::{self, Must, place, told};
use crate::lock::program::{self, Done};
use crate::lock::rules::{self, Rules};
use crate::lock::sheet::fact;
use crate::lock::stand::Stand;
use crate::lock::truth::{self, Truth};
use crate::probe::{Knocks, Probe};

/// As many answered knocks at one door, about one a millisecond, are the moment that a caution tells of.
const MOMENT: usize = 250;

/// Judges the lock on one host; true when every claim held.
pub(crate) fn judge(host: &'static Host) -> Result<bool> {
    let mut stand = Stand::boot(host, "lock")?;
    let truth = Truth::find(&mut stand)?;
    fact(format_args!("{} packets", truth.asked.len()));
    let mut pass = Pass { stand: &mut stand, truth };
    pass.without()?;
    for backend in program::backends() {
        pass.with(backend)?;
    }
    Ok(stand.sheet.end())
}

/// A host that is being judged.
struct Pass<'a> {
    stand: &'a mut Stand,
    truth: Truth,
}

impl Pass<'_> {
    /// What is said and done while nothing is locked.
    fn without(&mut self) -> Result<()> {
        self.stand.ends("status, not locked", &["status"], 3)?;
        self.stand.ends("unlock, not locked", &["unlock"], 0)?;
        if self.stand.case.is_bare {
            let done = self.stand.ends("lock where the firewall refuses nothing", &["lock"], 2)?;
            let tells = done.says("--allow") && done.says("--all");
            self.stand.sheet.claim(tells, || format!("lock does not say what to type: {done}"));
            self.stand.unlock("a lock where the firewall refuses nothing")?;
        }
        let words = [&["lock", "--dry-run"][..], &self.stand.case.words()].concat();
        let done = self.stand.ends("lock --dry-run", &words, 0)?;
        self.stand.sheet.claim(!done.printed.trim().is_empty(), || "lock --dry-run prints no plan".to_owned());
        self.stand.unchanged("what changes nothing changed the rules")
    }

    /// Locks by one backend, asks everything, and unlocks.
    fn with(&mut self, backend: &'static str) -> Result<()> {
        let start = Instant::now();
        let words = self.stand.words(backend);
        let status = self.stand.case.status(backend);
        let done = self.stand.ends(&format!("lock by {backend}"), &words, status)?;
        if !done.is(0) {
            return self.stand.unchanged("a lock that was refused changed the rules");
        }
        fact(format_args!("{backend}: locked in {} ms", start.elapsed().as_millis()));
        if self.stand.site.project.has_macvlan() {
            self.stand.sheet.claim(done.says("macvlan"), || format!("the lock does not tell of macvlan: {done}"));
        }
        let locked = self.stand.now()?;
        self.own(backend, &locked);
        self.stand.ends("status, locked", &["status"], 0)?;
        self.packets(backend)?;
        self.later(backend, &done)?;
        self.plugged(backend)?;
        self.stand.ends("status, locked for a while", &["status"], 0)?;
        self.stand.ends("a second lock", &words, 0)?;
        let second = self.stand.now()?.against(&locked);
        self.stand.sheet.none("a second lock changed the rules", &second);
        self.stand.unlock(backend)?;
        self.stand.ends("status, unlocked", &["status"], 3).map(drop)
    }

    /// Claims that all foreign rules are there and everything new is ours.
    fn own(&mut self, backend: &str, locked: &Rules) {
        let others = locked.of_others();
        let Stand { sheet, rules, .. } = &mut *self.stand;
        sheet.claim(others != *locked, || format!("{backend}: no rule of the lock is there"));
        sheet.none(&format!("{backend}: rules of others are gone"), &rules.beyond(&others));
        let new: Vec<_> = others.beyond(rules).into_iter().filter(|line| !rules::is_base(line)).collect();
        sheet.none(&format!("{backend}: new rules that are not the lock's"), &new);
    }

    /// Asks everything again.
    fn packets(&mut self, backend: &str) -> Result<()> {
        let must = Must { stand: self.stand, truth: &self.truth };
        let answers = truth::again(&self.stand.site, &self.truth.asked)?;
        let wrong: Vec<_> = answers.iter().filter_map(|(probe, before, now)| must.contradiction(probe, before, now)).collect();
        let open = answers.iter().filter(|(probe, _, now)| probe.interface().is_some() && now.open()).count();
        let shut = answers.iter().filter(|(_, before, now)| before.open() && !now.open()).count();
        fact(format_args!("{backend}: {shut} ways in were shut, {open} from outside are open"));
        self.stand.sheet.none(&format!("{backend}: packets that got another thing than they must"), &wrong);
        Ok(())
    }

    /// Starts networks and containers, and asks whether they work from inside and are shut from outside, from the first packet on.
    fn later(&mut self, backend: &'static str, lock: &Done) -> Result<()> {
        let site = &mut self.stand.site;
        let doors = later::doors(site);
        let knocker = site.knock(&doors)?;
        later::begin(site)?;
        let knocks = knocker.stop()?;
        let probes = later::to_the_host(site).into_iter().chain(later::to_containers(site)).collect();
        let (outside, inside) = truth::both(site, probes, &self.truth.inside_later)?;
        let must = Must { stand: self.stand, truth: &self.truth };
        let may_be_open = |probe: &Probe| must.may_be_open_later(probe) || must.is_unseen_proxy(probe);
        let answered = doors.iter().zip(&knocks).filter(|(door, found)| found.answered > 0 && !may_be_open(door));
        let line = |(door, found): (&Probe, &Knocks)| {
            format!("{}: {} of {}, between {:?} ms", place(door), found.answered, found.tried, found.between)
        };
        // Engines take the jump to their owner's chain away for a moment while they make a network.
        let is_told = backend == "docker-user" && lock.cautions_of("network");
        let (told_of, answered): (Vec<_>, Vec<_>) = answered.partition(|(_, found)| is_told && found.answered <= MOMENT);
        let [told_of, answered] = [told_of, answered].map(|some| some.into_iter().map(line).collect::<Vec<_>>());
        let open = outside.iter().filter(|(probe, now)| now.open() && !may_be_open(probe));
        let open: Vec<_> = open.map(|(probe, now)| told(probe, now)).collect();
        let knows_all = backend == "nftables" || later::shows_ports(&self.stand.site);
        let known = inside.iter().filter(|(probe, ..)| knows_all || !later::is_unknown(probe));
        let broken: Vec<_> = known.filter_map(|(probe, before, now)| must::same(probe, before, now)).collect();
        let sheet = &mut self.stand.sheet;
        if !told_of.is_empty() {
            fact(format_args!("{backend}: while networks were made, as the lock had cautioned: {}", told_of.join(", ")));
        }
        sheet.none(&format!("{backend}: knocks that were answered by what was started later"), &answered);
        sheet.none(&format!("{backend}: containers that were started later are open"), &open);
        sheet.none(&format!("{backend}: what works inside of later networks has changed"), &broken);
        self.refreshed(backend)
    }

    /// Locks again beside what was started later: now everything inside works, and outside nothing more.
    fn refreshed(&mut self, backend: &'static str) -> Result<()> {
        self.stand.ends(&format!("{backend}: lock beside later networks"), &self.stand.words(backend), 0)?;
        let site = &mut self.stand.site;
        let probes = later::to_the_host(site).into_iter().chain(later::to_containers(site)).collect();
        let (outside, inside) = truth::both(site, probes, &self.truth.inside_later)?;
        later::end(site)?;
        let must = Must { stand: self.stand, truth: &self.truth };
        let open = outside.iter().filter(|(probe, now)| now.open() && !must.may_be_open_later(probe));
        let open: Vec<_> = open.map(|(probe, now)| told(probe, now)).collect();
        let broken: Vec<_> = inside.iter().filter_map(|(probe, before, now)| must::same(probe, before, now)).collect();
        let sheet = &mut self.stand.sheet;
        sheet.none(&format!("{backend}: open beside later networks, locked again"), &open);
        sheet.none(&format!("{backend}: what works inside of later networks has changed, locked again"), &broken);
        self.stand.ends(&format!("{backend}: lock without later networks"), &self.stand.words(backend), 0).map(drop)
    }

    /// Plugs an interface in: it reaches no container that it was not meant to, and the host's own services as without the lock.
    fn plugged(&mut self, backend: &str) -> Result<()> {
        let site = &mut self.stand.site;
        later::plug(site)?;
        let probes = later::by_plugged(site);
        let plain = site.listen(&probes)?;
        let answers = truth::ask(site, probes)?;
        drop(plain);
        later::unplug(site)?;
        let must = Must { stand: self.stand, truth: &self.truth };
        let wrong: Vec<_> = answers.iter().filter_map(|(probe, now)| must.contradicted_by_plugged(probe, now)).collect();
        self.stand.sheet.none(&format!("{backend}: an interface that was plugged in later"), &wrong);
        Ok(())
    }
}
