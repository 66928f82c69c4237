//! Runs a tool of the host and hands over what it prints.
//!
//! In: the words of a command, never a shell's. Out: its text, or why there is none. The tool is searched in the system's own folders,
//! starts with a clean environment and without input, and may take [`PATIENCE`] and print [`LONGEST`] bytes. Not here: what it prints
//! means.

use super::LONGEST;
use crate::model::system::reason;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// How long a tool may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Where tools are searched, in this order. The last is where NixOS keeps them.
const FOLDERS: [&str; 7] =
    ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin", "/run/current-system/sw/bin"];

/// What became of a tool.
pub(super) enum Said {
    /// It ended well, and printed this.
    Text(String),
    /// The host has no such tool.
    Missing,
    /// It did not start, ended badly or did not end; why.
    Failed(String),
}

/// The file of a tool; None: the host has no such tool.
pub(super) fn find(tool: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| PathBuf::from(folder).join(tool)).find(|path| path.is_file())
}

/// A command of the host's own tools, with a clean environment.
pub(super) fn command(words: &[&str]) -> Option<Command> {
    let (tool, arguments) = words.split_first()?;
    let mut command = Command::new(find(tool)?);
    command.args(arguments).env_clear().env("PATH", FOLDERS.join(":")).env("LC_ALL", "C").stdin(Stdio::null());
    Some(command)
}

/// Runs a tool to its end.
pub(super) fn run(words: &[&str]) -> Said {
    let Some(mut command) = command(words) else { return Said::Missing };
    match command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        Ok(child) => listen(child, words, PATIENCE),
        Err(error) => Said::Failed(format!("`{}` does not start: {}", words.join(" "), reason(&error))),
    }
}

/// Hears a child out.
fn listen(mut child: Child, words: &[&str], patience: Duration) -> Said {
    let end = Instant::now() + patience;
    let left = || end.saturating_duration_since(Instant::now());
    let failed = |why: String| Said::Failed(format!("`{}` {why}", words.join(" ")));
    let output = gather(child.stdout.take(), LONGEST);
    let complaint = gather(child.stderr.take(), LONGEST);
    let heard = output.recv_timeout(left());
    let status = if heard.is_ok() { ended(&mut child, end) } else { None };
    let (Ok(text), Some(status)) = (heard, status) else {
        // Nobody waits for it any longer: what it may still do is the system's concern.
        let _ = child.kill();
        let _ = child.wait();
        return failed(format!("does not end within {} s", patience.as_secs()));
    };
    match text {
        Ok(Some(text)) if status.success() => Said::Text(text),
        Ok(None) => failed(format!("prints more than {} MiB", LONGEST >> 20)),
        Err(error) => failed(format!("cannot be heard: {}", reason(&error))),
        Ok(Some(_)) => {
            let complaint = complaint.recv_timeout(left().min(Duration::from_millis(200)));
            let complaint = complaint.ok().and_then(Result::ok).flatten().unwrap_or_default();
            match first_line(&complaint) {
                "" => failed(format!("fails ({status})")),
                line => failed(format!("fails: {line}")),
            }
        }
    }
}

/// Waits for a child that has closed its output.
fn ended(child: &mut Child, end: Instant) -> Option<std::process::ExitStatus> {
    let mut nap = Duration::from_micros(100);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => thread::sleep(nap),
            _ => return None,
        }
        nap = (nap * 2).min(Duration::from_millis(20));
    }
}

/// Reads a pipe to its end on a thread of its own, which nobody waits for: a grandchild may keep the pipe open. None: it is longer.
fn gather(pipe: Option<impl Read + Send + 'static>, longest: u64) -> Receiver<io::Result<Option<String>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = match pipe {
            Some(pipe) => pipe.take(longest + 1).read_to_end(&mut bytes),
            None => Ok(0),
        };
        let fits = bytes.len() as u64 <= longest;
        let text = read.map(|_| fits.then(|| String::from_utf8_lossy(&bytes).into_owned()));
        // Who does not listen any more has stopped waiting.
        let _ = sender.send(text);
    });
    receiver
}

/// The first line that says something.
pub(super) fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn why(said: Said) -> String {
        match said {
            Said::Failed(why) => why,
            Said::Text(text) => panic!("it said {text}"),
            Said::Missing => panic!("it is missing"),
        }
    }

    #[test]
    fn a_tool_is_heard_with_a_clean_environment() {
        let Said::Text(text) = run(&["env"]) else { panic!("env is on every host") };
        let mut lines: Vec<_> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        lines.sort_unstable();
        assert_eq!(lines, ["LC_ALL", "PATH"]);
    }

    #[test]
    fn a_tool_that_is_not_there_is_missing_and_one_that_fails_says_why() {
        assert!(matches!(run(&["no-such-tool-of-any-host"]), Said::Missing));
        assert_eq!(why(run(&["false"])), "`false` fails (exit status: 1)");
        let complaint = why(run(&["cat", "/no/such/file"]));
        assert!(
            complaint.starts_with("`cat /no/such/file` fails: ") && complaint.ends_with("No such file or directory"),
            "{complaint}"
        );
    }

    #[test]
    fn a_tool_that_does_not_end_is_ended() {
        let words = ["sleep", "60"];
        let child = command(&words).unwrap().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let before = Instant::now();
        assert_eq!(why(listen(child, &words, Duration::from_millis(50))), "`sleep 60` does not end within 0 s");
        assert!(before.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_pipe_that_a_grandchild_keeps_open_does_not_hold_up_the_run() {
        let words = ["sh", "-c", "sleep 3 & echo here"];
        let child = command(&words).unwrap().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let before = Instant::now();
        assert!(why(listen(child, &words, Duration::from_millis(200))).contains("does not end"));
        assert!(before.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn more_than_the_longest_text_is_refused() {
        let text = gather(Some(io::repeat(b' ')), 1 << 10).recv().unwrap().unwrap();
        assert!(text.is_none());
    }
}
