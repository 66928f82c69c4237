//! Fixes: what they change, what they refuse, and that a second run has nothing to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod memory;

use docker_firewall::model::finding::{Finding, Refusal, Remedy};
use docker_firewall::model::project::Project;
use docker_firewall::model::source::Source;
use docker_firewall::read::compose::{Request, Texts, load};
use docker_firewall::remedy::{self, edit};
use memory::{Memory, bindings, edits, finding, fixed, only_own_bytes, open_ports, refusals, request};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The text of `compose.yaml` after its fixes.
fn after(text: &str) -> String {
    after_with(text, &[])
}

fn after_with(text: &str, others: &[(&str, &str)]) -> String {
    let files = Memory::of(&[&[("compose.yaml", text)], others].concat());
    let findings = fixed(&request(), &files);
    assert!(!findings.is_empty(), "nothing is open in {text}");
    assert_eq!(refusals(&findings), [""; 0], "{text}");
    let edited = files.edited(&findings);
    let again = fixed(&request(), &edited);
    assert!(again.is_empty(), "a second run finds {again:?}");
    edited.text("compose.yaml").to_owned()
}

/// The one reason why nothing in `compose.yaml` is fixed.
fn reason(text: &str) -> String {
    reason_with(text, &[])
}

fn reason_with(text: &str, others: &[(&str, &str)]) -> String {
    let files = Memory::of(&[&[("compose.yaml", text)], others].concat());
    let findings = fixed(&request(), &files);
    assert!(edits(&findings).is_empty(), "{text} is edited: {findings:?}");
    let mut reasons = refusals(&findings);
    reasons.dedup();
    assert_eq!(reasons.len(), 1, "{text}: {reasons:?}");
    reasons[0].to_owned()
}

fn entry(entry: &str) -> String {
    format!("services:\n  web:\n    image: nginx\n    ports:\n      - {entry} # why\n")
}

#[test]
fn short_entries_get_an_address_and_keep_the_rest() {
    for (before, expected) in [
        ("\"8080:80\"", "\"127.0.0.1:8080:80\""),
        ("'8080:80/udp'", "'127.0.0.1:8080:80/udp'"),
        ("8080:80", "127.0.0.1:8080:80"),
        ("80", "\"127.0.0.1::80\""),
        ("0x50", "\"127.0.0.1::80\""),
        ("\"80\"", "\"127.0.0.1::80\""),
        ("80/udp", "127.0.0.1::80/udp"),
        ("80-82", "127.0.0.1::80-82"),
        ("8000-8002:9000-9002", "127.0.0.1:8000-8002:9000-9002"),
        ("\"8000-8002:90\"", "\"127.0.0.1:8000-8002:90\""),
        ("\":84:84\"", "\"127.0.0.1:84:84\""),
        ("\":84\"", "\"127.0.0.1::84\""),
        ("\"0.0.0.0:8080:80\"", "\"127.0.0.1:8080:80\""),
        ("0.0.0.0::80", "127.0.0.1::80"),
        ("\"[0.0.0.0]:8080:80\"", "\"127.0.0.1:8080:80\""),
        ("\"[::]:8080:80\"", "\"[::1]:8080:80\""),
        ("\":::80:80\"", "\"[::1]:80:80\""),
        (":::80:80", "\"[::1]:80:80\""),
        ("\"0:0::0:80:80\"", "\"[::1]:80:80\""),
        ("\"::ffff:0.0.0.0:80:80\"", "\"127.0.0.1:80:80\""),
    ] {
        assert_eq!(after(&entry(before)), entry(expected), "{before}");
    }
}

#[test]
fn variables_in_the_address_get_a_default_and_other_variables_stay() {
    for (before, expected) in [
        ("${BIND}:8080:80", "${BIND:-127.0.0.1}:8080:80"),
        ("\"$BIND:8080:80\"", "\"${BIND:-127.0.0.1}:8080:80\""),
        ("$BIND:8080:80", "\"${BIND:-127.0.0.1}:8080:80\""),
        ("\"${BIND-0.0.0.0}:8080:80\"", "\"${BIND:-127.0.0.1}:8080:80\""),
        ("\"${BIND:-0.0.0.0}:8080:80\"", "\"${BIND:-127.0.0.1}:8080:80\""),
        ("\"${BIND:-}:8080:80\"", "\"${BIND:-127.0.0.1}:8080:80\""),
        ("\"${BIND:-[::]}:8080:80\"", "\"${BIND:-[::1]}:8080:80\""),
        ("\"${BIND:-${ELSE}}:8080:80\"", "\"${BIND:-${ELSE:-127.0.0.1}}:8080:80\""),
        ("\"${BIND:-$ELSE}:8080:80\"", "\"${BIND:-${ELSE:-127.0.0.1}}:8080:80\""),
        ("\"${BIND}:${PORT:-8080}:80\"", "\"${BIND:-127.0.0.1}:${PORT:-8080}:80\""),
        ("\"${PORT:-8080}:80\"", "\"127.0.0.1:${PORT:-8080}:80\""),
        ("${PORT}:80", "127.0.0.1:${PORT}:80"),
        ("\"0.0.0.0:${PORT-1}:${INNER:-80}/udp\"", "\"127.0.0.1:${PORT-1}:${INNER:-80}/udp\""),
        ("\"${SMTP:-10025}:10025\"", "\"127.0.0.1:${SMTP:-10025}:10025\""),
    ] {
        assert_eq!(after(&entry(before)), entry(expected), "{before}");
    }
}

#[test]
fn a_variable_that_is_set_and_empty_gets_a_default_too() {
    let env = [(".env", "BIND=\n")];
    assert_eq!(after_with(&entry("\"${BIND-127.0.0.1}:8080:80\""), &env), entry("\"${BIND:-127.0.0.1}:8080:80\""));
}

#[test]
fn what_a_variable_decides_outside_the_file_is_refused_and_named() {
    let env = [(".env", "# addresses\nBIND=0.0.0.0\nPORTS=8080:80\n")];
    assert_eq!(reason_with(&entry("\"${BIND}:8080:80\""), &env), "BIND is set to 0.0.0.0 in /project/.env:2: change it there");
    assert_eq!(
        reason_with(&entry("\"${PORTS}\""), &env),
        "the whole mapping is in the variable PORTS: the address belongs there"
    );
    assert_eq!(reason(&entry("\"${PORTS:-8080:80}\"")), "the whole mapping is in the variable PORTS: the address belongs there");
    assert_eq!(
        reason(&entry("\"${SMTP:-0.0.0.0:25}:25\"")),
        "the variable SMTP holds more than one part of the entry: the address belongs there"
    );
    for written in ["\"${BIND:+$BIND:}8080:80\"", "${BIND}8080:80", "\"${BIND}80\""] {
        assert_eq!(reason(&entry(written)), "the variable BIND may hold an address: give it one", "{written}");
    }
    assert_eq!(reason(&entry("\"${A}${B}:8080:80\"")), "the address is put together from several parts");
    let required = [(".env", "BIND=\n")];
    assert_eq!(after_with(&entry("\"${BIND?say where}:80:80\""), &required), entry("\"${BIND:-127.0.0.1}:80:80\""));
    assert!(reason_with(&entry("\"${BIND:+0.0.0.0}:80:80\""), &[(".env", "BIND=x\n")]).contains("is an alternative"));
}

#[test]
fn long_entries_get_the_key_in_their_own_style() {
    let cases = [
        (
            "services:\r\n  web:\r\n    ports:\r\n      - target: 80 # web\r\n        published: 8080\r\n",
            "services:\r\n  web:\r\n    ports:\r\n      - target: 80 # web\r\n        host_ip: 127.0.0.1\r\n        published: 8080\r\n",
        ),
        (
            "services:\n  web:\n    ports:\n    -   published: '8080'\n        target: 80",
            "services:\n  web:\n    ports:\n    -   published: '8080'\n        target: 80\n        host_ip: 127.0.0.1",
        ),
        (
            "services: {web: {ports: [{target: 80, published: 8080}, 81]}}\n",
            "services: {web: {ports: [{target: 80, host_ip: 127.0.0.1, published: 8080}, \"127.0.0.1::81\"]}}\n",
        ),
        (
            "{\"services\": {\"web\": {\"ports\": [{\"target\": 80}]}}}",
            "{\"services\": {\"web\": {\"ports\": [{\"target\": 80, \"host_ip\": \"127.0.0.1\"}]}}}",
        ),
        (
            "{\"services\": {\"web\": {\"ports\": [{\"target\":\n80}]}}}",
            "{\"services\": {\"web\": {\"ports\": [{\"host_ip\": \"127.0.0.1\", \"target\":\n80}]}}}",
        ),
        (
            "services:\n  web:\n    ports:\n      - \n        host_ip: 0.0.0.0 # all\n        target: 80\n",
            "services:\n  web:\n    ports:\n      - \n        host_ip: 127.0.0.1 # all\n        target: 80\n",
        ),
        (
            "services:\n  web:\n    ports:\n      - {host_ip: '::', target: 80}\n      - host_ip: 0::0\n        target: 81\n",
            "services:\n  web:\n    ports:\n      - {host_ip: '::1', target: 80}\n      - host_ip: \"::1\"\n        target: 81\n",
        ),
        (
            "services:\n  web:\n    ports:\n      - host_ip: ${BIND:-0.0.0.0}\n        target: 80\n",
            "services:\n  web:\n    ports:\n      - host_ip: ${BIND:-127.0.0.1}\n        target: 80\n",
        ),
        (
            "x-t: &t 80\nservices:\n  web:\n    ports:\n      - target: *t\n        published: \"${P:-8080}\"\n",
            "x-t: &t 80\nservices:\n  web:\n    ports:\n      - target: *t\n        host_ip: 127.0.0.1\n        published: \"${P:-8080}\"\n",
        ),
        (
            "x-t: &t {target: 80}\nservices:\n  web:\n    ports:\n      - <<: *t\n        published: 8080\n",
            "x-t: &t {target: 80}\nservices:\n  web:\n    ports:\n      - host_ip: 127.0.0.1\n        <<: *t\n        published: 8080\n",
        ),
    ];
    for (before, expected) in cases {
        assert_eq!(after(before), expected);
    }
}

#[test]
fn byte_order_mark_flow_style_and_line_breaks_stay() {
    assert_eq!(
        after("\u{feff}services: {a: {ports: [80, \"81:81\"]}} # ä\r\n"),
        "\u{feff}services: {a: {ports: [\"127.0.0.1::80\", \"127.0.0.1:81:81\"]}} # ä\r\n"
    );
}

#[test]
fn a_scalar_with_several_owners_is_refused() {
    let anchors = "services:\n  a:\n    ports: &p [\"80:80\"]\n  b:\n    ports: *p\n";
    assert!(reason(anchors).ends_with("has several owners: a and b"), "{}", reason(anchors));
    let merged = "services:\n  a: &a\n    ports: [\"80:80\"]\n  b:\n    <<: *a\n";
    assert!(reason(merged).ends_with("has several owners: a and b"), "{}", reason(merged));
    let elsewhere = "services:\n  a:\n    ports: [&p \"80:80\"]\n    environment: [*p]\n";
    assert!(reason(elsewhere).contains("an alias in line 4"), "{}", reason(elsewhere));
    let extended = "services:\n  a:\n    ports: [\"80:80\"]\n  b:\n    extends: a\n";
    let files = Memory::of(&[("compose.yaml", extended)]);
    let findings = fixed(&request(), &files);
    assert!(edits(&findings).is_empty());
    assert!(refusals(&findings).iter().any(|reason| reason.contains("inherited from the service a (extends)")), "{findings:?}");
}

#[test]
fn an_anchor_with_one_owner_is_fixed_where_it_is_written() {
    assert_eq!(
        after("x-p: &p [\"80:80\"]\nservices:\n  a:\n    ports: *p\n"),
        "x-p: &p [\"127.0.0.1:80:80\"]\nservices:\n  a:\n    ports: *p\n"
    );
    assert_eq!(
        after("services:\n  a: &a\n    ports: [\"80:80\"]\n  b:\n    <<: *a\n    ports: [\"127.0.0.1:81:81\"]\n"),
        "services:\n  a: &a\n    ports: [\"127.0.0.1:80:80\"]\n  b:\n    <<: *a\n    ports: [\"127.0.0.1:81:81\"]\n"
    );
}

#[test]
fn where_loopback_would_not_help_the_reason_is_given() {
    let on = |network: &str| format!("services: {{a: {{networks: [n], ports: [80]}}}}\nnetworks: {{n: {network}}}\n");
    let routed = reason(&on("{driver_opts: {com.docker.network.bridge.gateway_mode_ipv4: routed}}"));
    assert_eq!(routed, "the network n has gateway mode routed: container ports are reached past any host address");
    assert!(reason(&on("{driver: macvlan}")).contains("macvlan"));
    assert!(reason(&on("{external: true, name: host}")).contains("host's network"));
    assert!(reason("services: {a: {network_mode: host, ports: [80]}}\n").contains("host's network"));
    let stack = "services: {a: {ports: [80], deploy: {placement: {constraints: []}}}}\n";
    assert_eq!(reason(stack), "docker stack deploy drops host addresses: the port stays open on every node");
}

#[test]
fn block_scalars_and_escapes_are_refused() {
    for written in ["|-\n        80:80\n      - \"127.0.0.1:1:1\"", "\"80:8\\x30\""] {
        assert!(reason(&entry(written).replace(" # why", "")).contains("its bytes are not its value"), "{written}");
    }
}

#[test]
fn a_number_with_a_tag_is_refused() {
    for written in ["!!int \"80\"", "!!int 80", "&p !!int 80", "!!int &p 80"] {
        assert_eq!(reason(&entry(written)), "the entry has a tag that makes it a number", "{written}");
    }
    assert_eq!(after(&entry("!!str 80")), entry("!!str 127.0.0.1::80"));
}

/// Counts how often the compose file is read.
struct Counted(Memory, AtomicUsize);

impl Texts for Counted {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        self.1.fetch_add(usize::from(path.ends_with("compose.yaml")), Ordering::Relaxed);
        self.0.read(path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.exists(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.0.is_directory(path)
    }
}

#[test]
fn changes_that_hold_are_proven_by_one_load_and_one_that_does_not_is_singled_out_by_few() {
    let lines: Vec<String> = (0..100).map(|index| format!("  s{index}: {{ports: [{}]}}\n", 1000 + index)).collect();
    let text = format!("services:\n{}", lines.concat());
    let never = |bad: &'static str| {
        move |project: &Project| {
            let mut findings = open_ports(project);
            let is_there = findings.iter().any(|finding| finding.service.as_deref() == Some(bad));
            let stubborn = project.services.iter().find(|service| &*service.name == bad && !is_there);
            findings.extend(stubborn.map(|service| finding(project, &service.name, 0, Remedy::BindToLoopback)));
            findings
        }
    };
    for (bad, refused, loads) in [("none", 0, 1), ("s37", 1, 20)] {
        let texts = Counted(Memory::of(&[("compose.yaml", &text)]), AtomicUsize::new(0));
        let project = load(&request(), &texts);
        let before = texts.1.load(Ordering::Relaxed);
        let mut findings = open_ports(&project);
        remedy::propose(&mut findings, &project, &request(), &texts, &never(bad));
        assert_eq!((refusals(&findings).len(), edits(&findings).len()), (refused, 100 - refused));
        let again = texts.1.load(Ordering::Relaxed) - before;
        assert!(again <= loads, "{bad}: {again} loads");
    }
}

#[test]
fn an_entry_that_would_come_back_in_another_place_is_refused() {
    assert!(reason("services: {a: {ports: [\"80:80\", \"80:80\"]}}\n").contains("asks for the same port"));
    let both = reason("services: {a: {ports: [\"80:80\", \"127.0.0.1:80:80\"]}}\n");
    assert_eq!(both, "127.0.0.1:80->80/tcp is published already (/project/compose.yaml:1:33): remove this entry");
}

#[test]
fn a_finding_that_was_refused_a_fix_before_keeps_its_reason() {
    let texts = Memory::of(&[("compose.yaml", "services: {a: {ports: [80, 81]}}\n")]);
    let project = load(&request(), &texts);
    let mut findings = open_ports(&project);
    findings[0].remedy = None;
    findings[0].fix = Some(Err(Refusal { reason: "the port is allowed".to_owned() }));
    remedy::propose(&mut findings, &project, &request(), &texts, &open_ports);
    assert_eq!(refusals(&findings), ["the port is allowed"]);
    assert_eq!(edits(&findings).len(), 1);
}

#[test]
fn an_address_that_only_a_set_variable_gives_is_refused_with_its_reason() {
    assert_eq!(reason(&entry("\"${IP:+$IP:}80:80\"")), "the variable IP may hold an address: give it one");
}

#[test]
fn one_refusal_does_not_stop_the_other_fixes() {
    let text = "services:\n  a:\n    ports: [\"80:80\", \"127.0.0.1:80:80\", \"81:81\"]\n  b:\n    ports: [82]\n";
    let files = Memory::of(&[("compose.yaml", text)]);
    let findings = fixed(&request(), &files);
    assert_eq!(refusals(&findings).len(), 1);
    assert_eq!(
        files.edited(&findings).text("compose.yaml"),
        "services:\n  a:\n    ports: [\"80:80\", \"127.0.0.1:80:80\", \"127.0.0.1:81:81\"]\n  b:\n    ports: [\"127.0.0.1::82\"]\n"
    );
}

#[test]
fn a_judge_that_is_not_satisfied_refuses_the_fix() {
    let files = Memory::of(&[("compose.yaml", "services: {a: {ports: [80]}}\n")]);
    let project = load(&request(), &files);
    let always = |project: &Project| vec![finding(project, "a", 0, Remedy::BindToLoopback)];
    let mut findings = always(&project);
    remedy::propose(&mut findings, &project, &request(), &files, &always);
    assert_eq!(
        refusals(&findings),
        ["after the change there would still be published-on-all-interfaces: 127.0.0.1:?->80/tcp is open to all"]
    );
}

#[test]
fn files_outside_the_project_are_left_alone() {
    let files = [("../shared.yaml", "services: {b: {ports: [80]}}\n")];
    let text = "include: [/shared.yaml]\nservices: {a: {image: x}}\n";
    let mut memory = Memory::of(&[("compose.yaml", text)]);
    memory.0.insert("/shared.yaml".into(), files[0].1.to_owned());
    let findings = fixed(&request(), &memory);
    assert_eq!(refusals(&findings), ["/shared.yaml lies outside the project: change it there"]);
}

#[test]
fn an_override_that_meant_to_narrow_gets_its_tag() {
    let cases = [
        (
            "services:\n  a:\n    ports: # local\n      - 127.0.0.1:81:80\n",
            "services:\n  a:\n    ports: !override # local\n      - 127.0.0.1:81:80\n",
        ),
        ("services: {a: {ports: [\"127.0.0.1:81:80\"]}}\n", "services: {a: {ports: !override [\"127.0.0.1:81:80\"]}}\n"),
        (
            "{\"services\": {\"a\": {\"ports\":[\"127.0.0.1:81:80\"]}}}",
            "{\"services\": {\"a\": {\"ports\": !override [\"127.0.0.1:81:80\"]}}}",
        ),
    ];
    for (before, expected) in cases {
        let files = Memory::of(&[("compose.yaml", "services: {a: {ports: [\"80:80\"]}}\n"), ("compose.override.yaml", before)]);
        let project = load(&request(), &files);
        let list = project.services[0].publications[1].entry.list_key.clone().unwrap();
        let mut findings =
            vec![finding(&project, "a", 0, Remedy::OverrideList(list)), finding(&project, "a", 0, Remedy::BindToLoopback)];
        remedy::propose(&mut findings, &project, &request(), &files, &open_ports);
        assert_eq!(refusals(&findings), [""; 0]);
        let edited = files.edited(&findings);
        assert_eq!(edited.text("compose.override.yaml"), expected);
        assert_eq!(edited.text("compose.yaml"), files.text("compose.yaml"), "the base needs no change of its own");
        assert!(open_ports(&load(&request(), &edited)).is_empty());
    }
}

#[test]
fn an_empty_override_that_meant_to_close_everything_gets_its_tag() {
    for (before, expected) in
        [("ports: [] # none\n", "ports: !override [] # none\n"), ("ports: # none\n", "ports: !override [] # none\n")]
    {
        let over = format!("services:\n  a:\n    {before}");
        let files = Memory::of(&[("compose.yaml", "services: {a: {ports: [\"80:80\"]}}\n"), ("compose.override.yaml", &over)]);
        let project = load(&request(), &files);
        let list = project.ineffective[0].at.clone();
        let mut findings = vec![Finding { subject: None, ..finding(&project, "a", 0, Remedy::OverrideList(list)) }];
        findings.extend(open_ports(&project));
        remedy::propose(&mut findings, &project, &request(), &files, &open_ports);
        assert_eq!(refusals(&findings), [""; 0]);
        let edited = files.edited(&findings);
        assert_eq!(edited.text("compose.override.yaml"), format!("services:\n  a:\n    {expected}"));
        assert!(load(&request(), &edited).services[0].publications.is_empty());
    }
}

#[test]
fn what_an_override_takes_away_owns_the_base_no_more() {
    let text = "services:\n  b:\n    ports: ['80:80']\n  w:\n    extends: b\n    ports: ['127.0.0.1:81:80']\n";
    let files = Memory::of(&[("compose.yaml", text)]);
    let project = load(&request(), &files);
    let list = project.services[1].publications[1].entry.list_key.clone().unwrap();
    let inherited = finding(&project, "w", 0, Remedy::OverrideList(list));
    let mut findings = vec![inherited, finding(&project, "b", 0, Remedy::BindToLoopback)];
    remedy::propose(&mut findings, &project, &request(), &files, &open_ports);
    assert_eq!(refusals(&findings), [""; 0]);
    let expected =
        text.replace("['80:80']", "['127.0.0.1:80:80']").replace("['127.0.0.1:81:80']", "!override ['127.0.0.1:81:80']");
    assert_eq!(files.edited(&findings).text("compose.yaml"), expected);
}

#[test]
fn an_override_that_would_take_other_ports_away_is_refused() {
    let base = ("compose.yaml", "services: {a: {ports: [\"80:80\", \"443:443\"]}}\n");
    let files = Memory::of(&[base, ("compose.override.yaml", "services: {a: {ports: [\"127.0.0.1:81:80\"]}}\n")]);
    let project = load(&request(), &files);
    let list = project.services[0].publications[2].entry.list_key.clone().unwrap();
    let mut findings = vec![finding(&project, "a", 0, Remedy::OverrideList(list))];
    remedy::propose(&mut findings, &project, &request(), &files, &open_ports);
    assert!(refusals(&findings)[0].starts_with("!override would also take *:443->443/tcp away"), "{findings:?}");
}

/// Files of the disk, some of them changed.
#[derive(Default)]
struct Disk(BTreeMap<PathBuf, String>);

impl Texts for Disk {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        let text = self.0.get(path).cloned().map_or_else(|| std::fs::read_to_string(path), Ok)?;
        Ok(Source::new(path, text))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// Fixes one file in memory and checks the result; gives the findings.
fn check_file(path: &Path) -> Vec<Finding> {
    let folder = path.parent().unwrap().to_owned();
    let request = Request { files: vec![path.to_owned()], working_directory: folder, ..Request::default() };
    let disk = Disk::default();
    let before = load(&request, &disk);
    let findings = fixed(&request, &disk);
    let bound: Vec<&Finding> = findings.iter().filter(|finding| matches!(finding.fix, Some(Ok(_)))).collect();
    let changes = edit::apply_all(edits(&findings)).expect("the fixes of a file fit each other");
    for (path, change) in &changes {
        let own = edits(&findings).into_iter().filter(|edit| edit.place.path() == path);
        assert!(only_own_bytes(change.before.text(), change.after.text(), own), "{}", path.display());
    }
    let edited = Disk(changes.into_iter().map(|(path, change)| (path, change.after.text().to_owned())).collect());
    assert_eq!(bindings(&load(&request, &edited), &[]), bindings(&before, &bound), "{}", path.display());
    let again = fixed(&request, &edited);
    assert!(edits(&again).is_empty(), "a second run changes {}: {:?}", path.display(), edits(&again));
    findings
}

#[test]
fn every_fix_of_the_corpus_does_what_it_should_and_nothing_else() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/compose-corpus");
    let Ok(expected) = std::fs::read_to_string(corpus.join("expected.json")) else {
        println!("skipped: no corpus at {}", corpus.display());
        return;
    };
    let expected: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&expected).unwrap();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut fixes = 0;
    for name in expected.keys() {
        let findings = check_file(&corpus.join("files").join(name));
        fixes += findings.len() - refusals(&findings).len();
        for reason in refusals(&findings) {
            println!("{name}: {reason}");
            *reasons.entry(reason.to_owned()).or_default() += 1;
        }
    }
    println!("{fixes} fixes, refusals: {reasons:#?}");
    assert!(fixes > 9 * reasons.values().sum::<usize>(), "fewer than nine in ten are fixed");
}
