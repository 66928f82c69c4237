//! The program: arguments to a job, the job to an exit status.

use docker_firewall::{cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(job) => run::run(&job),
        Err(error) => {
            // Where nobody reads any more, nobody is to be told.
            let _ = error.print();
            if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
        }
    }
}
