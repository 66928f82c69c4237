//! What a person told the docker client on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// The docker client's global flags, as they were given. None: not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--config`: the folder of the client's configuration. The client does not export it to its plugins.
    pub config: Option<PathBuf>,
    /// `-c`, `--context`.
    pub context: Option<OsString>,
    /// `-H`, `--host`, in order.
    pub hosts: Vec<OsString>,
    /// `-l`, `--log-level`.
    pub log_level: Option<OsString>,
    /// `-D`, `--debug`.
    pub debug: bool,
    /// `--tls`.
    pub tls: Option<bool>,
    /// `--tlsverify`.
    pub tls_verify: Option<bool>,
    /// `--tlscacert`.
    pub tls_ca_certificate: Option<PathBuf>,
    /// `--tlscert`.
    pub tls_certificate: Option<PathBuf>,
    /// `--tlskey`.
    pub tls_key: Option<PathBuf>,
}
