//! The part of the command line that belongs to the docker client.
//!
//! The client hands its own arguments on word for word, global flags before the plugin's name included
//! (docker/cli `cli-plugins/manager/manager.go`, `PluginRunCommand`). In: argv without the program's name. Out: those flags, and
//! what is left for us. Not here: what the flags mean; nothing is looked up.
//!
//! The same is done standalone, so that `docker-firewall --context prod check` is understood too. The environment variable that
//! the client sets is not asked: the children of a plugin inherit it.

pub use crate::model::client::Flags;

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};

/// The name by which the docker client knows us.
pub const PLUGIN: &str = "firewall";

/// A command line, divided.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The client's flags.
    pub docker: Flags,
    /// True if the plugin's name stood in it: the docker client called us.
    pub is_plugin: bool,
    /// What is ours; the client's `--help` is at the place where it acts on our command.
    pub ours: Vec<OsString>,
}

/// Divides a command line (without the program's name). Words that are not the client's are left as they are, for the parser of
/// our own arguments to judge.
pub fn divide(arguments: impl IntoIterator<Item = OsString>) -> CommandLine {
    let mut words: VecDeque<OsString> = arguments.into_iter().collect();
    let mut line = CommandLine::default();
    let mut help = take_flags(&mut words, &mut line.docker);
    let leading = take_if(&mut words, |word| word == "help" || word == "__complete");
    line.is_plugin = take_if(&mut words, |word| word == PLUGIN).is_some();
    if line.is_plugin && leading.is_none() {
        help = take_flags(&mut words, &mut line.docker).or(help);
    }
    line.ours.extend(leading);
    if let Some(flag) = help {
        line.ours.extend(take_if(&mut words, |word| !word.as_encoded_bytes().starts_with(b"-")));
        line.ours.push(flag);
    }
    line.ours.extend(words);
    line
}

/// Takes the first word, if it is of the kind.
fn take_if(words: &mut VecDeque<OsString>, is_wanted: impl Fn(&OsStr) -> bool) -> Option<OsString> {
    if words.front().is_some_and(|word| is_wanted(word)) { words.pop_front() } else { None }
}

/// Takes the client's flags from the front, as far as they go; a `--` ends them and is taken too. Returns a flag that asks for help.
fn take_flags(words: &mut VecDeque<OsString>, flags: &mut Flags) -> Option<OsString> {
    let mut help = None;
    while let Some(word) = words.front().and_then(|word| word.to_str()).map(ToOwned::to_owned) {
        let taken = match word.strip_prefix("--") {
            Some("") => {
                words.pop_front();
                break;
            }
            Some("help") => {
                help = words.front().cloned();
                Some(1)
            }
            Some(long) => long_flag(long, words.get(1), flags),
            None if word == "-h" => {
                help = words.front().cloned();
                Some(1)
            }
            None => word.strip_prefix('-').and_then(|cluster| short_flags(cluster, words.get(1), flags)),
        };
        let Some(count) = taken else { break };
        words.drain(..count);
    }
    help
}

/// Reads `--name`, `--name=value` or `--name value`. Returns how many words it took; None: not a flag of the client.
fn long_flag(flag: &str, next: Option<&OsString>, flags: &mut Flags) -> Option<usize> {
    let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
    if matches!(name, "debug" | "tls" | "tlsverify") {
        flags.switch(name, value.map_or(Some(true), parse_bool)?);
        return Some(1);
    }
    match value {
        Some(value) => flags.set(name, OsStr::new(value)).then_some(1),
        None => flags.set(name, next?).then_some(2),
    }
}

/// Reads `-D`, `-cvalue`, `-c=value`, `-c value`, `-Dc value`. Returns how many words it took; None: not flags of the client.
fn short_flags(cluster: &str, next: Option<&OsString>, flags: &mut Flags) -> Option<usize> {
    let mut rest = cluster;
    let mut seen = flags.clone();
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..)?;
        let name = match letter {
            'D' => {
                let value = rest.strip_prefix('=');
                seen.switch("debug", value.map_or(Some(true), parse_bool)?);
                rest = if value.is_some() { "" } else { rest };
                continue;
            }
            'c' => "context",
            'H' => "host",
            'l' => "log-level",
            _ => return None,
        };
        let taken = if rest.is_empty() { 2 } else { 1 };
        let value = if rest.is_empty() { next? } else { &OsString::from(rest.strip_prefix('=').unwrap_or(rest)) };
        seen.set(name, value);
        *flags = seen;
        return Some(taken);
    }
    *flags = seen;
    (!cluster.is_empty()).then_some(1)
}

impl Flags {
    /// Keeps the value of a flag that has one. False: the client has no such flag.
    fn set(&mut self, name: &str, value: &OsStr) -> bool {
        match name {
            "config" => self.config = Some(value.into()),
            "context" => self.context = Some(value.into()),
            "host" => self.hosts.push(value.into()),
            "log-level" => self.log_level = Some(value.into()),
            "tlscacert" => self.tls_ca_certificate = Some(value.into()),
            "tlscert" => self.tls_certificate = Some(value.into()),
            "tlskey" => self.tls_key = Some(value.into()),
            _ => return false,
        }
        true
    }

    /// Keeps a flag that is on or off.
    fn switch(&mut self, name: &str, on: bool) {
        match name {
            "debug" => self.debug = on,
            "tls" => self.tls = Some(on),
            _ => self.tls_verify = Some(on),
        }
    }
}

/// The words that Go's `strconv.ParseBool` knows.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(text: &str) -> CommandLine {
        divide(text.split_whitespace().map(OsString::from))
    }

    fn ours(text: &str) -> String {
        let words: Vec<_> = line(text).ours.into_iter().map(|word| word.into_string().unwrap()).collect();
        words.join(" ")
    }

    #[test]
    fn the_plugin_word_is_dropped_and_what_follows_is_ours() {
        assert_eq!(ours("firewall check c.yml"), "check c.yml");
        assert_eq!(ours("check c.yml"), "check c.yml");
        assert_eq!(ours("-- firewall check"), "check");
        assert_eq!(ours("firewall"), "");
        assert!(line("firewall").is_plugin && !line("check firewall").is_plugin);
    }

    #[test]
    fn help_reaches_our_command_from_wherever_it_stands() {
        assert_eq!(ours("help firewall check"), "help check");
        assert_eq!(ours("help firewall"), "help");
        assert_eq!(ours("--help firewall"), "--help");
        assert_eq!(ours("-h firewall check"), "check -h");
        assert_eq!(ours("firewall --help"), "--help");
        assert_eq!(ours("firewall check --help"), "check --help");
        assert_eq!(ours("--help"), "--help");
        assert_eq!(ours("__complete firewall check --f"), "__complete check --f");
    }

    #[test]
    fn the_flags_of_the_client_are_kept_in_all_their_spellings() {
        let flags = line("--context foo -D --log-level debug firewall check --flag").docker;
        assert_eq!((flags.context, flags.debug, flags.log_level), (Some("foo".into()), true, Some("debug".into())));
        for spelling in ["--context=foo", "-cfoo", "-c=foo", "-c foo", "-Dc foo"] {
            assert_eq!(line(&format!("{spelling} firewall ports")).docker.context, Some("foo".into()), "{spelling}");
            assert_eq!(ours(&format!("{spelling} firewall ports")), "ports", "{spelling}");
        }
        let flags = line("-H tcp://192.0.2.1:2375 --tls --tlsverify=false --tlskey k --config /c firewall ports").docker;
        assert_eq!((flags.tls, flags.tls_verify, flags.debug), (Some(true), Some(false), false));
        assert_eq!((flags.hosts, flags.config), (vec!["tcp://192.0.2.1:2375".into()], Some("/c".into())));
    }

    #[test]
    fn the_flags_of_the_client_are_understood_after_the_plugin_word_too() {
        let line = line("firewall --context foo check -f a.yml");
        assert_eq!((line.docker.context, line.ours.len()), (Some("foo".into()), 3));
    }

    #[test]
    fn what_is_not_a_flag_of_the_client_is_left_for_us_to_judge() {
        assert_eq!(ours("firewall --bogus check"), "--bogus check");
        assert_eq!(ours("--tls=maybe check"), "--tls=maybe check");
        assert_eq!(ours("-Dx check"), "-Dx check");
        assert_eq!(ours("--context"), "--context");
        assert_eq!(ours("- check"), "- check");
        assert!(!line("-Dx check").docker.debug);
    }
}
