//! Text to values. Pure: texts come in through [`compose::Texts`], nothing here opens a file.

pub mod baseline;
pub mod compose;
pub mod policy;
pub mod yaml;
