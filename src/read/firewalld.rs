//! firewalld and ufw in their own words: zones, policies, what they permit.
//!
//! In: what `firewall-cmd` lists with the text of `firewalld.conf`, or the object that firewalld's D-Bus interface gives; what `ufw
//! status` prints. Out: [`Firewalld`] and [`Ufw`]. Not here: any verdict. What the kernel does is read from its rules; these are words
//! for people.

use crate::model::firewall::{Firewalld, PortWord, Ufw, Zone, ZonePolicy};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What `firewall-cmd` printed: `--get-active-zones`, `--list-all-zones`, `--list-all-policies`, and the text of `firewalld.conf`, which
/// lies there also where firewalld does not run.
pub(super) fn listed(active: &str, zones: &str, policies: &str, settings: &str) -> Firewalld {
    let setting = |name: &str| {
        let mut lines = settings.lines().map(str::trim).filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        lines.next_back().map(|value| value.trim().to_owned())
    };
    let sections = sections(zones);
    let is_default = |section: &&Section| section.marks.contains(&"default");
    let mut firewalld = Firewalld {
        is_running: !(active.trim().is_empty() && sections.is_empty()),
        default_zone: sections.iter().find(is_default).map(|section| section.name.to_owned()).or_else(|| setting("DefaultZone")),
        // Without the file, or the line, the built-in defaults count (firewalld.conf(5)).
        backend: setting("FirewallBackend").map(|value| value.to_lowercase()),
        is_strict: setting("StrictForwardPorts").is_some_and(|value| value.eq_ignore_ascii_case("yes")),
        zones: sections.iter().map(|section| (section.name.to_owned(), section.zone())).collect(),
        policies: self::sections(policies).iter().map(|section| (section.name.to_owned(), section.policy())).collect(),
        has_zone_priorities: (!sections.is_empty()).then(|| sections.iter().any(|it| it.values.contains_key("ingress-priority"))),
        ..Firewalld::default()
    };
    for section in self::sections(active) {
        let zone = firewalld.zones.entry(section.name.to_owned()).or_default();
        join(&mut zone.interfaces, section.list("interfaces"));
        join(&mut zone.sources, section.list("sources"));
    }
    firewalld
}

/// One zone or policy of a listing: a name at the margin, then indented `key: values`; long values on lines of their own, behind a tab.
struct Section<'a> {
    name: &'a str,
    /// `default`, `active`
    marks: Vec<&'a str>,
    values: BTreeMap<&'a str, Vec<&'a str>>,
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section> = Vec::new();
    let mut key = "";
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if !line.starts_with([' ', '\t']) {
            let (name, marks) = line.split_once(" (").unwrap_or((line, ""));
            let marks = marks.trim_end().trim_end_matches(')').split(", ").filter(|mark| !mark.is_empty()).collect();
            sections.push(Section { name: name.trim(), marks, values: BTreeMap::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        let value = match line.trim().split_once(':').filter(|_| !line.starts_with('\t')) {
            Some((name, value)) => {
                key = name;
                value.trim()
            }
            None => line.trim(),
        };
        let values = section.values.entry(key).or_default();
        values.extend(Some(value).filter(|value| !value.is_empty()));
    }
    sections
}

impl Section<'_> {
    /// The words of a value.
    fn list(&self, key: &str) -> Vec<String> {
        let lines = self.values.get(key).into_iter().flatten();
        lines.flat_map(|line| line.split_whitespace()).map(str::to_owned).collect()
    }

    fn word(&self, key: &str) -> String {
        self.list(key).join(" ")
    }

    fn zone(&self) -> Zone {
        Zone {
            target: self.word("target"),
            interfaces: self.list("interfaces"),
            sources: self.list("sources"),
            services: self.list("services"),
            ports: self.list("ports").iter().filter_map(|word| port(word)).collect(),
            forward_ports: self.list("forward-ports"),
            rich_rules: self.values.get("rich rules").into_iter().flatten().map(|line| (*line).to_owned()).collect(),
            differs_from_permanent: None,
        }
    }

    fn policy(&self) -> ZonePolicy {
        ZonePolicy { target: self.word("target"), ingress: self.list("ingress-zones"), egress: self.list("egress-zones") }
    }
}

/// `8084/tcp`
fn port(word: &str) -> Option<PortWord> {
    let (ports, protocol) = word.split_once('/')?;
    Some(PortWord { ports: ports.to_owned(), protocol: protocol.to_owned() })
}

fn join(list: &mut Vec<String>, more: Vec<String>) {
    for word in more {
        if !list.contains(&word) {
            list.push(word);
        }
    }
}

/// What firewalld says over D-Bus, as one JSON object: the settings under the names and in the shapes of firewalld.dbus(5), where a
/// setting that is not there has its default.
///
/// # Errors
/// The text is no JSON object.
pub(super) fn told(text: &str) -> Result<Firewalld, String> {
    let object: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))?;
    let permanent = &object["permanent"]["zones"];
    let mut zones: BTreeMap<String, Zone> = members(&object["zones"])
        .map(|(name, settings)| {
            let differs = permanent.is_object().then(|| !is_same(settings, &permanent[name]));
            (name.clone(), Zone { differs_from_permanent: differs, ..zone(settings) })
        })
        .collect();
    for (name, settings) in members(&object["active_zones"]) {
        let zone = zones.entry(name.clone()).or_default();
        join(&mut zone.interfaces, texts(&settings["interfaces"]));
        join(&mut zone.sources, texts(&settings["sources"]));
    }
    let setting = |name: &str| object["config"][name].as_str().map(str::to_lowercase);
    let direct = object["direct"].as_object();
    Ok(Firewalld {
        is_running: object["running"].as_bool().unwrap_or_default(),
        version: object["version"].as_str().map(str::to_owned),
        default_zone: object["default_zone"].as_str().map(str::to_owned),
        backend: setting("FirewallBackend"),
        is_strict: setting("StrictForwardPorts").as_deref() == Some("yes"),
        zones,
        policies: members(&object["policies"]).map(|(name, settings)| (name.clone(), policy(settings))).collect(),
        services: members(&object["services"]).map(|(name, _)| (name.clone(), service(&object["services"], name))).collect(),
        direct_rules: direct.map(|counts| counts.values().filter_map(Value::as_u64).sum::<u64>()),
        has_zone_priorities: None,
        unread: members(&object["unread"]).map(|(name, why)| format!("{name}: {}", why.as_str().unwrap_or_default())).collect(),
    })
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn ports(list: &Value) -> Vec<PortWord> {
    let pair = |pair: &Value| Some(PortWord { ports: pair[0].as_str()?.to_owned(), protocol: pair[1].as_str()?.to_owned() });
    list.as_array().into_iter().flatten().filter_map(pair).collect()
}

fn zone(settings: &Value) -> Zone {
    let forward = |it: &Value| {
        let [port, protocol, to_port, to_address] = [0, 1, 2, 3].map(|at| it[at].as_str().unwrap_or_default());
        format!("port={port}:proto={protocol}:toport={to_port}:toaddr={to_address}")
    };
    Zone {
        target: settings["target"].as_str().unwrap_or("default").to_owned(),
        interfaces: texts(&settings["interfaces"]),
        sources: texts(&settings["sources"]),
        services: texts(&settings["services"]),
        ports: ports(&settings["ports"]),
        forward_ports: settings["forward_ports"].as_array().into_iter().flatten().map(forward).collect(),
        rich_rules: texts(&settings["rules_str"]),
        differs_from_permanent: None,
    }
}

fn policy(settings: &Value) -> ZonePolicy {
    ZonePolicy {
        target: settings["target"].as_str().unwrap_or("CONTINUE").to_owned(),
        ingress: texts(&settings["ingress_zones"]),
        egress: texts(&settings["egress_zones"]),
    }
}

/// The ports of a service and of those that it includes.
fn service(services: &Value, name: &str) -> Vec<PortWord> {
    let (mut open, mut seen, mut found) = (vec![name.to_owned()], BTreeSet::new(), Vec::new());
    while let Some(name) = open.pop() {
        let settings = &services[&name];
        found.extend(ports(&settings["ports"]));
        seen.insert(name);
        open.extend(texts(&settings["includes"]).into_iter().filter(|name| !seen.contains(name)));
    }
    found
}

/// True if two descriptions of a zone permit the same. Where interfaces are is no part of it: the engine binds its bridges at run time.
fn is_same(runtime: &Value, permanent: &Value) -> bool {
    let sorted = |settings: &Value, key: &str| {
        let mut list: Vec<String> = settings[key].as_array().into_iter().flatten().map(ToString::to_string).collect();
        list.sort_unstable();
        list
    };
    let lists = ["services", "ports", "forward_ports", "rules_str", "protocols", "source_ports", "sources"];
    let target = |settings: &Value| settings["target"].as_str().unwrap_or("default").to_owned();
    target(runtime) == target(permanent) && lists.iter().all(|key| sorted(runtime, key) == sorted(permanent, key))
}

/// What `ufw status` printed; None: there is no ufw.
pub(super) fn ufw(status: &str) -> Option<Ufw> {
    let state = status.lines().find_map(|line| line.trim().strip_prefix("Status:"))?;
    Some(Ufw { is_active: state.trim() == "active" })
}

#[cfg(test)]
mod tests;
