//! Services that should not be open to everybody, known by their image and container port.
//!
//! In: an image name and a container port. Out: which service that is, and how sure that is. Not here: who may connect to it.
//!
//! A row is matched by image and port together, so that `postgres` on 5432 is found and the sidecar `postgres-exporter` on 9187 is
//! not taken for it. A few ports are so much one service's own that they say enough without the image; that is a lower certainty.

use crate::model::finding::Level;
use crate::model::publication::PortRange;

mod table;

/// A service that should not be open to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sensitive {
    /// Its name, as people write it.
    pub name: &'static str,
    /// What kind of service it is.
    pub kind: Kind,
    /// Names of images: a last component or a word of it (`postgres`), or the end of a path (`redis/redis-stack`).
    images: &'static [&'static str],
    /// Its container ports.
    ports: &'static [u32],
    /// Those of its ports that say enough without an image.
    telling: &'static [u32],
    /// What somebody gets who connects; in a few words.
    pub why: &'static str,
    /// True if it speaks UDP on its ports as well as TCP.
    speaks_udp: bool,
}

/// Kinds of services that should not be open to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Keeps data: databases, caches, search engines, file shares, directories.
    Store,
    /// Carries messages between services.
    Queue,
    /// Holds a cluster together.
    Coordination,
    /// Commands the engine: root on the host, for whoever connects. Its port alone is reason enough.
    Engine,
    /// Runs what it is told: debuggers, notebooks.
    Control,
    /// A web page for administrators.
    Console,
    /// A screen or a shell.
    Access,
    /// Numbers about the host and its services.
    Metrics,
    /// Often open on purpose, with a login of its own: SSH, brokers for devices, registries.
    Gate,
}

impl Kind {
    /// How much it matters if such a service is open to everybody.
    pub fn level(self) -> Level {
        match self {
            Self::Metrics | Self::Gate => Level::Warn,
            _ => Level::Error,
        }
    }
}

/// A sensitive service, and what gave it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The service.
    pub service: &'static Sensitive,
    /// The container port that it listens on.
    pub port: u32,
    /// True if the image says so too; false if only the container port does.
    pub by_image: bool,
}

impl Match {
    /// How much it matters if it is open to everybody: a port alone is a guess.
    pub fn level(&self) -> Level {
        if self.by_image || self.service.kind == Kind::Engine { self.service.kind.level() } else { Level::Warn }
    }
}

/// The sensitive service behind a container port, if there is one. `protocol` in lower case.
pub fn identify(image: Option<&str>, target: PortRange, protocol: &str) -> Option<Match> {
    if protocol == "sctp" {
        return None;
    }
    let repository = image.map(repository).filter(|name| !name.is_empty()).unwrap_or_default();
    let rows = table::SERVICES.iter().filter(|row| protocol == "tcp" || row.speaks_udp);
    // The port first: it is the cheaper of the two to look at.
    let mut by_port = rows.clone().filter_map(|row| Some((row, *row.ports.iter().find(|port| target.contains(**port))?)));
    let by_image = by_port.find(|(row, _)| row.images.iter().any(|pattern| matches_image(&repository, pattern)));
    if let Some((service, port)) = by_image {
        return Some(Match { service, port, by_image: true });
    }
    // A wide range of container ports (media, FTP) covers many numbers by chance.
    let mut telling = rows.filter(|_| target.count() <= 10).flat_map(|row| row.telling.iter().map(move |port| (row, *port)));
    telling.find(|(_, port)| target.contains(*port)).map(|(service, port)| Match { service, port, by_image: false })
}

/// An image's name without registry, tag and digest, in lower case: `ghcr.io/a/b:1@sha256:…` is `a/b`.
fn repository(image: &str) -> String {
    let name = image.split('@').next().unwrap_or_default();
    let last_slash = name.rfind('/').map_or(0, |at| at + 1);
    let name = name[last_slash..].find(':').map_or(name, |colon| &name[..last_slash + colon]);
    let is_registry = |host: &str| host.contains('.') || host.contains(':') || host == "localhost";
    match name.split_once('/') {
        Some((host, path)) if is_registry(host) => path.to_lowercase(),
        _ => name.to_lowercase(),
    }
}

/// A pattern with a slash is the end of the path; one without is the last component, or whole words of it.
fn matches_image(repository: &str, pattern: &str) -> bool {
    if pattern.contains('/') {
        return repository.strip_suffix(pattern).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    }
    let last = repository.rsplit('/').next().unwrap_or_default();
    let is_break = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b'-' | b'_' | b'.'));
    last.match_indices(pattern).any(|(start, _)| {
        let bytes = last.as_bytes();
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        is_break(before) && is_break(bytes.get(start + pattern.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(image: &str, port: u32) -> Option<&'static str> {
        identify(Some(image), PortRange::single(port), "tcp").filter(|it| it.by_image).map(|it| it.service.name)
    }

    #[test]
    fn an_image_is_known_under_any_registry_organisation_tag_and_digest() {
        for image in [
            "postgres",
            "postgres:16-alpine",
            "docker.io/library/postgres@sha256:0123",
            "registry.example:5000/mirror/postgres:16",
            "bitnami/postgresql:latest",
            "zulip/zulip-postgresql",
            "postgis/postgis",
        ] {
            assert_eq!(name(image, 5432), Some("PostgreSQL"), "{image}");
        }
    }

    #[test]
    fn a_sidecar_with_a_database_in_its_name_is_not_the_database() {
        assert_eq!(name("prometheuscommunity/postgres-exporter", 9187), None);
        assert_eq!(name("rediscommander/redis-commander", 8081), Some("Redis Commander"));
        assert_eq!(name("mongo-express", 8081), Some("mongo-express"));
        assert_eq!(name("elasticsearch:8", 8080), None);
    }

    #[test]
    fn a_telling_port_is_enough_without_the_image_but_less_certain() {
        let found = identify(None, PortRange::single(6379), "tcp").map(|it| (it.service.name, it.by_image, it.level()));
        assert_eq!(found, Some(("Redis", false, Level::Warn)));
        assert_eq!(identify(None, PortRange { first: 1, last: 65535 }, "tcp"), None);
        assert_eq!(identify(Some("coturn/coturn"), PortRange::single(5432), "udp"), None);
    }

    #[test]
    fn every_telling_port_is_among_the_ports_of_its_row_and_tells_one_service_only() {
        let mut seen = std::collections::BTreeMap::new();
        for row in table::SERVICES {
            for port in row.telling {
                assert!(row.ports.contains(port), "{} {port}", row.name);
                assert_eq!(seen.insert(port, row.name), None, "{port}");
            }
            assert!(row.why.split(' ').count() <= 8, "{}: {}", row.name, row.why);
            assert!(row.images.iter().all(|image| image.to_lowercase() == *image), "{}", row.name);
        }
    }
}
