//! Copies and hashes of members, for model checkers: they run one member on from one state in several ways, and recognize
//! states that they have seen.

use std::hash::{Hash, Hasher};

use swimlab_selectors::rng::{Rng, bits};
use swimlab_selectors::{Context, IndexedSelector};

use super::Member;
use crate::protocol::state_hash::StateHash;
use crate::protocol::time::Time;

impl Member {
    /// Copies the member. The copy has a new state of this selector: it goes on like the original if the selector keeps no
    /// state between its calls.
    pub fn fork(&self, indexed: &IndexedSelector) -> Self {
        let mut ctx = Context {
            view: &self.table,
            period: self.period,
            shared_period: self.shared_period,
            has_updates: self.queue.has_urgent(),
            // A copy: the member's own stream has yielded what its first selector state needed.
            rng: &mut self.strategy_rng.clone(),
        };
        Self {
            selector: indexed.new_state(&mut ctx),
            config: self.config.clone(),
            queue: self.queue.clone(),
            table: self.table.clone(),
            round: self.round.clone(),
            deadlines: self.deadlines.clone(),
            cold: self.cold.clone(),
            strategy_rng: self.strategy_rng.clone(),
            rng: self.rng.clone(),
            ..*self
        }
    }

    /// Feeds the member's state to a hasher: all that its answers to further calls depend on, apart from its configuration
    /// and the state of its selector. Times count relative to `reference`, such as the current time or the member's deadline;
    /// periods and sequence numbers count as they are. Floating-point numbers (locations, coordinates) are left out.
    ///
    /// The hash is for comparisons within one run of a program: it changes with versions.
    pub fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self {
            config: _,
            id,
            incarnation,
            queue,
            table,
            timers,
            lifecycle,
            knows_slow,
            stalled,
            has_coordinates,
            follows_clock,
            observes_pings,
            is_regular,
            health,
            seq,
            upcoming: _,
            round,
            selector: _,
            period,
            shared_period,
            deadlines,
            cold,
            since_epoch,
            strategy_rng,
            rng,
        } = self;
        (id, incarnation, lifecycle, knows_slow, stalled, has_coordinates, is_regular).hash(hasher);
        (follows_clock, observes_pings).hash(hasher);
        (health, seq, period, shared_period, since_epoch).hash(hasher);
        queue.hash_state(reference, hasher);
        table.hash_state(reference, hasher);
        timers.hash_state(reference, hasher);
        round.hash_state(reference, hasher);
        deadlines.as_deref().hash_state(reference, hasher);
        cold.as_deref().hash_state(reference, hasher);
        (next_draws(strategy_rng), next_draws(rng)).hash(hasher);
    }
}

/// The next 128 bits of a random stream, which tell it from others.
fn next_draws(rng: &Rng) -> [u64; 2] {
    let mut rng = rng.clone();
    [bits(&mut rng), bits(&mut rng)]
}
