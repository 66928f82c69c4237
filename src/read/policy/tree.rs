//! The YAML tree of a policy file to a [`Setting`], so that it is read by the same words as `x-docker-firewall` in a compose file.
//!
//! In: a text. Out: its one document as a setting with places, and what YAML itself finds wrong. Not here: what the keys mean.

use super::settings::mistake;
use crate::model::origin::Sourced;
use crate::model::origin::{Hop, Origin};
use crate::model::policy::Mistake;
use crate::model::project::Pragma;
use crate::model::setting::Setting;
use crate::model::source::{Place, Source, Span};
use crate::read::compose::pragmas;
use crate::read::yaml::{self, Kind, NodeId, Tag, Tree};
use std::collections::HashSet;
use std::sync::Arc;

/// A policy is four levels deep; whatever is deeper is no policy.
const DEEPEST: u32 = 16;

/// Nodes visited, aliases followed each time: what Compose allows itself (compose-go `loader/reset.go`).
const MOST_NODES: u32 = 100_000;

/// Reads a text of one document, and its comments that speak to us. No setting: the text is empty, or cannot be read.
pub(super) fn read(source: &Arc<Source>, mistakes: &mut Vec<Mistake>) -> (Option<Setting>, Vec<Pragma>) {
    let tree = yaml::parse(source);
    let place = |span| Place { source: Arc::clone(source), span };
    mistakes.extend(tree.faults.iter().map(|fault| mistake(&place(fault.span), &fault.message, None)));
    if tree.faults.iter().any(|fault| fault.is_fatal) {
        return (None, Vec::new());
    }
    let pragmas = pragmas(source, &tree.comments);
    if let Some(second) = tree.documents.get(1) {
        mistakes.push(mistake(&place(tree.node(*second).span), "a policy is one document", Some("put all into the first one")));
    }
    let Some(&root) = tree.documents.first() else { return (None, pragmas) };
    let is_empty =
        matches!(&tree.node(root).kind, Kind::Scalar(text, yaml::Style::Plain) if matches!(&**text, "" | "~" | "null"));
    let mut walk = Walk { tree: &tree, source, mistakes, nodes_left: MOST_NODES };
    (if is_empty { None } else { walk.node(root, 0) }, pragmas)
}

struct Walk<'a> {
    tree: &'a Tree<'a>,
    source: &'a Arc<Source>,
    mistakes: &'a mut Vec<Mistake>,
    nodes_left: u32,
}

impl Walk<'_> {
    fn place(&self, span: Span) -> Place {
        Place { source: Arc::clone(self.source), span }
    }

    fn refuse(&mut self, span: Span, message: &str) {
        let mistake = mistake(&self.place(span), message, None);
        self.mistakes.push(mistake);
    }

    fn node(&mut self, id: NodeId, depth: u32) -> Option<Setting> {
        let tree = self.tree;
        let node = tree.node(id);
        match (depth < DEEPEST, self.nodes_left.checked_sub(1)) {
            (true, Some(left)) => self.nodes_left = left,
            (false, _) => {
                self.refuse(node.span, "the policy is nested too deeply");
                return None;
            }
            // Said once; the nodes after it are left out without a word each.
            (true, None) => return None,
        }
        if self.nodes_left == 0 {
            self.refuse(node.span, "aliases make the policy too large");
        }
        if matches!(node.tag, Some(Tag::Reset | Tag::Override | Tag::Other)) {
            self.refuse(node.span, "the tag before this has no meaning in a policy");
        }
        let origin = Origin::direct(self.place(node.span));
        match &node.kind {
            Kind::Scalar(text, _) => Some(Setting::Scalar(Sourced { value: text.to_string(), origin })),
            Kind::Sequence(items) => {
                Some(Setting::List(items.iter().filter_map(|item| self.node(*item, depth + 1)).collect(), origin))
            }
            Kind::Mapping(entries) => Some(Setting::Mapping(self.entries(entries, depth + 1), origin)),
            Kind::Alias(name, target) => {
                let setting = self.node((*target)?, depth + 1)?;
                Some(through_alias(setting, name, &self.place(node.span)))
            }
        }
    }

    /// The entries of a mapping; of a repeated key, which is a fault already, the first.
    fn entries(&mut self, entries: &[(NodeId, NodeId)], depth: u32) -> Vec<(Sourced<String>, Setting)> {
        let mut taken = Vec::new();
        let mut names = HashSet::new();
        for (key, value) in entries {
            let span = self.tree.node(*key).span;
            let Some(name) = self.tree.text(*key).map(str::to_owned) else {
                self.refuse(span, "a key is no text");
                continue;
            };
            if !names.insert(name.clone()) {
                continue;
            }
            if let Some(setting) = self.node(*value, depth) {
                taken.push((Sourced { value: name, origin: Origin::direct(self.place(span)) }, setting));
            }
        }
        taken
    }
}

/// The setting, with the hop over the alias.
fn through_alias(mut setting: Setting, name: &str, at: &Place) -> Setting {
    let origin = match &mut setting {
        Setting::Scalar(text) => &mut text.origin,
        Setting::List(_, origin) | Setting::Mapping(_, origin) => origin,
    };
    origin.hops.insert(0, Hop::Alias { name: name.to_owned(), at: at.clone() });
    setting
}
