//! Findings to write about, for the tests of this stage: built over real texts with real spans.

#![allow(clippy::unwrap_used, clippy::unnecessary_wraps)]

use super::style::Style;
use super::{Format, Report, Tool};
use crate::judge::rules::Rule;
use crate::model::finding::{Edit, Finding, Fix, Level, Refusal, Related, Subject, Summary};
use crate::model::origin::{Hop, Origin, Substitution, ValueSource};
use crate::model::project::{Project, Service};
use crate::model::publication::{Binding, Entry, Form, PortRange, Publication, Published};
use crate::model::source::{Place, Source, Span};
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
    }
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
