//! `extends` (compose-go `loader/extends.go`): a service that begins as a copy of another one.

use super::cleared::Cleared;
use super::include::is_remote;
use super::layers::{Base, Loader, Scope};
use super::merge;
use super::value::{Data, Map, Value};
use crate::model::origin::Hop;
use crate::model::project::{Problem, ProblemKind};
use crate::model::source::Place;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest chain of `extends` that is followed.
const MAX_CHAIN: usize = 100;

/// How many values, the steps that each came through counted, a project inherits at most: services that extend one another multiply
/// them.
pub const MAX_INHERITED: usize = 1 << 18;

/// What a service extends.
struct Reference {
    service: String,
    file: Option<File>,
    at: Place,
}

/// The file of a base in another file.
struct File {
    path: String,
    at: Place,
}

/// The services on the way from the one at hand to its bases, and those that are done.
#[derive(Default)]
struct Walk {
    chain: Vec<(PathBuf, String)>,
    done: HashMap<(PathBuf, String), Value>,
}

/// Where a service is looked for.
struct Frame<'f> {
    file: PathBuf,
    /// Relative paths of `extends.file` start here.
    directory: PathBuf,
    cleared: &'f Cleared,
}

impl Loader<'_> {
    /// Resolves the `extends` of every service in a document.
    pub fn extend_all(&mut self, file: &Path, document: &mut Map, cleared: &Cleared, scope: &Scope) {
        let Some(Data::Map(services)) = document.get_mut("services").map(|services| &mut services.data) else { return };
        let names: Vec<String> = services
            .iter()
            .filter(|(_, service)| service.as_map().is_some_and(|service| service.get("extends").is_some()))
            .map(|(key, _)| key.text.clone())
            .collect();
        let frame = Frame { file: file.to_owned(), directory: scope.directory.clone(), cleared };
        let mut walk = Walk::default();
        for name in names {
            let extended = self.extended_service(&name, services, &frame, scope, &mut walk);
            if let (Some(extended), Some(slot)) = (extended, services.get_mut(&name)) {
                *slot = extended;
            }
        }
    }

    /// A service with all that it inherits; None if there is no such service.
    fn extended_service(&mut self, name: &str, services: &Map, frame: &Frame, scope: &Scope, walk: &mut Walk) -> Option<Value> {
        let mut own = services.get(name)?.clone();
        let Some(reference) = own.as_map().and_then(|own| own.get("extends")).and_then(reference) else { return Some(own) };
        if let Data::Map(own) = &mut own.data {
            own.retain(|key| key != "extends");
        }
        let link = (frame.file.clone(), name.to_owned());
        if let Some(done) = walk.done.get(&link) {
            return Some(done.clone());
        }
        if walk.chain.contains(&link) {
            self.problem(&reference.at, format!("service {name} extends itself in a circle"), name);
            return Some(own);
        }
        if walk.chain.len() >= MAX_CHAIN {
            self.problem(&reference.at, format!("service {name} extends another one through more than {MAX_CHAIN} steps"), name);
            return Some(own);
        }
        if self.inherited_left == 0 {
            return Some(own);
        }
        walk.chain.push(link.clone());
        let base = match &reference.file {
            None => self.base_in_same_file(name, &reference, services, frame, scope, walk),
            Some(file) => self.base_in_other_file(name, &reference, file, frame, scope, walk),
        };
        walk.chain.pop();
        let whole = match base.filter(|base| self.may_inherit(name, base, &reference)) {
            Some(base) => self.lay_over(name, base, own, &reference, frame.cleared),
            None => own,
        };
        walk.done.insert(link, whole.clone());
        Some(whole)
    }

    /// Counts what is inherited. The first too much is said, and from there on nothing is.
    fn may_inherit(&mut self, name: &str, base: &Value, reference: &Reference) -> bool {
        let left = self.inherited_left.checked_sub(base.weight()).filter(|left| *left > 0);
        if left.is_none() && self.inherited_left > 0 {
            let message = format!("service {name} inherits more than can be followed in one project: the rest is not read");
            self.problem(&reference.at, message, name);
        }
        self.inherited_left = left.unwrap_or(0);
        left.is_some()
    }

    fn base_in_same_file(
        &mut self,
        name: &str,
        reference: &Reference,
        services: &Map,
        frame: &Frame,
        scope: &Scope,
        walk: &mut Walk,
    ) -> Option<Value> {
        if services.get(&reference.service).is_none() {
            let message = format!("service {name} cannot extend {}: there is no such service in this file", reference.service);
            self.problem(&reference.at, message, name);
        }
        if walk.chain.len() == 1 {
            let (layer, child) = (self.layer().saturating_sub(1), Arc::from(name));
            self.extended.entry(reference.service.clone()).or_default().push((child, layer));
        }
        self.extended_service(&reference.service, services, frame, scope, walk)
    }

    fn base_in_other_file(
        &mut self,
        name: &str,
        reference: &Reference,
        file: &File,
        frame: &Frame,
        scope: &Scope,
        walk: &mut Walk,
    ) -> Option<Value> {
        if is_remote(&file.path) {
            self.remote(&file.path, &file.at);
            return None;
        }
        let path = frame.directory.join(&file.path);
        let base = self.base_file(&path, &file.at, scope)?;
        if base.services.get(&reference.service).is_none() {
            let missing = if base.has_services { "no such service" } else { "no services section" };
            let message =
                format!("service {name} cannot extend {}: {} has {missing}", reference.service, self.shown(&path).display());
            self.problem(&reference.at, message, name);
            return None;
        }
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        let frame = Frame { file: path, directory, cleared: &base.cleared };
        self.extended_service(&reference.service, &base.services, &frame, scope, walk)
    }

    /// The services of another file, read once.
    fn base_file(&mut self, path: &Path, at: &Place, scope: &Scope) -> Option<Arc<Base>> {
        let known = (path.to_owned(), scope.generation);
        if let Some(base) = self.bases.get(&known) {
            return Some(Arc::clone(base));
        }
        let source = self.read(path, Some(at))?;
        let base = Arc::new(self.load_base(&source, scope));
        self.bases.insert(known, Arc::clone(&base));
        Some(base)
    }

    fn lay_over(&mut self, name: &str, mut base: Value, own: Value, reference: &Reference, cleared: &Cleared) -> Value {
        base.came_through(&Hop::Extends { service: reference.service.clone(), at: reference.at.clone() });
        if let Data::Map(map) = &mut base.data {
            cleared.clear(map, &["services", name]);
        }
        let (key, origin) = (own.key.clone(), own.origin.clone());
        merge::merge(&mut base, own, &mut self.problems);
        Value { origin, key, ..base }
    }

    fn problem(&mut self, at: &Place, message: String, service: &str) {
        let (path, place, service) = (at.path().to_owned(), Some(at.clone()), Some(Arc::from(service)));
        self.problems.push(Problem { kind: ProblemKind::Refused, message, path, place, service });
    }
}

fn reference(value: &Value) -> Option<Reference> {
    let at = value.origin.place.clone();
    let Some(map) = value.as_map() else {
        return Some(Reference { service: value.as_text()?.to_owned(), file: None, at });
    };
    let service = map.get("service").and_then(Value::as_text)?.to_owned();
    let at = map.get("service").map_or(at, |service| service.origin.place.clone());
    let file = map.get("file").and_then(|file| Some(File { path: file.as_text()?.to_owned(), at: file.origin.place.clone() }));
    Some(Reference { service, file, at })
}
