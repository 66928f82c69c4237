//! The wait for a command, during which its signals are handed on.

use crate::act::ending::{Asked, Endings, Heard};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use std::io;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

/// The client closes its socket when it gets a signal, and the signal may be on its way to us, too.
const BOTH: Duration = Duration::from_millis(200);

/// Waits for a child, and hands on to it what we are asked. What the terminal sends reaches the child from there, and the client's end is no
/// news for a child that was asked already: programs such as Compose take a second signal for impatience.
pub(super) fn wait(endings: &Endings, mut child: Child) -> io::Result<ExitStatus> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    let sender = endings.sender.clone();
    thread::spawn(move || {
        // Not reaped here: until it is, its number is nobody else's.
        let ended = || rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        let _ = rustix::io::retry_on_intr(ended);
        // Whoever waits for this has the other end.
        let _ = sender.send(Heard::CommandEnded);
    });
    let mut was_asked = false;
    let mut client_is_gone = false;
    loop {
        let patience = (client_is_gone && !was_asked).then_some(BOTH);
        match endings.hear(patience) {
            Some(Heard::CommandEnded) => return child.wait(),
            Some(Heard::Asked(Asked::Client)) => client_is_gone = true,
            Some(Heard::Asked(asked @ Asked::Signal { number, is_of_the_terminal })) => {
                was_asked |= asked.is_to_end();
                if let Some(signal) = Signal::from_named_raw(number).filter(|_| !is_of_the_terminal) {
                    hand_on(pid, signal);
                }
            }
            None => {
                was_asked = true;
                hand_on(pid, Signal::TERM);
            }
        }
    }
}

fn hand_on(pid: Pid, signal: Signal) {
    // A child that has ended by itself needs none, and one of another user (sudo) takes none from us.
    let _ = rustix::process::kill_process(pid, signal);
}

#[cfg(test)]
mod tests {
    //! A test that is started again with [`ROLE`] in its environment is the program under test: signals belong to a whole process.

    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::act::child;
    use crate::act::ending::SOCKET;
    use std::ffi::OsString;
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::Instant;

    const ROLE: &str = "ROLE_OF_A_COMMAND";

    /// In the role, runs the script and ends as it does; in the test, gives the command that does so.
    fn program(test: &str, script: &str) -> Command {
        if std::env::var_os(ROLE).is_some() {
            let endings = Endings::listen().unwrap();
            let words = ["-c".into(), script.into(), "sh".into(), std::env::var_os("FOLDER").unwrap_or_default()];
            let ended = child::run(&endings, &OsString::from("sh"), &words).unwrap();
            std::process::exit(i32::from(ended.status));
        }
        // Whoever runs the tests may have had some signals ignored: nohup, a shell's background.
        let mut command = Command::new("env");
        command.arg("--default-signal").args(itself(test)).env(ROLE, "1").stdout(Stdio::null());
        command
    }

    /// What starts a test of these alone.
    fn itself(test: &str) -> [String; 4] {
        let program = std::env::current_exe().unwrap().display().to_string();
        [program, "--exact".to_owned(), format!("act::child::unix::tests::{test}"), "--nocapture".to_owned()]
    }

    /// A command that writes down each thing it hears, for a second after the first. A shell would take two signals at once for one.
    fn takes_notes(test: &str) -> String {
        if std::env::var_os(ROLE).is_some_and(|role| role == "notes") {
            let folder = std::path::PathBuf::from(std::env::var_os("FOLDER").unwrap());
            let endings = Endings::listen().unwrap();
            fs::write(folder.join("ready"), "ready\n").unwrap();
            let mut notes = fs::File::create(folder.join("notes")).unwrap();
            let mut patience = Duration::from_secs(20);
            while let Some(asked) = endings.next(patience) {
                writeln!(notes, "{}", asked.status()).unwrap();
                patience = Duration::from_secs(1);
            }
            std::process::exit(7);
        }
        format!("{ROLE}=notes exec {}", itself(test).join(" "))
    }

    /// Waits until a file has as many lines.
    fn wait_for(path: &Path, lines: usize) {
        let end = Instant::now() + Duration::from_secs(20);
        while fs::read_to_string(path).unwrap_or_default().lines().count() < lines {
            assert!(Instant::now() < end, "{} has too few lines", path.display());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Writes down each signal, and ends by itself a second after the first.
    const NOTES: &str = "cd \"$1\"; for s in HUP INT QUIT TERM USR1; do trap \"echo $s >>notes\" $s; done; echo ready >>ready; \
                         i=0; while [ $i -lt 200 ]; do sleep 0.1; i=$((i+1)); [ -s notes ] && [ $i -lt 190 ] && i=190; done; exit 7";

    #[test]
    fn each_signal_is_handed_on_once_and_the_status_is_the_commands() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program("each_signal_is_handed_on_once_and_the_status_is_the_commands", NOTES);
        let mut child = command.env("FOLDER", folder.path()).spawn().unwrap();
        wait_for(&folder.path().join("ready"), 1);
        for (at, signal) in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1].into_iter().enumerate() {
            hand_on(Pid::from_child(&child), signal);
            wait_for(&folder.path().join("notes"), at + 1);
        }
        assert_eq!(child.wait().unwrap().code(), Some(7));
        assert_eq!(fs::read_to_string(folder.path().join("notes")).unwrap(), "TERM\nHUP\nINT\nQUIT\nUSR1\n");
    }

    #[test]
    fn a_command_that_a_signal_ends_gives_128_and_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let script = "cd \"$1\"; echo ready >ready; exec sleep 60";
        let mut command = program("a_command_that_a_signal_ends_gives_128_and_its_number", script);
        let mut child = command.env("FOLDER", folder.path()).spawn().unwrap();
        wait_for(&folder.path().join("ready"), 1);
        hand_on(Pid::from_child(&child), Signal::TERM);
        assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    }

    #[test]
    fn what_is_typed_at_the_terminal_reaches_the_command_once() {
        let folder = tempfile::tempdir().unwrap();
        let test = "what_is_typed_at_the_terminal_reaches_the_command_once";
        let command = program(test, &takes_notes(test));
        let words: Vec<_> =
            [command.get_program()].into_iter().chain(command.get_args()).map(|word| word.to_str().unwrap()).collect();
        let mut terminal = Command::new("script")
            // A shell that stayed would get the key, too, and end by it.
            .args(["-qec", &format!("exec {}", words.join(" ")), "/dev/null"])
            .env(ROLE, "1")
            .env("FOLDER", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(&folder.path().join("ready"), 1);
        terminal.stdin.as_mut().unwrap().write_all(&[3]).unwrap();
        assert_eq!(terminal.wait().unwrap().code(), Some(7));
        assert_eq!(fs::read_to_string(folder.path().join("notes")).unwrap(), "130\n");
    }

    #[test]
    fn the_end_of_the_client_is_a_term_for_the_command_unless_a_signal_says_it_already() {
        let name = "the_end_of_the_client_is_a_term_for_the_command_unless_a_signal_says_it_already";
        for (signal, notes) in [(None, "TERM\n"), (Some(Signal::INT), "INT\n")] {
            let folder = tempfile::tempdir().unwrap();
            let mut command = program(name, NOTES);
            let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
            let mut child = command.env("FOLDER", folder.path()).env(SOCKET, folder.path().join("socket")).spawn().unwrap();
            let (client, _) = listener.accept().unwrap();
            wait_for(&folder.path().join("ready"), 1);
            drop(client);
            if let Some(signal) = signal {
                hand_on(Pid::from_child(&child), signal);
            }
            assert_eq!(child.wait().unwrap().code(), Some(7));
            assert_eq!(fs::read_to_string(folder.path().join("notes")).unwrap(), notes);
        }
    }

    #[test]
    fn a_signal_that_was_ignored_before_stays_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let name = "a_signal_that_was_ignored_before_stays_ignored";
        program(name, "cd \"$1\"; echo ready >ready; sleep 0.7; exit 3");
        let script = format!("trap '' HUP; exec {}", itself(name).join(" "));
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .env(ROLE, "1")
            .env("FOLDER", folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(&folder.path().join("ready"), 1);
        hand_on(Pid::from_child(&child), Signal::HUP);
        assert_eq!(child.wait().unwrap().code(), Some(3));
    }

    #[test]
    fn a_command_does_not_take_itself_for_a_plugin() {
        let mut command = program("a_command_does_not_take_itself_for_a_plugin", "exit $(env | grep -c DOCKER_CLI_PLUGIN_)");
        command.env("DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", "docker").env(SOCKET, "@docker_cli_gone");
        command.env("DOCKER_CLI_PLUGIN_USE_DIAL_STDIO", "1");
        assert_eq!(command.status().unwrap().code(), Some(1), "what its owner said stays");
    }
}
