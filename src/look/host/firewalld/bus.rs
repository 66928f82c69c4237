//! Calls to firewalld on the system's bus.
//!
//! In: interfaces and methods of firewalld.dbus(5). Out: what they return, as JSON. Calls go to the connection that owns firewalld's name
//! at the moment, not to the name, so that the bus starts nothing.

use super::json;
use crate::model::system::reason;
use crate::tool::PATIENCE;
use serde_json::Value;
use std::io;
use zbus::connection::Builder;
use zbus::{Connection, Error, Structure, fdo};

/// firewalld's name on the bus.
pub(super) const NAME: &str = "org.fedoraproject.FirewallD1";
/// Its own object; the others lie below.
pub(super) const PATH: &str = "/org/fedoraproject/FirewallD1";
const CONFIGURATION: &str = "/org/fedoraproject/FirewallD1/config";

/// The parts of firewalld that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interface {
    Main,
    Zone,
    Policy,
    IpSet,
    Direct,
    Configuration,
    PermanentZone,
    PermanentPolicy,
}

impl Interface {
    fn name(self) -> &'static str {
        match self {
            Self::Main => "org.fedoraproject.FirewallD1",
            Self::Zone => "org.fedoraproject.FirewallD1.zone",
            Self::Policy => "org.fedoraproject.FirewallD1.policy",
            Self::IpSet => "org.fedoraproject.FirewallD1.ipset",
            Self::Direct => "org.fedoraproject.FirewallD1.direct",
            Self::Configuration => "org.fedoraproject.FirewallD1.config",
            Self::PermanentZone => "org.fedoraproject.FirewallD1.config.zone",
            Self::PermanentPolicy => "org.fedoraproject.FirewallD1.config.policy",
        }
    }
}

/// A firewalld that runs.
pub(super) struct Daemon {
    bus: Connection,
    /// The connection that owns the name.
    owner: String,
}

/// The system's bus; None: there is none.
///
/// # Errors
/// It may not be used, or does not answer; in words.
pub(super) async fn system() -> Result<Option<Connection>, String> {
    match Builder::system().method_timeout(PATIENCE).build().await {
        Ok(bus) => Ok(Some(bus)),
        Err(Error::Connection(error, _))
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
        {
            Ok(None)
        }
        Err(error) => Err(format!("the system's bus: {}", words(error))),
    }
}

impl Daemon {
    /// The firewalld of this machine; None: none runs.
    ///
    /// # Errors
    /// The bus may not be used; in words.
    pub(super) async fn find() -> Result<Option<Self>, String> {
        let Some(bus) = system().await? else { return Ok(None) };
        let owner = bus.call_method(Some("org.freedesktop.DBus"), "/", Some("org.freedesktop.DBus"), "GetNameOwner", &NAME).await;
        match owner {
            Ok(message) => {
                let owner = message.body().deserialize::<String>().map_err(words)?;
                Ok(Some(Self { bus, owner }))
            }
            Err(Error::FDO(error)) if matches!(*error, fdo::Error::NameHasNoOwner(_)) => Ok(None),
            Err(error) => Err(words(error)),
        }
    }

    /// What a method returns; `about` is its only argument.
    pub(super) async fn call(&self, interface: Interface, method: &str, about: Option<&str>) -> Result<Value, String> {
        let path = if interface == Interface::Configuration { CONFIGURATION } else { PATH };
        match about {
            Some(about) => self.send(path, interface.name(), method, &about).await,
            None => self.send(path, interface.name(), method, &()).await,
        }
    }

    /// What a method of another object returns.
    pub(super) async fn call_at(&self, path: &str, interface: Interface, method: &str) -> Result<Value, String> {
        self.send(path, interface.name(), method, &()).await
    }

    /// A property of firewalld itself.
    pub(super) async fn property(&self, name: &str) -> Result<Value, String> {
        self.send(PATH, "org.freedesktop.DBus.Properties", "Get", &(Interface::Main.name(), name)).await
    }

    /// What stands in `firewalld.conf` as firewalld took it.
    pub(super) async fn configuration(&self) -> Result<Value, String> {
        self.send(CONFIGURATION, "org.freedesktop.DBus.Properties", "GetAll", &(Interface::Configuration.name())).await
    }

    async fn send<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> Result<Value, String>
    where
        B: serde::Serialize + zbus::wire::DynamicType,
    {
        let answer = self.bus.call_method(Some(self.owner.as_str()), path, Some(interface), method, body).await.map_err(words)?;
        let body = answer.body();
        let body: Structure<'_> = body.deserialize().map_err(words)?;
        // A structure that is the only argument and several arguments look the same.
        Ok(match body.fields() {
            [] => Value::Null,
            [only] => json::of(only),
            several => several.iter().map(json::of).collect(),
        })
    }
}

/// What the bus or firewalld says, as the end of a sentence.
fn words(error: Error) -> String {
    match error {
        Error::MethodError(name, text, _) => {
            let kind = name.rsplit('.').next().unwrap_or_default().to_owned();
            match text {
                Some(text) if !text.is_empty() => text,
                _ => kind,
            }
        }
        Error::InputOutput(error) | Error::Connection(error, _) => reason(&error),
        error => error.to_string(),
    }
}
