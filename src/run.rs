//! From a job to an exit status: the only place that calls all stages.
//!
//! ```text
//! look ──▶ read ──▶ judge ──▶ remedy (+proof) ──▶ report | act
//! ```

mod check;
mod host;
mod host_ports;
mod inspection;
mod lock;
mod parallel;
mod ports;
mod progress;
mod prospect;
mod snapshot;
mod started;
mod survey;
mod trace;
mod watch;
mod world;

use crate::act::output;
use crate::cli::job::{Color, Explain, Job, Task};
use crate::cli::{self, complete};
use crate::error::Error;
use crate::judge::rules;
use crate::model::nearest::nearest;
use crate::report::page;
use crate::report::style::{Choice, Style};
use crate::report::visible::visible;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// How a run ended. Its number is the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// Nothing at or above the level that matters.
    Clean = 0,
    /// Something at or above it.
    Found = 1,
    /// Something could not be read or written: what was not seen may be open.
    Blind = 2,
}

/// Does the job. What goes wrong is said on stderr.
pub fn run(job: &Job) -> ExitCode {
    let done = match &job.task {
        Task::Rules(job) => lock::rules(job),
        Task::Unlock(job) => lock::unlock(job),
        Task::Lock(job) => return status(lock::lock(job)),
        Task::Status(job) => return status(lock::status(job)),
        Task::Ports(job) => ports::ports(job),
        Task::HostPorts(job) => host_ports::ports(job),
        Task::Check(job) => check::check(job),
        Task::Trace(job) => trace::run(job),
        Task::Snapshot(job) => snapshot::run(job),
        Task::Explain(job) => explain(job),
        Task::Completion(shell) => print(&cli::completion_script(*shell)),
        Task::Complete(words) => complete(words),
        Task::Metadata => print(cli::METADATA.as_bytes()),
    };
    status(done.map(|verdict| verdict as u8))
}

fn status(done: Result<u8, Error>) -> ExitCode {
    let status = done.unwrap_or_else(|error| {
        complain(&error);
        Verdict::Blind as u8
    });
    ExitCode::from(status)
}

/// Prints a rule's page, or the list of the rules.
fn explain(job: &Explain) -> Result<Verdict, Error> {
    let style = style(job.color, false);
    let Some(name) = &job.rule else { return print(page::list(rules::TABLE, &style).as_bytes()) };
    let rule = rules::find(name).ok_or_else(|| {
        let nearest = nearest(name, rules::TABLE.iter().map(|rule| rule.name));
        Error::NoSuchRule { name: name.clone(), nearest }
    })?;
    print(page::render(rule.page, &style).as_bytes())
}

/// Answers the docker client's completion.
fn complete(words: &[OsString]) -> Result<Verdict, Error> {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let rules: Vec<_> = rules::TABLE.iter().map(|rule| (rule.name, rule.summary)).collect();
    print(complete::answer(&cli::command(true), &words, &rules).as_bytes())
}

/// How text on stdout is to look.
fn style(when: Color, quiet: bool) -> Style {
    let choice = match when {
        Color::Auto => Choice::Auto,
        Color::Always => Choice::Always,
        Color::Never => Choice::Never,
    };
    let is_terminal = io::stdout().is_terminal();
    let colour = crate::report::style::decide(choice, |name| std::env::var(name).ok(), is_terminal);
    let width = terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0));
    Style { colour, is_terminal, width, quiet }
}

/// How text is to look in a file, or, where none is named, on stdout.
fn style_for(when: Color, quiet: bool, file: Option<&Path>) -> Style {
    let style = style(when, quiet);
    if file.is_none() {
        return style;
    }
    Style { colour: style.colour && when == Color::Always, is_terminal: false, ..style }
}

/// Prints a text on stdout.
fn print(text: &[u8]) -> Result<Verdict, Error> {
    print_with(&|out| out.write_all(text))
}

/// Prints what `text` writes on stdout. A reader that has gone away (`| head`) has seen what it wanted.
fn print_with(text: output::Text) -> Result<Verdict, Error> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match text(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Print(error)),
        _ => Ok(Verdict::Clean),
    }
}

/// Prints to a file where one is named, and on stdout otherwise.
fn publish(file: Option<&Path>, text: output::Text) -> Result<(), Error> {
    match file {
        Some(path) => put(path, text),
        None => print_with(text).map(drop),
    }
}

fn put(path: &Path, text: output::Text) -> Result<(), Error> {
    output::put(path, text).map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Says what went wrong, and what to do about it.
fn complain(error: &Error) {
    let mut stderr = io::stderr().lock();
    let _ = writeln!(stderr, "error: {}", visible(&error.to_string()));
    if let Some(hint) = error.hint() {
        let _ = writeln!(stderr, "hint: {}", visible(&hint));
    }
}
