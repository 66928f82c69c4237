//! A line on the terminal that says how far a long run is. It is gone when the run is done.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Runs shorter than this show nothing.
const PATIENCE: Duration = Duration::from_millis(500);
/// Time between two lines.
const PAUSE: Duration = Duration::from_millis(100);
/// Columns of the bar.
const WIDTH: usize = 30;

/// Counts what is done; shared by all threads.
pub(super) struct Progress {
    is_shown: bool,
    started: Instant,
    done: AtomicUsize,
    /// When the last line was written; None: none was.
    last: Mutex<Option<Instant>>,
}

impl Progress {
    /// Shows itself if stderr is a terminal and nobody asked for quiet.
    pub(super) fn new(quiet: bool) -> Self {
        let is_shown = !quiet && io::stderr().is_terminal();
        Self { is_shown, started: Instant::now(), done: AtomicUsize::new(0), last: Mutex::new(None) }
    }

    /// One more entry of a folder was seen; how many there are is not known.
    pub(super) fn saw(&self) {
        self.step(|done| format!("searching: {done} files"));
    }

    /// From here on files are counted.
    pub(super) fn restart(&self) {
        self.done.store(0, Ordering::Relaxed);
    }

    /// One more of `total` is done.
    pub(super) fn did(&self, total: usize) {
        self.step(|done| {
            let full = WIDTH * done.min(total) / total.max(1);
            format!("checking [{}{}] {done}/{total}", "=".repeat(full), " ".repeat(WIDTH - full))
        });
    }

    fn step(&self, line: impl Fn(usize) -> String) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.is_shown || self.started.elapsed() < PATIENCE {
            return;
        }
        // Another thread is writing: its line will do.
        let Ok(mut last) = self.last.try_lock() else { return };
        if last.is_none_or(|last| last.elapsed() >= PAUSE) {
            let _ = write!(io::stderr(), "\r\x1b[2K{}", line(done));
            *last = Some(Instant::now());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.get_mut().is_ok_and(|last| last.is_some()) {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}
