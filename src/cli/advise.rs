//! `swimlab advise`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::output::report;
use super::run::{INTERRUPTED, bar};
use super::{Failed, output, print, signals, terminal};
use crate::advise::{
    Meets, NoAdvice, QUESTION_KEYS, Question, QuestionText, SearchProgress, advise as ask, required_flags,
};
use crate::experiment::{Lab, TomlSource};

/// The exit code if no detector meets the targets.
const IMPOSSIBLE: u8 = 3;

#[derive(clap::Args)]
pub(super) struct AdviseArgs {
    /// A question as a file: the flags below as keys, with underscores. Flags replace its values.
    file: Option<PathBuf>,
    /// Number of members.
    #[arg(long, value_name = "N")]
    members: Option<String>,
    /// The network: a label of `swimlab list topologies`, or a CSV file of round trips, NAME.csv; NAME-places.csv beside
    /// it has its places, else each site is a region.
    #[arg(long, value_name = "LABEL")]
    topology: Option<String>,
    /// Time within which 19 of 20 crashes are to be declared, as 10s.
    #[arg(long, value_name = "TIME")]
    declare_within: Option<String>,
    /// The most live members that may be declared dead in the whole group, as 1/month.
    #[arg(long, value_name = "RATE")]
    false_deaths: Option<String>,
    /// The probability that the network loses a packet [default: 1%].
    #[arg(long, value_name = "SHARE")]
    loss: Option<String>,
    /// The most bytes that a member sends, as the mean of all, as 2kB/s [default: no limit].
    #[arg(long, value_name = "RATE")]
    bytes: Option<String>,
    /// The largest share of bytes that leaves its region, as 20% [default: no limit].
    #[arg(long, value_name = "SHARE")]
    cross_region: Option<String>,
    /// Whether members' clocks agree: ntp or none [default: ntp].
    #[arg(long, value_name = "ntp|none")]
    clocks: Option<String>,
    /// The profile that runs today, as `swimlab list profiles` names it: it is measured as well.
    #[arg(long, value_name = "LABEL")]
    have: Option<String>,
    /// The simulated work: about the time that it takes on two cores [default: 5min].
    #[arg(long, value_name = "TIME")]
    budget: Option<String>,
    /// The seed of all random numbers [default: 1].
    #[arg(long, value_name = "N")]
    seed: Option<String>,
    /// Write the files into this folder [default: advice].
    #[arg(long, value_name = "DIR", default_value = "advice")]
    out: PathBuf,
    /// No progress and no notes; errors only.
    #[arg(long, short)]
    quiet: bool,
}

impl AdviseArgs {
    /// The values of the flags, by key.
    fn flags(&self) -> [(&'static str, &Option<String>); 11] {
        [
            ("members", &self.members),
            ("topology", &self.topology),
            ("declare_within", &self.declare_within),
            ("false_deaths", &self.false_deaths),
            ("loss", &self.loss),
            ("bytes", &self.bytes),
            ("cross_region", &self.cross_region),
            ("clocks", &self.clocks),
            ("have", &self.have),
            ("budget", &self.budget),
            ("seed", &self.seed),
        ]
    }
}

pub(super) fn advise(args: &AdviseArgs, lab: &Lab) -> Result<ExitCode, Failed> {
    let question = question(args, lab)?;
    let say = |line: &str| {
        if !args.quiet {
            report(line);
        }
    };
    let progress_bar = if args.quiet { ProgressBar::hidden() } else { bar() };
    let style = ProgressStyle::with_template("{bar:30} {pos:>3} %, {msg}").expect("a valid template");
    progress_bar.set_style(style);
    progress_bar.set_length(100);
    let stop = stop_on_signals(progress_bar.clone());
    let phase = Mutex::new(String::new());
    let progress = |progress: SearchProgress<'_>| {
        let SearchProgress { done, all, phase: now, best, .. } = progress;
        // A budget that was too small, or splitting, may take more.
        progress_bar.set_position((100.0 * done / all).min(100.0) as u64);
        let mut last = phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *last != now {
            now.clone_into(&mut last);
            let best = if best.is_empty() { String::new() } else { format!("; best so far: {best}") };
            progress_bar.suspend(|| say(&format!("trying {now}{best}")));
        }
        progress_bar.set_message(if best.is_empty() { now.to_owned() } else { format!("best so far: {best}") });
    };
    let answer = ask(&question, lab, &stop, &progress);
    progress_bar.finish_and_clear();
    let advice = match answer {
        Ok(advice) => advice,
        Err(NoAdvice::Impossible(impossible)) => {
            return Err(Failed { code: IMPOSSIBLE, message: impossible.to_string() });
        }
        Err(NoAdvice::Stopped) => {
            return Err(Failed { code: INTERRUPTED, message: "stopped before anything was found".to_owned() });
        }
        Err(NoAdvice::Error(error)) => return Err(error.into()),
    };
    let files = advice.write(&args.out)?;
    // All is saved: from now on, one signal is enough to end.
    stop.store(true, Ordering::Relaxed);
    let (width, _) = terminal();
    print(advice.render(width))?;
    say(&format!("wrote to {}: {}", args.out.display(), files.join(", ")));
    if advice.is_unfinished {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(match advice.recommended().figures.verdict() {
        Meets::No => ExitCode::from(IMPOSSIBLE),
        _ => ExitCode::SUCCESS,
    })
}

/// The question of file and flags, or of answers on the terminal if there is neither.
fn question(args: &AdviseArgs, lab: &Lab) -> Result<Question, Failed> {
    let (mut text, dir) = match &args.file {
        Some(path) => {
            let source = TomlSource::read(path)?;
            (QuestionText::of_file(&source)?, source.dir)
        }
        None => (QuestionText::default(), PathBuf::new()),
    };
    for (key, value) in args.flags() {
        if let Some(value) = value {
            text.set_flag(key, value.as_str());
        }
    }
    if text.is_empty() {
        if !io::stdin().is_terminal() {
            let message = format!(
                "there is no question: give {}, or a file with them, or run this on a terminal, which asks for them",
                required_flags().join(", ")
            );
            return Err(Failed { code: 2, message });
        }
        text = interview(lab)?;
    }
    // A path on the command line starts in the current directory, one in a file in that of the file.
    let dir = if args.topology.is_some() { Path::new("") } else { &dir };
    Ok(text.parse(dir, lab)?)
}

/// Asks for each part of a question.
fn interview(lab: &Lab) -> Result<QuestionText, Failed> {
    let lost = |error: io::Error| Failed { code: 1, message: format!("cannot read the answer: {error}") };
    let mut text = QuestionText::default();
    for key in QUESTION_KEYS {
        let without = match key.default {
            None => String::new(),
            Some("") => ", or nothing".to_owned(),
            Some(default) => format!(", or nothing for {default}"),
        };
        loop {
            eprint!("{} For example {}{without}.\n{}: ", key.about, key.example, key.name.replace('_', " "));
            io::stderr().flush().map_err(lost)?;
            let mut answer = String::new();
            if io::stdin().read_line(&mut answer).map_err(lost)? == 0 {
                let message = format!("the answers ended before {}", key.name.replace('_', " "));
                return Err(Failed { code: 2, message });
            }
            let answer = answer.trim();
            if answer.is_empty() && key.default.is_some() {
                break;
            }
            let mut longer = text.clone();
            longer.set_flag(key.name, answer);
            match longer.check(lab) {
                Ok(()) => {
                    text = longer;
                    break;
                }
                Err(bad) => report(&bad.to_string()),
            }
            output::flush();
        }
    }
    Ok(text)
}

/// The first signal that asks for the end stops the search after the trials under way; the second one ends the program.
fn stop_on_signals(progress_bar: ProgressBar) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    signals::on_end(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        progress_bar.suspend(|| report("stopping after the trials that are under way; again to stop at once"));
    });
    stop
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AdviseArgs,
    }

    #[test]
    fn each_part_of_a_question_has_its_flag() {
        for key in QUESTION_KEYS {
            let flag = format!("--{}", key.name.replace('_', "-"));
            let args = Line::parse_from(["advise", &flag, key.example]).args;
            let given: Vec<_> = args.flags().into_iter().filter(|(_, value)| value.is_some()).collect();
            assert_eq!(given.len(), 1, "{flag}");
            assert_eq!(given[0].0, key.name);
        }
    }
}
