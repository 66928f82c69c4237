//! Where the docker client would find its engine.
//!
//! In: the client's flags and environment, its configuration and its context store. Out: a socket to dial, or the words by which the
//! client dials (`docker … system dial-stdio`) for all that is not a socket of this machine: TLS, ssh, credentials and its own errors
//! stay the client's. The order is the client's (docker/cli `cli/command/cli.go`, `resolveContextName` and `getServerHost`).

use crate::look::files;
use crate::model::client::Flags;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Write as _};
use std::path::{Path, PathBuf};

/// Where the client looks if nobody says otherwise.
const DEFAULT: &str = "/var/run/docker.sock";

/// Where an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A socket of this machine.
    Socket(PathBuf),
    /// A place that the docker client dials.
    Client {
        /// The client's command and its flags, up to `system dial-stdio`.
        words: Vec<OsString>,
        /// The place as it was written.
        place: String,
    },
}

impl Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(out, "{}", path.display()),
            Self::Client { place, .. } => out.write_str(place),
        }
    }
}

impl Endpoint {
    /// The endpoint that the client would use.
    ///
    /// # Errors
    /// The flags contradict each other.
    pub(super) fn of(flags: &Flags, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, String> {
        if flags.hosts.len() > 1 {
            return Err("-H is given more than once".to_owned());
        }
        if flags.context.is_some() && !flags.hosts.is_empty() {
            return Err("--host and --context contradict each other".to_owned());
        }
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let host = || flags.hosts.first().cloned().or_else(|| variable("DOCKER_HOST"));
        let client =
            |place: String| Self::Client { words: words(flags, variable("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND")), place };
        let asks_for_tls = flags.tls == Some(true)
            || flags.tls_verify == Some(true)
            || variable("DOCKER_TLS").is_some()
            || variable("DOCKER_TLS_VERIFY").is_some();
        let folder = flags.config.clone().or_else(|| variable("DOCKER_CONFIG").map(PathBuf::from));
        let folder = folder.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".docker")));
        match context(flags, host().is_some(), variable("DOCKER_CONTEXT"), folder.as_deref()) {
            Some(name) => {
                let place = folder.and_then(|folder| stored(&folder, &name));
                Ok(match place.as_deref().and_then(socket) {
                    Some(socket) => Self::Socket(socket),
                    None => client(place.unwrap_or_else(|| format!("context {}", name.to_string_lossy()))),
                })
            }
            None => match host().map(|host| host.to_string_lossy().into_owned()) {
                None if asks_for_tls => Ok(client("localhost over TLS".to_owned())),
                None => Ok(Self::Socket(DEFAULT.into())),
                Some(host) => Ok(socket(&host).map_or_else(|| client(host), Self::Socket)),
            },
        }
    }
}

/// The name of the context that counts; None: the default one, which is made of `-H` and `DOCKER_HOST`.
fn context(flags: &Flags, has_host: bool, variable: Option<OsString>, folder: Option<&Path>) -> Option<OsString> {
    let name = match &flags.context {
        Some(name) => Some(name.clone()),
        None if has_host => None,
        None => variable.or_else(|| current(folder?)),
    };
    name.filter(|name| name != "default" && !name.is_empty())
}

/// `currentContext` of the client's configuration.
fn current(folder: &Path) -> Option<OsString> {
    let text = files::text(&folder.join("config.json"), files::LONGEST).ok()?;
    let config: Value = serde_json::from_str(&text).ok()?;
    config["currentContext"].as_str().map(OsString::from)
}

/// The engine's place as a context keeps it (docker/cli `cli/context/store`): the folder is named by the SHA-256 of the context's name.
fn stored(folder: &Path, name: &OsStr) -> Option<String> {
    let digest = Sha256::digest(name.as_encoded_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let text = files::text(&folder.join("contexts/meta").join(digest).join("meta.json"), files::LONGEST).ok()?;
    let meta: Value = serde_json::from_str(&text).ok()?;
    meta["Endpoints"]["docker"]["Host"].as_str().map(str::to_owned)
}

/// The path of `unix://PATH`, on systems that have such sockets.
fn socket(place: &str) -> Option<PathBuf> {
    let path = place.strip_prefix("unix://").filter(|_| cfg!(unix))?;
    Some(if path.is_empty() { DEFAULT } else { path }.into())
}

/// The client's command with the flags that it was given.
fn words(flags: &Flags, command: Option<OsString>) -> Vec<OsString> {
    // During a completion the variable names the plugin.
    let is_client = |command: &OsString| Path::new(command).file_name().is_some_and(|name| name != "docker-firewall");
    let mut words = vec![command.filter(is_client).unwrap_or_else(|| "docker".into())];
    let mut add = |flag: &str, value: Option<&OsStr>| {
        if let Some(value) = value {
            words.extend([flag.into(), value.to_owned()]);
        }
    };
    add("--config", flags.config.as_ref().map(|path| path.as_os_str()));
    add("--context", flags.context.as_deref());
    add("--host", flags.hosts.first().map(OsString::as_os_str));
    add("--tlscacert", flags.tls_ca_certificate.as_ref().map(|path| path.as_os_str()));
    add("--tlscert", flags.tls_certificate.as_ref().map(|path| path.as_os_str()));
    add("--tlskey", flags.tls_key.as_ref().map(|path| path.as_os_str()));
    for (flag, on) in [("--tls", flags.tls), ("--tlsverify", flags.tls_verify)] {
        words.extend(on.map(|on| format!("{flag}={on}").into()));
    }
    words.extend(["system".into(), "dial-stdio".into()]);
    words
}

#[cfg(test)]
mod tests;
