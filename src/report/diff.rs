//! The change of one file as a unified diff.

use super::style::{Style, Tone};
use super::visible::visible;
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Writes what turns `before` into `after`, in the form that `git apply` and `patch -p1` take; nothing where they are equal.
///
/// Where people look (a terminal, or colours asked for) hidden characters are shown, and such a diff is no patch; elsewhere every byte
/// of the lines is kept.
///
/// # Errors
/// What the writer says.
pub fn write(path: &Path, before: &str, after: &str, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    if before == after {
        return Ok(());
    }
    let page = Page { style, for_eyes: style.colour || style.is_terminal };
    writeln!(out, "{}", style.paint(Tone::Strong, format!("--- {}", page.name("a", path))))?;
    writeln!(out, "{}", style.paint(Tone::Strong, format!("+++ {}", page.name("b", path))))?;
    let diff = TextDiff::from_lines(before, after);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        writeln!(out, "{}", style.paint(Tone::Place, hunk.header()))?;
        for change in hunk.iter_changes() {
            page.line(change.tag(), change.value(), out)?;
        }
    }
    Ok(())
}

struct Page<'a> {
    style: &'a Style,
    for_eyes: bool,
}

impl Page<'_> {
    /// The path under the side's folder, as git names it; an absolute one by itself. Odd ones are quoted in git's way.
    fn name(&self, side: &str, path: &Path) -> String {
        let path = path.strip_prefix(".").unwrap_or(path).to_string_lossy();
        let name = if path.starts_with('/') { path.into_owned() } else { format!("{side}/{path}") };
        if self.for_eyes { visible(&name).into_owned() } else { quoted(name) }
    }

    fn line(&self, tag: ChangeTag, line: &str, out: &mut dyn Write) -> io::Result<()> {
        let (sign, tone) = match tag {
            ChangeTag::Delete => ('-', Some(Tone::Bad)),
            ChangeTag::Insert => ('+', Some(Tone::Good)),
            ChangeTag::Equal => (' ', None),
        };
        let body = line.strip_suffix('\n');
        let text = body.unwrap_or(line);
        let text = if self.for_eyes { visible(text.strip_suffix('\r').unwrap_or(text)) } else { text.into() };
        let text = format!("{sign}{text}");
        writeln!(out, "{}", tone.map_or(text.clone(), |tone| self.style.paint(tone, &text)))?;
        if body.is_none() { writeln!(out, "\\ No newline at end of file") } else { Ok(()) }
    }
}

/// A name in double quotes where it has characters that would end or break the header (git `quote.c`).
fn quoted(name: String) -> String {
    if !name.contains(|character: char| character.is_control() || matches!(character, '"' | '\\')) {
        return name;
    }
    let mut quoted = String::from("\"");
    for character in name.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() => {
                for byte in control.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(quoted, "\\{byte:03o}");
                }
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn diff(path: &str, before: &str, after: &str, style: Style) -> String {
        let mut out = Vec::new();
        write(Path::new(path), before, after, &style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_changed_line_stands_in_its_context() {
        let before = "services:\n  web:\n    image: nginx\n    ports:\n      - 8080:80\n      - 8443:443\n";
        let after = before.replace("8080:80", "127.0.0.1:8080:80");
        insta::assert_snapshot!(diff("./deploy/compose.yaml", before, &after, Style::default()), @r#"
        --- a/deploy/compose.yaml
        +++ b/deploy/compose.yaml
        @@ -2,5 +2,5 @@
           web:
             image: nginx
             ports:
        -      - 8080:80
        +      - 127.0.0.1:8080:80
               - 8443:443
        "#);
    }

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(diff("a.yml", "a\n", "a\n", Style::default()), "");
    }

    #[test]
    fn a_patch_keeps_every_byte_and_a_terminal_gets_none_that_steers_it() {
        let (before, after) = ("a: \u{1b}[2J\r\nb: 1", "a: \u{1b}[2J\r\nb: 2");
        let header = "--- a/a.yml\n+++ b/a.yml\n@@ -1,2 +1,2 @@\n";
        let end = "\\ No newline at end of file\n";
        assert_eq!(diff("a.yml", before, after, Style::default()), format!("{header} a: \u{1b}[2J\r\n-b: 1\n{end}+b: 2\n{end}"));
        let terminal = Style { is_terminal: true, ..Style::default() };
        assert_eq!(diff("a.yml", before, after, terminal), format!("{header} a: ␛[2J\n-b: 1\n{end}+b: 2\n{end}"));
    }

    #[test]
    fn a_path_that_would_break_the_header_is_quoted() {
        let text = diff("a\n\"b\u{1b}.yml", "1\n", "2\n", Style::default());
        assert!(text.starts_with("--- \"a/a\\n\\\"b\\033.yml\"\n"), "{text}");
    }

    #[test]
    fn colours_tell_old_from_new() {
        let text = diff("a.yml", "1\n", "2\n", Style { colour: true, ..Style::default() });
        assert!(text.contains("\u{1b}[31m-1\u{1b}[0m\n\u{1b}[32m+2\u{1b}[0m\n"), "{text:?}");
    }
}
