//! When to look again: the engine, firewalld or the rules say that something changed.
//!
//! In: the docker client's flags, and how long to wait at most. Out: an [`Iterator`] without end. Changes come in bursts (a container
//! that starts is a dozen of them), and a burst is handed over once, when it is over. Who cannot be followed (no engine, no firewalld, no
//! right) is tried again now and then; meanwhile the longest wait is what is left. Not here: what changed. Look.

use crate::model::client::Flags;
use crate::tool;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Between two tries to follow somebody.
const PAUSE: Duration = Duration::from_secs(5);

/// How soon changes are handed over.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A burst is over after so much silence.
    pub silence: Duration,
    /// A burst that does not end is handed over after this.
    pub longest_burst: Duration,
    /// Where nothing is heard for so long, that is handed over.
    pub longest_wait: Duration,
}

/// Something changed that may change what is judged.
pub struct Change;

/// The changes on this machine: each burst of them, and each time that nothing was heard for the longest wait.
pub struct Events {
    changes: Receiver<Change>,
    /// Keeps the channel open while nobody can be followed.
    _open: Sender<Change>,
    pace: Pace,
    monitor: Arc<Mutex<Monitor>>,
}

/// The tool that says when rules change.
#[derive(Default)]
struct Monitor {
    child: Option<Child>,
    /// True once nobody asks any more: it is not started again.
    is_over: bool,
}

/// Follows the changes on this machine. The threads that do so end with the process.
pub fn events(flags: &Flags, pace: Pace) -> Events {
    let (sender, changes) = mpsc::channel();
    #[cfg(feature = "docker")]
    super::engine::follow(flags, sender.clone());
    #[cfg(not(feature = "docker"))]
    let _ = flags;
    #[cfg(feature = "firewalld")]
    super::firewalld::follow(sender.clone());
    let monitor = Arc::<Mutex<Monitor>>::default();
    let shared = Arc::clone(&monitor);
    // To ask would load the kernel's module where it is not loaded.
    let follow = move |sender: &Sender<Change>| super::rules::may_hold_nft_tables() && hear(&["nft", "monitor"], &shared, sender);
    follow_again(sender.clone(), follow);
    Events { changes, _open: sender, pace, monitor }
}

impl Iterator for Events {
    type Item = ();

    fn next(&mut self) -> Option<Self::Item> {
        burst(&self.changes, self.pace);
        Some(())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Ok(mut monitor) = self.monitor.lock() {
            monitor.is_over = true;
            monitor.end();
        }
    }
}

impl Monitor {
    /// Starts it, and hands over what it prints. None: it is over, or there is no such tool.
    fn begin(&mut self, words: &[&str]) -> Option<ChildStdout> {
        let mut command = tool::command(words).filter(|_| !self.is_over)?;
        let child = self.child.insert(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?);
        child.stdout.take()
    }

    fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until a burst is over. False: none began in time.
fn burst(changes: &Receiver<Change>, pace: Pace) -> bool {
    if changes.recv_timeout(pace.longest_wait).is_err() {
        return false;
    }
    let end = Instant::now() + pace.longest_burst;
    while changes.recv_timeout(pace.silence.min(end.saturating_duration_since(Instant::now()))).is_ok() {}
    true
}

/// Tries for ever to follow somebody: `follow` returns when there is nobody to follow, or no more. True: it was followed, and so its end
/// is a change too.
pub(super) fn follow_again(sender: Sender<Change>, follow: impl Fn(&Sender<Change>) -> bool + Send + 'static) {
    thread::spawn(move || {
        loop {
            if follow(&sender) && sender.send(Change).is_err() {
                return;
            }
            thread::sleep(PAUSE);
        }
    });
}

/// Hears a monitor out: each line is a change. True if it said anything, so that it could be followed.
fn hear(words: &[&str], monitor: &Mutex<Monitor>, sender: &Sender<Change>) -> bool {
    let Some(output) = monitor.lock().ok().and_then(|mut monitor| monitor.begin(words)) else { return false };
    let lines = BufReader::new(output).split(b'\n').map_while(Result::ok).filter(|line| !line.is_empty());
    let count = lines.take_while(|_| sender.send(Change).is_ok()).count();
    if let Ok(mut monitor) = monitor.lock() {
        monitor.end();
    }
    count > 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PATIENT: Pace =
        Pace { silence: Duration::from_millis(400), longest_burst: Duration::from_secs(3), longest_wait: Duration::from_secs(9) };
    const BRIEF: Pace = Pace { longest_wait: Duration::from_millis(1), ..PATIENT };

    #[test]
    fn a_burst_is_handed_over_once() {
        let (sender, changes) = mpsc::channel();
        for _ in 0..3 {
            sender.send(Change).unwrap();
        }
        assert!(burst(&changes, PATIENT));
        assert!(!burst(&changes, BRIEF), "nothing is left of it");
    }

    #[test]
    fn a_burst_without_end_is_handed_over_all_the_same() {
        let (sender, changes) = mpsc::channel();
        thread::spawn(move || {
            while sender.send(Change).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        let before = Instant::now();
        assert!(burst(&changes, PATIENT));
        assert!(before.elapsed() < PATIENT.longest_burst + Duration::from_secs(5));
    }

    #[test]
    fn a_monitor_that_says_nothing_was_not_followed_and_is_tried_again_until_nobody_asks() {
        let (sender, changes) = mpsc::channel();
        let monitor = Mutex::new(Monitor::default());
        assert!(!hear(&["true"], &monitor, &sender));
        assert!(!hear(&["no-such-tool"], &monitor, &sender));
        assert!(hear(&["printf", "one\\n\\ntwo\\n"], &monitor, &sender));
        assert_eq!(changes.try_iter().count(), 2);
        monitor.lock().unwrap().is_over = true;
        assert!(!hear(&["printf", "one\\n"], &monitor, &sender));
        assert_eq!(changes.try_iter().count(), 0);
    }

    #[test]
    fn without_a_change_the_longest_wait_is_all() {
        let (_sender, changes) = mpsc::channel();
        assert!(!burst(&changes, BRIEF));
    }
}
