//! The strategies, one file each, and the registry that finds them by name.

mod bucket;
mod buckets;
mod learned_location;
mod learned_neighbors;
mod neighborhood;
mod neighbors;
mod partition;
mod permutation;
mod ring_schedule;
mod round_robin;
mod schedule;
mod shuffle;
mod spatial;
mod uniform;

use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::metric::{Metric, build_metric, build_shared_metric, metrics};
use crate::power_law::PowerLaw;
use crate::registry::{Param, Params, Registry, Spec, SpecError, Value};
use crate::selector::DynSelector;

pub use bucket::{Bucket, BucketState};
pub use buckets::bucket_sizes;
pub use neighborhood::{Beyond, Neighborhood, NeighborhoodState};
pub use neighbors::Neighborhoods;
pub use permutation::Permutation;
pub use ring_schedule::RingSchedules;
pub use schedule::{Schedule, ScheduleState};
pub use shuffle::{Shuffle, ShuffleState};
pub use spatial::{Spatial, SpatialState};
pub use uniform::Uniform;

/// The built-in strategies over the built-in metrics.
///
/// ```
/// use swimlab_selectors::registry::Spec;
/// use swimlab_selectors::strategies::{build_selector, selectors};
/// use swimlab_selectors::{Bound, BuildContext};
///
/// let spec = Spec::parse("bucket:buckets=8,metric=ring")?;
/// let strategy = build_selector(&selectors(), &spec, &BuildContext::default())?;
/// assert_eq!(strategy.label(), "bucket:buckets=8,metric=ring");
/// assert_eq!(strategy.bound(128, 1), Bound::Periods(889));
/// # Ok::<(), swimlab_selectors::registry::SpecError>(())
/// ```
pub fn selectors() -> Registry<DynSelector, BuildContext> {
    selectors_over(metrics())
}

/// The built-in strategies over metrics of one's own.
pub fn selectors_over(metrics: Registry<Arc<dyn Metric>, BuildContext>) -> Registry<DynSelector, BuildContext> {
    let metrics = Arc::new(metrics);
    let mut registry = Registry::new("selector");
    let about = "Basic SWIM: members drawn at random, without memory.";
    registry.register("uniform", about, vec![], |_, _| Ok(DynSelector::new("uniform", Uniform)));
    let about = "SWIM's round robin over a shuffled list.";
    registry.register("shuffle", about, vec![], |_, _| Ok(DynSelector::new("shuffle", Shuffle)));
    let by = Arc::clone(&metrics);
    registry.register(
        "bucket",
        "Round robin over buckets by distance, near ones more often (go-swim).",
        vec![metric(), buckets("how many buckets")],
        move |params, context| {
            let metric = build_shared_metric(&by, params.text("metric"), context)?;
            Ok(DynSelector::new("bucket", Bucket::new(metric, params.count("buckets"))))
        },
    );
    let by = Arc::clone(&metrics);
    let mut params = power_law("what near means");
    params.push(Param::flag(
        "bag",
        false,
        "whether everyone's turn comes: draws from a bag that is emptied (time-bounded)",
    ));
    registry.register(
        "spatial",
        "Near members more often, by a power of the distance (Medley).",
        params,
        move |p, s| {
            let metric = build_shared_metric(&by, p.text("metric"), s)?;
            let law = PowerLaw::new(p.real("exponent"), p.real("least"));
            Ok(DynSelector::new("spatial", Spatial::new(metric, law, p.flag("bag"))))
        },
    );
    registry.register(
        "neighborhood",
        "Most pings to the nearest, a fixed share to everyone beyond.",
        vec![
            // EventKind nobody has to configure: agents know no more of their network.
            Param { default: Some(Value::Text("vivaldi".into())), ..metric() },
            Param::count(
                "radius",
                0,
                u32::MAX,
                16,
                "how many of the nearest are the neighbourhood; 0: plain round robin",
            )
            .unit("peers"),
            Param::count("picks", 0, u32::MAX, 1, "how many of a period's pings go there; all others go beyond")
                .unit("pings per period"),
            Param::real(
                "escape",
                0.001,
                0.999,
                0.25,
                "share of the pings to the neighbourhood that goes beyond instead",
            ),
            Param::choice("beyond", &["shuffle", "bucket"], "shuffle", "in which order everyone beyond is pinged"),
            buckets("how many buckets there are beyond, with beyond=bucket"),
        ],
        move |params, context| neighborhood(&metrics, params, context),
    );
    registry.register(
        "schedule",
        "Everyone is pinged once per period by one other, mostly a neighbour (needs clocks that agree).",
        schedule(),
        |p, _| {
            let (escape, news, random) = (p.real("escape"), p.real("news"), p.real("random"));
            let schedule = Schedule::new(escape, p.count("least"), news, random, p.count("hold"), p.flag("learn"));
            Ok(DynSelector::new("schedule", schedule))
        },
    );
    let about = "EventKind the evidence supports where nothing else is said: schedule, with its defaults.";
    registry.register("auto", about, vec![], |_, _| Ok(DynSelector::new("auto", Schedule::default())));
    registry
}

/// Builds the strategy that a spec describes, labelled as the spec reads.
///
/// # Errors
/// Says what is wrong with the spec, with the nearest valid names.
pub fn build_selector(
    registry: &Registry<DynSelector, BuildContext>,
    spec: &Spec,
    context: &BuildContext,
) -> Result<DynSelector, SpecError> {
    registry.build(spec, context).map(|strategy| strategy.relabel(spec.to_string()))
}

fn metric() -> Param {
    Param::text("metric", "what near means: a metric, with parameters as in euclid;width=16;height=16")
}

/// The parameters of a [`PowerLaw`] over a metric.
pub(crate) fn power_law(about: &'static str) -> Vec<Param> {
    vec![
        Param { about, ..metric() },
        Param::real("exponent", 0.0, 20.0, 3.0, "m: weights fall as distance^-m; 0: all weigh the same"),
        Param::real("least", 1e-9, 1.0, 1e-6, "the least weight of anybody, the nearest weighing 1"),
    ]
}

fn buckets(about: &'static str) -> Param {
    Param::count("buckets", 2, 16, 2, about).unit("buckets")
}

fn schedule() -> Vec<Param> {
    vec![
        Param::real(
            "escape",
            0.001,
            0.5,
            0.167,
            "share of the pings that leaves the neighbourhood; kept as 1/q, q whole",
        ),
        Param::count("least", 1, u32::MAX, 8, "how many members make a neighbourhood, at least").unit("members"),
        Param::real("news", 0.0, 1.0, 1.0, "share of the periods in which those with news ping across the group"),
        Param::real("random", 0.0, 1.0, 0.75, "share of those periods in which it is anybody that they ping there"),
        Param::count("hold", 1, 1000, 1, "for how long the same member pings another").unit("periods"),
        Param::flag("learn", false, "whether members without zone or place learn one from round trips and tell it"),
    ]
}

fn neighborhood(
    metrics: &Registry<Arc<dyn Metric>, BuildContext>,
    params: &Params,
    context: &BuildContext,
) -> Result<DynSelector, String> {
    let metric = build_metric(metrics, params.text("metric"), context)?;
    let beyond = match params.text("beyond") {
        "bucket" => Beyond::Bucket(params.count("buckets")),
        _ => Beyond::Shuffle,
    };
    let (radius, picks) = (params.count("radius"), params.count("picks"));
    Ok(DynSelector::new("neighborhood", Neighborhood::new(metric, radius, picks, params.real("escape"), beyond)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(label: &str) -> Result<DynSelector, String> {
        let spec = Spec::parse(label).map_err(|error| error.to_string())?;
        build_selector(&selectors(), &spec, &BuildContext::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_strategy_is_built_from_its_label_and_keeps_it() {
        let labels = [
            "uniform",
            "shuffle",
            "bucket:buckets=4,metric=xor",
            "neighborhood:metric=euclid;width=16;height=16,radius=8",
            "neighborhood:metric=vivaldi",
            "neighborhood:picks=1,radius=16",
            "neighborhood:beyond=bucket,buckets=3,escape=0.1,metric=finger,picks=2,radius=0",
            "spatial:bag=true,exponent=2.5,least=0.001,metric=great-circle",
        ];
        for label in labels {
            assert_eq!(build(label).unwrap().label(), label);
        }
    }

    #[test]
    fn errors_name_the_nearest_valid_names() {
        let error = |label| build(label).unwrap_err();
        assert_eq!(error("shufle"), "unknown selector \"shufle\"; did you mean shuffle or schedule?");
        assert_eq!(error("bucket:metric=hierarchie"), "bucket: unknown metric \"hierarchie\"; did you mean hierarchy?");
        assert_eq!(
            error("neighborhood:metric=ring,radios=3"),
            "neighborhood has no parameter \"radios\"; did you mean radius?"
        );
        assert_eq!(
            error("neighborhood:metric=ring,escape=0"),
            "neighborhood: escape must be a number from 0.001 to 0.999, not 0"
        );
        assert!(error("bucket").starts_with("bucket: metric is missing"));
        assert!(error("bucket:metric=rtt").contains("no measured round-trip times"));
        assert!(error("bucket:metric=vivaldi").contains("is learned"));
        assert!(error("spatial:metric=vivaldi").contains("is learned"));
    }
}
