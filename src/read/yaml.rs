//! YAML text to a tree in which every node knows its bytes.
//!
//! In: a text. Out: a [`Tree`] with one root for each document, tags and aliases kept as they are, and what is wrong with the text.
//! Not here: merge keys, variables, the meaning of tags.

mod scalar;

pub use scalar::{Scalar, resolve};

use crate::model::project::Pragma;
use crate::model::source::{Source, Span};
use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, StructureStyle, Tag as RawTag};
use std::borrow::Cow;
use std::collections::HashMap;

/// The nodes of a text.
#[derive(Debug, Default)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    /// The root of each document, in order. A document without content has a root that is null.
    pub documents: Vec<NodeId>,
    /// What is wrong with the text, in the order of the text.
    pub faults: Vec<Fault>,
    /// Comments, from `#` to the end of their line, where they were asked for.
    pub comments: Vec<Span>,
}

/// A node of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// A node.
#[derive(Debug)]
pub struct Node<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Its bytes: quotes included; tag and anchor not. A block collection ends with its last child.
    pub span: Span,
    /// Its tag.
    pub tag: Option<Tag>,
}

/// What a node is.
#[derive(Debug)]
pub enum Kind<'a> {
    /// A scalar: its text after YAML's own unfolding and escapes.
    Scalar(Cow<'a, str>, Style),
    /// A list.
    Sequence(Vec<NodeId>),
    /// A mapping: its keys and values in the order of the text, repeats included.
    Mapping(Vec<(NodeId, NodeId)>),
    /// An alias: the anchor's name, and the node. None: the anchor does not exist, or the alias stands inside its own anchor.
    Alias(&'a str, Option<NodeId>),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// In single or double quotes.
    Quoted,
    /// A block scalar (`|`, `>`).
    Block,
}

/// A tag that has a meaning to Compose; see compose-go `loader/reset.go` and YAML's core schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `!reset`
    Reset,
    /// `!override`
    Override,
    /// `!!str`, or `!`
    String,
    /// `!!int`
    Integer,
    /// `!!float`
    Float,
    /// `!!bool`
    Boolean,
    /// `!!null`
    Null,
    /// Any other.
    Other,
}

/// Something wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// One sentence, lower case.
    pub message: String,
    /// Where.
    pub span: Span,
    /// True if the rest of the text could not be read.
    pub is_fatal: bool,
}

/// Reads a text. Always gives a tree: after a syntax error, it holds what was read before the error.
///
/// Comments are kept only if the text has a word for us in one, since most texts have many.
pub fn parse(source: &Source) -> Tree<'_> {
    let text = source.text();
    let mut options = Options::default();
    options.emit_comments = text.contains(Pragma::WORD);
    options.max_buffered_comment_events = usize::MAX;
    options.emit_unresolved_aliases = true;
    // go-yaml keeps anchors from one document of a file to the next; the parser here does not.
    options.emit_anchor_events = text.contains("\n---");
    let (anchors, names) = (HashMap::new(), HashMap::new());
    let mut builder = Builder { source, text, tree: Tree::default(), open: Vec::new(), anchors, names };
    let mut parser = Parser::new_from_str_with_options(text, options);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                builder.fail(&error);
                break;
            }
        }
    }
    while !builder.open.is_empty() {
        builder.close(None);
    }
    builder.tree
}

impl<'a> Tree<'a> {
    /// The node of an id that this tree gave out.
    pub fn node(&self, id: NodeId) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    /// How many nodes there are.
    pub fn size(&self) -> usize {
        self.nodes.len()
    }

    /// The text of a scalar, or of the scalar behind an alias.
    pub fn text(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Scalar(text, _) => Some(text),
            Kind::Alias(_, Some(target)) => match &self.node(*target).kind {
                Kind::Scalar(text, _) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A collection that is not closed yet.
struct Open {
    node: NodeId,
    /// True between brackets.
    is_flow: bool,
    /// The key that waits for its value.
    key: Option<NodeId>,
    /// Keys seen, for finding repeats.
    keys: HashMap<String, NodeId>,
}

struct Builder<'a> {
    source: &'a Source,
    text: &'a str,
    tree: Tree<'a>,
    open: Vec<Open>,
    /// Anchor ids to nodes.
    anchors: HashMap<usize, NodeId>,
    /// Anchors by name, where a text has several documents.
    names: HashMap<Cow<'a, str>, NodeId>,
}

impl<'a> Builder<'a> {
    fn take(&mut self, event: Event<'a>, span: granit_parser::Span) {
        let span = bytes(&span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| Tag::from(&*tag));
                self.check_scalar(&text, Style::from(style), tag, span);
                self.add(Node { kind: Kind::Scalar(text, Style::from(style)), span, tag }, anchor);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(Kind::Sequence(Vec::new()), style, span, anchor, tag.as_deref());
            }
            Event::MappingStart(style, anchor, tag) => self.begin(Kind::Mapping(Vec::new()), style, span, anchor, tag.as_deref()),
            Event::SequenceEnd | Event::MappingEnd => self.close(Some(span)),
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let recursive = target.is_some_and(|target| self.open.iter().any(|open| open.node == target));
                if recursive {
                    self.fault("alias stands inside the node that it refers to", span);
                }
                self.add_alias(span, target.filter(|_| !recursive));
            }
            Event::UnresolvedAlias(name) => {
                let target = self.names.get(&name).copied();
                if target.is_none() {
                    self.fault(format!("alias *{name} refers to an anchor that does not exist"), span);
                }
                self.add_alias(span, target);
            }
            Event::Anchor(anchor, name) => {
                let node = self.anchors.get(&anchor).copied();
                self.names.extend(node.map(|node| (name, node)));
            }
            Event::Comment(..) => self.tree.comments.push(span),
            _ => {}
        }
    }

    fn add_alias(&mut self, span: Span, target: Option<NodeId>) {
        let name = self.text.get(span.range()).unwrap_or_default().trim_start_matches('*');
        self.add(Node { kind: Kind::Alias(name, target), span, tag: None }, 0);
    }

    fn begin(&mut self, kind: Kind<'a>, style: StructureStyle, span: Span, anchor: usize, tag: Option<&RawTag>) {
        let span = match style {
            StructureStyle::Block => Span { start: span.start, end: span.start },
            StructureStyle::Flow => span,
        };
        let node = self.add(Node { kind, span, tag: tag.map(Tag::from) }, anchor);
        let is_flow = style == StructureStyle::Flow;
        self.open.push(Open { node, is_flow, key: None, keys: HashMap::new() });
    }

    /// Closes the innermost collection. A block collection gets the span of its children; `end` is that of the closing bracket.
    fn close(&mut self, end: Option<Span>) {
        let Some(open) = self.open.pop() else { return };
        let last = match &self.tree.node(open.node).kind {
            Kind::Sequence(items) => items.last().copied(),
            Kind::Mapping(entries) => entries.last().map(|(_, value)| *value),
            _ => None,
        };
        let last_end = last.map_or(0, |last| self.tree.node(last).span.end);
        let bracket = end.filter(|end| self.text.get(end.range()).is_some_and(|text| matches!(text, "]" | "}")));
        let node = &mut self.tree.nodes[open.node.0 as usize];
        node.span.end = bracket.map_or(node.span.end.max(last_end), |bracket| bracket.end);
    }

    /// Adds a node to the innermost collection, or as the root of a document.
    fn add(&mut self, node: Node<'a>, anchor: usize) -> NodeId {
        let id = NodeId(u32::try_from(self.tree.nodes.len()).unwrap_or(u32::MAX));
        self.tree.nodes.push(node);
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        let Some(open) = self.open.last_mut() else {
            self.tree.documents.push(id);
            return id;
        };
        match (&mut self.tree.nodes[open.node.0 as usize].kind, open.key.take()) {
            (Kind::Sequence(items), _) => items.push(id),
            (Kind::Mapping(entries), Some(key)) => entries.push((key, id)),
            (Kind::Mapping(_), None) => {
                open.key = Some(id);
                self.check_key(id);
            }
            _ => {}
        }
        id
    }

    /// What this parser takes and go-yaml does not: a tag that the text does not fit (`resolve.go`), and a plain text that starts with
    /// a colon between brackets (`scannerc.go`, where the colon is the sign between key and value).
    fn check_scalar(&mut self, text: &str, style: Style, tag: Option<Tag>, span: Span) {
        if let Some(tag) = tag.filter(|tag| !scalar::fits(text, *tag)) {
            self.fault(format!("{} is not what the tag says: {}", text.escape_debug(), tag.name()), span);
        }
        if style == Style::Plain && text.starts_with(':') && self.open.last().is_some_and(|open| open.is_flow) {
            self.fault("a text that starts with a colon needs quotes between brackets", span);
        }
    }

    /// A key that is already there is an error to Compose (`loader/reset.go`, at any depth).
    fn check_key(&mut self, key: NodeId) {
        let Some(text) = self.tree.text(key).map(str::to_owned) else { return };
        let Some(open) = self.open.last_mut() else { return };
        let Some(first) = open.keys.insert(text, key) else { return };
        let (span, first) = (self.tree.node(key).span, self.tree.node(first).span);
        let line = self.source.line(first.start);
        let name = self.text.get(span.range()).unwrap_or_default();
        self.fault(format!("key {name} is already defined in line {line}"), span);
    }

    fn fault(&mut self, message: impl Into<String>, span: Span) {
        self.tree.faults.push(Fault { message: message.into(), span, is_fatal: false });
    }

    fn fail(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or(0).min(self.text.len());
        let start = (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0);
        let span = Span { start: offset(start), end: offset(start) };
        self.tree.faults.push(Fault { message: format!("not valid YAML: {}", error.info()), span, is_fatal: true });
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn bytes(span: &granit_parser::Span) -> Span {
    let range = span.byte_range().unwrap_or(0..0);
    Span { start: offset(range.start), end: offset(range.end) }
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Self::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Self::Block,
        }
    }
}

impl Tag {
    fn name(self) -> &'static str {
        match self {
            Self::Reset => "!reset",
            Self::Override => "!override",
            Self::String => "!!str",
            Self::Integer => "!!int",
            Self::Float => "!!float",
            Self::Boolean => "!!bool",
            Self::Null => "!!null",
            Self::Other => "another tag",
        }
    }
}

impl From<&RawTag> for Tag {
    fn from(tag: &RawTag) -> Self {
        match (tag.core_suffix(), tag.original().as_str()) {
            (_, "!reset") => Self::Reset,
            (_, "!override") => Self::Override,
            (Some("str"), _) | (_, "!") => Self::String,
            (Some("int"), _) => Self::Integer,
            (Some("float"), _) => Self::Float,
            (Some("bool"), _) => Self::Boolean,
            (Some("null"), _) => Self::Null,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn spans(text: &str) -> Vec<String> {
        let source = Source::new("t.yml", text);
        let tree = parse(&source);
        assert!(tree.faults.is_empty(), "{:?}", tree.faults);
        tree.nodes.iter().map(|node| text[node.span.range()].to_owned()).collect()
    }

    fn faults(text: &str) -> Vec<(String, u32)> {
        let source = Source::new("t.yml", text);
        parse(&source).faults.into_iter().map(|fault| (fault.message, source.line(fault.span.start))).collect()
    }

    #[test]
    fn a_scalar_has_its_very_bytes_whatever_stands_around_it() {
        let text = "\u{feff}a: \"80:80\"   # ä\r\nb: &x 'c'\r\n";
        assert_eq!(spans(text)[1..], ["a", "\"80:80\"", "b", "'c'"]);
    }

    #[test]
    fn a_block_collection_ends_with_its_last_child_and_a_flow_collection_with_its_bracket() {
        let all = spans("a:\n  - 1\n  - 2\n\n# end\nb: [ 3, 4 ]\n");
        assert!(all.contains(&"1\n  - 2".to_owned()) || all.contains(&"- 1\n  - 2".to_owned()), "{all:?}");
        assert!(all.contains(&"[ 3, 4 ]".to_owned()), "{all:?}");
    }

    #[test]
    fn repeated_keys_dead_aliases_and_recursion_are_faults_that_hide_nothing() {
        assert_eq!(faults("a: 1\nb: 2\na: 3\n"), [("key a is already defined in line 1".to_owned(), 3)]);
        assert_eq!(faults("a: *x\n")[0].1, 1);
        assert_eq!(faults("a: &x {b: *x}\n")[0].0, "alias stands inside the node that it refers to");
    }

    #[test]
    fn what_stands_before_a_syntax_error_is_kept() {
        let source = Source::new("t.yml", "a: 1\nb: [\nc: }\n");
        let tree = parse(&source);
        assert!(tree.faults.last().unwrap().is_fatal);
        assert!(matches!(&tree.node(tree.documents[0]).kind, Kind::Mapping(entries) if !entries.is_empty()));
    }
}
