//! Staleness over several projects that share a policy file.

use super::*;

const TWO: [(&str, &str); 3] = [
    ("a.yaml", "services: {a: {image: i, ports: ['1:1']}}\n"),
    ("b.yaml", "services: {b: {image: i, ports: ['2:2']}}\n"),
    (POLICY, "allow: 2/tcp\nservices: {a: 1/tcp, b: 2/tcp, c: 3/tcp}\n"),
];

fn said_over(files: &Files, names: &[&str], is_whole: bool) -> Vec<String> {
    let run: Vec<_> = names.iter().map(|name| files.judged_file(name)).collect();
    let run: Vec<_> = run.iter().map(|(intent, judged)| (intent, &judged.ledger)).collect();
    said(&stale_allow::over_run(&run, &|_| is_whole).0)
}

#[test]
fn a_policy_is_held_against_all_projects_beside_it() {
    let said = said_over(&Files::of(TWO), &["a.yaml", "b.yaml"], true);
    assert_eq!(said, ["docker-firewall.yaml:2:35: the allowance 3/tcp is for a service `c` that is not there"]);
}

#[test]
fn where_only_some_files_are_checked_the_others_allowances_are_not_called_stale() {
    assert_eq!(said_over(&Files::of(TWO), &["a.yaml"], false), [""; 0]);
}

#[test]
fn what_could_not_be_read_may_be_what_is_allowed() {
    let mut files = Files::of(TWO);
    files.0.insert("b.yaml".to_owned(), "services: {b: {image: i, ports: [".to_owned());
    assert_eq!(said_over(&files, &["a.yaml", "b.yaml"], true), [""; 0]);
}

#[test]
fn a_mistake_in_a_shared_policy_is_said_once() {
    let mut files = Files::of(TWO);
    files.0.insert(POLICY.to_owned(), "allow: 2/tpc\n".to_owned());
    assert_eq!(said_over(&files, &["a.yaml", "b.yaml"], true), ["docker-firewall.yaml:1:10: `tpc` is no protocol"]);
}
