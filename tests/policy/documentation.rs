//! docs/policy.md and docs/rules/stale-allow.md do what they say.

use super::*;
use docker_firewall::judge::rules::TABLE;

struct Block<'a> {
    info: &'a str,
    text: &'a str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced.map(|fenced| fenced.split_once('\n').map(|(info, text)| Block { info, text }).unwrap()).collect()
}

fn outcome(files: &Files) -> String {
    let (intent, _) = files.judged();
    let grants = intent.grants.iter().map(|grant| format!("{} for {}", grant.allowance, grant.scope));
    grants.chain(said(&stale(files))).collect::<Vec<_>>().join("\n")
}

/// Files gather until an outcome is told; the outcome has to be what the program reads from them.
#[test]
fn every_example_reads_as_the_page_says() {
    let page = include_str!("../../docs/policy.md");
    let mut files = Files::default();
    let mut told = 0;
    for block in blocks(page) {
        match block.info.split_once(' ') {
            Some(("yaml", name)) => drop(files.0.insert(name.to_owned(), format!("{}\n", block.text))),
            Some(("text", "outcome")) => {
                assert_eq!(outcome(&files), block.text, "{:#?}", files.0);
                files = Files::default();
                told += 1;
            }
            _ => assert_eq!(block.info, "text grammar"),
        }
    }
    assert!(told >= 4, "only {told} outcomes were found");
}

#[test]
fn every_line_of_the_table_of_spellings_is_of_the_grammar() {
    use docker_firewall::read::policy::grammar::{About, list};
    let page = include_str!("../../docs/policy.md");
    let table = page.split("| Written | Allows |").nth(1).unwrap().split("\n\n").next().unwrap();
    let cells = table.lines().skip(2).filter_map(|line| line.split('|').nth(1));
    let spellings: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(spellings.len() >= 10, "{spellings:?}");
    for spelling in spellings {
        assert!(list(spelling, About::Ports).iter().all(|(_, read)| read.is_ok()), "{spelling}");
    }
}

#[test]
fn the_rules_that_an_allowance_answers_are_those_that_the_page_names() {
    let page = include_str!("../../docs/policy.md");
    let section = page.split("## What an allowance answers").nth(1).unwrap().split("It does not answer").next().unwrap();
    for rule in TABLE {
        assert_eq!(section.contains(rule.name), rule.allowable, "{}", rule.name);
    }
}

#[test]
fn the_examples_of_the_rules_page_are_found_and_not_found() {
    let page = include_str!("../../docs/rules/stale-allow.md");
    for block in blocks(page) {
        let is_found = !said_of(block.text).is_empty();
        assert_eq!(is_found, block.info == "yaml bad", "{}", block.text);
    }
}
