//! `include` (compose-go `loader/include.go`): other projects, each loaded whole with its own directory and env files.

use super::environment::Variables;
use super::layers::{Loader, Scope};
use super::merge;
use super::value::{Data, Map, Value};
use crate::model::origin::Hop;
use crate::model::project::{Problem, ProblemKind};
use crate::model::source::Place;
use std::path::{Path, PathBuf};

/// How deep includes may nest.
const MAX_DEPTH: usize = 100;

/// How many `include` items of a project are followed: files that include one another twice over multiply.
pub const MAX_INCLUDES: usize = 10_000;

/// One item of an `include` list.
struct Item {
    paths: Vec<(String, Place)>,
    project_directory: Option<String>,
    env_files: Option<Vec<(String, Place)>>,
    at: Place,
}

impl Loader<'_> {
    /// Loads what `list` names, and lays it into `map`.
    pub fn include(&mut self, file: &Path, list: &Value, scope: &Scope, map: &mut Map) {
        let items = match &list.data {
            Data::Null | Data::Unread => return,
            Data::List(items) => items,
            _ => return self.refuse("include must be a list", &list.origin.place.source, list.origin.place.span),
        };
        for value in items {
            match item(value) {
                Some(item) => self.include_item(file, &item, scope, map),
                None => self.refuse("include needs a path", &value.origin.place.source, value.origin.place.span),
            }
        }
    }

    fn include_item(&mut self, file: &Path, item: &Item, scope: &Scope, map: &mut Map) {
        if let Some((remote, at)) = item.paths.iter().find(|(path, _)| is_remote(path)) {
            return self.remote(remote, at);
        }
        let paths: Vec<PathBuf> = item.paths.iter().map(|(path, _)| scope.directory.join(path)).collect();
        let Some(main) = paths.first() else { return };
        let mut outer = scope.included.clone();
        outer.push(file.to_owned());
        if paths.iter().any(|path| outer.contains(path)) {
            return self.refuse("include cycle: this file is already being included", &item.at.source, item.at.span);
        }
        if outer.len() > MAX_DEPTH || self.includes_left == 0 {
            let message = "too many files are included in one another: what is left of them is not read";
            return self.refuse(message, &item.at.source, item.at.span);
        }
        self.includes_left -= 1;
        let directory = match &item.project_directory {
            Some(directory) => scope.directory.join(directory),
            None => main.parent().map(Path::to_owned).unwrap_or_default(),
        };
        let mut variables = scope.variables.clone();
        self.add_env_files(item, &directory, scope, &mut variables);
        let inner = Scope { directory, variables, included: outer, generation: self.sources.len() + 1 };
        let mut imported = Map::default();
        for (path, (_, at)) in paths.iter().zip(&item.paths) {
            if let Some(source) = self.read(path, Some(at)) {
                let tree = self.parse(&source);
                self.load_tree(path, &source, &tree, &inner, &mut imported);
            }
        }
        imported.came_through(&Hop::Include { at: item.at.clone() });
        merge::merge_maps(&mut imported, std::mem::take(map), &mut self.problems);
        *map = imported;
    }

    /// The included project's own env files fill only what is not known yet.
    fn add_env_files(&mut self, item: &Item, directory: &Path, scope: &Scope, variables: &mut Variables) {
        let default = directory.join(".env");
        let files: Vec<PathBuf> = if let Some(files) = &item.env_files {
            files.iter().filter(|(path, _)| path != "/dev/null").map(|(path, _)| scope.directory.join(path)).collect()
        } else if self.texts.exists(&default) && !self.texts.is_directory(&default) {
            vec![default]
        } else {
            Vec::new()
        };
        variables.add_files(&files, self.texts, &mut self.sources, &mut self.problems);
    }

    /// Says that a file is somewhere else.
    pub fn remote(&mut self, what: &str, at: &Place) {
        let message = format!("{what} is not on this machine and was not fetched: its ports are unknown");
        let (path, place) = (at.path().to_owned(), Some(at.clone()));
        self.problems.push(Problem { kind: ProblemKind::Remote, message, path, place, service: None });
    }
}

/// An item of the list, short or long; None if it names no path.
fn item(value: &Value) -> Option<Item> {
    let at = value.origin.place.clone();
    let Some(map) = value.as_map() else {
        let path = value.as_text()?.to_owned();
        return Some(Item { paths: vec![(path, at.clone())], project_directory: None, env_files: None, at });
    };
    let paths = map.get("path").map(texts).filter(|paths| !paths.is_empty())?;
    let project_directory =
        map.get("project_directory").and_then(Value::as_text).filter(|path| !path.is_empty()).map(str::to_owned);
    let env_files = map.get("env_file").map(texts).filter(|files| !files.is_empty());
    Some(Item { paths, project_directory, env_files, at })
}

/// A text, or a list of texts.
fn texts(value: &Value) -> Vec<(String, Place)> {
    let one = |value: &Value| Some((value.as_text()?.to_owned(), value.origin.place.clone()));
    match &value.data {
        Data::List(items) => items.iter().filter_map(one).collect(),
        _ => one(value).into_iter().collect(),
    }
}

/// True for what Compose fetches with git or from a registry (docker/compose `pkg/remote`).
pub fn is_remote(path: &str) -> bool {
    let git_host = ["github.com/", "git@", "gitlab.com/"];
    path.contains("://") || git_host.iter().any(|host| path.starts_with(host))
}
