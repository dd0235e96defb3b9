//! The laws, checked for every registered strategy and for variants with other parameters.

use std::sync::Arc;

use swimlab_selectors::laws::Laws;
use swimlab_selectors::{
    BuildContext, DynSelector, Metric, Param, RttSource, Spec, build_metric, build_selector, helpers, metrics,
    selectors,
};

/// Sites on a line.
struct Line;

impl RttSource for Line {
    fn sites(&self) -> u32 {
        5
    }

    fn between(&self, from: u32, to: u32) -> u32 {
        200 + 1000 * from.abs_diff(to)
    }
}

fn context() -> BuildContext {
    BuildContext::with_rtt(Arc::new(Line))
}

fn built(label: &str) -> DynSelector {
    build_selector(&selectors(), &Spec::parse(label).unwrap(), &context()).unwrap()
}

fn metric(label: &str) -> Arc<dyn Metric> {
    build_metric(&metrics(), label, &context()).unwrap()
}

/// Every registered metric that is not learned, with its default parameters, and a variant with others.
fn metric_labels() -> Vec<&'static str> {
    let names: Vec<&str> = metrics().entries().iter().map(|entry| entry.name).collect();
    names.into_iter().filter(|name| !metric(name).learned()).chain(["euclid;width=5;height=4"]).collect()
}

/// Returns the labels of every entry with its default parameters, and with each metric if it has such a parameter.
fn labels(entries: impl Iterator<Item = (&'static str, Vec<Param>)>) -> Vec<String> {
    let metrics = metrics();
    let metric_labels: Vec<&str> = metrics.entries().iter().map(|entry| entry.name).collect();
    let fits = |label: &&str| !build_metric(&metrics, label, &context()).unwrap().learned();
    let mut labels = Vec::new();
    for (name, params) in entries {
        match params.iter().find(|param| param.name == "metric") {
            Some(metric) => {
                let fitting = metric_labels.iter().filter(|label| metric.default.is_some() || fits(label));
                labels.extend(fitting.map(|metric| format!("{name}:metric={metric}")));
                labels.extend(metric.default.is_some().then(|| name.to_owned()));
            }
            None => labels.push(name.to_owned()),
        }
    }
    labels
}

/// The laws, with the one about an even load only where ids are not distances.
fn laws(even_load: bool) -> Laws {
    let mut laws = Laws::default();
    laws.even_load = even_load;
    laws
}

fn keeps_the_laws(label: &str) {
    let even_load = !label.contains("xor");
    laws(even_load).check(|| built(label));
}

#[test]
fn every_registered_selector_keeps_the_laws_with_its_default_parameters() {
    let registry = selectors();
    let entries = registry.entries().iter().map(|entry| (entry.name, entry.params.clone()));
    let labels = labels(entries);
    assert!(labels.len() >= 25, "{labels:?}");
    for label in labels {
        let even_load = !label.split_once("metric=").is_some_and(|(_, name)| metric(name).compares_ids());
        laws(even_load).check(|| built(&label));
    }
}

#[test]
fn every_registered_helper_strategy_keeps_the_laws_with_its_default_parameters() {
    let registry = helpers();
    let entries = registry.entries().iter().map(|entry| (entry.name, entry.params.clone()));
    for label in labels(entries) {
        let spec = Spec::parse(&label).unwrap();
        Laws::default().check_helpers(|| registry.build(&spec, &context()).unwrap());
    }
}

#[test]
fn bucket_keeps_the_laws_with_every_metric() {
    for metric in metric_labels() {
        for buckets in [2, 3, 8] {
            keeps_the_laws(&format!("bucket:buckets={buckets},metric={metric}"));
        }
    }
}

#[test]
fn neighborhood_keeps_the_laws_with_every_metric() {
    for metric in metric_labels() {
        for rest in ["radius=3", "radius=16,escape=0.6", "escape=0.1,picks=2,radius=4"] {
            keeps_the_laws(&format!("neighborhood:metric={metric},{rest}"));
        }
    }
}

#[test]
fn neighborhood_keeps_the_laws_with_learned_distances() {
    for rest in ["radius=3", "radius=16,escape=0.6", "escape=0.1,picks=2,radius=4", "radius=0", "radius=1000"] {
        keeps_the_laws(&format!("neighborhood:metric=vivaldi,{rest}"));
    }
}

#[test]
fn neighborhood_keeps_the_laws_with_buckets_beyond() {
    for metric in ["ring", "finger", "euclid", "rtt"] {
        for rest in ["radius=3,buckets=2", "radius=5,buckets=4,picks=3", "radius=1000,buckets=2"] {
            keeps_the_laws(&format!("neighborhood:beyond=bucket,escape=0.4,metric={metric},{rest}"));
        }
    }
}

#[test]
fn neighborhood_without_neighbors_keeps_the_laws() {
    for rest in ["radius=0", "picks=0", "radius=0,beyond=bucket"] {
        keeps_the_laws(&format!("neighborhood:metric=ring,{rest}"));
    }
}

#[test]
fn spatial_keeps_the_laws_with_every_metric() {
    for name in metric_labels() {
        for rest in ["exponent=3", "exponent=0", "exponent=3,bag=true", "exponent=1.5,bag=true,least=0.2"] {
            let even_load = !metric(name).compares_ids();
            let label = format!("spatial:metric={name},{rest}");
            laws(even_load).check(|| built(&label));
        }
    }
}

#[test]
fn schedule_keeps_the_laws() {
    for rest in
        ["least=2", "least=2,escape=0.5", "hold=7,least=3,escape=0.25", "least=1,news=0", "random=1", "learn=true"]
    {
        keeps_the_laws(&format!("schedule:{rest}"));
    }
}

#[test]
fn spatial_helpers_keep_the_laws_with_other_exponents() {
    let spec = Spec::parse("spatial:metric=ring,exponent=1").unwrap();
    Laws::default().check_helpers(|| helpers().build(&spec, &context()).unwrap());
}
