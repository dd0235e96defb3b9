//! `hierarchy`: rack before zone before region before elsewhere.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use super::MetricRegistry;
use super::distance::{Metric, MetricIndex, UNKNOWN_DISTANCE};
use super::tied::{Groups, Hashed, visit_tied};
use crate::peer::{Peer, Slot, ZonePath};

/// Number of levels of the zone path that two peers do not share: 0 in one rack, 1 in one zone, 2 in one region, 3
/// elsewhere; [`UNKNOWN_DISTANCE`] without a path.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hierarchy;

struct HierarchyIndex {
    paths: Vec<ZonePath>,
    /// Areas of each level with their members, from the whole world to racks.
    levels: Vec<(Vec<ZonePath>, Groups)>,
    /// Peers without a path.
    without_path: Groups,
    everyone: OnceLock<Vec<Hashed>>,
}

fn levels_apart(a: &ZonePath, b: &ZonePath) -> u64 {
    if a.levels().is_empty() || b.levels().is_empty() {
        return UNKNOWN_DISTANCE;
    }
    (ZonePath::LEVELS - a.shared_levels(b)) as u64
}

/// Returns the first `level` levels of a path; `None` if it has fewer, or none at all.
fn area(path: &ZonePath, level: usize) -> Option<ZonePath> {
    let levels = path.levels();
    (!levels.is_empty() && levels.len() >= level).then(|| ZonePath::from_levels(&levels[..level]))
}

impl Metric for Hierarchy {
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        let peers = || (0..).zip(roster);
        let levels = (0..=ZonePath::LEVELS).map(|level| {
            let mut areas: Vec<_> = roster.iter().filter_map(|peer| area(&peer.zone, level)).collect();
            areas.sort_unstable();
            areas.dedup();
            let members = peers().filter_map(|(slot, peer)| {
                let group = areas.binary_search(&area(&peer.zone, level)?).ok()?;
                Some((group as u32, peer.id, slot))
            });
            let groups = Groups::new(areas.len(), members);
            (areas, groups)
        });
        let without_path =
            peers().filter(|(_, peer)| peer.zone.levels().is_empty()).map(|(slot, peer)| (0, peer.id, slot));
        Arc::new(HierarchyIndex {
            paths: roster.iter().map(|peer| peer.zone).collect(),
            levels: levels.collect(),
            without_path: Groups::new(1, without_path),
            everyone: OnceLock::new(),
        })
    }
}

impl MetricIndex for HierarchyIndex {
    fn distance(&self, from: &Peer, to: &Peer) -> u64 {
        levels_apart(&from.zone, &to.zone)
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        if from.zone.levels().is_empty() {
            let everyone = self.everyone.get_or_init(|| {
                let mut all = self.levels[0].1.united();
                all.extend(self.without_path.group(0));
                all.sort_unstable();
                all
            });
            return visit_tied(&[everyone], from, visit);
        }
        for level in (0..=ZonePath::LEVELS).rev() {
            let (areas, groups) = &self.levels[level];
            let found = area(&from.zone, level).and_then(|area| areas.binary_search(&area).ok());
            if let Some(group) = found {
                // The area contains the smaller ones that were visited before.
                visit_tied(&[groups.group(group)], from, &mut |slot| {
                    let nearer = self.paths[slot as usize].shared_levels(&from.zone) > level;
                    if nearer { ControlFlow::Continue(()) } else { visit(slot) }
                })?;
            }
        }
        visit_tied(&[self.without_path.group(0)], from, visit)
    }
}

pub(super) fn register(registry: &mut MetricRegistry) {
    let about = "Same rack before same zone before same region before elsewhere.";
    registry.register("hierarchy", about, vec![], |_, _| Ok(Arc::new(Hierarchy)));
}
