//! Hosts as their engines would make them, held against hosts as engines made them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod captures;
#[path = "../common/hosts.rs"]
mod hosts;
mod projects;
mod saved;
#[path = "../common/sent.rs"]
mod sent;
mod versions;
