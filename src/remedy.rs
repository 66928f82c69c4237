//! Findings to edits, each proven.

pub mod edit;
