//! `rtt`: measured round-trip times between sites.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use super::MetricRegistry;
use super::distance::{Metric, MetricIndex, UNKNOWN_DISTANCE};
use super::tied::{Groups, Hashed, visit_tied};
use crate::build_context::RttSource;
use crate::peer::{Peer, Slot};

/// Measured round-trip time between the sites of both peers, in microseconds; [`UNKNOWN_DISTANCE`] without a site.
#[derive(Clone)]
pub struct Rtt {
    source: Arc<dyn RttSource>,
}

impl Rtt {
    /// Metric over these measurements.
    pub fn new(source: Arc<dyn RttSource>) -> Self {
        Self { source }
    }

    fn between(&self, from: &Peer, to: &Peer) -> u64 {
        match (self.site(from), self.site(to)) {
            (Some(from), Some(to)) => u64::from(self.source.between(from, to)),
            _ => UNKNOWN_DISTANCE,
        }
    }

    fn site(&self, peer: &Peer) -> Option<u32> {
        peer.site.filter(|&site| site < self.source.sites())
    }
}

/// Sites as `(microseconds, site)`, nearest first.
type SiteOrder = Box<[(u32, u32)]>;

struct RttIndex {
    rtt: Rtt,
    /// One group per site, and a last one of the peers without.
    groups: Groups,
    /// Sites with members.
    occupied: Vec<u32>,
    /// Occupied sites by their distance from each site, computed on first use.
    orders: Vec<OnceLock<SiteOrder>>,
    everyone: OnceLock<Vec<Hashed>>,
}

impl Metric for Rtt {
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        let sites = self.source.sites();
        let site = |peer: &Peer| self.site(peer).unwrap_or(sites);
        let members = (0..).zip(roster).map(|(slot, peer)| (site(peer), peer.id, slot));
        let groups = Groups::new(sites as usize + 1, members);
        let occupied = (0..sites).filter(|&site| !groups.group(site as usize).is_empty()).collect();
        let orders = (0..sites).map(|_| OnceLock::new()).collect();
        Arc::new(RttIndex { rtt: self.clone(), groups, occupied, orders, everyone: OnceLock::new() })
    }
}

impl RttIndex {
    /// Returns the occupied sites by their distance from a site.
    fn order(&self, from: u32) -> &[(u32, u32)] {
        self.orders[from as usize].get_or_init(|| {
            let mut order: SiteOrder =
                self.occupied.iter().map(|&to| (self.rtt.source.between(from, to), to)).collect();
            order.sort_unstable();
            order
        })
    }
}

impl MetricIndex for RttIndex {
    fn distance(&self, from: &Peer, to: &Peer) -> u64 {
        self.rtt.between(from, to)
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        let Some(own) = self.rtt.site(from) else {
            let everyone = self.everyone.get_or_init(|| self.groups.united());
            return visit_tied(&[everyone], from, visit);
        };
        for equally_far in self.order(own).chunk_by(|a, b| a.0 == b.0) {
            let groups: Vec<_> = equally_far.iter().map(|&(_, site)| self.groups.group(site as usize)).collect();
            visit_tied(&groups, from, visit)?;
        }
        visit_tied(&[self.groups.group(self.orders.len())], from, visit)
    }
}

pub(super) fn register(registry: &mut MetricRegistry) {
    let about = "Measured round-trip time between the sites of both peers.";
    registry.register("rtt", about, vec![], |_, context| match &context.rtt {
        Some(source) => Ok(Arc::new(Rtt::new(Arc::clone(source)))),
        None => {
            Err("no measured round-trip times here; use a topology that has them, or vivaldi, which learns them".into())
        }
    });
}
