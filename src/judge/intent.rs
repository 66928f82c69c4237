//! What the owner means to be open, held against what is found.

pub use crate::model::policy::Intent;
