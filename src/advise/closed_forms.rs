//! Closed forms of detectors: how long they take, what they send, and how often they err, before any trial.
//!
//! They place candidates near the target, leave out those that cannot win, and bound rates of false deaths that no
//! trial is long enough to count. docs/advise.md lists them with their sources and where they are validated.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::candidate::Candidate;
use super::question::Question;
use super::units::HOURS_PER_MONTH;
use crate::experiment::Lab;
use crate::topology::Placement;

/// Seconds of a month of 30 days.
const MONTH_S: f64 = HOURS_PER_MONTH * 3600.0;

/// The bytes of the smallest ping or ack, envelope included; tests compare it with the codec.
pub(super) const LEAST_MESSAGE: f64 = 15.0;

/// The bytes of a heartbeat that one member sends to another.
const HEARTBEAT: f64 = 34.0;

/// The periods until the first ping of a crashed member, in 19 of 20 crashes, with one ping per period and member in
/// random order: the number of pings to it is about Poisson distributed, so ln 20.
const RANDOM_WAIT: f64 = 3.0;

/// The same for selectors that follow a schedule, which ping every member once in each period.
const SCHEDULED_WAIT: f64 = 1.4;

/// Figures of a candidate that are known before any trial.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forecast {
    /// Time within which 19 of 20 crashes are declared, in seconds.
    pub declared_s: f64,
    /// Bytes that a member sends per second.
    pub bytes: f64,
    /// Messages that a member sends per second.
    pub messages: f64,
    /// An upper bound of false deaths in the group per month, and its formula.
    pub false_deaths: Option<DeathBound>,
}

/// An upper bound of the number of false deaths in a month, by a closed form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeathBound {
    /// False deaths in the whole group per month.
    pub per_month: f64,
    /// The formula.
    pub formula: &'static str,
}

/// The forecast for a candidate; `None` for a detector without closed forms.
pub(super) fn forecast(
    candidate: &Candidate,
    question: &Question,
    placement: &Placement,
    lab: &Lab,
) -> Option<Forecast> {
    let n = f64::from(question.members);
    let period = candidate.period_s(lab);
    let seconds = |key| candidate.seconds(key, lab).unwrap_or(period);
    let number = |key| candidate.number(key, lab).unwrap_or(1.0);
    Some(match candidate.profile.kind.as_str() {
        "all-to-all" => {
            let timeout = seconds("timeout");
            Forecast {
                declared_s: timeout,
                bytes: (n - 1.0) * HEARTBEAT / period,
                messages: (n - 1.0) / period,
                false_deaths: is_steady(placement).then(|| DeathBound {
                    per_month: n * (n - 1.0) * MONTH_S / period * silence(question.loss, timeout, period),
                    formula: "n (n-1) l^m per period, m = timeout/T: that many heartbeats lost in a row",
                }),
            }
        }
        "majority" => {
            let timeout = seconds("timeout");
            Forecast {
                declared_s: timeout + period * (0.5 + 1.0 / n),
                bytes: (n - 1.0) * HEARTBEAT / period,
                messages: (n - 1.0) / period,
                false_deaths: is_steady(placement).then(|| DeathBound {
                    per_month: n * MONTH_S / period * majority(n, question.loss, timeout, period),
                    formula: "n P(Bin(n-1, l^(m-1)) > n/2) per period: a majority overdue at once, votes a period old",
                }),
            }
        }
        "gossip-heartbeat" => Forecast {
            declared_s: number("fail_mult") * libm::log2(n).max(1.0) * period,
            bytes: number("fanout") * table_bytes(n) / period,
            messages: number("fanout") * table_messages(n) / period,
            false_deaths: None,
        },
        "phi-accrual" => Forecast {
            declared_s: 6.0 * period,
            bytes: number("fanout") * 1.5 * table_bytes(n) / period,
            messages: number("fanout") * 2.0 * table_messages(n) / period,
            false_deaths: None,
        },
        "lease" => {
            let (registries, poll) = (number("registries"), seconds("poll"));
            let messages = registries / period + 2.0 / poll;
            Forecast { declared_s: seconds("ttl"), bytes: 25.0 * messages, messages, false_deaths: None }
        }
        _ => swim(candidate, question, placement, lab)?,
    })
}

/// The bytes and messages of a table of all counters.
fn table_bytes(n: f64) -> f64 {
    20.0 * table_messages(n) + 12.0 * n
}

fn table_messages(n: f64) -> f64 {
    libm::ceil(12.0 * n / 1380.0)
}

/// The probability that all heartbeats within a timeout are lost.
fn silence(loss: f64, timeout: f64, period: f64) -> f64 {
    libm::pow(loss, libm::floor(timeout / period).max(1.0))
}

/// The probability that half of the others or more are overdue at once, so that with its own vote one of them has a
/// majority.
fn majority(n: f64, loss: f64, timeout: f64, period: f64) -> f64 {
    let missed = (libm::floor(timeout / period) - 1.0).max(1.0);
    let overdue = libm::pow(loss, missed);
    if overdue == 0.0 {
        return 0.0;
    }
    let votes = libm::floor(n / 2.0);
    let tail = Binomial::new(overdue.min(1.0), (n - 1.0) as u64).expect("a probability").sf(votes as u64 - 1);
    // Where the tail is below what the difference of two doubles can be, C(n-1, v) p^v <= (4 p)^v for v >= (n-1)/2
    // bounds it.
    if tail > 1e-12 { tail } else { libm::pow(4.0 * overdue, votes).max(f64::MIN_POSITIVE) }
}

fn swim(candidate: &Candidate, question: &Question, placement: &Placement, lab: &Lab) -> Option<Forecast> {
    let config = candidate.config(lab)?;
    let n = question.members;
    let period = config.period.as_secs_f64();
    let direct = f64::from(config.direct.min(n - 1));
    let confirmations = config.suspicion.confirmations_wanted(n);
    let suspicion = config.suspicion.timeout(config.period, n, confirmations).as_secs_f64();
    let selector = candidate.selector.as_ref().map(|spec| spec.kind.clone());
    let is_scheduled = selector.or(config.defaults.selector.map(str::to_owned)).is_some_and(|kind| {
        let kind = kind.split(':').next().unwrap_or_default();
        kind == "auto" || kind == "schedule"
    });
    let wait = if is_scheduled { SCHEDULED_WAIT } else { RANDOM_WAIT };
    let heard = 1.0 - question.loss;
    let helped = 1.0 - heard * heard;
    let helpers = config.indirect.min(n.saturating_sub(2));
    let messages = direct / period * (2.0 + 4.0 * helped * f64::from(helpers));
    Some(Forecast {
        declared_s: (wait / direct + 1.0) * period + suspicion,
        bytes: 20.0 * messages,
        messages,
        false_deaths: answers_in_time(&config, placement).then(|| DeathBound {
            per_month: f64::from(n) * direct * MONTH_S / period * pm(question.loss, helpers),
            formula: "n p PM(F) per period, PM(F) = (1-q^2)(1-q^4)^k: suspicions, refuted ones included",
        }),
    })
}

/// PM(F) of the SWIM paper without crashed members: the probability that neither a ping nor those through k helpers are
/// answered, where a packet is lost with the probability `loss`.
pub(super) fn pm(loss: f64, helpers: u32) -> f64 {
    let heard = 1.0 - loss;
    (1.0 - heard * heard) * libm::pow(1.0 - libm::pow(heard, 4.0), f64::from(helpers))
}

/// PM(F) inverted: the least number of helpers with which a group of `members` has at most `per_month` suspicions, with
/// `pings` per member and second. `None` if the group has too few members, or more than 16 helpers are needed.
pub(super) fn helpers_for(members: u32, loss: f64, pings: f64, per_month: f64) -> Option<u32> {
    let rate = |helpers| f64::from(members) * pings * MONTH_S * pm(loss, helpers);
    (1..=members.saturating_sub(2).min(16)).find(|&helpers| rate(helpers) <= per_month)
}

/// Whether pings and indirect pings are always answered in time, so that only losses make a probe fail. PM(F) bounds
/// nothing else.
fn answers_in_time(config: &crate::protocol::Config, placement: &Placement) -> bool {
    let longest = f64::from(placement.longest_rtt_us()) / 1e6;
    let (timeout, period) = (config.probe_timeout.as_secs_f64(), config.period.as_secs_f64());
    is_steady(placement) && longest * JITTER <= timeout && 2.0 * longest * JITTER <= period - timeout
}

/// The room that is left for jitter.
const JITTER: f64 = 1.1;

/// Whether delays hardly vary: of the packets of a sample none takes a tenth longer than its path.
///
/// Delays of up to a millisecond vary by more than that on a local network, which no timeout notices.
fn is_steady(placement: &Placement) -> bool {
    use swimlab_selectors::rng::{Purpose, below, stream};

    let mut rng = stream(0, Purpose::Network, u64::MAX);
    let members = placement.members();
    (0..SAMPLE).all(|_| {
        let (from, to) = (below(&mut rng, members), below(&mut rng, members));
        let (delay, base) = (placement.delay_us(from, to, &mut rng), placement.one_way_us(from, to));
        f64::from(delay) <= JITTER * f64::from(base) + 1_000.0
    })
}

/// Number of packets that are looked at.
const SAMPLE: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_those_that_the_formula_asks_for() {
        // (1-q^2)(1-q^4)^k with q = 0.99: 0.0199 x 0.0394^k. 600 pings a second are 1.56e9 a month.
        let rate = |k: i32| 600.0 * MONTH_S * 0.0199 * 0.039_404_f64.powi(k);
        assert!((rate(3) - 1_893.0).abs() < 10.0, "{}", rate(3));
        assert_eq!(helpers_for(600, 0.01, 1.0, 1.0), Some(6));
        assert!(rate(6) < 1.0 && rate(5) > 1.0);
        assert_eq!(helpers_for(5, 0.01, 1.0, 1.0), None, "three helpers are not enough");
        assert_eq!(helpers_for(600, 0.0, 1.0, 1.0), Some(1));
    }

    #[test]
    fn a_majority_errs_less_than_each_of_its_members() {
        let each = silence(0.1, 3.5, 1.0);
        assert!((each - 1e-3).abs() < 1e-12);
        assert!(majority(25.0, 0.1, 3.5, 1.0) < 1e-15);
        assert_eq!(majority(25.0, 0.0, 3.5, 1.0), 0.0);
    }
}
