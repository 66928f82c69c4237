//! The command line to a [`Job`]. Nothing is opened, written or printed here.

pub mod arguments;
pub mod complete;
pub mod docker;
pub mod job;

use crate::model::finding::Level;
use crate::model::lock::Backend;
use arguments::{Arguments, Check, Command, FailOn, Loading, LockBackend, Ports};
use clap::{CommandFactory, FromArgMatches};
use job::{Baseline, CheckFormat, Deed, Eyes, Job, PortsFormat, ProjectFormat, Purpose, Subject, Task, Terms};
use std::ffi::OsString;

/// What the docker client asks of a plugin before each call (docker/cli `cli-plugins/metadata/metadata.go`). Clients up to 28.4
/// take no other schema version than 0.1.0.
pub const METADATA: &str = include_str!("../plugin-metadata/metadata.json");

/// Reads the arguments, the program's own name among them.
///
/// # Errors
/// A wrong argument, or a request for help or for the version: clap's error prints it, and says which exit status is due.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Job, clap::Error> {
    let line = docker::divide(arguments.into_iter().skip(1));
    if let Some(task) = asked_by_the_client(&line.ours) {
        return Ok(Job { docker: line.docker, task });
    }
    let mut command = command(line.is_plugin);
    let name = command.get_name().to_owned();
    let matches = command.try_get_matches_from_mut(std::iter::once(OsString::from(name)).chain(line.ours))?;
    let arguments = Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    let task = match arguments.command {
        None => return Err(help_of(&mut command, None)),
        Some(Command::Help { command: topic }) => return Err(help_of(&mut command, topic.as_deref())),
        Some(Command::Ports(arguments)) => ports(arguments, &line.docker, &mut command)?,
        Some(Command::Check(arguments)) => Task::Check(Box::new(check(*arguments, &line.docker, &mut command)?)),
        Some(Command::Trace(arguments)) => Task::Trace(trace(arguments, &line.docker, &mut command)?),
        Some(Command::Snapshot(snapshot)) => {
            Task::Snapshot(job::Snapshot { host: Eyes::Here(line.docker.clone()), folder: snapshot.folder })
        }
        Some(Command::Rules(rules)) => Task::Rules(job::Rules {
            eyes: rules.snapshot.map_or_else(|| Eyes::Here(line.docker.clone()), Eyes::Saved),
            wish: wish(rules.wish),
            format: rules.format,
        }),
        Some(Command::Lock(arguments)) => Task::Lock(Box::new(lock(*arguments, &line.docker))),
        Some(Command::Unlock(unlock)) => {
            Task::Unlock(job::Unlock { eyes: Eyes::Here(line.docker.clone()), persists: unlock.persist })
        }
        Some(Command::Status(status)) => {
            Task::Status(job::Status { eyes: Eyes::Here(line.docker.clone()), format: status.format })
        }
        Some(Command::Explain(explain)) => Task::Explain(job::Explain { rule: explain.rule, color: explain.look.color }),
        Some(Command::Completion(completion)) => Task::Completion(completion.shell),
    };
    Ok(Job { docker: line.docker, task })
}

/// The calls that only the docker client makes; no person reads of them in the help or in a completion.
fn asked_by_the_client(words: &[OsString]) -> Option<Task> {
    match words.split_first()? {
        (word, []) if word == "docker-cli-plugin-metadata" => Some(Task::Metadata),
        (word, words) if word == "__complete" => Some(Task::Complete(words.to_vec())),
        _ => None,
    }
}

/// Our commands and arguments. As a plugin we are `docker firewall`, standalone `docker-firewall`.
pub fn command(is_plugin: bool) -> clap::Command {
    let command = Arguments::command().version(env!("CARGO_PKG_VERSION"));
    if is_plugin { command.bin_name("docker firewall") } else { command }
}

/// The completion script of a shell, for the program under its own name.
pub fn completion_script(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(false), "docker-firewall", &mut script);
    if shell == clap_complete::Shell::Bash {
        // clap_complete 4.6 spells a name with a hyphen in two ways: set as `docker__firewall`, asked for as `docker__subcmd__firewall`.
        script = String::from_utf8_lossy(&script).replace("docker__subcmd__firewall", "docker__firewall").into_bytes();
    }
    script
}

/// The help, as the error by which clap would show it.
fn help_of(command: &mut clap::Command, topic: Option<&str>) -> clap::Error {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let words = std::iter::once(name.as_str()).chain(topic).chain(["--help"]);
    match command.try_get_matches_from_mut(words) {
        Err(error) => error,
        Ok(_) => clap::Error::new(clap::error::ErrorKind::DisplayHelp),
    }
}

/// A host's ports where one is asked for, and a project's otherwise.
fn ports(arguments: Ports, docker: &docker::Flags, command: &mut clap::Command) -> Result<Task, clap::Error> {
    let Ports { host, snapshot, format, output, look, loading: files } = arguments;
    let eyes = snapshot.map(Eyes::Saved).or_else(|| host.then(|| Eyes::Here(docker.clone())));
    if let Some(eyes) = eyes {
        return Ok(Task::HostPorts(job::HostPorts { eyes, format, output, color: look.color }));
    }
    let format = match format {
        PortsFormat::Table => ProjectFormat::Table,
        PortsFormat::Json => ProjectFormat::Json,
        PortsFormat::Prometheus => {
            let message = "`--format prometheus` is for a host: add --host or --snapshot";
            return Err(command.error(clap::error::ErrorKind::ArgumentConflict, message));
        }
    };
    Ok(Task::Ports(job::Ports { loading: loading(files), format, output, color: look.color }))
}

/// The target stands by itself or behind --to; clap has seen that it stands once.
fn trace(arguments: arguments::Trace, docker: &docker::Flags, command: &mut clap::Command) -> Result<job::Trace, clap::Error> {
    let arguments::Trace { from, interface, place, to, snapshot, format, look } = arguments;
    let eyes = snapshot.map_or_else(|| Eyes::Here(docker.clone()), Eyes::Saved);
    let none = || command.error(clap::error::ErrorKind::MissingRequiredArgument, "ADDR:PORT is missing");
    Ok(job::Trace { from, interface, to: place.or(to).ok_or_else(none)?, eyes, format, color: look.color })
}

fn lock(arguments: arguments::Lock, docker: &docker::Flags) -> job::Lock {
    let arguments::Lock { wish: own, backend, cut: cuts, lasts, dry_run, snapshot, persist: persists, standing, watch, command } =
        arguments;
    let backend = backend.map(|backend| match backend {
        LockBackend::Nftables => Backend::Nftables,
        LockBackend::DockerUser => Backend::DockerUser,
    });
    let terms = Terms { wish: wish(own), backend, lasts };
    let deed = match (standing, watch, dry_run, command.is_empty()) {
        (true, ..) => Deed::Stand,
        (_, true, ..) => Deed::Keep,
        (_, _, true, _) => Deed::Show(terms),
        (_, _, _, true) => Deed::Hold { terms, cuts, persists },
        (_, _, _, false) => Deed::Shelter { terms, cuts, command },
    };
    job::Lock { eyes: snapshot.map_or_else(|| Eyes::Here(docker.clone()), Eyes::Saved), deed }
}

fn wish(arguments: arguments::Wish) -> job::Wish {
    let arguments::Wish { allow, all, policy, loading: files } = arguments;
    job::Wish { allow, all, policy, loading: loading(files) }
}

fn check(arguments: Check, docker: &docker::Flags, command: &mut clap::Command) -> Result<job::Check, clap::Error> {
    if arguments.watch && !matches!(arguments.format, CheckFormat::Text | CheckFormat::Json) {
        let message = "`--watch` prints text or, with `--format json`, one object a line";
        return Err(command.error(clap::error::ErrorKind::ArgumentConflict, message));
    }
    let purpose = match arguments.write_baseline {
        Some(path) => Purpose::Accept(path),
        None if arguments.watch => Purpose::Watch,
        None if arguments.fix => Purpose::Fix,
        None if arguments.diff => Purpose::Diff,
        None => Purpose::Report,
    };
    // Named files are looked at alone, unless a host is asked for.
    let is_about_files = !arguments.paths.is_empty() || !arguments.loading.files.is_empty();
    let host = match arguments.snapshot {
        Some(folder) => Some(Eyes::Saved(folder)),
        None => (arguments.host || !is_about_files).then(|| Eyes::Here(docker.clone())),
    };
    let subject = if !arguments.paths.is_empty() {
        Subject::Paths(arguments.paths)
    } else if is_about_files {
        Subject::Project
    } else {
        Subject::ProjectIfAny
    };
    Ok(job::Check {
        subject,
        host,
        loading: loading(arguments.loading),
        policy: arguments.policy,
        baseline: match arguments.baseline {
            Some(path) => Baseline::At(path),
            None if arguments.no_baseline => Baseline::Nothing,
            None => Baseline::Here,
        },
        purpose,
        format: arguments.format,
        output: arguments.output,
        fail_on: match arguments.fail_on {
            FailOn::Error => Some(Level::Error),
            FailOn::Warn => Some(Level::Warn),
            FailOn::Note => Some(Level::Note),
            FailOn::Never => None,
        },
        quiet: arguments.quiet,
        color: arguments.look.color,
    })
}

fn loading(arguments: Loading) -> job::Loading {
    job::Loading {
        files: arguments.files,
        env_files: arguments.env_files,
        profiles: arguments.profiles,
        all_profiles: arguments.all_profiles,
        project_directory: arguments.project_directory,
        project_name: arguments.project_name,
    }
}
