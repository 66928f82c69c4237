//! A booted host with its neighbours: everything that can be asked of it, and everything that can knock at it.
//!
//! In: a [`Host`]. Out: a [`Site`] whose firewall is up and, after [`Site::populate`], whose containers run.
//!
//! It compares nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::hosts::{Argv, Host};
use crate::island::{Island, in_network};
use crate::network::{self, Neighbour};
use crate::probe::{self, Knocker, Listeners, Origin, Outcome, Probe};
use crate::project::Project;
use crate::roots::Root;
use crate::{capture, engine, project, roots};

/// Where containers reach out to: a port of the neighbour on `eth0`, which nothing else answers.
pub(crate) const EGRESS: u16 = 7777;

/// A host that runs.
pub(crate) struct Site {
    pub(crate) island: Island,
    pub(crate) neighbours: Vec<Neighbour>,
    /// What runs on it, or will.
    pub(crate) project: Project,
    /// True: its first process is systemd, which starts firewall and engine.
    has_systemd: bool,
    /// What the engine says of each container; empty until there are any.
    pub(crate) inspected: Vec<Value>,
    /// The neighbour's own listener, for egress.
    _egress: Listeners,
}

impl Site {
    /// Boots a host up to its firewall. The engine is not started.
    ///
    /// # Errors
    ///
    /// A part of it does not come up; with what it said.
    pub(crate) fn boot(host: &Host, root: &Root) -> Result<Self> {
        let mut site = Self::lay(host, root)?;
        guard(&mut site.island, host)?;
        Ok(site)
    }

    /// Boots a host under systemd, up to the engine.
    ///
    /// # Errors
    ///
    /// As [`Self::boot`]; this machine has no cgroups of version 2.
    pub(crate) fn under_systemd(host: &Host, root: &Root) -> Result<Self> {
        let mut site = Self { has_systemd: true, ..Self::lay(host, root)? };
        site.boot_systemd()?;
        host.before.iter().try_for_each(|argv| site.island.run(argv).map(drop))?;
        Ok(site)
    }

    /// Boots systemd, and waits until all has been started; what does not start is told by what needs it.
    pub(crate) fn boot_systemd(&mut self) -> Result<()> {
        // To ask the engine would start it by its socket, before its turn.
        const IS_UP: &str = "systemctl is-active -q docker.service && systemctl is-active -q multi-user.target";
        self.island.boot_systemd()?;
        self.island.await_success("systemd", &["sh", "-c", IS_UP])
    }

    /// Boots a host with its files, and starts nothing.
    fn lay(host: &Host, root: &Root) -> Result<Self> {
        let island = Island::boot(host.name, &root.folder)?;
        let neighbours = network::lay(&island, host.links)?;
        let project = Project::read(host.compose).context("the compose file")?;
        island.write(project::FILE, host.compose)?;
        for (path, content) in host.files {
            island.write(path, content)?;
        }
        let near = &neighbours[0];
        let out = |dst| Probe::new("tcp", dst, dst, EGRESS, Origin::Host);
        let places: Vec<_> = near.link.sources().into_iter().map(out).collect();
        let egress = probe::listen(near.wire.command(std::env::current_exe()?), &places)?;
        Ok(Self { island, neighbours, project, has_systemd: false, inspected: Vec::new(), _egress: egress })
    }

    /// Starts the engine, where nobody has, with no container yet.
    ///
    /// # Errors
    ///
    /// It does not come up; with its last words.
    pub(crate) fn engage(&mut self, host: &Host) -> Result<()> {
        if self.has_systemd {
            return engine::give(&self.island, &roots::image()?);
        }
        engine::start(&mut self.island, host.engine, &roots::image()?)
    }

    /// Starts networks and containers, and does what the admin did afterwards.
    ///
    /// # Errors
    ///
    /// The engine refuses; with its last words.
    pub(crate) fn populate(&mut self, host: &Host) -> Result<()> {
        self.project.up(&self.island).with_context(|| self.island.log("dockerd"))?;
        self.inspected = engine::inspect_all(&self.island)?;
        let web = self.addresses().remove("web").and_then(|addresses| addresses.first().map(IpAddr::to_string));
        for argv in host.after {
            let put = |word: &&str| word.replace("{web}", web.as_deref().unwrap_or_default());
            let argv: Vec<_> = argv.iter().map(put).collect();
            self.island.run(&argv.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        self.inspected = engine::inspect_all(&self.island)?;
        Ok(())
    }

    /// The rules of the host without their counters, to see whether they move.
    pub(crate) fn rules(&self) -> String {
        let lists: [Argv; 3] = [&["nft", "-s", "list", "ruleset"], &["iptables", "-S"], &["iptables", "-t", "nat", "-S"]];
        lists.iter().map(|argv| self.island.run(argv).unwrap_or_default()).collect::<Vec<_>>().concat()
    }

    /// Waits until the rules stand still: after a reload of firewalld the engine writes its own anew for seconds.
    ///
    /// # Errors
    ///
    /// They never do.
    pub(crate) fn settle(&self) -> Result<()> {
        let mut before = self.rules();
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(1_500));
            let now = self.rules();
            if now == before {
                return Ok(());
            }
            before = now;
        }
        bail!("the rules do not stand still")
    }

    /// Stops firewalld as its unit would, and starts it again.
    pub(crate) fn restart_firewalld(&mut self) -> Result<()> {
        self.island.stop("/run/firewalld.pid")?;
        start_firewalld(&mut self.island)
    }

    /// Brings the firewall up on a host that has lost all rules, as a boot does.
    pub(crate) fn guard_again(&mut self, host: &Host) -> Result<()> {
        if host.has_firewalld() {
            start_firewalld(&mut self.island)?;
        }
        host.before.iter().try_for_each(|argv| self.island.run(argv).map(drop))
    }

    /// Stops the engine as its unit would, starts it again, and its containers.
    pub(crate) fn restart_engine(&mut self, host: &Host) -> Result<()> {
        self.island.stop("/run/docker.pid")?;
        self.start_engine(host)
    }

    /// Starts the engine that was stopped, and its containers.
    pub(crate) fn start_engine(&mut self, host: &Host) -> Result<()> {
        engine::start(&mut self.island, host.engine, &roots::image()?)?;
        let names: Vec<_> = self.addresses().into_keys().collect();
        let argv = ["docker", "start"].into_iter().chain(names.iter().map(String::as_str));
        self.island.run(&argv.collect::<Vec<_>>()).map(drop)
    }

    /// Lets the neighbour of `eth0` knock at these doors.
    pub(crate) fn knock(&self, doors: &[Probe]) -> Result<Knocker> {
        probe::knock(self.neighbours[0].wire.command(std::env::current_exe()?), doors)
    }

    /// The addresses of the containers by name, of both families, on all their networks.
    pub(crate) fn addresses(&self) -> BTreeMap<String, Vec<IpAddr>> {
        let of = |container: &Value| -> Vec<IpAddr> {
            let networks = container["NetworkSettings"]["Networks"].as_object().into_iter().flat_map(|map| map.values());
            let fields = networks.flat_map(|network| [&network["IPAddress"], &network["GlobalIPv6Address"]]);
            fields.filter_map(|field| field.as_str()?.parse().ok()).collect()
        };
        self.inspected.iter().map(|container| (capture::name(container).to_owned(), of(container))).collect()
    }

    /// Ordinary processes on every address and port of the host that is asked and free.
    pub(crate) fn listen(&self, probes: &[Probe]) -> Result<Listeners> {
        let place = |probe: &Probe| Probe { src: probe.dst, origin: Origin::Host, ..probe.clone() };
        let places: Vec<_> = probes.iter().map(place).collect::<BTreeSet<_>>().into_iter().collect();
        probe::listen(in_network(&self.network(), std::env::current_exe()?), &places)
    }

    /// Sends each probe from where it comes from; the answers come in the probes' order. Where nobody said who is there
    /// it is asked once more: a packet that a busy machine lost is no rule.
    pub(crate) fn ask(&self, probes: &[Probe]) -> Result<Vec<Outcome>> {
        let mut answers = self.ask_once(probes)?;
        let mute: Vec<_> = (0..answers.len()).filter(|place| answers[*place].is_mute()).collect();
        let again = self.ask_once(&mute.iter().map(|place| probes[*place].clone()).collect::<Vec<_>>())?;
        mute.into_iter().zip(again).for_each(|(place, outcome)| answers[place] = outcome);
        Ok(answers)
    }

    /// All origins at once: most of the time is waiting for what does not come.
    fn ask_once(&self, probes: &[Probe]) -> Result<Vec<Outcome>> {
        let mut by_origin: BTreeMap<&Origin, Vec<usize>> = BTreeMap::new();
        for (place, probe) in probes.iter().enumerate() {
            by_origin.entry(&probe.origin).or_default().push(place);
        }
        let mut answers: HashMap<usize, Outcome> = HashMap::new();
        thread::scope(|scope| {
            let mut asked = Vec::new();
            for (origin, places) in by_origin {
                let some: Vec<_> = places.iter().map(|place| probes[*place].clone()).collect();
                let command = self.at(origin)?;
                asked.push((places, scope.spawn(move || probe::send(command, &some))));
            }
            for (places, answered) in asked {
                answers.extend(places.into_iter().zip(answered.join().map_err(|_| anyhow!("a prober crashed"))??));
            }
            anyhow::Ok(())
        })?;
        (0..probes.len()).map(|place| answers.remove(&place).context("a probe without an answer")).collect()
    }

    /// This program, started where probes come from.
    fn at(&self, origin: &Origin) -> Result<Command> {
        let exe = std::env::current_exe()?;
        match origin {
            Origin::Link(name) => {
                let at = self.neighbours.iter().find(|at| at.link.name == name).context("a probe of no link")?;
                Ok(at.wire.command(exe))
            }
            Origin::Container(name) => {
                let found = self.inspected.iter().find(|container| capture::name(container) == name);
                Ok(in_network(&self.sandbox(found.context("a probe of no container")?)?, exe))
            }
            Origin::Host => Ok(in_network(&self.network(), exe)),
        }
    }

    /// The files that stand for the networks of everybody but this one.
    ///
    /// # Errors
    ///
    /// A container has none.
    pub(crate) fn networks(&self, but: &Origin) -> Result<Vec<String>> {
        let mut all = vec![(Origin::Host, self.network())];
        for container in &self.inspected {
            all.push((Origin::Container(capture::name(container).to_owned()), self.sandbox(container)?));
        }
        all.extend(self.neighbours.iter().map(|at| (Origin::Link(at.link.name.to_owned()), at.wire.network())));
        Ok(all.into_iter().filter(|(origin, _)| origin != but).map(|(_, network)| network).collect())
    }

    /// The file that stands for a container's network.
    fn sandbox(&self, container: &Value) -> Result<String> {
        let key = container["NetworkSettings"]["SandboxKey"].as_str().context("a container without a network")?;
        // `/var/run` is a link there, and would be followed from this machine's root.
        Ok(self.island.path(key.trim_start_matches("/var")).to_string_lossy().into_owned())
    }

    /// The file that stands for the host's network.
    fn network(&self) -> String {
        format!("/proc/{}/ns/net", self.island.pid())
    }
}

/// Starts firewalld and waits until it answers.
fn start_firewalld(island: &mut Island) -> Result<()> {
    island.start("firewalld", &["firewalld", "--nofork"])?;
    island.await_success("firewalld", &["firewall-cmd", "--state"])
}

/// Brings the host's firewall up.
fn guard(island: &mut Island, host: &Host) -> Result<()> {
    if host.has_firewalld() {
        island.start("dbus", &["dbus-daemon", "--system", "--nofork", "--nopidfile"])?;
        island.await_success("dbus", &["test", "-S", "/run/dbus/system_bus_socket"])?;
        start_firewalld(island)?;
    }
    for argv in host.before {
        island.run(argv)?;
    }
    Ok(())
}
