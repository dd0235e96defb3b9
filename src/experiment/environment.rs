//! The keys for the start and the running conditions of members, apart from protocol, topology and faults.
//!
//! A key is declared once, in `environment!` below, with its documentation, name, type and values. The macro makes its
//! field in [`Environment`], its default and its parser from that. A list of values is multiplied and becomes a column
//! of that name in the results.

use swimlab_selectors::{did_you_mean, nearest_names};

use super::error::BadInput;
use super::limits::LONGEST_S;
use super::toml_source::{TomlTable, TomlValue, distinct};
use crate::protocol::Span;
use crate::sim::{NetworkDraws, Phases, Start};

/// A key of the experiment file that sets a part of the environment.
struct Key {
    name: &'static str,
    values: Values,
}

/// A word, and the assignment that it stands for.
type Word = (&'static str, fn(&mut Environment));

/// The values that a key can have.
enum Values {
    /// One of a few words, the default first.
    Words(&'static [Word]),
    /// A length of time up to [`LONGEST_S`]; zero by default.
    Time(fn(&mut Environment, Span)),
}

/// Declares [`Environment`], its default, and [`KEYS`]. The values of a key are `time`, or words with what each stands
/// for, the default first.
macro_rules! environment {
    (@values $name:ident time) => {
        Values::Time(|environment, time| environment.$name = time)
    };
    (@values $name:ident [$($word:literal = $value:expr),*]) => {
        Values::Words(&[$(($word, |environment| environment.$name = $value)),*])
    };
    (@default time) => {
        Span::ZERO
    };
    (@default [$word:literal = $default:expr $(, $($others:tt)*)?]) => {
        $default
    };
    ($($(#[$doc:meta])* $name:ident: $kind:ty = $values:tt;)*) => {
        /// Start and running conditions of the members of a cell.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct Environment {
            $($(#[$doc])* pub $name: $kind,)*
        }

        impl Default for Environment {
            fn default() -> Self {
                Self { $($name: environment!(@default $values)),* }
            }
        }

        /// All keys; the last one varies fastest.
        const KEYS: &[Key] = &[$(Key { name: stringify!($name), values: environment!(@values $name $values) }),*];
    };
}

environment! {
    /// Whether all members know each other from the start, or join through seeds.
    start: Start = ["joined" = Start::Joined, "joining" = Start::Joining];
    /// Whether the members' periods begin at random points or together.
    phases: Phases = ["random" = Phases::Random, "synchronous" = Phases::Synchronous];
    /// The maximum error of a member's clock, to either side.
    clock_skew: Span = time;
    /// Whether the network draws delay and loss of packets from a random stream of each sender, or for each packet by
    /// itself, so that two cells delay and lose the datagrams that both send alike.
    network_draws: NetworkDraws = ["sender" = NetworkDraws::BySender, "packet" = NetworkDraws::ByPacket];
}

/// The names of all keys.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|key| key.name)
}

/// The values that a file gives to each key.
pub(super) struct EnvironmentLists(Vec<(&'static str, Vec<Choice>)>);

/// One value of a key.
#[derive(Clone, Copy, PartialEq)]
enum Choice {
    /// The index of a word of [`Values::Words`].
    Word(usize),
    Time(Span),
}

impl EnvironmentLists {
    /// Takes the keys from a file; a key that is not given has its default.
    pub(super) fn take(file: &mut TomlTable<'_>) -> Result<Self, BadInput> {
        let choices = |key: &Key| -> Result<Vec<Choice>, BadInput> {
            match file.list(key.name)? {
                Some(values) => distinct(values, |value| key.read(value)),
                None => Ok(vec![key.default()]),
            }
        };
        let choices: Vec<Vec<Choice>> = KEYS.iter().map(choices).collect::<Result<_, _>>()?;
        Ok(Self(names().zip(choices).collect()))
    }

    /// The number of values of each key.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(_, choices)| choices.len())
    }

    /// Each key with its values as a file writes them.
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

    fn read(&self, value: &TomlValue<'_>) -> Result<Choice, BadInput> {
        let Values::Words(words) = self.values else { return value.span(0.0, LONGEST_S).map(Choice::Time) };
        let text = value.text()?;
        words.iter().position(|(word, _)| *word == text).map(Choice::Word).ok_or_else(|| {
            let near = did_you_mean(&nearest_names(text, words.iter().map(|(word, _)| *word)));
            value.error(format!("{} cannot be \"{text}\"{near}", self.name))
        })
    }

    fn apply(&self, choice: Choice, environment: &mut Environment) {
        match (&self.values, choice) {
            (Values::Words(words), Choice::Word(index)) => words[index].1(environment),
            (Values::Time(set), Choice::Time(time)) => set(environment, time),
            _ => unreachable!("a choice is of its key's kind"),
        }
    }

    /// The value as a file writes it.
    fn word(&self, choice: Choice) -> String {
        match (&self.values, choice) {
            (Values::Words(words), Choice::Word(index)) => words[index].0.to_owned(),
            (_, Choice::Time(time)) => time.to_string(),
            _ => unreachable!("a choice is of its key's kind"),
        }
    }
}
