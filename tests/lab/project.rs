//! The compose file of a host: what it publishes, and its networks and containers brought up as Compose would.
//!
//! In: the file's text, of the plain form that the files of `files/compose` have: ports as strings, networks with their subnets, a command
//! that names the answering process and what it answers on. Out: the ports to ask; running containers with the labels that Compose sets.
//!
//! It is no reader of compose files: what it does not know it does not do, and the hosts' files are read by the program itself.

use anyhow::{Context, Result};
use serde_yaml::Value;

use crate::engine;
use crate::island::Island;

/// Where the file lies on a host.
pub(crate) const FOLDER: &str = "/srv/lab";
pub(crate) const FILE: &str = "/srv/lab/compose.yaml";
/// The project, and the network of services that name none.
const PROJECT: &str = "lab";
const DEFAULT: &str = "default";

/// A compose file.
pub(crate) struct Project {
    file: Value,
}

/// A port of a protocol: `tcp` or `udp`.
pub(crate) type Port = (String, u16);

impl Project {
    /// Reads a file of the lab.
    ///
    /// # Errors
    ///
    /// It is no YAML.
    pub(crate) fn read(text: &str) -> Result<Self> {
        Ok(Self { file: serde_yaml::from_str(text)? })
    }

    fn services(&self) -> impl Iterator<Item = (&str, &Value)> {
        entries(&self.file["services"])
    }

    /// The host ports that are named in it, of all services.
    pub(crate) fn published(&self) -> Vec<Port> {
        self.services().flat_map(|(_, service)| words(&service["ports"])).flat_map(named).collect()
    }

    /// The container ports that a service publishes.
    pub(crate) fn targets(&self, service: &str) -> Vec<u16> {
        let entries = words(&self.file["services"][service]["ports"]);
        let target = |entry: &str| entry.split('/').next()?.rsplit(':').next()?.parse().ok();
        entries.filter_map(target).collect()
    }

    /// True if a service's network is one that engines from 28.0 on route to without translation, or do not protect.
    pub(crate) fn is_routed(&self, service: &str) -> bool {
        let networks = words(&self.file["services"][service]["networks"]);
        let options = networks.map(|name| &self.file["networks"][name]["driver_opts"]);
        options.flat_map(entries).any(|(key, _)| key.contains("gateway_mode"))
    }

    /// True if a service stands in the host's own network.
    pub(crate) fn is_on_the_host(&self, service: &str) -> bool {
        self.file["services"][service]["network_mode"] == "host"
    }

    /// What a service answers on.
    pub(crate) fn listens(&self, service: &str) -> Vec<Port> {
        let command = self.file["services"][service]["command"].as_str().unwrap_or_default();
        command.split_whitespace().filter_map(|word| word.split_once('/')).filter_map(port).collect()
    }

    /// Makes the networks, then the containers in the file's order.
    ///
    /// # Errors
    ///
    /// The engine refuses one of them; with what it said.
    pub(crate) fn up(&self, island: &Island) -> Result<()> {
        let default = self.services().any(|(_, service)| service["networks"].is_null() && service["network_mode"].is_null());
        if default && self.file["networks"][DEFAULT].is_null() {
            create(island, DEFAULT, &Value::Null)?;
        }
        entries(&self.file["networks"]).try_for_each(|(name, network)| create(island, name, network))?;
        self.services().try_for_each(|(name, service)| start(island, name, service))
    }

    /// Makes some networks and services again, as [`Self::up`] made them.
    ///
    /// # Errors
    ///
    /// As [`Self::up`].
    pub(crate) fn up_again(&self, island: &Island, services: &[&str], networks: &[&str]) -> Result<()> {
        networks.iter().try_for_each(|name| create(island, name, &self.file["networks"][name]))?;
        services.iter().try_for_each(|name| start(island, name, &self.file["services"][name]))
    }

    /// True if a container of it stands in the network outside, past every rule of the host.
    pub(crate) fn has_macvlan(&self) -> bool {
        entries(&self.file["networks"]).any(|(_, network)| network["driver"] == "macvlan")
    }
}

/// Removes some services' containers, then some networks.
///
/// # Errors
///
/// The engine refuses; with what it said.
pub(crate) fn down(island: &Island, services: &[&str], networks: &[&str]) -> Result<()> {
    island.run(&[&["docker", "rm", "-f"], services].concat())?;
    networks.iter().copied().map(network_name).try_for_each(|name| island.run(&["docker", "network", "rm", &name]).map(drop))
}

/// Makes one network.
fn create(island: &Island, name: &str, network: &Value) -> Result<()> {
    let mut argv = Argv::of(&["docker", "network", "create"]);
    argv.pair("--label", format!("com.docker.compose.project={PROJECT}"));
    argv.pair("--label", format!("com.docker.compose.network={name}"));
    argv.flag("--internal", &network["internal"]);
    argv.flag("--ipv6", &network["enable_ipv6"]);
    argv.value("--driver", &network["driver"]);
    for range in network["ipam"]["config"].as_sequence().into_iter().flatten() {
        argv.value("--subnet", &range["subnet"]);
        argv.value("--gateway", &range["gateway"]);
    }
    for (key, value) in entries(&network["driver_opts"]) {
        argv.pair("--opt", format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    argv.0.push(network_name(name));
    argv.run(island)
}

/// Starts one service's container. One with several networks is connected to all of them before it starts, as Compose does.
fn start(island: &Island, service: &str, said: &Value) -> Result<()> {
    let networks = match &said["networks"] {
        Value::Null => vec![(DEFAULT, &Value::Null)],
        Value::Sequence(names) => names.iter().filter_map(|name| Some((name.as_str()?, &Value::Null))).collect(),
        mapping => entries(mapping).collect(),
    };
    let mut argv = Argv::of(&["docker", "create", "--stop-timeout", "1", "--name", service]);
    for (key, value) in [("project", PROJECT), ("service", service), ("container-number", "1"), ("oneoff", "False")] {
        argv.pair("--label", format!("com.docker.compose.{key}={value}"));
    }
    argv.pair("--label", format!("com.docker.compose.project.working_dir={FOLDER}"));
    argv.pair("--label", format!("com.docker.compose.project.config_files={FILE}"));
    words(&said["ports"]).for_each(|entry| argv.pair("--publish", entry.to_owned()));
    let connected = if let Some(mode) = said["network_mode"].as_str() {
        argv.pair("--network", mode.replace("service:", "container:"));
        &[][..]
    } else {
        let (first, rest) = networks.split_first().context("a service without a network")?;
        argv.network(first);
        rest
    };
    argv.0.push(engine::IMAGE.to_owned());
    argv.0.extend(said["command"].as_str().unwrap_or_default().split_whitespace().map(str::to_owned));
    argv.run(island)?;
    for (name, place) in connected {
        let mut argv = Argv::of(&["docker", "network", "connect"]);
        argv.value("--ip", &place["ipv4_address"]);
        argv.value("--ip6", &place["ipv6_address"]);
        argv.0.extend([network_name(name), service.to_owned()]);
        argv.run(island)?;
    }
    Argv::of(&["docker", "start", service]).run(island)
}

/// What the engine calls a network of the project.
fn network_name(name: &str) -> String {
    format!("{PROJECT}_{name}")
}

/// The words of a command.
struct Argv(Vec<String>);

impl Argv {
    fn of(words: &[&str]) -> Self {
        Self(words.iter().map(|&word| word.to_owned()).collect())
    }

    fn pair(&mut self, option: &str, value: String) {
        self.0.extend([option.to_owned(), value]);
    }

    /// An option with its value, where there is one.
    fn value(&mut self, option: &str, value: &Value) {
        if let Some(text) = value.as_str() {
            self.pair(option, text.to_owned());
        }
    }

    /// An option without a value, where it is asked for.
    fn flag(&mut self, option: &str, value: &Value) {
        self.0.extend((value.as_bool() == Some(true)).then(|| option.to_owned()));
    }

    /// A network of the project, and the place in it.
    fn network(&mut self, (name, place): &(&str, &Value)) {
        self.pair("--network", network_name(name));
        self.value("--ip", &place["ipv4_address"]);
        self.value("--ip6", &place["ipv6_address"]);
    }

    fn run(self, island: &Island) -> Result<()> {
        island.run(&self.0.iter().map(String::as_str).collect::<Vec<_>>()).map(drop)
    }
}

/// The entries of a mapping, in the file's order.
fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_mapping().into_iter().flatten().filter_map(|(key, value)| Some((key.as_str()?, value)))
}

/// The texts of a list.
fn words(value: &Value) -> impl Iterator<Item = &str> {
    value.as_sequence().into_iter().flatten().filter_map(Value::as_str)
}

/// `tcp/80` in its parts.
fn port((protocol, number): (&str, &str)) -> Option<Port> {
    Some((protocol.to_owned(), number.parse().ok()?))
}

/// The host ports that an entry of `ports` names: `[ADDRESS:]HOST[-HOST]:CONTAINER[/PROTOCOL]`; none where the engine chooses.
fn named(entry: &str) -> Vec<Port> {
    let (ports, protocol) = entry.split_once('/').unwrap_or((entry, "tcp"));
    let Some((before, _)) = ports.rsplit_once(':') else { return Vec::new() };
    let host = before.rsplit_once(':').map_or(before, |(_, host)| host);
    let (first, last) = host.split_once('-').unwrap_or((host, host));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last).map(|number| (protocol.to_owned(), number)).collect(),
        _ => Vec::new(),
    }
}
