//! Links to single trials: an experiment, some of its cells, the number of a trial, and faults added by hand.
//!
//! A link is the fragment of a URL, `#NAME?KEY=VALUE&...` with the name of an experiment that the program has, or
//! `#~TEXT?KEY=VALUE&...` with the experiment itself: its text and the files it names as JSON, deflated, in base64url.
//! Keys are `cell` (its number from 0, in the order of the file; again for a second one), `trial`, `seed`, `duration`, and
//! `fault` (a label such as `crash:at=5s,target=3`; again for further ones). Other keys concern the page that shows the
//! trial, and are kept.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use swimlab_selectors::Spec;

use super::cell::Cell;
use super::error::BadInput;
use super::limits::{LONGEST_S, MOST_TRIALS};
use super::seed::trial_seed;
use super::{Experiment, Lab, TomlSource};
use crate::protocol::Span;
use crate::sim::{Fault, Setup, check_targets, joiners_needed};

/// A link to a trial. It determines the trial to the last bit, and what a page shows besides it.
///
/// ```
/// use swimlab::experiment::{Lab, TrialLink};
///
/// let link = TrialLink::parse("http://localhost/#ring?trial=3&fault=crash:at=2.5s,target=7&speed=0.5")?;
/// let experiment = "topology = 'ring'\nselector = 'shuffle'\nmembers = 24\nduration = '20s'";
/// let linked = link.open(&Lab::default(), |name| (name == "ring").then_some(experiment))?;
/// assert_eq!((linked.trial, linked.cells[0].faults.len()), (3, 1));
/// assert_eq!(link.to_string(), "#ring?trial=3&fault=crash:at=2.5s,target=7&speed=0.5");
/// # Ok::<(), swimlab::experiment::BadInput>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrialLink {
    /// The experiment.
    pub experiment: LinkedExperiment,
    /// The cells by their numbers in the order of the file; the first one if none is given.
    pub cells: Vec<usize>,
    /// The trial's number, from 0.
    pub trial: u32,
    /// The experiment's seed; `None` for the one in its text.
    pub seed: Option<u64>,
    /// The measured duration of the trial; `None` for the one in the experiment's text.
    pub duration: Option<Span>,
    /// Faults in addition to those of the experiment.
    pub faults: Vec<Spec>,
    /// Keys and values that the trial does not depend on.
    pub view: Vec<(String, String)>,
}

/// The experiment of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkedExperiment {
    /// One that the program has under this name.
    Named(String),
    /// One that the link holds.
    Text(LinkedText),
}

/// The text of an experiment, with the files that it names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LinkedText {
    /// The name that messages give it.
    pub name: String,
    /// The TOML.
    pub text: String,
    /// The contents of its files by their names in the text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// The trial that a link leads to: cells that are ready to run, with the faults that the link adds.
#[derive(Clone)]
#[non_exhaustive]
pub struct LinkedTrial {
    /// The experiment, as its text has it.
    pub experiment: Experiment,
    /// The cells of the link.
    pub cells: Vec<Cell>,
    /// The trial's number.
    pub trial: u32,
    /// The trial's seed.
    pub seed: u64,
}

/// The longest link, in bytes.
pub(super) const LONGEST_LINK: usize = 1 << 20;

/// The longest experiment with its files after decompression, in bytes.
pub(super) const LONGEST_TEXT: usize = 8 << 20;

/// The most cells that a link shows.
pub(super) const MOST_SHOWN: usize = 4;

/// The most faults that a link adds.
pub(super) const MOST_ADDED: usize = 1000;

/// Characters of values that stand for themselves in a link, besides letters and digits.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b':').remove(b'=').remove(b',').remove(b'.').remove(b'-').remove(b'_');

impl TrialLink {
    /// A link to the first trial of an experiment's first cell.
    pub fn new(experiment: LinkedExperiment) -> Self {
        Self {
            experiment,
            cells: Vec::new(),
            trial: 0,
            seed: None,
            duration: None,
            faults: Vec::new(),
            view: Vec::new(),
        }
    }

    /// Whether this text is a link rather than the name of a file: it has a `#`, and is a URL or begins with it.
    pub fn is_link(text: &str) -> bool {
        text.starts_with('#') || text.split_once('#').is_some_and(|(url, _)| url.contains("://"))
    }

    /// Parses a link: a URL with a fragment, or the fragment alone.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub fn parse(link: &str) -> Result<Self, BadInput> {
        if link.len() > LONGEST_LINK {
            return Err(refuse(format!("is longer than {LONGEST_LINK} bytes")));
        }
        let fragment = link.split_once('#').map_or(link, |(_, fragment)| fragment);
        let (experiment, query) = fragment.split_once('?').unwrap_or((fragment, ""));
        let mut parsed = Self::new(match experiment.strip_prefix('~') {
            Some(packed) => LinkedExperiment::Text(LinkedText::unpack(packed)?),
            None => LinkedExperiment::Named(decode(experiment)?),
        });
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            parsed.set(&decode(key)?, decode(value)?)?;
        }
        Ok(parsed)
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), BadInput> {
        let invalid = |what: &str| refuse(format!("{key} must be {what}, not \"{value}\""));
        match key {
            "cell" if self.cells.len() == MOST_SHOWN => {
                return Err(refuse(format!("has more than {MOST_SHOWN} cells")));
            }
            "cell" => self.cells.push(value.parse().map_err(|_| invalid("the number of a cell, from 0"))?),
            "trial" => {
                let trial = value.parse().ok().filter(|&trial: &u32| trial < MOST_TRIALS);
                self.trial = trial.ok_or_else(|| invalid(&format!("a number from 0 to {}", MOST_TRIALS - 1)))?;
            }
            "seed" => self.seed = Some(value.parse().map_err(|_| invalid("a whole number"))?),
            "duration" => {
                let seconds = value.strip_suffix('s').and_then(|text| text.parse::<f64>().ok());
                let seconds = seconds.filter(|seconds| (0.0..=LONGEST_S).contains(seconds));
                let seconds = seconds.ok_or_else(|| invalid("a number of seconds such as 60s"))?;
                self.duration = Some(Span::from_secs_f64(seconds));
            }
            "fault" if self.faults.len() == MOST_ADDED => {
                return Err(refuse(format!("has more than {MOST_ADDED} faults")));
            }
            "fault" => self.faults.push(Spec::parse(&value).map_err(|error| refuse(format!("fault: {error}")))?),
            _ => self.view.push((key.to_owned(), value)),
        }
        Ok(())
    }

    /// Looks up the experiment, its cells and the faults. `named` has the texts of the experiments that links can name.
    ///
    /// # Errors
    /// Names what is unknown or does not fit the experiment.
    pub fn open<'a>(&self, lab: &Lab, named: impl Fn(&str) -> Option<&'a str>) -> Result<LinkedTrial, BadInput> {
        let source = match &self.experiment {
            LinkedExperiment::Named(name) => {
                let text = named(name).ok_or_else(|| refuse(format!("no experiment is called \"{name}\"")))?;
                TomlSource::text(name.clone(), text)
            }
            LinkedExperiment::Text(text) => text.source(),
        };
        let experiment = Experiment::parse(&source, lab)?;
        let shown = if self.cells.is_empty() { &[0][..] } else { &self.cells };
        let cells = shown.iter().map(|&number| self.cell(&experiment, number, lab)).collect::<Result<_, _>>()?;
        let seed = trial_seed(self.seed.unwrap_or(experiment.seed), self.trial);
        Ok(LinkedTrial { experiment, cells, trial: self.trial, seed })
    }

    /// A cell of the experiment with the faults of the link.
    fn cell(&self, experiment: &Experiment, number: usize, lab: &Lab) -> Result<Cell, BadInput> {
        let mut cell = experiment.cells.get(number).cloned().ok_or_else(|| {
            refuse(format!("there is no cell {number}: they count from 0 to {}", experiment.cells.len() - 1))
        })?;
        cell.duration = self.duration.unwrap_or(cell.duration);
        let joiners = joiners_needed(&cell.faults, cell.key.members);
        for spec in &self.faults {
            let fault: Fault = lab.faults.build(spec, &()).map_err(|error| refuse(format!("fault: {error}")))?;
            cell.faults.push(fault);
        }
        if joiners_needed(&cell.faults, cell.key.members) != joiners {
            return Err(refuse("a fault of a link cannot let members join: there is no room for them"));
        }
        let placement = cell.topology.place(cell.key.members, joiners, 0);
        check_targets(&placement, cell.key.members, &cell.faults).map_err(refuse)?;
        Ok(cell)
    }
}

impl LinkedTrial {
    /// The setup of the world of one of the cells.
    pub fn setup(&self, cell: &Cell) -> Setup {
        cell.setup(self.seed)
    }
}

impl LinkedText {
    /// An experiment that names no files.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), files: BTreeMap::new() }
    }

    /// The experiment that a source holds, with the files that it was read from.
    pub fn of(experiment: &Experiment) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let files = experiment.inputs.iter().map(|input| (input.name.clone(), text(&input.bytes)));
        Self { name: experiment.source.name.clone(), text: experiment.source.text.clone(), files: files.collect() }
    }

    /// The same as a source to parse.
    fn source(&self) -> TomlSource {
        let mut source = TomlSource::text(self.name.clone(), self.text.clone());
        source.contents = self.files.iter().map(|(name, content)| (name.clone(), content.as_bytes().into())).collect();
        source
    }

    fn pack(&self) -> String {
        let json = serde_json::to_vec(self).expect("texts are JSON");
        BASE64URL_NOPAD.encode(&compress_to_vec(&json, 9))
    }

    fn unpack(packed: &str) -> Result<Self, BadInput> {
        let damaged = |why: String| refuse(format!("the experiment in it is damaged: {why}"));
        let deflated = BASE64URL_NOPAD.decode(packed.as_bytes()).map_err(|error| damaged(error.to_string()))?;
        let json = decompress_to_vec_with_limit(&deflated, LONGEST_TEXT).map_err(|error| damaged(error.to_string()))?;
        serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))
    }
}

impl fmt::Display for TrialLink {
    /// The fragment, from its `#` on. Keys that have their default are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.experiment {
            LinkedExperiment::Named(name) => write!(f, "#{}", utf8_percent_encode(name, PLAIN))?,
            LinkedExperiment::Text(text) => write!(f, "#~{}", text.pack())?,
        }
        let mut pairs: Vec<(&str, String)> = self.cells.iter().map(|cell| ("cell", cell.to_string())).collect();
        pairs.extend((self.trial > 0).then(|| ("trial", self.trial.to_string())));
        pairs.extend(self.seed.map(|seed| ("seed", seed.to_string())));
        pairs.extend(self.duration.map(|duration| ("duration", format!("{}s", duration.as_secs_f64()))));
        pairs.extend(self.faults.iter().map(|fault| ("fault", fault.to_string())));
        pairs.extend(self.view.iter().map(|(key, value)| (key.as_str(), value.clone())));
        for (n, (key, value)) in pairs.iter().enumerate() {
            let (key, value) = (utf8_percent_encode(key, PLAIN), utf8_percent_encode(value, PLAIN));
            write!(f, "{}{key}={value}", if n == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

fn decode(text: &str) -> Result<String, BadInput> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| refuse(format!("\"{text}\" is not text in UTF-8")))
}

fn refuse(message: impl Into<String>) -> BadInput {
    BadInput { file: "link".to_owned(), line: None, message: message.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: &str =
        "topology = 'ring'\nselector = ['shuffle', 'uniform']\nmembers = 8\nduration = '20s'\nwarmup = '0s'";

    fn named(name: &str) -> Option<&'static str> {
        (name == "small").then_some(SMALL)
    }

    #[test]
    fn a_link_with_the_experiment_itself_leads_to_the_same_trial_as_its_name() {
        let text = LinkedText { name: "small".into(), text: SMALL.into(), files: BTreeMap::new() };
        let mut by_text = TrialLink::new(LinkedExperiment::Text(text));
        by_text.cells = vec![1];
        by_text.trial = 7;
        by_text.faults.push(Spec::parse("pause:at=3.25s,target=4,lasts=2s").unwrap());
        let link = format!("file:///tmp/page.html{by_text}");
        let parsed = TrialLink::parse(&link).unwrap();
        assert_eq!(parsed, by_text);

        let by_name =
            TrialLink::parse("#small?cell=1&trial=7&fault=pause%3Aat%3D3.25s%2Ctarget%3D4%2Clasts%3D2s").unwrap();
        let hashes = [by_name, parsed].map(|link| {
            let linked = link.open(&Lab::default(), named).unwrap();
            let cell = &linked.cells[0];
            cell.watch(&linked.setup(cell), &mut ()).trace_hash
        });
        assert_eq!(hashes[0], hashes[1]);
    }

    #[test]
    fn what_is_wrong_in_a_link_is_named() {
        let open = |link: &str| {
            let linked = TrialLink::parse(link).and_then(|link| link.open(&Lab::default(), named));
            linked.err().map_or_else(String::new, |error| error.to_string())
        };
        for (link, error) in [
            ("#", "no experiment is called \"\""),
            ("#other", "no experiment is called \"other\""),
            ("#~abc?", "the experiment in it is damaged"),
            ("#~!?", "the experiment in it is damaged"),
            ("#small?cell=2", "there is no cell 2: they count from 0 to 1"),
            ("#small?cell=x", "cell must be the number of a cell, from 0, not \"x\""),
            ("#small?trial=-1", "trial must be a number from 0"),
            ("#small?seed=1.5", "seed must be a whole number"),
            ("#small?duration=5", "duration must be a number of seconds such as 60s"),
            ("#small?duration=1e99s", "duration must be a number of seconds such as 60s"),
            ("#small?fault=explode", "unknown fault"),
            ("#small?fault=crash:target=8", "there is no member 8 among 8"),
            ("#small?fault=crash:when=3", "has no parameter \"when\""),
            ("#small?fault=join:count=1", "cannot let members join"),
            ("#small%ff", "is not text in UTF-8"),
        ] {
            assert!(open(link).contains(error), "{link}: {}", open(link));
        }
        assert_eq!(open("#small?cell=1&cell=0&speed=3"), "");
    }

    #[test]
    fn a_small_link_cannot_expand_without_bound() {
        let text = LinkedText { text: " ".repeat(LONGEST_TEXT + 1), ..LinkedText::default() };
        let link = format!("#~{}", text.pack());
        assert!(link.len() < 100_000);
        assert!(TrialLink::parse(&link).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn a_link_has_a_longest_length_and_most_cells_and_faults() {
        let parsed = |link: String| TrialLink::parse(&link);
        let padded = |length: usize| format!("#small?pad={}", "x".repeat(length - "#small?pad=".len()));
        assert!(parsed(padded(LONGEST_LINK)).is_ok());
        assert!(parsed(padded(LONGEST_LINK + 1)).unwrap_err().to_string().contains("is longer than 1048576 bytes"));
        for (key, most, error) in
            [("cell=0", MOST_SHOWN, "has more than 4 cells"), ("fault=crash", MOST_ADDED, "has more than 1000 faults")]
        {
            let link = |count: usize| format!("#small?{}", vec![key; count].join("&"));
            assert!(parsed(link(most)).is_ok());
            assert!(parsed(link(most + 1)).unwrap_err().to_string().contains(error), "{key}");
        }
    }

    #[test]
    fn links_and_names_of_files_are_told_apart() {
        for link in ["#small", "http://localhost:8700/#small?trial=1", "file:///a/b.html#~abc"] {
            assert!(TrialLink::is_link(link), "{link}");
        }
        for file in ["mine.toml", "a#b.toml", "./x/#1.toml"] {
            assert!(!TrialLink::is_link(file), "{file}");
        }
    }

    proptest! {
        #[test]
        fn a_link_survives_being_written_and_parsed(
            (name, text) in ("[a-z #?&=%/]{0,12}", "\\PC{0,80}"),
            (by_name, trial, seed) in (any::<bool>(), 0..MOST_TRIALS, any::<Option<u64>>()),
            cells in prop::collection::vec(0..9usize, 0..4),
            seconds in prop::option::of(0..100_000u32),
            view in prop::collection::vec(("[a-z]{1,3}[0-9]", "\\PC{0,20}"), 0..4),
        ) {
            let experiment = match by_name {
                true => LinkedExperiment::Named(name.trim_start_matches('~').to_owned()),
                false => LinkedExperiment::Text(LinkedText { name, text, files: BTreeMap::new() }),
            };
            let duration = seconds.map(|seconds| Span::from_secs(seconds.into()));
            let faults = vec![Spec::of("crash").with("at", "1s")];
            let link = TrialLink { experiment, cells, trial, seed, duration, faults, view };
            prop_assert_eq!(TrialLink::parse(&link.to_string()).unwrap(), link);
        }

        #[test]
        fn any_text_is_parsed_or_refused(link in "\\PC*") {
            let _ = TrialLink::parse(&link);
        }
    }
}
