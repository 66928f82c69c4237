//! What the owner means to be open, in the words of a lock: ports of the host.
//!
//! In: an [`Intent`], and whom its grants are about. Out: allowances that name the ports by number, so that a grant to one service opens
//! no port of another. Not here: whether a label may say so: an intent holds those of labels only where they are heeded, save for a
//! project's, which a linter heeds sooner than a lock.

use super::hosts::{holds, is_for};
use crate::model::engine::Publisher;
use crate::model::policy::{Allowance, Grant, Intent, Means, PortSelector, Scope};
use crate::model::project::{Project, Service};
use crate::model::publication::{PortRange, Publication, Published};

/// What is let in on a host: to its containers, and to its services of a swarm.
pub fn on_host(intent: &Intent, publishers: &[Publisher]) -> Vec<Allowance> {
    let mut allowed = Vec::new();
    for grant in &intent.grants {
        if grant.scope == Scope::Project {
            allowed.push(grant.allowance.clone());
            continue;
        }
        for binding in publishers.iter().filter(|it| holds(&grant.scope, it)).flat_map(|publisher| &publisher.bindings) {
            let protocol = binding.protocol.to_string();
            if let Some(port) = binding.port.filter(|port| is_for(grant, Some(*port), &protocol)) {
                allowed.push(only(grant, PortRange::single(port.into()), protocol));
            }
        }
    }
    allowed
}

/// What is let in to a project.
pub fn of_project(intent: &Intent, project: &Project) -> Vec<Allowance> {
    let is_heeded = |grant: &&Grant| grant.means != Means::Label || intent.trusts_labels == Some(true);
    let mut allowed = Vec::new();
    for grant in intent.grants.iter().filter(is_heeded) {
        if grant.scope == Scope::Project && grant.allowance.ports != PortSelector::Any {
            allowed.push(grant.allowance.clone());
            continue;
        }
        let publications = project.services.iter().flat_map(|service| service.publications.iter().map(move |it| (service, it)));
        for (_, publication) in publications.filter(|(service, publication)| is_about(&grant.scope, service, publication)) {
            allowed.extend(common(grant, publication).map(|ports| only(grant, ports, publication.protocol.clone())));
        }
    }
    allowed
}

fn is_about(scope: &Scope, service: &Service, publication: &Publication) -> bool {
    match scope {
        Scope::Project => true,
        Scope::Service(name) => *name == *service.name,
        Scope::Publication(place) => *place == publication.entry.origin.place,
        Scope::Container(_) => false,
    }
}

/// The host ports that a grant and a publication have in common; None where the engine picks any port, or there are none.
fn common(grant: &Grant, publication: &Publication) -> Option<PortRange> {
    let (Published::Ports(own) | Published::OneOf(own)) = &publication.published else { return None };
    match &grant.allowance.ports {
        PortSelector::Any => Some(*own),
        PortSelector::Ports { ports, protocol } => {
            let both = PortRange { first: own.first.max(ports.first), last: own.last.min(ports.last) };
            (both.first <= both.last && protocol.eq_ignore_ascii_case(&publication.protocol)).then_some(both)
        }
    }
}

/// An allowance for some of the ports that it names.
fn only(grant: &Grant, ports: PortRange, protocol: String) -> Allowance {
    Allowance { ports: PortSelector::Ports { ports, protocol }, ..grant.allowance.clone() }
}
