//! Where we knowingly read otherwise than Compose; docs/limits.md has a line for each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/loading.rs"]
mod loading;

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What we answer to a file and its overrides, and how many problems we see.
fn answer(files: &[&str]) -> (Value, usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = Vec::new();
    for (number, text) in files.iter().enumerate() {
        let name = if number == 0 { "compose.yaml".to_owned() } else { format!("{number}.yaml") };
        std::fs::write(folder.path().join(&name), text).unwrap();
        arguments.extend(["-f".to_owned(), name]);
    }
    let project = loading::load_from(folder.path(), &arguments, &BTreeMap::new());
    (loading::answer(&project), project.problems.len())
}

fn web(entries: &str) -> String {
    format!("services:\n  web:\n    image: nginx\n    ports: {entries}\n")
}

fn targets(answer: &Value) -> Vec<&Value> {
    answer["web"]["ports"].as_array().unwrap().iter().map(|port| &port["target"]).collect()
}

#[test]
fn an_entry_that_a_later_layer_takes_away_is_not_checked() {
    let (answer, problems) = answer(&[&web("[\"8080:80-82\"]"), "services: {web: {ports: !override [\"80:80\"]}}\n"]);
    assert_eq!((targets(&answer), problems), (vec![&json!(80)], 0));
}

#[test]
fn a_binary_entry_is_refused() {
    let (answer, problems) = answer(&[&web("[!!binary ODA=, \"81\"]")]);
    assert_eq!((targets(&answer), problems), (vec![&json!(81)], 1));
}

#[test]
fn a_target_with_a_fraction_is_the_same_as_one_without() {
    let (answer, problems) = answer(&[&web("[{target: 80.0, published: \"8080\"}, \"8080:80\"]")]);
    assert_eq!((targets(&answer), problems), (vec![&json!(80)], 0));
}

#[test]
fn a_target_beyond_64_bits_is_refused() {
    let (answer, problems) = answer(&[&web("[{target: 99999999999999999999}, \"81\"]")]);
    assert_eq!((targets(&answer), problems), (vec![&json!(81)], 1));
}

#[test]
fn an_empty_list_beside_extends_of_a_file_inherits() {
    let text = web("") + "    extends: {file: compose.yaml, service: base}\n  base: {image: nginx, ports: [\"80:80\"]}\n";
    let (answer, problems) = answer(&[&text]);
    assert_eq!((targets(&answer), problems), (vec![&json!(80)], 0));
}

#[test]
fn a_profile_that_is_a_number_is_taken_as_a_text() {
    let (answer, problems) = answer(&["services: {web: {image: nginx, profiles: [80], ports: [\"80:80\"]}}\n"]);
    assert_eq!((answer, problems), (json!({}), 0));
}

#[test]
fn services_of_the_first_format_are_named_as_a_problem_and_not_read() {
    let (answer, problems) = answer(&["web: {image: nginx, ports: [\"80:80\"]}\n"]);
    assert_eq!((answer, problems), (json!({}), 1));
}

#[test]
fn of_three_equal_entries_in_two_forms_the_last_one_counts() {
    let (answer, problems) = answer(&[&web("[\"80:80\", {target: 80, published: \"80\", mode: host}, \"80:80\"]")]);
    assert_eq!((&answer["web"]["ports"][0]["mode"], problems), (&json!("ingress"), 0));
}
