//! Random orders in which what has more weight tends to be first.

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

    /// A number between 0 and 1 that is neither of them.
    fn share(&mut self) -> f64 {
        ((self.number() >> 12) as f64 + 0.5) / (1u64 << 52) as f64
    }
}

/// The weight of an instance with weight 0: it is first now and then all the same (RFC 2782).
const LEAST_WEIGHT: f64 = 1.0 / 64.0;

/// Chooses at most `most` instances and puts them into a random order: the readiest first, and among equally ready ones
/// each is first with a probability in proportion to its weight (Efraimidis and Spirakis 2006). `instances` are sorted by
/// readiness. Of more than `most` a run from a random place on is taken, so that the time for an answer has a bound.
pub(super) fn choose<'a>(mut instances: Vec<&'a Instance>, most: usize, draw: &mut Draw) -> Vec<&'a Instance> {
    if instances.len() > most {
        let ready = instances.partition_point(|instance| instance.readiness == Readiness::Ready);
        let from = if ready > most { &mut instances[..ready] } else { &mut instances[ready..] };
        let turn = (draw.number() % from.len() as u64) as usize;
        from.rotate_left(turn);
        instances.truncate(most);
    }
    let mut keyed: Vec<_> = instances.into_iter().map(|instance| (arrival(instance, draw), instance)).collect();
    keyed.sort_by(|(a, one), (b, other)| one.readiness.cmp(&other.readiness).then(a.total_cmp(b)));
    keyed.into_iter().map(|(_, instance)| instance).collect()
}

/// A time after an exponential distribution whose rate is the weight: the least one of several is that of each with a
/// probability in proportion to its weight.
fn arrival(instance: &Instance, draw: &mut Draw) -> f64 {
    -draw.share().ln() / f64::from(instance.service.weight).max(LEAST_WEIGHT)
}
