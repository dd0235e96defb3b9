//! The limits of simulated worlds, for docs/limits.md.

use super::faults::DEFAULT_QUEUE;
use super::stream::LONGEST;
use crate::limits::Amount::Count;
use crate::limits::{Amount, Limit, Section};

/// The limits of simulated worlds.
pub(crate) fn stated_limits() -> [Section; 1] {
    let limits = vec![
        Limit::new(
            "time of an exchange over a simulated stream",
            Amount::micros(LONGEST.as_micros()),
            "it fails, as one of agents does",
            &["timeouts_add_up_to_the_longest_exchange_and_no_more"],
        ),
        Limit::new(
            "packets that wait in each direction for an impaired member: the key `queue` of a fault, by default",
            Count(DEFAULT_QUEUE.into()),
            "further ones are dropped",
            &["a_slow_member_queues_as_many_packets_as_its_fault_says"],
        ),
    ];
    [Section { title: "Simulated worlds", limits }]
}
