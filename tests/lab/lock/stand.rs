//! A host that is to be locked: it runs, its rules without the lock are known, and claims about it are counted.
//!
//! In: a [`Host`]. Out: a [`Stand`], and the claims that every part makes: how a command of ours ends, what it leaves of the rules.
//!
//! It sends no packet.

use anyhow::Result;

use crate::hosts::Host;
use crate::lock::cases::{self, Case};
use crate::lock::program::{self, Done};
use crate::lock::rules::Rules;
use crate::lock::sheet::{Sheet, fact};
use crate::roots::Root;
use crate::site::Site;
use crate::{commands, engine, roots};

/// A host that runs.
pub(crate) struct Stand {
    pub(crate) host: &'static Host,
    pub(crate) case: &'static Case,
    pub(crate) site: Site,
    pub(crate) sheet: Sheet,
    /// True: the engine has networks without translation (from 28.0 on).
    pub(crate) has_routes: bool,
    /// All rules when nothing of ours was there; those of the empty host until [`Self::rest`].
    pub(crate) rules: Rules,
}

impl Stand {
    /// Boots a host up to its firewall.
    ///
    /// # Errors
    ///
    /// A part of it does not come up; with what it said.
    pub(crate) fn boot(host: &'static Host, what: &str) -> Result<Self> {
        Self::of(host, what, Site::boot)
    }

    /// Boots a host whose first process is systemd, up to its engine.
    ///
    /// # Errors
    ///
    /// As [`Self::boot`].
    pub(crate) fn under_systemd(host: &'static Host, what: &str) -> Result<Self> {
        Self::of(host, what, Site::under_systemd)
    }

    fn of(host: &'static Host, what: &str, boot: fn(&Host, &Root) -> Result<Site>) -> Result<Self> {
        let root = roots::root(host.suite)?;
        let sheet = Sheet::new(format_args!("{what} {}: {}", host.name, host.about));
        fact(&root.versions);
        let site = boot(host, &root)?;
        let rules = Rules::of(&site.island)?;
        Ok(Self { host, case: cases::of(host), site, sheet, has_routes: false, rules })
    }

    /// Boots a host up to its containers, and keeps its rules.
    ///
    /// # Errors
    ///
    /// As [`Self::boot`], and where the rules do not stand still.
    pub(crate) fn whole(host: &'static Host, what: &str) -> Result<Self> {
        let mut stand = Self::boot(host, what)?;
        stand.populate()?;
        stand.rest()?;
        Ok(stand)
    }

    /// Starts the engine and the containers, and puts the program there.
    pub(crate) fn populate(&mut self) -> Result<()> {
        self.site.engage(self.host)?;
        let version = engine::get(&self.site.island, "/version")?;
        let major = version["Version"].as_str().and_then(|text| text.split('.').next()?.parse::<u32>().ok());
        self.has_routes = major.is_some_and(|major| major >= 28);
        commands::install(&self.site.island)?;
        self.site.populate(self.host)
    }

    /// Waits until the rules stand still, and keeps them.
    pub(crate) fn rest(&mut self) -> Result<()> {
        self.site.settle()?;
        self.rules = self.now()?;
        Ok(())
    }

    /// The rules of this moment.
    pub(crate) fn now(&self) -> Result<Rules> {
        Rules::of(&self.site.island)
    }

    /// The words of a lock by a backend.
    pub(crate) fn words(&self, backend: &'static str) -> Vec<&'static str> {
        let mut words = vec!["lock", "--backend", backend];
        words.extend(self.case.words());
        words
    }

    /// Runs a command of ours that is to end with a status.
    pub(crate) fn ends(&mut self, what: &str, words: &[&str], code: i32) -> Result<Done> {
        let done = program::firewall(&self.site.island, words)?;
        self.sheet.claim(done.is(code), || format!("{what}: status {code} expected, {done}"));
        Ok(done)
    }

    /// Claims that the rules are those of the host without the lock.
    pub(crate) fn unchanged(&mut self, what: &str) -> Result<()> {
        let found = self.now()?.against(&self.rules);
        self.sheet.none(what, &found);
        Ok(())
    }

    /// Locks by a backend, and gives the rules then; nothing where it could not, which is a claim that does not hold.
    pub(crate) fn lock(&mut self, backend: &'static str) -> Result<Option<Rules>> {
        let done = self.ends(&format!("lock by {backend}"), &self.words(backend), 0)?;
        if done.is(0) {
            return self.now().map(Some);
        }
        self.unchanged("a lock that was refused changed the rules")?;
        Ok(None)
    }

    /// Unlocks, and claims that nothing is left.
    pub(crate) fn unlock(&mut self, after: &str) -> Result<()> {
        self.ends(&format!("unlock after {after}"), &["unlock"], 0)?;
        self.unchanged(&format!("after {after} and unlock the rules are not what they were"))
    }
}
