//! What a project opens, and which rule says so.
//!
//! In: a project. Out: every publication that is open to others, each with the one rule that owns it, so that one entry is reported
//! once. Not here: words, levels, and whether it is allowed.
//!
//! The first owner that fits counts, in the order of [`Owner`].

use super::catalogue::{self, Match};
use super::context::{Dormant, Listening, Stance};
use super::overriding;
use crate::model::origin::{Hop, Operator, Substitution};
use crate::model::project::{Ineffective, Network, Project, Service};
use crate::model::publication::{Publication, Published, Reach};
use crate::model::source::Place;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// A publication that is open to others than the host itself, or would be if its service ran.
#[derive(Clone, Debug)]
pub struct Exposure<'a> {
    /// The service.
    pub service: &'a Service,
    /// The publication's index in [`Service::publications`].
    pub index: usize,
    /// The publication.
    pub publication: &'a Publication,
    /// Where the engine listens.
    pub listening: Listening<'a>,
    /// The sensitive service behind it, if it is one.
    pub sensitive: Option<Match>,
    /// The rule that reports it.
    pub owner: Owner<'a>,
    /// True for one exposure of the project that is reported by itself: what holds for all of them is said there.
    pub is_first: bool,
    /// The external network that carries it, at the first exposure that it carries.
    pub first_of_external: Option<&'a Network>,
}

/// Who reports an exposure.
#[derive(Clone, Debug)]
pub enum Owner<'a> {
    /// dormant-publication: the service does not run now.
    Dormant(Dormant<'a>),
    /// override-does-not-narrow: a later layer meant to change it.
    Override,
    /// inherited-publication: another service has the same entry, written once, and is reported for it.
    Inherited {
        /// The other service.
        writer: Arc<str>,
    },
    /// fail-open-bind-variable: a variable left the address empty.
    EmptyAddress(&'a Substitution),
    /// unset-port-variable: a variable left the host port empty.
    EmptyPort(&'a Substitution),
    /// ephemeral-port-on-all-interfaces: no host port is named.
    Ephemeral,
    /// sensitive-service-published.
    Sensitive(Match),
    /// published-on-all-interfaces.
    General,
}

/// Every exposure of a project, in the order of its services and their entries.
pub fn of(project: &Project) -> Vec<Exposure<'_>> {
    let (writers, empty_lists) = (writers(project), overriding::empty_lists(project));
    let mut found: Vec<Exposure> = Vec::new();
    let (mut externals, mut has_first) = (HashSet::new(), false);
    for service in &project.services {
        let stance = Stance::of(project, service);
        let overridden: HashSet<usize> = overriding::pairs(service).map(|pair| pair.earlier).collect();
        let empty = empty_lists.get(service.name.as_ref()).map_or(&[][..], Vec::as_slice);
        for (index, publication) in service.publications.iter().enumerate() {
            let Some(listening) = stance.listening(publication) else { continue };
            let sensitive = sensitive(service, publication);
            if refusal(publication).is_some() || !is_open(publication, &listening, sensitive) {
                continue;
            }
            let is_before = |list: &&Ineffective| overriding::is_before(&publication.entry.origin, list);
            let is_changed_later = overridden.contains(&index) || empty.iter().any(is_before);
            let owner = match Dormant::of(service) {
                Some(dormant) => Owner::Dormant(dormant),
                None if is_changed_later => Owner::Override,
                None => owner(publication, sensitive, &writers),
            };
            let is_by_itself = !matches!(owner, Owner::Override | Owner::Inherited { .. });
            let is_first = is_by_itself && !has_first;
            has_first |= is_first;
            let first_of_external = listening.external.filter(|network| is_by_itself && externals.insert(network.key.as_str()));
            found.push(Exposure { service, index, publication, listening, sensitive, owner, is_first, first_of_external });
        }
    }
    found
}

/// True if others than the host itself can connect. A certain address of the host is a choice, unless the internet is offered a
/// sensitive service there.
fn is_open(publication: &Publication, listening: &Listening, sensitive: Option<Match>) -> bool {
    match listening.reach() {
        Some(reach) if reach.is_wildcard() => true,
        Some(Reach::Address(address)) => sensitive.is_some() && is_public(address),
        _ => listening.routed.is_some() && publication.reach().is_wildcard(),
    }
}

/// The sensitive service behind a publication.
pub fn sensitive(service: &Service, publication: &Publication) -> Option<Match> {
    let image = service.image.as_ref().map(|image| image.value.as_str());
    catalogue::identify(image, publication.target, &publication.protocol.to_lowercase())
}

fn owner<'a>(publication: &'a Publication, sensitive: Option<Match>, writers: &HashMap<Key, Arc<str>>) -> Owner<'a> {
    let writer = writers.get(&key(&publication.entry.origin.place)).filter(|writer| **writer != publication.service);
    if let (Some(writer), true) = (writer, is_inherited(publication)) {
        return Owner::Inherited { writer: Arc::clone(writer) };
    }
    if let Some(variable) = empty_address(publication) {
        return Owner::EmptyAddress(variable);
    }
    if let Some(variable) = empty_port(publication) {
        return Owner::EmptyPort(variable);
    }
    match sensitive {
        _ if publication.published == Published::Ephemeral => Owner::Ephemeral,
        Some(sensitive) => Owner::Sensitive(sensitive),
        None => Owner::General,
    }
}

type Key = (PathBuf, u32);

fn key(place: &Place) -> Key {
    (place.path().to_owned(), place.span.start)
}

/// Entries by their place, with the running service that is reported for each: one that writes it for itself, else the first heir.
fn writers(project: &Project) -> HashMap<Key, Arc<str>> {
    let running = project.services.iter().filter(|service| Dormant::of(service).is_none());
    let publications = running.flat_map(|service| &service.publications);
    let (heirs, writers): (Vec<&Publication>, Vec<&Publication>) =
        publications.partition(|publication| is_inherited(publication));
    let mut named = HashMap::new();
    for publication in writers.into_iter().chain(heirs) {
        named.entry(key(&publication.entry.origin.place)).or_insert_with(|| Arc::clone(&publication.service));
    }
    named
}

/// True if the service does not write the entry itself: it came by `extends` or by a merge key.
pub fn is_inherited(publication: &Publication) -> bool {
    publication.entry.origin.hops.iter().any(|hop| matches!(hop, Hop::Extends { .. } | Hop::MergeKey { .. }))
}

/// Why the engine will refuse an entry that Compose lets through.
pub fn refusal(publication: &Publication) -> Option<String> {
    if let Published::Unchecked(text) = &publication.published {
        return Some(format!("`{text}` is no host port"));
    }
    if publication.target.first == 0 || publication.target.last > 65535 {
        return Some(format!("container port {} is not between 1 and 65535", publication.target));
    }
    let protocol = publication.protocol.to_lowercase();
    let is_known = matches!(protocol.as_str(), "tcp" | "udp" | "sctp");
    (!is_known).then(|| format!("`{}` is no protocol: tcp, udp and sctp are", publication.protocol))
}

/// The variable that left the address slot of a short entry empty, so that the port is published on every address.
fn empty_address(publication: &Publication) -> Option<&Substitution> {
    if publication.is_long() || publication.host_ip.is_some() {
        return None;
    }
    // `${IP}:80:80` has come out as `:80:80`, `[${IP}]:80:80` as `[]:80:80`, and `${IP:+$IP:}80:80` as `80:80`.
    let slot_end = publication.entry.text.rmatch_indices(':').nth(1).map(|(at, _)| at);
    let mut empty = publication.entry.origin.substitutions().filter(|it| it.resolved.is_empty());
    empty.find(|it| match slot_end {
        Some(end) => it.resolved.start <= end,
        None => it.resolved.start == 0 && is_optional_address(it),
    })
}

fn is_optional_address(variable: &Substitution) -> bool {
    let is_alternative = matches!(variable.operator, Some(Operator::AlternativeIfFull | Operator::AlternativeIfSet));
    is_alternative && variable.at.text().trim_end_matches('}').ends_with(':')
}

/// The variable that left the host port empty, so that the engine picks one.
fn empty_port(publication: &Publication) -> Option<&Substitution> {
    if publication.published != Published::Ephemeral {
        return None;
    }
    if let Some(published) = &publication.entry.published {
        return published.substitutions().find(|it| it.resolved.is_empty());
    }
    let text = publication.entry.text.as_str();
    let end = text.rfind(':')?;
    publication.entry.origin.substitutions().find(|it| it.resolved.is_empty() && it.resolved.start == end)
}

/// True for addresses that are routed on the internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let is_shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            !(v4.is_private() || v4.is_link_local() || v4.is_loopback() || v4.is_unspecified() || v4.is_multicast() || is_shared)
        }
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
    }
}
