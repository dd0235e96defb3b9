//! `phi-accrual`: Hayashibara, Défago, Yared and Katayama (SRDS 2004) over gossip, as chitchat and Cassandra run it. A
//! table of heartbeat counters goes to three random members each second, which answer with newer counters. Each
//! member records the intervals between updates about every other, and declares it dead once
//! phi = -log10(P(an interval is longer than the silence so far)) reaches a threshold.
//!
//! The distribution of intervals is assumed to be normal (Hayashibara) or exponential (Cassandra). Of the last `window`
//! intervals only count, mean and variance are stored: exact until the window is full, with exponentially fading
//! weights after that.
//!
//! Its accuracy is a probability, so it guarantees no agreement, only that its stores stay bounded.

use std::sync::Arc;

use swimlab_selectors::{Param, Params, Registry};

use super::{Detector, Reach, Rules, fanout, period, span};
use crate::protocol::Span;

#[derive(Clone)]
struct PhiAccrual {
    period: Span,
    fanout: u32,
    /// The timeout: mean + this x deviation (normal), or this x mean (exponential).
    limit: Limit,
    window: u32,
    longest_s: f64,
    initial_s: f64,
    least_deviation_s: f64,
    memory: Span,
}

#[derive(Clone, Copy)]
enum Limit {
    Deviations(f64),
    Means(f64),
}

/// The intervals between updates about one member, in seconds.
#[derive(Clone, Copy, Default)]
struct Intervals {
    count: u32,
    mean: f64,
    /// The sum of squared differences from the mean.
    spread: f64,
}

impl Rules for PhiAccrual {
    type Pulse = Intervals;

    fn period(&self) -> Span {
        self.period
    }

    fn reach(&self) -> Reach {
        Reach::Random(self.fanout)
    }

    fn relays(&self) -> bool {
        true
    }

    fn pulls(&self) -> bool {
        true
    }

    fn beat(&self, pulse: &mut Intervals, silence: Span) {
        let interval = silence.as_secs_f64();
        if interval <= self.longest_s {
            *pulse = self.primed(*pulse).with(interval, self.window);
        }
    }

    fn patience(&self, pulse: &Intervals, _: u32) -> Span {
        let pulse = self.primed(*pulse);
        Span::from_secs_f64(match self.limit {
            Limit::Deviations(z) => pulse.mean + z * pulse.deviation().max(self.least_deviation_s),
            Limit::Means(times) => times * pulse.mean,
        })
    }

    fn memory(&self, _: u32) -> Span {
        self.memory
    }
}

impl PhiAccrual {
    /// Before the first interval, two are assumed: a quarter below and above the initial one.
    fn primed(&self, pulse: Intervals) -> Intervals {
        if pulse.count > 0 {
            return pulse;
        }
        let quarter = self.initial_s / 4.0;
        Intervals { count: 2, mean: self.initial_s, spread: 2.0 * quarter * quarter }
    }
}

impl Intervals {
    /// Welford's running mean and sum of squares; with a full window a new interval replaces an average one.
    fn with(self, interval: f64, window: u32) -> Self {
        let full = self.count >= window;
        let count = if full { self.count } else { self.count + 1 };
        let old_spread = if full { self.spread * (1.0 - 1.0 / f64::from(count)) } else { self.spread };
        let mean = self.mean + (interval - self.mean) / f64::from(count);
        Self { count, mean, spread: old_spread + (interval - self.mean) * (interval - mean) }
    }

    fn deviation(self) -> f64 {
        (self.spread / f64::from(self.count.max(1))).sqrt()
    }
}

/// The number of standard deviations above its mean that a normal variable exceeds with a probability of 10^-phi.
fn deviations(phi: f64) -> f64 {
    let phi_of = |z: f64| -libm::log10(0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2));
    let (mut low, mut high) = (-10.0, 37.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if phi_of(middle) < phi { low = middle } else { high = middle }
    }
    high
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Detector>>) {
    registry.register(
        "phi-accrual",
        "Detector: the suspicion level grows with the time since the last heartbeat, relative to past intervals (Hayashibara 2004; chitchat, Cassandra).",
        vec![
            period(),
            fanout(3),
            Param::real("threshold", 0.1, 100.0, 8.0, "phi at which a member is dead"),
            Param::choice("intervals", &["normal", "exponential"], "normal", "assumed distribution of intervals"),
            Param::count("window", 2, 1_000_000, 1000, "number of past intervals that are used"),
            Param::span("max_interval", 1e-3, 86_400.0, "10s", "maximum interval that is used"),
            Param::span("initial_interval", 1e-3, 86_400.0, "5s", "interval assumed before the first one"),
            Param::span("min_deviation", 0.0, 3600.0, "100ms", "minimum standard deviation (normal)"),
            Param::span("memory", 1.0, 1e7, "10m", "time for which dead members are remembered"),
        ],
        |p, ()| Ok(Arc::new(build(p)?)),
    );
}

fn build(p: &Params) -> Result<PhiAccrual, String> {
    let threshold = p.real("threshold")?;
    Ok(PhiAccrual {
        period: span(p, "period")?,
        fanout: p.count("fanout")?,
        limit: match p.text("intervals")? {
            "exponential" => Limit::Means(threshold * std::f64::consts::LN_10),
            _ => Limit::Deviations(deviations(threshold)),
        },
        window: p.count("window")?,
        longest_s: p.real("max_interval")?,
        initial_s: p.real("initial_interval")?,
        least_deviation_s: p.real("min_deviation")?,
        memory: span(p, "memory")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phi_eight_of_a_normal_variable_is_reached_at_5_61_deviations() {
        // 1 - F(5.612) = 1e-8, as any table of the normal distribution has it.
        assert!((deviations(8.0) - 5.612).abs() < 1e-3, "{}", deviations(8.0));
        assert!((deviations(1.0) - 1.2816).abs() < 1e-4);
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_intervals() {
        let seconds = [1.0, 2.0, 4.0, 5.0];
        let intervals = seconds.iter().fold(Intervals::default(), |all, &s| all.with(s, 1000));
        assert_eq!((intervals.mean, intervals.deviation()), (3.0, 2.5_f64.sqrt()));
        // With a full window old intervals fade: after 200 intervals of 1 s hardly any weight is left.
        let later = (0..200).fold(intervals, |all, _| all.with(1.0, 10));
        assert!((later.mean - 1.0).abs() < 1e-6 && later.deviation() < 1e-3);
    }
}
