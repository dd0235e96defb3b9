//! The built-in strategies keep the laws, and each law can be broken.

use std::sync::Arc;

use swimlab_selectors::laws::{self, Laws};
use swimlab_selectors::registry::Spec;
use swimlab_selectors::{BuildContext, DynSelector, Peer, RttSource, build_selector, helpers, selectors};

/// Sites on a line.
struct Line;

impl RttSource for Line {
    fn rtt_us(&self, from: &Peer, to: &Peer) -> Option<u32> {
        Some(self.between(from.site?, to.site?))
    }

    fn sites(&self) -> u32 {
        5
    }

    fn between(&self, from: u32, to: u32) -> u32 {
        200 + 1000 * from.abs_diff(to)
    }
}

fn built_in(label: &str) -> DynSelector {
    let context = BuildContext { rtt: Some(Arc::new(Line)) };
    build_selector(&selectors(), &Spec::parse(label).unwrap(), &context).unwrap()
}

fn keeps_the_laws(label: &str) {
    let even = !label.contains("xor");
    Laws { even, ..Laws::default() }.check(|| built_in(label));
}

#[test]
fn uniform_keeps_the_laws() {
    keeps_the_laws("uniform");
}

#[test]
fn shuffle_keeps_the_laws() {
    keeps_the_laws("shuffle");
}

#[test]
fn bucket_keeps_the_laws_by_every_metric() {
    for metric in ["ring", "xor", "finger", "euclid", "euclid;width=5;height=4", "great-circle", "rtt", "hierarchy"] {
        for buckets in [2, 3, 8] {
            keeps_the_laws(&format!("bucket:buckets={buckets},metric={metric}"));
        }
    }
}

#[test]
fn neighborhood_keeps_the_laws_by_every_metric() {
    for metric in ["ring", "xor", "finger", "euclid", "euclid;width=5;height=4", "great-circle", "rtt", "hierarchy"] {
        for rest in ["radius=3", "radius=16,escape=0.6", "escape=0.1,picks=2,radius=4"] {
            keeps_the_laws(&format!("neighborhood:metric={metric},{rest}"));
        }
    }
}

#[test]
fn neighborhood_keeps_the_laws_by_what_it_learns() {
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
fn neighborhood_without_neighbours_is_round_robin() {
    for rest in ["radius=0", "picks=0", "radius=0,beyond=bucket"] {
        keeps_the_laws(&format!("neighborhood:metric=ring,{rest}"));
    }
}

#[test]
fn spatial_keeps_the_laws_by_every_metric() {
    for metric in ["ring", "xor", "finger", "euclid", "euclid;width=5;height=4", "great-circle", "rtt", "hierarchy"] {
        for rest in ["exponent=3", "exponent=0", "exponent=3,bag=true", "exponent=1.5,bag=true,least=0.2"] {
            // By weights that follow the gaps between ids, who has wide gaps around it is drawn less.
            let even = !["ring", "xor", "finger"].contains(&metric);
            let label = format!("spatial:metric={metric},{rest}");
            Laws { even, ..Laws::default() }.check(|| built_in(&label));
        }
    }
}

#[test]
fn schedule_keeps_the_laws() {
    for rest in [
        "",
        ":least=2",
        ":least=2,escape=0.5",
        ":hold=7,least=3,escape=0.25",
        ":least=1,news=0",
        ":random=1",
        ":learn=true",
    ] {
        keeps_the_laws(&format!("schedule{rest}"));
    }
    keeps_the_laws("auto");
}

#[test]
fn helpers_keep_the_laws() {
    for label in ["uniform", "diverse", "spatial:metric=euclid", "spatial:metric=ring,exponent=1"] {
        let spec = Spec::parse(label).unwrap();
        laws::check_helpers(|| helpers().build(&spec, &BuildContext::default()).unwrap());
    }
}
