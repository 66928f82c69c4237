//! Ports that the engine opened, held against the compose files that they came from.
//!
//! In: a project as its files say now, and a host with containers that were made from it. Out: for each binding the publication that asks
//! for it; findings about the host that point at it. Not here: whether the files may be read, and what differs
//! ([`super::rules::drift`]).

use super::context::Stance;
use super::hosts;
use super::rules;
use super::words;
use crate::model::engine::{Binding, Publisher};
use crate::model::finding::{Finding, Related, Remedy, Subject};
use crate::model::host::Host;
use crate::model::project::{Project, Service};
use crate::model::publication::{Publication, Published};
use crate::model::source::Place;
use std::net::IpAddr;
use std::sync::Arc;

/// A project, and the containers that were made from it.
pub struct Started<'a> {
    /// The project as its files say now.
    pub project: &'a Project,
    /// The host.
    pub host: &'a Host,
    /// The containers, as positions in [`Host::publishers`].
    pub publishers: &'a [usize],
}

/// What a project's files say of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// This publication of the service asks for it.
    So(usize),
    /// This publication asks for the same container port in another way.
    Otherwise(usize),
    /// None asks for the container port.
    Not,
}

impl<'a> Started<'a> {
    /// The containers, each with its service; None: the project has no such service.
    pub(super) fn containers(&self) -> impl Iterator<Item = (&'a Publisher, Option<&'a Service>)> {
        let (host, project) = (self.host, self.project);
        self.publishers.iter().filter_map(move |at| {
            let publisher = host.publishers.get(*at)?;
            Some((publisher, project.service(&publisher.compose.as_ref()?.service)))
        })
    }

    /// What the files say of a binding of a service.
    pub fn asked(&self, service: &Service, binding: Binding) -> Asked {
        let stance = Stance::of(self.project, service);
        let about = |publication: &Publication| {
            publication.target.contains(binding.target.into())
                && publication.protocol.to_lowercase() == binding.protocol.to_string()
        };
        let mut near: Option<usize> = None;
        for (index, publication) in service.publications.iter().enumerate().filter(|(_, publication)| about(publication)) {
            let is_same_port = leads_from(publication, binding);
            if is_same_port && listens_at(&stance, publication, binding.address) {
                return Asked::So(index);
            }
            if near.is_none() || is_same_port {
                near = Some(index);
            }
        }
        near.map_or(Asked::Not, Asked::Otherwise)
    }

    /// Lets findings about bindings of this project point at the entries that ask for them.
    pub fn point(&self, findings: &mut [Finding]) {
        for finding in findings.iter_mut().filter(|finding| finding.file().is_none()) {
            let Some((publisher, service)) = self.container_of(finding) else { continue };
            let Some(binding) = binding_of(finding, publisher) else {
                move_to(finding, service, &service.origin.place);
                continue;
            };
            match self.asked(service, binding) {
                Asked::So(index) => self.point_at(finding, service, index),
                Asked::Otherwise(index) => {
                    let place = words::scalar(&service.publications[index]).clone();
                    finding.related.push(Related { place, message: "the file asks for it otherwise".to_owned() });
                }
                Asked::Not => {}
            }
        }
    }

    fn container_of(&self, finding: &Finding) -> Option<(&'a Publisher, &'a Service)> {
        let name = finding.on_host.as_ref()?.container.as_ref()?;
        self.containers().find_map(|(publisher, service)| Some((publisher, service?)).filter(|_| publisher.name == *name))
    }

    fn point_at(&self, finding: &mut Finding, service: &Service, index: usize) {
        let publication = &service.publications[index];
        move_to(finding, service, words::scalar(publication));
        finding.subject = Some(Subject { service: Arc::clone(&service.name), publication: index, text: publication.to_string() });
        finding.related.extend(words::way(publication));
        let says_open = rules::find(finding.rule).is_some_and(|rule| rule.allowable);
        let is_published = matches!(Stance::of(self.project, service), Stance::Published(_));
        if says_open && is_published && publication.reach().is_wildcard() {
            finding.remedy = Some(Remedy::BindToLoopback);
        }
    }
}

fn move_to(finding: &mut Finding, service: &Service, place: &Place) {
    place.path().clone_into(&mut finding.path);
    finding.place = Some(place.clone());
    finding.service = Some(Arc::clone(&service.name));
}

/// The binding that a finding is about, by the words that it has for it.
fn binding_of(finding: &Finding, publisher: &Publisher) -> Option<Binding> {
    let text = finding.on_host.as_ref()?.publication.as_ref()?;
    let is_it = |binding: &&Binding| hosts::publication(&[**binding]) == *text;
    // `*` stands for both families.
    let without_address = |text: &str| text.rsplit_once(':').map(|(_, rest)| rest.to_owned());
    let is_like_it = |binding: &&Binding| without_address(&hosts::publication(&[**binding])) == without_address(text);
    let bindings = || publisher.bindings.iter();
    bindings().find(is_it).or_else(|| bindings().filter(|_| text.starts_with('*')).find(is_like_it)).copied()
}

/// True if the publication leads from the binding's host port to its container port.
fn leads_from(publication: &Publication, binding: Binding) -> bool {
    let Some(port) = binding.port.map(u32::from) else { return true };
    match &publication.published {
        Published::Ephemeral => true,
        Published::OneOf(range) => range.contains(port),
        Published::Ports(range) => {
            let offset = u32::from(binding.target).saturating_sub(publication.target.first);
            range.contains(port) && range.first + offset == port
        }
        Published::Unchecked(_) => false,
    }
}

/// True if the engine listens at this address for the publication. One that names no address is given one by the engine's and the
/// network's own defaults, of which not all are in a file.
fn listens_at(stance: &Stance, publication: &Publication, address: IpAddr) -> bool {
    let Some(listening) = stance.listening(publication) else { return false };
    let is_default = publication.host_ip.is_none();
    match address {
        IpAddr::V4(own) => listening.v4.is_some_and(|v4| v4 == own || is_default && v4.is_unspecified()),
        IpAddr::V6(own) => listening.v6.is_some_and(|v6| v6 == own || is_default && v6.is_unspecified()),
    }
}
