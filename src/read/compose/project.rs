//! The merged mapping to a [`Project`]: services with their networks and profiles, networks with their names.

use super::layers::Loader;
use super::ports;
use super::setting::setting;
use super::shape::{EXTENSION, LABEL};
use super::value::{Data, Key, Map, Value};
use crate::model::origin::Sourced;
use crate::model::project::{Attachment, Network, Problem, ProblemKind, Project, Service};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What the command line adds to the files.
pub struct Frame {
    pub name: String,
    pub directory: PathBuf,
    /// The active profiles; `*` activates all.
    pub profiles: Vec<String>,
    pub is_stack_by_name: bool,
}

/// Puts the project together.
pub fn assemble(map: &Map, frame: Frame, loader: Loader) -> Project {
    let Loader { sources, pragmas, mut problems, ineffective, .. } = loader;
    let declared = map.get("networks").and_then(Value::as_map);
    let mut networks: BTreeMap<String, Network> = declared
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| (key.text.clone(), network(key, value, &frame.name)))
        .collect();
    let written = map.get("services").and_then(Value::as_map);
    let mut services: Vec<Service> = Vec::new();
    let mut bindings_left = ports::MAX_BINDINGS;
    let mut looks_like_stack = frame.is_stack_by_name;
    for (key, value) in written.into_iter().flat_map(Map::iter) {
        let Some(service_map) = value.as_map() else { continue };
        looks_like_stack |= service_map.get("deploy").and_then(Value::as_map).is_some_and(is_for_swarm);
        let service = service(key, service_map, &frame.profiles, &mut bindings_left, &mut problems);
        for attachment in &service.networks {
            let add = || used_network(&attachment.network, &frame.name);
            networks.entry(attachment.network.clone()).or_insert_with(add);
        }
        services.push(service);
    }
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let mut said = HashSet::new();
    problems.retain(|problem| {
        said.insert((problem.message.clone(), problem.path.clone(), problem.place.as_ref().map(|place| place.span)))
    });
    let extension = map.get(EXTENSION).map(setting);
    let Frame { name, directory, .. } = frame;
    Project { name, directory, sources, services, networks, extension, pragmas, problems, ineffective, looks_like_stack }
}

fn service(key: &Key, map: &Map, profiles: &[String], bindings_left: &mut usize, problems: &mut Vec<Problem>) -> Service {
    let name: Arc<str> = Arc::from(key.text.as_str());
    let ports = map.get("ports").map(|ports| ports::resolve(&name, ports, bindings_left, problems)).unwrap_or_default();
    let own_profiles = profiles_of(map);
    let is_active = |profile: &String| profile == "*" || own_profiles.contains(profile);
    let enabled = own_profiles.is_empty() || profiles.iter().any(is_active);
    let network_mode = text_of(map, "network_mode").filter(|mode| !mode.value.is_empty());
    let is_provided = map.get("provider").is_some();
    let networks = if network_mode.is_some() || is_provided { Vec::new() } else { attachments(key, map) };
    let written_networks = map.get("networks").filter(|networks| enabled && !networks.is_empty());
    if let (Some(mode), Some(networks)) = (&network_mode, written_networks) {
        problems.push(both_modes(&name, mode, networks));
    }
    Service {
        origin: key.origin.clone(),
        image: text_of(map, "image"),
        builds: map.get("build").is_some(),
        network_mode,
        networks,
        profiles: own_profiles,
        enabled,
        scale: scale(map),
        is_provided,
        allow_label: label(map),
        extension: map.get(EXTENSION).map(setting),
        publications: ports.publications,
        bindings: ports.bindings,
        name,
    }
}

fn both_modes(service: &Arc<str>, mode: &Sourced<String>, networks: &Value) -> Problem {
    let place = networks.key.clone().unwrap_or_else(|| networks.origin.place.clone());
    let message =
        format!("service {service} has both network_mode {} and networks: Compose refuses the two together", mode.value);
    let (path, place, service) = (place.path().to_owned(), Some(place), Some(Arc::clone(service)));
    Problem { kind: ProblemKind::Refused, message, path, place, service }
}

/// Without repeats, in order.
fn profiles_of(map: &Map) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for item in map.get("profiles").and_then(Value::as_list).unwrap_or_default() {
        if let Some(profile) = item.to_text().filter(|profile| !out.contains(profile)) {
            out.push(profile);
        }
    }
    out
}

/// A service without networks is on the implicit `default` one (compose-go `loader/normalize.go`).
fn attachments(key: &Key, map: &Map) -> Vec<Attachment> {
    let written = map.get("networks").and_then(Value::as_map).filter(|networks| !networks.is_empty());
    let Some(written) = written else {
        return vec![Attachment { network: "default".to_owned(), gateway_priority: 0, origin: key.origin.clone() }];
    };
    let priority = |value: &Value| {
        let number = value.as_map().and_then(|map| map.get("gw_priority")).and_then(integer);
        number.unwrap_or(0)
    };
    let one = |(key, value): (&Key, &Value)| Attachment {
        network: key.text.clone(),
        gateway_priority: priority(value),
        origin: key.origin.clone(),
    };
    written.iter().map(one).collect()
}

fn scale(map: &Map) -> Option<Sourced<i64>> {
    let replicas = map.get("deploy").and_then(Value::as_map).and_then(|deploy| deploy.get("replicas"));
    let value = map.get("scale").or(replicas)?;
    integer(value).map(|number| Sourced { value: number, origin: value.origin.clone() })
}

fn integer(value: &Value) -> Option<i64> {
    match &value.data {
        Data::Integer(number) => Some(*number),
        Data::Text(text) => text.content.parse().ok(),
        _ => None,
    }
}

fn text_of(map: &Map, key: &str) -> Option<Sourced<String>> {
    let value = map.get(key)?;
    let text = value.to_text()?;
    Some(Sourced { value: text, origin: value.origin.clone() })
}

/// Compose's words for yes and no (`loader/interpolate.go`, toBoolean).
fn boolean(value: &Value) -> Option<bool> {
    match &value.data {
        Data::Boolean(truth) => Some(*truth),
        Data::Text(text) => match text.content.to_lowercase().as_str() {
            "true" | "y" | "yes" | "on" => Some(true),
            "false" | "n" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Our label. A list of labels is a mapping by now.
fn label(map: &Map) -> Option<Sourced<String>> {
    let value = map.get("labels")?.as_map()?.get(LABEL)?;
    value.to_text().map(|text| Sourced { value: text, origin: value.origin.clone() })
}

/// Keys that `docker compose up` ignores and `docker stack deploy` heeds.
fn is_for_swarm(deploy: &Map) -> bool {
    let is_global = deploy.get("mode").and_then(Value::as_text).is_some_and(|mode| mode.starts_with("global"));
    is_global || ["endpoint_mode", "placement", "update_config", "rollback_config"].iter().any(|key| deploy.get(key).is_some())
}

fn network(key: &Key, value: &Value, project: &str) -> Network {
    let empty = Map::default();
    let map = value.as_map().unwrap_or(&empty);
    let is_external = map.get("external").and_then(boolean).unwrap_or(false);
    let written = map.get("name").and_then(Value::to_text).filter(|name| !name.is_empty());
    let name = written.unwrap_or_else(|| if is_external { key.text.clone() } else { format!("{project}_{}", key.text) });
    let options = map.get("driver_opts").and_then(Value::as_map).into_iter().flat_map(Map::iter);
    let option = |(key, value): (&Key, &Value)| {
        let text = value.to_text()?;
        Some((key.text.clone(), Sourced { value: text, origin: value.origin.clone() }))
    };
    Network {
        key: key.text.clone(),
        origin: Some(key.origin.clone()),
        undeclared: false,
        name,
        external: is_external,
        internal: map.get("internal").and_then(boolean).unwrap_or(false),
        driver: text_of(map, "driver"),
        options: options.filter_map(option).collect(),
        ipv4: map.get("enable_ipv4").and_then(boolean),
        ipv6: map.get("enable_ipv6").and_then(boolean),
    }
}

/// A network that is used and not declared: the implicit `default` one, or a mistake.
fn used_network(key: &str, project: &str) -> Network {
    Network {
        key: key.to_owned(),
        origin: None,
        undeclared: key != "default",
        name: format!("{project}_{key}"),
        external: false,
        internal: false,
        driver: None,
        options: BTreeMap::new(),
        ipv4: None,
        ipv6: None,
    }
}
