//! The keys that say how the members of a world begin and run, apart from protocol, topology and faults.
//!
//! A key is declared once, in [`KEYS`]: its name, and what each of its values does to an [`Environment`]. The first value
//! of a key with a fixed set of words is its default. A list of values is multiplied and becomes a column of that name.

use swimlab_selectors::{did_you_mean, nearest_names};

use super::error::BadInput;
use super::file::{LONGEST_S, distinct};
use super::toml_source::{Item, Table};
use crate::protocol::Span;
use crate::sim::{Phases, Start};

/// How the members of a cell begin and run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Environment {
    /// Whether all members know each other from the start.
    pub start: Start,
    /// Whether the members' periods begin at random points or together.
    pub phases: Phases,
    /// The most that a member's clock is off.
    pub clock_skew: Span,
}

impl Default for Environment {
    fn default() -> Self {
        Self { start: Start::Joined, phases: Phases::Random, clock_skew: Span::ZERO }
    }
}

/// A key of the experiment file that sets a part of the environment.
struct Key {
    name: &'static str,
    values: Values,
}

/// A word, and what it sets.
type Word = (&'static str, fn(&mut Environment));

/// The values that a key can have.
enum Values {
    /// One of a few words, the default first.
    Words(&'static [Word]),
    /// A length of time up to [`LONGEST_S`]; zero by default.
    Time(fn(&mut Environment, Span)),
}

/// All keys; the last one varies fastest.
const KEYS: [Key; 3] = [
    Key {
        name: "start",
        values: Values::Words(&[
            ("joined", |environment| environment.start = Start::Joined),
            ("joining", |environment| environment.start = Start::Joining),
        ]),
    },
    Key {
        name: "phases",
        values: Values::Words(&[
            ("random", |environment| environment.phases = Phases::Random),
            ("synchronous", |environment| environment.phases = Phases::Synchronous),
        ]),
    },
    Key { name: "clock_skew", values: Values::Time(|environment, skew| environment.clock_skew = skew) },
];

/// The names of all keys.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name)
}

/// What a file sets, for every key.
pub(super) struct Environments(Vec<(&'static str, Vec<Choice>)>);

/// A value of a key.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    /// The index of a word of [`Values::Words`].
    Word(usize),
    Time(Span),
}

impl Environments {
    /// Takes the keys from a file.
    pub(super) fn take(file: &mut Table<'_>) -> Result<Self, BadInput> {
        let choices = |key: &Key| -> Result<Vec<Choice>, BadInput> {
            match file.list(key.name)? {
                Some(items) => distinct(items, |item| key.read(item)),
                None => Ok(vec![key.default()]),
            }
        };
        let choices: Vec<Vec<Choice>> = KEYS.iter().map(choices).collect::<Result<_, _>>()?;
        Ok(Self(names().zip(choices).collect()))
    }

    /// How many values each key has.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(_, choices)| choices.len())
    }

    /// Every key with its values as a file spells them.
    pub(super) fn described(&self) -> impl Iterator<Item = (&'static str, Vec<String>)> {
        let words = |(key, (name, choices)): (&Key, &(&'static str, Vec<Choice>))| {
            (*name, choices.iter().map(|choice| key.word(*choice)).collect())
        };
        KEYS.iter().zip(&self.0).map(words)
    }

    /// All combinations, each with the names and values of the keys that are varied.
    pub(super) fn product(&self) -> Vec<(Environment, Vec<(String, String)>)> {
        let mut product = vec![(Environment::default(), Vec::new())];
        for (key, (name, choices)) in KEYS.iter().zip(&self.0) {
            let vary = |(environment, columns): (Environment, Vec<(String, String)>)| {
                choices.iter().map(move |choice| {
                    let (mut environment, mut columns) = (environment, columns.clone());
                    key.apply(*choice, &mut environment);
                    if choices.len() > 1 {
                        columns.push(((*name).to_owned(), key.word(*choice)));
                    }
                    (environment, columns)
                })
            };
            product = product.into_iter().flat_map(vary).collect();
        }
        product
    }
}

impl Key {
    fn default(&self) -> Choice {
        match self.values {
            Values::Words(_) => Choice::Word(0),
            Values::Time(_) => Choice::Time(Span::ZERO),
        }
    }

    fn read(&self, item: &Item<'_>) -> Result<Choice, BadInput> {
        let Values::Words(words) = self.values else { return item.span(0.0, LONGEST_S).map(Choice::Time) };
        let text = item.text()?;
        words.iter().position(|(word, _)| *word == text).map(Choice::Word).ok_or_else(|| {
            let near = did_you_mean(&nearest_names(text, words.iter().map(|(word, _)| *word)));
            item.complain(format!("{} cannot be \"{text}\"{near}", self.name))
        })
    }

    fn apply(&self, choice: Choice, environment: &mut Environment) {
        match (&self.values, choice) {
            (Values::Words(words), Choice::Word(index)) => words[index].1(environment),
            (Values::Time(set), Choice::Time(time)) => set(environment, time),
            _ => unreachable!("a choice is of its key's kind"),
        }
    }

    /// The value as a file spells it.
    fn word(&self, choice: Choice) -> String {
        match (&self.values, choice) {
            (Values::Words(words), Choice::Word(index)) => words[index].0.to_owned(),
            (_, Choice::Time(time)) => time.to_string(),
            _ => unreachable!("a choice is of its key's kind"),
        }
    }
}
