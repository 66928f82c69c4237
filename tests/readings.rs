//! What several forms of one thing come to, where the loader of Compose brings them together.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Memory;
use docker_firewall::model::project::Project;
use docker_firewall::model::publication::Published;

fn one(text: &str) -> Project {
    Memory::new([("compose.yaml", text)]).load()
}

fn over(base: &str, later: &str) -> Project {
    Memory::new([("compose.yaml", base), ("compose.override.yaml", later)]).load()
}

/// `file:line:column: message` of each problem.
fn problems(project: &Project) -> Vec<String> {
    project.problems.iter().map(|problem| format!("{}: {}", problem.place.as_ref().unwrap(), problem.message)).collect()
}

fn label(project: &Project) -> Option<&str> {
    project.services.iter().find(|service| &*service.name == "a")?.allow_label.as_ref().map(|label| label.value.as_str())
}

#[test]
fn labels_of_both_forms_lie_over_each_other_and_the_later_one_counts() {
    let list = "services:\n  a:\n    image: x\n    labels: [docker-firewall.allow=80/tcp, a=b]\n";
    let mapping = "services:\n  a:\n    image: x\n    labels: {docker-firewall.allow: 81/tcp, c: d}\n";
    let others = "services:\n  a:\n    labels: {c: d}\n";
    for (base, later, expected) in
        [(list, mapping, "81/tcp"), (mapping, list, "80/tcp"), (list, others, "80/tcp"), (mapping, others, "81/tcp")]
    {
        let project = over(base, later);
        assert_eq!((label(&project), problems(&project)), (Some(expected), Vec::new()), "{base}{later}");
    }
    let extended =
        "services:\n  b:\n    image: x\n    labels: {c: d}\n  a:\n    extends: b\n    labels: [docker-firewall.allow=80/tcp]\n";
    let project = one(extended);
    assert_eq!((label(&project), problems(&project)), (Some("80/tcp"), Vec::new()));
}

#[test]
fn a_service_whose_profile_is_empty_runs_where_no_profile_is_named() {
    let files =
        Memory::new([("compose.yaml", "services:\n  a:\n    image: x\n    profiles: ['${PROFILE:-}']\n    ports: ['80:80']\n")]);
    assert!(files.load().services[0].enabled);
    let named = files.load_with(|request| request.profiles = vec!["debug".to_owned()]);
    assert!(!named.services[0].enabled);
}

#[test]
fn an_empty_network_mode_is_none_at_all() {
    let project =
        one("services:\n  a:\n    image: x\n    network_mode: ${MODE:-}\n    networks: [n]\nnetworks:\n  n: {internal: true}\n");
    let service = &project.services[0];
    assert_eq!((service.network_mode.is_none(), service.networks.len(), problems(&project)), (true, 1, Vec::new()));
}

#[test]
fn the_old_way_to_name_an_external_network_lies_under_the_new_one() {
    let base = "services:\n  a: {image: x, networks: [n]}\nnetworks:\n  n: {external: {name: host}}\n";
    for project in [one(base), over(base, "networks:\n  n: {external: true}\n")] {
        let network = &project.networks["n"];
        assert_eq!((network.external, network.name.as_str(), problems(&project)), (true, "host", Vec::new()));
    }
}

#[test]
fn what_extends_cannot_find_is_said_at_the_file_or_at_the_service() {
    let file = "services:\n  a:\n    image: x\n    extends:\n      service: b\n      file: c.yaml\n";
    assert_eq!(problems(&one(file)), ["compose.yaml:6:13: c.yaml does not exist"]);
    let project = Memory::new([("compose.yaml", file), ("c.yaml", "services:\n  d: {image: x}\n")]).load();
    assert_eq!(problems(&project), ["compose.yaml:5:16: service a cannot extend b: c.yaml has no such service"]);
}

#[test]
fn an_empty_host_port_is_absent() {
    let project =
        one("services:\n  a:\n    image: x\n    ports: [{target: 80, published: ''}, {target: 81, published: '${P:-}'}]\n");
    let published: Vec<_> = project.services[0].bindings.iter().map(|binding| binding.published.as_deref()).collect();
    assert_eq!(published, [None, None]);
}

#[test]
fn a_host_port_in_the_long_syntax_is_what_the_engine_makes_of_it() {
    let of = |text: &str| {
        let project = one(&format!("services:\n  a:\n    image: x\n    ports: [{{target: 80, published: '{text}'}}]\n"));
        match &project.services[0].publications[0].published {
            Published::Ports(range) => format!("{range}"),
            Published::OneOf(range) => format!("one of {range}"),
            Published::Ephemeral => "ephemeral".to_owned(),
            Published::Unchecked(text) => format!("refused {text}"),
        }
    };
    let answers = ["81", "0081", "81-83", "81/udp", "0", "+81", "81-+83", " 81", "83-81"].map(of);
    let expected =
        ["81", "81", "one of 81-83", "81", "ephemeral", "refused +81", "refused 81-+83", "refused  81", "refused 83-81"];
    assert_eq!(answers, expected);
}

#[test]
fn what_go_yaml_refuses_is_said_and_hides_no_port() {
    let project = one("services: {a: {image: x, ports: [:80:80, '81:81']}}\n");
    assert_eq!(problems(&project), ["compose.yaml:1:34: a text that starts with a colon needs quotes between brackets"]);
    assert_eq!(project.services[0].bindings.len(), 2);
    let project =
        one("services:\n  a:\n    image: !!int x\n    ports:\n      - :80:80\n      - !!int '81'\n      - !!int 82:82\n");
    let said =
        ["compose.yaml:3:18: x is not what the tag says: !!int", "compose.yaml:7:15: 82:82 is not what the tag says: !!int"];
    assert_eq!(problems(&project), said);
    assert_eq!(project.services[0].bindings.len(), 3);
    let floats = one("services:\n  a:\n    image: x\n    ports: [{target: 80, published: 84.5}]\n");
    assert_eq!(problems(&floats), ["compose.yaml:4:37: published must be a whole number or a text"]);
}
