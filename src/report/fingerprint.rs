//! A name for a finding that outlives edits elsewhere in the file.

use crate::model::baseline::Fingerprint;
use crate::model::finding::Finding;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;

/// One fingerprint for each finding, in the same order: 64 hexadecimal digits.
///
/// A digest of what a baseline knows a finding by ([`Fingerprint`]), with the path that the report shows; findings that agree in all of
/// that are counted in their order. Lines and prose have no part in it: a shifted line or a better message keeps it.
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
    let known_by = Fingerprint::of(finding, finding.path.to_string_lossy().replace('\\', "/"));
    let Fingerprint { file, on_host, service, publication, rule, source } = &known_by;
    let optional = [service, publication, source].map(|part| part.as_deref().unwrap_or(""));
    let host = on_host.as_deref().into_iter();
    let mut key = Vec::new();
    for part in [rule.as_str(), file].into_iter().chain(optional).chain(host) {
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
