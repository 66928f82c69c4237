//! A rule's page for reading in a terminal.
//!
//! In: the Markdown that our own pages use: headings, paragraphs, lists, fenced blocks, tables, quotes; `code`, **strong** and
//! [links](…). Out: text folded to the width. Not here: anything else of Markdown; it is shown as it is written.

use super::style::{Style, Tone};
use super::visible::visible;
use super::wrap;
use crate::judge::rules::Rule;
use crate::model::finding::Level;
use std::fmt::Write as _;

/// Prose wider than this is hard to read.
const WIDEST: usize = 88;
/// Words are not folded to fewer columns than this.
const NARROWEST: usize = 20;
const INDENT: &str = "    ";

/// The rules, one a line: name, level, what it is about. On a terminal the words are folded under themselves.
pub fn list(rules: &[&Rule], style: &Style) -> String {
    let widest = rules.iter().map(|rule| rule.name.len()).max().unwrap_or_default();
    let indent = widest + "  error  ".len();
    let mut out = String::new();
    for rule in rules {
        let (word, tone) = match rule.level {
            Level::Error => ("error", Tone::Bad),
            Level::Warn => ("warn ", Tone::Caution),
            Level::Note => ("note ", Tone::Good),
        };
        let room = style.width.saturating_sub(indent);
        let is_folded = style.is_terminal && room >= NARROWEST;
        let lines = if is_folded { wrap::lines(rule.summary, room) } else { vec![rule.summary.to_owned()] };
        let summary = lines.join(&format!("\n{:indent$}", ""));
        let name = style.paint(Tone::Strong, format!("{:widest$}", rule.name));
        let _ = writeln!(out, "{name}  {}  {summary}", style.paint(tone, word));
    }
    out
}

/// Renders a page; lines end with `\n`.
pub fn render(markdown: &str, style: &Style) -> String {
    let mut page = Page { style, out: String::new(), prose: Vec::new() };
    let mut is_code = false;
    for line in markdown.lines() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            page.flush();
            if !is_code {
                page.caption(info);
            }
            is_code = !is_code;
        } else if is_code {
            page.code(line);
        } else {
            page.text(line);
        }
    }
    page.flush();
    page.out
}

struct Page<'a> {
    style: &'a Style,
    out: String,
    /// Words of the paragraph or list item that is being gathered.
    prose: Vec<&'a str>,
}

impl<'a> Page<'a> {
    fn text(&mut self, line: &'a str) {
        let trimmed = line.trim_start();
        if line.trim().is_empty() {
            self.flush();
            self.push("");
        } else if let Some(heading) = heading(trimmed) {
            self.flush();
            let heading = self.style.paint(Tone::Heading, visible(heading));
            self.push(&heading);
        } else if trimmed.starts_with('|') {
            self.flush();
            self.push(&visible(line));
        } else {
            if bullet(line).is_some() {
                self.flush();
            }
            self.prose.push(line);
        }
    }

    /// The words after a fence, beside the language: what the block shows (`bad`, `good`, `fixed`), and in which file (`file=…`).
    fn caption(&mut self, info: &str) {
        let words: Vec<&str> = info.split_whitespace().skip(1).map(|word| word.strip_prefix("file=").unwrap_or(word)).collect();
        if !words.is_empty() {
            let caption = self.style.paint(Tone::Faint, format!("{}:", words.join(", ")));
            self.push(&caption);
        }
    }

    fn code(&mut self, line: &str) {
        let code = visible(line);
        let line = if code.is_empty() { String::new() } else { format!("{INDENT}{}", self.style.paint(Tone::Code, code)) };
        self.push(&line);
    }

    /// Folds what was gathered.
    fn flush(&mut self) {
        let Some(first) = self.prose.first().copied() else { return };
        let (mark, rest) = bullet(first).unwrap_or(("", first));
        let indent = " ".repeat(mark.chars().count());
        let text = std::iter::once(rest).chain(self.prose.drain(..).skip(1)).collect::<Vec<_>>().join(" ");
        let room = self.style.width.min(WIDEST).saturating_sub(indent.len());
        for (index, line) in wrap::lines(&visible(&without_links(&text)), room).iter().enumerate() {
            let start = if index == 0 { mark } else { &indent };
            let line = format!("{start}{}", self.spans(line));
            self.push(&line);
        }
    }

    /// Colours `code` and **strong**; where colours are off, the marks stay: they tell as much.
    fn spans(&self, line: &str) -> String {
        if !self.style.colour {
            return line.to_owned();
        }
        let strong = toggled(line, "**", |text| self.style.paint(Tone::Strong, text));
        toggled(&strong, "`", |text| self.style.paint(Tone::Code, text))
    }

    fn push(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }
}

/// The text of a heading line.
fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    rest.strip_prefix(' ').filter(|_| rest.len() < line.len()).map(str::trim)
}

/// The mark of a list item or a quote with the blanks around it, and its text.
fn bullet(line: &str) -> Option<(&str, &str)> {
    let trimmed = line.trim_start();
    let digits = trimmed.len() - trimmed.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    let mark = match trimmed.as_bytes().get(digits)? {
        b'.' if digits > 0 => digits + 1,
        b'-' | b'*' | b'>' if digits == 0 => 1,
        _ => return None,
    };
    let rest = trimmed[mark..].strip_prefix(' ')?;
    Some(line.split_at(line.len() - rest.len()))
}

/// `[text](url)` as `text (url)`, and only the text where the link leads to another page of ours.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, text, url, after)) = next_link(rest) {
        plain.push_str(before);
        plain.push_str(text);
        if url.contains("://") && url != text {
            plain.extend([" (", url, ")"]);
        }
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// What stands before the first link, its text, its target, and what stands after it.
fn next_link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (head, tail) = text.split_once("](")?;
    let (before, label) = head.rsplit_once('[')?;
    let (url, after) = tail.split_once(')')?;
    Some((before, label, url, after))
}

/// Paints what stands between pairs of marks, and drops the marks; a mark without a partner stays.
fn toggled(line: &str, mark: &str, paint: impl Fn(&str) -> String) -> String {
    let mut painted = String::new();
    let mut rest = line;
    while let Some((before, inside, after)) = rest.split_once(mark).and_then(|(before, tail)| {
        let (inside, after) = tail.split_once(mark)?;
        Some((before, inside, after))
    }) {
        painted.push_str(before);
        painted.push_str(&paint(inside));
        rest = after;
    }
    painted.push_str(rest);
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# published-on-all-interfaces\n\nDocker opens the port on **every** address, and does so *past* the host firewall; see\n[the docs](https://docs.docker.com/engine/network/port-publishing/) and [limits](../limits.md).\n\n## What is open\n\n- `8080:80` is open to everyone who reaches the host, whatever the firewall on it says about the port\n- `127.0.0.1:8080:80` is not\n\n```yaml bad file=a.yaml\nports:\n  - 8080:80\n```\n\n| entry | open |\n| --- | --- |\n";

    #[test]
    fn a_page_is_folded_and_its_marks_are_kept_without_colours() {
        insta::assert_snapshot!(render(PAGE, &Style { width: 60, ..Style::default() }), @r#"
        published-on-all-interfaces

        Docker opens the port on **every** address, and does so
        *past* the host firewall; see the docs
        (https://docs.docker.com/engine/network/port-publishing/)
        and limits.

        What is open

        - `8080:80` is open to everyone who reaches the host,
          whatever the firewall on it says about the port
        - `127.0.0.1:8080:80` is not

        bad, a.yaml:
            ports:
              - 8080:80

        | entry | open |
        | --- | --- |
        "#);
    }

    #[test]
    fn colours_replace_the_marks() {
        let page = render("# a\n\nsay `x` **now**\n", &Style { colour: true, ..Style::default() });
        assert_eq!(page, "\u{1b}[1;4ma\u{1b}[0m\n\nsay \u{1b}[36mx\u{1b}[0m \u{1b}[1mnow\u{1b}[0m\n");
    }

    #[test]
    fn a_numbered_list_hangs_under_its_text() {
        let page = render("1. one two three four five six\n2. seven\n", &Style { width: 20, ..Style::default() });
        assert_eq!(page, "1. one two three\n   four five six\n2. seven\n");
    }
}
