//! The engine's events, by bollard over our transport.

use super::Endpoint;
use super::session::{self, Line, PATIENCE};
use crate::look::host::events::{Change, follow_again};
use crate::model::client::Flags;
use bollard::errors::Error;
use bollard::query_parameters::EventsOptionsBuilder;
use bollard::{BollardRequest, Docker};
use futures_util::StreamExt as _;
use std::collections::HashMap;
use std::io;
use std::sync::mpsc::Sender;

/// What may change a verdict: health checks and commands run in containers do not.
const EVENTS: [&str; 12] =
    ["start", "die", "pause", "unpause", "rename", "connect", "disconnect", "create", "destroy", "remove", "update", "reload"];

/// Follows the engine for as long as the process lives.
pub(in crate::look::host) fn follow(flags: &Flags, sender: Sender<Change>) {
    let Ok(endpoint) = Endpoint::of(flags, |name| std::env::var_os(name)) else { return };
    follow_again(sender, move |sender| {
        let Ok(runtime) = session::runtime() else { return false };
        runtime.block_on(listen(&endpoint, sender))
    });
}

/// Hears events until the engine goes. False: there was none.
async fn listen(endpoint: &Endpoint, sender: &Sender<Change>) -> bool {
    let Ok(docker) = connect(endpoint) else { return false };
    if docker.ping().await.is_err() {
        return false;
    }
    // It is there, and may not have been when one looked last.
    let mut is_heard = sender.send(Change).is_ok();
    let filters = HashMap::from([("type", vec!["container", "network", "service", "daemon"]), ("event", EVENTS.to_vec())]);
    let mut events = docker.events(Some(EventsOptionsBuilder::new().filters(&filters).build()));
    while is_heard {
        match events.next().await {
            // A word that bollard does not know is an event all the same.
            Some(Ok(_) | Err(Error::JsonDataError { .. })) => is_heard = sender.send(Change).is_ok(),
            Some(Err(_)) | None => break,
        }
    }
    true
}

/// bollard over our own lines: one for each request.
fn connect(endpoint: &Endpoint) -> Result<Docker, Error> {
    let endpoint = endpoint.clone();
    let transport = move |mut request: BollardRequest| {
        let endpoint = endpoint.clone();
        async move {
            let failed = |failure| Error::IOError { err: io::Error::other(endpoint.reason(failure).why) };
            // On a line the path is the engine's own, without a host.
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
            if let Ok(path) = path.parse() {
                *request.uri_mut() = path;
            }
            request.headers_mut().insert(hyper::header::HOST, hyper::header::HeaderValue::from_static("docker"));
            let mut line = Line::open(&endpoint).await.map_err(failed)?;
            line.send(request).await.map_err(failed)
        }
    };
    Docker::connect_with_custom_transport(transport, Some("http://docker"), PATIENCE.as_secs(), bollard::API_DEFAULT_VERSION)
}
