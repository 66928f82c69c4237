#![allow(clippy::unwrap_used)]
use super::*;
use crate::report::sample::project;
use crate::report::visible::width;
use proptest::prelude::*;

fn table(which: Which, style: Style) -> String {
    let mut out = Vec::new();
    write(&project(), which, &Audience::as_written, &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn terminal(width: usize) -> Style {
    Style { is_terminal: true, width, ..Style::default() }
}

#[test]
fn a_pipe_gets_every_cell_whole() {
    insta::assert_snapshot!(table(Which::All, Style::default()), @r#"
    SERVICE             HOST             TARGET          REACH               CERTAINTY   SOURCE
    api                 *:9000-9002      9000-9002/tcp   everywhere          literal     deploy/production/compose.yaml:3
    api                 127.0.0.1:8080   8080/tcp        this host           literal     deploy/production/compose.yaml:3
    dns                 [::]:53          53/udp          everywhere (IPv6)   literal     deploy/production/compose.yaml:3
    dns                 192.0.2.7:853    853/tcp         one address         env         common.yml:3
    trick␛[2J [debug]   *:?              80/tcp          everywhere          literal     deploy/production/compose.yaml:3
    "#);
}

#[test]
fn dormant_services_are_listed_only_when_asked_for() {
    assert!(!table(Which::Enabled, Style::default()).contains("debug"));
}

#[test]
fn a_terminal_gets_a_table_that_fits() {
    insta::assert_snapshot!(table(Which::All, terminal(80)), @r#"
    SERVICE      HOST             TARGET          REACH               SOURCE
    api          *:9000-9002      9000-9002/tcp   everywhere          depl…se.yaml:3
    api          127.0.0.1:8080   8080/tcp        this host           depl…se.yaml:3
    dns          [::]:53          53/udp          everywhere (IPv6)   depl…se.yaml:3
    dns          192.0.2.7:853    853/tcp         one address         common.yml:3
    tri…debug]   *:?              80/tcp          everywhere          depl…se.yaml:3
    "#);
    insta::assert_snapshot!(table(Which::All, terminal(50)), @r#"
    SERVICE         HOST             REACH
    api             *:9000-9002      everywhere
    api             127.0.0.1:8080   this host
    dns             [::]:53          everywhere (IPv6)
    dns             192.0.2.7:853    one address
    tric… [debug]   *:?              everywhere
    "#);
}

#[test]
fn colours_stand_for_the_reach() {
    let text = table(Which::Enabled, Style { colour: true, ..Style::default() });
    assert!(text.contains("\u{1b}[31meverywhere\u{1b}[0m"), "{text}");
    assert!(text.contains("\u{1b}[32mthis host\u{1b}[0m"), "{text}");
}

#[test]
fn the_judge_has_the_last_word_on_the_reach() {
    let mut out = Vec::new();
    write(&project(), Which::Enabled, &|_, _| Audience::Nobody, &Style::default(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!((text.matches("nobody").count(), text.matches("everywhere").count()), (4, 0), "{text}");
}

#[test]
fn a_project_without_ports_has_headings_alone() {
    let mut out = Vec::new();
    write(&Project::default(), Which::All, &Audience::as_written, &Style::default(), &mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "SERVICE   HOST   TARGET   REACH   CERTAINTY   SOURCE\n");
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_terminal(columns in 20_usize..200) {
        for line in table(Which::All, terminal(columns)).lines() {
            prop_assert!(width(line) <= columns, "{} > {columns}: {line}", width(line));
        }
    }
}
