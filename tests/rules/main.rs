//! Runs the pages of docs/rules, the rows of what other linters get wrong, and a matrix of small projects against the rules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod advice;
#[path = "../common/mod.rs"]
mod common;
mod corpus;
mod matrix;
mod memory;
mod pages;
mod truth;
