//! Resolved publications for scripts: `plugin-metadata/schemas/ports.schema.json` says what is in them.
//!
//! One object for each binding, in Compose's order; what the loader prints too is written as `docker compose config --format json`
//! writes it: `published` is a string, `target` an integer, and what is omitted is absent.

use super::escaped;
use super::json::file;
use crate::model::origin::{Hop, Origin, Substitution, ValueSource};
use crate::model::project::{Project, Service};
use crate::model::publication::{Binding, Entry, Publication};
use crate::model::source::Place;
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// Which services are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Those that the loader enables.
    #[default]
    Enabled,
    /// Those that a profile keeps from starting as well.
    All,
}

impl Which {
    /// The services of a project that are listed.
    pub(super) fn of(self, project: &Project) -> impl Iterator<Item = &Service> {
        project.services.iter().filter(move |service| service.enabled || self == Self::All)
    }
}

/// Writes the bindings of a project as a JSON array.
///
/// # Errors
/// What the writer says.
pub fn write_json(project: &Project, which: Which, out: &mut dyn Write) -> io::Result<()> {
    let bindings: Vec<BindingJson> = which.of(project).flat_map(bindings).collect();
    escaped::write(&bindings, out)
}

/// The bindings of a service, each with its publication.
pub(super) fn pairs(service: &Service) -> impl Iterator<Item = (&Publication, &Binding)> {
    service.bindings.iter().filter_map(|binding| Some((service.publications.get(binding.publication)?, binding)))
}

fn bindings(service: &Service) -> impl Iterator<Item = BindingJson<'_>> {
    pairs(service).map(move |(publication, binding)| BindingJson {
        service: &service.name,
        host_ip: publication.host_ip.as_deref(),
        published: binding.published.as_deref(),
        target: binding.target,
        protocol: &publication.protocol,
        mode: &publication.mode,
        network_mode: service.network_mode.as_ref().map(|mode| mode.value.as_str()),
        profiles: &service.profiles,
        enabled: service.enabled,
        certainty: publication.certainty().name(),
        source: At::of(&publication.entry.origin.place),
        via: hops(&publication.entry).map(Via::of).collect(),
    })
}

/// The hops of an entry, then those of its parts that are not among them.
fn hops(entry: &Entry) -> impl Iterator<Item = &Hop> {
    let parts = [&entry.host_ip, &entry.published, &entry.target].into_iter().flatten();
    let of_parts = parts.flat_map(|part: &Origin| &part.hops).filter(|hop| !entry.origin.hops.contains(hop));
    entry.origin.hops.iter().chain(of_parts)
}

#[derive(Serialize)]
struct BindingJson<'a> {
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_ip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<&'a str>,
    target: u32,
    protocol: &'a str,
    mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_mode: Option<&'a str>,
    profiles: &'a [String],
    enabled: bool,
    certainty: &'static str,
    source: At<'a>,
    via: Vec<Via<'a>>,
}

#[derive(Serialize)]
struct At<'a> {
    file: Cow<'a, str>,
    line: u32,
    column: u32,
}

impl<'a> At<'a> {
    fn of(place: &'a Place) -> Self {
        Self { file: file(place.path()), line: place.line(), column: place.column() }
    }
}

/// A hop between the place of the entry and the place where it acts, outermost first.
#[derive(Serialize)]
struct Via<'a> {
    kind: &'static str,
    #[serde(flatten)]
    at: At<'a>,
    /// The base service, the anchor or the variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Of a variable: where its value came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<ValueJson<'a>>,
}

#[derive(Serialize)]
struct ValueJson<'a> {
    from: &'static str,
    #[serde(flatten)]
    at: Option<At<'a>>,
}

impl<'a> Via<'a> {
    fn of(hop: &'a Hop) -> Self {
        let (kind, at, name) = match hop {
            Hop::Include { at } => ("include", at, None),
            Hop::Extends { service, at } => ("extends", at, Some(service)),
            Hop::Override { replaced } => ("override", replaced, None),
            Hop::MergeKey { at } => ("merge-key", at, None),
            Hop::Alias { name, at } => ("alias", at, Some(name)),
            Hop::Variable(substitution) => ("variable", &substitution.at, Some(&substitution.name)),
        };
        let value = if let Hop::Variable(substitution) = hop { Some(ValueJson::of(substitution)) } else { None };
        Self { kind, at: At::of(at), name: name.map(String::as_str), value }
    }
}

impl<'a> ValueJson<'a> {
    fn of(substitution: &'a Substitution) -> Self {
        let (from, at) = match &substitution.value {
            ValueSource::Process => ("process", None),
            ValueSource::EnvFile(place) => ("env-file", Some(At::of(place))),
            ValueSource::Project => ("project", None),
            ValueSource::Default => ("default", None),
            ValueSource::Unset => ("unset", None),
        };
        Self { from, at }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::sample::project;
    use serde_json::Value;

    fn array(which: Which) -> Value {
        let mut out = Vec::new();
        write_json(&project(), which, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn the_array_follows_its_schema() {
        let schema = serde_json::from_str(include_str!("../../plugin-metadata/schemas/ports.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let array = array(Which::All);
        let errors: Vec<String> = schema.iter_errors(&array).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert!(!schema.is_valid(&serde_json::json!([{ "service": "web" }])), "the schema asks for something");
    }

    #[test]
    fn what_is_omitted_is_absent_and_a_range_is_one_binding_a_port() {
        let array = array(Which::Enabled);
        let ports: Vec<&str> = array.as_array().unwrap().iter().filter_map(|binding| binding["published"].as_str()).collect();
        assert_eq!(ports, ["9000", "9001", "9002", "8080", "53", "853"]);
        insta::assert_json_snapshot!(array[0], @r#"
        {
          "service": "api",
          "published": "9000",
          "target": 9000,
          "protocol": "tcp",
          "mode": "ingress",
          "profiles": [],
          "enabled": true,
          "certainty": "literal",
          "source": {
            "file": "deploy/production/compose.yaml",
            "line": 3,
            "column": 14
          },
          "via": []
        }
        "#);
    }

    #[test]
    fn a_dormant_service_is_listed_when_asked_for() {
        let array = array(Which::All);
        let last = array.as_array().unwrap().last().unwrap();
        assert_eq!((&last["enabled"], &last["profiles"][0], last.get("published")), (&false.into(), &"debug".into(), None));
    }

    #[test]
    fn the_hops_of_an_entry_are_told_outermost_first() {
        insta::assert_json_snapshot!(array(Which::Enabled)[5]["via"], @r#"
        [
          {
            "kind": "extends",
            "file": "deploy/production/compose.yaml",
            "line": 3,
            "column": 14,
            "name": "base"
          },
          {
            "kind": "variable",
            "file": "common.yml",
            "line": 3,
            "column": 7,
            "name": "BIND",
            "value": {
              "from": "env-file",
              "file": ".env",
              "line": 1,
              "column": 6
            }
          }
        ]
        "#);
    }
}
