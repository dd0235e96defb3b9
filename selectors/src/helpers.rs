//! Who is asked to ping the silent targets.

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::metric::{Metric, MetricIndex, build_shared_metric, metrics};
use crate::peer::{Peer, Slot};
use crate::power_law::{PowerLaw, draw};
use crate::registry::Registry;
use crate::rng::below;
use crate::selector::{Helpers, pick_uniform};
use crate::strategies::power_law;
use crate::view::Context;

/// Helpers drawn uniformly, as in SWIM.
///
/// Should fewer be left that are neither targets nor suspected, fewer are asked, never a suspect.
#[derive(Clone, Copy, Debug, Default)]
pub struct UniformHelpers;

/// Helpers over different paths.
///
/// A direct ping and an indirect one that share a path fail together and tell nothing new. So helpers are chosen one
/// by one, each in another zone, and if possible region, than the prober, the targets and the helpers chosen before:
/// whoever shares the fewest levels of the zone path with them. Peers without a path are told apart by their sites;
/// with neither, the choice is uniform.
///
/// They are chosen among a random sample; when its zones do not suffice, also among the first fit zones in 4,096 slots
/// from a random one on. So in a group of up to 4,096, a helper in neither the prober's nor the target's region (or
/// site) is found whenever there is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiverseHelpers;

/// Helpers drawn by a power of their distance from the prober, as Medley draws its targets.
#[derive(Clone)]
pub struct SpatialHelpers {
    index: Arc<dyn MetricIndex>,
    law: PowerLaw,
}

impl SpatialHelpers {
    /// Helpers by this law over these distances.
    pub fn new(metric: &dyn Metric, law: PowerLaw) -> Self {
        // Distances need no roster.
        Self { index: metric.index(&[]), law }
    }
}

/// The built-in choices of helpers.
pub fn helpers() -> Registry<Arc<dyn Helpers>, BuildContext> {
    let mut registry: Registry<Arc<dyn Helpers>, BuildContext> = Registry::new("choice of helpers");
    let about = "Drawn at random among all that are neither targets nor suspected.";
    registry.register("uniform", about, vec![], |_, _| Ok(Arc::new(UniformHelpers)));
    let about = "Spread over zones and regions other than the prober's and the targets'.";
    registry.register("diverse", about, vec![], |_, _| Ok(Arc::new(DiverseHelpers)));
    let about = "Near members more often, by a power of the distance (Medley).";
    let by = metrics();
    registry.register("spatial", about, power_law("what near means"), move |params, context| {
        let metric = build_shared_metric(&by, params.text("metric"), context)?;
        Ok(Arc::new(SpatialHelpers::new(&*metric, PowerLaw::new(params.real("exponent"), params.real("least")))))
    });
    registry
}

impl Helpers for SpatialHelpers {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = ctx.view;
        let fit = |&slot: &Slot| view.pingable(slot) && !view.suspect(slot) && !targets.contains(&slot);
        let mut weights = self.law.weights(&*self.index, view, (0..view.slots()).filter(fit));
        picks.extend((0..want).map_while(|_| draw(&mut weights, ctx.rng)));
    }
}

impl Helpers for UniformHelpers {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = ctx.view;
        pick_uniform(ctx, want, picks, |slot| !view.suspect(slot) && !targets.contains(&slot));
    }
}

impl Helpers for DiverseHelpers {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = ctx.view;
        let fit = |slot: Slot| view.pingable(slot) && !view.suspect(slot) && !targets.contains(&slot);
        let kin = |a: Slot, b: Slot| kinship(view.peer(a), view.peer(b));
        let sample = 4 * want + 12;
        let mut pool = Vec::with_capacity(sample + want);
        pick_uniform(ctx, sample, &mut pool, fit);
        let mut shunned: Vec<Slot> = targets.iter().copied().chain([view.me()]).collect();
        if pool.len() == sample {
            // One of each zone outside the shunned regions.
            let mut zones: Vec<Slot> = Vec::with_capacity(want);
            let new = |slot: Slot, zones: &[Slot]| {
                shunned.iter().all(|&other| kin(slot, other) == 0)
                    && zones.iter().all(|&other| kin(slot, other) < SAME_ZONE)
            };
            let first = below(ctx.rng, view.slots());
            let scanned = (first..view.slots()).chain(0..first).take(MOST_SCANNED).filter(|&slot| fit(slot));
            for slot in pool.clone().into_iter().chain(scanned) {
                if zones.len() == want {
                    break;
                }
                if new(slot, &zones) {
                    zones.push(slot);
                }
            }
            zones.retain(|slot| !pool.contains(slot));
            pool.append(&mut zones);
        }
        for _ in 0..want.min(pool.len()) {
            let shared = |at: &usize| shunned.iter().map(|&other| kin(pool[*at], other)).sum::<u64>();
            // The first of the least akin: the sample is in random order.
            let least = (0..pool.len()).min_by_key(shared).expect("the pool is not empty");
            let slot = pool.remove(least);
            shunned.push(slot);
            picks.push(slot);
        }
    }
}

const SAME_ZONE: u64 = 1 << 16;
const MOST_SCANNED: usize = 4096;

/// How much of their paths two peers are likely to share. One shared zone outweighs any number of shared regions.
fn kinship(a: &Peer, b: &Peer) -> u64 {
    let known = !a.zone.levels().is_empty() && !b.zone.levels().is_empty();
    match a.zone.shared_levels(&b.zone) {
        0 if known => 0,
        0 => u64::from(a.site.is_some() && a.site == b.site) * SAME_ZONE,
        1 => 1,
        2 => SAME_ZONE,
        _ => SAME_ZONE << 16,
    }
}
