//! The pages of docs/rules are true: `bad` blocks are found, at the lines marked `# <- here`, `good` blocks are not, and `fixed` is what
//! the fix makes of the `bad` block before it.
//!
//! A fence says what its block is: ```` ```yaml bad ````; one without such a word is no project. A block with `file=NAME` belongs to the
//! project of the block before it.

use crate::memory::{Files, at};
use docker_firewall::judge::rules::{Rule, TABLE};
use docker_firewall::model::finding::Finding;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MARK: &str = "# <- here";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Bad,
    Good,
    Fixed,
}

/// One project of a page.
#[derive(Debug)]
struct Example {
    verdict: Verdict,
    /// Paths and texts.
    files: Vec<(String, String)>,
}

impl Example {
    fn project(&self) -> Files {
        self.files.iter().fold(Files::default(), |files, (path, text)| files.with(path, text))
    }

    fn marked(&self) -> BTreeSet<(String, u32)> {
        let lines =
            self.files.iter().flat_map(|(path, text)| text.lines().zip(1..).map(move |(line, number)| (path, line, number)));
        lines.filter(|(_, line, _)| line.contains(MARK)).map(|(path, _, number)| (path.clone(), number)).collect()
    }
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else { continue };
        let mut words = fence.split_whitespace().skip(1);
        let verdict = words.next();
        let name = words.next().and_then(|word| word.strip_prefix("file="));
        let text: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        let verdict = match verdict {
            None => continue,
            Some("bad") => Verdict::Bad,
            Some("good") => Verdict::Good,
            Some("fixed") => Verdict::Fixed,
            Some(other) => panic!("a block of a rule's page is bad, good or fixed, not {other}"),
        };
        let file = (name.unwrap_or("compose.yaml").to_owned(), text);
        match examples.last_mut().filter(|last| name.is_some() && last.verdict == verdict && verdict != Verdict::Fixed) {
            Some(last) => last.files.push(file),
            None => examples.push(Example { verdict, files: vec![file] }),
        }
    }
    examples
}

fn found(rule: &Rule, example: &Example) -> Vec<Finding> {
    example.project().findings().into_iter().filter(|finding| finding.rule == rule.name).collect()
}

#[test]
fn bad_blocks_are_found_at_the_marked_lines() {
    for rule in TABLE.iter().filter(|rule| rule.project.is_some()) {
        let bad: Vec<Example> = examples(rule.page).into_iter().filter(|example| example.verdict == Verdict::Bad).collect();
        assert!(!bad.is_empty(), "{} has no bad example", rule.name);
        for example in bad {
            let findings = found(rule, &example);
            assert!(!findings.is_empty(), "{} does not find {example:#?}", rule.name);
            let marked = example.marked();
            let places: BTreeSet<_> = findings.iter().map(at).collect();
            assert!(marked.is_empty() || places == marked, "{}: {places:?} is found, {marked:?} is marked", rule.name);
        }
    }
}

#[test]
fn good_blocks_are_not_found() {
    for rule in TABLE.iter().filter(|rule| rule.project.is_some()) {
        let good: Vec<Example> = examples(rule.page).into_iter().filter(|example| example.verdict == Verdict::Good).collect();
        assert!(!good.is_empty(), "{} has no good example", rule.name);
        for example in good {
            let findings = found(rule, &example);
            assert!(findings.is_empty(), "{} finds {findings:#?} in {example:#?}", rule.name);
        }
    }
}

#[test]
fn fixed_blocks_are_what_the_fix_makes_of_the_bad_blocks_before_them() {
    let mut pages = 0;
    for rule in TABLE {
        let examples = examples(rule.page);
        for pair in examples.windows(2).filter(|pair| pair[1].verdict == Verdict::Fixed) {
            assert_eq!(pair[0].verdict, Verdict::Bad, "{}: a fixed block follows a bad one", rule.name);
            let (texts, mended) = pair[0].project().fixed();
            assert!(mended > 0, "{}: no fix is offered for {:#?}", rule.name, pair[0]);
            for (path, text) in &pair[1].files {
                assert_eq!(&texts[path], text, "{}", rule.name);
            }
            pages += 1;
        }
    }
    assert!(pages > 4, "{pages} pages have a fix");
}

#[test]
fn every_rule_has_a_page_and_every_page_a_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let pages: BTreeSet<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let wanted: BTreeSet<PathBuf> = TABLE.iter().map(|rule| folder.join(rule.name).with_extension("md")).collect();
    assert_eq!(pages, wanted);
}

#[test]
fn a_page_bears_its_rule_s_name_and_says_its_level_and_the_comment_that_allows_it_as_they_are() {
    for rule in TABLE {
        assert_eq!(rule.page.lines().next(), Some(format!("# {}", rule.name).as_str()));
        let level = rule.page.split_once("\nDefault level: ").map(|(_, rest)| rest.split([';', '.']).next().unwrap());
        assert!(level.is_none_or(|level| level == rule.level.name()), "{}: {level:?}", rule.name);
        let comment = format!("# docker-firewall: allow {} -- ", rule.name);
        if rule.project.is_some() {
            assert_eq!(rule.page.contains("## How to allow it"), rule.page.contains(&comment), "{}", rule.name);
        }
    }
}

#[test]
fn the_table_is_in_the_order_of_its_names() {
    assert!(TABLE.is_sorted_by_key(|rule| rule.name));
}
