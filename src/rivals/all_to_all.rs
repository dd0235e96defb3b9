//! `all-to-all`: every member sends its heartbeat to every other in each period; who is not heard of for a fixed time is
//! dead. The load grows with the square of the group: what SWIM set out to avoid (DSN 2002, section 2).
//!
//! Without loss it promises that everyone knows of a crash or departure one timeout and one period later.

use std::sync::Arc;

use swimlab_selectors::registry::{Param, Registry};

use super::{Reach, Rival, Rules, period, span};
use crate::protocol::Span;

#[derive(Clone)]
struct AllToAll {
    period: Span,
    timeout: Span,
    memory: Span,
}

impl Rules for AllToAll {
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

    fn patience(&self, (): &(), _: u32) -> Span {
        self.timeout
    }

    fn memory(&self, _: u32) -> Span {
        self.memory
    }

    fn settles(&self, _: u32) -> Option<Span> {
        // Two periods for the delays of the network; a timeout below that promises nothing.
        (self.timeout > self.period * 2).then(|| self.timeout + self.period * 2)
    }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Rival>>) {
    registry.register(
        "all-to-all",
        "Rival: every member sends its heartbeat to every other; silence for a fixed time is death.",
        vec![
            period(),
            Param::span("timeout", 1e-3, 86_400.0, "5s", "how long a silence is borne"),
            Param::span(
                "memory",
                1.0,
                1e7,
                "10m",
                "how long the dead get heartbeats, in case they are behind a partition",
            ),
        ],
        |p, ()| {
            Ok(Arc::new(AllToAll { period: span(p, "period"), timeout: span(p, "timeout"), memory: span(p, "memory") }))
        },
    );
}
