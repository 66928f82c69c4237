#![allow(clippy::unwrap_used)]
use crate::model::finding::{Edit, Finding, Fix, HostSummary, Level, OnHost, Related, Summary};
use crate::model::source::{Place, Source, Span};
use crate::model::verdict::Verdict;
use crate::report::Format;
use crate::report::sample::{finding, findings, insertion, on_host, place, place_of, summary, view, written};
use crate::report::style::Style;
use crate::report::visible::is_hidden;
use proptest::prelude::*;
use std::path::PathBuf;

/// The screen of one finding.
fn screen(finding: Finding, style: Style) -> String {
    written(&[finding], Summary::default(), Format::Text, &Style { quiet: true, ..style })
}

fn terminal(width: usize) -> Style {
    Style { is_terminal: true, width, ..Style::default() }
}

#[test]
fn findings_stand_in_the_order_of_their_places_and_end_in_a_sum() {
    insta::assert_snapshot!(written(&findings(), summary(), Format::Text, &Style::default()), @r#"
    warning[inherited-publication]: port 5432/tcp of db comes from base
     --> common.yml:3:14
      |
    3 |     ports: [ 5432:5432 ]
      |              ^^^^^^^^^ published for every service that extends base
      |
      = note: no fix is offered: other services inherit the same entry
    note: db extends base here
     --> deploy/compose.yaml:5:16
      |
    5 |       service: base
      |                ----

    error[published-on-all-interfaces]: port 8080/tcp of web is open on every interface
     --> deploy/compose.yaml:5:10
      |
    5 |       - "8080:80" # shop
      |          ^^^^^^^ anyone who reaches this host, by IPv4 and IPv6
      |
      = help: bind it to 127.0.0.1, or say that it is meant: `x-docker-firewall: 8080/tcp`
    help: bind to 127.0.0.1
      |
    5 |       - "127.0.0.1:8080:80" # shop
      |          ++++++++++

    note[coverage-gap]: the file cannot be read: its ports are unknown
    --> deploy/missing.yml

    1 error, 1 warning, 1 note in 3 files; 1 can be fixed with --fix; 1 could not be read
    "#);
}

#[test]
fn nothing_found_says_what_was_looked_at() {
    let summary = Summary { files: 4, services: 9, publications: 12, allowed: 2, ..Summary::default() };
    assert_eq!(
        written(&[], summary, Format::Text, &Style::default()),
        "no findings: 12 publications of 9 services in 4 files; 2 allowed\n"
    );
}

#[test]
fn a_sum_that_is_too_wide_for_the_terminal_breaks_between_its_parts() {
    let sum = written(&findings(), summary(), Format::Text, &terminal(50));
    insta::assert_snapshot!(sum.lines().rev().take(3).collect::<Vec<_>>().join("\n"), @r#"
    1 could not be read
    1 can be fixed with --fix;
    1 error, 1 warning, 1 note in 3 files;
    "#);
}

#[test]
fn what_a_host_publishes_is_counted_beside_the_files() {
    let host = |ports, bypasses, unsure| Some(HostSummary { containers: 9, ports, bypasses, unsure });
    let line = |summary| written(&[], summary, Format::Text, &Style::default());
    let whole = Summary { host: host(12, 0, 0), ..Summary::default() };
    assert_eq!(line(whole), "no findings: 12 published ports of 9 containers on this host\n");
    let both = Summary { files: 1, services: 2, publications: 3, host: host(1, 1, 0), ..Summary::default() };
    assert_eq!(
        line(both),
        "no findings: 3 publications of 2 services in 1 file, 1 published port of 9 containers on this host: 1 bypasses the host firewall\n"
    );
    let found = Summary { errors: 1, notes: 1, host: host(12, 3, 2), ..Summary::default() };
    let text = written(&on_host(), found, Format::Text, &Style::default());
    let last = "1 error, 1 note on this host; 12 published ports of 9 containers: 3 bypass the host firewall, 2 cannot be told";
    assert_eq!(text.lines().next_back(), Some(last));
}

#[test]
fn quiet_leaves_the_findings_alone() {
    assert_eq!(written(&[], summary(), Format::Text, &Style { quiet: true, ..Style::default() }), "");
}

#[test]
fn a_long_line_is_cut_around_the_caret_and_a_label_that_does_not_fit_becomes_a_note() {
    let ports = (1000..1040).map(|port| if port == 1020 { format!("«\"{port}:80\"»") } else { format!("\"{port}:80\"") });
    let line = format!("services: {{ web: {{ ports: [{}] }} }}\n", ports.collect::<Vec<_>>().join(", "));
    let place = place("compose.yaml", &line);
    let short = finding(&place, "web", "port 1020/tcp of web is open", "to everyone");
    insta::assert_snapshot!(screen(short, terminal(60)), @r#"
    error[published-on-all-interfaces]:
        port 1020/tcp of web is open
     --> compose.yaml:1:248
      |
    1 | ...17:80", "1018:80", "1019:80", "1020:80", "1021:80"...
      |                                  ^^^^^^^^^ to everyone
    "#);
    let long = finding(
        &place,
        "web",
        "port 1020/tcp of web is open",
        "to everyone who reaches this host, by IPv4 and by IPv6, past its firewall",
    );
    insta::assert_snapshot!(screen(long, terminal(60)), @r#"
    error[published-on-all-interfaces]:
        port 1020/tcp of web is open
     --> compose.yaml:1:248
      |
    1 | ...17:80", "1018:80", "1019:80", "1020:80", "1021:80"...
      |                                  ^^^^^^^^^
      |
      = note: to everyone who reaches this host, by IPv4 and by
              IPv6, past its firewall
    "#);
}

#[test]
fn prose_is_folded_on_a_terminal_only() {
    let mut long = finding(
        &place("compose.yaml", "ports: [«8080:80»]"),
        "web",
        "port 8080/tcp of web is open on every interface of this host, by IPv4 and by IPv6",
        "",
    );
    long.help.push(
        "bind it to 127.0.0.1 and let a reverse proxy on the host speak to the world, or say that it is meant to be open".into(),
    );
    insta::assert_snapshot!(screen(long.clone(), terminal(80)), @r#"
    error[published-on-all-interfaces]: port 8080/tcp of web is open on every
                                        interface of this host, by IPv4 and by IPv6
     --> compose.yaml:1:9
      |
    1 | ports: [8080:80]
      |         ^^^^^^^
      |
      = help: bind it to 127.0.0.1 and let a reverse proxy on the host speak to the
              world, or say that it is meant to be open
    "#);
    assert!(screen(long, Style::default()).lines().any(|line| line.ends_with("by IPv4 and by IPv6")));
}

#[test]
fn on_a_narrow_terminal_the_message_goes_below_the_rule() {
    let place = place("compose.yaml", "services:\n  web:\n    ports:\n      - «\"8080:80\"»\n");
    let mut open = finding(&place, "web", "port 8080/tcp of web is open on every interface", "anyone who reaches this host");
    open.help.push("write `127.0.0.1:8080:80` if only this host needs it".into());
    insta::assert_snapshot!(screen(open.clone(), terminal(40)), @r#"
    error[published-on-all-interfaces]:
        port 8080/tcp of web is open on
        every interface
     --> compose.yaml:4:9
      |
    4 |       - "8080:80"
      |         ^^^^^^^^^
      |
      = note: anyone who reaches this host
      = help: write `127.0.0.1:8080:80` if
              only this host needs it
    "#);
    let coloured = screen(open.clone(), Style { colour: true, ..terminal(40) });
    let plain: String = coloured
        .split('\u{1b}')
        .map(|part| part.split_once('m').filter(|_| part.starts_with('[')).map_or(part, |(_, text)| text))
        .collect();
    assert_eq!(plain, screen(open, terminal(40)), "colours change nothing else");
}

#[test]
fn of_an_entry_with_several_lines_the_first_is_shown() {
    let place = place("compose.yaml", "ports:\n  - «target: 80\n    published: 8080\n  »- 90\n");
    let mut long = finding(&place, "web", "port 8080/tcp of web is open", "on every interface");
    long.fix = insertion(&place, "bind to 127.0.0.1", "host_ip: 127.0.0.1\n    ");
    insta::assert_snapshot!(screen(long, Style::default()), @r#"
    error[published-on-all-interfaces]: port 8080/tcp of web is open
     --> compose.yaml:2:5
      |
    2 |   - target: 80
      |     ^^^^^^^^^^ on every interface
      |
    help: bind to 127.0.0.1
      |
    2 ~   - host_ip: 127.0.0.1
    3 ~     target: 80
      |
    "#);
}

#[test]
fn a_fix_of_several_places_shows_each_and_a_large_one_is_only_named() {
    let first = place("compose.yaml", "a: [«80:80», 81:81]\nb: [82:82]\n");
    let edit =
        |place: Place| Edit { place: place.with_span(Span { end: place.span.start, ..place.span }), replacement: "::1:".into() };
    let other = place("other.yaml", "c: [«90:90»]\n");
    let edits = vec![edit(first.clone()), edit(place_of(&first, "81:81")), edit(place_of(&first, "82:82"))];
    let mut open = finding(&first, "a", "port 80/tcp of a is open", "");
    open.fix = Some(Ok(Fix { title: "bind all".into(), edits: edits.clone() }));
    insta::assert_snapshot!(screen(open.clone(), Style::default()), @r#"
    error[published-on-all-interfaces]: port 80/tcp of a is open
     --> compose.yaml:1:5
      |
    1 | a: [80:80, 81:81]
      |     ^^^^^
      |
    help: bind all
      |
    1 | a: [::1:80:80, 81:81]
      |     ++++
    1 | a: [80:80, ::1:81:81]
      |            ++++
    2 | b: [::1:82:82]
      |     ++++
    "#);
    open.fix = Some(Ok(Fix { title: "bind both".into(), edits: vec![edits[0].clone(), edit(other.clone())] }));
    insta::assert_snapshot!(screen(open.clone(), Style::default()), @r#"
    error[published-on-all-interfaces]: port 80/tcp of a is open
     --> compose.yaml:1:5
      |
    1 | a: [80:80, 81:81]
      |     ^^^^^
      |
    help: bind both
      |
    1 | a: [::1:80:80, 81:81]
      |     ++++
     --> other.yaml:1:5
      |
    1 | c: [::1:90:90]
      |     ++++
    "#);
    open.fix = Some(Ok(Fix { title: "bind all four".into(), edits: [edits, vec![edit(other)]].concat() }));
    insta::assert_snapshot!(screen(open, Style::default()), @r#"
    error[published-on-all-interfaces]: port 80/tcp of a is open
     --> compose.yaml:1:5
      |
    1 | a: [80:80, 81:81]
      |     ^^^^^
      |
    help: bind all four
    "#);
}

#[test]
fn a_label_becomes_a_note_before_the_line_loses_its_start() {
    let place = place("compose.yaml", "services:\n  web:\n    ports:\n      - «\"8080:80\"»\n");
    let open = finding(&place, "web", "port 8080/tcp of web is open", "anyone who reaches this host, by IPv4 and IPv6");
    insta::assert_snapshot!(screen(open, terminal(60)), @r#"
    error[published-on-all-interfaces]:
        port 8080/tcp of web is open
     --> compose.yaml:4:9
      |
    4 |       - "8080:80"
      |         ^^^^^^^^^
      |
      = note: anyone who reaches this host, by IPv4 and IPv6
    "#);
}

#[test]
fn tabs_wide_characters_and_a_byte_order_mark_leave_the_caret_in_place() {
    let place = place("compose.yaml", "\u{feff}日本: {ports:\t[«8080:80»]}\r\nb: 1\r\n");
    let mut open = finding(&place, "日本", "port 8080/tcp of 日本 is open", "on every interface");
    open.fix = insertion(&place, "bind to 127.0.0.1", "127.0.0.1:");
    insta::assert_snapshot!(screen(open, Style::default()), @r#"
    error[published-on-all-interfaces]: port 8080/tcp of 日本 is open
     --> compose.yaml:1:14
      |
    1 | 日本: {ports:    [8080:80]}
      |                   ^^^^^^^ on every interface
      |
    help: bind to 127.0.0.1
      |
    1 | 日本: {ports:    [127.0.0.1:8080:80]}
      |                   ++++++++++
    "#);
}

#[test]
fn a_place_without_width_has_a_caret() {
    insta::assert_snapshot!(screen(finding(&place("a.yml", "ports:«»\n"), "web", "the ports of web are empty", ""), Style::default()), @r#"
    error[published-on-all-interfaces]: the ports of web are empty
     --> a.yml:1:7
      |
    1 | ports:
      |       ^
    "#);
}

#[test]
fn hostile_text_is_shown_and_not_obeyed() {
    let place = place("a\u{1b}]0;x\u{7}.yml", "«\"80\u{202e}:08\u{1b}[2J\"» # x\n");
    let mut odd = finding(&place, "web", "port of we\rb\u{9b}1m", "a\nb");
    odd.related.push(Related { place, message: "zero\u{200b}width".into() });
    insta::assert_snapshot!(screen(odd, Style::default()), @r#"
    error[published-on-all-interfaces]: port of we␍b�1m
     --> a␛]0;x␇.yml:1:1
      |
    1 | "80�:08␛[2J" # x
      | ^^^^^^^^^^^^ a␊b
      |
    note: zero�width
     --> a␛]0;x␇.yml:1:1
      |
    1 | "80�:08␛[2J" # x
      | ------------
    "#);
}

#[test]
fn colours_follow_the_level() {
    let mut warned = finding(&place("a.yml", "«80»\n"), "web", "open", "");
    warned.level = Level::Warn;
    insta::assert_snapshot!(screen(warned, Style { colour: true, ..Style::default() }).replace('\u{1b}', "^"), @r#"
    ^[1m^[33mwarning[published-on-all-interfaces]^[0m^[1m: open^[0m
     ^[1m^[94m--> ^[0ma.yml:1:1
      ^[1m^[94m|^[0m
    ^[1m^[94m1^[0m ^[1m^[94m|^[0m 80
      ^[1m^[94m|^[0m ^[1m^[33m^^^[0m
    "#);
}

/// A text with its colours taken away again.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        let end = part.find(|character: char| !character.is_ascii_digit() && character != ';').unwrap();
        assert!(part[end..].starts_with('m'), "no colour: {part:?}");
        plain + &part[end + 1..]
    })
}

proptest! {
    #[test]
    fn no_hidden_character_passes(
        path in "\\PC{0,9}|[\\x00-\\x1f\\x7f-\\x9f\u{202e}\u{2066}\u{200b}/a]{1,9}",
        text in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f\u{202e}\u{2066}\u{200b}\u{feff}a:]){0,60}",
        word in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f\u{202e}\u{2066}\u{200b}a ]){0,30}",
        cut in (0_usize..100, 0_usize..100), colour: bool, is_terminal: bool, columns in 10_usize..120,
    ) {
        let at = |share: usize| {
            let offset = (0..=text.len() * share / 100).rev().find(|offset| text.is_char_boundary(*offset)).unwrap();
            u32::try_from(offset).unwrap()
        };
        let span = Span { start: at(cut.0.min(cut.1)), end: at(cut.0.max(cut.1)) };
        let place = Place { source: Source::new(path, text.clone()), span };
        let mut odd = finding(&place, &word, &word, &word);
        odd.help.push(word.clone());
        odd.related.push(Related { place: place.clone(), message: word.clone() });
        odd.fix = insertion(&place, &word, &word);
        let mut seen = view(&word, "192.0.2.1", (Verdict::Open, Verdict::Closed), &[]);
        (seen.decided_by, seen.meant_by) = (Some(word.clone()), Some(format!("{word} and another")));
        let (container, publication) = (Some(word.clone()), Some(word.clone()));
        let host = OnHost { container, publication, views: vec![seen], ..OnHost::default() };
        odd.on_host = Some(host.clone());
        let part = OnHost { container: None, publication: None, part: Some(word.clone()), ..host.clone() };
        let fileless = |on_host| Finding { path: PathBuf::new(), place: None, fix: None, on_host: Some(on_host), ..odd.clone() };
        let all = [odd.clone(), fileless(host), fileless(part)];
        let style = Style { colour, is_terminal, width: columns, quiet: false };
        for format in [Format::Text, Format::Json, Format::Sarif, Format::Github, Format::Gitlab, Format::Junit] {
            let shown = written(&all, summary(), format, &style);
            let plain = if colour && format == Format::Text { without_colours(&shown) } else { shown };
            prop_assert!(!plain.chars().any(|character| character != '\n' && is_hidden(character)), "{format:?} {plain:?}");
        }
    }
}
