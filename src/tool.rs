//! Runs a tool of the host and hands over what it prints.
//!
//! In: the words of a command, never a shell's, and perhaps a text that it reads. Out: its text, or why there is none. The tool is searched
//! in the system's own folders, starts with a clean environment and without other input, and may take [`PATIENCE`] and print [`LONGEST`]
//! bytes. Not here: what it prints means, and whether it only looks.

use crate::model::system::reason;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// The longest text of a tool, in bytes: a set of 500,000 prefixes has 25 MiB as JSON.
pub const LONGEST: u64 = 64 << 20;

/// How long a tool may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Where tools are searched, in this order. The last is where NixOS keeps them.
const FOLDERS: [&str; 7] =
    ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin", "/run/current-system/sw/bin"];

/// What became of a tool.
pub enum Said {
    /// It ended well, and printed this.
    Text(String),
    /// The host has no such tool.
    Missing,
    /// It did not start, ended badly or did not end; why.
    Failed(String),
}

/// The file of a tool; None: the host has no such tool.
pub fn find(tool: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| PathBuf::from(folder).join(tool)).find(|path| path.is_file())
}

/// A command of the host's own tools, with a clean environment.
pub fn command(words: &[&str]) -> Option<Command> {
    let (tool, arguments) = words.split_first()?;
    let mut command = Command::new(find(tool)?);
    command.args(arguments).env_clear().env("PATH", FOLDERS.join(":")).env("LC_ALL", "C").stdin(Stdio::null());
    Some(command)
}

/// True if this process may read and change filter rules: bit 12 of its effective capabilities, `CAP_NET_ADMIN` in capabilities(7).
pub fn may_administer_network() -> bool {
    holds_net_admin(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn holds_net_admin(status: &str) -> bool {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).is_some_and(|bits| bits & (1 << 12) != 0)
}

/// Runs a tool to its end, without input.
pub fn run(words: &[&str]) -> Said {
    start(words, None)
}

/// Runs a tool to its end; `text` is its whole input. A tool that ends well without having read all of it has failed.
pub fn run_with(words: &[&str], text: &str) -> Said {
    start(words, Some(text))
}

fn start(words: &[&str], input: Option<&str>) -> Said {
    let Some(mut command) = command(words) else { return Said::Missing };
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    match command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        Ok(child) => listen(child, words, input, PATIENCE),
        Err(error) => Said::Failed(format!("`{}` does not start: {}", words.join(" "), reason(&error))),
    }
}

/// Hears a child out, while it is told its input.
fn listen(mut child: Child, words: &[&str], input: Option<&str>, patience: Duration) -> Said {
    let end = Instant::now() + patience;
    let left = || end.saturating_duration_since(Instant::now());
    let failed = |why: String| Said::Failed(format!("`{}` {why}", words.join(" ")));
    let output = gather(child.stdout.take(), LONGEST);
    let complaint = gather(child.stderr.take(), LONGEST);
    let told = tell(child.stdin.take(), input.unwrap_or_default());
    let heard = output.recv_timeout(left());
    let status = if heard.is_ok() { ended(&mut child, end) } else { None };
    let (Ok(text), Some(status)) = (heard, status) else {
        // Nobody waits for it any longer: what it may still do is the system's concern.
        let _ = child.kill();
        let _ = child.wait();
        return failed(format!("does not end within {} s", patience.as_secs()));
    };
    match text {
        Ok(Some(text)) if status.success() => match told.recv_timeout(left()) {
            Ok(Ok(())) => Said::Text(text),
            _ => failed("ends without reading what it is given".to_owned()),
        },
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
fn ended(child: &mut Child, end: Instant) -> Option<ExitStatus> {
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

/// Writes a text into a pipe and closes it, on a thread of its own: a child that prints much before it reads would wait for us, and we for
/// it.
fn tell(pipe: Option<ChildStdin>, text: &str) -> Receiver<io::Result<()>> {
    let (sender, receiver) = mpsc::channel();
    let text = text.as_bytes().to_vec();
    thread::spawn(move || {
        let told = pipe.map_or(Ok(()), |mut pipe| pipe.write_all(&text));
        // Who does not listen any more has stopped waiting.
        let _ = sender.send(told);
    });
    receiver
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
pub fn first_line(text: &str) -> &str {
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
    fn who_may_administer_the_network_is_told_by_the_effective_capabilities() {
        assert!(holds_net_admin("Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\n"));
        assert!(!holds_net_admin("CapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n"));
        assert!(!holds_net_admin("CapEff:\t000001ffffffefff\n") && !holds_net_admin(""));
    }

    #[test]
    fn a_tool_that_does_not_end_is_ended() {
        let words = ["sleep", "60"];
        let child = command(&words).unwrap().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let before = Instant::now();
        assert_eq!(why(listen(child, &words, None, Duration::from_millis(50))), "`sleep 60` does not end within 0 s");
        assert!(before.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_pipe_that_a_grandchild_keeps_open_does_not_hold_up_the_run() {
        let words = ["sh", "-c", "sleep 3 & echo here"];
        let child = command(&words).unwrap().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let before = Instant::now();
        assert!(why(listen(child, &words, None, Duration::from_millis(200))).contains("does not end"));
        assert!(before.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_tool_reads_its_whole_input_whatever_it_prints_meanwhile() {
        let text = "0123456789abcde\n".repeat(1 << 18);
        let Said::Text(copy) = run_with(&["cat"], &text) else { panic!("cat copies") };
        assert!(copy == text, "{} of {} bytes came back", copy.len(), text.len());
        let Said::Text(many) = run_with(&["sh", "-c", "yes | head -c 4000000; cat >/dev/null"], &text) else {
            panic!("it prints")
        };
        assert_eq!(many.len(), 4_000_000);
        let Said::Text(none) = run_with(&["cat"], "") else { panic!("the input ends") };
        assert_eq!(none, "");
    }

    #[test]
    fn a_tool_that_leaves_its_input_unread_has_failed_and_says_why_if_it_knows() {
        let text = " ".repeat(1 << 20);
        assert_eq!(why(run_with(&["true"], &text)), "`true` ends without reading what it is given");
        assert_eq!(why(run_with(&["sh", "-c", "echo no >&2; exit 1"], &text)), "`sh -c echo no >&2; exit 1` fails: no");
    }

    #[test]
    fn more_than_the_longest_text_is_refused() {
        let text = gather(Some(io::repeat(b' ')), 1 << 10).recv().unwrap().unwrap();
        assert!(text.is_none());
    }
}
