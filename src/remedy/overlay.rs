//! The texts as they would be with edits laid over them; nothing is written.

use super::edit::Change;
use crate::model::source::Source;
use crate::read::compose::Texts;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Texts with some of them changed.
pub(super) struct Overlay<'a> {
    below: &'a dyn Texts,
    /// By the path that people see.
    changes: BTreeMap<PathBuf, Change>,
}

impl<'a> Overlay<'a> {
    /// Lays changes over texts.
    pub(super) fn new(below: &'a dyn Texts, changes: BTreeMap<PathBuf, Change>) -> Self {
        Self { below, changes }
    }
}

impl Texts for Overlay<'_> {
    fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
        let source = self.below.read(path)?;
        match self.changes.get(source.path()) {
            None => Ok(source),
            Some(change) if change.before.text() == source.text() => Ok(Arc::clone(&change.after)),
            Some(_) => Err(io::Error::other("it has changed since it was read")),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        self.below.exists(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.below.is_directory(path)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct One(&'static str);

    impl Texts for One {
        fn read(&self, path: &Path) -> io::Result<Arc<Source>> {
            Ok(Source::new(path, self.0))
        }

        fn exists(&self, path: &Path) -> bool {
            path == Path::new("a.yaml")
        }

        fn is_directory(&self, _: &Path) -> bool {
            false
        }
    }

    fn overlay(below: &One) -> Overlay<'_> {
        let change = Change { before: Source::new("a.yaml", "old"), after: Source::new("a.yaml", "new") };
        Overlay::new(below, BTreeMap::from([(PathBuf::from("a.yaml"), change)]))
    }

    #[test]
    fn a_changed_text_is_read_in_place_of_the_old_one_and_others_are_as_they_were() {
        let below = One("old");
        let overlay = overlay(&below);
        assert_eq!(overlay.read(Path::new("a.yaml")).unwrap().text(), "new");
        assert_eq!(overlay.read(Path::new("b.yaml")).unwrap().text(), "old");
        assert!(overlay.exists(Path::new("a.yaml")) && !overlay.exists(Path::new("b.yaml")));
    }

    #[test]
    fn a_text_that_changed_in_the_meantime_is_an_error() {
        assert!(overlay(&One("other")).read(Path::new("a.yaml")).is_err());
    }
}
