//! What one host showed: claims that held, and those that did not, one a line.
//!
//! In: claims with words for the case that one does not hold. Out: lines on standard output, and whether all held.
//!
//! It asks nothing.

use std::fmt::Display;
use std::time::Instant;

/// A host's claims.
pub(crate) struct Sheet {
    title: String,
    start: Instant,
    claims: usize,
    wrong: usize,
}

impl Sheet {
    /// An empty one, under a title.
    pub(crate) fn new(title: impl Display) -> Self {
        let title = title.to_string();
        println!("\n{title}");
        Self { title, start: Instant::now(), claims: 0, wrong: 0 }
    }

    /// Counts a claim; where it does not hold, prints what was seen in its place.
    pub(crate) fn claim(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        self.claims += 1;
        if !holds {
            self.wrong += 1;
            println!("    WRONG {}", otherwise().trim_end().replace('\n', "\n      "));
        }
    }

    /// Counts a claim that something is empty; prints what it holds, of a long list the first lines.
    pub(crate) fn none(&mut self, what: &str, found: &[String]) {
        const SHOWN: usize = 12;
        self.claim(found.is_empty(), || {
            let more = if found.len() > SHOWN { format!("\n… {} more", found.len() - SHOWN) } else { String::new() };
            format!("{what}: {}\n{}{more}", found.len(), found[..found.len().min(SHOWN)].join("\n"))
        });
    }

    /// Ends it with a line; true when all held.
    pub(crate) fn end(self) -> bool {
        let Self { title, start, claims, wrong } = self;
        let seconds = start.elapsed().as_secs_f32();
        println!("  {title}: {claims} claims, {wrong} wrong, {seconds:.1} s");
        wrong == 0
    }
}

/// Prints what is neither right nor wrong.
pub(crate) fn fact(words: impl Display) {
    println!("  {words}");
}
