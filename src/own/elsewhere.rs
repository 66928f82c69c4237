//! Systems without owners and modes as we know them: nothing there is known to be ours.

use super::{OwnError, Readers};
use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::path::Path;

/// A folder of ours: there is none.
#[derive(Debug)]
pub struct Folder(Infallible);

impl Folder {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn open(path: &Path) -> Result<Option<Self>, OwnError> {
        Err(OwnError::new(path, "open it", io::Error::from(io::ErrorKind::Unsupported)))
    }

    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn make(path: &Path) -> Result<Self, OwnError> {
        Err(OwnError::new(path, "make it", io::Error::from(io::ErrorKind::Unsupported)))
    }

    /// Nobody comes here.
    ///
    /// # Errors
    /// None.
    pub fn text(&self, _: &str) -> Result<Option<String>, OwnError> {
        match self.0 {}
    }

    /// Nobody comes here.
    ///
    /// # Errors
    /// None.
    pub fn put(&self, _: &str, _: &str, _: Readers) -> Result<(), OwnError> {
        match self.0 {}
    }

    /// Nobody comes here.
    ///
    /// # Errors
    /// None.
    pub fn remove(&self, _: &str) -> Result<bool, OwnError> {
        match self.0 {}
    }

    /// Nobody comes here.
    ///
    /// # Errors
    /// None.
    pub fn file(&self, _: &str) -> Result<File, OwnError> {
        match self.0 {}
    }
}
