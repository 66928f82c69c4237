//! What we keep in files of ours, and how it is written there.
//!
//! A file begins with the number of its form, so that another version of the program says so instead of guessing.

use super::lock::{Load, Memory};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The folder of what is kept as long as the machine runs.
pub const RUNNING: &str = "/run/docker-firewall";

/// The file in it that remembers the lock.
pub const LOCK: &str = "lock.json";

/// The file in it whose holder may change the lock.
pub const TURN: &str = "turn";

/// The folder of what is kept for the next start of the machine.
pub const STANDING: &str = "/var/lib/docker-firewall";

/// The file in it.
pub const POLICY: &str = "standing.json";

/// The form that this version writes and reads. A change that it could not read itself is another number.
const FORM: u64 = 1;

/// What is remembered of the lock: while it is replaced, both the one before and the one that comes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memories {
    /// One, or two with the older first.
    pub memories: Vec<Memory>,
}

impl Memories {
    /// The memory of the rules with this digest, which the kernel has: that one is in force.
    pub fn of(&self, digest: &str) -> Option<&Memory> {
        self.memories.iter().find(|memory| memory.digest == digest)
    }
}

/// A lock that is put in force again when the machine starts, before the engine does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What is to be remembered of it.
    pub memory: Memory,
    /// What is loaded, in this order.
    pub loads: Vec<Load>,
}

#[derive(Serialize)]
struct Written<'a, T> {
    form: u64,
    #[serde(flatten)]
    what: &'a T,
}

/// Writes it as a file of ours.
///
/// # Errors
/// None for what is in this module: it is all text and numbers.
pub fn write<T: Serialize>(what: &T) -> serde_json::Result<String> {
    Ok(format!("{:#}\n", serde_json::to_value(Written { form: FORM, what })?))
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// What is wrong with the text, as the end of a sentence about the file.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
    match value.get("form").and_then(Value::as_u64) {
        Some(FORM) => serde_json::from_value(value).map_err(|error| format!("is not as this version writes it: {error}")),
        Some(form) => {
            Err(format!("is of form {form}: another version of docker-firewall wrote it, and this one knows form {FORM}"))
        }
        None => Err("is no file of docker-firewall".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::guard::{From, Permit, Place};
    use crate::model::lock::Backend;
    use crate::model::packet::{Family, Protocol};

    fn memory(digest: &str) -> Memory {
        let nets = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        Memory {
            version: "1.2.3".to_owned(),
            since: 1_700_000_000,
            until: Some(1_700_000_900),
            backend: Backend::DockerUser,
            refuses_all: true,
            allowed: vec!["443/tcp".to_owned(), "8080/tcp from 10.0.0.0/8 in wg0".to_owned()],
            trusts_labels: true,
            digest: digest.to_owned(),
            obeyed: ["inet firewalld filter_INPUT".to_owned()].into(),
            permits: vec![
                Permit {
                    interface: Some("eth0".to_owned()),
                    family: Some(Family::V6),
                    from: From::AllBut(nets.clone()),
                    to: Place::Host(Some("2001:db8::1".parse().unwrap())),
                    protocol: Protocol::UDP,
                    ports: vec![(53, 53), (1000, 65535)],
                },
                Permit {
                    interface: None,
                    family: None,
                    from: From::Everyone,
                    to: Place::Containers(nets[0]),
                    protocol: Protocol::TCP,
                    ports: vec![(1, 1)],
                },
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let memories = Memories { memories: vec![memory("a"), memory("b")] };
        assert_eq!(read::<Memories>(&write(&memories).unwrap()).unwrap(), memories);
        let load =
            Load { words: vec!["nft".to_owned(), "-f".to_owned(), "-".to_owned()], text: "table \"x\"\n\t{ }\n".to_owned() };
        let standing = Standing { memory: memory("c"), loads: vec![load] };
        assert_eq!(read::<Standing>(&write(&standing).unwrap()).unwrap(), standing);
    }

    #[test]
    fn the_memory_of_the_rules_in_the_kernel_is_the_one_that_counts() {
        let memories = Memories { memories: vec![memory("a"), memory("b")] };
        assert_eq!(memories.of("b"), Some(&memories.memories[1]));
        assert_eq!(memories.of("c"), None);
    }

    #[test]
    fn a_text_of_somebody_else_is_refused_in_words() {
        let garbled = &write(&Memories { memories: vec![memory("a")] }).unwrap().replace("1700000000", "\"today\"");
        for (text, words) in [
            ("", "is no JSON: EOF"),
            ("{\"form\": 1", "is no JSON: EOF"),
            ("[]", "is no file of docker-firewall"),
            ("{\"form\": 2, \"memories\": []}", "is of form 2: another version"),
            ("{\"form\": 1}", "is not as this version writes it: missing field"),
            (garbled, "is not as this version writes it: invalid type"),
        ] {
            let error = read::<Memories>(text).unwrap_err();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
