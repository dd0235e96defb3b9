//! `majority`: the scheme of small clusters. Every member publishes its timestamp to all others, and with it the list of
//! those whose timestamps it finds too old; a member is down when more than half of the group find so.
//!
//! Without loss it promises that everyone knows of a crash one timeout and two periods later: the silence, and the votes.

use std::sync::Arc;

use swimlab_selectors::registry::{Param, Registry};

use super::{Reach, Rival, Rules, period, span};
use crate::protocol::Span;

#[derive(Clone)]
struct Majority {
    period: Span,
    timeout: Span,
    memory: Span,
}

impl Rules for Majority {
    type Pulse = ();

    fn period(&self) -> Span {
        self.period
    }

    fn reach(&self) -> Reach {
        Reach::Everyone
    }

    fn relays(&self) -> bool {
        false
    }

    fn votes(&self) -> bool {
        true
    }

    fn patience(&self, (): &(), _: u32) -> Span {
        self.timeout
    }

    fn memory(&self, _: u32) -> Span {
        self.memory
    }

    /// Of two members one is no majority: nobody is ever declared dead.
    fn settles(&self, n: u32) -> Option<Span> {
        (n > 2 && self.timeout > self.period * 2).then(|| self.timeout + self.period * 3)
    }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Rival>>) {
    registry.register(
        "majority",
        "Rival: every member sends its timestamp to every other; down is who a majority has not heard of in time.",
        vec![
            period(),
            Param::span("timeout", 1e-3, 86_400.0, "5s", "how long a silence is borne before it counts as a vote"),
            Param::span(
                "memory",
                1.0,
                1e7,
                "10m",
                "how long the dead get timestamps, in case they are behind a partition",
            ),
        ],
        |p, ()| {
            Ok(Arc::new(Majority { period: span(p, "period"), timeout: span(p, "timeout"), memory: span(p, "memory") }))
        },
    );
}
