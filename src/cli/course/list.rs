//! `swimlab course list`.

use std::fmt::Write;
use std::process::ExitCode;

use serde::Serialize;
use swimlab_selectors::{did_you_mean, nearest_names};

use super::refuse;
use super::score::bar_text;
use crate::cli::{Failed, print};
use crate::course::challenges::{Challenge, shipped};
use crate::experiment::Lab;

#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// The challenge to print as an experiment file, such as a teacher may change and give to `check --scenario`.
    name: Option<String>,
    /// Print a list for programs.
    #[arg(long, conflicts_with = "name")]
    json: bool,
}

/// A challenge as programs read it.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    title: &'a str,
    hint: &'a str,
    bars: Vec<String>,
    selectors: &'a [String],
    trials: u32,
}

pub(super) fn list(args: &ListArgs, lab: &Lab) -> Result<ExitCode, Failed> {
    let challenges = shipped(lab);
    let text = match &args.name {
        Some(name) => named(&challenges, name)?.source.text.clone(),
        None if args.json => {
            let listed: Vec<Listed<'_>> = challenges.iter().map(listed).collect();
            serde_json::to_string_pretty(&listed).expect("texts become JSON") + "\n"
        }
        None => table(&challenges),
    };
    print(text)?;
    Ok(ExitCode::SUCCESS)
}

/// The challenge of this name.
///
/// # Errors
/// Names the nearest ones.
pub(super) fn named<'a>(challenges: &'a [Challenge], name: &str) -> Result<&'a Challenge, Failed> {
    challenges.iter().find(|challenge| challenge.name == name).ok_or_else(|| {
        let near = nearest_names(name, challenges.iter().map(|challenge| challenge.name.as_str()));
        refuse(format!("unknown challenge \"{name}\"{}", did_you_mean(&near)))
    })
}

fn listed(challenge: &Challenge) -> Listed<'_> {
    Listed {
        name: &challenge.name,
        title: &challenge.goal.title,
        hint: &challenge.goal.hint,
        bars: challenge.goal.bars.iter().map(bar_text).collect(),
        selectors: &challenge.selectors,
        trials: challenge.trials,
    }
}

fn table(challenges: &[Challenge]) -> String {
    let width = challenges.iter().map(|challenge| challenge.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for challenge in challenges {
        let _ = writeln!(text, "{:width$}  {}", challenge.name, challenge.goal.title);
        for bar in &challenge.goal.bars {
            let _ = writeln!(text, "{:width$}    {}", "", bar_text(bar));
        }
    }
    text
}
