#![allow(clippy::unwrap_used)]

use super::*;

const SHOP: &str = r#"{"Id":"0123456789abcdef","Name":"shop_default","Driver":"bridge","IPAM":{"Config":[{"Subnet":"172.18.0.0/16","Gateway":"172.18.0.1"}]}}"#;
const DOCKER0: &str = r#"{"Id":"fedcba9876543210","Name":"bridge","Driver":"bridge","Options":{"com.docker.network.bridge.name":"docker0"},
    "IPAM":{"Config":[{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"}]}}"#;

/// A machine `web1` with an engine's bridges, and an engine that says this of itself.
fn snapshot(info: &str, networks: &[&str], bridges: &[(&str, &str)]) -> Snapshot {
    let link = |(name, address): &(&str, &str)| {
        format!(r#"{{"ifname":"{name}","flags":[],"addr_info":[{{"family":"inet","local":"{address}","prefixlen":16}}]}}"#)
    };
    let links: Vec<_> = [("eth0", "192.0.2.1")].iter().chain(bridges).map(link).collect();
    let mut snapshot = Snapshot::default();
    for (file, text) in [
        ("version.json", r#"{"Version":"28.5.2"}"#.to_owned()),
        ("info.json", info.to_owned()),
        ("networks.json", format!("[{}]", networks.join(","))),
        ("ip-addr.json", format!("[{}]", links.join(","))),
        (HOST, r#"{"hostname":"web1","kernel":"6.1.0-38-amd64"}"#.to_owned()),
    ] {
        snapshot.files.insert(file.to_owned(), text);
    }
    snapshot
}

/// What an engine on a machine of this name says, if it has the same kernel.
fn info(name: &str) -> String {
    format!(r#"{{"Name":"{name}","KernelVersion":"6.1.0-38-amd64"}}"#)
}

const OURS: &[(&str, &str)] = &[("docker0", "172.17.0.1"), ("br-0123456789ab", "172.18.0.1")];

#[test]
fn an_engine_whose_bridges_are_here_is_here_whatever_its_machine_is_called() {
    assert_eq!(snapshot(&info("web1"), &[DOCKER0, SHOP], OURS).elsewhere(), None);
    assert_eq!(snapshot(&info("renamed"), &[DOCKER0, SHOP], OURS).elsewhere(), None);
    assert_eq!(snapshot("", &[DOCKER0, SHOP], OURS).elsewhere(), None);
}

#[test]
fn an_engine_whose_kernel_is_another_is_elsewhere() {
    let why = snapshot(r#"{"Name":"web1","KernelVersion":"6.12.1"}"#, &[DOCKER0, SHOP], OURS).elsewhere();
    assert_eq!(why.unwrap(), "its kernel is 6.12.1, this one's 6.1.0-38-amd64");
}

#[test]
fn a_twin_with_the_same_name_and_kernel_is_told_by_its_networks() {
    let why =
        snapshot(&info("web1"), &[DOCKER0, SHOP], &[("docker0", "172.17.0.1"), ("br-aaaaaaaaaaaa", "172.18.0.1")]).elsewhere();
    assert!(why.unwrap().starts_with("the bridge br-0123456789ab of its network shop_default is not among the interfaces here"));
}

#[test]
fn docker0_is_on_every_machine_and_so_the_name_counts_too() {
    let docker0 = &[("docker0", "172.17.0.1")];
    assert_eq!(snapshot(&info("web1"), &[DOCKER0], docker0).elsewhere(), None);
    assert_eq!(
        snapshot(&info("web2"), &[DOCKER0], docker0).elsewhere().unwrap(),
        "it runs on a machine named web2, and this one is web1"
    );
    assert!(snapshot(&info("web1"), &[DOCKER0], &[("docker0", "10.99.0.1")]).elsewhere().is_some(), "another prefix");
    assert!(snapshot(&info("web1"), &[DOCKER0], &[]).elsewhere().is_some(), "no docker0");
}

#[test]
fn an_engine_in_a_virtual_machine_is_no_other_machine() {
    let info = r#"{"Name":"docker-desktop","KernelVersion":"6.10.14-linuxkit","OperatingSystem":"Docker Desktop"}"#;
    assert_eq!(snapshot(info, &[DOCKER0, SHOP], &[]).elsewhere(), None);
}

#[test]
fn an_engine_without_root_keeps_its_bridges_elsewhere_and_is_here() {
    let rootless =
        |name: &str| format!(r#"{{"Name":"{name}","KernelVersion":"6.1.0-38-amd64","SecurityOptions":["name=rootless"]}}"#);
    assert_eq!(snapshot(&rootless("web1"), &[DOCKER0, SHOP], &[]).elsewhere(), None);
    assert!(snapshot(&rootless("web2"), &[DOCKER0, SHOP], &[]).elsewhere().is_some());
}

#[test]
fn podman_makes_its_bridge_with_the_first_container() {
    let mut podman = snapshot(&info("web1"), &[DOCKER0], &[]);
    podman.files.insert("version.json".to_owned(), r#"{"Version":"5.4.0","Components":[{"Name":"Podman Engine"}]}"#.to_owned());
    assert_eq!(podman.elsewhere(), None);
}

#[test]
fn where_nothing_was_read_nothing_is_refused() {
    assert_eq!(Snapshot::default().elsewhere(), None);
    let mut blind = snapshot(&info("web1"), &[DOCKER0, SHOP], &[]);
    blind.files.remove("ip-addr.json");
    assert_eq!(blind.elsewhere(), None);
}
