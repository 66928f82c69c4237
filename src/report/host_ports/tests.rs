#![allow(clippy::unwrap_used)]
use super::*;
use crate::report::sample::openings;
use crate::report::visible::{is_hidden, width};
use proptest::prelude::*;
use serde_json::Value;

fn table(style: Style) -> String {
    let mut out = Vec::new();
    write(&openings(), &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn terminal(width: usize) -> Style {
    Style { is_terminal: true, width, ..Style::default() }
}

#[test]
fn a_pipe_gets_one_line_a_port_with_everything() {
    insta::assert_snapshot!(table(Style::default()), @r#"
    PORT           CONTAINER    BIND          TARGET  MEANT         IPV4          IPV6  WHY
    5432/tcp       trick␛[2J"\  127.0.0.1     82      closed        closed        -     only this host reaches loopback
    7000/tcp       limited      0.0.0.0       80      unsure        unsure        -     ip filter: -A INPUT -m recent --name x: it cannot be told whether this fits
    8080/tcp       web          *             80      closed        open          open  bypass: DNAT before zone public
    8443/tcp       shop-web-1   192.0.2.1     83      LAN only      LAN only      -     permitted by ufw
    9000-9002/tcp  range        0.0.0.0       80-82   open on lan0  open on lan0  -     permitted by zone internal
    any            hostnet      host network  -       -             -             -     listens on the host itself, behind its firewall
    any            lan          192.0.2.50    -       -             -             -     in the network outside by itself, past the host's firewall
    "#);
}

#[test]
fn a_wide_terminal_has_the_reasons_beside_and_a_narrow_one_below_those_that_matter() {
    insta::assert_snapshot!(table(terminal(130)), @r#"
    PORT           CONTAINER    BIND          TARGET  MEANT         IPV4          IPV6  WHY
    5432/tcp       trick␛[2J"\  127.0.0.1     82      closed        closed        -     only this host reaches loopback
    7000/tcp       limited      0.0.0.0       80      unsure        unsure        -     ip filter: -A INPUT -m recent --name x: it
                                                                                        cannot be told whether this fits
    8080/tcp       web          *             80      closed        open          open  bypass: DNAT before zone public
    8443/tcp       shop-web-1   192.0.2.1     83      LAN only      LAN only      -     permitted by ufw
    9000-9002/tcp  range        0.0.0.0       80-82   open on lan0  open on lan0  -     permitted by zone internal
    any            hostnet      host network  -       -             -             -     listens on the host itself, behind its
                                                                                        firewall
    any            lan          192.0.2.50    -       -             -             -     in the network outside by itself, past the
                                                                                        host's firewall
    "#);
    insta::assert_snapshot!(table(terminal(60)), @r#"
    PORT           CONTAINER  BIND          MEANT   IPV4    IPV6
    5432/tcp       tr…␛[2J"\  127.0.0.1     closed  closed  -
    7000/tcp       limited    0.0.0.0       unsure  unsure  -
        ip filter: -A INPUT -m recent --name x: it cannot be
        told whether this fits
    8080/tcp       web        *             closed  open    open
        bypass: DNAT before zone public
    8443/tcp       sh…-web-1  192.0.2.1     some    some    -
    9000-9002/tcp  range      0.0.0.0       some    some    -
    any            hostnet    host network  -       -       -
        listens on the host itself, behind its firewall
    any            lan        192.0.2.50    -       -       -
        in the network outside by itself, past the host's
        firewall
    "#);
}

#[test]
fn words_that_do_not_fit_give_way_to_a_word_for_the_whole() {
    let narrow = table(terminal(50));
    assert!(narrow.lines().any(|line| line.contains("9000") && line.contains("some")), "{narrow}");
    assert!(!narrow.contains("on lan0"), "{narrow}");
}

#[test]
fn red_is_a_bypass_yellow_what_cannot_be_told_and_green_as_it_is_meant() {
    let text = table(Style { colour: true, ..Style::default() });
    let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert_eq!(line("web ").matches("\u{1b}[31mopen\u{1b}[0m").count(), 2);
    assert!(line("limited").contains("\u{1b}[33munsure\u{1b}[0m"));
    assert!(line("range").contains("\u{1b}[32mopen on lan0\u{1b}[0m"));
}

#[test]
fn the_array_follows_its_schema_and_keeps_every_name() {
    let schema = serde_json::from_str(include_str!("../../../plugin-metadata/schemas/host-ports.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut out = Vec::new();
    write_json(&openings(), &mut out).unwrap();
    assert!(!String::from_utf8(out.clone()).unwrap().chars().any(|character| character != '\n' && is_hidden(character)));
    let array: Value = serde_json::from_slice(&out).unwrap();
    let errors: Vec<String> = schema.iter_errors(&array).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert!(!schema.is_valid(&serde_json::json!([{ "container": "web" }])), "the schema asks for something");
    assert_eq!(array[0]["container"], "trick\u{1b}[2J\"\\");
    assert_eq!((&array[4]["project"], &array[4]["service"]), (&"shop".into(), &"web".into()));
    insta::assert_json_snapshot!(array[2]["sides"], @r#"
    [
      {
        "interface": "eth0",
        "family": "v4",
        "actual": "open",
        "intended": "closed",
        "bypass": true,
        "views": [
          {
            "interface": "eth0",
            "family": "v4",
            "from": [],
            "except": [],
            "more": 0,
            "address": "192.0.2.1",
            "port": 8080,
            "protocol": "tcp",
            "actual": "open",
            "intended": "closed",
            "path": "dnat-forward",
            "decided_by": "ip nat PREROUTING > DOCKER: -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
            "meant_by": "inet firewalld filter_INPUT > filter_IN_public: reject with icmpx admin-prohibited"
          }
        ]
      }
    ]
    "#);
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_terminal(columns in 20_usize..200, name in "\\PC{1,40}") {
        let mut openings = openings();
        openings[4].owner.name = name;
        let mut out = Vec::new();
        write(&openings, &terminal(columns), &mut out).unwrap();
        for line in String::from_utf8(out).unwrap().lines() {
            prop_assert!(width(line) <= columns, "{} > {columns}: {line}", width(line));
        }
    }
}
