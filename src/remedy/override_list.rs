//! `!override` before a `ports` list, so that it replaces the earlier ones.

use super::owners::Owners;
use super::refuse;
use crate::model::finding::{Edit, Refusal};
use crate::model::origin::Origin;
use crate::model::project::{Ineffective, Project, Service, Trap};
use crate::model::publication::{Entry, Publication};
use crate::model::source::{Place, Span};

/// What `!override` does to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    /// The one change.
    pub(super) edit: Edit,
    /// The publications that go, by their index in the service.
    pub(super) dropped: Vec<usize>,
}

/// The change that puts `!override` before the list at `list`, or before the list whose key stands there.
///
/// # Errors
/// Where the list would take ports away that it does not have itself, or is not written after its own key.
pub(super) fn plan(project: &Project, service: &Service, list: &Place, owners: &Owners) -> Result<Replacement, Refusal> {
    let is_in_list = |publication: &&Publication| stands_in(&publication.entry, list);
    let own: Vec<&Publication> = service.publications.iter().filter(is_in_list).collect();
    let Some(Entry { layer, list_key: Some(key), .. }) = own.first().map(|publication| &publication.entry) else {
        return for_empty(project, service, list, owners);
    };
    owners.single(&Origin::direct(key.clone()))?;
    let is_earlier = |publication: &Publication| publication.entry.layer <= *layer && !is_in_list(&publication);
    let dropped = indices(service, is_earlier);
    let is_repeated = |lost: &&Publication| own.iter().any(|kept| kept.target == lost.target && kept.protocol == lost.protocol);
    if let Some(lost) = dropped.iter().map(|index| &service.publications[*index]).find(|lost| !is_repeated(lost)) {
        let place = &lost.entry.origin.place;
        return refuse(format!("!override would also take {lost} away ({place}): repeat it in the list at {list} first"));
    }
    Ok(Replacement { edit: tag(key, " !override")?, dropped })
}

/// An empty list, or no value at all, that was to take everything away: `!override []` does.
fn for_empty(project: &Project, service: &Service, key: &Place, owners: &Owners) -> Result<Replacement, Refusal> {
    let is_trap = |writing: &Ineffective| writing.at == *key && matches!(writing.trap, Trap::EmptyOverride);
    if !project.ineffective.iter().any(is_trap) {
        return refuse(format!("the list at {key} publishes nothing"));
    }
    owners.single(&Origin::direct(key.clone()))?;
    let file = |place: &Place| project.sources.iter().position(|source| source.path() == place.path());
    let order = |place: &Place| (file(place), place.span.start);
    let dropped = indices(service, |publication| order(&publication.entry.origin.place) < order(key));
    let rest = key.source.text().get(key.span.end as usize..).unwrap_or_default();
    let value = rest.trim_start().strip_prefix(':').unwrap_or(rest).trim_start_matches([' ', '\t']);
    let is_list = value.starts_with('[');
    let is_nothing = value.is_empty() || value.starts_with(['#', '\r', '\n']);
    match (is_list, is_nothing) {
        (true, _) => Ok(Replacement { edit: tag(key, " !override")?, dropped }),
        (_, true) => Ok(Replacement { edit: tag(key, " !override []")?, dropped }),
        _ => refuse("the list is empty: write `ports: !override []`"),
    }
}

fn indices(service: &Service, wanted: impl Fn(&Publication) -> bool) -> Vec<usize> {
    (0..service.publications.len()).filter(|index| wanted(&service.publications[*index])).collect()
}

fn stands_in(entry: &Entry, list: &Place) -> bool {
    let place = &entry.origin.place;
    let is_inside = place.path() == list.path() && list.span.start <= place.span.start && place.span.end <= list.span.end;
    is_inside || entry.list_key.as_ref() == Some(list)
}

/// The tag goes right after the key's colon: before an anchor, and before the line break of a block list.
fn tag(key: &Place, tag: &str) -> Result<Edit, Refusal> {
    let rest = key.source.text().get(key.span.end as usize..).unwrap_or_default();
    let value = rest.trim_start_matches([' ', '\t']).strip_prefix(':');
    let is_alias = value.is_some_and(|value| value.trim_start().starts_with('*'));
    let Some(value) = value.filter(|_| !is_alias) else {
        return refuse(format!("the list at {key} is written elsewhere: !override cannot stand before an alias"));
    };
    let at = key.span.end + u32::try_from(rest.len() - value.len()).unwrap_or(u32::MAX);
    let space = if value.is_empty() || value.starts_with(char::is_whitespace) { "" } else { " " };
    Ok(Edit { place: key.with_span(Span { start: at, end: at }), replacement: format!("{tag}{space}") })
}
