//! Inputs to the construction of selectors, metrics and helpers: [`BuildContext`].

use std::fmt;
use std::sync::Arc;

use crate::peer::Peer;

/// Properties of the network that are known when a selector, metric or helper strategy is built.
///
/// The default knows nothing, which suffices for everything but the metric `rtt`.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct BuildContext {
    /// Measured round-trip times, as the metric `rtt` needs them.
    pub rtt: Option<Arc<dyn RttSource>>,
}

impl BuildContext {
    /// Context with measured round-trip times.
    pub fn with_rtt(source: Arc<dyn RttSource>) -> Self {
        Self { rtt: Some(source) }
    }
}

/// Measured round-trip times between sites.
pub trait RttSource: Send + Sync {
    /// Number of sites; every [`Peer::site`] is below it. Peers of one site are interchangeable.
    fn sites(&self) -> u32;
    /// Round-trip time in microseconds between two sites, or within one (`from == to`), without jitter.
    fn between(&self, from: u32, to: u32) -> u32;
    /// Round-trip time in microseconds between two peers; `None` if one of them has no site.
    fn rtt_us(&self, from: &Peer, to: &Peer) -> Option<u32> {
        Some(self.between(from.site?, to.site?))
    }
}

impl fmt::Debug for BuildContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuildContext").field("rtt", &self.rtt.is_some()).finish()
    }
}
