//! A name for a finding that outlives edits elsewhere in the file.

use crate::model::finding::Finding;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;

/// One fingerprint for each finding, in the same order: 64 hexadecimal digits.
///
/// It is made of the rule, the path, the service, the publication and the scalar as it is written; findings that agree in all of them
/// are counted in their order. Lines and prose have no part in it: a shifted line or a better message keeps it.
pub(super) fn all(findings: &[&Finding]) -> Vec<String> {
    let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
    findings
        .iter()
        .map(|finding| {
            let key = key(finding);
            let count = seen.entry(key.clone()).or_default();
            *count += 1;
            let mut hash = Sha256::new();
            hash.update(&key);
            hash.update(count.to_le_bytes());
            hash.finalize().iter().fold(String::with_capacity(64), |mut digits, byte| {
                let _ = write!(digits, "{byte:02x}");
                digits
            })
        })
        .collect()
}

/// The parts, each behind its length, so that no two findings have the same bytes by accident.
fn key(finding: &Finding) -> Vec<u8> {
    let scalar = finding.place.as_ref().map_or("", |place| place.text().trim_end());
    let publication = finding.subject.as_ref().map_or("", |subject| subject.text.as_str());
    let path = finding.path.to_string_lossy().replace('\\', "/");
    let parts = [finding.rule, &path, finding.service.as_deref().unwrap_or(""), publication, scalar];
    let mut key = Vec::new();
    for part in parts {
        key.extend_from_slice(&(part.len() as u64).to_le_bytes());
        key.extend_from_slice(part.as_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{finding, place};

    #[test]
    fn shifted_lines_and_new_words_keep_a_fingerprint_and_another_scalar_changes_it() {
        let print = |text: &str, message: &str| all(&[&finding(&place("a.yml", text), "web", message, "")]);
        let first = print("ports: [«80:80»]", "open");
        assert_eq!(first[0].len(), 64);
        assert_eq!(first, print("# a comment\n\nports: [90:90, «80:80»]", "open to everyone"));
        assert_ne!(first, print("ports: [«0.0.0.0:80:80»]", "open"));
    }

    #[test]
    fn equal_findings_are_counted() {
        let twice = finding(&place("a.yml", "ports: [«80:80»]"), "web", "open", "");
        let prints = all(&[&twice, &twice]);
        assert_ne!(prints[0], prints[1]);
    }
}
