//! What is different on a host since it was looked at before.

use super::finding::Finding;
use super::opening::Opening;

/// One difference.
#[derive(Clone, Debug)]
pub enum Change {
    /// Something is wrong that was not.
    Found(Box<Finding>),
    /// Something that was wrong is wrong no more.
    Gone(Box<Finding>),
    /// A port is published now.
    Published(Box<Opening>),
    /// A port is published no more.
    Unpublished(Box<Opening>),
    /// A port is as before, and what becomes of those who ask for it is not.
    Judged {
        /// As it was.
        before: Box<Opening>,
        /// As it is.
        after: Box<Opening>,
    },
}
