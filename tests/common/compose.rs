//! Docker Compose itself, where it is installed.
//!
//! In: a folder, the arguments and the environment of a run. Out: what `docker-compose config` prints. No daemon is asked.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The version whose answers are committed.
const VERSION: &str = "2.40";

/// A docker-compose of the version that the committed answers are of.
pub(crate) struct Compose {
    program: PathBuf,
}

impl Compose {
    /// Looks in `DOCKER_COMPOSE`, where `tests/reference/install.sh` unpacks it, and in `PATH`; says so where there is none.
    pub(crate) fn find() -> Option<Self> {
        let named = std::env::var_os("DOCKER_COMPOSE").map(PathBuf::from);
        let unpacked = PathBuf::from(format!("/opt/docker-compose-{VERSION}/usr/bin/docker-compose"));
        let places = named.into_iter().chain([unpacked, PathBuf::from("docker-compose")]);
        let found = places.map(|program| Self { program }).find(Self::is_right_version);
        if found.is_none() {
            eprintln!(
                "no docker-compose {VERSION} here (tests/reference/install.sh fetches it): only its committed answers are used"
            );
        }
        found
    }

    fn is_right_version(&self) -> bool {
        let output = Command::new(&self.program).args(["version", "--short"]).output();
        let version = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
        version.trim_start_matches('v').starts_with(VERSION)
    }

    /// The whole configuration as JSON.
    ///
    /// # Errors
    /// What Compose says where it refuses the project, without its warnings.
    pub(crate) fn config(
        &self,
        folder: &Path,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
    ) -> Result<Value, String> {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["config", "--format", "json"]).current_dir(folder).stdin(Stdio::null());
        let output = command.env_clear().envs(environment).output().expect("docker-compose starts");
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).expect("docker-compose prints JSON"));
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let errors = said.lines().filter(|line| !line.contains("level=warning"));
        Err(errors.collect::<Vec<_>>().join("\n"))
    }
}

/// The services of a configuration, cut down to what decides about ports.
pub(crate) fn services(config: &Value) -> Value {
    let services = config["services"].as_object().into_iter().flatten();
    Value::Object(services.map(|(name, service)| (name.clone(), of_service(service))).collect())
}

fn of_service(service: &Value) -> Value {
    let ports = service["ports"].as_array().into_iter().flatten().map(of_port).collect();
    let mut fields = Map::from_iter([("ports".to_owned(), Value::Array(ports))]);
    for key in ["network_mode", "profiles"] {
        fields.extend(service.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    Value::Object(fields)
}

fn of_port(port: &Value) -> Value {
    let keys = ["host_ip", "published", "target", "protocol", "mode"];
    Value::Object(keys.iter().filter_map(|key| Some(((*key).to_owned(), port.get(key)?.clone()))).collect())
}
