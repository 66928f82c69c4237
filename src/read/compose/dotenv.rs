//! Env files.
//!
//! In: a text, and the variables that are already known. Out: names and values in the order of the file, each with the place of its
//! line. The grammar is compose-go's (`dotenv/parser.go`), which is neither a shell's nor anybody else's.

use super::template::{self, Lookup};
use crate::model::origin::ValueSource;
use crate::model::source::{Place, Source, Span};
use std::sync::Arc;

/// One variable of an env file.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// From the name to the end of the value.
    pub place: Place,
}

/// Why an env file could not be read; Compose then loads nothing at all.
#[derive(Debug, PartialEq, Eq)]
pub struct DotenvError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// Reads an env file. Values are expanded: `known` is asked first, then the lines above.
///
/// # Errors
/// The first mistake, with the variables before it.
pub fn parse(source: &Arc<Source>, known: &Lookup) -> (Vec<Variable>, Option<DotenvError>) {
    let mut reader = Reader { source, text: source.text(), at: 0, known, variables: Vec::new() };
    if reader.text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
    }
    let error = reader.run().err();
    (reader.variables, error)
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
    known: &'a Lookup<'a>,
    variables: Vec<Variable>,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), DotenvError> {
        while self.skip_to_statement() {
            let start = self.at;
            self.statement(start)?;
        }
        Ok(())
    }

    /// Passes blanks, blank lines and comments; false at the end.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            let rest = &self.text[self.at..];
            self.at += rest.len() - rest.trim_start().len();
            let rest = &self.text[self.at..];
            if !rest.starts_with('#') {
                return !rest.is_empty();
            }
            self.at = rest.find('\n').map_or(self.text.len(), |end| self.at + end);
        }
    }

    fn statement(&mut self, start: usize) -> Result<(), DotenvError> {
        let (name, separator) = self.name(start)?;
        if name.contains(' ') {
            return Err(self.error(start, "the name of a variable cannot contain a space"));
        }
        let begin = name_begin(self.text, start, &name);
        if separator == Some('\n') || separator.is_none() {
            // A bare name takes its value from the environment.
            if separator.is_some()
                && let Some((value, _)) = (self.known)(&name)
            {
                self.push(name, value, begin);
            }
            return Ok(());
        }
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches(is_blank).len();
        let value = match self.text[self.at..].chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.unquoted()?,
        };
        self.push(name, value, begin);
        Ok(())
    }

    /// The name, and what ends it. Leaves the position behind the end.
    fn name(&mut self, start: usize) -> Result<(String, Option<char>), DotenvError> {
        let mut text = &self.text[start..];
        let after_export = text.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace));
        if let Some(rest) = after_export {
            text = rest.trim_start_matches(is_blank);
        }
        let base = self.text.len() - text.len();
        for (index, character) in text.char_indices() {
            match character {
                '=' | ':' | '\n' => {
                    self.at = base + index + 1;
                    return Ok((text[..index].trim_end().to_owned(), Some(character)));
                }
                '_' | '.' | '-' | '[' | ']' => {}
                _ if is_blank(character) || character.is_alphanumeric() => {}
                _ => return Err(self.error(base + index, &format!("a variable's name cannot contain {character:?}"))),
            }
        }
        // The reference finds no key in a last line without line break, and goes on with an empty one.
        self.at = self.text.len();
        Ok((String::new(), None))
    }

    fn unquoted(&mut self) -> Result<String, DotenvError> {
        let rest = &self.text[self.at..];
        let (line, length) = rest.find('\n').map_or((rest, rest.len()), |end| (&rest[..end], end + 1));
        let value = line.split(" #").next().unwrap_or_default().trim_end();
        let start = self.at;
        self.at += length;
        self.expand(value, start)
    }

    fn quoted(&mut self, quote: char) -> Result<String, DotenvError> {
        let start = self.at;
        let body = &self.text[start + 1..];
        let (mut value, mut is_escape) = (String::new(), false);
        for (index, character) in body.char_indices() {
            if character != quote {
                if !is_escape && character == '\\' {
                    is_escape = true;
                    continue;
                }
                if is_escape {
                    value.push('\\');
                }
                value.push(character);
            } else if is_escape {
                value.push(character);
            } else {
                self.at = start + 1 + index + 1;
                return if quote == '"' { self.expand(&unescape(&value), start) } else { Ok(value) };
            }
            is_escape = false;
        }
        Err(self.error(start, "a quoted value is not closed"))
    }

    fn expand(&self, value: &str, at: usize) -> Result<String, DotenvError> {
        let lookup = |name: &str| {
            (self.known)(name).or_else(|| {
                let variable = self.variables.iter().rev().find(|variable| variable.name == name)?;
                Some((variable.value.clone(), ValueSource::EnvFile(variable.place.clone())))
            })
        };
        let done = template::substitute(value, &lookup);
        done.map(|done| done.text).map_err(|error| self.error(at, &error.to_string()))
    }

    fn push(&mut self, name: String, value: String, begin: usize) {
        let end = begin + self.text[begin..self.at].trim_end().len();
        let place = self.place(begin, end);
        self.variables.push(Variable { name, value, place });
    }

    fn place(&self, start: usize, end: usize) -> Place {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Place { source: Arc::clone(self.source), span: Span { start: offset(start), end: offset(end) } }
    }

    fn error(&self, at: usize, message: &str) -> DotenvError {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |end| at + end);
        DotenvError { message: message.to_owned(), place: self.place(at, end) }
    }
}

fn name_begin(text: &str, start: usize, name: &str) -> usize {
    text[start..].find(name).map_or(start, |found| start + found)
}

/// White space that ends no line.
fn is_blank(character: char) -> bool {
    matches!(character, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

/// The escapes of a double-quoted value: `\a \b \c \f \n \r \t \v \$ \" \\` and octal `\0…`.
fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let length = match after.chars().next() {
            Some('0') => 1 + after[1..].bytes().take(3).take_while(u8::is_ascii_digit).count(),
            Some(next) => next.len_utf8(),
            None => 0,
        };
        match &after[..length] {
            "a" => out.push('\u{7}'),
            "b" => out.push('\u{8}'),
            "f" => out.push('\u{c}'),
            "n" => out.push('\n'),
            "r" => out.push('\r'),
            "t" => out.push('\t'),
            "v" => out.push('\u{b}'),
            "\\" => out.push('\\'),
            "\"" => out.push('"'),
            "$" => out.push_str("$$"),
            octal if octal.len() == 4 => match u8::from_str_radix(&octal[1..], 8) {
                Ok(byte) => out.push(char::from(byte)),
                Err(_) => out.push_str(&rest[at..=at + length]),
            },
            _ => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        let known = |name: &str| (name == "OS").then(|| ("os".to_owned(), ValueSource::Process));
        let (variables, error) = parse(&Source::new(".env", text), &known);
        assert_eq!(error, None);
        variables.into_iter().map(|variable| (variable.name, variable.value)).collect()
    }

    fn value(text: &str) -> String {
        parsed(text).into_iter().next_back().map(|(_, value)| value).unwrap_or_default()
    }

    #[test]
    fn lines_are_read_as_the_reference_reads_them() {
        let cases = [
            ("P=81", "81"),
            ("\u{feff}P=81\r\n", "81"),
            ("  export P = 81 # c\n", "81"),
            ("P: 81\n", "81"),
            ("P=81#c\n", "81#c"),
            ("P= # x\n", "# x"),
            ("P=\n", ""),
            ("P=\"8\\n1\" # c\n", "8\n1"),
            ("P='8$X\\n'\n", "8$X\\n"),
            ("X=8\nP=${X}1\n", "81"),
            ("P=${OS}1\n", "os1"),
            ("P=\"a\nb\"\n", "a\nb"),
            ("P=\"\\$X\"\n", "$X"),
            ("P=\"\\0101\\q\"\n", "A\\q"),
            ("P=$(id)\n", "$(id)"),
            ("OS\n", "os"),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_variable_knows_its_line() {
        let source = Source::new(".env", "# c\n\nexport IP=0.0.0.0 # wide\n");
        let (variables, _) = parse(&source, &|_: &str| None);
        assert_eq!((variables[0].place.line(), variables[0].place.text()), (3, "IP=0.0.0.0 # wide"));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, line) in [("A=1\nB C=2\n", 2), ("A=\"x\n", 1), ("A!=1\n", 1), ("A=${x!}\n", 1)] {
            let (_, error) = parse(&Source::new(".env", text), &|_: &str| None);
            assert_eq!(error.map(|error| error.place.line()), Some(line), "{text:?}");
        }
    }
}
