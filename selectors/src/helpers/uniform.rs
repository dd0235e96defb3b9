//! `uniform`: helpers drawn at random, as in SWIM.

use std::sync::Arc;

use super::HelperRegistry;
use crate::metric::MetricRegistry;
use crate::peer::Slot;
use crate::selector::{Helpers, pick_uniform};
use crate::view::Context;

/// Helpers drawn uniformly among all members that are neither targets nor suspected, as in SWIM.
///
/// If too few are left, fewer are picked; a suspected member never is.
#[derive(Clone, Copy, Debug, Default)]
pub struct UniformHelpers;

pub(super) fn register(registry: &mut HelperRegistry, _: &Arc<MetricRegistry>) {
    let about = "Drawn at random among all that are neither targets nor suspected.";
    registry.register("uniform", about, vec![], |_, _| Ok(Arc::new(UniformHelpers)));
}

impl Helpers for UniformHelpers {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = ctx.view;
        pick_uniform(ctx, want, picks, |slot| !view.suspect(slot) && !targets.contains(&slot));
    }
}
