//! `ports --format json` against the field's common types: what we print of an entry is what `docker compose config` prints, and where
//! those types can read a compose file at all, they see the entries that we see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Memory;
use docker_compose_types::{Compose, Port, Ports, PublishedPort};
use docker_firewall::model::project::Project;
use docker_firewall::report::ports::{Which, write_json};
use serde_json::Value;

const LONG: &str = "\
services:
  a:
    ports:
      - target: 80
        published: '8080'
        host_ip: 127.0.0.1
        protocol: tcp
        mode: host
      - target: 53
        protocol: udp
        mode: ingress
      - target: 90
        published: 8090-8092
        protocol: tcp
        mode: ingress
";

const SHORT: &str = "services:\n  a:\n    ports: ['80', '8080:80', '127.0.0.1:53:53/udp', '8000-8002:90']\n";

fn printed(project: &Project) -> Vec<Value> {
    let mut text = Vec::new();
    write_json(project, Which::All, &mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The part of a line that `docker compose config` prints too.
fn canonical(line: &Value) -> Port {
    let known = ["target", "host_ip", "published", "protocol", "mode"];
    let fields = line.as_object().unwrap().iter().filter(|(name, _)| known.contains(&name.as_str()));
    serde_json::from_value(fields.map(|(name, value)| (name.clone(), value.clone())).collect()).unwrap()
}

fn read_by_the_common_types(text: &str) -> Ports {
    let mut compose: Compose = serde_yaml::from_str(text).unwrap();
    compose.services.0.swap_remove("a").flatten().expect("the service").ports
}

#[test]
fn every_line_is_a_port_of_the_common_types_and_says_the_same() {
    let ours: Vec<Port> = printed(&Memory::new([("compose.yaml", LONG)]).load()).iter().map(canonical).collect();
    let Ports::Long(theirs) = read_by_the_common_types(LONG) else { panic!("long entries") };
    assert_eq!(ours, theirs);
}

#[test]
fn short_entries_are_written_out_as_long_ones() {
    let project = Memory::new([("compose.yaml", SHORT)]).load();
    let Ports::Short(theirs) = read_by_the_common_types(SHORT) else { panic!("short entries") };
    let entries: Vec<&str> = project.services[0].publications.iter().map(|publication| publication.entry.text.as_str()).collect();
    assert_eq!(entries, theirs);
    let published: Vec<Option<PublishedPort>> = printed(&project).iter().map(|line| canonical(line).published).collect();
    let text = |text: &str| Some(PublishedPort::Range(text.to_owned()));
    assert_eq!(published, [None, text("8080"), text("53"), text("8000-8002")]);
}

#[test]
fn what_the_common_types_cannot_read_is_read_all_the_same() {
    let mixed = "services:\n  a:\n    ports: [80, '81:81', {target: 82}]\n";
    assert!(serde_yaml::from_str::<Compose>(mixed).is_err());
    assert_eq!(printed(&Memory::new([("compose.yaml", mixed)]).load()).len(), 3);
}
