//! Keeps what is remembered of a lock, and the policy for the next start of the machine.
//!
//! In: the turn, which only one has, and the values. Out: files that are whole at every instant. Whoever is killed between the rules and
//! the memory of them leaves a file that still tells: it names both memories while the rules are replaced, and the rules' own digest says
//! which of them is in force. So: [`put`] with the one before, load the rules, [`put`] without it. Not here: the rules.

use super::turn::Turn;
use crate::model::kept::{self, LOCK, Memories, POLICY, STANDING, Standing};
use crate::model::lock::Memory;
use crate::own::{Folder, OwnError, Readers};
use serde::Serialize;
use std::io;
use std::path::Path;

/// Remembers the lock `next`, and `before` beside it as long as that may be the one in force.
///
/// # Errors
/// [`OwnError`]; what was remembered stays.
pub fn put(turn: &Turn, before: Option<&Memory>, next: &Memory) -> Result<(), OwnError> {
    let memories = before.into_iter().chain([next]).cloned().collect();
    write(turn.folder(), LOCK, &Memories { memories })
}

/// Forgets the lock; false: none was remembered.
///
/// # Errors
/// [`OwnError`].
pub fn forget(turn: &Turn) -> Result<bool, OwnError> {
    turn.folder().remove(LOCK)
}

/// Keeps the policy that is put in force when the machine starts.
///
/// # Errors
/// [`OwnError`]; the one that was kept stays.
pub fn put_standing(turn: &Turn, standing: &Standing) -> Result<(), OwnError> {
    put_standing_in(Path::new(STANDING), turn, standing)
}

fn put_standing_in(folder: &Path, _: &Turn, standing: &Standing) -> Result<(), OwnError> {
    write(&Folder::make(folder)?, POLICY, standing)
}

/// Gives it up; false: none was kept. The folder goes too, if nothing else is in it.
///
/// # Errors
/// [`OwnError`].
pub fn forget_standing(turn: &Turn) -> Result<bool, OwnError> {
    forget_standing_in(Path::new(STANDING), turn)
}

fn forget_standing_in(folder: &Path, _: &Turn) -> Result<bool, OwnError> {
    let Some(opened) = Folder::open(folder)? else { return Ok(false) };
    let was_kept = opened.remove(POLICY)?;
    // Not empty, or another's by now: it stays.
    let _ = std::fs::remove_dir(folder);
    Ok(was_kept)
}

fn write<T: Serialize>(folder: &Folder, name: &str, what: &T) -> Result<(), OwnError> {
    let text = kept::write(what).map_err(|error| OwnError::new(Path::new(name), "write it down", io::Error::from(error)))?;
    // It tells who may come in.
    folder.put(name, &text, Readers::Owner)
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::act::turn;
    use crate::model::lock::{Backend, Load};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    fn memory(digest: &str) -> Memory {
        Memory {
            version: "1.2.3".to_owned(),
            since: 1,
            until: None,
            backend: Backend::Nftables,
            refuses_all: false,
            allowed: Vec::new(),
            trusts_labels: false,
            digest: digest.to_owned(),
            obeyed: ["x".repeat(100_000)].into(),
            permits: Vec::new(),
        }
    }

    fn digests(folder: &Path) -> Vec<String> {
        let text = Folder::open(folder).unwrap().unwrap().text(LOCK).unwrap();
        let memories = text.map(|text| kept::read::<Memories>(&text).unwrap()).unwrap_or_default();
        memories.memories.into_iter().map(|memory| memory.digest).collect()
    }

    #[test]
    fn while_the_rules_are_replaced_both_memories_are_kept() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let turn = turn::test_turn(&folder);
        put(&turn, Some(&memory("a")), &memory("b")).unwrap();
        assert_eq!(digests(&folder), ["a", "b"]);
        put(&turn, None, &memory("b")).unwrap();
        assert_eq!(digests(&folder), ["b"]);
        assert_eq!(fs::metadata(folder.join(LOCK)).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(forget(&turn).unwrap() && !forget(&turn).unwrap());
        assert!(digests(&folder).is_empty());
    }

    #[test]
    fn a_reader_at_any_instant_sees_a_whole_file() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let turn = turn::test_turn(&folder);
        put(&turn, None, &memory("0")).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for at in 0..60 {
                    put(&turn, Some(&memory(&at.to_string())), &memory(&(at + 1).to_string())).unwrap();
                }
            });
            let mut seen = 0;
            while !writer.is_finished() {
                assert!(matches!(digests(&folder).len(), 1 | 2));
                seen += 1;
            }
            assert!(seen > 1, "nobody read in between");
        });
        assert_eq!(digests(&folder), ["59", "60"]);
    }

    #[test]
    fn the_standing_policy_is_kept_in_a_folder_of_its_own_and_goes_with_it() {
        let parent = tempfile::tempdir().unwrap();
        let (run, folder) = (parent.path().join("run"), parent.path().join("lib"));
        let turn = turn::test_turn(&run);
        let load = Load { words: vec!["nft".to_owned()], text: "flush ruleset\n".to_owned() };
        let standing = Standing { memory: memory("a"), loads: vec![load] };
        put_standing_in(&folder, &turn, &standing).unwrap();
        let text = Folder::open(&folder).unwrap().unwrap().text(POLICY).unwrap().unwrap();
        assert_eq!(kept::read::<Standing>(&text).unwrap(), standing);
        assert!(forget_standing_in(&folder, &turn).unwrap());
        assert!(!folder.exists() && !forget_standing_in(&folder, &turn).unwrap());
    }
}
