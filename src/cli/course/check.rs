//! `swimlab course check`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use swimlab_selectors::parse_seconds;

use super::build::{BuildFlags, Built, build};
use super::list::named;
use super::program::{Ended, Task, run};
use super::refuse;
use super::score::Scores;
use crate::cli::{Failed, output, print, signals, terminal};
use crate::course::challenges::{
    Challenge, JudgeOptions, Judgment, LawsOutcome, Outcome, RESPONSE, Request, Response, judge, shipped,
};
use crate::experiment::{Lab, TomlSource};

/// The exit code of a program that was interrupted: 128 and the number of the signal.
const INTERRUPTED: u8 = 130;

/// The time for the laws and for each challenge without `--time-limit`.
pub(in crate::cli) const TIME_LIMIT: Duration = Duration::from_secs(120);

#[derive(clap::Args)]
pub(super) struct CheckArgs {
    /// A Rust file, or the folder of a crate, with `pub fn selector() -> DynSelector`.
    #[arg(value_name = "FILE|CRATE", required_unless_present = "selector", conflicts_with = "selector")]
    path: Option<PathBuf>,
    /// Judge a selector that comes with swimlab instead, by its label; nothing is built.
    #[arg(long, value_name = "LABEL")]
    selector: Option<String>,
    /// Judge this challenge only, which may be given several times [default: all].
    #[arg(long, value_name = "NAME")]
    challenge: Vec<String>,
    /// Add a challenge of your own, an experiment file with [challenge]; may be given several times.
    #[arg(long, value_name = "FILE")]
    scenario: Vec<PathBuf>,
    /// Take this seed instead of those of the files.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The time that the laws, and each challenge, may take [default: 2m].
    #[arg(long, value_name = "TIME", value_parser = time)]
    time_limit: Option<Duration>,
    /// Use N threads [default: one per core]. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Print the scores for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    build: BuildFlags,
}

fn time(text: &str) -> Result<Duration, String> {
    let seconds = parse_seconds(text).filter(|seconds| (0.001..=1e6).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "must be a time from 1ms to 1e6 s, such as 30s".to_owned())
}

pub(super) fn check(args: &CheckArgs, lab: &Lab) -> Result<ExitCode, Failed> {
    let challenges = challenges(args, lab)?;
    let interrupted: Arc<AtomicBool> = Arc::default();
    let heard = Arc::clone(&interrupted);
    signals::on_end(move || heard.store(true, Ordering::Relaxed));
    let judge = Judge {
        subject: match (&args.selector, &args.path) {
            (Some(label), _) => Subject::of_label(label, &challenges, lab)?,
            (None, Some(path)) => match build(path, &args.build, &interrupted)? {
                Built::Program(program) => Subject::Program(program),
                Built::Interrupted => return Ok(ExitCode::from(INTERRUPTED)),
            },
            (None, None) => return Err(refuse("name a Rust file, a crate or a --selector")),
        },
        lab,
        seed: args.seed,
        threads: args.threads.map_or(0, usize::from),
        time_limit: args.time_limit.unwrap_or(TIME_LIMIT),
        interrupted,
    };
    let Some(scores) = judge.scores(&challenges)? else { return Ok(ExitCode::from(INTERRUPTED)) };
    let (width, color) = terminal();
    print(if args.json { scores.json() } else { scores.text(width, color) })?;
    Ok(if scores.is_met() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The challenges to judge: those of the course and of the user's files, or those of them that were asked for.
fn challenges(args: &CheckArgs, lab: &Lab) -> Result<Vec<Challenge>, Failed> {
    let mut all = shipped(lab);
    for path in &args.scenario {
        let challenge = Challenge::parse(&TomlSource::read(path)?, lab)?;
        if all.iter().any(|other| other.name == challenge.name) {
            let message = format!(
                "--scenario {}: there is another challenge {}; name = \"...\" tells them apart",
                path.display(),
                challenge.name
            );
            return Err(refuse(message));
        }
        all.push(challenge);
    }
    for wanted in &args.challenge {
        named(&all, wanted)?;
    }
    all.retain(|challenge| args.challenge.is_empty() || args.challenge.contains(&challenge.name));
    Ok(all)
}

/// The selector that is judged.
enum Subject<'a> {
    /// A selector of the lab, by its label.
    Label(&'a str),
    /// The program with a student's selector.
    Program(PathBuf),
}

impl<'a> Subject<'a> {
    /// The selector of this label, which must fit all challenges.
    fn of_label(label: &'a str, challenges: &[Challenge], lab: &Lab) -> Result<Self, Failed> {
        for challenge in challenges {
            challenge.experiment(label, lab).map_err(|bad| refuse(format!("--selector: {}", bad.message)))?;
        }
        Ok(Self::Label(label))
    }
}

/// A judge of one selector.
struct Judge<'a> {
    subject: Subject<'a>,
    lab: &'a Lab,
    seed: Option<u64>,
    threads: usize,
    time_limit: Duration,
    interrupted: Arc<AtomicBool>,
}

/// The end of a request to a program.
enum Answer {
    Response(Response),
    TimedOut,
    Died(String),
}

impl Judge<'_> {
    /// The scores in all challenges; `None` if the command was asked to end.
    fn scores(&self, challenges: &[Challenge]) -> Result<Option<Scores>, Failed> {
        let Some((selector, laws)) = self.laws()? else { return Ok(None) };
        let mut judgments = Vec::new();
        for (n, challenge) in (1..).zip(challenges) {
            if !laws.is_fine() {
                judgments.push(challenge.judgment(Outcome::NotJudged));
                continue;
            }
            output::report(&format!("judging {} ({n} of {})", challenge.name, challenges.len()));
            let judged = match &self.subject {
                Subject::Label(label) => self.judge_here(label, challenge)?,
                Subject::Program(program) => self.judge_there(program, challenge)?,
            };
            match judged {
                Some(judgment) => judgments.push(judgment),
                None => return Ok(None),
            }
        }
        Ok(Some(Scores { selector, laws, challenges: judgments, time_limit_s: self.time_limit.as_secs_f64() }))
    }

    /// The selector's label, and whether it keeps the laws.
    fn laws(&self) -> Result<Option<(String, LawsOutcome)>, Failed> {
        let program = match &self.subject {
            Subject::Label(label) => return Ok(Some(((*label).to_owned(), LawsOutcome::NotChecked))),
            Subject::Program(program) => program,
        };
        output::report("checking the laws");
        let unnamed = |outcome| Some(("your selector".to_owned(), outcome));
        Ok(match self.ask(program, &Request::Laws)? {
            None => None,
            Some(Answer::Response(Response::Laws { selector, outcome })) if !selector.is_empty() => {
                Some((selector, outcome))
            }
            Some(Answer::Response(Response::Laws { outcome, .. })) => unnamed(outcome),
            Some(Answer::Response(other)) => return Err(unexpected(&other)),
            Some(Answer::TimedOut) => unnamed(LawsOutcome::TimedOut),
            Some(Answer::Died(how)) => unnamed(LawsOutcome::Died { how }),
        })
    }

    /// Judges a program's selector.
    fn judge_there(&self, program: &PathBuf, challenge: &Challenge) -> Result<Option<Judgment>, Failed> {
        let request = Request::judge(&challenge.source, self.seed, self.threads);
        Ok(match self.ask(program, &request)? {
            None => None,
            Some(Answer::Response(Response::Judged(judgment))) => Some(judgment),
            Some(Answer::Response(other)) => return Err(unexpected(&other)),
            Some(Answer::TimedOut) => Some(challenge.judgment(Outcome::TimedOut)),
            Some(Answer::Died(how)) => Some(challenge.judgment(Outcome::Died { how })),
        })
    }

    /// Sends a request to a new process of the program. Lines that are not its response are the selector's own; they go to
    /// standard error.
    fn ask(&self, program: &PathBuf, request: &Request) -> Result<Option<Answer>, Failed> {
        let input = serde_json::to_string(request).expect("plain data becomes JSON");
        let task = Task { input, limit: Some(self.time_limit), interrupted: &self.interrupted };
        let mut response = None;
        let ended = run(&mut Command::new(program), task, |line| match line.strip_prefix(RESPONSE) {
            Some(json) => response = Some(serde_json::from_str(json)),
            None if line.is_empty() => {}
            None => output::report(&line),
        });
        let ended = ended.map_err(|error| refuse(format!("{}: cannot be started: {error}", program.display())))?;
        Ok(match (ended, response) {
            (Ended::Interrupted, _) => None,
            (Ended::TimedOut, _) => Some(Answer::TimedOut),
            (Ended::Exited(_), Some(Ok(response))) => Some(Answer::Response(response)),
            (Ended::Exited(_), Some(Err(error))) => {
                let why = "the swimlab that the selector is built with is another version than this program";
                return Err(refuse(format!("{why}: {error}")));
            }
            (Ended::Exited(status), None) => Some(Answer::Died(status.to_string())),
        })
    }

    /// Judges a selector of the lab in this process. When its time is over, no further trial is started.
    fn judge_here(&self, label: &str, challenge: &Challenge) -> Result<Option<Judgment>, Failed> {
        let mut options = JudgeOptions::default();
        (options.seed, options.threads) = (self.seed, self.threads);
        let (stop, begun) = (Arc::clone(&options.stop), Instant::now());
        let judged = thread::scope(|scope| {
            let (done, is_done) = channel::<()>();
            scope.spawn(move || {
                while is_done.recv_timeout(Duration::from_millis(20)) == Err(RecvTimeoutError::Timeout) {
                    if self.interrupted.load(Ordering::Relaxed) || begun.elapsed() > self.time_limit {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
            let judged = judge(challenge, label, self.lab, options);
            drop(done);
            judged
        })?;
        Ok((!self.interrupted.load(Ordering::Relaxed)).then_some(judged))
    }
}

fn unexpected(response: &Response) -> Failed {
    match response {
        Response::Refused { message } => refuse(message.clone()),
        _ => refuse("the program with the selector answered another question"),
    }
}
