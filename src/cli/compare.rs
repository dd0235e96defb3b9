//! `swimlab compare`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{ComparisonFormat, Failed, quietly_closed, terminal};
use crate::experiment::{SavedResults, parse_share};
use crate::report::RunComparison;

#[derive(clap::Args)]
pub(super) struct CompareArgs {
    /// The results folder to compare with.
    a: PathBuf,
    /// The results folder that is compared.
    b: PathBuf,
    /// Mark no difference that is smaller than this share of A's mean.
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = parse_share)]
    smallest_effect: f64,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    format: ComparisonFormat,
}

pub(super) fn compare(args: &CompareArgs) -> Result<ExitCode, Failed> {
    let (a, b) = (SavedResults::read(&args.a)?, SavedResults::read(&args.b)?);
    let comparison = RunComparison::of(&a, &b).map_err(|message| Failed { code: 2, message })?;
    let comparison = comparison.with_smallest_effect(args.smallest_effect);
    let mut out = io::stdout().lock();
    quietly_closed(match args.format {
        ComparisonFormat::Table => {
            let (width, color) = terminal();
            write!(out, "{}", comparison.render(width, color))
        }
        ComparisonFormat::Csv => comparison.write_csv(&mut out),
        ComparisonFormat::Json => comparison.write_json(&mut out),
    })?;
    Ok(ExitCode::SUCCESS)
}
