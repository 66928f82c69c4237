//! Values to findings. Pure.

pub mod intent;
pub mod rules;
