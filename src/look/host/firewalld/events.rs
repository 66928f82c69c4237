//! firewalld's signals.

use super::bus::{self, NAME, PATH};
use crate::look::host::events::{Change, follow_again};
use futures_util::StreamExt as _;
use futures_util::future::select;
use std::sync::mpsc::Sender;
use zbus::{Connection, Error, MessageStream};

/// Follows firewalld for as long as the process lives.
pub(in crate::look::host) fn follow(sender: Sender<Change>) {
    follow_again(sender, |sender| match zbus::block_on(bus::system()) {
        Ok(Some(bus)) => zbus::block_on(listen(&bus, sender)).is_ok(),
        _ => false,
    });
}

/// Hears what firewalld says of itself, and whether it comes or goes, until the bus goes.
async fn listen(bus: &Connection, sender: &Sender<Change>) -> Result<(), Error> {
    let told = format!("type='signal',sender='{NAME}',path_namespace='{PATH}'");
    let owned = format!("type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{NAME}'");
    let mut told = MessageStream::for_match_rule(told.as_str(), bus, None).await?;
    let mut owned = MessageStream::for_match_rule(owned.as_str(), bus, None).await?;
    loop {
        let (message, _) = select(told.next(), owned.next()).await.factor_first();
        if message.is_none_or(|message| message.is_err()) || sender.send(Change).is_err() {
            return Ok(());
        }
    }
}
