//! `swimlab compare`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{Failed, Format, quietly_closed, terminal};
use crate::experiment::SavedResults;
use crate::report::comparison::{RunComparison, render, write_csv, write_json};

#[derive(clap::Args)]
pub struct CompareArgs {
    /// The results folder to compare with.
    a: PathBuf,
    /// The results folder that is compared.
    b: PathBuf,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn compare(args: &CompareArgs) -> Result<ExitCode, Failed> {
    let (a, b) = (SavedResults::read(&args.a)?, SavedResults::read(&args.b)?);
    let both = RunComparison::of(&a, &b).map_err(|message| Failed { code: 2, message })?;
    let mut out = io::stdout().lock();
    quietly_closed(match args.format {
        Format::Table => {
            let (width, color) = terminal();
            write!(out, "{}", render(&both, width, color))
        }
        Format::Csv => write_csv(&both, &mut out),
        Format::Json => write_json(&both, &mut out),
    })?;
    Ok(ExitCode::SUCCESS)
}
