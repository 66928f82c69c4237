//! One conversation with an engine: HTTP over its socket, or over the docker client's `system dial-stdio`.
//!
//! In: an [`Endpoint`]. Out: answers as JSON values, or why there is none. Each answer may take [`PATIENCE`] and be [`LONGEST`] bytes
//! long. Not here: what is asked, and what the answers mean.

use super::Endpoint;
use crate::model::system::reason;
use crate::tool::{self, LONGEST};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper::body::{Body, Bytes};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::process::{Child, Command};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long an answer may take.
pub(super) const PATIENCE: Duration = tool::PATIENCE;

/// The oldest API that is understood: that of Docker 20.10.
const OLDEST: (usize, usize) = (1, 41);

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no socket.
    Absent,
    /// There is a socket, and nobody listens.
    Deaf,
    /// The socket is not for us.
    Forbidden,
    /// No answer in this time.
    Silent(Duration),
    /// The engine says no: the status and its words.
    Refused(u16, String),
    /// Anything else.
    Broken(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Absent,
            io::ErrorKind::ConnectionRefused => Self::Deaf,
            io::ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Broken(reason(&error)),
        }
    }
}

/// What drives a conversation, on the calling thread alone.
///
/// # Errors
/// The system has no more files to give; in words.
pub(super) fn runtime() -> Result<Runtime, String> {
    Builder::new_current_thread().enable_io().enable_time().build().map_err(|error| reason(&error))
}

/// An open line.
pub(super) struct Line<B> {
    sender: SendRequest<B>,
    /// What the docker client complains about.
    complaint: Option<JoinHandle<String>>,
}

impl<B> Line<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Dials.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, Failure> {
        match endpoint {
            #[cfg(unix)]
            Endpoint::Socket(path) => {
                let stream = tokio::net::UnixStream::connect(path).await?;
                Ok(Self { sender: shake(stream, None).await?, complaint: None })
            }
            #[cfg(not(unix))]
            Endpoint::Socket(_) => Err(Failure::Absent),
            Endpoint::Client { words, .. } => {
                let mut child = client(words)?;
                let (Some(input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
                else {
                    return Err(Failure::Broken("the docker client has no pipes".to_owned()));
                };
                let complaint = tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    let _ = errors.take(4096).read_to_end(&mut bytes).await;
                    String::from_utf8_lossy(&bytes).split_whitespace().collect::<Vec<_>>().join(" ")
                });
                let sender = shake(tokio::io::join(output, input), Some(child)).await?;
                Ok(Self { sender, complaint: Some(complaint) })
            }
        }
    }

    /// Sends a request, whose path is the engine's own, and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: Request<B>) -> Result<hyper::Response<hyper::body::Incoming>, Failure> {
        match self.sender.send_request(request).await {
            Ok(response) => Ok(response),
            Err(error) => Err(self.failure(&error).await),
        }
    }

    /// In the client's words, where it has any.
    async fn failure(&mut self, error: &hyper::Error) -> Failure {
        let complaint = match self.complaint.take() {
            Some(complaint) => timeout(Duration::from_millis(500), complaint).await.ok().and_then(Result::ok),
            None => None,
        };
        let words = complaint.filter(|complaint| !complaint.is_empty());
        Failure::Broken(words.unwrap_or_else(|| format!("the line broke: {error}")))
    }
}

/// Starts the docker client as a line to its engine. It ends when the line is closed.
fn client(words: &[OsString]) -> Result<Child, Failure> {
    let Some((program, arguments)) = words.split_first() else { return Err(Failure::Absent) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().map_err(|error| Failure::Broken(format!("{}: {}", program.to_string_lossy(), reason(&error))))
}

/// Begins HTTP on a stream, and keeps the client at its other end alive as long.
async fn shake<B>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    client: Option<Child>,
) -> Result<SendRequest<B>, Failure>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (sender, line) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| Failure::Broken(error.to_string()))?;
    tokio::spawn(async move {
        // How it ends, the requests on it say.
        let _ = line.await;
        drop(client);
    });
    Ok(sender)
}

/// A conversation.
pub(super) struct Session<'a> {
    endpoint: &'a Endpoint,
    line: Line<Empty<Bytes>>,
    /// True once an answer came: the line was good.
    has_answered: bool,
    /// `/v1.44`; before the versions are known, nothing.
    prefix: String,
}

impl<'a> Session<'a> {
    /// Dials.
    pub(super) async fn open(endpoint: &'a Endpoint) -> Result<Self, Failure> {
        let line = timeout(PATIENCE, Line::open(endpoint)).await.map_err(|_| Failure::Silent(PATIENCE))??;
        Ok(Self { endpoint, line, has_answered: false, prefix: String::new() })
    }

    /// From here on, speaks the version of the API that both know.
    ///
    /// # Errors
    /// The engine knows none that we do.
    pub(super) fn negotiate(&mut self, version: &Value) -> Result<(), Failure> {
        if let Some((major, minor)) = common(version)? {
            self.prefix = format!("/v{major}.{minor}");
        }
        Ok(())
    }

    /// What the engine answers to `GET path`.
    pub(super) async fn get(&mut self, path: &str) -> Result<Value, Failure> {
        timeout(PATIENCE, self.exchange(path)).await.unwrap_or(Err(Failure::Silent(PATIENCE)))
    }

    async fn exchange(&mut self, path: &str) -> Result<Value, Failure> {
        // An engine may close a line after any answer.
        if self.has_answered && self.line.sender.ready().await.is_err() {
            self.line = Line::open(self.endpoint).await?;
        }
        let broken = |error: &dyn std::fmt::Display| Failure::Broken(format!("GET {path}: {error}"));
        let request = Request::get(format!("{}{path}", self.prefix)).header(hyper::header::HOST, "docker");
        let response = self.line.send(request.body(Empty::new()).map_err(|error| broken(&error))?).await?;
        let status = response.status();
        let longest = usize::try_from(LONGEST).unwrap_or(usize::MAX);
        let body = Limited::new(response.into_body(), longest).collect().await.map_err(|error| broken(&error))?.to_bytes();
        self.has_answered = true;
        let answer = serde_json::from_slice::<Value>(&body);
        if status.is_success() {
            return answer.map_err(|error| broken(&error));
        }
        let words = answer.ok().and_then(|answer| answer["message"].as_str().map(str::to_owned));
        Err(Failure::Refused(status.as_u16(), words.unwrap_or_else(|| format!("GET {path}"))))
    }
}

/// The version of the API to speak: the newest that both know, but none that the engine has given up. None: it does not say.
fn common(version: &Value) -> Result<Option<(usize, usize)>, Failure> {
    let number = |key: &str| {
        let (major, minor) = version[key].as_str()?.split_once('.')?;
        Some((major.parse::<usize>().ok()?, minor.parse::<usize>().ok()?))
    };
    let Some(newest) = number("ApiVersion") else { return Ok(None) };
    if newest < OLDEST {
        let (major, minor) = newest;
        return Err(Failure::Broken(format!("it speaks version {major}.{minor} of the API; 1.41 (Docker 20.10) is needed")));
    }
    let ours = (bollard::API_DEFAULT_VERSION.major_version, bollard::API_DEFAULT_VERSION.minor_version);
    Ok(Some(newest.min(ours).max(number("MinAPIVersion").unwrap_or(OLDEST))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn spoken(api: &str, least: &str) -> Option<(usize, usize)> {
        common(&json!({"ApiVersion": api, "MinAPIVersion": least})).unwrap()
    }

    #[test]
    fn the_version_of_the_api_is_one_that_both_know() {
        let ours = (bollard::API_DEFAULT_VERSION.major_version, bollard::API_DEFAULT_VERSION.minor_version);
        assert_eq!(spoken("1.41", "1.12"), Some((1, 41)));
        assert_eq!(spoken("1.99", "1.44"), Some(ours));
        assert_eq!(spoken("1.99", "1.98"), Some((1, 98)), "what is newer is read as far as it is known");
        assert_eq!(common(&json!({"Version": "5"})).unwrap(), None);
        assert!(common(&json!({"ApiVersion": "1.40"})).is_err());
    }
}
