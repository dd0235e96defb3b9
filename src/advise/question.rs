//! The question: group, network, targets and budget, as flags, a TOML file or answers give them.
//!
//! Every value is a text in the units of experiment files, so that flags, files and answers are checked by the same
//! code.

use std::collections::BTreeMap;
use std::path::Path;

use swimlab_selectors::{Spec, did_you_mean, nearest_names, parse_seconds};

use super::network::Network;
use super::units::{EventRate, byte_rate};
use crate::experiment::{BadInput, Lab, MOST_MEMBERS, TomlSource, parse_share};
use crate::protocol::Span;

/// One part of a question.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct QuestionKey {
    /// The key in a file; the flag is the same with dashes.
    pub name: &'static str,
    /// The meaning, in one sentence.
    pub about: &'static str,
    /// A valid value.
    pub example: &'static str,
    /// The value if none is given; `None` if one must be given. An empty one means no limit, or nothing.
    pub default: Option<&'static str>,
}

/// All parts of a question, in the order in which they are asked.
pub const QUESTION_KEYS: &[QuestionKey] = &[
    key("members", "Number of members.", "600", None),
    key("topology", "The network: a label of `swimlab list topologies`, or a CSV file of round trips.", "aws", None),
    key("declare_within", "Time within which 19 of 20 crashes are declared.", "10s", None),
    key("false_deaths", "The most live members declared dead in the whole group: per hour to year.", "1/month", None),
    key("loss", "The probability that the network loses a packet.", "1%", Some("1%")),
    key("bytes", "The most bytes that a member sends, as the mean of all.", "2kB/s", Some("")),
    key("cross_region", "The largest share of bytes that leaves its region.", "20%", Some("")),
    key("clocks", "Whether members' clocks agree: ntp or none.", "ntp", Some("ntp")),
    key("have", "What runs today: a label of `swimlab list profiles`.", "memberlist-lan", Some("")),
    key("budget", "The simulated work, as seconds of two cores.", "5min", Some("5min")),
    key("seed", "The seed of all random numbers.", "1", Some("1")),
];

const fn key(
    name: &'static str,
    about: &'static str,
    example: &'static str,
    default: Option<&'static str>,
) -> QuestionKey {
    QuestionKey { name, about, example, default }
}

/// The agreement of members' clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clocks {
    /// They are set by NTP: within 10 ms of the true time.
    Ntp,
    /// Nothing sets them.
    None,
}

/// A group, its network, what is asked of a detector there, and how much may be spent on the answer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Question {
    /// Number of members.
    pub members: u32,
    /// The network.
    pub network: Network,
    /// The probability that the network loses a packet.
    pub loss: f64,
    /// Time within which 19 of 20 crashes are to be declared.
    pub declare_within: Span,
    /// The most live members that may be declared dead, in the whole group.
    pub false_deaths: EventRate,
    /// The most bytes per second that a member may send, as the mean of all members.
    pub bytes: Option<f64>,
    /// The largest share of bytes that may leave its region.
    pub cross_region: Option<f64>,
    /// The agreement of clocks.
    pub clocks: Clocks,
    /// The profile that runs today.
    pub have: Option<Spec>,
    /// The simulated work: see [`UNITS_PER_SECOND`](super::UNITS_PER_SECOND).
    pub budget: Span,
    /// The seed.
    pub seed: u64,
}

/// The texts of a question by key, with their origins for messages.
#[derive(Clone, Debug, Default)]
pub struct QuestionText {
    texts: BTreeMap<&'static str, (String, Origin)>,
}

/// The place of a text: a flag, or a line of a file.
#[derive(Clone, Debug)]
struct Origin {
    name: String,
    line: Option<u32>,
    /// Whether the name does not say which key it is.
    is_file: bool,
}

impl QuestionText {
    /// Reads a file.
    ///
    /// # Errors
    /// Names the line of a key that is unknown, or of a value that is a list or a table.
    pub fn of_file(source: &TomlSource) -> Result<Self, BadInput> {
        let mut texts = BTreeMap::new();
        for (name, text, line) in source.plain_values(&KEY_NAMES)? {
            texts.insert(name, (text, Origin { name: source.name.clone(), line, is_file: true }));
        }
        Ok(Self { texts })
    }

    /// Sets the value of a key as its flag gives it.
    ///
    /// # Panics
    /// If there is no such key.
    pub fn set_flag(&mut self, key: &str, text: impl Into<String>) {
        let key = QUESTION_KEYS.iter().find(|other| other.name == key).expect("a key of questions");
        let origin = Origin { name: flag(key.name), line: None, is_file: false };
        self.texts.insert(key.name, (text.into(), origin));
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The flags of the keys that must be given and are not.
    pub fn missing(&self) -> Vec<String> {
        let needed = QUESTION_KEYS.iter().filter(|key| key.default.is_none() && !self.texts.contains_key(key.name));
        needed.map(|key| flag(key.name)).collect()
    }

    /// Checks the values given so far, as [`QuestionText::parse`] does, except that some may be missing still.
    ///
    /// # Errors
    /// Names the first key with a wrong value, and what would be valid.
    pub fn check(&self, lab: &Lab) -> Result<(), BadInput> {
        let mut all = self.clone();
        for key in QUESTION_KEYS.iter().filter(|key| key.default.is_none() && !self.texts.contains_key(key.name)) {
            all.set_flag(key.name, key.example);
        }
        all.parse(Path::new(""), lab).map(drop)
    }

    /// The question. Files that it names are read; relative paths start in `dir`.
    ///
    /// # Errors
    /// Names the flag, or the line of the file, and what would be valid.
    pub fn parse(&self, dir: &Path, lab: &Lab) -> Result<Question, BadInput> {
        if let [first, ..] = &self.missing()[..] {
            let message = format!("is missing; these must be given: {}", required_flags().join(", "));
            return Err(BadInput { file: first.clone(), line: None, message });
        }
        let network = self.read("topology", |text| Network::read(text, dir, lab))?;
        let members = self.read("members", |text| {
            let least = 3;
            let count = text.parse().ok().filter(|count| (least..=MOST_MEMBERS).contains(count));
            count.ok_or_else(|| format!("must be an integer from {least} to {MOST_MEMBERS}, not \"{text}\""))
        })?;
        let question = Question {
            members,
            network,
            loss: self.read("loss", |text| {
                let loss = parse_share(text)?;
                if loss < 1.0 { Ok(loss) } else { Err("must be below 100%, at which no packet arrives".to_owned()) }
            })?,
            declare_within: self.read("declare_within", |text| time(text, 0.01, 86_400.0))?,
            false_deaths: self.read("false_deaths", str::parse)?,
            bytes: self.read_optional("bytes", byte_rate)?,
            cross_region: self.read_optional("cross_region", parse_share)?,
            clocks: self.read("clocks", clocks)?,
            have: self.read_optional("have", |text| profile(text, lab))?,
            budget: self.read("budget", |text| time(text, 1.0, 86_400.0))?,
            seed: self.read("seed", |text| {
                let seed = text.parse().ok().filter(|seed: &u64| i64::try_from(*seed).is_ok());
                seed.ok_or_else(|| format!("must be an integer from 0 to {}, not \"{text}\"", i64::MAX))
            })?,
        };
        question.network.check(question.members, lab).map_err(|why| self.refuse("topology", why))?;
        if question.cross_region.is_some() && !question.network.has_regions(question.members, lab) {
            let why = format!(
                "{} has no regions, so no byte leaves one; leave it out, or name a topology with regions",
                question.network.label()
            );
            return Err(self.refuse("cross_region", why));
        }
        Ok(question)
    }

    fn read<T>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, BadInput> {
        let text = match self.texts.get(key) {
            Some((text, _)) => text.trim(),
            None => {
                QUESTION_KEYS.iter().find(|other| other.name == key).and_then(|key| key.default).unwrap_or_default()
            }
        };
        parse(text).map_err(|why| self.refuse(key, why))
    }

    /// As `read`, for a key whose empty text stands for none.
    fn read_optional<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, BadInput> {
        self.read(key, |text| if text.is_empty() { Ok(None) } else { parse(text).map(Some) })
    }

    fn refuse(&self, key: &str, why: String) -> BadInput {
        match self.texts.get(key) {
            Some((_, origin)) if origin.is_file => {
                BadInput { file: origin.name.clone(), line: origin.line, message: format!("{key} {why}") }
            }
            _ => BadInput { file: flag(key), line: None, message: why },
        }
    }
}

impl Question {
    /// The question as a TOML file that `swimlab advise FILE` reads, with the network's files beside it.
    pub fn to_toml(&self) -> String {
        let mut text = format!(
            "members = {}\ntopology = {:?}\nloss = {:?}\ndeclare_within = {:?}\nfalse_deaths = {:?}\n",
            self.members,
            self.network.label(),
            super::units::percent(self.loss),
            self.declare_within.to_string(),
            self.false_deaths.to_string(),
        );
        if let Some(bytes) = self.bytes {
            text += &format!("bytes = \"{bytes}B/s\"\n");
        }
        if let Some(share) = self.cross_region {
            text += &format!("cross_region = {:?}\n", super::units::percent(share));
        }
        text += &format!("clocks = {:?}\n", if self.clocks == Clocks::Ntp { "ntp" } else { "none" });
        if let Some(have) = &self.have {
            text += &format!("have = {:?}\n", have.to_string());
        }
        text + &format!("budget = {:?}\nseed = {}\n", self.budget.to_string(), self.seed)
    }
}

/// The names of [`QUESTION_KEYS`].
pub(super) static KEY_NAMES: [&str; QUESTION_KEYS.len()] = {
    let mut names = [""; QUESTION_KEYS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = QUESTION_KEYS[at].name;
        at += 1;
    }
    names
};

/// The flag of a key.
fn flag(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// The flags that a question cannot do without.
pub fn required_flags() -> Vec<String> {
    QuestionText::default().missing()
}

fn time(text: &str, from_s: f64, to_s: f64) -> Result<Span, String> {
    let seconds = parse_seconds(text).filter(|seconds| (from_s..=to_s).contains(seconds));
    seconds.map(Span::from_secs_f64).ok_or_else(|| {
        let (from, to) = (Span::from_secs_f64(from_s), Span::from_secs_f64(to_s));
        format!("must be a time from {from} to {to}, like \"500ms\" or \"10s\", not \"{text}\"")
    })
}

fn clocks(text: &str) -> Result<Clocks, String> {
    match text {
        "ntp" => Ok(Clocks::Ntp),
        "none" => Ok(Clocks::None),
        _ => {
            let near = did_you_mean(&nearest_names(text, ["ntp", "none"].into_iter()));
            Err(format!("must be ntp or none, not \"{text}\"{near}"))
        }
    }
}

/// The spec of a profile or another detector, which must exist.
fn profile(text: &str, lab: &Lab) -> Result<Spec, String> {
    let spec = Spec::parse(text).map_err(|error| error.to_string())?;
    let known = match lab.detectors.entry(&spec.kind) {
        Ok(_) => lab.detectors.check(&spec).map(drop),
        Err(_) => lab.profiles.build(&spec, &()).map(drop),
    };
    known.map(|()| spec).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(flags: &[(&str, &str)]) -> Result<Question, String> {
        let mut text = QuestionText::default();
        for (key, value) in
            [("members", "25"), ("topology", "lan"), ("declare_within", "5s"), ("false_deaths", "1/month")]
        {
            text.set_flag(key, value);
        }
        flags.iter().for_each(|(key, value)| text.set_flag(key, *value));
        text.parse(Path::new(""), &Lab::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_question_needs_group_network_and_two_targets() {
        let asked = question(&[]).unwrap();
        assert_eq!((asked.members, asked.loss, asked.bytes), (25, 0.01, None));
        assert_eq!(asked.declare_within, Span::from_secs(5));
        let missing = QuestionText::default().parse(Path::new(""), &Lab::default()).unwrap_err().to_string();
        assert!(missing.ends_with("--members, --topology, --declare-within, --false-deaths"), "{missing}");
    }

    #[test]
    fn a_wrong_value_is_named_by_its_flag_with_what_would_be_right() {
        for (key, text, message) in [
            ("members", "2", "--members: must be an integer from 3 to 10000000, not \"2\""),
            ("loss", "1 %%", "--loss: must be a percentage from 0% to 100% or a number from 0 to 1, not \"1 %%\""),
            ("loss", "100%", "--loss: must be below 100%, at which no packet arrives"),
            (
                "declare_within",
                "10",
                "--declare-within: must be a time from 10ms to 1440m, like \"500ms\" or \"10s\", not \"10\"",
            ),
            ("clocks", "ntpd", "--clocks: must be ntp or none, not \"ntpd\"; did you mean ntp?"),
            (
                "have",
                "memberlist",
                "--have: unknown profile \"memberlist\"; did you mean memberlist-lan, memberlist-wan or memberlist-local?",
            ),
            ("seed", "-1", "--seed: must be an integer from 0 to 9223372036854775807, not \"-1\""),
            (
                "cross_region",
                "20%",
                "--cross-region: lan has no regions, so no byte leaves one; leave it out, or name a topology with regions",
            ),
        ] {
            assert_eq!(question(&[(key, text)]).err().as_deref(), Some(message));
        }
        assert!(question(&[("topology", "awss")]).unwrap_err().contains("did you mean aws"));
        assert!(
            question(&[("bytes", "2kb")]).unwrap_err().starts_with("--bytes: must be a number of bytes per second")
        );
    }

    #[test]
    fn answers_are_checked_one_by_one_beside_those_before() {
        let mut given = QuestionText::default();
        for (key, text, is_valid) in [
            ("topology", "lna", false),
            ("topology", "lan", true),
            ("members", "12", true),
            ("cross_region", "20%", false),
            ("bytes", "2kB/s", true),
        ] {
            let mut longer = given.clone();
            longer.set_flag(key, text);
            let checked = longer.check(&Lab::default());
            assert_eq!(checked.is_ok(), is_valid, "{key} = {text}: {checked:?}");
            if is_valid {
                given = longer;
            }
        }
    }

    #[test]
    fn a_file_says_the_same_as_flags_and_its_errors_have_lines() {
        let lab = Lab::default();
        let read = |text: &str| {
            QuestionText::of_file(&TomlSource::text("q.toml", text)).and_then(|text| text.parse(Path::new(""), &lab))
        };
        let asked = question(&[("bytes", "2kB/s"), ("have", "memberlist-lan")]).unwrap();
        assert_eq!(read(&asked.to_toml()).unwrap().to_toml(), asked.to_toml());
        let error = |text: &str| read(text).unwrap_err().to_string();
        let base = "topology = 'lan'\nmembers = 25\nfalse_deaths = '1/day'\n";
        assert!(error(&format!("{base}declare_within = '5'\n")).starts_with("q.toml:4: declare_within must be a time"));
        assert!(error("member = 3").contains("did you mean members"), "{}", error("member = 3"));
        assert!(error(base).starts_with("--declare-within: is missing"), "{}", error(base));
    }
}
