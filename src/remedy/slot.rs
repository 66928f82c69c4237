//! The address slot of a short `ports` entry, or of a `host_ip` scalar: which bytes of the file it is.
//!
//! In: a scalar as it is written, and what it became after substitution. Out: the slot, or why it cannot be edited.
//! Not here: what is to stand in it.

use super::refuse;
use crate::model::finding::Refusal;
use crate::model::origin::{Origin, Substitution};
use crate::model::source::Span;
use std::ops::Range;

/// Why escaped and folded scalars are left alone.
pub(super) const NOT_ITS_VALUE: &str = "the entry is a block scalar or has escapes: its bytes are not its value";

/// Where the host address of a scalar stands, or would stand. Spans are bytes of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Slot<'a> {
    /// A container port alone; the address and an empty host port go here.
    ContainerOnly(Span),
    /// A host port and a container port; the address and a colon go here.
    BeforeHostPort(Span),
    /// An address written out; the span may be empty (`:84:84`).
    Written(Span),
    /// One variable expression is the whole address.
    Variable(&'a Substitution),
}

/// The slot of a short entry. Compose's grammar is `[[IP:][HOST]:]CONTAINER[/PROTO]`, read from the right: all that stands before
/// the second last colon is the address (docker/go-connections `nat/nat.go` `splitParts`).
///
/// # Errors
/// Where an edit could not keep the meaning: a variable holds more than one part of the entry, or a part of the address only.
pub(super) fn of_short_entry<'a>(origin: &'a Origin, text: &str) -> Result<Slot<'a>, Refusal> {
    let scalar = Scalar::read(origin, text)?;
    if let Some(name) = scalar.single_variable() {
        return refuse(format!("the whole mapping is in the variable {name}: the address belongs there"));
    }
    let Some(last) = text.rfind(':') else { return scalar.start_before(text.len()).map(Slot::ContainerOnly) };
    scalar.is_literal(last)?;
    let Some(second_last) = text[..last].rfind(':') else { return scalar.start_before(last).map(Slot::BeforeHostPort) };
    scalar.is_literal(second_last)?;
    scalar.slot(0..second_last)
}

/// The slot of a `host_ip` scalar: all of it.
///
/// # Errors
/// Where it is put together from several parts, or its bytes are not its value.
pub(super) fn of_address<'a>(origin: &'a Origin, text: &str) -> Result<Slot<'a>, Refusal> {
    Scalar::read(origin, text)?.slot(0..text.len())
}

/// A scalar cut into literals and variable expressions.
struct Scalar<'a> {
    pieces: Vec<Piece<'a>>,
    /// The scalar's bytes in the file, without its quotes.
    inner: Span,
}

/// A part of a scalar: where it stands in the file, and what it became.
struct Piece<'a> {
    span: Span,
    resolved: Range<usize>,
    variable: Option<&'a Substitution>,
}

impl<'a> Scalar<'a> {
    fn read(origin: &'a Origin, text: &str) -> Result<Self, Refusal> {
        let inner = inner_span(origin)?;
        let mut pieces = Vec::new();
        let (mut at, mut resolved) = (inner.start, 0);
        for variable in outermost(origin) {
            let span = variable.at.span;
            if variable.at.path() != origin.place.path()
                || span.start < at
                || span.end > inner.end
                || variable.resolved.start < resolved
            {
                return refuse(NOT_ITS_VALUE);
            }
            pieces.push(Piece {
                span: Span { start: at, end: span.start },
                resolved: resolved..variable.resolved.start,
                variable: None,
            });
            pieces.push(Piece { span, resolved: variable.resolved.clone(), variable: Some(variable) });
            (at, resolved) = (span.end, variable.resolved.end);
        }
        pieces.push(Piece { span: Span { start: at, end: inner.end }, resolved: resolved..text.len(), variable: None });
        let file = origin.place.source.text();
        let is_its_value =
            |piece: &Piece| piece.variable.is_some() || file.get(piece.span.range()) == text.get(piece.resolved.clone());
        if pieces.iter().all(is_its_value) {
            pieces.retain(|piece| piece.variable.is_some() || piece.span.start < piece.span.end);
            Ok(Self { pieces, inner })
        } else {
            refuse(NOT_ITS_VALUE)
        }
    }

    /// The variable that is the whole scalar.
    fn single_variable(&self) -> Option<&'a str> {
        match self.pieces[..] {
            [Piece { variable: Some(variable), .. }] => Some(&variable.name),
            _ => None,
        }
    }

    fn start(&self) -> Span {
        Span { start: self.inner.start, end: self.inner.start }
    }

    /// The start, before a port that ends at `end`. An empty variable there that is not the whole port may well hold an address on
    /// another host (`${BIND}8080:80` with `BIND=10.0.0.1:`).
    fn start_before(&self, end: usize) -> Result<Span, Refusal> {
        match self.pieces.first() {
            Some(Piece { variable: Some(variable), resolved, .. }) if resolved.is_empty() && end > 0 => {
                refuse(format!("the variable {} may hold an address: give it one", variable.name))
            }
            _ => Ok(self.start()),
        }
    }

    /// Refuses where the byte of the finished text at `at` came from a variable.
    fn is_literal(&self, at: usize) -> Result<(), Refusal> {
        let piece = self.pieces.iter().find(|piece| piece.resolved.contains(&at));
        match piece.and_then(|piece| piece.variable) {
            Some(variable) => {
                refuse(format!("the variable {} holds more than one part of the entry: the address belongs there", variable.name))
            }
            None => Ok(()),
        }
    }

    /// The slot that became `resolved`: a literal or a single variable.
    fn slot(&self, resolved: Range<usize>) -> Result<Slot<'a>, Refusal> {
        let is_inside = |piece: &&Piece| {
            piece.resolved.start < resolved.end || piece.resolved.is_empty() && piece.resolved.start <= resolved.end
        };
        let inside: Vec<&Piece> = self.pieces.iter().take_while(is_inside).collect();
        match inside[..] {
            [] => Ok(Slot::Written(self.start())),
            [Piece { variable: None, span, .. }] => {
                Ok(Slot::Written(Span { start: span.start, end: span.start + length(&resolved) }))
            }
            [Piece { variable: Some(variable), resolved: whole, .. }] if *whole == resolved => Ok(Slot::Variable(variable)),
            _ => refuse("the address is put together from several parts"),
        }
    }
}

/// The variables of a scalar that do not stand in the default of another, in the order of the file.
fn outermost(origin: &Origin) -> Vec<&Substitution> {
    let mut variables: Vec<&Substitution> = origin.substitutions().collect();
    variables.sort_by_key(|variable| (variable.at.span.start, std::cmp::Reverse(variable.at.span.end)));
    let mut end = 0;
    variables.retain(|variable| {
        let is_outer = variable.at.span.start >= end;
        end = end.max(variable.at.span.end);
        is_outer
    });
    variables
}

/// The bytes between the quotes, or all bytes of a plain scalar.
fn inner_span(origin: &Origin) -> Result<Span, Refusal> {
    let Span { start, end } = origin.place.span;
    let text = origin.place.text();
    match (text.as_bytes().first(), text.as_bytes().last()) {
        (Some(b'"' | b'\''), Some(b'"' | b'\'')) if text.len() > 1 => Ok(Span { start: start + 1, end: end - 1 }),
        (Some(b'|' | b'>' | b'"' | b'\'') | None, _) => refuse(NOT_ITS_VALUE),
        _ => Ok(Span { start, end }),
    }
}

fn length(range: &Range<usize>) -> u32 {
    u32::try_from(range.len()).unwrap_or(u32::MAX)
}
