//! `auto`: the strategy that the evidence in docs/choosing.md supports where nothing else is asked for.

use std::sync::Arc;

use super::SelectorRegistry;
use super::schedule::Schedule;
use crate::metric::MetricRegistry;
use crate::selector::DynSelector;

pub(super) fn register(registry: &mut SelectorRegistry, _: &Arc<MetricRegistry>) {
    let about = "Recommended default: schedule, with its default parameters.";
    registry.register("auto", about, vec![], |_, _| Ok(DynSelector::new("auto", Schedule::default())));
}
