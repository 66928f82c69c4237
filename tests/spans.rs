//! The place of a scalar is its very bytes: read by themselves, they give the value that was read from the whole file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use docker_firewall::model::source::Source;
use docker_firewall::read::yaml::{Kind, NodeId, Tree, parse};
use proptest::prelude::*;
use std::fmt::Write as _;

/// A scalar in one of the styles of YAML that stand on one line.
fn scalar() -> impl Strategy<Value = String> {
    let plain = "[a-zA-Z0-9äß日][a-zA-Z0-9äß日:/._-]{0,10}[a-z0-9日]";
    let single = "[ -&(-~äß日\u{1f40b}]{0,12}".prop_map(|text| format!("'{text}'"));
    let double = "[ !#-\\[\\]-~äß日\u{1f40b}]{0,12}".prop_map(|text| format!("\"{text}\""));
    let escaped = proptest::sample::select(vec!["\"a\\tb\"", "\"\\u00e4\"", "'it''s'", "\"\\\"\"", "\"a\\\n   b\"", "'a\n   b'"]);
    prop_oneof![4 => plain.prop_map(|text| text), 2 => single, 2 => double, 1 => escaped.prop_map(str::to_owned)]
}

/// A mapping of scalars and lists of them, in block and flow style, with comments, anchors, byte-order mark and line breaks of both kinds.
fn text() -> impl Strategy<Value = String> {
    let comment = proptest::sample::select(vec!["", " # ä comment", "   #"]);
    let line = (scalar(), comment, 0..4_u8);
    (proptest::collection::vec(line, 1..12), any::<bool>(), any::<bool>()).prop_map(|(lines, has_mark, has_returns)| {
        let mut text = if has_mark { "\u{feff}".to_owned() } else { String::new() };
        for (number, (scalar, comment, form)) in lines.iter().enumerate() {
            let _ = match form {
                0 => writeln!(text, "key{number}: {scalar}{comment}"),
                1 => writeln!(text, "key{number}:{comment}\n  - {scalar}{comment}\n  -   {scalar}"),
                2 => writeln!(text, "key{number}: &a{number} {scalar}{comment}\nalias{number}: *a{number}"),
                _ => writeln!(text, "\"key{number}\": {{ä: [{scalar} , {scalar}]}}{comment}"),
            };
        }
        if has_returns { text.replace('\n', "\r\n") } else { text }
    })
}

/// All scalars of a tree: the text of each, and its bytes in the file.
fn scalars<'t>(tree: &'t Tree, id: NodeId, source: &'t Source, out: &mut Vec<(&'t str, &'t str)>) {
    match &tree.node(id).kind {
        Kind::Scalar(text, _) => out.push((text, &source.text()[tree.node(id).span.range()])),
        Kind::Sequence(items) => items.iter().for_each(|item| scalars(tree, *item, source, out)),
        Kind::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            scalars(tree, *key, source, out);
            scalars(tree, *value, source, out);
        }),
        Kind::Alias(..) => {}
    }
}

proptest! {
    #[test]
    fn the_bytes_at_a_scalars_place_read_by_themselves_give_its_value(text in text()) {
        let source = Source::new("file.yaml", text.as_str());
        let tree = parse(&source);
        prop_assume!(tree.faults.is_empty());
        let mut found = Vec::new();
        tree.documents.iter().for_each(|root| scalars(&tree, *root, &source, &mut found));
        prop_assert!(found.len() >= 2);
        for (value, written) in found {
            let alone = Source::new("scalar.yaml", written);
            let tree = parse(&alone);
            prop_assert!(tree.faults.is_empty(), "{written:?}: {:?}", tree.faults);
            prop_assert_eq!(tree.text(tree.documents[0]), Some(value), "{:?}", written);
        }
    }
}
