//! Findings to write about, for the tests of this stage: built over real texts with real spans.

#![allow(clippy::unwrap_used, clippy::unnecessary_wraps)]

use super::style::Style;
use super::{Format, Report, Tool};
use crate::judge::rules::Rule;
use crate::model::finding::{Edit, Finding, Fix, Level, OnHost, Refusal, Related, Subject, Summary, View};
use crate::model::opening::{Answer, Opening, OpeningKind, Owner, Reason, Side, Weight};
use crate::model::origin::{Hop, Origin, Substitution, ValueSource};
use crate::model::packet::{Family, Protocol};
use crate::model::project::{Project, Service};
use crate::model::publication::{Binding, Entry, Form, PortRange, Publication, Published};
use crate::model::source::{Place, Source, Span};
use crate::model::verdict::{Path, Verdict};
use std::sync::Arc;

/// The place between `«` and `»`; the marks are no part of the text.
pub(super) fn place(path: &str, marked: &str) -> Place {
    let start = marked.find('«').unwrap();
    let end = marked.find('»').unwrap() - '«'.len_utf8();
    let source = Source::new(path, marked.replace(['«', '»'], ""));
    Place { source, span: Span { start: u32::try_from(start).unwrap(), end: u32::try_from(end).unwrap() } }
}

/// The place of a text in the same source as `near`: its first occurrence from `near` on, else the first of all.
pub(super) fn place_of(near: &Place, text: &str) -> Place {
    let whole = near.source.text();
    let from = near.span.start as usize;
    let start = whole[from..].find(text).map_or_else(|| whole.find(text).unwrap(), |at| from + at);
    let start = u32::try_from(start).unwrap();
    near.with_span(Span { start, end: start + u32::try_from(text.len()).unwrap() })
}

/// A finding of the rule that matters most, without help, fix or related places.
pub(super) fn finding(place: &Place, service: &str, message: &str, label: &str) -> Finding {
    Finding {
        rule: "published-on-all-interfaces",
        level: Level::Error,
        path: place.path().to_owned(),
        place: Some(place.clone()),
        service: Some(Arc::from(service)),
        subject: Some(Subject { service: Arc::from(service), publication: 0, text: "*:8080->80/tcp".into() }),
        message: message.into(),
        label: label.into(),
        related: Vec::new(),
        help: Vec::new(),
        fix: None,
        remedy: None,
        on_host: None,
    }
}

/// A fix that inserts a text before the place.
pub(super) fn insertion(place: &Place, title: &str, text: &str) -> Option<Result<Fix, Refusal>> {
    let at = place.with_span(Span { start: place.span.start, end: place.span.start });
    Some(Ok(Fix { title: title.into(), edits: vec![Edit { place: at, replacement: text.into() }] }))
}

/// Three findings in two files: one with a fix, one refused with a related place in another file, one without a place.
pub(super) fn findings() -> Vec<Finding> {
    let web = place("deploy/compose.yaml", "services:\n  web:\n    image: nginx\n    ports:\n      - \"«8080:80»\" # shop\n");
    let mut open =
        finding(&web, "web", "port 8080/tcp of web is open on every interface", "anyone who reaches this host, by IPv4 and IPv6");
    open.help.push("bind it to 127.0.0.1, or say that it is meant: `x-docker-firewall: 8080/tcp`".into());
    open.fix = insertion(&web, "bind to 127.0.0.1", "127.0.0.1:");

    let base = place("common.yml", "services:\n  base:\n    ports: [ «5432:5432» ]\n");
    let extends =
        place("deploy/compose.yaml", "services:\n  web:\n    extends:\n      file: ../common.yml\n      service: «base»\n");
    let mut inherited =
        finding(&base, "db", "port 5432/tcp of db comes from base", "published for every service that extends base");
    inherited.rule = "inherited-publication";
    inherited.level = Level::Warn;
    inherited.related.push(Related { place: extends, message: "db extends base here".into() });
    inherited.fix = Some(Err(Refusal { reason: "other services inherit the same entry".into() }));

    let mut gap = finding(&base, "db", "the file cannot be read: its ports are unknown", "");
    gap.rule = "coverage-gap";
    gap.level = Level::Note;
    gap.path = "deploy/missing.yml".into();
    (gap.place, gap.subject, gap.service) = (None, None, None);
    vec![open, inherited, gap]
}

/// What a run over [`findings`] would count.
pub(super) fn summary() -> Summary {
    Summary {
        files: 3,
        services: 2,
        publications: 2,
        errors: 1,
        warnings: 1,
        notes: 1,
        allowed: 0,
        baselined: 0,
        fixable: 1,
        unread: 1,
        host: None,
    }
}

/// Two findings about a host without a file: a bypass of a container, and a note about a part of the host.
pub(super) fn on_host() -> Vec<Finding> {
    let nowhere = place("", "«»");
    let about = |message: &str, on_host: OnHost| Finding {
        place: None,
        service: None,
        subject: None,
        on_host: Some(on_host),
        ..finding(&nowhere, "", message, "")
    };
    let (open, closed) = (Verdict::Open, Verdict::Closed);
    let views = vec![
        view("eth0", "192.0.2.1", (open, closed), &[]),
        view("eth0", "2001:db8::1", (open, closed), &[]),
        view("eth1", "10.0.0.1", (open, closed), &["10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "100.64.0.0/10"]),
        view("eth1", "10.0.0.1", (closed, closed), &[]),
    ];
    let container =
        OnHost { container: Some("web".into()), publication: Some("*:8080->80/tcp".into()), views, ..OnHost::default() };
    let mut open = about("port 8080/tcp of container web is open to everyone who comes in by eth0, v4 and v6", container);
    open.help.push("bind it to 127.0.0.1".into());
    let part = OnHost { part: Some("interface eth1".into()), ..OnHost::default() };
    let mut note = about("the host firewall refuses nothing on eth1", part);
    (note.rule, note.level) = ("coverage-gap", Level::Note);
    vec![open, note]
}

/// What some senders get at a host's port 8080 by an interface: (actual, intended).
pub(super) fn view(interface: &str, address: &str, verdicts: (Verdict, Verdict), from: &[&str]) -> View {
    View {
        interface: interface.into(),
        address: address.parse().unwrap(),
        port: 8080,
        protocol: Protocol::TCP,
        except: Arc::default(),
        from: from.iter().map(|net| net.parse().unwrap()).collect(),
        actual: verdicts.0,
        intended: verdicts.1,
        path: Path::Translated,
        decided_by: Some(
            "ip nat PREROUTING > DOCKER: -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80".into(),
        ),
        meant_in: None,
        meant_by: Some("inet firewalld filter_INPUT > filter_IN_public: reject with icmpx admin-prohibited".into()),
    }
}

/// A side of an opening, with the views of all its senders.
fn side(interface: &str, family: Family, answers: (Answer, Answer), views: Vec<View>) -> Side {
    Side { interface: interface.into(), family, actual: answers.0, intended: answers.1, views }
}

/// What a host publishes: a bypass on both families, a range that is open by one interface, loopback, one that cannot be told, the
/// container of a compose project that is open to its own network, and two that no binding explains.
pub(super) fn openings() -> Vec<Opening> {
    let (open, closed) = (Verdict::Open, Verdict::Closed);
    let opening = |name: &str, bind: &str, port: u16, sides: Vec<Side>, reason: (Weight, &str, &str)| Opening {
        owner: Owner { name: name.into(), ..Owner::default() },
        kind: OpeningKind::Published,
        bind: Some(bind.parse().unwrap()),
        port: Some(port),
        target: Some(80 + port % 10),
        protocol: Some(Protocol::TCP),
        sides,
        reasons: vec![Reason { weight: reason.0, phrase: reason.1.into(), subject: reason.2.into() }],
    };
    let bypass = (Weight::Bypass, "bypass: DNAT before", "zone public");
    let v4 = |answers, verdicts| side("eth0", Family::V4, answers, vec![view("eth0", "192.0.2.1", verdicts, &[])]);
    let v6 = |answers, verdicts| side("eth0", Family::V6, answers, vec![view("eth0", "2001:db8::1", verdicts, &[])]);
    let lan = |answers, verdicts| side("lan0", Family::V4, answers, vec![view("lan0", "10.0.0.1", verdicts, &[])]);
    let (all_open, refused) = ((Answer::Open, Answer::Closed), (Answer::Closed, Answer::Closed));
    let range = |port| {
        let sides = vec![v4(refused, (closed, closed)), lan((Answer::Open, Answer::Open), (open, open))];
        opening("range", "0.0.0.0", port, sides, (Weight::AsMeant, "permitted by", "zone internal"))
    };
    let some = vec![view("eth0", "192.0.2.1", (open, open), &["192.0.2.0/28"]), view("eth0", "192.0.2.1", (closed, closed), &[])];
    let mut shop = opening(
        "shop-web-1",
        "192.0.2.1",
        8443,
        vec![side("eth0", Family::V4, (Answer::LanOnly, Answer::LanOnly), some)],
        (Weight::AsMeant, "permitted by", "ufw"),
    );
    shop.owner.compose = Some(("shop".into(), "web".into()));
    let doubt = "ip filter: -A INPUT -m recent --name x: it cannot be told whether this fits";
    let unsure = v4((Answer::Unsure, Answer::Unsure), (Verdict::Unsure, Verdict::Unsure));
    let unbound = |name: &str, kind, bind: Option<&str>, why: &str| Opening {
        kind,
        bind: bind.map(|bind| bind.parse().unwrap()),
        port: None,
        target: None,
        protocol: None,
        ..opening(name, "::", 1, Vec::new(), (Weight::Otherwise, why, ""))
    };
    vec![
        opening("trick\u{1b}[2J\"\\", "127.0.0.1", 5432, Vec::new(), (Weight::AsMeant, "only this host reaches loopback", "")),
        opening("limited", "0.0.0.0", 7000, vec![unsure], (Weight::Otherwise, doubt, "")),
        opening("web", "0.0.0.0", 8080, vec![v4(all_open, (open, closed))], bypass),
        opening("web", "::", 8080, vec![v6(all_open, (open, closed))], bypass),
        shop,
        range(9000),
        range(9001),
        range(9002),
        unbound("hostnet", OpeningKind::HostNetwork, None, "listens on the host itself, behind its firewall"),
        unbound(
            "lan",
            OpeningKind::BesideTheHost,
            Some("192.0.2.50"),
            "in the network outside by itself, past the host's firewall",
        ),
    ]
}

/// The rules of [`findings`].
pub(super) static RULES: &[&Rule] = &[
    &Rule {
        name: "coverage-gap",
        summary: "a file could not be read, so its ports are unknown",
        level: Level::Note,
        allowable: false,
        page: "# coverage-gap\n\nA file could not be read.\n",
        project: None,
        host: None,
    },
    &Rule {
        name: "inherited-publication",
        summary: "a port is published by a service that another one extends",
        level: Level::Warn,
        allowable: true,
        page: "# inherited-publication\n\nThe port comes from somewhere else.\n",
        project: None,
        host: None,
    },
    &Rule {
        name: "published-on-all-interfaces",
        summary: "a port is open on every interface of the host",
        level: Level::Error,
        allowable: true,
        page: "# published-on-all-interfaces\n\nDocker opens the port past the host firewall.\n",
        project: None,
        host: None,
    },
];

/// A tool that stays the same from version to version.
pub(super) static TOOL: Tool =
    Tool { name: "docker-firewall", version: "1.2.3", home: Some("https://example.org/docker-firewall") };

/// The findings in a format.
pub(super) fn written(findings: &[Finding], summary: Summary, format: Format, style: &Style) -> String {
    let mut out = Vec::new();
    Report::new(findings, summary, TOOL, RULES).write(format, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The resolved ports of a small project: a range, loopback, v6, an ephemeral port, an inherited entry with a variable, a dormant
/// service with a hostile name.
pub(super) fn project() -> Project {
    let compose = place("deploy/production/compose.yaml", "services:\n  api:\n    ports: [\"«9000-9002:9000-9002»\"]\n");
    let loopback = Publication { host_ip: Some("127.0.0.1".into()), ..publication("api", &compose, 8080) };
    let range = publication("api", &compose, 9000);
    let six = Publication { host_ip: Some("::".into()), protocol: "udp".into(), ..publication("dns", &compose, 53) };
    let mut inherited = publication("dns", &place("common.yml", "base:\n  ports:\n    - «${BIND}:853:853»\n"), 853);
    let at = inherited.entry.origin.place.clone();
    let env = place(".env", "BIND=«192.0.2.7»\n");
    inherited.host_ip = Some("192.0.2.7".into());
    inherited.entry.origin.hops = vec![
        Hop::Extends { service: "base".into(), at: compose.clone() },
        Hop::Variable(Substitution {
            name: "BIND".into(),
            at: place_of(&at, "${BIND}"),
            operator: None,
            resolved: 0..9,
            value: ValueSource::EnvFile(env),
        }),
    ];
    let ephemeral = publication("trick\u{1b}[2J", &compose, 80);
    let mut dormant = service("trick\u{1b}[2J", vec![ephemeral], vec![(0, None, 80)]);
    dormant.profiles = vec!["debug".into()];
    dormant.enabled = false;
    let api = service(
        "api",
        vec![range, loopback],
        vec![(0, Some("9000"), 9000), (0, Some("9001"), 9001), (0, Some("9002"), 9002), (1, Some("8080"), 8080)],
    );
    let dns = service("dns", vec![six, inherited], vec![(0, Some("53"), 53), (1, Some("853"), 853)]);
    Project { services: vec![api, dns, dormant], ..Project::default() }
}

fn publication(service: &str, place: &Place, port: u32) -> Publication {
    Publication {
        service: Arc::from(service),
        host_ip: None,
        published: Published::Ports(PortRange::single(port)),
        target: PortRange::single(port),
        protocol: "tcp".into(),
        mode: "ingress".into(),
        entry: Entry {
            origin: Origin::direct(place.clone()),
            form: Form::Quoted,
            text: place.text().to_owned(),
            host_ip: None,
            published: None,
            target: None,
            extension: None,
            list_key: None,
            layer: 0,
        },
    }
}

fn service(name: &str, publications: Vec<Publication>, bindings: Vec<(usize, Option<&str>, u32)>) -> Service {
    let origin = publications[0].entry.origin.clone();
    let binding = |(publication, published, target): (usize, Option<&str>, u32)| Binding {
        publication,
        published: published.map(str::to_owned),
        target,
    };
    Service {
        name: Arc::from(name),
        origin,
        image: None,
        builds: false,
        network_mode: None,
        networks: Vec::new(),
        profiles: Vec::new(),
        enabled: true,
        scale: None,
        is_provided: false,
        allow_label: None,
        extension: None,
        publications,
        bindings: bindings.into_iter().map(binding).collect(),
    }
}
