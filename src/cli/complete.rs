//! Answers to the docker client's completion: lines of `value<TAB>description`, and a last line `:directive`.
//!
//! The protocol is that of the client's command library (spf13/cobra `completions.go`, `ShellCompDirective`). In: the words after
//! the plugin's name, the last of them unfinished. Out: the answer. Files are never looked up here: the shell does that.

use clap::{Arg, Command, ValueHint};
use std::fmt::Write as _;

/// Let the shell complete file names.
const FILES: u8 = 0;
/// Offer nothing but the lines given.
const NO_FILES: u8 = 4;
/// The lines are extensions: offer files that end so, and folders.
const FILES_BY_EXTENSION: u8 = 8;
/// Offer folders.
const FOLDERS: u8 = 16;

/// What can stand at the unfinished word.
struct Offer {
    candidates: Vec<(String, String)>,
    directive: u8,
}

/// The whole answer. `rules` are the names and summaries that `explain` takes.
pub fn answer(root: &Command, words: &[String], rules: &[(&str, &str)]) -> String {
    let (unfinished, finished) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let position = Position::after(root, finished);
    let (offer, prefix) = position.offer(unfinished, rules);
    let mut text = String::new();
    let is_wanted = |value: &str| offer.directive == FILES_BY_EXTENSION || value.starts_with(prefix);
    for (value, description) in offer.candidates.iter().filter(|(value, _)| is_wanted(value)) {
        let first_line = description.lines().next().unwrap_or_default();
        let _ = if first_line.is_empty() { writeln!(text, "{value}") } else { writeln!(text, "{value}\t{first_line}") };
    }
    let _ = writeln!(text, ":{}", offer.directive);
    text
}

/// Where in the command line a word stands.
struct Position<'a> {
    command: &'a Command,
    /// The option that waits for its value.
    option: Option<&'a Arg>,
    /// Positional arguments before it.
    positionals: usize,
    /// After `--`: options have ended.
    is_past_options: bool,
}

impl<'a> Position<'a> {
    fn after(root: &'a Command, finished: &[String]) -> Self {
        let mut position = Self { command: root, option: None, positionals: 0, is_past_options: false };
        for word in finished {
            position.advance(word);
        }
        position
    }

    fn advance(&mut self, word: &str) {
        if self.option.take().is_some() {
        } else if self.is_past_options || word == "-" || !word.starts_with('-') {
            match self.command.find_subcommand(word) {
                Some(command) => self.command = command,
                None => self.positionals += 1,
            }
        } else if word == "--" {
            self.is_past_options = true;
        } else if !word.contains('=') {
            self.option = self.find_option(word).filter(|option| waits_for_value(option));
        }
    }

    /// The option of a word such as `--format` or `-qf`.
    fn find_option(&self, word: &str) -> Option<&'a Arg> {
        let mut options = self.command.get_arguments();
        match word.strip_prefix("--") {
            Some(long) => options.find(|option| option.get_long() == Some(long)),
            None => options.find(|option| option.get_short().is_some() && option.get_short() == word.chars().last()),
        }
    }

    /// What may stand here, and the part of the unfinished word that it has to start with.
    fn offer<'w>(&self, unfinished: &'w str, rules: &[(&str, &str)]) -> (Offer, &'w str) {
        if let Some(option) = self.option {
            return (values(option), unfinished);
        }
        if unfinished.starts_with('-') && !self.is_past_options {
            return match unfinished.split_once('=') {
                Some((word, value)) => (self.find_option(word).map_or(Offer::nothing(), values), value),
                None => (self.options(), unfinished),
            };
        }
        (self.positional(rules), unfinished)
    }

    fn options(&self) -> Offer {
        let shown = self.command.get_arguments().filter(|option| !option.is_hide_set());
        let named = shown.filter_map(|option| Some((format!("--{}", option.get_long()?), help(option))));
        Offer::only(named.collect())
    }

    fn positional(&self, rules: &[(&str, &str)]) -> Offer {
        let name = self.command.get_name();
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        if self.command.has_subcommands() {
            return Offer::only(subcommands(self.command));
        }
        match self.command.get_positionals().nth(if name == "check" { 0 } else { self.positionals }) {
            Some(_) if name == "explain" => Offer::only(owned(rules)),
            Some(argument) => values(argument),
            None => Offer::nothing(),
        }
    }
}

impl Offer {
    fn only(candidates: Vec<(String, String)>) -> Self {
        Self { candidates, directive: NO_FILES }
    }

    fn nothing() -> Self {
        Self::only(Vec::new())
    }
}

fn subcommands(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown.map(|command| (command.get_name().to_owned(), text(command.get_about()))).collect()
}

/// True if the next word is the option's value.
fn waits_for_value(option: &Arg) -> bool {
    option.get_action().takes_values() && !option.is_require_equals_set()
}

fn values(argument: &Arg) -> Offer {
    let possible = argument.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        return Offer::only(shown.map(|value| (value.get_name().to_owned(), text(value.get_help()))).collect());
    }
    let is_yaml = matches!(argument.get_id().as_str(), "files" | "paths" | "policy");
    match argument.get_value_hint() {
        _ if is_yaml => {
            let extensions = ["yml", "yaml"].map(|extension| (extension.to_owned(), String::new()));
            Offer { candidates: extensions.into(), directive: FILES_BY_EXTENSION }
        }
        ValueHint::DirPath => Offer { candidates: Vec::new(), directive: FOLDERS },
        ValueHint::AnyPath | ValueHint::FilePath => Offer { candidates: Vec::new(), directive: FILES },
        _ => Offer::nothing(),
    }
}

fn help(argument: &Arg) -> String {
    text(argument.get_help())
}

fn text(styled: Option<&clap::builder::StyledStr>) -> String {
    styled.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
        answer(&crate::cli::command(true), &words, &[("host-network", "a service shares the host's network")])
    }

    #[test]
    fn commands_are_offered_with_what_they_do() {
        let answer = answer_to("");
        assert!(answer.contains("check\tCheck this host and compose files"), "{answer}");
        assert!(!answer.contains("docker-cli-plugin-metadata"), "{answer}");
        assert!(answer_to("po").starts_with("ports\t"), "{answer}");
        assert!(!answer_to("po").contains("check"));
    }

    #[test]
    fn options_and_their_values_are_offered() {
        assert!(answer_to("check --fo").starts_with("--format\t"));
        assert!(answer_to("check --format sar").starts_with("sarif\t"));
        assert!(answer_to("check --format=sar").starts_with("sarif\t"));
        assert_eq!(answer_to("check --quiet --project-name "), ":4\n");
    }

    #[test]
    fn files_are_left_to_the_shell() {
        assert_eq!(answer_to("check a.yml "), "yml\nyaml\n:8\n");
        assert_eq!(answer_to("check a.y"), "yml\nyaml\n:8\n");
        assert_eq!(answer_to("ports -f "), "yml\nyaml\n:8\n");
        assert_eq!(answer_to("check -qf "), "yml\nyaml\n:8\n");
        assert_eq!(answer_to("check --output "), ":0\n");
        assert_eq!(answer_to("ports --project-directory "), ":16\n");
    }

    #[test]
    fn rules_are_offered_to_explain_and_only_once() {
        assert!(answer_to("explain ho").starts_with("host-network\ta service"));
        assert_eq!(answer_to("explain host-network "), ":4\n");
    }
}
