//! `swimlab course`: challenges for selectors that students write.

mod build;
mod check;
mod crates;
mod list;
mod new;
mod program;
mod score;

use std::process::ExitCode;

#[cfg(test)]
pub(super) use check::TIME_LIMIT;
#[cfg(test)]
pub(super) use program::{LONGEST_LINE, MOST_LINES};

use super::Failed;
use crate::experiment::Lab;

#[derive(clap::Args)]
pub(super) struct CourseArgs {
    #[command(subcommand)]
    command: CourseCommand,
}

#[derive(clap::Subcommand)]
enum CourseCommand {
    /// Make a crate with a selector to start from.
    ///
    /// The folder gets a selector that keeps the laws, a test of that, and a README that says what to do next.
    New(new::NewArgs),
    /// Judge a selector: the laws, then challenges with bars to beat.
    ///
    /// The selector is a Rust file or a crate with `pub fn selector() -> DynSelector`. Cargo builds it, and a table tells for
    /// each bar what was measured and whether it is met, with a hint if not. docs/course/challenges.md explains it.
    ///
    /// Exit codes: 0 if all bars are met, 1 if some are missed or a law is broken, 2 if nothing can be judged, 130 after
    /// Ctrl-C.
    Check(check::CheckArgs),
    /// List the challenges, or print one as a file to start from.
    List(list::ListArgs),
}

pub(super) fn course(args: CourseArgs, lab: &Lab) -> Result<ExitCode, Failed> {
    match args.command {
        CourseCommand::New(args) => new::new(&args),
        CourseCommand::Check(args) => check::check(&args, lab),
        CourseCommand::List(args) => list::list(&args, lab),
    }
}

/// An error in what the user gave.
fn refuse(message: impl Into<String>) -> Failed {
    Failed { code: 2, message: message.into() }
}
