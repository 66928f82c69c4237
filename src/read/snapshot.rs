//! A saved host, a folder of texts, to a [`Host`]. What is missing in it, or not understood, is noted as unread.

mod both;
mod place;
mod rules;
mod same;
mod saved;
mod unread;

use super::{docker, firewalld, ipset, net};
use crate::model::host::{Host, Link, Part, Unread};
use crate::model::packet::Family;
use crate::model::snapshot::{CLOCK, Snapshot};

impl Snapshot {
    /// The text of a file; None if nobody looked.
    fn text(&self, file: &str) -> Option<&str> {
        self.files.get(file).map(String::as_str)
    }

    /// The host that it shows, with a note of all that it does not.
    pub fn host(&self) -> Host {
        let moment = self.text(CLOCK).and_then(|text| text.trim().parse().ok());
        let mut host = Host { moment, ..Host::default() };
        let sets = self.text("ipset-save.txt").map(ipset::read);
        rules::read(self, sets.as_ref(), &mut host);
        self.links(&mut host);
        self.routes(&mut host);
        match self.text("sysctl.txt") {
            Some(text) => host.settings = net::settings(text),
            None => host.unread.push(self.note(Part::Settings, "sysctl.txt")),
        }
        match self.text("ss.txt") {
            Some(text) => host.listeners = net::listeners(text),
            None => host.unread.push(self.note(Part::Listeners, "ss.txt")),
        }
        self.containers(&mut host);
        self.engine(&mut host);
        host.saved_rules = saved::read(self, sets.as_ref());
        self.firewall(&mut host);
        host
    }

    fn links(&self, host: &mut Host) {
        let details = self.text("ip-link.json").unwrap_or_default();
        let qdiscs = self.text("tc-qdisc.json").unwrap_or_default();
        let read = self.text("ip-addr.json").map(|text| net::links(text, details, qdiscs));
        if let Some(links) = taken(self, read, Part::Addresses, "ip-addr.json", host) {
            host.links = links;
        }
    }

    fn routes(&self, host: &mut Host) {
        for (family, routes, rules) in
            [(Family::V4, "ip-route.json", "ip-rule.json"), (Family::V6, "ip6-route.json", "ip6-rule.json")]
        {
            let read = self.text(routes).map(|text| net::routes(text, family));
            if let Some(routes) = taken(self, read, Part::Routes(family), routes, host) {
                host.routes.extend(routes);
            }
            let read = self.text(rules).map(|text| net::policy(text, family));
            if let Some(rules) = taken(self, read, Part::Routes(family), rules, host) {
                host.policy.extend(rules);
            }
        }
        host.policy.sort_by_key(|rule| rule.priority);
    }

    fn containers(&self, host: &mut Host) {
        let read = self.text("networks.json").map(docker::networks);
        if let Some(networks) = taken(self, read, Part::Containers, "networks.json", host) {
            host.networks = networks;
            name_bridges(host);
        }
        let inspected = self.text("inspect.json");
        let read = inspected.map(|text| Ok((docker::endpoints(text)?, docker::containers(text)?)));
        if let Some((endpoints, publishers)) = taken(self, read, Part::Containers, "inspect.json", host) {
            host.endpoints = endpoints;
            host.publishers = publishers;
            if self.unread().contains_key("inspect.json") {
                host.unread.push(self.note(Part::Containers, "inspect.json"));
            }
        }
        if let Some(Ok(services)) = self.text("services.json").map(docker::services) {
            host.publishers.extend(services);
        }
    }

    fn engine(&self, host: &mut Host) {
        let other = |file: &str| self.text(file).unwrap_or_default();
        // Without the file the engine is not known; what it publishes is another file's matter.
        let Some(text) = self.text("version.json").filter(|text| !text.trim().is_empty()) else { return };
        let read = Some(docker::engine(text, other("info.json"), other("daemon.json")));
        host.engine = taken(self, read, Part::Containers, "version.json", host);
    }

    /// What the host's firewall says of itself. Where firewalld answered over D-Bus, its listings are not needed.
    fn firewall(&self, host: &mut Host) {
        host.ufw = self.text("ufw-status.txt").and_then(firewalld::ufw);
        if self.unread().contains_key("firewalld.json") {
            host.unread.push(self.note(Part::Firewall, "firewalld.json"));
        }
        if let Some(text) = self.text("firewalld.json").filter(|text| !text.trim().is_empty()) {
            host.firewalld = taken(self, Some(firewalld::told(text)), Part::Firewall, "firewalld.json", host);
            return;
        }
        let listing = |name: &str| self.text(&format!("firewalld-{name}.txt"));
        let (active, zones) = (listing("active-zones"), listing("zones"));
        host.firewalld = (active.is_some() || zones.is_some()).then(|| {
            let (policies, settings) = (listing("policies"), self.text("firewalld.conf"));
            let [active, zones, policies, settings] = [active, zones, policies, settings].map(Option::unwrap_or_default);
            firewalld::listed(active, zones, policies, settings)
        });
    }
}

/// Podman names its bridges in a way that its answers do not tell: the bridge of a network is then the one that has its gateway's address.
fn name_bridges(host: &mut Host) {
    let links = &host.links;
    let exists = |name: &str| links.iter().any(|link| &*link.name == name);
    for network in host.networks.iter_mut().filter(|network| network.driver == "bridge") {
        if network.bridge.as_deref().is_some_and(exists) {
            continue;
        }
        let has = |link: &&Link| link.addresses.iter().any(|own| network.gateways.contains(&own.net.addr()));
        if let Some(link) = links.iter().find(has) {
            network.bridge = Some(link.name.to_string());
        }
    }
}

/// What was read of a file; otherwise it is noted as unread.
fn taken<T>(snapshot: &Snapshot, read: Option<Result<T, String>>, part: Part, file: &str, host: &mut Host) -> Option<T> {
    let note = snapshot.note(part, file);
    match read {
        Some(Ok(value)) => Some(value),
        Some(Err(why)) => {
            host.unread.push(Unread { why: format!("{file}: {why}"), ..note });
            None
        }
        None => {
            host.unread.push(note);
            None
        }
    }
}
