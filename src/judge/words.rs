//! How findings speak: the phrases that several rules share.
//!
//! In: publications and where they came from. Out: text, one line each, lower case. Not here: which rule speaks, and how loud.

use super::context::Listening;
use super::exposure::Exposure;
use super::rules::Rule;
use crate::model::finding::{Finding, Level, OnHost, Related, Subject};
use crate::model::origin::{Hop, Origin, Substitution, ValueSource};
use crate::model::project::Service;
use crate::model::publication::{Publication, Published, Reach};
use crate::model::source::Place;
use std::path::PathBuf;
use std::sync::Arc;

/// Said once for a project, since it holds for all that it publishes.
const ENGINE_COMES_FIRST: &str = "the engine lets published ports in by rules of its own, before ufw or firewalld are asked; its own \
     defaults (`default-network-opts` in daemon.json) are not known from this file";

impl Rule {
    /// A finding at a place, about no service. `label` stands under the caret.
    pub(super) fn at(&self, place: &Place, level: Level, message: String, label: impl Into<String>) -> Finding {
        Finding {
            rule: self.name,
            level,
            path: place.path().to_owned(),
            place: Some(place.clone()),
            service: None,
            subject: None,
            message,
            label: label.into(),
            related: Vec::new(),
            help: Vec::new(),
            fix: None,
            remedy: None,
            on_host: None,
        }
    }

    /// A finding about the host; no file is known for it.
    pub(super) fn on_host(&self, level: Level, message: String, on_host: OnHost) -> Finding {
        Finding {
            rule: self.name,
            level,
            path: PathBuf::new(),
            place: None,
            service: None,
            subject: None,
            message,
            label: String::new(),
            related: Vec::new(),
            help: Vec::new(),
            fix: None,
            remedy: None,
            on_host: Some(on_host),
        }
    }

    /// A finding about a publication, at its scalar, with the way it took.
    pub(super) fn about(
        &self,
        service: &Service,
        index: usize,
        level: Level,
        message: String,
        label: impl Into<String>,
    ) -> Finding {
        let publication = &service.publications[index];
        let mut finding = self.at(scalar(publication), level, message, label);
        finding.service = Some(Arc::clone(&service.name));
        finding.subject = Some(Subject { service: Arc::clone(&service.name), publication: index, text: publication.to_string() });
        finding.related = way(publication);
        finding
    }

    /// A finding about an exposure; what holds for the whole project is said at the first.
    pub(super) fn exposed(&self, exposure: &Exposure, level: Level, message: String) -> Finding {
        let label = match exposure.sensitive {
            Some(sensitive) => format!("{}: {}", sensitive.service.name, sensitive.service.why),
            None => audience(&exposure.listening),
        };
        let mut finding = self.about(exposure.service, exposure.index, level, message, label);
        if let Some(network) = exposure.first_of_external {
            finding
                .help
                .push(format!("network `{}` is external: its driver and options are not known from this file", network.key));
        }
        if exposure.is_first {
            finding.help.push(ENGINE_COMES_FIRST.to_owned());
        }
        finding
    }

    /// The help line that names the comment which allows a finding.
    pub(super) fn how_to_allow(&self) -> String {
        format!("if it is meant to be open, say so above it: `# docker-firewall: allow {} -- the reason`", self.name)
    }
}

/// The same finding, pointing somewhere else.
pub fn moved_to(place: &Place, finding: Finding) -> Finding {
    Finding { path: place.path().to_owned(), place: Some(place.clone()), ..finding }
}

/// The scalar that a finding about a publication points at: a short entry; of a long one, what decides who gets in.
pub fn scalar(publication: &Publication) -> &Place {
    let entry = &publication.entry;
    let parts = [&entry.host_ip, &entry.published, &entry.target];
    let part = parts.into_iter().flatten().find(|origin| origin.place.path() == entry.origin.place.path());
    &part.unwrap_or(&entry.origin).place
}

/// `port 8080/tcp`; where the host port is not known, `container port 80/tcp`.
pub fn port(publication: &Publication) -> String {
    let protocol = publication.protocol.to_lowercase();
    match &publication.published {
        Published::Ephemeral | Published::Unchecked(_) => format!("container port {}/{protocol}", publication.target),
        Published::Ports(range) if range.count() == 1 => format!("port {range}/{protocol}"),
        Published::Ports(range) => format!("ports {range}/{protocol}"),
        Published::OneOf(range) => format!("a port of {range}/{protocol}"),
    }
}

/// `is` or `are`, after [`port`].
pub fn is(publication: &Publication) -> &'static str {
    match &publication.published {
        Published::Ports(range) if range.count() > 1 => "are",
        _ => "is",
    }
}

/// Where the engine listens: `on every address, v4 and v6`.
pub fn addresses(listening: &Listening) -> String {
    let host = match listening.reach() {
        Some(Reach::Everywhere) => "on every address, v4 and v6".to_owned(),
        Some(Reach::EveryV4) => "on every v4 address".to_owned(),
        Some(Reach::EveryV6) => "on every v6 address".to_owned(),
        Some(Reach::Address(address)) => format!("on {address}"),
        Some(Reach::Loopback) => "on loopback".to_owned(),
        Some(Reach::Invalid) | None => return "at the container's own address".to_owned(),
    };
    if listening.routed.is_some() { format!("{host}, and at the container's own address") } else { host }
}

fn audience(listening: &Listening) -> String {
    match listening.reach() {
        Some(Reach::Everywhere) => "open to whoever reaches this host, v4 and v6".to_owned(),
        Some(Reach::EveryV4) => "open to whoever reaches this host by v4".to_owned(),
        Some(Reach::EveryV6) => "open to whoever reaches this host by v6".to_owned(),
        Some(Reach::Address(address)) => format!("open to whoever reaches {address}"),
        _ => "open to whoever has a route to the container".to_owned(),
    }
}

/// What to write so that only the host itself gets in.
pub fn bind_to_loopback(publication: &Publication) -> String {
    if publication.is_long() {
        return "write `host_ip: 127.0.0.1` into the entry if only this host needs it".to_owned();
    }
    if let Some(variable) = address_variable(publication) {
        let name = &variable.name;
        return match variable.value {
            ValueSource::Default => format!("write `${{{name}:-127.0.0.1}}` if only this host needs it"),
            _ => format!("set {name} to 127.0.0.1 if only this host needs it"),
        };
    }
    let written = publication.entry.origin.place.text().trim();
    let written = written.trim_matches(['"', '\'']);
    let (loopback, rest) = match publication.reach() {
        Reach::Everywhere => ("127.0.0.1", Some(written.strip_prefix(':').filter(|rest| rest.contains(':')).unwrap_or(written))),
        Reach::EveryV6 => ("[::1]", written.strip_prefix("[::]:")),
        _ => ("127.0.0.1", written.strip_prefix("0.0.0.0:")),
    };
    let is_plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    match rest.filter(is_plain) {
        Some(rest) if is_bare(rest) => format!("write `\"{loopback}::{rest}\"` if only this host needs it"),
        Some(rest) => format!("write `\"{loopback}:{rest}\"` if only this host needs it"),
        None => format!("bind it to {loopback} if only this host needs it"),
    }
}

/// The variable that is the whole host address of a short entry.
fn address_variable(publication: &Publication) -> Option<&Substitution> {
    let address = publication.host_ip.as_deref()?;
    let is_address = |it: &&Substitution| it.resolved.start == 0 && it.resolved.end == address.len();
    publication.entry.origin.substitutions().find(is_address)
}

/// True for a container port alone.
fn is_bare(short: &str) -> bool {
    let outside_braces = short.split("${").enumerate().map(|(at, part)| match part.split_once('}') {
        Some((_, rest)) if at > 0 => rest,
        _ if at > 0 => "",
        _ => part,
    });
    !outside_braces.into_iter().any(|part| part.contains(':'))
}

/// A longer way is cut: whoever has to read it learns nothing from more.
const MOST_STEPS: usize = 16;

/// The way a publication took from where it is written to where it acts.
pub fn way(publication: &Publication) -> Vec<Related> {
    let entry = &publication.entry;
    let parts = [&entry.host_ip, &entry.published, &entry.target].into_iter().flatten();
    let mut related: Vec<Related> = Vec::new();
    for step in hops(&entry.origin).chain(parts.flat_map(hops)) {
        if related.len() < MOST_STEPS && !related.contains(&step) {
            related.push(step);
        }
    }
    related
}

/// The hops of an origin, as places to show.
fn hops(origin: &Origin) -> impl Iterator<Item = Related> {
    origin.hops.iter().filter_map(hop)
}

fn hop(hop: &Hop) -> Option<Related> {
    let (place, message) = match hop {
        Hop::Include { at } => (at, "included from here".to_owned()),
        Hop::Extends { service, at } => (at, format!("inherited from service {service} by this `extends`")),
        Hop::Override { replaced } => (replaced, "it replaces this".to_owned()),
        Hop::MergeKey { at } => (at, "brought in by this merge key".to_owned()),
        Hop::Alias { name, at } => (at, format!("used here through the anchor `&{name}`")),
        Hop::Variable(variable) => return substitution(variable),
    };
    Some(Related { place: place.clone(), message })
}

fn substitution(variable: &Substitution) -> Option<Related> {
    let name = &variable.name;
    let (place, message) = match &variable.value {
        ValueSource::EnvFile(line) => (line, format!("{name} is set here")),
        ValueSource::Process => (&variable.at, format!("{name} comes from the environment")),
        ValueSource::Default => (&variable.at, format!("{name} gives way to what is written here")),
        ValueSource::Unset => (&variable.at, format!("{name} is not set")),
        ValueSource::Project => return None,
    };
    Some(Related { place: place.clone(), message })
}

/// `variable IP is not set`, or `is empty`.
pub fn empty_variable(variable: &Substitution) -> String {
    let state = match variable.value {
        ValueSource::Unset => "is not set",
        ValueSource::Default => "has an empty default",
        ValueSource::Process | ValueSource::EnvFile(_) | ValueSource::Project => "is empty",
    };
    format!("variable {} {state}", variable.name)
}

/// A list in words: `a`, `a and b`, `a, b and c`.
pub fn list<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [rest @ .., last] => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", rest.join(", "), last.as_ref())
        }
    }
}
