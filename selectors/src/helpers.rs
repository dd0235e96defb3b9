//! Who is asked to ping the silent targets.

use std::sync::Arc;

use crate::peer::{Peer, Slot};
use crate::registry::Registry;
use crate::rng::below;
use crate::selector::{Helpers, pick_uniform};
use crate::surroundings::Surroundings;
use crate::view::Turn;

/// Helpers drawn uniformly, as in SWIM.
///
/// Should fewer be left that are neither targets nor suspected, fewer are asked, never a suspect.
#[derive(Clone, Copy, Debug, Default)]
pub struct UniformHelpers;

/// Helpers over different paths.
///
/// A direct ping and an indirect one that share a path fail together and tell nothing new. So helpers are chosen one
/// by one, each in another zone, and if possible region, than the prober, the targets and the helpers chosen before:
/// peers that share the fewest levels of the zone path, from a random sample. Peers without a path are told apart
/// by their sites; with neither, the choice is uniform. If there is any fit helper outside the regions (or sites)
/// of the prober and all targets, one is chosen, though it costs a look at everybody.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiverseHelpers;

/// The built-in choices of helpers.
pub fn helpers() -> Registry<Arc<dyn Helpers>, Surroundings> {
    let mut registry: Registry<Arc<dyn Helpers>, Surroundings> = Registry::new("choice of helpers");
    let about = "Drawn at random among all that are neither targets nor suspected.";
    registry.register("uniform", about, vec![], |_, _| Ok(Arc::new(UniformHelpers)));
    let about = "Spread over zones and regions other than the prober's and the targets'.";
    registry.register("diverse", about, vec![], |_, _| Ok(Arc::new(DiverseHelpers)));
    registry
}

impl Helpers for UniformHelpers {
    fn helpers(&self, turn: &mut Turn<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = turn.view;
        pick_uniform(turn, want, picks, |slot| !view.suspect(slot) && !targets.contains(&slot));
    }
}

impl Helpers for DiverseHelpers {
    fn helpers(&self, turn: &mut Turn<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = turn.view;
        let fit = |slot: Slot| view.pingable(slot) && !view.suspect(slot) && !targets.contains(&slot);
        let sample = 4 * want + 12;
        let mut pool = Vec::with_capacity(sample + 1);
        pick_uniform(turn, sample, &mut pool, fit);
        let mut shunned: Vec<&Peer> = targets.iter().map(|&slot| view.peer(slot)).collect();
        shunned.push(view.peer(view.me()));
        let outside = |slot: Slot| shunned.iter().all(|peer| kinship(peer, view.peer(slot)) == 0);
        if pool.len() == sample && !pool.iter().any(|&slot| outside(slot)) {
            let first = below(turn.rng, view.slots());
            let everybody = (first..view.slots()).chain(0..first);
            pool.extend(everybody.into_iter().find(|&slot| fit(slot) && outside(slot)));
        }
        for _ in 0..want.min(pool.len()) {
            let kin = |slot: &Slot| shunned.iter().map(|peer| kinship(peer, view.peer(*slot))).sum::<u64>();
            // The first of the least akin: the pool is in random order.
            let least = (0..pool.len()).min_by_key(|&at| kin(&pool[at])).expect("the pool is not empty");
            let slot = pool.remove(least);
            shunned.push(view.peer(slot));
            picks.push(slot);
        }
    }
}

/// How much of their paths two peers are likely to share. One shared zone outweighs any number of shared regions.
fn kinship(a: &Peer, b: &Peer) -> u64 {
    let known = !a.zone.levels().is_empty() && !b.zone.levels().is_empty();
    match a.zone.shared_levels(&b.zone) {
        0 if known => 0,
        0 => u64::from(a.site.is_some() && a.site == b.site) << 16,
        1 => 1,
        2 => 1 << 16,
        _ => 1 << 32,
    }
}
