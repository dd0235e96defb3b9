//! Challenges: experiments with bars that a selector is to reach, and the judge of selectors.
//!
//! A [`Challenge`] is an experiment file with a table `[challenge]`, whose keys `docs/experiments.md` describes. [`shipped`]
//! are those of the course; teachers write more. [`judge`] runs the trials of one with a selector and compares the results
//! with the bars:
//!
//! ```
//! use swimlab::course::challenges::{Challenge, JudgeOptions, Outcome, judge};
//! use swimlab::experiment::{Lab, TomlSource};
//!
//! let file = "
//!     topology = 'lan'
//!     selector = ['uniform', 'auto']
//!     members = 12
//!     trials = 8
//!     warmup = '2s'
//!     duration = '20s'
//!     fault = [{ kind = 'crash' }]
//!
//!     [challenge]
//!     title = 'A quick first ping'
//!     hint = 'Think of how many members ping one in the same period.'
//!     bar = { measure = 'first_ping_s', at_most = '2 T' }
//! ";
//! let challenge = Challenge::parse(&TomlSource::text("quick.toml", file), &Lab::default())?;
//! let judgment = judge(&challenge, "auto", &Lab::default(), JudgeOptions::default())?;
//! assert!(matches!(judgment.outcome, Outcome::Judged { .. }));
//! println!("{}: {}", judgment.title, judgment.is_met());
//! # Ok::<(), swimlab::experiment::Error>(())
//! ```
//!
//! With the feature `judge`, `main` is the body of a program that judges the selector it is given. `swimlab course check`
//! builds such a program around a student's selector, and talks to it by a [`Request`] and a [`Response`]: a selector that
//! loops or ends its process takes nothing else with it.

mod challenge;
mod judge;
mod judgment;
mod messages;
#[cfg(feature = "judge")]
mod program;
mod shipped;

pub use challenge::Challenge;
pub use judge::{JudgeOptions, judge};
pub use judgment::{BarScore, Judgment, LawsOutcome, LimitUnit, Outcome};
pub use messages::{RESPONSE, Request, Response};
#[cfg(feature = "judge")]
pub use program::main;
pub use shipped::{shipped, shipped_texts};
