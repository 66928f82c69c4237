//! Nodes to values: aliases and merge keys followed, variables put in, tags noted, all of it only where the [`Shape`] asks for it.

use super::cleared::Cleared;
use super::environment::Variables;
use super::merge;
use super::shape::{LABEL, Shape};
use super::template::{self, Expression, TemplateError};
use super::value::{Data, Key, Map, Text, Value};
use crate::model::origin::{Hop, Origin, Substitution};
use crate::model::project::{Problem, ProblemKind, Trap};
use crate::model::source::{Place, Source, Span};
use crate::read::yaml::{Kind, NodeId, Scalar, Style, Tag, Tree, resolve};
use std::sync::Arc;

/// How many nodes may be visited through aliases in one document, if it is not much larger than that itself; compose-go
/// (`loader/reset.go`) caps all visits at this number.
const MIN_ALIAS_VISITS: usize = 100_000;

/// A larger document may visit this many nodes through aliases for each of its own.
const ALIAS_VISITS_PER_NODE: usize = 10;

/// How deep values may nest.
const MAX_DEPTH: usize = 300;

/// What came of a document.
#[derive(Debug, Default)]
pub struct Converted {
    /// Its value; empty where the document is no mapping.
    pub map: Map,
    /// What it clears.
    pub cleared: Cleared,
    /// Values that the tags throw away: the service's name, the place, and which trap it is.
    pub traps: Vec<(String, Place, Trap)>,
}

/// Reads one document of `tree`, as far as `shape` asks for it.
pub fn document(
    tree: &Tree,
    root: NodeId,
    source: &Arc<Source>,
    shape: &Shape,
    variables: &Variables,
    layer: u32,
    problems: &mut Vec<Problem>,
) -> Converted {
    let (out, trail, path) = (Converted::default(), Vec::new(), Vec::new());
    let alias_visits_left = MIN_ALIAS_VISITS.max(ALIAS_VISITS_PER_NODE * tree.size());
    let mut converter =
        Converter { tree, source, variables, layer, problems, out, trail, path, alias_visits_left, is_overriding: false };
    if let Some(Value { data: Data::Map(map), .. }) = converter.value(root, None, shape) {
        converter.out.map = map;
    }
    converter.out
}

struct Converter<'a> {
    tree: &'a Tree<'a>,
    source: &'a Arc<Source>,
    variables: &'a Variables<'a>,
    layer: u32,
    problems: &'a mut Vec<Problem>,
    out: Converted,
    /// The aliases and merge keys that lead to the node at hand.
    trail: Vec<Hop>,
    /// The keys that lead to the node at hand.
    path: Vec<String>,
    alias_visits_left: usize,
    /// True below `!override`: Compose takes what stands there as it is, tags in it count nothing.
    is_overriding: bool,
}

impl Converter<'_> {
    /// None: the node is removed by `!reset`.
    fn value(&mut self, id: NodeId, key: Option<&Place>, shape: &Shape) -> Option<Value> {
        let node = self.tree.node(id);
        if self.is_too_much(node.span) {
            return Some(self.plain(Data::Unread, node.span, key));
        }
        match node.tag.filter(|_| !self.is_overriding) {
            Some(Tag::Reset) => {
                self.note_reset(id);
                None
            }
            Some(Tag::Override) => {
                self.out.cleared.add(&self.path);
                self.is_overriding = true;
                let value = self.content(id, key, shape);
                self.is_overriding = false;
                value
            }
            _ => self.content(id, key, shape),
        }
    }

    fn content(&mut self, id: NodeId, key: Option<&Place>, shape: &Shape) -> Option<Value> {
        let node = self.tree.node(id);
        let data = match &node.kind {
            Kind::Alias(name, target) => return self.alias(name, *target, node.span, key, shape),
            _ if matches!(shape, Shape::Present) => Data::Opaque,
            Kind::Scalar(text, style) => return Some(self.scalar(text, *style, node.tag, node.span, key)),
            Kind::Sequence(items) => Data::List(self.list(items, key, shape)),
            Kind::Mapping(entries) => Data::Map(self.mapping(entries, shape)),
        };
        Some(self.plain(data, node.span, key))
    }

    /// Counts a visit. The first one too many is said.
    fn is_too_much(&mut self, span: Span) -> bool {
        let left = self.alias_visits_left;
        if !self.trail.is_empty() {
            self.alias_visits_left = left.saturating_sub(1);
        }
        let is_too_deep = self.path.len() + self.trail.len() > MAX_DEPTH;
        if left == 1 || is_too_deep && left > 0 {
            self.alias_visits_left = 0;
            self.refuse("aliases make this file too large to expand: what is left of it is not read", span);
        }
        left <= 1 || is_too_deep
    }

    fn plain(&self, data: Data, span: Span, key: Option<&Place>) -> Value {
        Value { data, origin: Origin { place: self.place(span), hops: self.trail.clone() }, key: key.cloned(), layer: self.layer }
    }

    fn place(&self, span: Span) -> Place {
        Place { source: Arc::clone(self.source), span }
    }

    fn refuse(&mut self, message: impl Into<String>, span: Span) {
        let (path, place) = (self.source.path().to_owned(), Some(self.place(span)));
        self.problems.push(Problem { kind: ProblemKind::Refused, message: message.into(), path, place, service: None });
    }

    /// `!reset`: the path is cleared, and what is written under the tag is thrown away. On an item of a list only the item goes.
    fn note_reset(&mut self, id: NodeId) {
        self.out.cleared.add(&self.path);
        let node = self.tree.node(id);
        let [services, service, ports, item @ ..] = self.path.as_slice() else { return };
        if services != "services" || ports != "ports" {
            return;
        }
        let has_values = matches!(&node.kind, Kind::Sequence(items) if !items.is_empty());
        let trap = match item {
            [] if has_values => Trap::ResetValues,
            [_] => Trap::ResetItem,
            _ => return,
        };
        self.out.traps.push((service.clone(), self.place(node.span), trap));
    }

    fn alias(&mut self, name: &str, target: Option<NodeId>, span: Span, key: Option<&Place>, shape: &Shape) -> Option<Value> {
        let Some(target) = target else { return Some(self.plain(Data::Unread, span, key)) };
        self.trail.push(Hop::Alias { name: name.to_owned(), at: self.place(span) });
        let value = self.value(target, key, shape);
        self.trail.pop();
        value
    }

    fn list(&mut self, items: &[NodeId], key: Option<&Place>, shape: &Shape) -> Vec<Value> {
        let is_ours = |id: &NodeId| self.tree.text(*id).is_some_and(|text| text.starts_with(LABEL));
        let wanted: Vec<_> = match shape {
            Shape::Labels => items.iter().copied().enumerate().filter(|(_, id)| is_ours(id)).collect(),
            Shape::Whole => items.iter().copied().enumerate().collect(),
            _ => Vec::new(),
        };
        let mut values = Vec::with_capacity(wanted.len());
        for (index, id) in wanted {
            self.path.push(index.to_string());
            values.extend(self.value(id, key, &Shape::Whole));
            self.path.pop();
        }
        values
    }

    /// Own keys first, since they beat merged ones wherever they stand; of several merged mappings the first wins.
    fn mapping(&mut self, entries: &[(NodeId, NodeId)], shape: &Shape) -> Map {
        let mut map = Map::default();
        self.own_entries(entries, shape, &mut map);
        for (key, value) in entries {
            if self.is_merge_key(*key) {
                self.merge_key(*value, self.tree.node(*value).span, shape, &mut map);
            }
        }
        map
    }

    fn is_merge_key(&self, key: NodeId) -> bool {
        matches!(&self.tree.node(key).kind, Kind::Scalar(text, Style::Plain) if text == "<<")
    }

    fn own_entries(&mut self, entries: &[(NodeId, NodeId)], shape: &Shape, map: &mut Map) {
        let is_merged = self.trail.iter().any(|hop| matches!(hop, Hop::MergeKey { .. }));
        for (key_id, value_id) in entries {
            if self.is_merge_key(*key_id) {
                continue;
            }
            let Some(text) = self.tree.text(*key_id).map(str::to_owned) else { continue };
            let Some(shape) = shape.under(&text) else { continue };
            let span = self.tree.node(*key_id).span;
            if is_merged && map.get(&text).is_some() {
                self.note_tag(*value_id, text);
                continue;
            }
            if let Kind::Scalar(_, style) = &self.tree.node(*key_id).kind
                && resolve(&text, *style, self.tree.node(*key_id).tag) != Scalar::Text
            {
                self.refuse(format!("key {text} is not a text to YAML: Compose wants it in quotes"), span);
            }
            let key = Key { text: text.clone(), origin: Origin { place: self.place(span), hops: self.trail.clone() } };
            self.path.push(text);
            let value = self.value(*value_id, Some(&key.origin.place), shape);
            self.path.pop();
            let Some(value) = value else { continue };
            // Compose refuses a repeated key; the tree has said so. Both values count, so that neither can hide a port.
            match map.get_mut(&key.text) {
                Some(first) => merge::merge(first, value, &mut Vec::new()),
                None => map.set(key, value),
            }
        }
    }

    /// A tag on a merged value acts although the mapping's own value is the one that counts.
    fn note_tag(&mut self, id: NodeId, key: String) {
        let node = self.tree.node(id);
        let target = match &node.kind {
            Kind::Alias(_, Some(target)) => self.tree.node(*target),
            _ => node,
        };
        let is_tagged = [node.tag, target.tag].iter().any(|tag| matches!(tag, Some(Tag::Reset | Tag::Override)));
        if is_tagged && !self.is_overriding {
            self.path.push(key);
            self.out.cleared.add(&self.path);
            self.path.pop();
        }
    }

    /// The value of a `<<` key: a mapping, an alias to one, or a list of those.
    fn merge_key(&mut self, id: NodeId, at: Span, shape: &Shape, map: &mut Map) {
        let node = self.tree.node(id);
        if self.is_too_much(node.span) {
            return;
        }
        match &node.kind {
            Kind::Alias(name, Some(target)) => {
                self.trail.push(Hop::Alias { name: (*name).to_owned(), at: self.place(node.span) });
                self.merge_key(*target, at, shape, map);
                self.trail.pop();
            }
            Kind::Mapping(entries) => {
                self.trail.push(Hop::MergeKey { at: self.place(at) });
                self.own_entries(entries, shape, map);
                for (key, value) in entries {
                    if self.is_merge_key(*key) {
                        self.merge_key(*value, self.tree.node(*value).span, shape, map);
                    }
                }
                self.trail.pop();
            }
            Kind::Sequence(items) => {
                // The place in the list is part of the path that a tag clears, so that it clears nothing (`loader/reset.go`).
                for (index, item) in items.iter().enumerate() {
                    self.path.push(index.to_string());
                    self.merge_key(*item, self.tree.node(*item).span, shape, map);
                    self.path.pop();
                }
            }
            Kind::Alias(..) => {}
            Kind::Scalar(..) => self.refuse("the value of << must be a mapping or a list of mappings", node.span),
        }
    }

    fn scalar(&mut self, text: &str, style: Style, tag: Option<Tag>, span: Span, key: Option<&Place>) -> Value {
        let data = match resolve(text, style, tag) {
            Scalar::Null => Data::Null,
            Scalar::Boolean(truth) => Data::Boolean(truth),
            Scalar::Integer(number) => Data::Integer(number),
            Scalar::Float => Data::Float,
            Scalar::Timestamp => Data::Timestamp,
            Scalar::Text => return self.text(text, style, span, key),
        };
        self.plain(data, span, key)
    }

    fn text(&mut self, text: &str, style: Style, span: Span, key: Option<&Place>) -> Value {
        let content = self.content_start(text, style, span);
        let mut value = self.plain(Data::Unread, span, key);
        let variables = self.variables;
        let done = if text.contains('$') {
            template::substitute(text, &|name: &str| variables.get(name))
        } else {
            Ok(template::Substituted { text: text.to_owned(), expressions: Vec::new() })
        };
        match done {
            Ok(done) => {
                let hops =
                    done.expressions.into_iter().map(|expression| Hop::Variable(self.substitution(expression, content, span)));
                value.origin.hops.extend(hops);
                value.data = Data::Text(Text { content: done.text, style, is_verbatim: content.is_some() });
            }
            Err(error) => self.refuse_template(&error, span),
        }
        value
    }

    /// The first byte of a scalar's content, if its bytes are its text.
    fn content_start(&self, text: &str, style: Style, span: Span) -> Option<u32> {
        let quote = u32::from(style == Style::Quoted);
        let inner = Span { start: span.start + quote, end: span.end.saturating_sub(quote) };
        let is_verbatim = style != Style::Block && self.source.text().get(inner.range()) == Some(text);
        is_verbatim.then_some(inner.start)
    }

    fn substitution(&self, expression: Expression, content: Option<u32>, scalar: Span) -> Substitution {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = content.map_or(scalar, |start| Span {
            start: start + offset(expression.raw.start),
            end: start + offset(expression.raw.end),
        });
        let Expression { name, operator, resolved, value, .. } = expression;
        Substitution { name, at: self.place(span), operator, resolved, value }
    }

    fn refuse_template(&mut self, error: &TemplateError, span: Span) {
        let service = match self.path.as_slice() {
            [services, service, ..] if services == "services" => Some(Arc::from(service.as_str())),
            _ => None,
        };
        let is_entry = matches!(self.path.get(2).map(String::as_str), Some("ports")) && service.is_some();
        let kind = match error {
            TemplateError::Missing { .. } => ProblemKind::Required,
            TemplateError::Invalid(_) if is_entry => ProblemKind::RefusedEntry,
            TemplateError::Invalid(_) => ProblemKind::Refused,
        };
        let (path, place) = (self.source.path().to_owned(), Some(self.place(span)));
        self.problems.push(Problem { kind, message: error.to_string(), path, place, service });
    }
}
