//! Comments that speak to us: `# docker-firewall: …`.
//!
//! In: a text and where its comments are. Out: what they say, and the lines that they speak about. Not here: what the words mean.

use crate::model::project::Pragma;
use crate::model::source::{Place, Source, Span};
use std::sync::Arc;

/// The comments among `comments`, which are in the order of the text, that have our word.
///
/// A comment that stands alone speaks about the next line that says something. A lone dash does not: the entry follows it.
pub fn pragmas(source: &Arc<Source>, comments: &[Span]) -> Vec<Pragma> {
    let mut found = Vec::new();
    let mut below: Option<(u32, u32)> = None;
    for span in comments.iter().rev() {
        let place = Place { source: Arc::clone(source), span: *span };
        let own = place.line();
        let next = if stands_alone(&place) { next_line(source, own) } else { own };
        let line = below.filter(|(line, _)| *line == next).map_or(next, |(_, about)| about);
        below = (line > own).then_some((own, line));
        let text = place.text().trim_start_matches('#').trim_start().strip_prefix(Pragma::WORD);
        if let Some(text) = text.map(|text| text.trim().to_owned()) {
            found.push(Pragma { place, text, line });
        }
    }
    found.reverse();
    found
}

/// The next line with something on it, comments included; the very next where there is none.
fn next_line(source: &Source, own: u32) -> u32 {
    let last = source.line(u32::try_from(source.text().len()).unwrap_or(u32::MAX));
    let text = |line: u32| source.text().get(source.line_span(line).range()).unwrap_or_default().trim();
    (own + 1..=last).find(|line| !matches!(text(*line), "" | "-")).unwrap_or(own + 1)
}

fn stands_alone(comment: &Place) -> bool {
    let line = comment.source.line_span(comment.line());
    let before = comment.source.text().get(line.start as usize..comment.span.start as usize).unwrap_or_default();
    before.trim_start_matches('\u{feff}').trim().is_empty()
}
