//! Hosts as their engines would make them, held against hosts as engines made them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod captures;
mod projects;
mod saved;
mod versions;
