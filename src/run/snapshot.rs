//! This machine into a folder.

use super::{Verdict, host, print};
use crate::act::folder;
use crate::cli::job;
use crate::error::Error;
use crate::model::snapshot::{Reason, Snapshot};
use crate::report::visible::visible;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Looks, writes the folder and says what was read and what was not.
pub(super) fn run(job: &job::Snapshot) -> Result<Verdict, Error> {
    let seen = host::look(&job.host)?;
    folder::save(&job.folder, &seen).map_err(Error::Folder)?;
    let unread = seen.unread();
    print(summary(&job.folder, &seen, &unread).as_bytes())?;
    Ok(if unread.is_empty() { Verdict::Clean } else { Verdict::Blind })
}

/// One line about what was read, and for each reason the files that were not.
fn summary(folder: &Path, seen: &Snapshot, unread: &BTreeMap<String, Reason>) -> String {
    let bytes: usize = seen.files.values().map(String::len).sum();
    let said = seen.files.values().filter(|text| !text.is_empty()).count();
    let mut text = String::new();
    let _ = writeln!(text, "{}: {said} files, {} kB", visible(&folder.to_string_lossy()), bytes.div_ceil(1000));
    let mut reasons: Vec<(&Reason, Vec<&str>)> = Vec::new();
    for (file, reason) in unread {
        match reasons.iter_mut().find(|(known, _)| known.why == reason.why) {
            Some((_, files)) => files.push(file),
            None => reasons.push((reason, vec![file])),
        }
    }
    for (reason, files) in reasons {
        let _ = writeln!(text, "not read: {}", visible(&files.join(" ")));
        let _ = writeln!(text, "  why: {}", visible(&reason.why));
        let _ = writeln!(text, "  try: {}", visible(&reason.command));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_were_not_read_for_one_reason_are_named_together() {
        let reason = |why: &str| Reason { why: why.to_owned(), command: "sudo it".to_owned() };
        let unread = [("a", reason("takes root")), ("b", reason("is gone\u{1b}")), ("c", reason("takes root"))];
        let unread = unread.map(|(file, reason)| (file.to_owned(), reason)).into();
        let files = [("a", ""), ("d", "text")].map(|(file, text)| (file.to_owned(), text.to_owned())).into();
        assert_eq!(
            summary(Path::new("saved"), &Snapshot { files }, &unread),
            "saved: 1 files, 1 kB\nnot read: a c\n  why: takes root\n  try: sudo it\nnot read: b\n  why: is gone\u{241b}\n  try: sudo it\n"
        );
    }
}
