//! EventKind a topology tells strategies about itself, besides each peer's place.

use std::fmt;
use std::sync::Arc;

use crate::peer::Peer;

/// EventKind is known of the network when strategies and metrics are built.
#[derive(Clone, Default)]
pub struct BuildContext {
    /// Measured round-trip times, where there are any: what the metric `rtt` asks.
    pub rtt: Option<Arc<dyn RttSource>>,
}

/// Measured round-trip times between peers.
pub trait RttSource: Send + Sync {
    /// Microseconds there and back, without jitter; `None` if one of the peers has no site in the measurement.
    fn rtt_us(&self, from: &Peer, to: &Peer) -> Option<u32>;
    /// The number of sites: [`Peer::site`] is below it. Peers of one site are interchangeable.
    fn sites(&self) -> u32;
    /// Microseconds there and back between two sites, or within one (`from == to`).
    fn between(&self, from: u32, to: u32) -> u32;
}

impl fmt::Debug for BuildContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildContext").field("rtt", &self.rtt.is_some()).finish()
    }
}
