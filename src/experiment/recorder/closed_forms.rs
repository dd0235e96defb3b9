//! Mistakes and detection times of all-to-all heartbeats against closed forms.
//!
//! NFD-S of Chen, Toueg and Aguilera (2002) fixes in advance until when a heartbeat keeps its sender trusted: the one sent
//! at s until s + period + shift. `all-to-all` counts its timeout from the arrival, so it needs no synchronized clocks.
//! With a constant delay D both are the same detector, with shift = timeout + D - period, and the formulas of the paper
//! (Theorem 5) apply. With random delays it is the paper's "common algorithm", for which the paper has no formulas; those
//! below are derived from the gaps between arrivals.

use crate::experiment::{CellResult, Experiment, Lab, MeasuredValue, Options, TomlSource};

/// The period of the heartbeats, in seconds.
const PERIOD: f64 = 1.0;

/// The detector's expected figures, of one pair of members.
struct Expected {
    recurrence_s: f64,
    duration_s: f64,
    accuracy: f64,
}

/// NFD-S with this shift of the freshness points, for heartbeats that are lost with probability `loss` and else take
/// longer than x with probability `is_later(x)`.
fn nfd_s(shift: f64, loss: f64, is_later: impl Fn(f64) -> f64) -> Expected {
    let k = libm::ceil(shift / PERIOD) as i32;
    // That the j-th heartbeat after the freshness point's own has not arrived x after it.
    let missing = |j: i32, x: f64| loss + (1.0 - loss) * is_later(shift + x - f64::from(j) * PERIOD);
    let all_missing = |x: f64| (0..=k).map(|j| missing(j, x)).product::<f64>();
    let before_arrived = (1.0 - loss) * (1.0 - is_later(shift + PERIOD));
    let begins = before_arrived * all_missing(0.0);
    const STEPS: i32 = 100_000;
    let step = PERIOD / f64::from(STEPS);
    let suspected = (0..STEPS).map(|n| all_missing((f64::from(n) + 0.5) * step) * step).sum::<f64>();
    Expected { recurrence_s: PERIOD / begins, duration_s: suspected / begins, accuracy: 1.0 - suspected / PERIOD }
}

/// A timeout that is counted from the arrival of the last heartbeat, with exponential delays of this mean, so much shorter
/// than the period that heartbeats do not overtake each other.
///
/// After each heartbeat that arrives, k are lost with probability (1 - loss) loss^k, and the next one arrives
/// (k + 1) periods later, plus the difference of two delays, which has the law of Laplace. A mistake begins if that gap
/// is longer than the timeout, and lasts for what it is longer.
fn timeout_from_arrival(timeout: f64, loss: f64, mean_delay: f64) -> Expected {
    let (mut begins, mut lasts) = (0.0, 0.0);
    for lost in 0..60 {
        let share = (1.0 - loss) * libm::pow(loss, f64::from(lost));
        // By how much the delays must differ.
        let x = timeout - f64::from(lost + 1) * PERIOD;
        let tail = 0.5 * libm::exp(-x.abs() / mean_delay);
        let (is_longer, excess) = match x >= 0.0 {
            true => (tail, mean_delay * tail),
            false => (1.0 - tail, -x + mean_delay * tail),
        };
        begins += share * is_longer;
        lasts += share * excess;
    }
    let arrivals = (1.0 - loss) / PERIOD;
    Expected { recurrence_s: 1.0 / (arrivals * begins), duration_s: lasts / begins, accuracy: 1.0 - arrivals * lasts }
}

/// The trials of all-to-all heartbeats of ten members.
fn run(topology: &str, timeout: &str, loss: f64, rest: &str) -> CellResult {
    let file = format!(
        "topology = 'lan:{topology}'\nselector = 'shuffle'\nmembers = 10\nprofile = {{ kind = 'all-to-all', timeout = \
         '{timeout}' }}\nloss = {loss}\nseed = 11\nwarmup = '10s'\n{rest}"
    );
    let experiment = Experiment::parse(&TomlSource::text("heartbeats.toml", file), &Lab::default()).unwrap();
    experiment.run(Options::default()).unwrap().results.cells.remove(0)
}

fn mean(cell: &CellResult, measure: &str) -> f64 {
    let values: Vec<f64> = cell.readings_of(measure).iter().map(|reading| reading.value().unwrap()).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// Checks the figures of eight trials of ten minutes, in which at least 1,000 mistakes are made, so that their number has a
/// standard error of about 3 %.
fn check(cell: &CellResult, expected: &Expected) {
    let mistakes = mean(cell, "false_positives") * cell.trials.len() as f64;
    assert!(mistakes > 1000.0, "{mistakes}");
    let is_near = |measure: &str, measured: f64, expected: f64, tolerance: f64| {
        let off = measured / expected - 1.0;
        assert!(off.abs() < tolerance, "{measure}: {measured}, expected {expected}");
    };
    is_near("T_MR", mean(cell, "mistake_recurrence_s"), expected.recurrence_s, 0.08);
    is_near("T_M", mean(cell, "mistake_duration_s"), expected.duration_s, 0.06);
    is_near("1 - P_A", 1.0 - mean(cell, "query_accuracy"), 1.0 - expected.accuracy, 0.1);
    is_near("T_G", mean(cell, "good_period_s"), expected.recurrence_s - expected.duration_s, 0.08);
}

#[test]
fn with_a_constant_delay_all_to_all_heartbeats_have_the_figures_of_nfd_s() {
    for (timeout, loss) in [(1.5, 0.02), (2.5, 0.1), (2.2, 0.2)] {
        let cell = run("delay_ms=20,jitter=none", &format!("{timeout}s"), loss, "trials = 8\nduration = '10m'");
        check(&cell, &nfd_s(timeout + 0.02 - PERIOD, loss, |x| f64::from(u8::from(x < 0.02))));
    }
}

#[test]
fn with_exponential_delays_all_to_all_heartbeats_have_the_figures_of_a_timeout_from_the_arrival() {
    for (timeout, loss) in [(1.2, 0.05), (1.4, 0.02), (2.3, 0.1)] {
        let cell = run("delay_ms=100,jitter=exponential", &format!("{timeout}s"), loss, "trials = 8\nduration = '10m'");
        check(&cell, &timeout_from_arrival(timeout, loss, 0.1));
    }
}

#[test]
fn freshness_points_would_make_fewer_mistakes_under_random_delays() {
    // The same mean detection time: freshness points a timeout, less a period, plus the mean delay after the sending.
    let is_later = |x: f64| if x > 0.0 { libm::exp(-x / 0.1) } else { 1.0 };
    let (points, arrivals) = (nfd_s(1.4 + 0.1 - PERIOD, 0.0, is_later), timeout_from_arrival(1.4, 0.0, 0.1));
    assert!(points.recurrence_s > 1.2 * arrivals.recurrence_s, "{} {}", points.recurrence_s, arrivals.recurrence_s);
}

/// The mean of T_D with a constant delay: the crash comes a random part of a period after the last heartbeat was sent, and
/// k heartbeats before it were lost; whoever already holds the victim dead has detected it at once.
fn expected_detection_s(timeout: f64, delay: f64, loss: f64) -> f64 {
    let after = |lost: i32| {
        let most = timeout + delay - f64::from(lost) * PERIOD;
        match most {
            _ if most >= PERIOD => most - PERIOD / 2.0,
            _ if most > 0.0 => most * most / 2.0 / PERIOD,
            _ => 0.0,
        }
    };
    (0..60).map(|lost| (1.0 - loss) * libm::pow(loss, f64::from(lost)) * after(lost)).sum()
}

#[test]
fn a_crash_is_detected_within_the_bound_of_nfd_s_and_after_its_mean() {
    let crash = "trials = 300\nduration = '20s'\nfault = [{ kind = 'crash', at = '5s' }]";
    for (loss, tolerance) in [(0.0, 0.05), (0.1, 0.07)] {
        let cell = run("delay_ms=20,jitter=none", "2.5s", loss, crash);
        // One crash in each of 300 trials, each seen by nine: a standard error of 0.29 s / sqrt(300) = 0.017 s.
        let (measured, expected) = (mean(&cell, "detection_mean_s"), expected_detection_s(2.5, 0.02, loss));
        assert!((measured - expected).abs() < tolerance, "{measured}, expected {expected}");
        for measure in ["detection_50_s", "detection_99_s", "informed_100_s"] {
            for reading in cell.readings_of(measure) {
                // Shift and period, to a millisecond.
                assert!(matches!(reading, MeasuredValue::Value(value) if value <= 2.521), "{measure}: {reading:?}");
            }
        }
    }
}
