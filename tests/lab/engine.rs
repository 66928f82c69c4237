//! The engine of a host: dockerd from its package, its containers, its API.
//!
//! In: an [`Island`] with a firewall up. Out: running containers and the Engine API's answers as JSON.
//!
//! It does not decide which containers run.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::island::{self, Island};

/// The image's name.
const IMAGE: &str = "answer:lab";

/// Starts dockerd and gives it the image.
///
/// Storage is vfs on a tmpfs: overlay over overlay is refused, and the image is one file. The cgroup parent is ours, so that
/// nothing stays under the machine's `/docker`.
pub(crate) fn start(island: &mut Island, flags: &[&str], image: &Path) -> Result<()> {
    let parent = island::cgroup();
    let mut argv = vec!["dockerd", "--storage-driver", "vfs", "--shutdown-timeout", "2", "--cgroup-parent", &parent];
    argv.extend(flags);
    island.start("dockerd", &argv)?;
    island.await_success("dockerd", &["docker", "version"])?;
    fs::copy(image, island.path("/tmp/answer.tar"))?;
    island.run(&["docker", "import", "--change", "ENTRYPOINT [\"/answer\"]", "/tmp/answer.tar", IMAGE])?;
    Ok(())
}

/// Runs a container, which has a second to end because it does not heed SIGTERM: words of `docker run` before the image, and what it answers on (`tcp/80`).
pub(crate) fn run(island: &Island, name: &str, words: &[&str], listens: &[&str]) -> Result<()> {
    let mut argv = vec!["docker", "run", "--detach", "--stop-timeout", "1", "--name", name];
    argv.extend(words);
    argv.extend([IMAGE, name]);
    argv.extend(listens);
    island.run(&argv).map(drop)
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

/// The engine's major version.
pub(crate) fn major(island: &Island) -> Result<u32> {
    let version = get(island, "/version")?;
    let words = version["Version"].as_str().and_then(|text| text.split('.').next());
    words.and_then(|number| number.parse().ok()).context("the engine tells no version")
}

/// What `docker inspect` says of each running container, newest first as the engine lists them.
pub(crate) fn inspect_all(island: &Island) -> Result<Vec<Value>> {
    let list = get(island, "/containers/json")?;
    let ids = list.as_array().into_iter().flatten().filter_map(|container| container["Id"].as_str());
    ids.map(|id| get(island, &format!("/containers/{id}/json"))).collect()
}
