//! The ears.

use super::{Asked, Heard};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;
use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;
use std::thread;

/// `si_code` of a signal that the kernel sends, sigaction(2).
const SI_KERNEL: i32 = 0x80;

/// Hears signals on a thread of its own, which ends with the process.
pub(super) fn hear_signals(sender: Sender<Heard>) -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let heeded = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2].into_iter().filter(|signal| !is_ignored(&status, *signal));
    let mut signals = SignalsInfo::<WithRawSiginfo>::new(heeded)?;
    thread::spawn(move || {
        for signal in signals.forever() {
            let asked = Asked::Signal { number: signal.si_signo, is_of_the_terminal: signal.si_code == SI_KERNEL };
            if sender.send(Heard::Asked(asked)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// True if a process ignores a signal, by its `/proc/PID/status`: bit 0 of the mask is signal 1, proc_pid_status(5).
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

/// Waits for the client's end of its socket on a thread of its own.
pub(super) fn hear_client(name: Option<OsString>, sender: Sender<Heard>) {
    let Some(mut stream) = name.and_then(|name| connect(&name)) else { return };
    thread::spawn(move || {
        let mut bytes = [0; 64];
        loop {
            match stream.read(&mut bytes) {
                // It may say things in times to come; its end is what we know.
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        // Who does not listen any more has ended.
        let _ = sender.send(Heard::Asked(Asked::Client));
    });
}

/// The client's socket: `@name` is an abstract one, unix(7).
fn connect(name: &OsString) -> Option<UnixStream> {
    #[cfg(target_os = "linux")]
    if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(name.as_os_str()).strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
        return UnixStream::connect_addr(&address).ok();
    }
    UnixStream::connect(name).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::time::Duration;

    /// Accepts one client, and closes.
    fn closes(listener: &UnixListener, name: &str) {
        let (sender, heard) = mpsc::channel();
        hear_client(Some(name.into()), sender);
        let (mut ours, _) = listener.accept().unwrap();
        io::Write::write_all(&mut ours, b"word").unwrap();
        assert_eq!(heard.recv_timeout(Duration::from_millis(100)).err(), Some(RecvTimeoutError::Timeout));
        drop(ours);
        assert!(matches!(heard.recv_timeout(Duration::from_secs(10)), Ok(Heard::Asked(Asked::Client))));
    }

    #[test]
    fn the_client_asks_by_closing_its_socket_and_not_by_speaking() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        closes(&UnixListener::bind(&path).unwrap(), &path.display().to_string());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn its_socket_may_be_an_abstract_one() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("docker_cli_test_{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        closes(&UnixListener::bind_addr(&address).unwrap(), &format!("@{name}"));
    }

    #[test]
    fn a_socket_that_nobody_listens_on_is_no_client() {
        for name in ["@docker_cli_of_nobody", "/no/such/socket", ""] {
            let (sender, heard) = mpsc::channel();
            hear_client(Some(name.into()), sender);
            assert_eq!(heard.recv_timeout(Duration::from_secs(10)).err(), Some(RecvTimeoutError::Disconnected), "{name}");
        }
    }

    #[test]
    fn a_signal_that_was_ignored_at_the_start_is_known() {
        let status = "SigCgt:\tffffffffffffffff\nSigIgn:\t0000000000000001\n";
        assert!(is_ignored(status, SIGHUP) && !is_ignored(status, SIGINT) && !is_ignored("", SIGHUP));
    }
}
