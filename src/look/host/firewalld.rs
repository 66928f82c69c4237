//! firewalld in its own words, over D-Bus.
//!
//! In: the system's bus. Out: `firewalld.json`, one object. The settings are under the names and in the shapes that firewalld gives them
//! (firewalld.dbus(5)); a setting that is not there has its default. firewalld is not started by being asked.
//!
//! ```json
//! {
//!   "running": true,
//!   "version": "2.3.1",
//!   "state": "RUNNING",
//!   "panic": false,
//!   "default_zone": "public",
//!   "active_zones": {"public": {"interfaces": ["eth0"]}},
//!   "zones": {"public": {"target": "default", "services": ["ssh"], "ports": [["8084", "tcp"]], "rules_str": ["rule …"],
//!                        "forward_ports": [["8086", "tcp", "80", "172.30.1.2"]], "interfaces": ["eth0"], "sources": []}},
//!   "policies": {"docker-forwarding": {"target": "ACCEPT", "ingress_zones": ["ANY"], "egress_zones": ["docker"]}},
//!   "active_policies": {"docker-forwarding": {"ingress_zones": ["ANY"], "egress_zones": ["docker"]}},
//!   "services": {"ssh": {"ports": [["22", "tcp"]], "includes": [], "source_ports": [], "protocols": [], "destination": {}}},
//!   "ipsets": {"office": ["", "", "", "hash:net", {}, ["10.20.0.0/24"]]},
//!   "direct": {"chains": 0, "rules": 0, "passthroughs": 0},
//!   "config": {"FirewallBackend": "nftables", "StrictForwardPorts": "no", "FlushAllOnReload": "yes"},
//!   "permanent": {"zones": {"public": {"services": ["ssh"]}}, "policies": {}},
//!   "unread": {"zones": "not authorized"}
//! }
//! ```
//!
//! `services` has those that a zone or a policy names, and those that they include. `permanent` has the active zones and policies and the
//! default zone as they are after the next reload; one of them that is missing there is not kept at all. `unread` names the members that could
//! not be read, with why. Without firewalld or without a bus the object is `{"running": false}`.

mod bus;
mod events;
mod json;

pub(super) use events::follow;

use super::{Seen, Unread, pretty, sudo};
use crate::tool::PATIENCE;
use bus::{Daemon, Interface};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::mpsc;
use std::thread;

const FILE: &str = "firewalld.json";

/// Asks firewalld.
pub(super) fn look() -> Vec<Seen> {
    let (sender, receiver) = mpsc::channel();
    // Nobody waits for this thread: a bus may hang.
    thread::spawn(move || {
        let _ = sender.send(zbus::block_on(ask()));
    });
    let seen = receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        Seen::unread(FILE, format!("firewalld does not answer within {} s", PATIENCE.as_secs()), "systemctl status firewalld")
    });
    vec![seen]
}

async fn ask() -> Seen {
    let description = match Daemon::find().await {
        Ok(Some(daemon)) => describe(&daemon).await,
        Ok(None) => return Seen::text(FILE, pretty(&json!({ "running": false }))),
        Err(why) => return Seen::needs_root(FILE, why),
    };
    let unread = description
        .unread
        .values()
        .next()
        .and_then(Value::as_str)
        .map(|why| Unread { why: format!("firewalld does not tell all of its settings: {why}"), command: sudo(FILE) });
    Seen { file: FILE, text: Some(pretty(&description.page())), unread }
}

/// What was told, and what was not.
struct Description {
    told: Map<String, Value>,
    unread: Map<String, Value>,
}

impl Description {
    /// Keeps an answer under a name, and hands it back.
    fn keep(&mut self, name: &str, answer: Result<Value, String>) -> Value {
        match answer {
            Ok(value) => {
                self.told.insert(name.to_owned(), value.clone());
                value
            }
            Err(why) => {
                self.unread.insert(name.to_owned(), why.into());
                Value::Null
            }
        }
    }

    fn page(self) -> Value {
        let mut page = self.told;
        if !self.unread.is_empty() {
            page.insert("unread".to_owned(), self.unread.into());
        }
        page.into()
    }
}

async fn describe(daemon: &Daemon) -> Description {
    let mut page = Description { told: Map::new(), unread: Map::new() };
    page.keep("running", Ok(true.into()));
    for property in ["version", "state"] {
        page.keep(property, daemon.property(property).await);
    }
    page.keep("panic", daemon.call(Interface::Main, "queryPanicMode", None).await);
    let default_zone = page.keep("default_zone", daemon.call(Interface::Main, "getDefaultZone", None).await);
    let active_zones = page.keep("active_zones", daemon.call(Interface::Zone, "getActiveZones", None).await);
    let names = daemon.call(Interface::Zone, "getZones", None).await;
    let zones = page.keep("zones", each(daemon, Interface::Zone, "getZoneSettings2", names).await);
    let names = daemon.call(Interface::Policy, "getPolicies", None).await;
    let policies = page.keep("policies", each(daemon, Interface::Policy, "getPolicySettings", names).await);
    let active_policies = page.keep("active_policies", daemon.call(Interface::Policy, "getActivePolicies", None).await);
    let services = if zones.is_null() { Err(not_without("zones")) } else { services(daemon, &[&zones, &policies]).await };
    page.keep("services", services);
    let names = daemon.call(Interface::IpSet, "getIPSets", None).await;
    page.keep("ipsets", each(daemon, Interface::IpSet, "getIPSetSettings", names).await);
    page.keep("direct", direct(daemon).await);
    page.keep("config", daemon.configuration().await);
    let names = |active: &Value| active.as_object().into_iter().flat_map(Map::keys).cloned().collect::<BTreeSet<_>>();
    let mut zone_names = names(&active_zones);
    zone_names.extend(default_zone.as_str().map(str::to_owned));
    let is_refused = zones.is_null();
    let permanent =
        if is_refused { Err(not_without("zones")) } else { permanent(daemon, &zone_names, &names(&active_policies)).await };
    page.keep("permanent", permanent);
    page
}

fn not_without(section: &str) -> String {
    format!("{section} are not known")
}

/// The settings of everything that is named, by name. The first refusal ends it.
async fn each(daemon: &Daemon, interface: Interface, method: &str, names: Result<Value, String>) -> Result<Value, String> {
    let mut settings = Map::new();
    for name in texts(&names?) {
        let told = daemon.call(interface, method, Some(name)).await?;
        settings.insert(name.to_owned(), without_prose(told));
    }
    Ok(settings.into())
}

/// The services that zones and policies name, and those that these include.
async fn services(daemon: &Daemon, sections: &[&Value]) -> Result<Value, String> {
    let sections = sections.iter().flat_map(|section| section.as_object().into_iter().flat_map(Map::values));
    let mut open: BTreeSet<String> = sections.flat_map(|settings| texts(&settings["services"])).map(str::to_owned).collect();
    let mut services = Map::new();
    while let Some(name) = open.pop_first() {
        let settings = daemon.call(Interface::Main, "getServiceSettings2", Some(&name)).await?;
        open.extend(texts(&settings["includes"]).filter(|name| !services.contains_key(*name)).map(str::to_owned));
        services.insert(name, without_prose(settings));
    }
    Ok(services.into())
}

/// How much there is of what others had it write past its own rules.
async fn direct(daemon: &Daemon) -> Result<Value, String> {
    let mut counts = Map::new();
    for (name, method) in [("chains", "getAllChains"), ("rules", "getAllRules"), ("passthroughs", "getAllPassthroughs")] {
        let list = daemon.call(Interface::Direct, method, None).await?;
        counts.insert(name.to_owned(), list.as_array().map_or(0, Vec::len).into());
    }
    Ok(counts.into())
}

/// What zones and policies are in the permanent configuration.
async fn permanent(daemon: &Daemon, zones: &BTreeSet<String>, policies: &BTreeSet<String>) -> Result<Value, String> {
    let kept = async |names: &BTreeSet<String>, by_name: &str, kind: Interface, settings: &str| {
        let mut kept = Map::new();
        for name in names {
            // Not kept: there is no such object.
            let Ok(path) = daemon.call(Interface::Configuration, by_name, Some(name)).await else { continue };
            let told = daemon.call_at(path.as_str().unwrap_or_default(), kind, settings).await?;
            kept.insert(name.clone(), without_prose(told));
        }
        Ok::<_, String>(Value::from(kept))
    };
    let zones = kept(zones, "getZoneByName", Interface::PermanentZone, "getSettings2").await?;
    let policies = kept(policies, "getPolicyByName", Interface::PermanentPolicy, "getSettings").await?;
    Ok(json!({ "zones": zones, "policies": policies }))
}

/// Settings without the description, a paragraph that says nothing about this machine.
fn without_prose(mut settings: Value) -> Value {
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("description");
    }
    settings
}

/// The texts of a list.
fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// What a firewalld 2.5 on Debian told: zones by interface and by source, an ipset, rich rules, a policy, and a port that was opened
    /// for the moment only.
    const REAL: &str = include_str!("../../../fixtures/firewalld/2.5.json");

    #[test]
    fn the_form_that_is_described_above_is_that_of_a_real_firewalld() {
        let real: Value = serde_json::from_str(REAL).unwrap();
        let lines = include_str!("firewalld.rs").lines().filter_map(|line| line.strip_prefix("//! "));
        let example: String = lines.skip_while(|line| *line != "```json").skip(1).take_while(|line| *line != "```").collect();
        let example: Value = serde_json::from_str(&example).unwrap();
        let members = example.as_object().unwrap().keys().filter(|member| *member != "unread");
        assert!(members.eq(real.as_object().unwrap().keys()), "{example:#}");
        assert_eq!(real["ipsets"]["office"], json!(["", "", "", "hash:net", {}, ["198.51.100.2", "203.0.113.0/24"]]));
        assert_eq!(real["zones"]["public"]["ports"], json!([["8084", "tcp"], ["9000-9001", "tcp"], ["9999", "tcp"]]));
        assert_eq!(real["permanent"]["zones"]["public"]["ports"], json!([["8084", "tcp"], ["9000-9001", "tcp"]]));
        assert_eq!(real["services"]["netbios-ns"]["ports"], json!([["137", "udp"]]), "a service that another one includes");
    }
}
