//! A compose project, as far as its ports go.

use super::origin::{Origin, Sourced};
use super::publication::{Binding, Publication};
use super::setting::Setting;
use super::source::{Place, Source};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What was read of a compose project: everything that decides which ports are published, and nothing else.
#[derive(Debug, Default)]
pub struct Project {
    /// The project's name, as far as it can be known.
    pub name: String,
    /// The project directory.
    pub directory: PathBuf,
    /// Every text that was read: compose files in order, then what they include and extend, then env files.
    pub sources: Vec<Arc<Source>>,
    /// All services, enabled or dormant, in the order of their names.
    pub services: Vec<Service>,
    /// The networks by their key. The implicit `default` network is among them where a service uses it.
    pub networks: BTreeMap<String, Network>,
    /// What stands under the top level's `x-docker-firewall`.
    pub extension: Option<Setting>,
    /// `# docker-firewall: …` comments.
    pub pragmas: Vec<Pragma>,
    /// What could not be read, or what Compose refuses.
    pub problems: Vec<Problem>,
    /// Writing that looks as if it changed the published ports and does not.
    pub ineffective: Vec<Ineffective>,
    /// True where the project is made for `docker stack deploy`: one of its services has Swarm-only `deploy` settings, or the file
    /// is named as a stack. Such files lose the host address of short entries.
    pub looks_like_stack: bool,
}

impl Project {
    /// The service of a name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        let index = self.services.binary_search_by(|service| (*service.name).cmp(name)).ok()?;
        self.services.get(index)
    }
}

/// One service of a project.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: Arc<str>,
    /// Its key in the file.
    pub origin: Origin,
    /// The image, after substitution.
    pub image: Option<Sourced<String>>,
    /// True if it has a `build` section.
    pub builds: bool,
    /// `network_mode`, after substitution.
    pub network_mode: Option<Sourced<String>>,
    /// The networks that it joins; the implicit `default` network included. Empty with `network_mode` or a `provider`.
    pub networks: Vec<Attachment>,
    /// Its profiles, in order, without repeats.
    pub profiles: Vec<String>,
    /// True unless its profiles keep it from starting.
    pub enabled: bool,
    /// `scale`, or `deploy.replicas`, where written.
    pub scale: Option<Sourced<i64>>,
    /// The `provider` key: no container is made.
    pub is_provided: bool,
    /// The label `docker-firewall.allow`: the text, and where it stands.
    pub allow_label: Option<Sourced<String>>,
    /// What stands under the service's `x-docker-firewall`.
    pub extension: Option<Setting>,
    /// The entries of `ports`, those that Compose refuses and those wholly replaced by later ones left out.
    pub publications: Vec<Publication>,
    /// The bindings in Compose's order, each naming its publication.
    pub bindings: Vec<Binding>,
}

/// A service's membership of a network.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The network's key in the project.
    pub network: String,
    /// `gw_priority`: the highest decides which network carries the published ports. 0 where it is not written.
    pub gateway_priority: i64,
    /// Where it stands; for the implicit default network, the service's key.
    pub origin: Origin,
}

/// A network of a project.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its key.
    pub key: String,
    /// Its key in the file; None for the implicit `default` network and for one that is used but not declared.
    pub origin: Option<Origin>,
    /// True if a service uses it and nothing declares it: Compose will refuse the project.
    pub undeclared: bool,
    /// The name that the engine knows it by.
    pub name: String,
    /// True if it is made elsewhere: its driver and options are not known from the file.
    pub external: bool,
    /// `internal: true`.
    pub internal: bool,
    /// The driver; None where it is not written (a bridge, on an engine outside Swarm).
    pub driver: Option<Sourced<String>>,
    /// `driver_opts`, by key.
    pub options: BTreeMap<String, Sourced<String>>,
    /// `enable_ipv4`, where written.
    pub ipv4: Option<bool>,
    /// `enable_ipv6`, where written.
    pub ipv6: Option<bool>,
}

/// A comment that speaks to us: `# docker-firewall: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pragma {
    /// The comment, from `#` to the end of its line.
    pub place: Place,
    /// The text after `docker-firewall:`, trimmed.
    pub text: String,
    /// The line that it speaks about (the first line is 1): its own, or, where it stands alone on a line, the next line that is not a
    /// comment of its own.
    pub line: u32,
}

impl Pragma {
    /// The word that makes a comment speak to us.
    pub const WORD: &'static str = "docker-firewall:";
}

/// Something that could not be read, or that Compose refuses.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// What is wrong, and whose move it is; one sentence, lower case.
    pub message: String,
    /// The file.
    pub path: PathBuf,
    /// Where in it, if that is known.
    pub place: Option<Place>,
    /// The service, if it is about one.
    pub service: Option<Arc<str>>,
}

/// Kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A `ports` entry that Compose refuses; the entry is left out.
    RefusedEntry,
    /// Compose refuses the file for its structure (duplicate keys, an `extends` cycle …); what can be read is read.
    Refused,
    /// A variable without value is required by `${V:?}` or `${V?}`: Compose refuses to start until it is set, so nothing is open.
    Required,
    /// A file could not be read, or is no YAML: its ports are unknown.
    Unreadable,
    /// A file is somewhere else (git, OCI): it was not fetched, its ports are unknown.
    Remote,
}

/// Writing that looks as if it changed the published ports and does not.
#[derive(Clone, Debug)]
pub struct Ineffective {
    /// The service.
    pub service: Arc<str>,
    /// The writing: the value where it has one, else the key.
    pub at: Place,
    /// Which trap it is.
    pub trap: Trap,
}

/// Ways to write something without effect (compose-go `loader/reset.go`, `override/merge.go`, `loader/extends.go`).
#[derive(Clone, Debug)]
pub enum Trap {
    /// An empty or null `ports` in a later layer: merging appends nothing.
    EmptyOverride,
    /// Values under `!reset`: the attribute is removed, the values are thrown away.
    ResetValues,
    /// `!reset` on one item of a list: the item is dropped, and nothing is removed from the earlier layer.
    ResetItem,
    /// A later file changes the ports of a base service: the services that extended it in an earlier file keep the old ones.
    ExtendedEarlier {
        /// The service that keeps the ports.
        child: Arc<str>,
    },
}
