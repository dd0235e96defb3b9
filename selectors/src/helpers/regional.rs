//! `regional`: helpers near enough that the detour over them takes little longer than the direct way.

use std::cmp::Ordering;
use std::sync::Arc;

use super::HelperRegistry;
use super::path::{Whereabouts, distance_us, pick_apart};
use crate::memo::Memo;
use crate::metric::MetricRegistry;
use crate::peer::{Peer, Slot};
use crate::rng::{below, shuffle};
use crate::selector::{Helpers, pick_uniform};
use crate::view::Context;

/// Helpers for which request, ping and both answers fit into what is left of the period.
///
/// A helper on the other side of the world answers too late for a target next door, and if one does, all do: then the
/// target is suspected although only one packet was lost. So candidates are the members for which the way to the helper
/// and on to the target is hardly longer than the direct one, by zone paths and locations. Of those, helpers are chosen
/// that share the least of their paths with the prober, the targets and each other, as
/// [`DiverseHelpers`](super::DiverseHelpers) are.
///
/// Where nothing is known about the prober or the targets, the choice is uniform. In groups of more than 1,024 members,
/// candidates are sought among 1,024 slots from a random one on.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegionalHelpers;

pub(super) fn register(registry: &mut HelperRegistry, _: &Arc<MetricRegistry>) {
    let about = "Near the prober or the target, over different paths; uniform where no distances are known.";
    registry.register("regional", about, vec![], |_, _| Ok(Arc::new(RegionalHelpers)));
}

/// Maximum number of slots that are scanned for near peers.
const MAX_SCANNED: usize = 1024;

/// Round-trip time by which a detour may be longer than the direct way, in microseconds, besides a quarter of that.
const DETOUR_US: f64 = 5_000.0;

fn nearer((a, _): &(f64, Slot), (b, _): &(f64, Slot)) -> Ordering {
    a.total_cmp(b)
}

impl Helpers for RegionalHelpers {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = ctx.view;
        let fits = |slot: Slot| view.pingable(slot) && !view.suspect(slot) && !targets.contains(&slot);
        let me = view.peer(view.me());
        let detour = |peer: &Peer| {
            let onward = targets.iter().map(|&target| distance_us(peer, view.peer(target)));
            onward.reduce(|longest, way| Some(longest?.max(way?)))?.zip(distance_us(me, peer))
        };
        let Some((direct, _)) = detour(me) else {
            return pick_uniform(ctx, want, picks, fits);
        };
        let first = below(ctx.rng, view.slots());
        let scanned = || (first..view.slots()).chain(0..first).take(MAX_SCANNED);
        let far = direct * 1.25 + DETOUR_US;
        // Members of one site are equally far from all others; distances on a globe take a dozen sines.
        let mut ways = Memo::new();
        let mut way = |slot: Slot| {
            let peer = view.peer(slot);
            let computed = || detour(peer).map_or(f64::INFINITY, |(onward, there)| onward + there);
            ways.get_or(Whereabouts::of(peer), computed)
        };
        // Few are near, and it costs more to see whether a member is suspected than to look up how far it is.
        let mut near: Vec<_> =
            scanned().map(|slot| (way(slot), slot)).filter(|(way, _)| way.total_cmp(&far).is_le()).collect();
        near.retain(|&(_, slot)| fits(slot));
        near.sort_by(nearer);
        if near.len() < want {
            let others = scanned().map(|slot| (way(slot), slot)).filter(|(way, _)| way.total_cmp(&far).is_gt());
            let mut others: Vec<_> = others.filter(|&(_, slot)| fits(slot)).collect();
            others.sort_by(nearer);
            near.extend(others.into_iter().take(want - near.len()));
        }
        let mut near: Vec<Slot> = near.into_iter().map(|(_, slot)| slot).collect();
        shuffle(&mut near, ctx.rng);
        let avoided = targets.iter().copied().chain([view.me()]).collect();
        pick_apart(view, near, avoided, want, picks);
    }
}
