//! What the owner says is meant to be open, from all four sources: compose files (`x-docker-firewall`), labels
//! (`docker-firewall.allow`), the policy file and comments.
//!
//! In: a project and the text of its policy file. Out: an [`Intent`], with every mistake in it. Not here: what an allowance answers,
//! and which rules there are: the judge knows. docs/policy.md is the description for people.

mod comment;
mod file;
pub mod grammar;
mod settings;
mod tree;

use crate::model::engine::Publisher;
use crate::model::origin::{Origin, Sourced};
use crate::model::policy::{Intent, Means, Scope};
use crate::model::project::{Project, Service};
use crate::model::source::{Place, Source, Span};
use settings::Ground;
use std::collections::HashSet;
use std::sync::Arc;

/// The names under which a policy file is found beside the compose file, in the order in which they are tried.
pub const FILE_NAMES: [&str; 2] = ["docker-firewall.yaml", "docker-firewall.yml"];

/// The label by which a container says what of it is meant to be open.
const ALLOW_LABEL: &str = "docker-firewall.allow";

/// Gathers what is meant to be open in a project. What cannot be understood is among the intent's mistakes and allows nothing.
pub fn intent(project: &Project, policy: Option<&Arc<Source>>) -> Intent {
    let mut intent = policy.map(file::read).unwrap_or_default();
    if let Some(setting) = &project.extension {
        settings::allow(setting, &Ground { scope: Scope::Project, means: Means::Extension }, &mut intent);
    }
    for service in &project.services {
        from_service(service, &mut intent);
    }
    for pragma in &project.pragmas {
        comment::read(pragma, &mut intent);
    }
    forget_repeats(&mut intent);
    intent
}

/// Gathers what is meant to be open on a host: what the policy file says, and, only where it trusts labels, what the containers' labels
/// say. Whoever may start a container may write a label.
pub fn intent_on_host(policy: Option<&Arc<Source>>, publishers: &[Publisher]) -> Intent {
    let mut intent = policy.map(file::read).unwrap_or_default();
    if intent.trusts_labels == Some(true) {
        from_labels(publishers, &mut intent);
    }
    intent
}

/// Gathers what the containers' labels alone say, for an owner who trusts them.
pub fn intent_of_labels(publishers: &[Publisher]) -> Intent {
    let mut intent = Intent { trusts_labels: Some(true), ..Intent::default() };
    from_labels(publishers, &mut intent);
    intent
}

fn from_labels(publishers: &[Publisher], intent: &mut Intent) {
    for publisher in publishers {
        let Some(value) = publisher.labels.get(ALLOW_LABEL) else { continue };
        let source = Source::new(format!("label {ALLOW_LABEL} of {} {}", publisher.kind.name(), publisher.name), value.clone());
        let span = Span { start: 0, end: u32::try_from(value.len()).unwrap_or(u32::MAX) };
        let text = Sourced { value: value.clone(), origin: Origin::direct(Place { source, span }) };
        let scope = Scope::Container(publisher.name.clone());
        settings::texts(&text, None, &Ground { scope, means: Means::Label }, intent);
    }
}

/// An entry that is used through an anchor or `extends` comes once for each use, and says the same each time.
fn forget_repeats(intent: &mut Intent) {
    let mut seen = HashSet::new();
    intent.grants.retain(|grant| {
        seen.insert((grant.place.path().to_owned(), grant.place.span, grant.scope.to_string(), grant.allowance.to_string()))
    });
    let mut seen = HashSet::new();
    intent.mistakes.retain(|mistake| seen.insert((mistake.place.path().to_owned(), mistake.place.span, mistake.message.clone())));
}

fn from_service(service: &Service, intent: &mut Intent) {
    let scope = Scope::Service(service.name.to_string());
    if let Some(setting) = &service.extension {
        settings::allow(setting, &Ground { scope: scope.clone(), means: Means::Extension }, intent);
    }
    if let Some(label) = &service.allow_label {
        if intent.trusts_labels == Some(false) {
            let help = "allow the port in the policy file, or set `trust-labels: true` there";
            let message = "the label allows nothing: the policy file does not trust labels";
            intent.mistakes.push(settings::mistake(&label.origin.place, message, Some(help)));
        } else {
            settings::texts(label, None, &Ground { scope, means: Means::Label }, intent);
        }
    }
    for publication in &service.publications {
        if let Some(setting) = &publication.entry.extension {
            let scope = Scope::Publication(publication.entry.origin.place.clone());
            settings::allow(setting, &Ground { scope, means: Means::Extension }, intent);
        }
    }
}
