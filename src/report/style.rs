//! How text for people looks: colours, width, and who reads it.
//!
//! In: what the command line and the environment say. Out: a [`Style`], decided once. Not here: asking the terminal itself.

use owo_colors::OwoColorize as _;
use std::fmt;

/// How to write for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// True if colours are wanted.
    pub colour: bool,
    /// True if a terminal shows what is written: prose is folded and tables are narrowed to the width. Elsewhere each message
    /// stays on one line, so that it can be searched for.
    pub is_terminal: bool,
    /// Columns of the terminal; source lines are cut to it everywhere. 80 when not a terminal.
    pub width: usize,
    /// True if findings are wanted and nothing else: no summary line.
    pub quiet: bool,
}

impl Default for Style {
    /// No terminal: no colours, 80 columns.
    fn default() -> Self {
        Self { colour: false, is_terminal: false, width: 80, quiet: false }
    }
}

/// The values of `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Where a terminal takes them, and nobody objects.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// True if colours are to be written.
///
/// The command line wins; then, in this order: `NO_COLOR` unless it is empty (no-color.org), `CLICOLOR_FORCE` unless it is empty or 0
/// (bixense.com/clicolors), `TERM=dumb`, `CLICOLOR=0`, and at last whether it is a terminal.
pub fn decide(choice: Choice, environment: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    let full = |name: &str| environment(name).filter(|value| !value.is_empty());
    match choice {
        Choice::Always => true,
        Choice::Never => false,
        Choice::Auto if full("NO_COLOR").is_some() => false,
        Choice::Auto if full("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Choice::Auto if full("TERM").is_some_and(|value| value == "dumb") => false,
        Choice::Auto if full("CLICOLOR").is_some_and(|value| value == "0") => false,
        Choice::Auto => is_terminal,
    }
}

/// What a piece of text is, so that all screens colour it alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tone {
    Heading,
    Strong,
    Code,
    Faint,
    Good,
    Caution,
    Bad,
    Place,
}

impl Style {
    /// The columns that are left beside `indent` columns, at least one; elsewhere than on a terminal, as many as a text takes.
    pub(super) fn room(&self, indent: usize) -> usize {
        if self.is_terminal { self.width.saturating_sub(indent).max(1) } else { usize::MAX }
    }

    /// The text in the colours of a tone, where colours are on.
    pub(super) fn paint<T: fmt::Display>(&self, tone: Tone, text: T) -> String {
        if !self.colour {
            return text.to_string();
        }
        let look = owo_colors::Style::new();
        let look = match tone {
            Tone::Heading => look.bold().underline(),
            Tone::Strong => look.bold(),
            Tone::Code | Tone::Place => look.cyan(),
            Tone::Faint => look.dimmed(),
            Tone::Good => look.green(),
            Tone::Caution => look.yellow(),
            Tone::Bad => look.red(),
        };
        text.style(look).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(choice: Choice, environment: &[(&str, &str)], is_terminal: bool) -> bool {
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        decide(choice, find, is_terminal)
    }

    #[test]
    fn the_command_line_wins_over_the_environment() {
        assert!(decided(Choice::Always, &[("NO_COLOR", "1"), ("TERM", "dumb")], false));
        assert!(!decided(Choice::Never, &[("CLICOLOR_FORCE", "1")], true));
    }

    #[test]
    fn left_alone_colours_follow_the_terminal() {
        assert!(decided(Choice::Auto, &[("TERM", "xterm-256color")], true));
        assert!(!decided(Choice::Auto, &[], false));
        assert!(!decided(Choice::Auto, &[("TERM", "dumb")], true));
        assert!(!decided(Choice::Auto, &[("CLICOLOR", "0")], true));
    }

    #[test]
    fn an_empty_no_color_says_nothing() {
        assert!(decided(Choice::Auto, &[("NO_COLOR", "")], true));
        assert!(!decided(Choice::Auto, &[("NO_COLOR", "0")], true), "any other value counts, whatever it says");
    }

    #[test]
    fn clicolor_force_colours_a_pipe_unless_it_is_zero_or_no_color_objects() {
        assert!(decided(Choice::Auto, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false));
        assert!(!decided(Choice::Auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(!decided(Choice::Auto, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
    }

    #[test]
    fn without_colours_nothing_is_added_to_a_text() {
        assert_eq!(Style::default().paint(Tone::Bad, "3 errors"), "3 errors");
        assert_eq!(Style { colour: true, ..Style::default() }.paint(Tone::Bad, "3 errors"), "\u{1b}[31m3 errors\u{1b}[0m");
    }
}
