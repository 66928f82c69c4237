//! Loads rules into the kernel, each text whole or not at all.
//!
//! In: tools of the host and what each is to read, in order. Out: all loaded, or an error that says which were. A tool that found the rules
//! in somebody else's hands has changed nothing, and is asked again for a while. Not here: what the texts say, and what to do about a half
//! of them.

use crate::model::lock::Load;
use crate::tool::{self, Said};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How long all loads together may wait for others that change the rules.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries, at first; it doubles up to [`LONGEST_NAP`].
const NAP: Duration = Duration::from_millis(10);
const LONGEST_NAP: Duration = Duration::from_millis(200);

/// What tools say when somebody else changes the rules at this moment: the words of the errors EBUSY, EAGAIN, EINTR and ERESTART
/// (nfnetlink refuses a transaction whose rules have changed since they were read: `nf_tables_api.c`, `nf_tables_valid_genid`), and of
/// iptables whose lock somebody holds (`iptables/xshared.c`, `xtables_lock`).
const PASSING: [&str; 4] =
    ["Device or resource busy", "Resource temporarily unavailable", "Interrupted system call", "holding the xtables lock"];

/// Why not everything was loaded. What a failed load names is as it was.
#[derive(Debug, Error)]
pub enum LoadError {
    /// We may not.
    #[error("changing filter rules takes root (CAP_NET_ADMIN)")]
    NotRoot,
    /// The host has no such tool.
    #[error("this host has no {tool}; the package {package} has it{}", so_far(done))]
    Missing {
        /// The tool.
        tool: String,
        /// The package that has it, by the name that most distributions use.
        package: String,
        /// The commands that were done before, in order.
        done: Vec<String>,
    },
    /// Somebody else changed the rules all the time.
    #[error("others have been changing the rules of this host for {} s: {why}{}", PATIENCE.as_secs(), so_far(done))]
    Busy {
        /// What the tool said the last time.
        why: String,
        /// The commands that were done before, in order.
        done: Vec<String>,
    },
    /// The tool refused.
    #[error("{why}{}", so_far(done))]
    Refused {
        /// What it said.
        why: String,
        /// The commands that were done before, in order.
        done: Vec<String>,
    },
}

impl LoadError {
    /// The commands that were done before the one that failed, in order; empty: nothing has changed.
    pub fn done(&self) -> &[String] {
        match self {
            Self::NotRoot => &[],
            Self::Missing { done, .. } | Self::Busy { done, .. } | Self::Refused { done, .. } => done,
        }
    }
}

/// The end of a sentence that says what was done already.
fn so_far(done: &[String]) -> String {
    match done {
        [] => "; nothing is changed".to_owned(),
        done => format!("; done before: `{}`", done.join("`, `")),
    }
}

/// Loads them in order, up to the first that fails.
///
/// # Errors
/// [`LoadError`].
pub fn load(loads: &[Load]) -> Result<(), LoadError> {
    if !tool::may_administer_network() {
        return Err(LoadError::NotRoot);
    }
    load_within(loads, PATIENCE)
}

fn load_within(loads: &[Load], patience: Duration) -> Result<(), LoadError> {
    let end = Instant::now() + patience;
    for (index, load) in loads.iter().enumerate() {
        let done = || loads[..index].iter().map(|load| load.words.join(" ")).collect();
        match try_until(load, end) {
            Said::Text(_) => {}
            Said::Missing => return Err(missing(load.words.first().map_or("", String::as_str), done())),
            Said::Failed(why) if passes(&why) => return Err(LoadError::Busy { why, done: done() }),
            Said::Failed(why) => return Err(LoadError::Refused { why, done: done() }),
        }
    }
    Ok(())
}

/// Looks whether a tool is there that a load will need.
///
/// # Errors
/// [`LoadError::Missing`].
pub fn needs(tool: &str) -> Result<(), LoadError> {
    tool::find(tool).map(drop).ok_or_else(|| missing(tool, Vec::new()))
}

fn missing(tool: &str, done: Vec<String>) -> LoadError {
    LoadError::Missing { tool: tool.to_owned(), package: package(tool).to_owned(), done }
}

/// Runs the tool, again and again while it finds the rules in use.
fn try_until(load: &Load, end: Instant) -> Said {
    let words: Vec<&str> = load.words.iter().map(String::as_str).collect();
    let mut nap = NAP;
    loop {
        match tool::run_with(&words, &load.text) {
            Said::Failed(why) if passes(&why) && Instant::now() + nap < end => std::thread::sleep(nap),
            said => return said,
        }
        nap = (nap * 2).min(LONGEST_NAP);
    }
}

/// True if it is somebody else's doing that the tool failed, and no fault of the text.
fn passes(why: &str) -> bool {
    PASSING.iter().any(|words| why.contains(words))
}

/// The package that has a tool, by the name that most distributions use.
fn package(tool: &str) -> &str {
    match tool {
        "nft" => "nftables",
        other if other.starts_with("iptables-") || other.starts_with("ip6tables-") => "iptables",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::{Child, Command, Stdio};

    fn to_load(words: &str, text: &str) -> Load {
        Load { words: words.split(' ').map(str::to_owned).collect(), text: text.to_owned() }
    }

    /// A shell in an own network namespace, with a `/run` of its own for the lock of iptables; None where that takes more than we have.
    struct Island(Child);

    impl Island {
        fn make(script: &str) -> Option<Self> {
            let whole = format!("mount -t tmpfs none /run && echo made && {{ {script}; }}; exec sleep 60");
            let mut child = Command::new("unshare")
                .args(["--net", "--mount", "sh", "-c", &whole])
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .ok()?;
            let mut word = [0; 5];
            let made = std::io::Read::read_exact(child.stdout.as_mut()?, &mut word);
            if made.is_err() || tool::find("nft").is_none() || tool::find("iptables-legacy-restore").is_none() {
                println!("skipped: this takes root, namespaces, nft and iptables");
                drop(Self(child));
                return None;
            }
            Some(Self(child))
        }

        /// Waits until its script has said a word.
        fn await_word(&mut self, word: &str) {
            let mut said = vec![0; word.len() + 1];
            std::io::Read::read_exact(self.0.stdout.as_mut().unwrap(), &mut said).unwrap();
            assert_eq!(said, format!("{word}\n").as_bytes());
        }

        /// A tool that runs in it.
        fn load(&self, words: &str, text: &str) -> Load {
            to_load(&format!("nsenter --target {} --net --mount {words}", self.0.id()), text)
        }

        fn rules(&self) -> String {
            let load = self.load("nft list ruleset", "");
            match tool::run(&load.words.iter().map(String::as_str).collect::<Vec<_>>()) {
                Said::Text(text) => text,
                _ => String::new(),
            }
        }
    }

    impl Drop for Island {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    const TABLE: &str = "table inet docker_firewall\ndelete table inet docker_firewall\ntable inet docker_firewall { set s { type inet_service; }; }\n";

    #[test]
    fn a_text_is_loaded_whole_or_not_at_all_and_what_was_done_before_is_said() {
        let Some(island) = Island::make("true") else { return };
        let good = island.load("nft -f -", TABLE);
        load(&[good.clone(), good.clone()]).unwrap();
        assert!(island.rules().contains("set s"));
        let bad = island.load("nft -f -", &format!("{TABLE}add rule inet docker_firewall none accept\n"));
        let error = load(&[good.clone(), bad.clone(), good.clone()]).unwrap_err();
        assert!(error.to_string().contains("No such file or directory; done before: `nsenter "), "{error}");
        assert_eq!(error.done(), [good.words.join(" ")]);
        assert!(load(&[bad]).unwrap_err().to_string().ends_with("No such file or directory; nothing is changed"));
        assert!(island.rules().contains("set s"));
    }

    #[test]
    fn a_tool_that_this_host_lacks_is_named_with_its_package() {
        let error = load_within(&[to_load("nft-of-no-host -f -", "")], PATIENCE).unwrap_err();
        assert_eq!(error.to_string(), "this host has no nft-of-no-host; the package nft-of-no-host has it; nothing is changed");
        assert_eq!(["nft", "ip6tables-restore", "iptables-legacy-restore"].map(package), ["nftables", "iptables", "iptables"]);
    }

    #[test]
    fn a_lock_of_iptables_that_somebody_holds_for_a_while_is_waited_for() {
        let Some(mut island) = Island::make("exec 9>/run/xtables.lock; flock 9; echo held; sleep 2; exec 9>&-") else { return };
        island.await_word("held");
        let rules = island.load("iptables-legacy-restore -w 1 --noflush", "*filter\n:DFW - [0:0]\n-A DFW -j DROP\nCOMMIT\n");
        let before = Instant::now();
        load(std::slice::from_ref(&rules)).unwrap();
        assert!(before.elapsed() > Duration::from_secs(1), "nobody held it");
    }

    #[test]
    fn a_lock_that_somebody_keeps_is_an_error_in_time() {
        let Some(mut island) = Island::make("exec 9>/run/xtables.lock; flock 9; echo held") else { return };
        island.await_word("held");
        let rules = island.load("iptables-legacy-restore -w 1 --noflush", "*filter\n:DFW - [0:0]\nCOMMIT\n");
        let before = Instant::now();
        let error = load_within(std::slice::from_ref(&rules), Duration::from_secs(2)).unwrap_err();
        assert!(before.elapsed() < Duration::from_secs(8));
        assert!(matches!(&error, LoadError::Busy { .. }), "{error}");
        assert!(error.to_string().ends_with("; nothing is changed"), "{error}");
    }

    #[test]
    fn rules_that_are_in_use_for_a_moment_are_loaded_when_they_are_free() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let script = "test -e \"$0\" || { touch \"$0\"; echo /dev/stdin:1:1-9: Error: Could not process rule: Device or resource busy >&2; exit 1; }";
        let words = ["sh", "-c", script, &mark.display().to_string()].map(str::to_owned).to_vec();
        load_within(&[Load { words, text: String::new() }], PATIENCE).unwrap();
        assert!(mark.exists());
    }
}
