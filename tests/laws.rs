//! Laws: what holds for every compose file, tried on generated ones. Code that carries such a duty says `// Law: <name>`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod memory;

use docker_firewall::read::compose::load;
use memory::{Memory, bindings, edits, fixed, only_own_bytes, open_ports, refusals, request};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(texts)
}

/// A short entry as a text, in all its forms; now and then one that Compose refuses.
fn short() -> impl Strategy<Value = String> {
    let address = one_of(&[
        "0.0.0.0:",
        "127.0.0.1:",
        "[::]:",
        "[::1]:",
        "192.0.2.1:",
        "${A}:",
        "$A:",
        "${A:-0.0.0.0}:",
        "${A-}:",
        "${A:-127.0.0.1}:",
        "${SET}:",
        "${BLANK-127.0.0.1}:",
        "${A:-${B}}:",
        "${A:+x}:",
    ]);
    let host = one_of(&["8080:", "8081:", "8000-8001:", "${P:-8082}:", "$P:"]);
    let container = one_of(&["80", "81", "82", "${C:-80}"]);
    let protocol = one_of(&["", "", "/udp", "/TCP", "/"]);
    let rare =
        one_of(&["80-81", "8000-8001:80-81", "::80", ":80:80", ":::80:80", "0120:80", "${HOLDS}80", "${C:-80}", "0x50:80"]);
    let usual = (proptest::option::of(address), host, container, protocol).prop_map(|(address, host, container, protocol)| {
        let address = address.unwrap_or_default();
        format!("{address}{host}{container}{protocol}")
    });
    let alone = one_of(&["80", "81/udp", "${A}8080:80"]).prop_map(str::to_owned);
    prop_oneof![8 => usual, 2 => alone, 1 => rare.prop_map(str::to_owned)]
}

/// An item of a list as it is written; `{indent}` stands for the indentation of a second line.
fn item(is_flow: bool) -> impl Strategy<Value = String> {
    let quoted = short().prop_map(|text| format!("\"{text}\""));
    let single = short().prop_map(|text| format!("'{text}'"));
    let plain = short().prop_map(move |text| {
        let is_plain = !text.starts_with('[') && !(is_flow && (text.contains(['{', '[']) || text.starts_with(':')));
        if is_plain { text } else { format!("'{text}'") }
    });
    let number = (1_u16..=9).prop_map(|number| number.to_string());
    let anchored = (short(), one_of(&["&p ", "&q "])).prop_map(|(text, anchor)| format!("{anchor}\"{text}\""));
    let alias = one_of(&["*p", "*q"]).prop_map(str::to_owned);
    prop_oneof![12 => quoted, 4 => single, 12 => plain, 4 => number, 4 => anchored, 1 => alias, 12 => long(is_flow)]
}

/// A long entry in flow style, or in block style where that is possible.
fn long(is_flow: bool) -> impl Strategy<Value = String> {
    let host_ip = one_of(&["", "", "host_ip: 0.0.0.0", "host_ip: '::'", "host_ip: 127.0.0.1", "host_ip: \"${A:-0.0.0.0}\""]);
    let published = one_of(&["", "published: 8080", "published: \"8081\"", "published: \"${P:-8082}\""]);
    let target = one_of(&["target: 80", "target: \"81\"", "target: &p 82"]);
    let rest = one_of(&["", "protocol: udp", "mode: host"]);
    let pairs = (host_ip, published, target, rest, any::<bool>()).prop_map(|(host_ip, published, target, rest, target_first)| {
        let order = if target_first { [target, published, host_ip, rest] } else { [host_ip, published, target, rest] };
        order.into_iter().filter(|pair| !pair.is_empty()).collect::<Vec<_>>()
    });
    (pairs, any::<bool>()).prop_map(move |(pairs, braces)| {
        if is_flow || braces { format!("{{ {} }}", pairs.join(", ")) } else { pairs.join("\n{indent}") }
    })
}

/// A `ports` list with what follows its key.
fn list() -> impl Strategy<Value = String> {
    let comment = one_of(&["", "", "  # why: 80:80", " # ä"]);
    let block = (proptest::collection::vec((item(false), comment), 1..5), one_of(&["", " &list"])).prop_map(|(items, anchor)| {
        let mut text = format!("{anchor}\n");
        for (item, comment) in items {
            let item = item.replacen('\n', &format!("{comment}\n"), 1).replace("{indent}", "        ");
            let comment = if item.contains('\n') { "" } else { comment };
            writeln!(text, "      - {item}{comment}").unwrap();
        }
        text
    });
    let flow = proptest::collection::vec(item(true), 1..4).prop_map(|items| format!(" [{} ]\n", items.join(" , ")));
    prop_oneof![9 => block, 3 => flow, 1 => Just(" *list\n".to_owned())]
}

/// A project: a compose file with up to three services, perhaps an override, and an env file.
fn project() -> impl Strategy<Value = Memory> {
    let base = proptest::collection::vec(list(), 1..4).prop_map(|lists| file(&lists));
    let over = proptest::option::of(list().prop_map(|list| file(&[list])));
    (base, over, any::<bool>(), any::<bool>()).prop_map(|(base, over, crlf, bom)| {
        let dress = |text: String| {
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            if bom { format!("\u{feff}{text}") } else { text }
        };
        let mut files = vec![("compose.yaml", dress(base)), (".env", "SET=0.0.0.0\nBLANK=\nHOLDS=127.0.0.1:9090:\n".to_owned())];
        files.extend(over.map(|over| ("compose.override.yaml", dress(over))));
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        Memory::of(&files)
    })
}

fn file(lists: &[String]) -> String {
    let mut text = "# ports\nservices:\n".to_owned();
    for (index, list) in lists.iter().enumerate() {
        write!(text, "  s{index}:\n    image: x # image\n    ports:{list}").unwrap();
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_subject(files in project()) {
        let before = load(&request(), &files);
        let findings = fixed(&request(), &files);
        let bound: Vec<_> = findings.iter().filter(|finding| matches!(finding.fix, Some(Ok(_)))).collect();
        let after = load(&request(), &files.edited(&findings));
        prop_assert_eq!(bindings(&after, &[]), bindings(&before, &bound));
        prop_assert_eq!(bound.len() + refusals(&findings).len(), open_ports(&before).len());
    }

    #[test]
    fn only_own_bytes_change(files in project()) {
        let findings = fixed(&request(), &files);
        let edited = files.edited(&findings);
        for name in ["compose.yaml", ".env"] {
            let own = edits(&findings).into_iter().filter(|edit| edit.place.path().ends_with(name));
            prop_assert!(only_own_bytes(files.text(name), edited.text(name), own));
        }
    }

    #[test]
    fn fixed_once(files in project()) {
        let edited = files.edited(&fixed(&request(), &files));
        let again = fixed(&request(), &edited);
        prop_assert_eq!(edited.edited(&again), edited);
    }
}

/// All names after `// Law: ` in the sources under `folder`.
fn laws_in(folder: &Path, laws: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            laws_in(&path, laws);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            laws.extend(text.lines().filter_map(|line| line.trim().strip_prefix("// Law: ")).map(|name| name.replace('-', "_")));
        }
    }
}

#[test]
fn every_property_here_is_a_law_in_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut written = BTreeSet::new();
    laws_in(&root.join("src"), &mut written);
    let here = std::fs::read_to_string(root.join(file!())).unwrap();
    let tried =
        here.lines().filter_map(|line| line.strip_prefix("    fn ")?.split_once("(files in ")).map(|(name, _)| name.to_owned());
    // Laws that are tried elsewhere: `layers.rs` asks that none goes without a test.
    let strange: Vec<String> = tried.filter(|name| !written.contains(name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
}
