//! One finding as a screen in the manner of rustc: header, source line, caret, notes, help, patch.
//!
//! In: a finding. Out: text, lines ended by `\n`. The drawing is annotate-snippets'; it gets single lines, cut to the width, since
//! it scans all that it is given and cuts nothing in patches.

use super::spot::solid;
use super::style::Style;
use super::visible::{shorten, visible, width};
use super::window::{Window, columns, draw};
use super::{on_host, wrap};
use crate::model::finding::{Edit, Finding, Fix, Level};
use crate::model::source::{Place, Span};
use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Element, Group, Level as Grade, Origin, Padding, Patch, Snippet};
use std::borrow::Cow;
use std::ops::Range;

/// A fix is drawn if it has no more edits than this, and none of them more lines.
const SMALL: usize = 3;
/// Prose is not folded to fewer columns than this.
const NARROWEST: usize = 20;
/// With fewer columns than this beside its rule's name, a header's message goes below it.
const HEADER: usize = 36;
/// A rule has about so many lines, at most.
const MOST_LINES: usize = 3;
/// What a message below its header is indented by.
const BELOW: &str = "    ";
/// What annotate-snippets draws left of the source, beside the line number.
const GUTTER: usize = 3;

/// Draws a finding.
pub(super) fn draw_finding(finding: &Finding, style: &Style) -> String {
    let screen = Screen { finding, style, room: style.width.saturating_sub(GUTTER + digits(finding)) };
    // The renderer closes the first group with a bar, which would double the one before the source line: it gets an empty one.
    let mut groups = vec![Group::with_level(grade(finding.level))];
    groups.extend(screen.head());
    groups.extend(screen.related());
    groups.extend(screen.fix());
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    // The lines are cut already: the renderer is not to cut them again.
    let drawn = renderer.hyperlink(false).term_width(10 * style.width.max(100)).render(&groups);
    screen.with_message_below(drawn.trim_start_matches('\n')) + "\n"
}

struct Screen<'a> {
    finding: &'a Finding,
    style: &'a Style,
    /// Columns right of the line numbers.
    room: usize,
}

impl<'a> Screen<'a> {
    /// The header; then the source line with what is said about it.
    fn head(&self) -> Vec<Group<'a>> {
        let finding = self.finding;
        let title = grade(finding.level).primary_title(self.title()).id(finding.rule);
        let Some(place) = &finding.place else {
            let head = Group::with_title(title).element(Origin::path(visible(&finding.whereabouts()).into_owned()));
            return vec![self.with_notes(head, Some(&finding.label))];
        };
        let line = Line::of(place);
        let label = finding.label.as_str();
        let fits = line.fits(label, self.room);
        let window = line.window(self.room, if fits { 1 + width(label) } else { 0 });
        let mut mark = AnnotationKind::Primary.span(window.span.clone());
        if fits && !label.is_empty() {
            mark = mark.label(visible(label).into_owned());
        }
        let snippet = Snippet::source(window.text).line_start(line.number).annotation(mark);
        let quote = Group::with_level(grade(finding.level)).element(snippet);
        vec![Group::with_title(title).element(origin(place)), self.with_notes(quote, Some(label).filter(|_| !fits))]
    }

    /// The message; on a terminal folded under itself, or, where that would be a narrow column, below the rule's name.
    fn title(&self) -> String {
        let message = &self.finding.message;
        if !self.is_below() {
            return self.folded(message, self.header_width());
        }
        let room = self.style.width.saturating_sub(BELOW.len()).max(NARROWEST);
        format!("\n{}", wrap::lines(&visible(message), room).join("\n"))
    }

    /// The columns before the message.
    fn header_width(&self) -> usize {
        level_word(self.finding.level).len() + self.finding.rule.len() + "[]: ".len()
    }

    fn is_below(&self) -> bool {
        let room = self.style.width.saturating_sub(self.header_width());
        self.style.is_terminal && room < HEADER.min(1 + width(&self.finding.message))
    }

    /// A drawn screen with the message where it belongs: the renderer puts all its lines to the right of the rule's name.
    fn with_message_below(&self, drawn: &str) -> String {
        if !self.is_below() {
            return drawn.to_owned();
        }
        let beside = " ".repeat(self.header_width());
        let lines = self.title().lines().count();
        let moved = drawn.split('\n').enumerate().map(|(index, line)| match line.strip_prefix(&beside) {
            Some(message) if (1..lines).contains(&index) => format!("{BELOW}{message}"),
            None if index == 0 => line.rsplit_once(": ").map_or(line.to_owned(), |(name, end)| format!("{name}:{end}")),
            _ => line.to_owned(),
        });
        moved.collect::<Vec<_>>().join("\n")
    }

    /// Appends notes and help under a bar.
    fn with_notes(&self, group: Group<'a>, label: Option<&str>) -> Group<'a> {
        let label = label.filter(|label| !label.is_empty()).map(|label| Grade::NOTE.message(self.note(label)));
        let refused = match &self.finding.fix {
            Some(Err(refusal)) => Some(Grade::NOTE.message(self.note(&format!("no fix is offered: {}", refusal.reason)))),
            _ => None,
        };
        let facts = on_host::lines(self.finding).into_iter().map(|line| Grade::NOTE.message(self.note(&self.cut(&line))));
        let help = self.finding.help.iter().map(|line| Grade::HELP.message(self.note(line)));
        let messages: Vec<_> = label.into_iter().chain(facts).chain(help).chain(refused).collect();
        let is_followed = !self.finding.related.is_empty() || matches!(self.finding.fix, Some(Ok(_)));
        let group = if messages.is_empty() && !is_followed { group } else { group.element(Padding) };
        group.elements(messages)
    }

    /// The text after `= note: ` or `= help: `.
    fn note(&self, text: &str) -> String {
        self.folded(text, self.style.width.saturating_sub(self.room) + "note: ".len())
    }

    /// A rule can be longer than anybody reads: on a terminal it loses its middle.
    fn cut<'t>(&self, rule: &'t str) -> Cow<'t, str> {
        let room = self.style.width.max(NARROWEST).saturating_mul(MOST_LINES);
        if self.style.is_terminal { shorten(rule, room) } else { rule.into() }
    }

    /// A text made visible, on a terminal folded to what is left beside `indent` columns.
    fn folded(&self, text: &str, indent: usize) -> String {
        let text = visible(text);
        let room = self.style.width.saturating_sub(indent);
        if self.style.is_terminal && room >= NARROWEST { wrap::lines(&text, room).join("\n") } else { text.into_owned() }
    }

    /// The other places that matter, each with its source line.
    fn related(&self) -> impl Iterator<Item = Group<'a>> {
        self.finding.related.iter().flat_map(|related| {
            let line = Line::of(&related.place);
            let window = line.window(self.room, 0);
            let mark = AnnotationKind::Context.span(window.span.clone());
            let title = Grade::NOTE.secondary_title(self.folded(&related.message, "note: ".len()));
            let snippet = Snippet::source(window.text).line_start(line.number).annotation(mark);
            [Group::with_title(title).element(origin(&related.place)), Group::with_level(Grade::NOTE).element(snippet)]
        })
    }

    /// The patch, if it is small; of a larger one the title.
    fn fix(&self) -> Option<Group<'a>> {
        let Some(Ok(fix)) = &self.finding.fix else { return None };
        let title = Grade::HELP.secondary_title(self.folded(&fix.title, "help: ".len()));
        let group = Group::with_title(title);
        Some(if is_small(fix) { group.elements(self.patches(fix)) } else { group })
    }

    fn patches(&self, fix: &Fix) -> Vec<Element<'a>> {
        let mut elements = Vec::new();
        for edit in &fix.edits {
            if edit.place.path() != self.finding.path {
                elements.push(Element::from(origin(&edit.place)));
            }
            let line = Line::of(&edit.place);
            let added = edit.replacement.lines().map(width).max().unwrap_or_default();
            let window = line.window(self.room.saturating_sub(added), 0);
            let patch = Patch::new(window.span.clone(), drawn_lines(&edit.replacement));
            elements.push(Snippet::source(window.text).line_start(line.number).patch(patch).into());
        }
        elements
    }
}

/// The line of a place, and what of it is marked: of a place with several lines the part in the first.
struct Line<'a> {
    number: usize,
    text: &'a str,
    marked: Range<usize>,
}

impl<'a> Line<'a> {
    fn of(place: &'a Place) -> Self {
        let number = place.line();
        let Span { start, end } = place.source.line_span(number);
        let marked = solid(place);
        let text = place.source.text().get(start as usize..end as usize).unwrap_or_default();
        let clamp = |at: u32| (at.clamp(start, end) - start) as usize;
        Self { number: number as usize, text, marked: clamp(marked.start)..clamp(marked.end) }.without_bom()
    }

    /// Without the byte-order mark of the file's first line: it is no part of what is written.
    fn without_bom(mut self) -> Self {
        if let Some(rest) = self.text.strip_prefix('\u{feff}') {
            let mark = self.text.len() - rest.len();
            self.marked = self.marked.start.saturating_sub(mark)..self.marked.end.saturating_sub(mark);
            self.text = rest;
        }
        self
    }

    /// True if a label can stand beside the marked part, and enough of the line is still seen before it.
    fn fits(&self, label: &str, room: usize) -> bool {
        let before = columns(self.text[..self.marked.start].chars().rev(), room / 3);
        let marked = columns(self.text[self.marked.clone()].chars(), room).max(1);
        before + marked + 1 + width(label) <= room
    }

    fn window(&self, room: usize, beside: usize) -> Window {
        Window::cut(self.text, self.marked.clone(), room, beside)
    }
}

/// True if the fix can be drawn as a patch without filling the screen.
fn is_small(fix: &Fix) -> bool {
    let is_small = |edit: &Edit| edit.replacement.lines().count() <= SMALL && !edit.place.text().contains('\n');
    fix.edits.len() <= SMALL && fix.edits.iter().all(is_small)
}

/// A replacement as it is drawn: its line breaks stay, all else is shown.
fn drawn_lines(replacement: &str) -> String {
    let mut drawn = String::new();
    for line in replacement.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body.strip_suffix('\r').unwrap_or(body), "\n"));
        draw(body, &mut drawn);
        drawn.push_str(end);
    }
    drawn
}

fn origin(place: &Place) -> Origin<'static> {
    let path = visible(&place.path().to_string_lossy()).into_owned();
    Origin::path(path).line(place.line() as usize).char_column(place.column() as usize)
}

/// How many digits the largest line number on the screen has.
fn digits(finding: &Finding) -> usize {
    let edits = finding.fix.iter().flatten().flat_map(|fix| &fix.edits);
    let of_edits = edits.map(|edit| edit.place.line() as usize + edit.replacement.lines().count());
    let places = finding.place.iter().chain(finding.related.iter().map(|related| &related.place));
    let largest = places.map(|place| place.line() as usize).chain(of_edits).max();
    largest.map_or(1, |line| line.to_string().len())
}

fn grade(level: Level) -> Grade<'static> {
    match level {
        Level::Error => Grade::ERROR,
        Level::Warn => Grade::WARNING,
        Level::Note => Grade::NOTE,
    }
}

/// The word in the header.
pub(super) fn level_word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Note => "note",
    }
}
