//! Who publishes which ports: `GET /containers/ID/json`, gathered in a list, and `GET /services`.
//!
//! What counts is `NetworkSettings.Ports`, what the engine opened; `HostConfig.PortBindings` is only what was asked for (an internal
//! network opens nothing).

use super::{list, name, texts};
use crate::model::engine::{Binding, ComposeOrigin, Publisher, PublisherKind};
use crate::model::packet::Protocol;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// The containers of a list.
///
/// # Errors
/// The text is no JSON list.
pub(in crate::read) fn containers(text: &str) -> Result<Vec<Publisher>, String> {
    Ok(list(text)?.iter().map(container).collect())
}

fn container(container: &Value) -> Publisher {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let config = &container["Config"];
    let labels = texts(&config["Labels"]);
    let bindings: Vec<Binding> = bindings(&container["NetworkSettings"]["Ports"]).collect();
    let keys = |value: &Value| -> Vec<(u16, Protocol)> {
        value.as_object().into_iter().flat_map(|ports| ports.keys()).filter_map(|key| port(key)).collect()
    };
    let asked = keys(&container["HostConfig"]["PortBindings"]);
    let is_open =
        |(target, protocol): &(u16, Protocol)| bindings.iter().any(|it| (it.target, it.protocol) == (*target, *protocol));
    Publisher {
        kind: PublisherKind::Container,
        id: text(&container["Id"]),
        name: name(container),
        image: text(&config["Image"]),
        network_mode: text(&container["HostConfig"]["NetworkMode"]),
        unopened: asked.into_iter().filter(|port| !is_open(port)).collect(),
        exposed: keys(&config["ExposedPorts"]),
        compose: compose(&labels),
        bindings,
        labels,
    }
}

/// The bindings of a map from `80/tcp` to a list of host addresses and ports. An empty address is every v4 address, as for `docker ps`;
/// a port that is empty or 0 is none of the host's.
fn bindings(ports: &Value) -> impl Iterator<Item = Binding> {
    let entries = ports.as_object().into_iter().flatten().filter_map(|(key, list)| Some((port(key)?, list.as_array()?)));
    entries.flat_map(|((target, protocol), list)| {
        list.iter().filter_map(move |binding| {
            let address = match binding["HostIp"].as_str().unwrap_or_default() {
                "" => Ipv4Addr::UNSPECIFIED.into(),
                text => text.parse::<IpAddr>().ok()?,
            };
            let port = binding["HostPort"].as_str().and_then(|text| text.parse().ok()).filter(|port| *port != 0);
            Some(Binding { address, port, target, protocol })
        })
    })
}

/// `80/tcp`; a key that is something else is left out.
fn port(key: &str) -> Option<(u16, Protocol)> {
    let (port, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
    Some((port.parse().ok()?, Protocol::named(protocol)?))
}

/// The labels that compose writes (docker/compose `pkg/api/labels.go`); a relative file name is taken from the project directory.
fn compose(labels: &BTreeMap<String, String>) -> Option<ComposeOrigin> {
    let label = |name: &str| labels.get(&format!("com.docker.compose.{name}"));
    let directory = PathBuf::from(label("project.working_dir").map_or("", String::as_str));
    let files = |name: &str| -> Vec<PathBuf> {
        let names = label(name).map_or("", String::as_str).split(',').filter(|file| !file.is_empty());
        names.map(|file| directory.join(file)).collect()
    };
    Some(ComposeOrigin {
        project: label("project")?.clone(),
        service: label("service")?.clone(),
        files: files("project.config_files"),
        env_files: files("project.environment_file"),
        directory,
    })
}

/// The services of a swarm that publish ports on every node. Those in mode `host` are bindings of their containers.
///
/// # Errors
/// The text is no JSON list.
pub(in crate::read) fn services(text: &str) -> Result<Vec<Publisher>, String> {
    Ok(list(text)?.iter().map(service).filter(|service| !service.bindings.is_empty()).collect())
}

fn service(service: &Value) -> Publisher {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ports = service["Endpoint"]["Ports"].as_array().map_or(&[][..], Vec::as_slice);
    let number = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
    let bindings = ports.iter().filter(|port| port["PublishMode"].as_str() != Some("host")).filter_map(|port| {
        Some(Binding {
            address: Ipv4Addr::UNSPECIFIED.into(),
            port: Some(number(&port["PublishedPort"])?),
            target: number(&port["TargetPort"])?,
            protocol: Protocol::named(port["Protocol"].as_str().unwrap_or("tcp"))?,
        })
    });
    Publisher {
        kind: PublisherKind::SwarmService,
        id: text(&service["ID"]),
        name: text(&service["Spec"]["Name"]),
        image: text(&service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]),
        labels: texts(&service["Spec"]["Labels"]),
        bindings: bindings.collect(),
        ..Publisher::default()
    }
}
