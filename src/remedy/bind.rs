//! Edits that bind a publication to loopback.
//!
//! In: a publication. Out: the bytes to change and what stands there afterwards, or why none are offered. Not here: whether the
//! change does what it should; the proof sees to that.

use super::long;
use super::owners::Owners;
use super::refuse;
use super::slot::{self, Slot};
use super::variable::default_to;
use crate::model::finding::{Edit, Refusal, Remedy};
use crate::model::origin::{Hop, Origin, Substitution, ValueSource};
use crate::model::publication::{Form, Publication, Reach};
use crate::model::source::{Place, Span};

/// What binds a publication to loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// In the imperative.
    pub(super) title: String,
    /// The one change.
    pub(super) edit: Edit,
    /// The host address afterwards, as Compose hands it on; None: as it was.
    pub(super) host_ip: Option<&'static str>,
}

/// A loopback address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loopback {
    V4,
    V6,
}

impl Loopback {
    /// The one of the family that the publication is open in; v4 where it is open in both.
    fn of(publication: &Publication) -> Self {
        match publication.reach() {
            Reach::EveryV6 | Reach::Address(std::net::IpAddr::V6(_)) => Self::V6,
            _ => Self::V4,
        }
    }

    /// As in `host_ip:`.
    fn bare(self) -> &'static str {
        match self {
            Self::V4 => "127.0.0.1",
            Self::V6 => "::1",
        }
    }

    /// As in a short entry. Brackets, since Compose before version 5 reads no v6 address without.
    fn in_entry(self) -> &'static str {
        match self {
            Self::V4 => "127.0.0.1",
            Self::V6 => "[::1]",
        }
    }
}

/// The change that binds `publication` to loopback, or, for [`Remedy::DefaultToLoopback`], gives the variable in its address slot a
/// safe default.
///
/// # Errors
/// One sentence that says why no change is offered.
pub(super) fn plan(publication: &Publication, remedy: &Remedy, owners: &Owners) -> Result<Binding, Refusal> {
    let entry = &publication.entry;
    if let Some(replaced) = hidden(&entry.origin) {
        return refuse(format!("the entry at {replaced} asks for the same port: it would come back, so remove one of the two"));
    }
    match (entry.form, &entry.host_ip) {
        (Form::Folded, _) => refuse(slot::NOT_ITS_VALUE),
        (Form::Long, Some(address)) => {
            owners.single(&entry.origin)?;
            owners.single(address)?;
            in_host_ip(publication, address, remedy)
        }
        (Form::Long, None) => {
            owners.single(&entry.origin)?;
            let address = Loopback::V4.bare();
            Ok(binding(long::insert_host_ip(entry, address)?, Loopback::V4))
        }
        (Form::Number, _) => {
            owners.single(&entry.origin)?;
            in_number(publication)
        }
        (Form::Plain | Form::Quoted, _) => {
            owners.single(&entry.origin)?;
            in_short_entry(publication, remedy)
        }
    }
}

/// The earlier entry that this one stands for, since the two have the same address and ports.
fn hidden(origin: &Origin) -> Option<&Place> {
    origin.hops.iter().find_map(|hop| match hop {
        Hop::Override { replaced } => Some(replaced),
        _ => None,
    })
}

fn binding(edit: Edit, loopback: Loopback) -> Binding {
    Binding { title: format!("bind to {}", loopback.bare()), edit, host_ip: Some(loopback.bare()) }
}

/// A number becomes a text. A tag that says it is a number stays before it, and would make Compose refuse the text.
fn in_number(publication: &Publication) -> Result<Binding, Refusal> {
    let place = &publication.entry.origin.place;
    let before = place.source.text().get(..place.span.start as usize).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let mut words = line.split([' ', '\t', '[', ',']).rev().filter(|word| !word.is_empty());
    if words.by_ref().take_while(|word| word.starts_with(['!', '&'])).any(|word| word.starts_with('!')) {
        return refuse("the entry has a tag that makes it a number");
    }
    let replacement = format!("\"{}::{}\"", Loopback::V4.in_entry(), publication.target);
    Ok(binding(Edit { place: place.clone(), replacement }, Loopback::V4))
}

fn in_short_entry(publication: &Publication, remedy: &Remedy) -> Result<Binding, Refusal> {
    let entry = &publication.entry;
    let loopback = Loopback::of(publication);
    let address = loopback.in_entry();
    let at = |span: Span, replacement: String| Edit { place: entry.origin.place.with_span(span), replacement };
    let edit = match slot::of_short_entry(&entry.origin, &entry.text)? {
        Slot::ContainerOnly(span) => at(span, format!("{address}::")),
        Slot::BeforeHostPort(span) => at(span, format!("{address}:")),
        Slot::Written(span) => at(span, address.to_owned()),
        Slot::Variable(variable) => return in_variable(publication, &entry.origin, variable, remedy, address),
    };
    Ok(binding(keep_scalar(&entry.origin.place, edit)?, loopback))
}

fn in_host_ip(publication: &Publication, origin: &Origin, remedy: &Remedy) -> Result<Binding, Refusal> {
    let loopback = Loopback::of(publication);
    match slot::of_address(origin, publication.host_ip.as_deref().unwrap_or_default())? {
        Slot::Variable(variable) => in_variable(publication, origin, variable, remedy, loopback.bare()),
        Slot::Written(span) | Slot::ContainerOnly(span) | Slot::BeforeHostPort(span) => {
            let edit = Edit { place: origin.place.with_span(span), replacement: loopback.bare().to_owned() };
            Ok(binding(keep_scalar(&origin.place, edit)?, loopback))
        }
    }
}

/// The variable in the address slot gets a default. A value that it has on this host, and that is no wildcard, stays.
fn in_variable(
    publication: &Publication,
    origin: &Origin,
    variable: &Substitution,
    remedy: &Remedy,
    address: &str,
) -> Result<Binding, Refusal> {
    let value = publication.host_ip.as_deref().unwrap_or_default();
    let is_set_here = !value.is_empty() && !matches!(variable.value, ValueSource::Default | ValueSource::Unset);
    let keeps_value = *remedy == Remedy::DefaultToLoopback && is_set_here && !publication.reach().is_wildcard();
    let edit = default_to(origin, variable, if keeps_value { "" } else { value }, address)?;
    let title = format!("give {} the default {}", default_owner(&edit, variable), address);
    let host_ip = (!keeps_value).then(|| Loopback::of(publication).bare());
    Ok(Binding { title, edit: keep_scalar(&origin.place, edit)?, host_ip })
}

/// The name of the variable that an edit gives a default to.
fn default_owner<'a>(edit: &'a Edit, variable: &'a Substitution) -> &'a str {
    let written = edit.replacement.strip_prefix("${").and_then(|rest| rest.split_once(":-"));
    written.map_or(variable.name.as_str(), |(name, _)| name)
}

/// A plain scalar that would no longer be one gets quotes: it may not begin with `[`, nor have braces inside a flow collection.
fn keep_scalar(scalar: &Place, edit: Edit) -> Result<Edit, Refusal> {
    let old = scalar.text();
    let is_plain = !old.starts_with(['"', '\'']);
    let adds = |sign: char| edit.replacement.contains(sign) && !old.contains(sign);
    if !is_plain || !(adds('[') || adds('{') || edit.replacement.starts_with(':')) {
        return Ok(edit);
    }
    let (Some(before), Some(after)) = (
        scalar.source.text().get(scalar.span.start as usize..edit.place.span.start as usize),
        scalar.source.text().get(edit.place.span.end as usize..scalar.span.end as usize),
    ) else {
        return refuse(slot::NOT_ITS_VALUE);
    };
    let inner = format!("{before}{}{after}", edit.replacement);
    if inner.contains(['"', '\\']) {
        return refuse("the entry would need quotes and has some already");
    }
    Ok(Edit { place: scalar.clone(), replacement: format!("\"{inner}\"") })
}
