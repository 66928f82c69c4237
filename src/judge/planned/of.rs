//! A compose project's services as containers to be started on a host.
//!
//! In: a project and a host. Out: one container for each service that `docker compose up` starts. Not here: services that share the
//! network of another, that have none, or that a provider makes: they publish nothing.

use super::{HostPort, Joined, Place, Planned, Port, Wanted};
use crate::judge::context::{self, Dormant, Nothing, Stance};
use crate::judge::exposure;
use crate::model::engine::ComposeOrigin;
use crate::model::host::Host;
use crate::model::packet::{Family, Protocol};
use crate::model::project::{Network, Project, Service};
use crate::model::publication::{Publication, Published};
use std::net::IpAddr;

/// The containers that `docker compose up` starts for a project. One that runs for the same service of a project of the same name is
/// replaced.
pub fn of(project: &Project, host: &Host) -> Vec<Planned> {
    let started = project.services.iter().filter(|service| Dormant::of(service).is_none());
    started.filter_map(|service| container(project, service, host)).collect()
}

fn container(project: &Project, service: &Service, host: &Host) -> Option<Planned> {
    let place = match Stance::of(project, service) {
        Stance::HostNetwork(_) => Place::Host,
        Stance::Refused(_) | Stance::Nothing(Nothing::Provided | Nothing::NoNetwork) => return None,
        _ => Place::Networks(networks(project, service)),
    };
    let is_of = |origin: &ComposeOrigin| origin.project == project.name && *origin.service == *service.name;
    let running = host.publishers.iter().filter(|publisher| publisher.compose.as_ref().is_some_and(is_of));
    let origin = ComposeOrigin {
        project: project.name.clone(),
        service: service.name.to_string(),
        directory: project.directory.clone(),
        ..ComposeOrigin::default()
    };
    Some(Planned {
        name: format!("{}-{}-1", project.name, service.name),
        service: service.name.clone(),
        image: service.image.as_ref().map_or_else(String::new, |image| image.value.clone()),
        compose: Some(origin),
        place,
        ports: service.publications.iter().enumerate().flat_map(|(index, publication)| ports(index, publication)).collect(),
        replaces: running.map(|publisher| publisher.id.clone()).collect(),
    })
}

/// The networks that a service joins, or the one that its `network_mode` names.
fn networks(project: &Project, service: &Service) -> Vec<Joined> {
    if let Some(mode) = &service.network_mode {
        let name = if mode.value == "default" { "bridge" } else { mode.value.as_str() };
        let network = Wanted { name: name.to_owned(), is_external: true, ..Wanted::default() };
        return vec![Joined { network, ..Joined::default() }];
    }
    let joined = service.networks.iter().filter_map(|attachment| {
        let network = wanted(project.networks.get(&attachment.network)?);
        Some(Joined { network, priority: attachment.gateway_priority, addresses: Vec::new() })
    });
    joined.collect()
}

fn wanted(network: &Network) -> Wanted {
    let options = network.options.iter().filter(|_| !network.external);
    let families = [(Family::V4, context::has_v4(network)), (Family::V6, context::has_v6(network))].into_iter();
    Wanted {
        name: network.name.clone(),
        is_external: network.external,
        driver: (!network.external).then(|| context::driver(network).to_owned()),
        options: options.map(|(key, value)| (key.clone(), value.value.clone())).collect(),
        is_internal: context::is_internal(network),
        families: families.filter(|(_, has)| *has).map(|(family, _)| family).collect(),
        subnets: Vec::new(),
    }
}

/// The ports of a publication, one for each pair; none for one that the engine refuses.
fn ports(index: usize, publication: &Publication) -> Vec<Port> {
    let protocol = Protocol::named(&publication.protocol.to_lowercase());
    let (Some(protocol), None) = (protocol, exposure::refusal(publication)) else { return Vec::new() };
    let host = match publication.host_ip.as_deref().map(str::parse::<IpAddr>) {
        None => None,
        Some(Ok(address)) => Some(address.to_canonical()),
        Some(Err(_)) => return Vec::new(),
    };
    let targets = publication.target.first..=publication.target.last;
    let pairs = targets.enumerate().filter_map(|(at, target)| {
        let port = host_port(&publication.published, at)?;
        Some(Port { publication: index, host, port, target: u16::try_from(target).ok()?, protocol })
    });
    pairs.collect()
}

/// The host port of the pair at a place in the range.
fn host_port(published: &Published, at: usize) -> Option<HostPort> {
    let number = |port: u32| u16::try_from(port).ok();
    match published {
        Published::Ephemeral => Some(HostPort::Any),
        Published::Ports(range) => number(range.first + u32::try_from(at).ok()?).map(HostPort::Exactly),
        Published::OneOf(range) => Some(HostPort::OneOf(number(range.first)?, number(range.last)?)),
        Published::Unchecked(_) => None,
    }
}
