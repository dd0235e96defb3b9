//! `gossip-heartbeat`: van Renesse, Minsky and Hayden, "A gossip-style failure detection service" (Middleware 1998). In
//! each period a member raises its counter and sends its table of counters to one random other. A member whose counter
//! has not risen for T_fail is dead, and is forgotten after twice that, so that old tables revive no dead member.
//!
//! T_fail has to grow with the group, as a counter takes about log n periods to reach every member. False positives are
//! a matter of probability, so it guarantees no agreement, only that its stores stay bounded.

use std::sync::Arc;

use swimlab_selectors::{Param, Registry};

use super::{Detector, Reach, Rules, fanout, period, span};
use crate::protocol::Span;

#[derive(Clone)]
struct GossipHeartbeat {
    period: Span,
    fanout: u32,
    fail_mult: f64,
}

impl GossipHeartbeat {
    fn fail(&self, n: u32) -> Span {
        self.period.scale(self.fail_mult * libm::log2(f64::from(n)).max(1.0))
    }
}

impl Rules for GossipHeartbeat {
    type Pulse = ();

    fn period(&self) -> Span {
        self.period
    }

    fn reach(&self) -> Reach {
        Reach::Random(self.fanout)
    }

    fn relays(&self) -> bool {
        true
    }

    fn patience(&self, (): &(), n: u32) -> Span {
        self.fail(n)
    }

    fn memory(&self, n: u32) -> Span {
        // Twice T_fail from the last heartbeat: once more from the failure on.
        self.fail(n)
    }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Detector>>) {
    registry.register(
        "gossip-heartbeat",
        "Detector: tables of heartbeat counters go to a random member each period (van Renesse 1998).",
        vec![
            period(),
            fanout(1),
            Param::real("fail_mult", 0.1, 1000.0, 4.0, "T_fail is this x max(1, log2 n) periods"),
        ],
        |p, ()| {
            let (fanout, fail_mult) = (p.count("fanout")?, p.real("fail_mult")?);
            Ok(Arc::new(GossipHeartbeat { period: span(p, "period")?, fanout, fail_mult }))
        },
    );
}
