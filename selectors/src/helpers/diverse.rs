//! `diverse`: helpers over different network paths.

use std::sync::Arc;

use super::HelperRegistry;
use super::path::{SHARED_ZONE, path_overlap, pick_apart};
use crate::metric::MetricRegistry;
use crate::peer::Slot;
use crate::rng::below;
use crate::selector::{Helpers, pick_uniform};
use crate::view::Context;

/// Helpers in other zones, and if possible regions, than the prober, the targets and each other.
///
/// A direct ping and an indirect one that share a path fail together, so the indirect one adds no information. Helpers
/// are chosen one by one, each time the candidate that shares the fewest levels of the zone path with the prober, the
/// targets and the helpers chosen before. Peers without a zone path are told apart by their sites; without either the
/// choice is uniform.
///
/// Candidates are a random sample, and the first peers of other zones among 4,096 slots from a random one on. So in a
/// group of up to 4,096 members, a helper outside the regions (or sites) of prober and targets is found whenever one
/// exists.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiverseHelpers;

pub(super) fn register(registry: &mut HelperRegistry, _: &Arc<MetricRegistry>) {
    let about = "Spread over zones and regions other than the prober's and the targets'.";
    registry.register("diverse", about, vec![], |_, _| Ok(Arc::new(DiverseHelpers)));
}

/// Maximum number of slots that are scanned for peers of other zones.
const MAX_SCANNED: usize = 4096;

impl Helpers for DiverseHelpers {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = ctx.view;
        let fits = |slot: Slot| view.pingable(slot) && !view.suspect(slot) && !targets.contains(&slot);
        let overlap = |a: Slot, b: Slot| path_overlap(view.peer(a), view.peer(b));
        let sample = 4 * want + 12;
        let mut candidates = Vec::with_capacity(sample + want);
        pick_uniform(ctx, sample, &mut candidates, fits);
        let avoided: Vec<Slot> = targets.iter().copied().chain([view.me()]).collect();
        if candidates.len() == sample {
            // One candidate of each zone outside the avoided regions.
            let mut of_other_zones: Vec<Slot> = Vec::with_capacity(want);
            let is_other_zone = |slot: Slot, found: &[Slot]| {
                avoided.iter().all(|&other| overlap(slot, other) == 0)
                    && found.iter().all(|&other| overlap(slot, other) < SHARED_ZONE)
            };
            let first = below(ctx.rng, view.slots());
            let scanned = (first..view.slots()).chain(0..first).take(MAX_SCANNED).filter(|&slot| fits(slot));
            for slot in candidates.clone().into_iter().chain(scanned) {
                if of_other_zones.len() == want {
                    break;
                }
                if is_other_zone(slot, &of_other_zones) {
                    of_other_zones.push(slot);
                }
            }
            of_other_zones.retain(|slot| !candidates.contains(slot));
            candidates.append(&mut of_other_zones);
        }
        // Equals are in random order, since the sample is.
        pick_apart(view, candidates, avoided, want, picks);
    }
}
