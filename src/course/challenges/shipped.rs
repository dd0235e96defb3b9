//! The challenges of the course.
//!
//! A challenge is a file of `docs/course/challenges/`, with one line here.

use super::challenge::Challenge;
use crate::experiment::{Lab, TomlSource};

/// Declares [`TEXTS`] from the names of files.
macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        /// Names and texts of all challenges, in the order of the list.
        const TEXTS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../docs/course/challenges/", $name, ".toml")))),*];
    };
}

texts! {
    "first-ping",
    "loss",
    "slow-member",
    "one-way",
    "churn",
    "outage",
    "regions",
}

/// The names and texts of all challenges of the course.
pub fn shipped_texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXTS.iter().copied()
}

/// All challenges of the course.
///
/// ```
/// use swimlab::course::challenges::shipped;
/// use swimlab::experiment::Lab;
///
/// for challenge in shipped(&Lab::default()) {
///     println!("{}: {}", challenge.name, challenge.goal.title);
/// }
/// ```
///
/// # Panics
/// If `lab` lacks a built-in part that a challenge names.
pub fn shipped(lab: &Lab) -> Vec<Challenge> {
    let parse = |(name, text)| {
        let source = TomlSource::text(format!("{name}.toml"), text);
        Challenge::parse(&source, lab).unwrap_or_else(|bad| panic!("{bad}"))
    };
    shipped_texts().map(parse).collect()
}
