//! Small projects, and everything that is found in each. Read the snapshot as a sysadmin would: is each line worth it?

use crate::memory::Files;
use std::fmt::Write;

/// One service `a` of an image, with these entries.
fn ports(image: &str, entries: &[&str]) -> Files {
    let entries: String = entries.iter().flat_map(|entry| ["      - ", entry, "\n"]).collect();
    Files::of(&format!("services:\n  a:\n    image: {image}\n    ports:\n{entries}"))
}

/// One service of `x`, with these lines.
fn service(lines: &str) -> Files {
    Files::of(&format!("services:\n  a:\n    image: x\n{}", indented(lines)))
}

fn indented(lines: &str) -> String {
    lines.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

/// One service with a published port on a network that has these lines.
fn on_network(entry: &str, lines: &str) -> Files {
    Files::of(&format!(
        "services:\n  a:\n    image: x\n    networks: [n]\n    ports: [{entry}]\nnetworks:\n  n:\n{}",
        indented(lines)
    ))
}

fn over(base: &str, later: &str) -> Files {
    Files::of(&format!("services:\n  a:\n    image: x\n{}", indented(base)))
        .with("compose.override.yaml", &format!("services:\n  a:\n{}", indented(later)))
}

fn entries() -> Vec<(&'static str, Files)> {
    vec![
        ("a web port", ports("nginx", &["\"80:80\"", "\"443:443\""])),
        ("a web port on another host port", ports("nginx", &["8080:80"])),
        ("an ephemeral port", ports("nginx", &["80"])),
        ("an ephemeral port of a database", ports("redis", &["6379"])),
        ("an ephemeral port by zero", ports("nginx", &["\"0:80\""])),
        ("an ephemeral loopback port", ports("nginx", &["127.0.0.1::80"])),
        ("a range", ports("nginx", &["\"8000-8010:8000-8010\""])),
        ("one of a range", ports("nginx", &["\"8000-8010:80\""])),
        ("a database", ports("postgres:16", &["\"5432:5432\""])),
        ("a database on another host port", ports("bitnami/postgresql:16", &["\"15432:5432\""])),
        ("a database on loopback", ports("postgres:16", &["\"127.0.0.1:5432:5432\""])),
        ("a database on a private address", ports("postgres:16", &["\"192.168.1.5:5432:5432\""])),
        ("a database on a public address", ports("postgres:16", &["\"203.0.113.5:5432:5432\""])),
        ("a web port on a public address", ports("nginx", &["\"203.0.113.5:80:80\""])),
        ("a database of an image of one's own", ports("example/db", &["\"3306:3306\""])),
        ("Docker's API", ports("docker:dind", &["\"2375:2375\""])),
        ("Docker's API of an image of one's own", ports("example/proxy", &["\"2375:2375\""])),
        ("a console", ports("adminer", &["\"8080:8080\""])),
        ("a sidecar of a database", ports("prometheuscommunity/postgres-exporter", &["\"9187:9187\""])),
        ("an unset address", ports("nginx", &["\"${IP}:80:80\""])),
        ("an unset address of a database", ports("postgres", &["\"${IP}:5432:5432\""])),
        ("an unset address and port", ports("nginx", &["\"${IP}:${PORT}:80\""])),
        ("an address only where a variable is set", ports("nginx", &["\"${IP:+$IP:}80:80\""])),
        ("an unset port", ports("nginx", &["\"${PORT}:80\""])),
        ("an unset port in the long syntax", ports("nginx", &["{target: 80, published: \"${PORT}\"}"])),
        ("an unset port of a database", ports("postgres", &["\"${PORT}:5432\""])),
        ("an unset port on loopback", ports("nginx", &["\"127.0.0.1:${PORT}:80\""])),
        ("a default port", ports("nginx", &["\"${PORT:-8080}:80\""])),
        ("a wide default address", ports("nginx", &["\"${IP:-0.0.0.0}:80:80\""])),
        ("a wide address from .env", ports("nginx", &["\"${IP}:80:80\""]).with(".env", "IP=0.0.0.0\n")),
        ("a long entry", ports("nginx", &["{target: 80, published: 8080}"])),
        ("a long entry without host port", ports("nginx", &["{target: 80}"])),
        ("an octal number", ports("nginx", &["0120"])),
        ("octal numbers in the long syntax", ports("nginx", &["{target: 022, published: 0120}"])),
        ("a hexadecimal number", ports("nginx", &["0x50"])),
        ("underscores", ports("nginx", &["1_000"])),
        ("leading zeros in a text", ports("nginx", &["\"0120:0080\""])),
        ("base 60", ports("nginx", &["22:22"])),
        ("base 60 in quotes", ports("nginx", &["\"22:22\""])),
        ("refused entries", ports("nginx", &["\"80:99999\"", "localhost:80:80", "\"80:80/icmp\"", "\"8000-8001:80-82\""])),
        ("entries only the engine refuses", ports("nginx", &["{target: 80, published: abc}", "{target: 70000, published: 80}"])),
        ("a plus sign in the long syntax", ports("nginx", &["{target: 80, published: \"+81\"}"])),
        ("an unknown protocol in the long syntax", ports("nginx", &["{target: 80, published: 80, protocol: xyz}"])),
        ("a protocol in capitals", ports("nginx", &["{target: 80, published: 80, protocol: UDP}"])),
    ]
}

fn contexts() -> Vec<(&'static str, Files)> {
    let binding = |address: &str| format!("driver_opts:\n  com.docker.network.bridge.host_binding_ipv4: {address}");
    let mode = |mode: &str| format!("driver_opts:\n  com.docker.network.bridge.gateway_mode_ipv4: {mode}");
    vec![
        ("the host's network", service("network_mode: host\nports: [\"80:80\"]")),
        ("the host's network without ports", service("network_mode: host")),
        ("another service's network", service("network_mode: service:vpn\nports: [\"80:80\", \"81:81\"]")),
        ("another container's network", service("network_mode: container:vpn\nports: [\"80:80\"]")),
        ("the default bridge", service("network_mode: bridge\nports: [\"80:80\"]")),
        ("an internal network", on_network("\"80:80\"", "internal: true")),
        ("a loopback binding", on_network("\"80:80\"", &binding("127.0.0.1"))),
        ("a private binding", on_network("\"80:80\"", &binding("10.0.0.1"))),
        ("a wide binding", on_network("\"80:80\"", &binding("0.0.0.0"))),
        ("a loopback binding and an explicit address", on_network("\"0.0.0.0:80:80\"", &binding("127.0.0.1"))),
        ("an external network", on_network("\"80:80\"", "external: true")),
        ("options of an external network", on_network("\"80:80\"", &format!("external: true\n{}", binding("127.0.0.1")))),
        ("an external network that says it is internal", on_network("\"80:80\"", "external: true\ninternal: true")),
        ("a routed network", on_network("\"80:80\"", &mode("routed"))),
        ("loopback on a routed network", on_network("\"127.0.0.1:80:80\"", &mode("routed"))),
        ("an unprotected network", on_network("\"127.0.0.1:80:80\"", &mode("nat-unprotected"))),
        ("an isolated network", on_network("\"80:80\"", &format!("internal: true\n{}", mode("isolated")))),
        ("macvlan", on_network("\"80:80\"", "driver: macvlan")),
        ("internal macvlan", on_network("\"80:80\"", "driver: macvlan\ninternal: true")),
        ("ipvlan", on_network("\"80:80\"", "driver: ipvlan")),
        ("an overlay", on_network("\"80:80\"", "driver: overlay")),
        (
            "trusted interfaces",
            on_network("\"127.0.0.1:80:80\"", "driver_opts:\n  com.docker.network.bridge.trusted_host_interfaces: vxlan.1:eth3"),
        ),
        (
            "the gateway is the network of the highest priority",
            Files::of(
                "services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n    networks:\n      open:\n      shut: {gw_priority: 1}\n\
                 networks:\n  open:\n  shut:\n    driver_opts: {com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}\n",
            ),
        ),
        (
            "the gateway is the network of the first name",
            Files::of(
                "services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n    networks: [open, shut]\n\
                 networks:\n  open:\n  shut:\n    driver_opts: {com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}\n",
            ),
        ),
        (
            "v4 by one network and v6 by another",
            Files::of(
                "services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n    networks:\n      four: {gw_priority: 1}\n      six:\n\
                 networks:\n  four:\n    driver_opts: {com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}\n  six:\n    \
                 enable_ipv6: true\n",
            ),
        ),
        (
            "a bridge of higher priority beside macvlan",
            Files::of(
                "services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n    networks:\n      br: {gw_priority: 1}\n      lan:\n\
                 networks:\n  br:\n  lan: {driver: macvlan}\n",
            ),
        ),
        (
            "a dual stack network goes before a network of the first name",
            Files::of(
                "services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n    networks: [open, shut]\n\
                 networks:\n  open:\n  shut:\n    enable_ipv6: true\n    driver_opts: \
                 {com.docker.network.bridge.host_binding_ipv4: 127.0.0.1}\n",
            ),
        ),
    ]
}

fn layers() -> Vec<(&'static str, Files)> {
    vec![
        ("an override with loopback, same host port", over("ports: [\"80:80\"]", "ports: [\"127.0.0.1:80:80\"]")),
        ("an override with loopback, other host port", over("ports: [\"80:80\"]", "ports: [\"127.0.0.1:81:80\"]")),
        ("an override with another host port", over("ports: [\"80:80\"]", "ports: [\"81:80\"]")),
        ("an override with another container port", over("ports: [\"80:80\"]", "ports: [\"443:443\"]")),
        ("an override that opens", over("ports: [\"127.0.0.1:80:80\"]", "ports: [\"81:80\"]")),
        ("an override that says the same", over("ports: [\"80:80\"]", "ports: [\"80:80\"]")),
        ("an override that is empty", over("ports: [\"80:80\"]", "ports: []")),
        ("an override that is empty over loopback", over("ports: [\"127.0.0.1:80:80\"]", "ports: []")),
        ("a tagged override", over("ports: [\"80:80\"]", "ports: !override [\"127.0.0.1:80:80\"]")),
        ("a reset with values", over("ports: [\"80:80\"]", "ports: !reset [\"127.0.0.1:80:80\"]")),
        ("a reset of one item", over("ports: [\"80:80\"]", "ports: [!reset \"80:80\"]")),
        ("extends in one file", Files::of("services:\n  b:\n    image: x\n    ports: [\"80:80\"]\n  a:\n    extends: b\n")),
        (
            "extends in one file, and a port of one's own",
            Files::of(
                "services:\n  b:\n    image: x\n    ports: [\"80:80\"]\n  a:\n    extends: b\n    ports: [\"127.0.0.1:81:80\"]\n",
            ),
        ),
        (
            "extends in one file, ephemeral",
            Files::of("services:\n  b:\n    image: x\n    ports: [\"80\"]\n  a:\n    extends: b\n"),
        ),
        (
            "extends of another file",
            Files::of("services:\n  a:\n    extends: {file: b.yaml, service: b}\n")
                .with("b.yaml", "services:\n  b:\n    image: x\n    ports: [\"80:80\"]\n"),
        ),
        (
            "extends of a base that a later file closes",
            Files::of("services:\n  b:\n    image: x\n    ports: [\"80\"]\n  a:\n    extends: b\n")
                .with("compose.override.yaml", "services:\n  b:\n    ports: !reset []\n"),
        ),
        ("a merge key", Files::of("x-b: &b\n  image: x\n  ports: [\"80\"]\nservices:\n  a:\n    <<: *b\n  c:\n    <<: *b\n")),
        ("a merge key of a service", Files::of("services:\n  a: &a\n    image: x\n    ports: [\"80\"]\n  c:\n    <<: *a\n")),
        (
            "an anchored list",
            Files::of("services:\n  a:\n    image: x\n    ports: &p [\"80:80\"]\n  c:\n    image: x\n    ports: *p\n"),
        ),
        ("include", Files::of("include: [b.yaml]\n").with("b.yaml", "services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n")),
        (
            "a remote include",
            Files::of("include: [\"https://example.com/r.git\"]\nservices:\n  a:\n    image: x\n    ports: [\"80:80\"]\n"),
        ),
        ("an include that is not there", Files::of("include: [b.yaml]\nservices:\n  a:\n    image: x\n    ports: [\"80:80\"]\n")),
        ("a broken file", Files::of("services:\n  a: {image: x\n  b: [\n")),
        ("a key twice", Files::of("services:\n  a:\n    image: x\n    ports: [\"80:80\"]\n    ports: [\"81:81\"]\n")),
    ]
}

fn together() -> Vec<(&'static str, Files)> {
    let two = |first: &str, second: &str| {
        Files::of(&format!("services:\n  a:\n    image: x\n{}  b:\n    image: x\n{}", indented(first), indented(second)))
    };
    let with = |profile: &str| format!("profiles: [{profile}]\nports: [\"80:80\"]");
    vec![
        ("one host port twice", two("ports: [\"80:80\"]", "ports: [\"80:8080\"]")),
        ("one host port twice on loopback", two("ports: [\"127.0.0.1:80:80\"]", "ports: [\"127.0.0.1:80:80\"]")),
        ("every address and loopback", two("ports: [\"80:80\"]", "ports: [\"127.0.0.1:80:80\"]")),
        ("a range over a port", two("ports: [\"8000-8010:8000-8010\"]", "ports: [\"127.0.0.1:8005:80\"]")),
        ("profiles that are alternatives", two(&with("cpu"), &with("gpu"))),
        ("a profile beside what always runs", two("ports: [\"80:80\"]", &with("debug"))),
        ("several containers", two("scale: 3\nports: [\"80:80\"]", "scale: 3\nports: [\"81-83:81\"]")),
        ("a stack", two("ports: [\"127.0.0.1:80:80\"]\ndeploy: {placement: {constraints: [node.role == manager]}}", "")),
        ("scaled to nothing", two("scale: 0\nports: [\"80:80\"]", "deploy: {replicas: 0}\nports: [\"5432:5432\"]")),
        (
            "a project that says what it means to open",
            Files::of("x-docker-firewall: 443/tcp\nservices:\n  a:\n    image: x\n    ports: [\"443:443\", \"80:80\"]\n"),
        ),
        (
            "an override of a port that is meant to be open",
            Files::of("x-docker-firewall: 80/tcp\nservices:\n  a:\n    image: x\n    ports: [\"80:80\"]\n")
                .with("compose.override.yaml", "services:\n  a:\n    ports: []\n"),
        ),
    ]
}

#[test]
fn what_is_found_in_small_projects_is_what_a_sysadmin_wants_to_read() {
    let mut report = String::new();
    for (title, files) in entries().into_iter().chain(contexts()).chain(layers()).chain(together()) {
        writeln!(report, "{title}").unwrap();
        let mut findings = files.findings();
        findings.sort_by_key(crate::memory::at);
        for finding in findings {
            let (path, line) = crate::memory::at(&finding);
            writeln!(report, "  {path}:{line} {} {}: {}", finding.level.name(), finding.rule, finding.message).unwrap();
        }
    }
    insta::assert_snapshot!(report);
}
