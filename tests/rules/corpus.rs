//! The rules over real compose files, where a corpus lies beside the checkout.

use crate::memory::judged;
use docker_firewall::model::finding::Finding;
use docker_firewall::model::project::Project;
use docker_firewall::model::source::Source;
use docker_firewall::read::compose::{self, Request, Texts};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

struct Disk;

impl Texts for Disk {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        let text = String::from_utf8(fs::read(path)?).map_err(|_| io::ErrorKind::InvalidData)?;
        Ok(Source::new(path, text))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

fn corpus() -> Option<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/compose-corpus");
    let Ok(expected) = fs::read_to_string(folder.join("expected.json")) else {
        println!("skipped: no ../shared/compose-corpus beside the checkout");
        return None;
    };
    let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
    Some(expected.as_object().unwrap().keys().map(|path| folder.join("files").join(path)).collect())
}

fn load(path: &Path) -> Project {
    let working_directory = path.parent().unwrap().to_owned();
    compose::load(&Request { files: vec![path.to_owned()], working_directory, ..Request::default() }, &Disk)
}

/// Rules of which at most one may speak about one publication, since each says that it is open.
const EXPOSURES: &[&str] = &[
    "dormant-publication",
    "ephemeral-port-on-all-interfaces",
    "fail-open-bind-variable",
    "published-on-all-interfaces",
    "sensitive-service-published",
    "unset-port-variable",
];

#[test]
fn no_publication_of_the_corpus_is_reported_twice_and_every_place_is_in_its_file() {
    let Some(files) = corpus() else { return };
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for path in files {
        let mut reported = BTreeSet::new();
        for finding in judged(&load(&path), None) {
            *counts.entry((finding.rule, finding.level.name())).or_default() += 1;
            is_sound(&finding);
            if let Some(subject) = finding.subject.filter(|_| EXPOSURES.contains(&finding.rule)) {
                assert!(reported.insert((subject.service, subject.publication)), "{}: {}", path.display(), finding.message);
            }
        }
    }
    println!("{counts:#?}");
    assert!(counts.contains_key(&("published-on-all-interfaces", "warn")));
}

fn is_sound(finding: &Finding) {
    let place = finding.place.as_ref();
    assert!(place.is_none_or(|it| !it.text().is_empty() && it.path() == finding.path), "{finding:#?}");
    assert!(!finding.message.contains('\n') && !finding.message.ends_with('.'), "{finding:#?}");
    assert!(finding.help.iter().all(|line| !line.contains('\n')), "{finding:#?}");
}
