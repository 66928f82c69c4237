//! The engine of a host: dockerd from its package, its containers, its API.
//!
//! In: an [`Island`] with a firewall up. Out: a running engine with the lab's image, and its API's answers as JSON.
//!
//! It starts no container.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::island::{self, Island};

/// The image's name.
pub(crate) const IMAGE: &str = "answer:lab";

/// Starts dockerd and gives it the image.
///
/// Storage is vfs on a tmpfs: overlay over overlay is refused, and the image is one file. The cgroup parent is ours, so that
/// nothing stays under the machine's `/docker`.
pub(crate) fn start(island: &mut Island, flags: &[&str], image: &Path) -> Result<()> {
    let parent = island::cgroup();
    let mut argv: Vec<_> = ["env"].into_iter().chain(flags.iter().copied().filter(|flag| !flag.starts_with('-'))).collect();
    argv.extend(["dockerd", "--storage-driver", "vfs", "--shutdown-timeout", "2", "--cgroup-parent", &parent]);
    argv.extend(flags.iter().filter(|flag| flag.starts_with('-')));
    island.start("dockerd", &argv)?;
    island.await_success("dockerd", &["docker", "version"])?;
    give(island, image)
}

/// Gives the engine the image.
pub(crate) fn give(island: &Island, image: &Path) -> Result<()> {
    fs::copy(image, island.path("/tmp/answer.tar"))?;
    island.run(&["docker", "import", "--change", "ENTRYPOINT [\"/answer\"]", "/tmp/answer.tar", IMAGE])?;
    Ok(())
}

/// Asks the Engine API of the host. HTTP/1.0, so that the answer is not chunked.
///
/// # Errors
///
/// The socket does not answer, or the answer is not JSON.
pub(crate) fn get(island: &Island, path: &str) -> Result<Value> {
    let mut socket = UnixStream::connect(island.path("/run/docker.sock")).context("the engine's socket")?;
    write!(socket, "GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
    serde_json::from_str(body).with_context(|| format!("GET {path}: {body}"))
}

/// What `docker inspect` says of each running container, newest first as the engine lists them.
pub(crate) fn inspect_all(island: &Island) -> Result<Vec<Value>> {
    let list = get(island, "/containers/json")?;
    let ids = list.as_array().into_iter().flatten().filter_map(|container| container["Id"].as_str());
    ids.map(|id| get(island, &format!("/containers/{id}/json"))).collect()
}
