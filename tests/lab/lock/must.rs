//! What a packet must get under the lock.
//!
//!  - To a port of the host that a container has: it is reachable where it was and was meant to be, or is allowed.
//!  - To a container's own address: nothing comes through. Where it is published there without translation and the host's firewall lets
//!    that very way through, it may.
//!  - To a container that stands in the network outside (macvlan): as before; no rule of the host is on that way.
//!  - To a process of the host, and from inside: the same answer by the same answerer.
//!
//! In: the truth of the host without the lock, from its packets. Out: what contradicts it, in words.
//!
//! It sends nothing.

use ipnet::IpNet;

use crate::commands::target;
use crate::lock::stand::Stand;
use crate::lock::truth::Truth;
use crate::probe::{Origin, Outcome, Probe};

/// A host's truth and what is allowed there.
pub(crate) struct Must<'a> {
    pub(crate) stand: &'a Stand,
    pub(crate) truth: &'a Truth,
}

/// Where a packet from outside goes.
#[derive(PartialEq, Eq)]
enum Goal {
    /// An address of the host, and there a container.
    Published,
    /// An address of the host, and there a process of its own, or what somebody else leads there.
    Own,
    /// A container's own address.
    Container,
    /// An address outside of the host.
    Beyond,
}

impl Must<'_> {
    /// What is wrong with an answer, in words.
    pub(crate) fn contradiction(&self, probe: &Probe, before: &Outcome, now: &Outcome) -> Option<String> {
        if probe.interface().is_none() {
            return same(probe, before, now);
        }
        let meant = match self.goal(probe, before) {
            // Whether somebody who is not found there is silent or said to be unreachable, is a matter of moments.
            Goal::Beyond if !before.open() && !now.open() => return None,
            Goal::Own | Goal::Beyond => return same(probe, before, now),
            Goal::Published => self.is_meant(probe),
            // Whether a firewall that forwards more than one port means each of them, is the lock's to say.
            Goal::Container
                if before.open() && !self.stand.case.is_bare && self.is_served(probe) && self.truth.permits(probe) =>
            {
                return None;
            }
            Goal::Container => false,
        };
        let word = if before.open() && meant { "open" } else { "closed" };
        ((word == "open") != now.open()).then(|| format!("{word} expected, {} (before {})", told(probe, now), before.result))
    }

    /// True if a packet to a port of a container may come through: an ordinary process would get it, or it is allowed.
    fn is_meant(&self, probe: &Probe) -> bool {
        let by_firewall = !self.stand.case.is_bare && self.truth.meant(probe).is_some_and(Outcome::open);
        by_firewall || self.stand.case.allows(probe)
    }

    /// True if the container with this address is to be reached there: it publishes the port, and its network is one without translation.
    fn is_served(&self, probe: &Probe) -> bool {
        let Stand { site, has_routes, .. } = self.stand;
        let all = site.addresses();
        let mut its = all.iter().filter(|(_, addresses)| addresses.contains(&probe.dst));
        *has_routes && its.any(|(name, _)| site.project.is_routed(name) && site.project.targets(name).contains(&probe.port))
    }

    fn goal(&self, probe: &Probe, before: &Outcome) -> Goal {
        let site = &self.stand.site;
        let mut links = site.neighbours.iter().map(|at| at.link);
        let is_own = probe.dst.is_loopback() || links.clone().any(|link| link.host_addresses().contains(&probe.dst));
        let nets = links.by_ref().flat_map(|link| link.host).filter_map(|net| net.parse::<IpNet>().ok());
        let is_link_local = matches!(probe.dst, std::net::IpAddr::V6(address) if address.is_unicast_link_local());
        if is_own || is_link_local {
            let by = before.by.split(' ').next().unwrap_or_default();
            let is_process = by == "host" || self.stand.site.project.is_on_the_host(by);
            if is_process || self.stand.host.redirected.contains(&probe.port) { Goal::Own } else { Goal::Published }
        } else if nets.map(|net| net.trunc()).any(|net| net.contains(&probe.dst)) {
            Goal::Beyond
        } else {
            Goal::Container
        }
    }

    /// True if a port that was published after the lock may be reached by a packet: an ordinary process there would be.
    pub(crate) fn may_be_open_later(&self, probe: &Probe) -> bool {
        !self.stand.case.is_bare && self.truth.meant(probe).is_some_and(Outcome::open)
    }

    /// True if such a packet goes to a proxy, which is a process of the host: engines before 27.0 write no rules for IPv6. A lock that is made
    /// before the port is published does not know it for a container's, and leaves it to the host's firewall; where there is none, it is open.
    pub(crate) fn is_unseen_proxy(&self, probe: &Probe) -> bool {
        let site = &self.stand.site;
        let is_own = site.neighbours.iter().any(|at| at.link.host_addresses().contains(&probe.dst));
        self.stand.case.is_bare && !self.stand.has_routes && probe.dst.is_ipv6() && is_own
    }

    /// What is wrong with an answer by an interface that came after the lock, in words.
    pub(crate) fn contradicted_by_plugged(&self, probe: &Probe, now: &Outcome) -> Option<String> {
        let meant = self.truth.meant(probe)?;
        let by_container = now.open() && !now.by.starts_with("host ");
        let is_own = [22, 9090].contains(&probe.port);
        let wrong = if is_own { now.open() != meant.open() } else { by_container && !self.is_meant(probe) };
        wrong.then(|| format!("{} (meant {})", told(probe, now), meant.result))
    }
}

/// What is wrong where an answer is to be as it was.
pub(crate) fn same(probe: &Probe, before: &Outcome, now: &Outcome) -> Option<String> {
    // Where a firewall drops the search for a neighbour (v6, bridged), it is silence first, and soon no way to it (EHOSTUNREACH). Where it
    // rejects (EACCES), its answers are few in a second (icmp.ratelimit), and to some there is silence.
    let is_unfound = |outcome: &Outcome| outcome.silent() || ["rejected:113", "rejected:13"].contains(&outcome.result.as_str());
    let are_unfound = probe.dst.is_ipv6() && probe.interface().is_none() && [before, now].into_iter().all(is_unfound);
    (before != now && !are_unfound).then(|| format!("{} {} expected, {}", before.result, before.by, told(probe, now)))
}

/// A packet in words.
pub(crate) fn place(probe: &Probe) -> String {
    let by = match &probe.origin {
        Origin::Link(name) | Origin::Container(name) => name,
        Origin::Host => "the host",
    };
    format!("{} from {} by {by}", target(probe), probe.src)
}

/// A packet and its answer in words.
pub(crate) fn told(probe: &Probe, now: &Outcome) -> String {
    let by = if now.by.is_empty() { String::new() } else { format!(" by {}", now.by) };
    format!("{}: {}{by}", place(probe), now.result)
}
