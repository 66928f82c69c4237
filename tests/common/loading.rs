//! Loading a compose project from a folder on the disk, and its answer in the form in which Compose prints one.
//!
//! In: a folder, the arguments and the environment of a run. Out: the project, and services -> published ports as JSON.

use docker_firewall::model::project::{Project, Service};
use docker_firewall::model::publication::Binding;
use docker_firewall::model::source::Source;
use docker_firewall::read::compose::{Request, Texts, load};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The disk as it is; standard input is empty.
struct Disk;

impl Texts for Disk {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        if path == Path::new("-") {
            return Ok(Source::new(path, ""));
        }
        Ok(Source::new(path, std::fs::read_to_string(path)?))
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// Loads what `docker compose ARGUMENTS config` would load in `folder`.
pub(crate) fn load_from(folder: &Path, arguments: &[String], environment: &BTreeMap<String, String>) -> Project {
    let mut request = Request { working_directory: folder.to_path_buf(), environment: environment.clone(), ..Request::default() };
    for pair in arguments.chunks(2) {
        let [option, value] = pair else { panic!("an option without a value: {pair:?}") };
        match option.as_str() {
            "-f" => request.files.push(PathBuf::from(value)),
            "-p" => request.project_name = Some(value.clone()),
            "--env-file" => request.env_files.push(PathBuf::from(value)),
            "--profile" => request.profiles.push(value.clone()),
            "--project-directory" => request.project_directory = Some(PathBuf::from(value)),
            _ => panic!("no such option: {option}"),
        }
    }
    load(&request, &Disk)
}

/// The enabled services as `docker compose config --format json` prints them, cut down to what decides about ports.
pub(crate) fn answer(project: &Project) -> Value {
    let enabled = project.services.iter().filter(|service| service.enabled);
    Value::Object(enabled.map(|service| (service.name.to_string(), of_service(service))).collect())
}

fn of_service(service: &Service) -> Value {
    let mut fields = Map::new();
    fields.insert("ports".into(), service.bindings.iter().map(|binding| of_binding(service, binding)).collect());
    if let Some(mode) = service.network_mode.as_ref().filter(|mode| !mode.value.is_empty()) {
        fields.insert("network_mode".into(), json!(mode.value));
    }
    if !service.profiles.is_empty() {
        fields.insert("profiles".into(), json!(service.profiles));
    }
    Value::Object(fields)
}

/// Compose leaves out what is empty or 0.
fn of_binding(service: &Service, binding: &Binding) -> Value {
    let publication = &service.publications[binding.publication];
    let texts = [
        ("host_ip", publication.host_ip.as_deref()),
        ("published", binding.published.as_deref()),
        ("protocol", Some(publication.protocol.as_str())),
        ("mode", Some(publication.mode.as_str())),
    ];
    let full = texts.into_iter().filter_map(|(key, text)| Some((key, text.filter(|text| !text.is_empty())?)));
    let mut fields: Map<String, Value> = full.map(|(key, text)| (key.to_owned(), json!(text))).collect();
    if binding.target != 0 {
        fields.insert("target".into(), json!(binding.target));
    }
    Value::Object(fields)
}
