//! `!override` before a `ports` list, so that it replaces the earlier ones.

use super::owners::Owners;
use super::refuse;
use crate::model::finding::{Edit, Refusal};
use crate::model::origin::Origin;
use crate::model::project::Service;
use crate::model::publication::Publication;
use crate::model::source::{Place, Span};

/// What `!override` does to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    /// The one change.
    pub(super) edit: Edit,
    /// The publications that go, by their index in the service.
    pub(super) dropped: Vec<usize>,
}

/// The change that puts `!override` before the list at `list`.
///
/// # Errors
/// Where the list would take ports away that it does not have itself, or is no list written after its own key.
pub(super) fn plan(service: &Service, list: &Place, owners: &Owners) -> Result<Replacement, Refusal> {
    owners.single(&Origin::direct(list.clone()))?;
    let is_in_list = |publication: &&Publication| {
        let place = &publication.entry.origin.place;
        place.path() == list.path() && list.span.start <= place.span.start && place.span.end <= list.span.end
    };
    let own: Vec<&Publication> = service.publications.iter().filter(is_in_list).collect();
    let Some(layer) = own.first().map(|publication| publication.entry.layer) else {
        return refuse(format!("the list at {list} publishes nothing"));
    };
    let earlier = service
        .publications
        .iter()
        .enumerate()
        .filter(|(_, publication)| publication.entry.layer <= layer && !is_in_list(publication));
    let dropped: Vec<(usize, &Publication)> = earlier.collect();
    let is_repeated = |lost: &Publication| own.iter().any(|kept| kept.target == lost.target && kept.protocol == lost.protocol);
    if let Some((_, lost)) = dropped.iter().find(|(_, lost)| !is_repeated(lost)) {
        let place = &lost.entry.origin.place;
        return refuse(format!("!override would also take {lost} away ({place}): repeat it in the list at {list} first"));
    }
    Ok(Replacement { edit: tag(list)?, dropped: dropped.into_iter().map(|(index, _)| index).collect() })
}

/// The tag goes right after the key's colon: before an anchor, and before the line break of a block list.
fn tag(list: &Place) -> Result<Edit, Refusal> {
    let text = list.source.text();
    let mut line = list.line();
    loop {
        let span = list.source.line_span(line);
        let end = span.end.min(list.span.start);
        let before = text.get(span.start as usize..end as usize).unwrap_or_default();
        if let Some(colon) = key_end(before) {
            let at = span.start + u32::try_from(colon).unwrap_or(u32::MAX);
            let replacement = if at == list.span.start { " !override " } else { " !override" };
            return Ok(Edit { place: list.with_span(Span { start: at, end: at }), replacement: replacement.to_owned() });
        }
        let is_between = before.trim().is_empty() || before.trim_start().starts_with('#') || end == list.span.start;
        if line == 1 || !is_between {
            return refuse(format!("the list at {list} does not stand after its own key"));
        }
        line -= 1;
    }
}

/// The byte after the colon of the last key `ports` in a line.
fn key_end(line: &str) -> Option<usize> {
    let code = line.find(" #").map_or(line, |comment| &line[..comment]);
    let (front, rest) = code.rsplit_once("ports").filter(|(front, _)| !front.trim_start().starts_with('#'))?;
    let rest_start = front.len() + "ports".len();
    let after = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let colon = after.find(|sign: char| !sign.is_whitespace()).filter(|at| after[*at..].starts_with(':'))?;
    let is_whole_word = front.chars().next_back().is_none_or(|sign| matches!(sign, ' ' | '\t' | '{' | ',' | '"' | '\''));
    is_whole_word.then_some(rest_start + (rest.len() - after.len()) + colon + 1)
}
