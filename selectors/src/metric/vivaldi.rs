//! `vivaldi`: round-trip times that each member learns by itself.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::tied::{Groups, Hashed, visit_tied};
use super::{Metric, MetricIndex, UNKNOWN};
use crate::build_context::BuildContext;
use crate::peer::{Peer, Slot};
use crate::registry::Registry;

/// Microseconds there and back as a member measures them, or estimates them from network coordinates.
///
/// EventKind is learnt is each member's own, so the index that all share knows nothing: in it everybody is equally far from
/// everybody, and the tie-break alone is the order. That is where a member begins. A strategy that asks
/// [`Metric::learned`] goes on from there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vivaldi;

struct Unknown {
    everyone: Vec<Hashed>,
}

impl Metric for Vivaldi {
    fn unit(&self) -> &'static str {
        "us"
    }

    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        let everyone = Groups::new(1, (0..).zip(roster).map(|(slot, peer)| (0, peer.id, slot))).united();
        Arc::new(Unknown { everyone })
    }

    fn learned(&self) -> bool {
        true
    }
}

impl MetricIndex for Unknown {
    fn distance(&self, _: &Peer, _: &Peer) -> u64 {
        UNKNOWN
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        visit_tied(&[&self.everyone], from, visit)
    }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Metric>, BuildContext>) {
    let about =
        "Round-trip time that members learn from their own pings: needs no configuration. For neighborhood only.";
    registry.register("vivaldi", about, vec![], |_, _| Ok(Arc::new(Vivaldi)));
}
