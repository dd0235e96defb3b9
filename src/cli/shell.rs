//! `swimlab completions` and `swimlab man`: files for shells and for `man`, generated from the command line's
//! definition.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{CommandLine, Failed, print, program};

#[derive(clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

#[derive(clap::Args)]
pub(super) struct ManArgs {
    /// The folder for the pages; created if it does not exist.
    dir: PathBuf,
}

/// Prints the completion script of a shell.
pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failed> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut CommandLine::command(), program(), &mut script);
    print(String::from_utf8_lossy(&script)).map(|()| ExitCode::SUCCESS)
}

/// Writes a manual page for the program and for each of its subcommands.
pub(super) fn man(args: &ManArgs) -> Result<ExitCode, Failed> {
    let written =
        fs::create_dir_all(&args.dir).and_then(|()| clap_mangen::generate_to(CommandLine::command(), &args.dir));
    written.map_err(|error| Failed { code: 1, message: format!("cannot write to {}: {error}", args.dir.display()) })?;
    Ok(ExitCode::SUCCESS)
}
