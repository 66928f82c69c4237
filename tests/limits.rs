//! docs/limits.md names tests that are there, and every case in which versions of Compose differ.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let page = read("docs/limits.md");
    let words = page.split('`').skip(1).step_by(2);
    let named: Vec<(&str, &str)> =
        words.filter_map(|word| word.split_once("::")).filter(|(file, _)| file.ends_with(".rs")).collect();
    assert!(named.len() > 5, "{named:?}");
    for (file, test) in named {
        assert!(read(&format!("tests/{file}")).contains(&format!("fn {test}()")), "{file}::{test}");
    }
}

#[test]
fn every_case_in_which_versions_of_compose_differ_is_on_the_page() {
    let page = read("docs/limits.md");
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/compose/reference")).unwrap() {
        let expected = folder.unwrap().path().join("expected.json");
        let Ok(text) = fs::read_to_string(&expected) else { continue };
        let name = expected.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let is_named = page.contains(&format!("`{name}`"));
        assert_eq!(text.contains("\"newer\""), is_named, "{name}");
    }
}
