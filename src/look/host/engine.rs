//! The engine behind the docker client's endpoint: what its API answers.
//!
//! In: the client's flags. Out: the answers as they came, less what no judge needs and nobody should keep ([`kept`]). Each is asked for
//! raw: one word that a typed client does not know must not blind us for a whole list. Not here: whether the engine is on this machine.

mod endpoint;
mod events;
mod kept;
mod session;

use endpoint::Endpoint;
pub(super) use events::follow;

use super::{Seen, Unread, pretty};
use crate::model::client::Flags;
use crate::model::snapshot::command;
use serde_json::Value;
use session::{Failure, Session};
use std::time::Duration;

/// How long the whole conversation may take: some thousand containers over a slow ssh.
const LONG_PATIENCE: Duration = Duration::from_secs(120);

/// The files of this part, and the first thing asked for each.
const FILES: [&str; 6] = ["version.json", "info.json", "containers.json", "networks.json", "inspect.json", "services.json"];

/// Asks the engine.
pub(super) fn look(flags: &Flags) -> Vec<Seen> {
    let endpoint = match Endpoint::of(flags, |name| std::env::var_os(name)) {
        Ok(endpoint) => endpoint,
        Err(why) => return rest(&[], &Unread { why, command: "docker context ls".to_owned() }),
    };
    let runtime = match session::runtime() {
        Ok(runtime) => runtime,
        Err(why) => return rest(&[], &Unread { why, command: command(FILES[0]).to_owned() }),
    };
    let mut seen = Vec::new();
    let done = runtime.block_on(async {
        tokio::time::timeout(LONG_PATIENCE, ask(&endpoint, &mut seen)).await.unwrap_or(Err(Failure::Silent(LONG_PATIENCE)))
    });
    if let Err(failure) = done {
        let reason = endpoint.reason(failure);
        let unread = rest(&seen, &reason);
        seen.extend(unread);
    }
    seen
}

/// All files of this part that were not seen, each with the reason.
fn rest(seen: &[Seen], reason: &Unread) -> Vec<Seen> {
    let missing = FILES.iter().filter(|file| seen.iter().all(|seen| seen.file != **file));
    missing.map(|file| Seen { file, text: None, unread: Some(reason.clone()) }).collect()
}

/// Asks one thing after the other, and keeps what was answered until one thing fails.
async fn ask(endpoint: &Endpoint, seen: &mut Vec<Seen>) -> Result<(), Failure> {
    let mut session = Session::open(endpoint).await?;
    let version = session.get("/version").await?;
    seen.push(Seen::text("version.json", pretty(&version)));
    session.negotiate(&version)?;
    let mut info = session.get("/info").await?;
    kept::of_info(&mut info);
    seen.push(Seen::text("info.json", pretty(&info)));
    let networks = session.get("/networks").await?;
    seen.push(Seen::text("networks.json", pretty(&networks)));
    let mut containers = session.get("/containers/json?all=1").await?;
    seen.push(inspected(&mut session, &containers).await?);
    kept::of_list(&mut containers, kept::LISTED);
    seen.push(Seen::text("containers.json", pretty(&containers)));
    seen.push(services(&mut session, &info).await?);
    Ok(())
}

/// What `inspect` says of each container that may hold addresses and ports. One that has gone in the meantime is left out.
async fn inspected(session: &mut Session<'_>, containers: &Value) -> Result<Seen, Failure> {
    let mut list = Vec::new();
    let mut unread = None;
    for container in containers.as_array().into_iter().flatten().filter(|container| !is_down(container)) {
        let id = container["Id"].as_str().unwrap_or_default();
        // The word goes into a path.
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let command = command("inspect.json").to_owned();
            unread = Some(Unread { why: "the engine lists a container without an identifier".to_owned(), command });
            continue;
        }
        match session.get(&format!("/containers/{id}/json")).await {
            Ok(container) => list.push(container),
            Err(Failure::Refused(404, _)) => {}
            Err(Failure::Refused(_, why)) => {
                unread = Some(Unread { why: format!("container {id}: {why}"), command: format!("docker inspect {id}") });
            }
            Err(failure) => return Err(failure),
        }
    }
    let mut list = Value::from(list);
    kept::of_list(&mut list, kept::INSPECTED);
    Ok(Seen { file: "inspect.json", text: Some(pretty(&list)), unread })
}

/// True if a container surely has no network at the moment. Words that are not known (Docker's and Podman's differ) are none of these.
fn is_down(container: &Value) -> bool {
    let down = ["configured", "created", "dead", "exited", "initialized", "removing", "stopped"];
    container["State"].as_str().is_some_and(|state| down.contains(&state))
}

/// The services of a swarm, which its managers know. No swarm: none.
async fn services(session: &mut Session<'_>, info: &Value) -> Result<Seen, Failure> {
    let file = "services.json";
    let swarm = &info["Swarm"];
    if swarm["LocalNodeState"].as_str() != Some("active") {
        return Ok(Seen::nothing(file));
    }
    if swarm["ControlAvailable"].as_bool() != Some(true) {
        return Ok(Seen::unread(file, "this node of the swarm is no manager: its services are not told", command(file)));
    }
    let mut services = match session.get("/services").await {
        Err(Failure::Refused(_, why)) => return Ok(Seen::unread(file, why, command(file))),
        answer => answer?,
    };
    kept::of_list(&mut services, kept::SERVICE);
    Ok(Seen::text(file, pretty(&services)))
}

impl Endpoint {
    /// Why the engine could not be asked, and what to do.
    fn reason(&self, failure: Failure) -> Unread {
        let (why, command) = match failure {
            Failure::Absent => (format!("no engine: there is no socket {self}"), "sudo systemctl start docker".to_owned()),
            Failure::Deaf => (format!("no engine: nobody listens at {self}"), "sudo systemctl start docker".to_owned()),
            Failure::Forbidden => (format!("permission denied at {self}"), "sudo docker inspect $(sudo docker ps -q)".to_owned()),
            Failure::Silent(patience) => (
                format!("the engine at {self} does not answer within {} s", patience.as_secs()),
                "sudo systemctl status docker".to_owned(),
            ),
            Failure::Refused(status, why) => {
                (format!("the engine at {self} refuses ({status}): {why}"), "docker version".to_owned())
            }
            Failure::Broken(why) => (format!("the engine at {self} cannot be asked: {why}"), "docker version".to_owned()),
        };
        Unread { why, command }
    }
}
