//! The program with a student's selector: answers one request of `swimlab course check`.

use std::any::Any;
use std::io::Read;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use swimlab_selectors::DynSelector;
use swimlab_selectors::laws::Laws;

use super::challenge::Challenge;
use super::judge::{JudgeOptions, judge};
use super::judgment::{Judgment, LawsOutcome, Outcome};
use super::messages::{RESPONSE, Request, Response};
use crate::experiment::{Lab, TomlSource};

/// The name under which the selector is registered. The label that it gives itself may be that of a built-in one.
const NAME: &str = "yours";

/// The first panic of the selector: message and place.
static FIRST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Reads a [`Request`] from standard input, checks or judges the selector that `make` returns, and writes the [`Response`]
/// to standard output.
///
/// It is the body of `main` in the program that `swimlab course check` builds. The exit code is 0 whatever the judgment
/// is, and 2 if the request is invalid.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use swimlab_selectors::{DynSelector, Shuffle};
///
/// fn selector() -> DynSelector {
///     DynSelector::new("mine", Shuffle)
/// }
///
/// fn main() -> ExitCode {
///     swimlab::course::challenges::main(selector)
/// }
/// ```
pub fn main(make: fn() -> DynSelector) -> ExitCode {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        // The same one may come from a thousand trials.
        lock().get_or_insert(format!("{}{place}", message(panic.payload())));
    }));
    let mut text = String::new();
    let request = std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string());
    let request = request.and_then(|_| serde_json::from_str(&text).map_err(|error| error.to_string()));
    let response = match request {
        Ok(request) => answer(request, make),
        Err(error) => Response::Refused {
            message: format!("no request of `swimlab course check`, which starts this program: {error}"),
        },
    };
    println!("\n{RESPONSE}{}", serde_json::to_string(&response).expect("plain data becomes JSON"));
    match response {
        Response::Refused { .. } => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    }
}

fn answer(request: Request, make: fn() -> DynSelector) -> Response {
    match request {
        Request::Laws => check(make),
        Request::Judge { file, text, dir, seed, threads } => {
            let mut options = JudgeOptions::default();
            (options.seed, options.threads) = (seed, threads);
            judged(&file, &text, dir, options, make)
        }
    }
}

fn check(make: fn() -> DynSelector) -> Response {
    let selector = match catch_unwind(make) {
        Ok(selector) => selector.label().to_owned(),
        Err(_) => {
            return Response::Laws {
                selector: String::new(),
                outcome: LawsOutcome::Panicked { message: first_panic() },
            };
        }
    };
    let outcome = match catch_unwind(|| Laws::default().find_violation(make)) {
        Ok(None) => LawsOutcome::Kept,
        Ok(Some(violation)) => LawsOutcome::Broken { law: violation.law.to_string(), details: violation.details },
        Err(_) => LawsOutcome::Panicked { message: first_panic() },
    };
    Response::Laws { selector, outcome }
}

fn judged(file: &str, text: &str, dir: PathBuf, options: JudgeOptions, make: fn() -> DynSelector) -> Response {
    let mut source = TomlSource::text(file, text);
    source.dir = dir;
    let mut lab = Lab::default();
    lab.selectors.register(NAME, "The selector under test.", vec![], move |_, _| Ok(make()));
    let challenge = match Challenge::parse(&source, &lab) {
        Ok(challenge) => challenge,
        Err(bad) => return Response::Refused { message: bad.to_string() },
    };
    let panicked = |failed| Outcome::Panicked { message: first_panic(), failed, trials: challenge.trials };
    match catch_unwind(AssertUnwindSafe(|| judge(&challenge, NAME, &lab, options))) {
        Ok(Ok(Judgment { outcome: Outcome::Panicked { failed, .. }, .. })) => {
            Response::Judged(challenge.judgment(panicked(failed)))
        }
        Ok(Ok(judgment)) => Response::Judged(judgment),
        Ok(Err(error)) => Response::Refused { message: error.to_string() },
        // Before the first trial: the selector is built, and its locality examined.
        Err(_) => Response::Judged(challenge.judgment(panicked(challenge.trials))),
    }
}

fn first_panic() -> String {
    lock().clone().unwrap_or_else(|| "no message".to_owned())
}

fn lock() -> std::sync::MutexGuard<'static, Option<String>> {
    FIRST_PANIC.lock().unwrap_or_else(PoisonError::into_inner)
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
