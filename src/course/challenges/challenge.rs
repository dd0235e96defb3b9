//! A challenge: an experiment file with `[challenge]`.

use super::judgment::{Judgment, Outcome};
use crate::experiment::{BadInput, CellDetector, Experiment, Lab, Limit, TomlSource};

/// An experiment with bars for a selector.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Challenge {
    /// The name: that of the experiment, which is the file's name unless it has a key `name`.
    pub name: String,
    /// The bars, title and hint.
    pub goal: crate::experiment::Challenge,
    /// Labels of the selectors that the file compares when it is run as an experiment.
    pub selectors: Vec<String>,
    /// Number of trials.
    pub trials: u32,
    /// The file.
    pub source: TomlSource,
}

impl Challenge {
    /// Parses an experiment file with `[challenge]`. Apart from its selectors, it has one cell.
    ///
    /// # Errors
    /// Names the line that is wrong, and the nearest valid names.
    pub fn parse(source: &TomlSource, lab: &Lab) -> Result<Self, BadInput> {
        let experiment = Experiment::parse(source, lab)?;
        let refuse = |message: String| BadInput { file: source.name.clone(), line: None, message };
        let Some(goal) = experiment.challenge else {
            return Err(refuse(
                "has no [challenge], with a title, a hint and bars; see docs/course/challenges.md".to_owned(),
            ));
        };
        let first = experiment.cells.first().expect("an experiment has cells");
        if !matches!(first.detector, CellDetector::Swim { .. }) {
            let why = format!("profile {} has no selector that could be judged", first.key.profile);
            return Err(refuse(why));
        }
        let others = experiment.cells.iter().filter(|cell| !cell.key.same_setting(&first.key)).count();
        if others > 0 {
            let why = "a challenge has one cell for each selector: give every other key one value";
            return Err(refuse(format!("{why}, and at most one scenario")));
        }
        let selectors = experiment.cells.iter().map(|cell| cell.key.selector.clone()).collect();
        Ok(Self { name: experiment.name, goal, selectors, trials: experiment.trials, source: source.clone() })
    }

    /// The experiment of one selector, and of those that bars are relative to.
    ///
    /// # Errors
    /// If a selector does not fit the topology, or the source has changed.
    pub fn experiment(&self, selector: &str, lab: &Lab) -> Result<Experiment, BadInput> {
        let mut selectors = vec![selector];
        for bar in &self.goal.bars {
            if let Limit::Relative { selector, .. } = &bar.limit
                && !selectors.contains(&selector.as_str())
            {
                selectors.push(selector);
            }
        }
        Experiment::parse_with_selectors(&self.source, lab, &selectors)
    }

    /// The judgment with this outcome.
    pub fn judgment(&self, outcome: Outcome) -> Judgment {
        let (title, hint) = (self.goal.title.clone(), self.goal.hint.clone());
        Judgment { challenge: self.name.clone(), title, hint, outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAL: &str = "\n[challenge]\ntitle = 'a'\nhint = 'b'\n[[challenge.bar]]\nmeasure = 'bytes_sent'\n\
                        at_most = '99%'\nrelative_to = 'auto'\n";

    fn parse(text: &str) -> Result<Challenge, String> {
        Challenge::parse(&TomlSource::text("mine.toml", text), &Lab::default()).map_err(|bad| bad.to_string())
    }

    #[test]
    fn the_experiment_has_the_selector_and_those_of_relative_bars() {
        let challenge =
            parse(&format!("topology = 'lan'\nmembers = 9\nselector = ['shuffle', 'uniform']\n{GOAL}")).unwrap();
        assert_eq!((challenge.name.as_str(), challenge.selectors.join(" ").as_str()), ("mine", "shuffle uniform"));
        let selectors = |selector: &str| {
            let experiment = challenge.experiment(selector, &Lab::default()).unwrap();
            experiment.cells.into_iter().map(|cell| cell.key.selector).collect::<Vec<_>>()
        };
        assert_eq!(selectors("uniform"), ["uniform", "auto"]);
        assert_eq!(selectors("auto"), ["auto"]);
    }

    #[test]
    fn files_that_are_no_challenge_are_refused() {
        let head = "topology = 'lan'\nmembers = 9\nselector = 'shuffle'\n";
        assert!(parse(head).unwrap_err().starts_with("mine.toml: has no [challenge]"));
        let error = parse(&format!("{head}loss = [0.0, 0.1]\n{GOAL}")).unwrap_err();
        assert!(error.starts_with("mine.toml: a challenge has one cell for each selector"), "{error}");
        let error = parse(&format!("{head}profile = 'majority'\n{GOAL}")).unwrap_err();
        assert!(error.starts_with("mine.toml: profile majority has no selector"), "{error}");
    }
}
