//! The judge: runs the trials of a challenge with a selector and compares the results with the bars.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::challenge::Challenge;
use super::judgment::{BarScore, Judgment, LimitUnit, Outcome};
use crate::experiment::statistics::summarize;
use crate::experiment::{BadInput, Bar, CellResult, Error, Experiment, Lab, Limit, Measure, Options, Results};

/// Options of [`judge`]. The fields of a default value can be set.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct JudgeOptions {
    /// The seed; that of the file without one.
    pub seed: Option<u64>,
    /// Number of threads, 0 for one per core. Results do not depend on it.
    pub threads: usize,
    /// Once this is set, no further trial is started, and the outcome is [`Outcome::TimedOut`].
    pub stop: Arc<AtomicBool>,
}

/// Judges the selector of this label, as `lab` builds it.
///
/// # Errors
/// If the selector does not fit the topology, a world does not fit into memory, or a bar is about something that the
/// experiment does not have.
pub fn judge(challenge: &Challenge, selector: &str, lab: &Lab, options: JudgeOptions) -> Result<Judgment, Error> {
    let mut experiment = challenge.experiment(selector, lab)?;
    experiment.seed = options.seed.unwrap_or(experiment.seed);
    let JudgeOptions { threads, stop, .. } = options;
    let finished = experiment.run(Options { threads, stop, ..Options::default() })?;
    let outcome = if let Some(first) = finished.failures.first() {
        let failed = finished.failures.iter().filter(|failure| failure.key == first.key).count() as u32;
        Outcome::Panicked { message: first.message.clone(), failed, trials: experiment.trials }
    } else if finished.interrupted {
        Outcome::TimedOut
    } else {
        Outcome::Judged { bars: scores(challenge, &experiment, &finished.results)? }
    };
    Ok(challenge.judgment(outcome))
}

fn scores(challenge: &Challenge, experiment: &Experiment, results: &Results) -> Result<Vec<BarScore>, BadInput> {
    let period_s = experiment.cells[0].period().as_secs_f64();
    let score = |bar: &Bar| {
        let measure = Measure::named(bar.measure).expect("the file's parser knows it");
        let absent = |cell: &CellResult| BadInput {
            file: challenge.source.name.clone(),
            line: None,
            message: format!("no trial of {} has a value of {}", cell.key.selector, measure.name),
        };
        let value = |cell: &CellResult| {
            let summary = summarize(measure, &cell.readings_of(measure.name));
            if summary.n == 0 { Err(absent(cell)) } else { Ok(bar.statistic.of(&summary)) }
        };
        let value_of_own = value(&results.cells[0])?;
        let (unit, limit, measured, met) = match &bar.limit {
            Limit::Value(limit) => {
                let met = bar.direction.is_met(value_of_own, Some(*limit));
                (LimitUnit::of(measure.unit), *limit, value_of_own, met)
            }
            Limit::Periods(periods) => {
                let measured = value_of_own.map(|seconds| seconds / period_s);
                (LimitUnit::Periods, *periods, measured, bar.direction.is_met(measured, Some(*periods)))
            }
            Limit::Relative { selector, share } => {
                let other = results.cells.iter().find(|cell| cell.key.selector == *selector);
                let other = value(other.expect("the experiment has its cell"))?;
                let met = bar.direction.is_met(value_of_own, other.map(|other| share * other));
                let measured = value_of_own.zip(other.filter(|other| *other > 0.0)).map(|(own, other)| own / other);
                (LimitUnit::RelativeTo(selector.clone()), *share, measured, met)
            }
        };
        let hint = bar.hint.clone().unwrap_or_else(|| challenge.goal.hint.clone());
        let (measure, statistic, direction) = (measure.name.to_owned(), bar.statistic, bar.direction);
        Ok(BarScore { measure, statistic, direction, unit, limit, measured, met, hint })
    };
    challenge.goal.bars.iter().map(score).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::experiment::TomlSource;

    const EXPERIMENT: &str = "topology = 'lan'\nselector = 'shuffle'\nmembers = 12\ntrials = 8\nwarmup = '2s'\n\
                              duration = '20s'\nfault = [{ kind = 'crash' }]\n\
                              [challenge]\ntitle = 'a'\nhint = 'common'\n";

    fn challenge(bars: &str) -> Challenge {
        let text = format!("{EXPERIMENT}bar = [{bars}]");
        Challenge::parse(&TomlSource::text("mine.toml", text), &Lab::default()).unwrap()
    }

    fn judged(bars: &str, selector: &str) -> Vec<BarScore> {
        let judgment = judge(&challenge(bars), selector, &Lab::default(), JudgeOptions::default()).unwrap();
        let Outcome::Judged { bars } = judgment.outcome else { panic!("{judgment:?}") };
        bars
    }

    #[test]
    fn values_are_those_of_the_experiment_and_compared_with_the_limits() {
        let bars = "{ measure = 'first_ping_s', at_most = '500ms' }, { measure = 'first_ping_s', at_least = '0.5 T' },
                    { measure = 'first_ping_s', at_most = '20 T', statistic = 'max', hint = 'own' }";
        let scores = judged(bars, "uniform");
        let experiment = challenge(bars).experiment("uniform", &Lab::default()).unwrap();
        let results = experiment.run(Options::default()).unwrap().results;
        let measure = Measure::named("first_ping_s").unwrap();
        let summary = summarize(measure, &results.cells[0].readings_of(measure.name));
        // A period of one second.
        assert_eq!([scores[0].measured, scores[1].measured], [summary.median; 2]);
        assert_eq!(scores[2].measured, summary.max);
        assert_eq!([&scores[0].unit, &scores[1].unit], [&LimitUnit::Seconds, &LimitUnit::Periods]);
        assert_ne!(scores[0].met, scores[1].met);
        assert!(scores[2].met);
        assert_eq!([&*scores[1].hint, &*scores[2].hint], ["common", "own"]);
    }

    #[test]
    fn a_relative_bar_compares_the_same_trials() {
        let bar =
            |limit: &str| format!("{{ measure = 'messages_sent', at_most = '{limit}', relative_to = 'shuffle' }}");
        let of = |limit, selector| judged(&bar(limit), selector).remove(0);
        let own = of("100%", "shuffle");
        assert_eq!((own.measured, own.met), (Some(1.0), true));
        assert!(!of("50%", "uniform").met);
    }

    #[test]
    fn what_the_experiment_does_not_have_is_an_error() {
        let challenge = challenge("{ measure = 'cross_region_bytes', at_most = 5 }");
        let error = judge(&challenge, "shuffle", &Lab::default(), JudgeOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), "mine.toml: no trial of shuffle has a value of cross_region_bytes");
    }

    #[test]
    fn a_stop_leaves_the_challenge_unjudged() {
        let options = JudgeOptions::default();
        options.stop.store(true, Ordering::Relaxed);
        let challenge = challenge("{ measure = 'first_ping_s', at_most = '5s' }");
        let judgment = judge(&challenge, "shuffle", &Lab::default(), options).unwrap();
        assert!(judgment.outcome == Outcome::TimedOut && !judgment.is_met());
    }
}
