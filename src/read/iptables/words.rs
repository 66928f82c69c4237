//! A line of `iptables-save` in its parts: the chain, the packet's own options, the matches and the target.

/// An option with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opt {
    /// True with `!` before it.
    pub(super) negated: bool,
    /// `-s`, `--dport`
    pub(super) name: String,
    /// What follows up to the next option.
    pub(super) values: Vec<String>,
}

impl Opt {
    /// The name and the arguments, for matching; only where there is no `!`.
    pub(super) fn plain(&self) -> Option<(&str, Vec<&str>)> {
        (!self.negated).then(|| (self.name.as_str(), self.values.iter().map(String::as_str).collect()))
    }

    /// The name and the arguments, for matching.
    pub(super) fn parts(&self) -> (&str, Vec<&str>) {
        (self.name.as_str(), self.values.iter().map(String::as_str).collect())
    }
}

/// A name with the options that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// The match's or the target's name; empty for the options that belong to none.
    pub(super) name: String,
    /// Its options.
    pub(super) options: Vec<Opt>,
}

/// An appended rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The chain.
    pub(super) chain: String,
    /// The packet's own options first, then one group for each `-m`.
    pub(super) matches: Vec<Group>,
    /// The target; None: the rule only counts.
    pub(super) target: Option<Group>,
    /// True for `-g`.
    pub(super) is_goto: bool,
}

/// Options that take exactly one word, whatever it looks like: names and texts that others choose. iptables-save quotes a text only
/// where it holds more than letters, digits, `-` and `_` (libxtables, `xtables_save_string`), so `-j` may be one.
const TAKE_TEXT: [&str; 16] = [
    "--comment",
    "--log-prefix",
    "--nflog-prefix",
    "--ulog-prefix",
    "--string",
    "--hex-string",
    "--name",
    "--hashlimit-name",
    "--helper",
    "--match-set",
    "--add-set",
    "--del-set",
    "--map-set",
    "--nfacct-name",
    "--path",
    "--bytecode",
];

impl Line {
    /// Reads `-A CHAIN …`; None for anything else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut words = split(text)?.into_iter();
        if !matches!(words.next()?.as_str(), "-A" | "--append") {
            return None;
        }
        let mut line = Self { chain: words.next()?, matches: vec![Group::named("")], target: None, is_goto: false };
        let mut negated = false;
        while let Some(word) = words.next() {
            match word.as_str() {
                "!" => {
                    negated = true;
                    continue;
                }
                "-m" | "--match" => line.matches.push(Group::named(&words.next()?)),
                "-j" | "-g" | "--jump" | "--goto" => {
                    line.is_goto = matches!(word.as_str(), "-g" | "--goto");
                    line.target = Some(Group::named(&words.next()?));
                }
                _ if word.starts_with('-') && word.len() > 1 => {
                    let values = if TAKE_TEXT.contains(&word.as_str()) { vec![words.next()?] } else { Vec::new() };
                    line.current()?.options.push(Opt { negated, name: word, values });
                }
                // Old saves negate behind the option: `-i ! eth0`.
                _ => {
                    let option = line.current()?.options.last_mut()?;
                    option.negated |= negated;
                    option.values.push(word);
                }
            }
            negated = false;
        }
        Some(line)
    }

    fn current(&mut self) -> Option<&mut Group> {
        self.target.as_mut().or(self.matches.last_mut())
    }
}

impl Group {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), options: Vec::new() }
    }
}

/// Words as the shell would split them: iptables-save quotes with `"` and escapes `"` and `\` (libxtables, `xtables_save_string`).
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(&first) = characters.peek() {
        if first.is_whitespace() {
            characters.next();
            continue;
        }
        let mut word = String::new();
        let mut quoted = false;
        while let Some(&character) = characters.peek() {
            if character.is_whitespace() && !quoted {
                break;
            }
            characters.next();
            match character {
                '"' => quoted = !quoted,
                '\\' if quoted => word.push(characters.next()?),
                _ => word.push(character),
            }
        }
        if quoted {
            return None;
        }
        words.push(word);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn options_belong_to_the_match_before_them() {
        let line = Line::read("-A IN ! -i eth0 -p tcp -m tcp ! --dport 80 -m comment --comment \"a \\\"b\\\" -j c\" -j DNAT --to-destination 1.2.3.4:5")
            .unwrap();
        assert_eq!(line.chain, "IN");
        assert!(line.matches[0].options[0].negated);
        assert_eq!(line.matches[1].options[0].parts(), ("--dport", vec!["80"]));
        assert!(line.matches[1].options[0].negated);
        assert_eq!(line.matches[2].options[0].values, ["a \"b\" -j c"]);
        assert_eq!(line.target.unwrap().options[0].values, ["1.2.3.4:5"]);
    }

    #[test]
    fn a_text_is_no_option_whatever_it_looks_like() {
        let line = Line::read("-A IN -m comment --comment -j -p tcp -j LOG --log-prefix --drop").unwrap();
        assert_eq!(line.matches[1].options[0].values, ["-j"]);
        let target = line.target.unwrap();
        assert_eq!((target.name.as_str(), target.options[0].values.as_slice()), ("LOG", &["--drop".to_owned()][..]));
    }

    #[test]
    fn a_negation_behind_the_option_counts() {
        assert!(Line::read("-A IN -s ! 10.0.0.0/8 -j DROP").unwrap().matches[0].options[0].negated);
    }

    #[test]
    fn a_line_with_an_open_quote_is_not_understood() {
        assert_eq!(Line::read("-A IN -m comment --comment \"open"), None);
        assert_eq!(Line::read("-P INPUT DROP"), None);
    }
}
