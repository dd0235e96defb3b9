//! The laws, checked for every registered strategy and for variants with other parameters.

use std::sync::Arc;

use swimlab_selectors::laws::Laws;
use swimlab_selectors::{
    BuildContext, DynSelector, Param, RttSource, Spec, build_metric, build_selector, helpers, metrics, selectors,
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

/// Metrics whose distances are ids, so that some members get more pings than others.
const ID_METRICS: [&str; 3] = ["ring", "xor", "finger"];

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

fn keeps_the_laws(label: &str) {
    let even_load = !label.contains("xor");
    Laws { even_load, ..Laws::default() }.check(|| built(label));
}

#[test]
fn every_registered_selector_keeps_the_laws_with_its_default_parameters() {
    let registry = selectors();
    let entries = registry.entries().iter().map(|entry| (entry.name, entry.params.clone()));
    let labels = labels(entries);
    assert!(labels.len() >= 25, "{labels:?}");
    for label in labels {
        let even_load = !ID_METRICS.iter().any(|metric| label.ends_with(&format!("metric={metric}")));
        Laws { even_load, ..Laws::default() }.check(|| built(&label));
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

const METRICS: [&str; 8] =
    ["ring", "xor", "finger", "euclid", "euclid;width=5;height=4", "great-circle", "rtt", "hierarchy"];

#[test]
fn bucket_keeps_the_laws_with_every_metric() {
    for metric in METRICS {
        for buckets in [2, 3, 8] {
            keeps_the_laws(&format!("bucket:buckets={buckets},metric={metric}"));
        }
    }
}

#[test]
fn neighborhood_keeps_the_laws_with_every_metric() {
    for metric in METRICS {
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
    for metric in METRICS {
        for rest in ["exponent=3", "exponent=0", "exponent=3,bag=true", "exponent=1.5,bag=true,least=0.2"] {
            let even_load = !ID_METRICS.contains(&metric);
            let label = format!("spatial:metric={metric},{rest}");
            Laws { even_load, ..Laws::default() }.check(|| built(&label));
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
