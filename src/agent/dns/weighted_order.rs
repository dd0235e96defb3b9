//! Random orders in which what has more weight tends to be first.

use std::collections::BTreeSet;

use swimlab_selectors::rng::mix;

use crate::discovery::{Instance, Readiness};

/// Source of random numbers (SplitMix64): equal seeds give equal orders.
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    /// An index below a length that is not 0.
    fn below(&mut self, len: usize) -> usize {
        (self.number() % len as u64) as usize
    }

    /// A number between 0 and 1 that is neither of them.
    fn share(&mut self) -> f64 {
        ((self.number() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }
}

/// The weight of an instance with weight 0: it is first now and then all the same (RFC 2782).
const LEAST_WEIGHT: f64 = 1.0 / 64.0;

/// The random instances that are looked at for each that is wanted, before all are.
const TRIES_PER_INSTANCE: usize = 4;

/// Instances in the order in which an answer has them.
pub(super) struct Choice<'a> {
    pub instances: Vec<&'a Instance>,
    /// Whether there are more.
    pub is_cut: bool,
}

/// Chooses at most `most` of the healthy instances for which `fits` holds and puts them into a random order: the readiest
/// first, and among equally ready ones each is first with a probability in proportion to its weight (Efraimidis and
/// Spirakis 2006). `all` are sorted by readiness. Of more than `most` all are equally likely to be among the chosen.
pub(super) fn choose<'a>(
    all: &'a [Instance],
    fits: impl Fn(&Instance) -> bool,
    most: usize,
    draw: &mut Draw,
) -> Choice<'a> {
    let healthy = &all[..all.partition_point(|instance| instance.readiness.is_healthy())];
    let (ready, degraded) =
        healthy.split_at(healthy.partition_point(|instance| instance.readiness == Readiness::Ready));
    let mut chosen = sample(ready, &fits, most + 1, draw);
    chosen.extend(sample(degraded, &fits, most + 1 - chosen.len(), draw));
    let is_cut = chosen.len() > most;
    chosen.truncate(most);
    let mut keyed: Vec<_> = chosen.into_iter().map(|instance| (arrival(instance, draw), instance)).collect();
    keyed.sort_by(|(a, one), (b, other)| one.readiness.cmp(&other.readiness).then(a.total_cmp(b)));
    Choice { instances: keyed.into_iter().map(|(_, instance)| instance).collect(), is_cut }
}

/// At most `want` instances for which `fits` holds, in random order if there are as many. Of many, random ones are looked at
/// first, so that the time for an answer hardly grows with their number while most fit.
fn sample<'a>(
    from: &'a [Instance],
    fits: impl Fn(&Instance) -> bool,
    want: usize,
    draw: &mut Draw,
) -> Vec<&'a Instance> {
    let tries = want * TRIES_PER_INSTANCE;
    if from.len() > tries {
        let mut seen = BTreeSet::new();
        let random = (0..tries).map(|_| draw.below(from.len())).filter(|at| seen.insert(*at)).map(|at| &from[at]);
        let found: Vec<_> = random.filter(|instance| fits(instance)).take(want).collect();
        if found.len() == want {
            return found;
        }
    }
    let mut fitting: Vec<_> = from.iter().filter(|instance| fits(instance)).collect();
    if fitting.len() >= want {
        for at in 0..want {
            let other = at + draw.below(fitting.len() - at);
            fitting.swap(at, other);
        }
        fitting.truncate(want);
    }
    fitting
}

/// A time after an exponential distribution whose rate is the weight: the least one of several is that of each with a
/// probability in proportion to its weight.
fn arrival(instance: &Instance, draw: &mut Draw) -> f64 {
    -draw.share().ln() / f64::from(instance.service.weight).max(LEAST_WEIGHT)
}
