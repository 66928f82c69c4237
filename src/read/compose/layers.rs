//! Files to one mapping, in the order of compose-go's `loader/loader.go`: per document substitute, include, clear, extend, merge.

use super::Texts;
use super::cleared::Cleared;
use super::convert::{self, Converted};
use super::environment::Variables;
use super::merge;
use super::pragmas::pragmas;
use super::shape;
use super::value::{Data, Map};
use super::{extends, include};
use crate::model::project::{Ineffective, Pragma, Problem, ProblemKind, Trap};
use crate::model::source::{Place, Source};
use crate::model::system::reason;
use crate::read::yaml::{self, Tree};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What gathers while files are loaded.
pub struct Loader<'a> {
    pub texts: &'a dyn Texts,
    /// Paths below it are shown relative to it.
    working_directory: &'a Path,
    pub sources: Vec<Arc<Source>>,
    pub pragmas: Vec<Pragma>,
    pub problems: Vec<Problem>,
    pub ineffective: Vec<Ineffective>,
    /// The number of the next layer.
    layer: u32,
    /// How much more is inherited.
    pub(super) inherited_left: usize,
    /// How many more `include` items are followed.
    pub(super) includes_left: usize,
    /// Services that extended another one of the same file: base to children, each with its layer.
    pub(super) extended: HashMap<String, Vec<(Arc<str>, u32)>>,
    /// Files whose services are extended, as they are before their own `extends`; by path and by the variables' generation.
    pub(super) bases: HashMap<(PathBuf, usize), Arc<Base>>,
}

/// A file whose services are extended.
pub struct Base {
    pub services: Map,
    pub cleared: Cleared,
    pub has_services: bool,
}

/// What paths and variables mean while a file is loaded.
#[derive(Clone)]
pub struct Scope<'a> {
    /// The project directory: relative paths of `include` and `extends` start here.
    pub directory: PathBuf,
    pub variables: Variables<'a>,
    /// The files that are being included, outermost first.
    pub included: Vec<PathBuf>,
    /// Tells the variables of different includes apart.
    pub generation: usize,
}

impl<'a> Loader<'a> {
    pub fn new(texts: &'a dyn Texts, working_directory: &'a Path) -> Self {
        let (sources, pragmas, problems, ineffective) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            texts,
            working_directory,
            sources,
            pragmas,
            problems,
            ineffective,
            layer: 0,
            inherited_left: extends::MAX_INHERITED,
            includes_left: include::MAX_INCLUDES,
            extended: HashMap::new(),
            bases: HashMap::new(),
        }
    }

    /// Reads a text; what stands in the way is among the problems then, at `from` if another file asked for it.
    pub fn read(&mut self, path: &Path, from: Option<&Place>) -> Option<Arc<Source>> {
        match self.texts.read(path) {
            Ok(source) => {
                if !self.sources.iter().any(|known| known.path() == source.path()) {
                    self.sources.push(Arc::clone(&source));
                }
                Some(source)
            }
            Err(error) => {
                let shown = self.shown(path);
                let message = unreadable(shown, &error);
                let path = from.map_or(shown, Place::path).to_owned();
                self.problems.push(Problem { kind: ProblemKind::Unreadable, message, path, place: from.cloned(), service: None });
                None
            }
        }
    }

    /// A path as messages show it.
    pub fn shown<'p>(&self, path: &'p Path) -> &'p Path {
        let shown = path.strip_prefix(self.working_directory).unwrap_or(path);
        if shown.as_os_str().is_empty() { Path::new(".") } else { shown }
    }

    /// Parses a text and keeps what is wrong with it, and its comments to us.
    pub fn parse<'s>(&mut self, source: &'s Arc<Source>) -> Tree<'s> {
        let tree = yaml::parse(source);
        for fault in &tree.faults {
            let place = Some(Place { source: Arc::clone(source), span: fault.span });
            let kind = if fault.is_fatal { ProblemKind::Unreadable } else { ProblemKind::Refused };
            self.problems.push(Problem {
                kind,
                message: fault.message.clone(),
                path: source.path().to_owned(),
                place,
                service: None,
            });
        }
        let known = self.pragmas.iter().any(|pragma| pragma.place.path() == source.path());
        if !known {
            self.pragmas.extend(pragmas(source, &tree.comments));
        }
        tree
    }

    /// Lays the documents of a root file, or of an included one, over `map`.
    pub fn load_tree(&mut self, path: &Path, source: &Arc<Source>, tree: &Tree, scope: &Scope, map: &mut Map) {
        for root in &tree.documents {
            let is_map = matches!(tree.node(*root).kind, yaml::Kind::Mapping(_));
            if !is_map {
                self.refuse("top-level object must be a mapping", source, tree.node(*root).span);
                continue;
            }
            let read = |loader: &mut Self, shape| {
                convert::document(tree, *root, source, shape, &scope.variables, loader.layer, &mut loader.problems)
            };
            let others = read(self, &shape::INCLUDES);
            let mut imported = Map::default();
            if let Some(list) = others.map.get("include") {
                self.include(path, list, scope, &mut imported);
            }
            let mut document = read(self, &shape::PROJECT);
            self.layer += 1;
            normalise(&mut document.map, &mut self.problems);
            self.note_traps(&document, map);
            import(imported, &mut document, &mut self.problems);
            document.cleared.clear(map, &[]);
            self.extend_all(path, &mut document.map, &document.cleared, scope);
            merge::merge_maps(map, document.map, &mut self.problems);
        }
    }

    /// The services of a file that is extended: its includes are passed over, and its own `extends` are followed only where needed.
    pub fn load_base(&mut self, source: &Arc<Source>, scope: &Scope) -> Base {
        let tree = self.parse(source);
        let mut map = Map::default();
        let mut cleared = Cleared::default();
        for root in &tree.documents {
            let mut document =
                convert::document(&tree, *root, source, &shape::PROJECT, &scope.variables, self.layer, &mut self.problems);
            normalise(&mut document.map, &mut self.problems);
            document.cleared.clear(&mut map, &[]);
            merge::merge_maps(&mut map, document.map, &mut self.problems);
            cleared = document.cleared;
        }
        let services = map.get_mut("services").map(|services| std::mem::replace(&mut services.data, Data::Null));
        let has_services = services.is_some();
        let services = match services {
            Some(Data::Map(services)) => services,
            _ => Map::default(),
        };
        Base { services, cleared, has_services }
    }

    pub fn layer(&self) -> u32 {
        self.layer
    }

    pub fn refuse(&mut self, message: impl Into<String>, source: &Arc<Source>, span: crate::model::source::Span) {
        let place = Some(Place { source: Arc::clone(source), span });
        let path = source.path().to_owned();
        self.problems.push(Problem { kind: ProblemKind::Refused, message: message.into(), path, place, service: None });
    }

    /// Writing in this document that changes nothing, held against what the layers before it wrote.
    fn note_traps(&mut self, document: &Converted, earlier: &Map) {
        for (service, at, trap) in &document.traps {
            let (service, at, trap) = (Arc::from(service.as_str()), at.clone(), trap.clone());
            self.ineffective.push(Ineffective { service, at, trap });
        }
        let services = document.map.get("services").and_then(|services| services.as_map());
        let earlier = earlier.get("services").and_then(|services| services.as_map());
        for (key, service) in services.into_iter().flat_map(Map::iter) {
            let service_map = service.as_map();
            let ports = service_map.and_then(|service| service.get("ports"));
            let is_tagged = document.cleared.names(&["services", &key.text, "ports"]);
            let at = ports.map(|ports| ports.key.clone().unwrap_or_else(|| ports.origin.place.clone()));
            let had = earlier.and_then(|earlier| earlier.get(&key.text)).and_then(|old| old.as_map()?.get("ports"));
            if let (Some(ports), Some(had), Some(at)) = (ports, had, &at)
                && ports.is_empty()
                && !had.is_empty()
                && !is_tagged
            {
                let (service, at) = (Arc::from(key.text.as_str()), at.clone());
                self.ineffective.push(Ineffective { service, at, trap: Trap::EmptyOverride });
            }
            if ports.is_some() || is_tagged {
                self.note_extended_earlier(&key.text, &at.unwrap_or_else(|| key.origin.place.clone()));
            }
        }
    }

    fn note_extended_earlier(&mut self, base: &str, at: &Place) {
        let layer = self.layer - 1;
        let children = self.extended.get(base).into_iter().flatten().filter(|(_, when)| *when < layer);
        let found = children.map(|(child, _)| Ineffective {
            service: Arc::from(base),
            at: at.clone(),
            trap: Trap::ExtendedEarlier { child: Arc::clone(child) },
        });
        self.ineffective.extend(found);
    }
}

/// What an included file brought is the base; the including document is laid over it (compose-go `loader/include.go`, importResource:
/// a tag on a whole service or section does not reach what is included, a tag further down does).
fn import(mut base: Map, document: &mut Converted, problems: &mut Vec<Problem>) {
    base.retain(|key| matches!(key, "services" | "networks"));
    if base.is_empty() {
        return;
    }
    document.cleared.of_at_least(3).clear(&mut base, &[]);
    merge::merge_maps(&mut base, std::mem::take(&mut document.map), problems);
    document.map = base;
}

/// Brings the forms of `networks` and of `labels` together, and says where sections are no mappings.
fn normalise(map: &mut Map, problems: &mut Vec<Problem>) {
    for section in ["services", "networks"] {
        let Some(value) = map.get_mut(section) else { continue };
        if value.as_map().is_none() {
            if section == "services" || !value.is_empty() {
                problems.push(refused(&value.origin.place, format!("{section} must be a mapping, not {}", value.kind())));
            }
            map.retain(|key| key != section);
        }
    }
    if let Some(Data::Map(networks)) = map.get_mut("networks").map(|networks| &mut networks.data) {
        networks.iter_mut().for_each(|(_, network)| merge::name_of_external(network));
    }
    let Some(Data::Map(services)) = map.get_mut("services").map(|services| &mut services.data) else { return };
    for (key, service) in services.iter_mut() {
        let is_allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
        if !key.text.chars().all(is_allowed) {
            let message =
                format!("service name {} has other characters than letters, digits, '.', '_' and '-'", key.text.escape_debug());
            problems.push(refused(&key.origin.place, message));
        }
        match &mut service.data {
            Data::Map(service) => {
                service.get_mut("networks").into_iter().for_each(merge::names_to_map);
                service.get_mut("labels").into_iter().for_each(merge::labels_to_map);
            }
            _ => problems.push(refused(&key.origin.place, format!("service {} must be a mapping", key.text))),
        }
    }
}

fn refused(place: &Place, message: String) -> Problem {
    let (path, place) = (place.path().to_owned(), Some(place.clone()));
    Problem { kind: ProblemKind::Refused, message, path, place, service: None }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("{} does not exist", path.display()),
        io::ErrorKind::IsADirectory => format!("{} is a directory", path.display()),
        io::ErrorKind::PermissionDenied => format!("{} may not be read: permission denied", path.display()),
        _ => format!("{} cannot be read: {}", path.display(), reason(error)),
    }
}
