//! What was found before and is accepted: the baseline of a grown project.

use super::finding::Finding;
use super::source::Place;

/// Accepted findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// In the order of their fingerprints, without repeats.
    pub entries: Vec<Accepted>,
}

/// A finding that is accepted, once or several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What it is known by.
    pub fingerprint: Fingerprint,
    /// Its line when it was accepted, for people; the first line is 1. Not part of the fingerprint: lines shift.
    pub line: Option<u32>,
    /// How many findings with this fingerprint are accepted; at least 1.
    pub count: u32,
    /// The entry in the baseline file; None where it was not read from one.
    pub place: Option<Place>,
}

/// What a finding is known by as long as its own text stays as it is, wherever it moves in its file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    /// The file, with `/` between its parts; in a baseline relative to its folder. Empty: the finding is about the host.
    pub file: String,
    /// The service, where the finding is about one; on a host the container, or the part of the host.
    pub service: Option<String>,
    /// `*:8080->80/tcp`, where the finding is about a publication.
    pub publication: Option<String>,
    /// The rule.
    pub rule: String,
    /// The scalar as it is written, runs of white space made one blank; None where the finding has no place.
    pub source: Option<String>,
}

impl Fingerprint {
    /// What a finding is known by, with this name for its file.
    pub fn of(finding: &Finding, file: String) -> Self {
        let subject = finding.subject.as_ref();
        let service = finding.service.as_ref().or(subject.map(|subject| &subject.service));
        let host = finding.on_host.as_ref();
        let on_host = host.and_then(|host| host.container.clone().or_else(|| host.part.clone()));
        Self {
            file,
            service: service.map(ToString::to_string).or(on_host),
            publication: subject.map(|subject| subject.text.clone()).or_else(|| host?.publication.clone()),
            rule: finding.rule.to_owned(),
            source: finding.place.as_ref().map(|place| place.text().split_whitespace().collect::<Vec<_>>().join(" ")),
        }
    }
}
