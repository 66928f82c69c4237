//! Hears who asks this process to end: signals, and the docker client that started it.
//!
//! In: nothing. Out: what was asked, in order, for whoever asks for it. The client's word is its end of a socket: it closes that when it is
//! itself told to end and its output is no terminal, and sends no signal (docker/cli `cli-plugins/socket`). A signal that was ignored when
//! we were started stays ignored, as nohup(1) means it. Not here: what is done about it.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

#[cfg(unix)]
mod unix;

/// What the docker client calls its socket in our environment.
pub const SOCKET: &str = "DOCKER_CLI_PLUGIN_SOCKET";

/// Somebody asks us to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By a signal.
    Signal {
        /// Its number.
        number: i32,
        /// True if the kernel sent it, as it does for keys of the terminal: to each process that runs in the foreground there.
        is_of_the_terminal: bool,
    },
    /// By the docker client, which closed its socket.
    Client,
}

impl Asked {
    /// False for the two signals that a program gives its own meaning to.
    pub(super) fn is_to_end(self) -> bool {
        #[cfg(unix)]
        if let Self::Signal { number, .. } = self {
            return ![signal_hook::consts::SIGUSR1, signal_hook::consts::SIGUSR2].contains(&number);
        }
        true
    }

    /// The exit status of a program that ended for it, as a shell gives it.
    pub fn status(self) -> u8 {
        match self {
            Self::Signal { number, .. } => u8::try_from(128 + number).unwrap_or(u8::MAX),
            // As for SIGTERM.
            Self::Client => 143,
        }
    }
}

/// What arrives on the channel.
pub(super) enum Heard {
    /// See [`Asked`].
    Asked(Asked),
    /// The command that runs in our place has ended, and waits to be asked how.
    CommandEnded,
}

/// Those who ask, from now to the end of the process.
pub struct Endings {
    /// For the wait for a command.
    pub(super) sender: Sender<Heard>,
    heard: Receiver<Heard>,
}

impl Endings {
    /// Listens, to SIGHUP, SIGINT, SIGQUIT and SIGTERM and to the client, instead of ending at once. SIGUSR1 and SIGUSR2 are heard for a
    /// command's sake. Once in a process.
    ///
    /// # Errors
    /// The signals cannot be listened to. A client that does not answer is gone, or no client: that is none.
    pub fn listen() -> io::Result<Self> {
        let (sender, heard) = mpsc::channel();
        #[cfg(unix)]
        {
            unix::hear_signals(sender.clone())?;
            unix::hear_client(std::env::var_os(SOCKET), sender.clone());
        }
        Ok(Self { sender, heard })
    }

    /// Nobody is heard: for tests of a process that has signals of its own.
    #[cfg(test)]
    pub(super) fn deaf() -> Self {
        let (sender, heard) = mpsc::channel();
        Self { sender, heard }
    }

    /// The next one who asks us to end, within so long.
    pub fn next(&self, patience: Duration) -> Option<Asked> {
        let end = Instant::now() + patience;
        loop {
            match self.hear(Some(end.saturating_duration_since(Instant::now()))) {
                Some(Heard::Asked(asked)) if asked.is_to_end() => return Some(asked),
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// What is heard within so long, or ever.
    pub(super) fn hear(&self, patience: Option<Duration>) -> Option<Heard> {
        match patience {
            Some(patience) => self.heard.recv_timeout(patience).ok(),
            // The channel has a sender here, and so does not close.
            None => self.heard.recv().ok(),
        }
    }
}
