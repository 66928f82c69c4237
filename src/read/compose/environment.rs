//! The variables of a project: process environment, env files, and what Compose itself sets.
//!
//! Precedence (compose-go `cli/options.go`, `types/mapping.go`): what is known first is never overwritten by a later source; among several
//! `--env-file` arguments the later file wins.

use super::dotenv;
use super::{Request, Texts};
use crate::model::origin::ValueSource;
use crate::model::project::{Problem, ProblemKind};
use crate::model::source::{Place, Source};
use crate::model::system::reason;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Variables by name.
#[derive(Clone, Debug)]
pub struct Variables<'a> {
    process: &'a BTreeMap<String, String>,
    files: Vec<Arc<HashMap<String, (String, Place)>>>,
    /// COMPOSE_PROJECT_NAME, once it is known.
    pub project_name: Option<String>,
}

impl<'a> Variables<'a> {
    /// The process environment alone.
    pub fn new(process: &'a BTreeMap<String, String>) -> Self {
        Self { process, files: Vec::new(), project_name: None }
    }

    /// A variable's value and where it comes from.
    pub fn get(&self, name: &str) -> Option<(String, ValueSource)> {
        if let Some(project) = self.project_name.as_ref().filter(|_| name == "COMPOSE_PROJECT_NAME") {
            return Some((project.clone(), ValueSource::Project));
        }
        if let Some(value) = self.process.get(name) {
            return Some((value.clone(), ValueSource::Process));
        }
        let found = self.files.iter().find_map(|file| file.get(name));
        found.map(|(value, place)| (value.clone(), ValueSource::EnvFile(place.clone())))
    }

    /// A variable's value, if it is set.
    pub fn value(&self, name: &str) -> Option<String> {
        self.get(name).map(|(value, _)| value)
    }

    /// Reads env files, later ones over earlier ones, and puts them behind what is known already.
    pub fn add_files(
        &mut self,
        files: &[PathBuf],
        texts: &dyn Texts,
        sources: &mut Vec<Arc<Source>>,
        problems: &mut Vec<Problem>,
    ) {
        let mut layer: HashMap<String, (String, Place)> = HashMap::new();
        for path in files {
            let source = match texts.read(path) {
                Ok(source) => source,
                Err(error) => {
                    problems.push(unreadable(path, &error));
                    continue;
                }
            };
            let known = |name: &str| {
                let here = || layer.get(name).map(|(value, place)| (value.clone(), ValueSource::EnvFile(place.clone())));
                self.get(name).or_else(here)
            };
            let (variables, error) = dotenv::parse(&source, &known);
            layer.extend(variables.into_iter().map(|variable| (variable.name, (variable.value, variable.place))));
            if let Some(error) = error {
                let path = source.path().to_owned();
                let message = format!("env file is not valid: {}", error.message);
                problems.push(Problem { kind: ProblemKind::Refused, message, path, place: Some(error.place), service: None });
            }
            sources.push(source);
        }
        if !layer.is_empty() {
            self.files.push(Arc::new(layer));
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let message = match error.kind() {
        io::ErrorKind::NotFound => "env file does not exist".to_owned(),
        _ => format!("env file cannot be read: {}", reason(error)),
    };
    Problem { kind: ProblemKind::Unreadable, message, path: path.to_owned(), place: None, service: None }
}

/// The env files that a command line asks for: `--env-file`, else COMPOSE_ENV_FILES, else the `.env` of `directory` if it is there.
pub fn env_files(request: &Request, directory: &Path, texts: &dyn Texts, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let absolute = |path: &Path| request.working_directory.join(path);
    if !request.env_files.is_empty() {
        return request.env_files.iter().map(|path| absolute(path)).collect();
    }
    let listed = request.environment.get("COMPOSE_ENV_FILES").map(String::as_str).unwrap_or_default();
    let listed: Vec<_> = listed.split(',').filter(|path| !path.is_empty()).map(|path| absolute(Path::new(path))).collect();
    if !listed.is_empty() {
        return listed;
    }
    if let Some(switch) = request.environment.get("COMPOSE_DISABLE_ENV_FILE") {
        match switch.as_str() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => return Vec::new(),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => {}
            _ => {
                let message = format!("COMPOSE_DISABLE_ENV_FILE is neither true nor false: {switch:?}");
                let path = request.working_directory.clone();
                let known = problems.iter().any(|problem| problem.message == message);
                if !known {
                    problems.push(Problem { kind: ProblemKind::Refused, message, path, place: None, service: None });
                }
            }
        }
    }
    let default = directory.join(".env");
    if texts.exists(&default) && !texts.is_directory(&default) { vec![default] } else { Vec::new() }
}
