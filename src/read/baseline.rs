//! The text of a baseline file to a [`Baseline`].
//!
//! In: a JSON text of version 1. Out: the accepted findings, each with its place in the file. Not here: what they are held against.
//!
//! JSON is read as what it also is, YAML: our YAML reader keeps the places, so that an entry without a finding can be pointed at.

use crate::model::baseline::{Accepted, Baseline, Fingerprint};
use crate::model::source::{Place, Source, Span};
use crate::read::yaml::{self, Kind, NodeId, Tree};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a baseline cannot be read. Nothing is accepted then: half a baseline would look like new findings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Unreadable {
    /// Where.
    pub place: Place,
    /// What is wrong and what to do; one sentence, lower case.
    pub message: String,
}

/// Reads a baseline.
///
/// # Errors
/// The first thing that is not as we write it: no JSON, another version, an unknown key, a value of the wrong kind.
pub fn read(source: &Arc<Source>) -> Result<Baseline, Unreadable> {
    let tree = yaml::parse(source);
    let reader = Reader { tree: &tree, source };
    if let Some(fault) = tree.faults.first() {
        return Err(reader.unreadable(fault.span, &fault.message));
    }
    let Some(root) = tree.documents.first() else {
        return Err(reader.unreadable(Span::default(), "the baseline is empty; write it with `check --write-baseline`"));
    };
    let top = reader.mapping(*root, &["$schema", "version", "accepted"])?;
    match top.get("version").map(|id| (*id, tree.text(*id))) {
        Some((_, Some("1"))) => {}
        Some((id, _)) => return Err(reader.wrong(id, "the baseline is of another version: this program reads version 1")),
        None => return Err(reader.wrong(*root, "the baseline has no `version`")),
    }
    let Some(list) = top.get("accepted").copied() else { return Err(reader.wrong(*root, "the baseline has no `accepted`")) };
    let Kind::Sequence(items) = &tree.node(list).kind else { return Err(reader.wrong(list, "`accepted` is no list")) };
    let mut entries: Vec<Accepted> = items.iter().map(|item| reader.entry(*item)).collect::<Result<_, _>>()?;
    entries.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    entries.dedup_by(|later, first| {
        let is_repeat = later.fingerprint == first.fingerprint;
        first.count = first.count.saturating_add(if is_repeat { later.count } else { 0 });
        is_repeat
    });
    Ok(Baseline { entries })
}

struct Reader<'a> {
    tree: &'a Tree<'a>,
    source: &'a Arc<Source>,
}

impl Reader<'_> {
    fn unreadable(&self, span: Span, message: &str) -> Unreadable {
        Unreadable { place: Place { source: Arc::clone(self.source), span }, message: message.to_owned() }
    }

    fn wrong(&self, id: NodeId, message: &str) -> Unreadable {
        self.unreadable(self.tree.node(id).span, message)
    }

    /// The values of a mapping by their keys, all of them known.
    fn mapping(&self, id: NodeId, known: &[&str]) -> Result<BTreeMap<&str, NodeId>, Unreadable> {
        let Kind::Mapping(entries) = &self.tree.node(id).kind else { return Err(self.wrong(id, "an object is expected here")) };
        let mut values = BTreeMap::new();
        for (key, value) in entries {
            let name = self.tree.text(*key).filter(|name| known.contains(name));
            let Some(name) = name else { return Err(self.wrong(*key, "this key is not known in a baseline of version 1")) };
            values.insert(name, *value);
        }
        Ok(values)
    }

    fn entry(&self, id: NodeId) -> Result<Accepted, Unreadable> {
        let values = self.mapping(id, &["rule", "file", "on_host", "line", "service", "publication", "source", "count"])?;
        let text = |key| values.get(key).map(|id| self.text(*id)).transpose();
        let required = |key| text(key)?.ok_or_else(|| self.wrong(id, &format!("the entry has no `{key}`")));
        let fingerprint = Fingerprint {
            file: required("file")?,
            on_host: text("on_host")?,
            service: text("service")?,
            publication: text("publication")?,
            rule: required("rule")?,
            source: text("source")?,
        };
        let number = |key| values.get(key).map(|id| self.number(*id)).transpose();
        let place = Some(Place { source: Arc::clone(self.source), span: self.tree.node(id).span });
        Ok(Accepted { fingerprint, line: number("line")?, count: number("count")?.unwrap_or(1), place })
    }

    fn text(&self, id: NodeId) -> Result<String, Unreadable> {
        match &self.tree.node(id).kind {
            Kind::Scalar(text, yaml::Style::Quoted) => Ok(text.to_string()),
            _ => Err(self.wrong(id, "a text in quotes is expected here")),
        }
    }

    fn number(&self, id: NodeId) -> Result<u32, Unreadable> {
        let parsed = match &self.tree.node(id).kind {
            Kind::Scalar(text, yaml::Style::Plain) => text.parse::<u32>().ok().filter(|number| *number > 0),
            _ => None,
        };
        parsed.ok_or_else(|| self.wrong(id, "a number of at least 1 is expected here"))
    }
}
